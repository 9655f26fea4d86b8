/* The command line and the file that it names; each error says which flag or field, and what it
 * may be. */
#include "options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "unit.h"

#define ARGS_MAX 8

static int read_args(const char *const *args, struct arena *a, struct options *o, struct err *e)
{
    char *argv[ARGS_MAX + 2] = { arena_strdup(a, "btc-shopflow-deployer") };
    int argc = 1;

    for (; args[argc - 1]; argc++)
        argv[argc] = arena_strdup(a, args[argc - 1]);
    *e = (struct err){ 0 };
    return options_read(argc, argv, a, o, e);
}

static void defaults_need_no_flags(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    const char *const none[] = { NULL };
    struct options o;
    struct err e;

    CASE("read", !read_args(none, a, &o, &e));
    CASE("strings", !strcmp(o.listen, "0.0.0.0:8080") && !strcmp(o.log_level, "info") &&
                        !strcmp(o.log_format, "json"));
    CASE("the rest", !o.default_account && !o.kubeconfig && !o.context && !o.config &&
                         !o.namespaces && !o.hosts && !o.allowed && !o.trusted_realms &&
                         !o.version && !o.help);
}

static void flags_are_read(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    const char *const args[] = { "--kubeconfig", "k",      "--context=c",
                                 "--listen",     "[::]:1", "--log-level=debug",
                                 "--log-format", "text",   NULL };
    const char *const help[] = { "--help", "--version", NULL };
    struct options o;
    struct err e;

    CASE("read", !read_args(args, a, &o, &e));
    CASE("all", !strcmp(o.kubeconfig, "k") && !strcmp(o.context, "c") &&
                    !strcmp(o.listen, "[::]:1") && !strcmp(o.log_level, "debug") &&
                    !strcmp(o.log_format, "text"));
    CASE("questions", !read_args(help, a, &o, &e) && o.help && o.version);
}

static void namespaces_are_a_list(void)
{
    static const struct {
        const char *text, *want; /* "a|b|"; NULL = all */
    } ROWS[] = { { "a", "a|" }, { "a,b", "a|b|" }, { "a,,b,", "a|b|" }, { "", NULL } };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        const char *const args[] = { "--watch-namespaces", ROWS[i].text, NULL };
        const char *all = "";
        struct options o;
        struct err e;

        CASE(ROWS[i].text, !read_args(args, a, &o, &e) && !o.namespaces == !ROWS[i].want);
        for (size_t n = 0; o.namespaces && o.namespaces[n]; n++)
            all = arena_printf(a, "%s%s|", all, o.namespaces[n]);
        CASE(ROWS[i].text, !ROWS[i].want || !strcmp(all, ROWS[i].want));
    }
}

static const struct {
    const char *args[ARGS_MAX];
    const char *err;
} BAD_ARGS[] = {
    { { "--nope" }, "'--nope' is not an option; --help" },
    { { "--listen", "a:1", "--nope=1" }, "'--nope=1' is not an option; --help" },
    { { "-config", "x" }, "'-config' is not an option; --help" },
    { { "--listen=a:1", "-v" }, "'-v' is not an option; --help" },
    { { "--log" }, "'--log' is not an option; --help" }, /* level or format? */
    { { "--help=me" }, "'--help=me' is not an option; --help" },
    { { "--listen" }, "--listen needs a value; --help" },
    { { "--context=c", "--config" }, "--config needs a value; --help" },
    { { "x" }, "'x' is not expected; --help" },
    { { "--context", "c", "x", "--help" }, "'x' is not expected; --help" },
    { { "--config", "/nowhere/config.yaml" },
      "--config /nowhere/config.yaml: No such file or directory" },
    { { "--config", "/" }, "--config /: Is a directory" },
    { { "--default-service-account", "" },
      "--default-service-account '': must be the name of a ServiceAccount" },
    { { "--default-service-account=shop/deployer" },
      "--default-service-account 'shop/deployer': must be the name of a ServiceAccount" },
};

