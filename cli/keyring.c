#include "keyring.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "child.h"
#include "cli.h"
#include "io/loop.h"
#include "registry/auth.h"
#include "settings.h"

#define FILE_BYTES (1 * MIB)
#define HELPER_BYTES (64 * KIB)

/* --- the list --- */

/* Takes the text. */
static void add(struct keyring *k, const char *name, char *json)
{
    if (k->n == KEYRING_TEXTS) {
        secret_free(json);
        return;
    }
    k->list[k->n++] = (struct registry_secret){ .name = name, .json = json, .len = strlen(json) };
}

void keyring_close(struct keyring *k)
{
    while (k->n)
        secret_free((char *)k->list[--k->n].json);
}

/* cJSON frees without wiping; the printed text is ours to wipe. */
static void wipe_tree(cJSON *node)
{
    for (; node; node = node->next) {
        if (cJSON_IsString(node))
            memset(node->valuestring, 0, strlen(node->valuestring));
        wipe_tree(node->child);
    }
}

static void add_login(struct keyring *k, const char *name, const char *host, const char *user,
                      const char *secret)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *entry = json_put_object(json_put_object(root, "auths"), host);

    if (!strcmp(user, "<token>")) {
        json_put_str(entry, "identitytoken", secret);
    } else {
        json_put_str(entry, "username", user);
        json_put_str(entry, "password", secret);
    }
    add(k, name, json_print(root));
    wipe_tree(root);
    cJSON_Delete(root);
}

/* --- helpers --- */

static bool is_program(const char *helper)
{
    return !helper[strspn(helper, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "._-")];
}

const char *keyring_helper(const struct cJSON *config, const char *host)
{
    const char *helper = json_str(config, "credsStore") ?: "";

    JSON_EACH_MEMBER(entry, json_get(config, "credHelpers"))
        if (cJSON_IsString(entry) && credential_key_fits(entry->string, host, ""))
            helper = entry->valuestring;
    return is_program(helper) ? helper : NULL;
}

struct helper_run {
    struct child *child;
    bool done, is_late;
};

static void on_exit_of(struct child *child, void *ctx)
{
    struct helper_run *run = ctx;

    (void)child;
    run->done = true;
}

static void on_late(void *ctx)
{
    struct helper_run *run = ctx;

    run->is_late = true;
    child_stop(run->child);
}

/* Its answer is in *ret, which lives as long as run->child; the caller frees that. */
static int run_helper(struct cli *c, const char *program, const char *input, int64_t due_ms,
                      struct helper_run *run, struct child_result *ret, struct err *e)
{
    struct child_spec spec = { .argv = (const char *const[]){ program, "get", NULL },
                               .input = input,
                               .input_len = strlen(input),
                               .max_bytes = HELPER_BYTES,
                               .on_exit = on_exit_of,
                               .ctx = run };
    struct loop_timer late = { .fn = on_late, .ctx = run };

    run->child = child_start(c, &spec, e);
    if (!run->child)
        return -1;
    loop_timer_set(c->loop, &late, due_ms);
    while (!run->done) {
        if (c->signo)
            child_stop(run->child);
        loop_turn(c->loop, -1);
    }
    loop_timer_stop(c->loop, &late);
    child_result(run->child, ret);
    if (run->is_late)
        return err_set(e, ERR_TIMEOUT, 0, "%s does not answer in time", program);
    return 0;
}

/* What it printed: {"ServerURL":…,"Username":…,"Secret":…}. */
static bool read_helper(struct keyring *k, const char *program, const char *host,
                        const struct child_result *r)
{
    struct err ignored;
    cJSON *root = json_parse(r->out, r->out_len, &ignored);
    const char *user = json_str(root, "Username"), *secret = json_str(root, "Secret");
    bool fits = user && secret;

    if (fits)
        add_login(k, program, host, user, secret);
    wipe_tree(root);
    cJSON_Delete(root);
    return fits;
}

/* A helper that has nothing says so and ends with 1: no note. */
static bool is_nothing_there(const struct child_result *r)
{
    return strstr(r->out, "credentials not found") || strstr(r->err, "credentials not found");
}

static int ask_helper(struct cli *c, const char *helper, const char *host, int64_t due_ms,
                      struct keyring *k, struct err *e)
{
    const char *program = arena_printf(c->arena, "docker-credential-%s", helper);
    const char *server = strcmp(host, "docker.io") ? host : KEYRING_HUB;
    struct helper_run run = { 0 };
    struct child_result r = { 0 };
    struct err why = { 0 };
    int failed = run_helper(c, program, server, due_ms, &run, &r, &why);

    if (failed)
        k->note = arena_printf(c->arena, "%s", why.text);
    else if (r.status && !is_nothing_there(&r))
        k->note = arena_printf(c->arena, "%s failed (exit %d)", program, r.status);
    else if (!r.status && !read_helper(k, program, host, &r))
        k->note = arena_printf(c->arena, "%s: its output holds no credentials", program);
    child_free(run.child);
    return c->signo ? err_set(e, ERR_TIMEOUT, 0, "interrupted") : 0;
}

/* --- files --- */

/* A config of docker's or podman's: the helper it names, and its own entries. */
static int add_file(struct cli *c, const char *path, const char *host, int64_t due_ms,
                    struct keyring *k, struct err *e)
{
    struct err why = { 0 };
    char *text = path ? file_read(path, FILE_BYTES, &why) : NULL;
    cJSON *root = text ? json_parse(text, strlen(text), &why) : NULL;
    const char *helper = root ? keyring_helper(root, host) : "";
    int failed = 0;

    if (why.kind && why.kind != ERR_NOT_FOUND)
        k->note = text ? arena_printf(c->arena, "%s is not JSON", path) :
                         arena_printf(c->arena, "%s", why.text);
    if (!helper)
        k->note = arena_printf(c->arena, "%s names a helper that is none", path);
    else if (*helper)
        failed = ask_helper(c, helper, host, due_ms, k, e);
    wipe_tree(root);
    cJSON_Delete(root);
    if (text)
        add(k, path, text);
    return failed;
}

static const char *below(const struct cli *c, const char *variable, const char *name)
{
    const char *folder = cli_env(c, variable);

    return folder ? arena_printf(c->arena, "%s/%s", folder, name) : NULL;
}

int keyring_open(struct cli *c, const char *host, const struct registry_setting *own,
                 int64_t due_ms, struct keyring *ret, struct err *e)
{
    const char *const files[] = {
        below(c, "DOCKER_CONFIG", "config.json") ?: below(c, "HOME", ".docker/config.json"),
        cli_env(c, "REGISTRY_AUTH_FILE") ?: below(c, "XDG_RUNTIME_DIR", "containers/auth.json"),
        below(c, "HOME", ".config/containers/auth.json"),
    };

    *ret = (struct keyring){ 0 };
    if (own && own->username) {
        add_login(ret, "PRIVATE_REGISTRY_USERNAME", host, own->username, own->password ?: "");
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (add_file(c, files[i], host, due_ms, ret, e)) {
            keyring_close(ret);
            return -1;
        }
    return 0;
}
