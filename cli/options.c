#include "options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#define PROJECT "up build changed deploy diff"
#define WORK "up build changed"
#define WAITS "up deploy wait rollback retry"
#define CLUSTER                                                                                    \
    "up changed deploy diff status wait logs history rollback retry pause suspend resume approve"

#define COUNT_MAX 64
#define AT(member) offsetof(struct options, member)

const struct flag FLAGS[] = {
    { "base", 0, FLAG_TEXT, AT(base), "REF", WORK,
      "what changed since REF; default: found out from the branch" },
    { "all", 0, FLAG_BOOL, AT(all), NULL, PROJECT, "every app" },
    { "apps", 0, FLAG_LIST, AT(apps), "A,B", PROJECT " rollback", "these apps only" },
    { "graph", 0, FLAG_BOOL, AT(graph), NULL, WORK,
      "of packages/ and the lockfile, only what an app reaches marks it" },
    { "require-clean", 0, FLAG_BOOL, AT(require_clean), NULL, WORK, "refuse uncommitted work" },
    { "require-current", 0, FLAG_BOOL, AT(require_current), NULL, "up changed",
      "fail when the mainline has changed an app of this work since" },
    { "fail-if-unchanged", 0, FLAG_BOOL, AT(fail_if_unchanged), NULL, WORK,
      "exit 5 when nothing changed" },
    { "fail-if-superseded", 0, FLAG_BOOL, AT(fail_if_superseded), NULL, WAITS,
      "exit 6 when a newer release took over" },
    { "dry-run", 0, FLAG_BOOL, AT(dry_run), NULL, "up build deploy rollback init",
      "say what would be done; write nothing" },
    { "engine", 0, FLAG_TEXT, AT(engine), "NAME", "up build",
      "buildx, podman or buildah; default: the first that answers" },
    { "parallel", 0, FLAG_COUNT, AT(parallel), "N", "up build",
      "apps built at once; default: as many as cores, at most 4" },
    { "no-push", 0, FLAG_BOOL, AT(no_push), NULL, "build", "build only" },
    { "skip-build", 0, FLAG_BOOL, AT(skip_build), NULL, "up", "release images that are there" },
    { "skip-deploy", 0, FLAG_BOOL, AT(skip_deploy), NULL, "up", "build and push only" },
    { "rebuild", 0, FLAG_BOOL, AT(rebuild), NULL, "up build", "build what is there already, too" },
    { "timeout", 0, FLAG_TIME, AT(timeout_ms), "5m", WAITS " status",
      "how long to wait for the release" },
    { "commit", 0, FLAG_TEXT, AT(commit), "SHA", "deploy diff wait approve",
      "the commit that is meant" },
    { "to", 0, FLAG_TEXT, AT(to), "COMMIT", "rollback",
      "go back to this commit; default: the last good release before" },
    { "watch", 'w', FLAG_BOOL, AT(watch), NULL, "status", "go on showing what changes" },
    { "exit-code", 0, FLAG_BOOL, AT(exit_code), NULL, "diff",
      "exit 5 when a release would change anything" },
    { "registry", 0, FLAG_TEXT, AT(registry), "HOST[/PATH]", "up build deploy diff",
      "where images are" },
    { "namespace", 'n', FLAG_TEXT, AT(namespace_), "NAME", CLUSTER,
      "namespace of the AppRelease; default: btc-shopflow" },
    { "name", 0, FLAG_TEXT, AT(name), "NAME", CLUSTER,
      "name of the AppRelease; default: shopflow" },
    { "kubeconfig", 0, FLAG_TEXT, AT(kubeconfig), "FILE", CLUSTER, "kubeconfig to use" },
    { "context", 0, FLAG_TEXT, AT(context), "NAME", CLUSTER, "context of the kubeconfig" },
    { "output", 'o', FLAG_OUTPUT, AT(output), "json|yaml|wide",
      "build changed deploy diff status history", "form of the result" },
    { "directory", 'C', FLAG_TEXT, AT(directory), "DIR", NULL, "act as if started in DIR" },
    { "help", 'h', FLAG_BOOL, AT(help), NULL, NULL, "this text" },
    { "version", 0, FLAG_BOOL, AT(version), NULL, NULL, "the version" },
    { NULL, 0, FLAG_BOOL, 0, NULL, NULL, NULL },
};

/* --- the tables --- */

static bool has_word(const char *words, const char *word, size_t len)
{
    for (const char *at = words; at && *at; at += strcspn(at, " "), at += *at == ' ')
        if (strcspn(at, " ") == len && strncmp(at, word, len) == 0)
            return true;
    return false;
}

bool flag_is_of(const struct flag *f, const struct command *c)
{
    /* "registry" stands for "registry up" and "registry secret" */
    return !f->commands || has_word(f->commands, c->name, strcspn(c->name, " "));
}

static const struct flag *find_flag(const char *name, size_t len)
{
    for (const struct flag *f = FLAGS; f->name; f++)
        if (strlen(f->name) == len && strncmp(f->name, name, len) == 0)
            return f;
    return NULL;
}

