/* controller/base/yaml.h — YAML 1.1 (the libyaml kind) as a JSON tree, for configuration files.
 *
 * Refused: anchors, aliases, tags, documents over max_bytes, nesting over 64, duplicate keys.
 * Plain scalars follow the YAML 1.2 core schema (true/false, null, integers); all else is text. */
#ifndef BASE_YAML_H
#define BASE_YAML_H
#include <stddef.h>

struct cJSON;
struct err;

/* The first document. Errors name line and column. The caller frees with cJSON_Delete. */
struct cJSON *yaml_parse(const char *bytes, size_t len, size_t max_bytes, struct err *e);

#endif
