/* The commands of shopflow. Each is a file cli/cmd_<name>.c. */
#include "commands.h"

#include "options.h"

const struct command COMMANDS[] = {
    { "up", NULL, 0, 0, "build, push and release what changed, and wait", cmd_up },
    { "changed", NULL, 0, 0, "which apps changed, and why each", cmd_changed },
    { "build", NULL, 0, 0, "build and push the images of what changed", cmd_build },
    { "deploy", NULL, 0, 0, "release images that are there, and wait", cmd_deploy },
    { "diff", NULL, 0, 0, "what a release would change; nothing is touched", cmd_diff },
    { "status", NULL, 0, 0, "what the release does, app by app", cmd_status },
    { "wait", NULL, 0, 0, "wait for a release, and exit as it ended", cmd_wait },
    { "logs", "APP", 1, 1, "what the newest pods say, or those that failed", cmd_logs },
    { "history", NULL, 0, 0, "the releases before, and how they ended", cmd_history },
    { "rollback", NULL, 0, 0, "go back to a release of the history, and wait", cmd_rollback },
    { "retry", NULL, 0, 0, "try once more what failed, and wait", cmd_retry },
    { "pause", NULL, 0, 0, "start no further app; finish what rolls", cmd_pause },
    { "suspend", NULL, 0, 0, "write nothing any more, not even back", cmd_suspend },
    { "resume", NULL, 0, 0, "end a pause or a suspension", cmd_resume },
    { "approve", NULL, 0, 0, "let the release that is asked for start", cmd_approve },
    { "init", NULL, 0, 0, "write what a monorepo needs for all this; nothing is overwritten",
      cmd_init },
    { "completion", "bash|zsh|fish", 1, 1, "print what makes the shell complete shopflow's words",
      cmd_completion },
    { NULL, NULL, 0, 0, NULL, NULL },
};
