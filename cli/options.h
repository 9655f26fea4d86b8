/* cli/options.h — The command line of shopflow: one table of commands, one of flags.
 *
 * Help, completion and the man page are printed from the same tables. Flags may stand before and
 * after operands, and after a literal "--" too (pnpm run passes one on). A flag that a command does
 * not take is an error that names the commands which do. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct cli;
struct err;

struct command {
    const char *name;     /* "up", "registry up" */
    const char *operands; /* "APP", or NULL */
    size_t min_operands, max_operands;
    const char *summary;
    int (*run)(struct cli *c, struct err *e); /* see cli/cli.h */
};

/* All commands, the last with a NULL name (cli/commands.c). */
extern const struct command COMMANDS[];

enum output { OUTPUT_TEXT, OUTPUT_WIDE, OUTPUT_JSON, OUTPUT_YAML };

/* JSON or YAML: the object itself, for programs. */
static inline bool output_is_tree(enum output o)
{
    return o == OUTPUT_JSON || o == OUTPUT_YAML;
}

struct options {
    const struct command *command; /* NULL: only help or version is asked for */
    const char **operands;         /* NULL-terminated */
    size_t n_operands;
    bool help, version;
    /* what to release */
    const char *base;   /* --base; NULL = found out */
    const char **apps;  /* --apps; NULL-terminated; NULL = the changed ones */
    const char *commit; /* --commit */
    bool all, graph, require_clean, require_current, fail_if_unchanged, fail_if_superseded;
    /* how */
    bool dry_run, no_push, rebuild, skip_build, skip_deploy;
    const char *engine; /* --engine; NULL = the first that answers */
    size_t parallel;    /* 0 = as many as there are cores, at most 4 */
    int64_t timeout_ms; /* 0 = the command's default */
    /* where */
    const char *registry, *namespace_, *kubeconfig, *context, *name;
    const char *directory; /* -C */
    /* output */
    enum output output;
    bool watch, exit_code;
    const char *to; /* --to */
};

enum flag_kind { FLAG_BOOL, FLAG_TEXT, FLAG_LIST, FLAG_TIME, FLAG_COUNT, FLAG_OUTPUT };

struct flag {
    const char *name; /* without dashes */
    char letter;      /* 0 = none */
    enum flag_kind kind;
    size_t offset;        /* in struct options */
    const char *value;    /* its name in help: "REF"; NULL for FLAG_BOOL */
    const char *commands; /* "up build", or NULL = all */
    const char *help;
};

/* All flags, the last with a NULL name. */
extern const struct flag FLAGS[];

/* Whether the command takes the flag. */
bool flag_is_of(const struct flag *f, const struct command *c);

/* Read argv. Strings live in argv or in the arena. */
int options_read(int argc, char **argv, struct arena *a, struct options *ret, struct err *e);

/* Help of the program (NULL) or of a command, as text in the arena. */
const char *options_help(const struct command *c, struct arena *a);

#endif
