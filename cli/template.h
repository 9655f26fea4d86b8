/* cli/template.h — The files that `shopflow init` writes. They are those of examples/monorepo,
 * which the tests build and release; cli/templates.cmake puts them into the program. */
#ifndef CLI_TEMPLATE_H
#define CLI_TEMPLATE_H
#include <stdbool.h>

struct template
{
    const char *path; /* in the repository */
    const char *text;
    bool is_program; /* executable */
};

/* The last has a NULL path. */
extern const struct template TEMPLATES[];

#endif
