/* cli/package_scripts.h — Scripts added to the text of a package.json, which stays as it is
 * otherwise: order, indentation and line ends are its owner's. Pure. */
#ifndef CLI_PACKAGE_SCRIPTS_H
#define CLI_PACKAGE_SCRIPTS_H
#include <stddef.h>

struct arena;
struct err;

struct package_script {
    const char *name, *command;
};

/* The text with those scripts whose names it does not have, in the arena; text itself when it has
 * them all. ERR_INVALID when it is not a JSON object, or its scripts are none. */
const char *package_scripts_add(struct arena *a, const char *text,
                                const struct package_script *scripts, size_t n, struct err *e);

#endif
