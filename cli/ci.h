/* cli/ci.h — What the CI service that runs us says of the run: GitHub Actions, GitLab CI, or any
 * other by CI=true. Pure: the environment is in struct cli. */
#ifndef CLI_CI_H
#define CLI_CI_H
#include <stdbool.h>

struct cli;

struct ci {
    bool is_ci;
    bool knows_branch;  /* the service says what is run: branch and target are the truth */
    const char *branch; /* a run on this branch; NULL = on none (a tag, a pull request) */
    const char *target; /* a pull request into this branch; NULL = none */
};

struct ci ci_read(const struct cli *c);

#endif
