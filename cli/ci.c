#include "ci.h"

#include <string.h>

#include "cli.h"

#define HEADS "refs/heads/"

static struct ci read_github(const struct cli *c)
{
    const char *ref = cli_env(c, "GITHUB_REF");
    struct ci ci = { .is_ci = true, .knows_branch = true };

    ci.target = cli_env(c, "GITHUB_BASE_REF"); /* of pull requests only */
    if (!ci.target && ref && !strncmp(ref, HEADS, strlen(HEADS)))
        ci.branch = ref + strlen(HEADS);
    return ci;
}

static struct ci read_gitlab(const struct cli *c)
{
    struct ci ci = { .is_ci = true, .knows_branch = true };

    ci.target = cli_env(c, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME");
    ci.branch = ci.target ? NULL : cli_env(c, "CI_COMMIT_BRANCH");
    return ci;
}

struct ci ci_read(const struct cli *c)
{
    const char *any = cli_env(c, "CI");

    if (cli_env(c, "GITHUB_ACTIONS"))
        return read_github(c);
    if (cli_env(c, "GITLAB_CI"))
        return read_gitlab(c);
    return (struct ci){ .is_ci = any && strcmp(any, "false") && strcmp(any, "0") };
}
