/* cli/print.h — Results on stdout as JSON or YAML. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H
#include <cjson/cJSON.h>
#include <stdio.h>

#include "options.h"

struct cli;

/* OUTPUT_YAML as YAML, else as JSON, indented. */
void print_tree(FILE *to, const cJSON *tree, enum output form);

#endif
