/* Tokens and CA bundles that are replaced on disk. */
#include "kube/creds.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "kube/config.h"
#include "unit.h"

static char dir[64];
static char *token_file, *ca_file;

/* changed_s: the modification time, so that the test need not wait for the clock. */
static void write_file(const char *path, const char *text, time_t changed_s)
{
    struct timespec times[2] = { { .tv_sec = changed_s }, { .tv_sec = changed_s } };
    FILE *f = fopen(path, "w");

    CASE(path, f && fputs(text, f) >= 0 && !fclose(f));
    CASE(path, utimensat(AT_FDCWD, path, times, 0) == 0);
}

static void set_up(struct kube_creds *c)
{
    char token[] = "given", pem[] = "-----BEGIN 1";
    struct kube_config config = { .token = token, .ca_pem = pem };

    snprintf(dir, sizeof dir, "/tmp/unit_kube_creds.XXXXXX");
    CASE("a folder of its own", mkdtemp(dir) != NULL);
    config.token_file = token_file = xasprintf("%s/token", dir);
    config.ca_file = ca_file = xasprintf("%s/ca.crt", dir);
    write_file(token_file, "one\n", 1);
    write_file(ca_file, "-----BEGIN 1", 1);
    kube_creds_init(c, &config, 1000);
}

static void tear_down(struct kube_creds *c)
{
    unlink(token_file);
    unlink(ca_file);
    CASE("nothing left behind", rmdir(dir) == 0);
    free(token_file);
    free(ca_file);
    kube_creds_release(c);
}

static void a_token_is_read_again_every_minute(void)
{
    struct kube_creds c;

    set_up(&c);
    CASE("the file wins over the token given", !strcmp(c.token, "one"));
    write_file(token_file, "two\n", 2);
    CASE("not yet", !kube_creds_check(&c, 60999) && !strcmp(c.token, "one"));
    CASE("after a minute", !kube_creds_check(&c, 61000) && !strcmp(c.token, "two"));
    write_file(token_file, "three", 3);
    kube_creds_reread_token(&c);
    CASE("when asked", !strcmp(c.token, "three"));
    tear_down(&c);
}

static void a_token_that_cannot_be_read_leaves_the_last_one(void)
{
    struct kube_creds c;

    set_up(&c);
    write_file(token_file, "\n", 2);
    kube_creds_reread_token(&c);
    CASE("empty", !strcmp(c.token, "one"));
    unlink(token_file);
    kube_creds_reread_token(&c);
    CASE("gone", !strcmp(c.token, "one"));
    tear_down(&c);
}

static void a_changed_ca_bundle_is_told_once(void)
{
    struct kube_creds c;

    set_up(&c);
    CASE("unchanged", !kube_creds_check(&c, 61000));
    write_file(ca_file, "-----BEGIN 2", 2);
    CASE("changed", kube_creds_check(&c, 121000) && !strcmp(c.ca_pem, "-----BEGIN 2"));
    CASE("once", !kube_creds_check(&c, 181000));
    write_file(ca_file, "half a fi", 3);
    CASE("no PEM: the last one stays",
         !kube_creds_check(&c, 241000) && !strcmp(c.ca_pem, "-----BEGIN 2"));
    write_file(ca_file, "-----BEGIN 3", 4);
    CASE("until it is one", kube_creds_check(&c, 301000) && !strcmp(c.ca_pem, "-----BEGIN 3"));
    tear_down(&c);
}

static void what_is_fixed_stays(void)
{
    char token[] = "t";
    const struct kube_config config = { .token = token };
    struct kube_creds c;

    kube_creds_init(&c, &config, 0);
    CASE("nothing to read", !kube_creds_check(&c, 600000));
    kube_creds_reread_token(&c);
    CASE("the token", !strcmp(c.token, "t") && !c.ca_pem);
    kube_creds_release(&c);
}

UNIT_MAIN(UNIT_TEST(a_token_is_read_again_every_minute),
          UNIT_TEST(a_token_that_cannot_be_read_leaves_the_last_one),
          UNIT_TEST(a_changed_ca_bundle_is_told_once), UNIT_TEST(what_is_fixed_stays))
