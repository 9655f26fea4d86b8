/* cli/against.h — A commit against what an AppRelease says: which inputs differ from those that run
 * well, whose work an app is, whether what is here was taken back before. Asks git. */
#ifndef CLI_AGAINST_H
#define CLI_AGAINST_H
struct app_facts;
struct changed_facts;
struct err;
struct marks;
struct survey;

/* Fill in the asked of each app, what is gone and what superseded it. A mainline run whose place in
 * the history is not to be had becomes work without a base (s->base). */
int against(struct survey *s, const struct marks *m, struct app_facts *facts,
            struct changed_facts *f, struct err *e);

#endif