static const struct flag *find_letter(char letter)
{
    for (const struct flag *f = FLAGS; f->name; f++)
        if (f->letter && f->letter == letter)
            return f;
    return NULL;
}

/* The command whose one or two words stand at the front of the operands; *ret_words are they. */
static const struct command *find_command(const char *const *words, size_t *ret_words)
{
    for (const struct command *c = COMMANDS; c->name; c++) {
        size_t first = strcspn(c->name, " ");
        const char *second = c->name[first] ? c->name + first + 1 : NULL;

        if (!words[0] || strlen(words[0]) != first || strncmp(words[0], c->name, first))
            continue;
        if (second && (!words[1] || strcmp(words[1], second)))
            continue;
        *ret_words = second ? 2 : 1;
        return c;
    }
    return NULL;
}

/* --- values --- */

/* "a,b" → more names at the end of *list. */
static void add_names(struct arena *a, const char ***list, const char *text)
{
    size_t n = 0;
    const char **longer;

    while (*list && (*list)[n])
        n++;
    longer = arena_array(a, n + strlen(text) + 2, sizeof *longer);
    if (n)
        memcpy(longer, *list, n * sizeof *longer);
    while (*text) {
        size_t len = strcspn(text, ",");

        if (len)
            longer[n++] = arena_strndup(a, text, len);
        text += len + (text[len] == ',');
    }
    *list = longer;
}

/* "90s", "5m", "1h30m" → milliseconds, at most a week; -1 for anything else. */
static int64_t read_duration(const char *text)
{
    const char *units = "smh";
    const int64_t factor[] = { 1000, 60000, 3600000 };
    int64_t sum = 0;

    if (!*text)
        return -1;
    while (*text) {
        char *end;
        long n = strtol(text, &end, 10);
        const char *unit = *end ? strchr(units, *end) : NULL;

        if (end == text || *text < '0' || *text > '9' || n > 604800 || !unit)
            return -1;
        sum += n * factor[unit - units];
        text = end + 1;
    }
    return sum > 0 && sum <= 604800000 ? sum : -1;
}

/* "1" … "64"; 0 for anything else. */
static size_t read_count(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);

    return *text >= '0' && *text <= '9' && !*end && n <= COUNT_MAX ? (size_t)n : 0;
}

static int read_output(const char *text, enum output *ret)
{
    static const char *const NAMES[] = { "", "wide", "json", "yaml" };

    for (size_t i = 1; i < ARRAY_LEN(NAMES); i++) {
        if (strcmp(text, NAMES[i]))
            continue;
        *ret = (enum output)i;
        return 0;
    }
    return -1;
}

static int set_value(const struct flag *f, const char *text, struct arena *a, struct options *o,
                     struct err *e)
{
    char *at = (char *)o + f->offset;

    switch (f->kind) {
    case FLAG_BOOL:
        *(bool *)at = true;
        return 0;
    case FLAG_TEXT:
        if (!*text)
            return err_set(e, ERR_INVALID, 0, "--%s: must not be empty", f->name);
        *(const char **)at = text;
        return 0;
    case FLAG_LIST:
        add_names(a, (const char ***)at, text);
        if (!**(const char ***)at)
            return err_set(e, ERR_INVALID, 0, "--%s: names no app", f->name);
        return 0;
    case FLAG_TIME:
        *(int64_t *)at = read_duration(text);
        if (*(int64_t *)at < 0)
            return err_set(e, ERR_INVALID, 0, "--%s '%s': must be a time such as 90s, 5m or 1h30m",
                           f->name, text);
        return 0;
    case FLAG_COUNT:
        *(size_t *)at = read_count(text);
        if (!*(size_t *)at)
            return err_set(e, ERR_INVALID, 0, "--%s '%s': must be a number from 1 to %d", f->name,
                           text, COUNT_MAX);
        return 0;
    case FLAG_OUTPUT:
    default:
        if (read_output(text, (enum output *)at))
            return err_set(e, ERR_INVALID, 0, "--%s '%s': must be json, yaml or wide", f->name,
                           text);
        return 0;
    }
}

/* --- the line --- */

/* What is read of argv so far. */
struct reading {
    char **argv;
    int argc, at;
    struct arena *arena;
    struct options *o;
    const struct flag **given; /* to be checked against the command, known only at the end */
    size_t n_given;
};

static int take_flag(struct reading *r, const struct flag *f, const char *value, struct err *e)
{
    if (f->kind == FLAG_BOOL && value)
        return err_set(e, ERR_INVALID, 0, "--%s takes no value", f->name);
    if (f->kind != FLAG_BOOL && !value) {
        if (r->at + 1 >= r->argc)
            return err_set(e, ERR_INVALID, 0, "--%s needs a value: %s", f->name, f->value);
        value = r->argv[++r->at];
    }
    r->given[r->n_given++] = f;
    return set_value(f, value, r->arena, r->o, e);
}

