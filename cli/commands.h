/* cli/commands.h — What the table of commands calls; each stands in cli/cmd_<name>.c.
 *
 * They follow cli/cli.h: an exit code, or -1 with *e set. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

struct cli;
struct err;

int cmd_approve(struct cli *c, struct err *e);
int cmd_build(struct cli *c, struct err *e);
int cmd_changed(struct cli *c, struct err *e);
int cmd_completion(struct cli *c, struct err *e);
int cmd_deploy(struct cli *c, struct err *e);
int cmd_diff(struct cli *c, struct err *e);
int cmd_history(struct cli *c, struct err *e);
int cmd_init(struct cli *c, struct err *e);
int cmd_logs(struct cli *c, struct err *e);
int cmd_pause(struct cli *c, struct err *e);
int cmd_resume(struct cli *c, struct err *e);
int cmd_retry(struct cli *c, struct err *e);
int cmd_rollback(struct cli *c, struct err *e);
int cmd_status(struct cli *c, struct err *e);
int cmd_suspend(struct cli *c, struct err *e);
int cmd_up(struct cli *c, struct err *e);
int cmd_wait(struct cli *c, struct err *e);

#endif
