/* The commands of shopflow. Each is a file cli/cmd_<name>.c. */
#include "commands.h"

#include "options.h"

const struct command COMMANDS[] = {
    { "deploy", NULL, 0, 0, "release images that are there, and wait", cmd_deploy },
    { "status", NULL, 0, 0, "what the release does, app by app", cmd_status },
    { "wait", NULL, 0, 0, "wait for a release, and exit as it ended", cmd_wait },
    { "completion", "bash|zsh|fish", 1, 1, "print what makes the shell complete shopflow's words",
      cmd_completion },
    { NULL, NULL, 0, 0, NULL, NULL },
};
