/* cli/remote.h — What the remote of the clone is asked. Nothing here waits for ever, and nothing
 * shortens a history. */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H
struct ci;
struct err;
struct git;

/* "origin"; another one if it is the only one; NULL = none. */
const char *remote_name(const struct git *g);

/* The branch of the remote as this clone knows it: a full id; NULL with *e set. */
const char *remote_tip(const struct git *g, const char *remote, const char *branch, struct err *e);

/* "develop" if the remote has it, else its HEAD's branch: the remote is asked, and when it does not
 * answer, what the clone knows of it counts. NULL = neither knows. */
const char *remote_mainline(const struct git *g, const char *remote);

/* Bring refs/remotes/<remote>/<branch> up to date. */
int remote_fetch_branch(const struct git *g, const char *remote, const char *branch, struct err *e);

/* Get a commit, and of history no more than this clone has anyway. 0 or -1. */
int remote_fetch_commit(const struct git *g, const char *remote, const char *id);

/* Complete the history, in CI without its files and folders; also of the branch when it is not
 * NULL. 0 = it is complete; -1 = it is not, and why was said. */
int remote_deepen(struct git *g, const char *remote, const struct ci *ci, const char *branch);

#endif
