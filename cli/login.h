/* cli/login.h — A private folder with the user's registry logins and ours, for the builders: what
 * is secret reaches them by a file of mode 0600, never by a command line or a variable.
 *
 *     struct login l;
 *     if (login_open(c, &registry, &l, e))
 *         return -1;
 *     …                                       // children with l.env
 *     login_close(&l);                        // the folder is gone, on every way out
 *
 * A DOCKER_CONFIG of its own hides from docker the user's plug-ins, builders and contexts: they are
 * pointed at again. */
#ifndef CLI_LOGIN_H
#define CLI_LOGIN_H
#include <stdbool.h>

#include "base/auto.h"

struct arena;
struct cli;
struct err;
struct registry_setting;

struct login {
    const char *dir;        /* NULL = closed */
    const char *const *env; /* the environment of the builders */
};

/* reg's username may be NULL: then the user's own logins are all. */
int login_open(struct cli *c, const struct registry_setting *reg, struct login *ret, struct err *e);
void login_close(struct login *l);

static inline void auto_login(struct login *l)
{
    login_close(l);
}

/* Pure: the text of the file. old: the user's, may be NULL. dir: the user's folder, for docker's
 * form; NULL = the form of podman and buildah. */
const char *login_text(struct arena *a, const char *old, const struct registry_setting *reg,
                       const char *dir, struct err *e);

#endif