static void bad_flags_are_named(void)
{
    for (size_t i = 0; i < ARRAY_LEN(BAD_ARGS); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct options o = { .listen = "untouched" };
        struct err e;

        CASE(BAD_ARGS[i].err, read_args(BAD_ARGS[i].args, a, &o, &e) == -1);
        if (strcmp(e.text, BAD_ARGS[i].err))
            printf("\n  %s\n", e.text);
        CASE(BAD_ARGS[i].err, !strcmp(e.text, BAD_ARGS[i].err));
        CASE("no output without success", !strcmp(o.listen, "untouched"));
    }
}

/* --- the file --- */

static char dir[64], *config_file, *ca_file;

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    CASE(path, f && fputs(text, f) >= 0 && !fclose(f));
}

static void set_up(void)
{
    snprintf(dir, sizeof dir, "/tmp/unit_options.XXXXXX");
    CASE("a folder of its own", mkdtemp(dir) != NULL);
    config_file = xasprintf("%s/config.yaml", dir);
    ca_file = xasprintf("%s/ca.crt", dir);
    write_file(ca_file, "-----BEGIN CERTIFICATE-----\n");
}

static void tear_down(void)
{
    unlink(config_file);
    unlink(ca_file);
    CASE("nothing left behind", rmdir(dir) == 0);
    free(config_file);
    free(ca_file);
}

static int read_config(const char *text, struct arena *a, struct options *o, struct err *e)
{
    const char *const args[] = { "--config", config_file, NULL };

    write_file(config_file, text);
    return read_args(args, a, o, e);
}

static void a_file_is_read(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct options o;
    struct err e;
    char *text;

    set_up();
    text = xasprintf("registries:\n"
                     "- host: 10.0.0.1:5000\n  plainHTTP: true\n"
                     "- host: registry.example.com\n  caFile: %s\n  plainHTTP: false\n"
                     "- {host: '[::1]:5000'}\n"
                     "allowedRegistries: [ghcr.io/acme, 10.0.0.1:5000]\n"
                     "trustedRealms: ['https://auth.example.com']\n",
                     ca_file);
    CASE("read", !read_config(text, a, &o, &e));
    CASE("three hosts", o.n_hosts == 3);
    CASE("plain http",
         !strcmp(o.hosts[0].host, "10.0.0.1:5000") && o.hosts[0].plain_http && !o.hosts[0].ca_pem);
    CASE("a private CA", !strcmp(o.hosts[1].host, "registry.example.com") &&
                             !o.hosts[1].plain_http &&
                             !strcmp(o.hosts[1].ca_pem, "-----BEGIN CERTIFICATE-----\n"));
    CASE("IPv6", !strcmp(o.hosts[2].host, "[::1]:5000"));
    CASE("allowed", o.n_allowed == 2 && !strcmp(o.allowed[0], "ghcr.io/acme") &&
                        !strcmp(o.allowed[1], "10.0.0.1:5000"));
    CASE("realms",
         o.n_trusted_realms == 1 && !strcmp(o.trusted_realms[0], "https://auth.example.com"));
    free(text);
    tear_down();
}

static void the_flag_of_the_account_wins_over_the_file(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct options o;
    struct err e;

    set_up();
    CASE("read", !read_config("defaultServiceAccount: filed\n", a, &o, &e));
    CASE("the file's", o.default_account && !strcmp(o.default_account, "filed"));
    CASE("read", !read_args((const char *const[]){ "--default-service-account", "flagged",
                                                   "--config", config_file, NULL },
                            a, &o, &e));
    CASE("the flag's", !strcmp(o.default_account, "flagged"));
    tear_down();
}

static void a_file_may_say_nothing(void)
{
    static const char *const TEXTS[] = { "", "# nothing yet\n", "{}",
                                         "registries: []\nallowedRegistries: []\n",
                                         "registries:\nallowedRegistries:\ntrustedRealms:\n" };

    set_up();
    for (size_t i = 0; i < ARRAY_LEN(TEXTS); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        struct options o;
        struct err e;

        CASE(TEXTS[i], !read_config(TEXTS[i], a, &o, &e));
        CASE(TEXTS[i], !o.n_hosts && !o.n_allowed && !o.n_trusted_realms);
    }
    tear_down();
}

