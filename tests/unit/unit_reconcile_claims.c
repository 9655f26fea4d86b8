/* Which AppReleases name which Deployment, and who is told when that changes. */
#include "reconcile/claims.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "reconcile/release.h"
#include "unit.h"

#define NAMES_MAX 6

/* A release in namespace "shop" with these Deployments in spec and status. */
static struct release *release(struct arena *a, const char *const *spec, const char *const *status)
{
    struct release *r = arena_alloc(a, sizeof *r);

    r->meta.ns = "shop";
    r->spec.apps = arena_array(a, NAMES_MAX, sizeof *r->spec.apps);
    r->status.apps = arena_array(a, NAMES_MAX, sizeof *r->status.apps);
    for (; spec && spec[r->spec.n_apps]; r->spec.n_apps++)
        r->spec.apps[r->spec.n_apps].deployment = spec[r->spec.n_apps];
    for (; status && status[r->status.n_apps]; r->status.n_apps++)
        r->status.apps[r->status.n_apps].deployment = status[r->status.n_apps];
    return r;
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void add_name(const char *name, void *ctx)
{
    struct err ignored = { 0 };

    text_addf(ctx, &ignored, "%s ", name);
}

/* Who is told, "shop/a shop/b ". */
static bool tells(struct claims *c, const char *key, const struct release *r, const char *want)
{
    AUTO(text) struct text told = TEXT_INIT(1 * KIB);

    claims_set(c, key, r, add_name, &told);
    if (strcmp(text_str(&told), want))
        printf("\n  told: '%s', not '%s'\n", text_str(&told), want);
    return !strcmp(text_str(&told), want);
}

static bool claimed_by(const struct claims *c, const char *deployment, const char *want)
{
    AUTO(text) struct text who = TEXT_INIT(1 * KIB);

    claims_each(c, deployment, add_name, &who);
    return !strcmp(text_str(&who), want);
}

static void only_changes_are_told(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct claims *c = claims_new();

    CASE("new", tells(c, "shop/r", release(a, LIST("a", "b"), NULL), "shop/a shop/b "));
    CASE("claimed", claimed_by(c, "shop/a", "shop/r ") && claimed_by(c, "shop/b", "shop/r "));
    CASE("the same again", tells(c, "shop/r", release(a, LIST("b", "a"), NULL), ""));
    CASE("one leaves, one comes",
         tells(c, "shop/r", release(a, LIST("b", "c"), NULL), "shop/a shop/c "));
    CASE("the one that left", claimed_by(c, "shop/a", ""));
    CASE("the one that came", claimed_by(c, "shop/c", "shop/r "));
    CASE("gone", tells(c, "shop/r", NULL, "shop/b shop/c "));
    CASE("nobody", claimed_by(c, "shop/b", "") && claimed_by(c, "shop/c", ""));
    CASE("gone twice", tells(c, "shop/r", NULL, ""));
    CASE("in another namespace", claimed_by(c, "other/b", ""));
    claims_free(c);
    claims_free(NULL);
}

/* status.apps[].deployment stands while the entry lives: a renamed Deployment is still looked
 * after. */
static void what_status_names_counts_as_well(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct claims *c = claims_new();

    CASE("both", tells(c, "shop/r", release(a, LIST("new"), LIST("old")), "shop/new shop/old "));
    CASE("the same in both is one",
         tells(c, "shop/r", release(a, LIST("new"), LIST("new")), "shop/old "));
    CASE("once", claimed_by(c, "shop/new", "shop/r "));
    CASE("the old one is back",
         tells(c, "shop/r", release(a, LIST("new"), LIST("old", "new")), "shop/old "));
    claims_free(c);
}

static void a_bad_spec_claims_nothing(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct claims *c = claims_new();
    struct release *r = release(a, LIST("a"), LIST("b"));

    r->spec_problem = "spec.apps: must not be empty";
    CASE("status alone", tells(c, "shop/r", r, "shop/b "));
    r = release(a, LIST("a"), LIST("b"));
    r->status.apps[0].deployment = NULL;
    CASE("a status entry may have none", tells(c, "shop/r", r, "shop/b shop/a "));
    claims_free(c);
}

static void a_deployment_may_have_several_claims(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    struct claims *c = claims_new();
    struct release *r = release(a, LIST("a"), NULL);

    CASE("one", tells(c, "shop/r1", r, "shop/a "));
    CASE("another", tells(c, "shop/r2", r, "shop/a "));
    CASE("a third", tells(c, "shop/r3", r, "shop/a "));
    CASE("all", claimed_by(c, "shop/a", "shop/r1 shop/r2 shop/r3 "));
    CASE("the first leaves", tells(c, "shop/r1", NULL, "shop/a "));
    CASE("the others stay", claimed_by(c, "shop/a", "shop/r3 shop/r2 "));
    CASE("all leave", tells(c, "shop/r2", NULL, "shop/a ") && tells(c, "shop/r3", NULL, "shop/a "));
    CASE("nobody", claimed_by(c, "shop/a", ""));
    claims_free(c);
}

UNIT_MAIN(UNIT_TEST(only_changes_are_told), UNIT_TEST(what_status_names_counts_as_well),
          UNIT_TEST(a_bad_spec_claims_nothing), UNIT_TEST(a_deployment_may_have_several_claims))