static int read_long(struct reading *r, const char *word, struct err *e)
{
    size_t len = strcspn(word, "=");
    const struct flag *f = find_flag(word, len);

    if (!f)
        return err_set(e, ERR_INVALID, 0, "'--%.*s' is not a flag; see shopflow --help", (int)len,
                       word);
    return take_flag(r, f, word[len] ? word + len + 1 : NULL, e);
}

static int read_short(struct reading *r, const char *word, struct err *e)
{
    const struct flag *f = find_letter(word[0]);

    if (!f)
        return err_set(e, ERR_INVALID, 0, "'-%c' is not a flag; see shopflow --help", word[0]);
    if (f->kind == FLAG_BOOL && word[1])
        return err_set(e, ERR_INVALID, 0, "'-%s': write the flags apart, as -%c -%c", word, word[0],
                       word[1]);
    return take_flag(r, f, word[1] ? word + 1 : NULL, e);
}

static int read_words(struct reading *r, struct err *e)
{
    for (r->at = 1; r->at < r->argc; r->at++) {
        const char *word = r->argv[r->at];
        int failed = 0;

        if (strcmp(word, "--") == 0)
            continue;
        if (strncmp(word, "--", 2) == 0)
            failed = read_long(r, word + 2, e);
        else if (word[0] == '-' && word[1])
            failed = read_short(r, word + 1, e);
        else
            r->o->operands[r->o->n_operands++] = word;
        if (failed)
            return -1;
    }
    return 0;
}

static int check_operands(const struct options *o, struct err *e)
{
    const struct command *c = o->command;

    if (o->n_operands < c->min_operands)
        return err_set(e, ERR_INVALID, 0, "%s: needs %s; see shopflow %s --help", c->name,
                       c->operands, c->name);
    if (o->n_operands > c->max_operands)
        return err_set(e, ERR_INVALID, 0, "%s: '%s' is not expected; see shopflow %s --help",
                       c->name, o->operands[c->max_operands], c->name);
    return 0;
}

static int check_flags(const struct reading *r, struct err *e)
{
    for (size_t i = 0; i < r->n_given; i++)
        if (!flag_is_of(r->given[i], r->o->command))
            return err_set(e, ERR_INVALID, 0, "%s: does not take --%s, which belongs to: %s",
                           r->o->command->name, r->given[i]->name, r->given[i]->commands);
    return 0;
}

int options_read(int argc, char **argv, struct arena *a, struct options *ret, struct err *e)
{
    struct reading r = { .argv = argv, .argc = argc, .arena = a, .o = ret };
    size_t words = 0;

    *ret = (struct options){ .operands = arena_array(a, (size_t)argc + 1, sizeof(char *)) };
    r.given = arena_array(a, (size_t)argc + 1, sizeof *r.given);
    if (read_words(&r, e))
        return -1;
    if (ret->n_operands == 0) {
        if (ret->help || ret->version)
            return 0;
        return err_set(e, ERR_INVALID, 0, "no command; see shopflow --help");
    }
    ret->command = find_command(ret->operands, &words);
    if (!ret->command)
        return err_set(e, ERR_INVALID, 0, "'%s' is not a command; see shopflow --help",
                       ret->operands[0]);
    ret->operands += words;
    ret->n_operands -= words;
    return ret->help ? 0 : check_flags(&r, e) || check_operands(ret, e) ? -1 : 0;
}

/* --- help --- */

static void print_commands(struct text *t, struct err *e)
{
    text_puts(
        t, "shopflow: change code, one command, only that app is built, pushed and rolled\n\n", e);
    text_puts(t, "usage: shopflow COMMAND [flags]\n\n", e);
    for (const struct command *c = COMMANDS; c->name; c++)
        text_addf(t, e, "  %-16s %s\n", c->name, c->summary);
    text_puts(t, "\nshopflow COMMAND --help tells its flags.\n", e);
}

static void print_flag(struct text *t, const struct flag *f, struct err *e)
{
    char left[64];
    struct text name = TEXT_INIT(sizeof left - 1);

    if (f->letter)
        text_addf(&name, e, "-%c, --%s", f->letter, f->name);
    else
        text_addf(&name, e, "    --%s", f->name);
    if (f->value)
        text_addf(&name, e, " %s", f->value);
    text_addf(t, e, "  %-28s %s\n", text_str(&name), f->help);
    text_release(&name);
}

const char *options_help(const struct command *c, struct arena *a)
{
    struct text t = TEXT_INIT(64 * KIB);
    struct err e = { 0 };
    const char *help;

    if (c) {
        text_addf(&t, &e, "shopflow %s: %s\n\nusage: shopflow %s%s%s [flags]\n\n", c->name,
                  c->summary, c->name, c->operands ? " " : "", c->operands ? c->operands : "");
        for (const struct flag *f = FLAGS; f->name; f++)
            if (flag_is_of(f, c))
                print_flag(&t, f, &e);
    } else {
        print_commands(&t, &e);
    }
    help = arena_strdup(a, text_str(&t));
    text_release(&t);
    return help;
}