static const struct {
    const char *text, *err;
} BAD_FILES[] = {
    { "registries: [\n", "YAML: line " },
    { "defaultServiceAccount: 1\n", "defaultServiceAccount: must be a string" },
    { "defaultServiceAccount: ''\n", "defaultServiceAccount '': must be the name of a ServiceA" },
    { "defaultServiceAccount: \"a\\r\\nb\"\n", "defaultServiceAccount 'a" },
    { "- a\n", "the file: must be a mapping" },
    { "7\n", "the file: must be a mapping" },
    { "registry: []\n", "the file: unknown key 'registry'" },
    { "registries: {host: a.io}\n", "registries: must be a list" },
    { "registries: [a.io]\n", "registries[]: must be a mapping" },
    { "registries: [{host: a.io, insecure: true}]\n", "registries[]: unknown key 'insecure'" },
    { "registries: [{plainHTTP: true}]\n", "registries[].host: must be host or host:port" },
    { "registries: [{host: ''}]\n", "registries[].host: must be host or host:port" },
    { "registries: [{host: 5000}]\n", "registries[].host: must be host or host:port" },
    { "registries: [{host: a.io/acme}]\n", "registries[].host: must be host or host:port" },
    { "registries: [{host: 'https://a.io'}]\n", "registries[].host: must be host or host:port" },
    { "registries: [{host: A.io}]\n", "registries[].host: must be host or host:port" },
    { "registries: [{host: 'u:p@a.io'}]\n", "registries[].host: must be host or host:port" },
    { "registries: [{host: a.io, plainHTTP: yes}]\n",
      "registries[].plainHTTP of a.io: must be true or false" },
    { "registries: [{host: a.io, plainHTTP: 'true'}]\n",
      "registries[].plainHTTP of a.io: must be true or false" },
    { "registries: [{host: a.io, caFile: 1}]\n",
      "registries[].caFile of a.io: must be a file's path" },
    { "registries: [{host: a.io, caFile: /nowhere/ca}]\n",
      "registries[].caFile of a.io: /nowhere/ca: No such file or directory" },
    { "allowedRegistries: ghcr.io\n", "allowedRegistries: must be a list of strings" },
    { "allowedRegistries: [ghcr.io, 7]\n", "allowedRegistries[1]: must be a string" },
    { "trustedRealms: [{}]\n", "trustedRealms[0]: must be a string" },
    { "trustedRealms: [auth.example.com]\n", "trustedRealms[0]: must be https://host[:port]" },
};

static void bad_files_are_named_with_their_field(void)
{
    set_up();
    for (size_t i = 0; i < ARRAY_LEN(BAD_FILES); i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        char *before = xasprintf("--config %s: %s", config_file, BAD_FILES[i].err);
        struct options o;
        struct err e;

        CASE(BAD_FILES[i].text, read_config(BAD_FILES[i].text, a, &o, &e) == -1);
        CASE(BAD_FILES[i].text, !strncmp(e.text, before, strlen(before)));
        free(before);
    }
    tear_down();
}

static void help_names_every_flag(void)
{
    static const char *const FLAGS[] = { "--kubeconfig", "--context", "--watch-namespaces",
                                         "--config",     "--listen",  "--log-level",
                                         "--log-format", "--version", "--help" };

    for (size_t i = 0; i < ARRAY_LEN(FLAGS); i++)
        CASE(FLAGS[i], strstr(OPTIONS_HELP, FLAGS[i]));
}

UNIT_MAIN(UNIT_TEST(defaults_need_no_flags), UNIT_TEST(flags_are_read),
          UNIT_TEST(namespaces_are_a_list), UNIT_TEST(bad_flags_are_named),
          UNIT_TEST(a_file_is_read), UNIT_TEST(the_flag_of_the_account_wins_over_the_file),
          UNIT_TEST(a_file_may_say_nothing), UNIT_TEST(bad_files_are_named_with_their_field),
          UNIT_TEST(help_names_every_flag))
