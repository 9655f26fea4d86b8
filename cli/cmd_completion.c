/* Completion for three shells, from the tables of commands and flags. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

/* Whether c is the first of the commands that begin with its first word. */
static bool begins_group(const struct command *c)
{
    size_t len = strcspn(c->name, " ");

    return c == COMMANDS || strcspn(c[-1].name, " ") != len || strncmp(c->name, c[-1].name, len);
}

/* "up" and "secret" of "registry up" and "registry secret". */
static void print_second_words(const struct command *first)
{
    const struct command *c = first;

    for (; c->name && (c == first || !begins_group(c)); c++)
        if (strchr(c->name, ' '))
            printf("%s", strchr(c->name, ' '));
}

static void print_first_words(void)
{
    for (const struct command *c = COMMANDS; c->name; c++)
        if (begins_group(c))
            printf(" %.*s", (int)strcspn(c->name, " "), c->name);
}

/* The branches of a shell's case: what may follow each first word. */
static void print_cases(const char *indent)
{
    for (const struct command *c = COMMANDS; c->name; c++) {
        if (!begins_group(c))
            continue;
        printf("%s%.*s) offer='", indent, (int)strcspn(c->name, " "), c->name);
        print_second_words(c);
        for (const struct flag *f = FLAGS; f->name; f++)
            if (flag_is_of(f, c))
                printf(" --%s", f->name);
        printf("' ;;\n");
    }
}

static void print_bash(void)
{
    printf("# bash completion of shopflow: source <(shopflow completion bash)\n"
           "_shopflow() {\n"
           "    local offer='' cur=${COMP_WORDS[COMP_CWORD]}\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then offer='");
    print_first_words();
    printf("'; else\n"
           "        case \"${COMP_WORDS[1]}\" in\n");
    print_cases("        ");
    printf("        esac\n"
           "    fi\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$offer\" -- \"$cur\")\n"
           "}\n"
           "complete -F _shopflow shopflow kubectl-shopflow\n");
}

static void print_zsh(void)
{
    printf("#compdef shopflow kubectl-shopflow\n"
           "# zsh completion of shopflow: source <(shopflow completion zsh)\n"
           "_shopflow() {\n"
           "    local offer=''\n"
           "    if (( CURRENT == 2 )); then offer='");
    print_first_words();
    printf("'; else\n"
           "        case $words[2] in\n");
    print_cases("        ");
    printf("        esac\n"
           "    fi\n"
           "    compadd -- ${=offer}\n"
           "}\n"
           "compdef _shopflow shopflow kubectl-shopflow\n");
}

/* 'text' for fish, whose quotes know \' and \\. */
static void print_quoted(const char *text)
{
    putchar('\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('\'');
}

static void print_fish_command(const struct command *c)
{
    size_t len = strcspn(c->name, " ");

    if (c->name[len])
        printf("complete -c shopflow -n '__fish_seen_subcommand_from %.*s' -a %s -d ", (int)len,
               c->name, c->name + len + 1);
    else
        printf("complete -c shopflow -n __fish_use_subcommand -a %s -d ", c->name);
    print_quoted(c->summary);
    printf("\n");
}

static void print_fish_flags(const struct command *c)
{
    for (const struct flag *f = FLAGS; f->name; f++) {
        if (!flag_is_of(f, c))
            continue;
        printf("complete -c shopflow -n '__fish_seen_subcommand_from %.*s' -l %s",
               (int)strcspn(c->name, " "), c->name, f->name);
        if (f->letter)
            printf(" -s %c", f->letter);
        printf("%s -d ", f->value ? " -r" : "");
        print_quoted(f->help);
        printf("\n");
    }
}

static void print_fish(void)
{
    printf("# fish completion of shopflow: shopflow completion fish | source\n"
           "complete -c shopflow -f\n"
           "complete -c kubectl-shopflow -w shopflow\n");
    for (const struct command *c = COMMANDS; c->name; c++) {
        if (begins_group(c) && strchr(c->name, ' '))
            printf("complete -c shopflow -n __fish_use_subcommand -a %.*s\n",
                   (int)strcspn(c->name, " "), c->name);
        print_fish_command(c);
        if (begins_group(c))
            print_fish_flags(c);
    }
}

int cmd_completion(struct cli *c, struct err *e)
{
    const char *shell = c->options->operands[0];

    if (strcmp(shell, "bash") == 0)
        print_bash();
    else if (strcmp(shell, "zsh") == 0)
        print_zsh();
    else if (strcmp(shell, "fish") == 0)
        print_fish();
    else
        return err_set(e, ERR_INVALID, 0, "completion '%s': must be bash, zsh or fish", shell);
    return EXIT_DONE;
}
