/* The commands of shopflow. Each is a file cli/cmd_<name>.c. */
#include "commands.h"

#include "options.h"

const struct command COMMANDS[] = {
    { "changed", NULL, 0, 0, "which apps changed, and why each", cmd_changed },
    { "completion", "bash|zsh|fish", 1, 1, "print what makes the shell complete shopflow's words",
      cmd_completion },
    { NULL, NULL, 0, 0, NULL, NULL },
};
