/* cli/meant.h — What --apps, --all, --commit and the settings mean, as a struct wanted. */
#ifndef CLI_MEANT_H
#define CLI_MEANT_H
#include <cjson/cJSON.h>

struct cli;
struct err;
struct settings;
struct wanted;

/* The commit: --commit, GIT_SHA, else HEAD of the working folder. */
int meant_commit(struct cli *c, const struct settings *s, const char **ret, struct err *e);

/* The apps of the flags at this commit, as shopflow.yaml describes them, and who asks. object:
 * what is there, NULL = nothing. */
int meant_apps(struct cli *c, const struct settings *s, const cJSON *object, const char *commit,
               struct wanted *ret, struct err *e);

#endif
