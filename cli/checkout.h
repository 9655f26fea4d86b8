/* cli/checkout.h — An app's inputs tree as files, for the builder: the same everywhere.
 *
 * One folder for each app below the clone's .git, locked: a second shopflow waits. It is written
 * anew each time by git itself (umask 022, no conversion of line ends but what .gitattributes says,
 * no sparse checkout); submodules are taken from their own clones. Nothing of the working tree and
 * of git's index is touched.
 *
 * Times: buildkit takes a file for the one it has when name, size and time are the same, so the
 * second is fixed and the nanoseconds follow from the contents. */
#ifndef CLI_CHECKOUT_H
#define CLI_CHECKOUT_H
struct err;
struct git;

struct checkout {
    const char *dir; /* the files */
    int lock;        /* -1 = closed. The builder holds it too: it may outlive us */
};

/* Errors: ERR_CONFLICT another shopflow has the folder (try again), ERR_INVALID a submodule that is
 * not here, ERR_REFUSED no room. */
int checkout_open(const struct git *g, const char *app, const char *tree, struct checkout *ret,
                  struct err *e);
void checkout_close(struct checkout *k); /* the files stay until the next */

/* Where an app's files will be. */
const char *checkout_dir(const struct git *g, const char *app);

#endif
