/* cli/meant.h — What --apps, --all, --commit and the settings mean, as a struct wanted. */
#ifndef CLI_MEANT_H
#define CLI_MEANT_H
#include <cjson/cJSON.h>
#include <stdbool.h>

#include "release.h"

struct cli;
struct err;
struct project;
struct settings;

/* The commit: --commit, GIT_SHA, else HEAD of the working folder. */
int meant_commit(struct cli *c, const struct settings *s, const char **ret, struct err *e);

/* The apps of the flags at this commit, as shopflow.yaml describes them, and who asks. object:
 * what is there, NULL = nothing. */
int meant_apps(struct cli *c, const struct settings *s, const cJSON *object, const char *commit,
               struct wanted *ret, struct err *e);

/* An app at a commit, as shopflow.yaml describes it. */
struct wanted_app meant_app(const struct project *p, const char *name, const char *commit);

/* The rest of what is meant: the registry, shopflow.yaml's fields, who asks. is_there: an
 * AppRelease is. */
int meant_complete(struct cli *c, const struct settings *s, const struct project *p, bool is_there,
                   struct wanted *w, struct err *e);

#endif
