/* The hash of what makes an image: each part changes it, the order of a list does not. */
#include "image_hash.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "images.h"
#include "unit.h"

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const struct image_base BASES[] = { { .text = "node:24", .digest = "sha256:1" },
                                           { .text = "nginx", .digest = NULL } };

static const char *const ARGS[] = { "A=1", "B=2", NULL };
static const char *const PLATFORMS[] = { "linux/amd64", "linux/arm64", NULL };
static const char *const SECRETS[] = { "id=npmrc,src=/home/a/.npmrc", "id=x", NULL };
static const char *const SSH[] = { "default", NULL };

static struct image_inputs plain(void)
{
    return (struct image_inputs){ .tree = "aaaa",
                                  .dockerfile = "Dockerfile",
                                  .app_dir = "apps/web",
                                  .target = "run",
                                  .args = ARGS,
                                  .platforms = PLATFORMS,
                                  .secrets = SECRETS,
                                  .ssh = SSH,
                                  .bases = BASES,
                                  .n_bases = 2 };
}

static bool is_same(struct image_inputs other)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct image_inputs in = plain();

    return !strcmp(image_hash(a, &in), image_hash(a, &other));
}

#define WITH(field, ...)                                                                           \
    __extension__({                                                                                \
        struct image_inputs in_ = plain();                                                         \
        in_.field = __VA_ARGS__;                                                                   \
        is_same(in_);                                                                              \
    })

static void it_is_a_tag(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct image_inputs in = plain();
    const char *hash = image_hash(a, &in), *tag = image_hash_tag(a, hash);

    CASE("hex", strlen(hash) == IMAGE_HASH_DIGITS &&
                    strspn(hash, "0123456789abcdef") == IMAGE_HASH_DIGITS);
    CASE("the tag", !strncmp(tag, "in-", 3) && !strcmp(tag + 3, hash));
    CASE("twice the same", is_same(plain()));
    /* a change of this value builds every app of every user once more */
    CASE("for ever the same", !strcmp(hash, "3965801316c6926c5c3608fda72b840cf0163e1d"));
}

static void each_part_changes_it(void)
{
    static const struct image_base other_digest[] = { { .text = "node:24", .digest = "sha256:2" },
                                                      { .text = "nginx" } };
    static const struct image_base other_text[] = { { .text = "node:24", .digest = "sha256:1" },
                                                    { .text = "nginx:1" } };
    static const struct image_base resolved[] = { { .text = "node:24", .digest = "sha256:1" },
                                                  { .text = "nginx", .digest = "sha256:3" } };

    CASE("tree", !WITH(tree, "bbbb"));
    CASE("dockerfile", !WITH(dockerfile, "apps/web/Dockerfile"));
    CASE("folder", !WITH(app_dir, "apps/shop"));
    CASE("target", !WITH(target, "test"));
    CASE("no target", !WITH(target, NULL));
    CASE("an arg's value", !WITH(args, LIST("A=1", "B=3")));
    CASE("an arg's name", !WITH(args, LIST("A=1", "C=2")));
    CASE("an arg less", !WITH(args, LIST("A=1")));
    CASE("no args", !WITH(args, NULL));
    CASE("a platform", !WITH(platforms, LIST("linux/amd64")));
    CASE("a secret's id", !WITH(secrets, LIST("id=npmrc,src=/home/a/.npmrc", "id=y")));
    CASE("ssh", !WITH(ssh, NULL));
    CASE("a base's digest", !WITH(bases, other_digest));
    CASE("a base's text", !WITH(bases, other_text));
    CASE("a base that is resolved", !WITH(bases, resolved));
    CASE("a base less", !WITH(n_bases, 1));
}

static void what_does_not_matter(void)
{
    static const struct image_base turned[] = { { .text = "nginx" },
                                                { .text = "node:24", .digest = "sha256:1" } };
    static const struct image_base why[] = { { .text = "node:24", .digest = "sha256:1" },
                                             { .text = "nginx",
                                               .why = { .kind = ERR_TIMEOUT, .text = "x" } } };

    CASE("order of args", WITH(args, LIST("B=2", "A=1")));
    CASE("the commit", WITH(args, LIST("A=1", "GIT_SHA=1234567", "B=2")));
    CASE("an arg whose name begins like it", !WITH(args, LIST("A=1", "GIT_SHAX=1", "B=2")));
    CASE("the last of a name counts", WITH(args, LIST("B=9", "A=1", "B=2")));
    CASE("and only the last", !WITH(args, LIST("B=2", "A=1", "B=9")));
    CASE("order of platforms", WITH(platforms, LIST("linux/arm64", "linux/amd64")));
    CASE("a platform twice", WITH(platforms, LIST("linux/arm64", "linux/amd64", "linux/arm64")));
    CASE("order of secrets", WITH(secrets, LIST("id=x", "id=npmrc,src=/home/a/.npmrc")));
    CASE("where a secret lies", WITH(secrets, LIST("src=/home/b/npmrc,id=npmrc", "id=x,env=X")));
    CASE("order of bases", WITH(bases, turned));
    CASE("why a base is not resolved", WITH(bases, why));
}

/* What stands in one part cannot pass for another. */
static void parts_do_not_run_together(void)
{
    CASE("a line end in a value", !WITH(args, LIST("A=1\narg 3:B=2")));
    CASE("a target like an arg", !WITH(target, "run\narg 3:A=1"));
    CASE("a secret is no ssh key", !WITH(secrets, LIST("id=npmrc", "id=x", "default")));
}

UNIT_MAIN(UNIT_TEST(it_is_a_tag), UNIT_TEST(each_part_changes_it), UNIT_TEST(what_does_not_matter),
          UNIT_TEST(parts_do_not_run_together))
