#include "login.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli.h"
#include "keyring.h"
#include "settings.h"

#define FILE_BYTES (1 * MIB)

/* --- the file: pure --- */

static const char *host_of(struct arena *a, const struct registry_setting *reg)
{
    return arena_strndup(a, reg->base, strcspn(reg->base, "/"));
}

/* "user:password" in base64; the caller frees it with secret_free(). */
static char *encode(const struct registry_setting *reg)
{
    char *pair = xasprintf("%s:%s", reg->username, reg->password ? reg->password : "");
    size_t len = strlen(pair);
    char *text = xcalloc(1, 4 * ((len + 2) / 3) + 1);

    EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)pair, (int)len);
    secret_free(pair);
    return text;
}

/* The member, an object; made when it is not there. */
static cJSON *member(cJSON *root, const char *key)
{
    cJSON *found = cJSON_GetObjectItemCaseSensitive(root, key);

    if (cJSON_IsObject(found))
        return found;
    cJSON_DeleteItemFromObjectCaseSensitive(root, key);
    return json_put_object(root, key);
}

static void put_login(cJSON *root, const char *key, const struct registry_setting *reg,
                      bool is_docker)
{
    cJSON *auths = member(root, "auths");
    char *auth = encode(reg);
    cJSON *helpers;

    cJSON_DeleteItemFromObjectCaseSensitive(auths, key);
    json_put_str(json_put_object(auths, key), "auth", auth);
    secret_free(auth);
    helpers = cJSON_GetObjectItemCaseSensitive(root, "credHelpers");
    cJSON_DeleteItemFromObjectCaseSensitive(helpers, key);
    if (is_docker && json_str(root, "credsStore"))
        json_put_str(member(root, "credHelpers"), key, ""); /* else the store is asked, not we */
}

static void put_folder(struct arena *a, cJSON *root, const char *dir)
{
    cJSON *dirs = cJSON_GetObjectItemCaseSensitive(root, "cliPluginsExtraDirs");

    if (!cJSON_IsArray(dirs)) {
        cJSON_DeleteItemFromObjectCaseSensitive(root, "cliPluginsExtraDirs");
        dirs = json_put_array(root, "cliPluginsExtraDirs");
    }
    cJSON_AddItemToArray(dirs, cJSON_CreateString(arena_printf(a, "%s/cli-plugins", dir)));
}

const char *login_text(struct arena *a, const char *old, const struct registry_setting *reg,
                       const char *dir, struct err *e)
{
    AUTO(json) cJSON *root = old ? json_parse(old, strlen(old), e) : cJSON_CreateObject();
    const char *host = host_of(a, reg);
    const char *key = dir && !strcmp(host, "docker.io") ? KEYRING_HUB : host;
    const char *kept;
    char *text;

    if (!root)
        return NULL;
    if (!cJSON_IsObject(root)) {
        err_set(e, ERR_INVALID, 0, "is no JSON object");
        return NULL;
    }
    if (reg->username)
        put_login(root, key, reg, dir != NULL);
    if (dir)
        put_folder(a, root, dir);
    text = json_print(root);
    kept = arena_strdup(a, text);
    secret_free(text);
    return kept;
}

/* --- the folder --- */

static int write_file(const char *path, const char *text, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t len = strlen(text);
    int failed = fd < 0 || write(fd, text, len) != (ssize_t)len;

    if (fd >= 0)
        failed |= close(fd);
    return failed ? err_set(e, ERR_REFUSED, errno, "%s: %s", path, strerror(errno)) : 0;
}

/* The file of the user's, changed, in our folder. */
static int write_login(struct cli *c, const char *from, const char *dir,
                       const struct registry_setting *reg, const char *to, struct err *e)
{
    struct err why = { 0 };
    char *old = from ? file_read(from, FILE_BYTES, &why) : NULL;
    const char *text;

    if (!old && why.kind && why.kind != ERR_NOT_FOUND) {
        *e = why;
        return -1;
    }
    text = login_text(c->arena, old, reg, dir, e);
    secret_free(old);
    return text ? write_file(to, text, e) : err_ctx(e, "%s", from ? from : to);
}

/* Where podman and buildah keep their logins; docker's file serves when they have none. */
static const char *containers_file(const struct cli *c, const char *docker_file)
{
    const char *named = cli_env(c, "REGISTRY_AUTH_FILE");
    const char *runtime = cli_env(c, "XDG_RUNTIME_DIR");
    const char *file = runtime ? arena_printf(c->arena, "%s/containers/auth.json", runtime) : NULL;

    if (named)
        return named;
    return file && access(file, F_OK) == 0 ? file : docker_file;
}

static bool has_name(const char *variable, const char *name)
{
    size_t len = strlen(name);

    return strncmp(variable, name, len) == 0 && variable[len] == '=';
}

/* Ours, without the registry's password, and with the folder. */
static const char *const *make_env(const struct cli *c, const char *dir, const char *user_dir)
{
    static const char *const GONE[] = { "DOCKER_CONFIG", "REGISTRY_AUTH_FILE",
                                        "PRIVATE_REGISTRY_PASSWORD", "K8S_TOKEN",
                                        "BUILDX_METADATA_PROVENANCE" };
    struct arena *a = c->arena;
    const char **env;
    size_t n = 0;

    while (c->env[n])
        n++;
    env = arena_array(a, n + 6, sizeof *env);
    n = 0;
    for (const char *const *at = c->env; *at; at++) {
        bool is_gone = false;

        for (size_t i = 0; i < ARRAY_LEN(GONE); i++)
            is_gone |= has_name(*at, GONE[i]);
        if (!is_gone)
            env[n++] = *at;
    }
    env[n++] = arena_printf(a, "DOCKER_CONFIG=%s", dir);
    env[n++] = arena_printf(a, "REGISTRY_AUTH_FILE=%s/auth.json", dir);
    env[n++] = "BUILDX_METADATA_PROVENANCE=disabled";
    if (!cli_env(c, "BUILDX_CONFIG") && user_dir)
        env[n++] = arena_printf(a, "BUILDX_CONFIG=%s/buildx", user_dir);
    return env;
}

static int fill(struct cli *c, const struct registry_setting *reg, const char *user_dir,
                const char *dir, struct err *e)
{
    const char *file = user_dir ? arena_printf(c->arena, "%s/config.json", user_dir) : NULL;

    if (write_login(c, file, user_dir ? user_dir : "/nonexistent", reg,
                    arena_printf(c->arena, "%s/config.json", dir), e) ||
        write_login(c, containers_file(c, file), NULL, reg,
                    arena_printf(c->arena, "%s/auth.json", dir), e))
        return -1;
    /* docker's contexts, which say where its daemon is */
    if (user_dir && symlink(arena_printf(c->arena, "%s/contexts", user_dir),
                            arena_printf(c->arena, "%s/contexts", dir)))
        return err_set(e, ERR_REFUSED, errno, "%s: %s", dir, strerror(errno));
    return 0;
}

int login_open(struct cli *c, const struct registry_setting *reg, struct login *ret, struct err *e)
{
    const char *home = cli_env(c, "HOME");
    const char *user_dir =
        cli_env(c, "DOCKER_CONFIG") ?: (home ? arena_printf(c->arena, "%s/.docker", home) : NULL);
    const char *tmp = cli_env(c, "XDG_RUNTIME_DIR");
    char *dir;

    if (!tmp || access(tmp, W_OK))
        tmp = cli_env(c, "TMPDIR") ?: "/tmp";
    dir = arena_printf(c->arena, "%s/shopflow-login.XXXXXX", tmp);
    if (!mkdtemp(dir)) /* of mode 0700 */
        return err_set(e, ERR_REFUSED, errno, "a folder in %s: %s", tmp, strerror(errno));
    *ret = (struct login){ .dir = dir, .env = make_env(c, dir, user_dir) };
    if (fill(c, reg, user_dir, dir, e)) {
        login_close(ret);
        return -1;
    }
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    remove(path);
    return 0;
}

void login_close(struct login *l)
{
    if (l->dir)
        nftw(l->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    l->dir = NULL;
}
