/* Half a list is never seen; deletions come from a whole list only. */
#include "kube/store.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/text.h"
#include "kube/meta.h"
#include "unit.h"

static void *object(const char *name, const char *rv)
{
    struct arena *a = arena_new(256);
    struct kube_object *o = arena_alloc(a, sizeof *o);

    o->arena = a;
    o->ns = "shop";
    o->name = arena_strdup(a, name);
    o->uid = arena_printf(a, "uid-%s", name);
    o->rv = arena_strdup(a, rv);
    return o;
}

static void put(struct store *s, const char *name, const char *rv)
{
    void *o = object(name, rv);

    kube_object_free(store_put(s, name, &o));
    CASE("taken", o == NULL);
}

static void list(struct store *s, const char *name, const char *rv)
{
    void *o = object(name, rv);

    store_list(s, name, &o);
    CASE("taken", o == NULL);
}

static const char *version(const struct store *s, const char *name)
{
    const struct kube_object *o = store_get(s, name);

    return o ? o->rv : "";
}

struct seen {
    const struct store *s;
    struct text log;
};

/* "a:1>2" = a went from 1 to 2; "b:>1" appeared; "c:1>" went. */
static void note(const char *key, const void *old, void *ctx)
{
    struct seen *seen = ctx;
    const struct kube_object *was = old;

    text_addf(&seen->log, NULL, "%s:%s>%s ", key, was ? was->rv : "", version(seen->s, key));
}

static void put_and_drop_hand_back_the_old_one(void)
{
    struct store *s = store_new();
    void *o = object("a", "1");
    struct kube_object *old;

    CASE("nothing was there", store_put(s, "a", &o) == NULL);
    o = object("a", "2");
    old = store_put(s, "a", &o);
    CASE("the replaced one", old && !strcmp(old->rv, "1"));
    kube_object_free(old);
    old = store_drop(s, "a");
    CASE("the dropped one", old && !strcmp(old->rv, "2"));
    kube_object_free(old);
    CASE("gone", !store_get(s, "a") && store_count(s) == 0);
    CASE("dropping nothing", store_drop(s, "a") == NULL);
    store_free(s);
}

static void readers_see_the_old_list_until_commit(void)
{
    struct store *s = store_new();

    put(s, "a", "1");
    CASE("not synced by a put", !store_synced(s));
    store_begin(s);
    list(s, "b", "5");
    CASE("old one is there", store_get(s, "a"));
    CASE("new one is not", !store_get(s, "b"));
    store_commit(s, NULL, NULL);
    CASE("synced", store_synced(s));
    CASE("old one is gone", !store_get(s, "a"));
    CASE("new one is there", store_get(s, "b"));
    store_free(s);
}

static void commit_tells_what_differs(void)
{
    struct seen seen = { .s = store_new(), .log = TEXT_INIT(4 * KIB) };
    struct store *s = (struct store *)seen.s;

    put(s, "same", "1");
    put(s, "changed", "1");
    put(s, "gone", "1");
    store_begin(s);
    list(s, "same", "1");
    list(s, "changed", "2");
    list(s, "new", "3");
    store_commit(s, note, &seen);
    CASE("changed", strstr(text_str(&seen.log), "changed:1>2 "));
    CASE("new", strstr(text_str(&seen.log), "new:>3 "));
    CASE("gone", strstr(text_str(&seen.log), "gone:1> "));
    CASE("nothing about what is the same", !strstr(text_str(&seen.log), "same"));
    CASE("three in all", store_count(s) == 3);
    text_release(&seen.log);
    store_free(s);
}

static void an_aborted_list_leaves_no_trace(void)
{
    struct store *s = store_new();

    put(s, "a", "1");
    store_begin(s);
    list(s, "a", "1"); /* shared with the old list */
    list(s, "b", "2");
    store_abort(s);
    CASE("a stays", !strcmp(version(s, "a"), "1"));
    CASE("b never was", !store_get(s, "b"));
    store_begin(s);
    list(s, "a", "1");
    store_begin(s); /* a list that starts anew */
    list(s, "a", "3");
    list(s, "a", "4"); /* pages may overlap */
    list(s, "a", "1");
    store_commit(s, NULL, NULL);
    CASE("the last one counts", !strcmp(version(s, "a"), "1"));
    store_begin(s);
    store_free(s);
}

static void same_version_of_another_object_is_a_change(void)
{
    struct seen seen = { .s = store_new(), .log = TEXT_INIT(KIB) };
    struct store *s = (struct store *)seen.s;
    struct kube_object *o = object("a", "1");
    void *p = o;

    put(s, "a", "1");
    o->uid = "another";
    store_begin(s);
    store_list(s, "a", &p);
    store_commit(s, note, &seen);
    CASE("told", !strcmp(text_str(&seen.log), "a:1>1 "));
    text_release(&seen.log);
    store_free(s);
}

static void walks(void)
{
    struct store *s = store_new();
    struct map_iter it = { 0 };
    size_t n = 0;

    put(s, "a", "1");
    put(s, "b", "1");
    while (store_next(s, &it))
        n++;
    CASE("both", n == 2);
    store_free(s);
    store_free(NULL);
}

UNIT_MAIN(UNIT_TEST(put_and_drop_hand_back_the_old_one),
          UNIT_TEST(readers_see_the_old_list_until_commit), UNIT_TEST(commit_tells_what_differs),
          UNIT_TEST(an_aborted_list_leaves_no_trace),
          UNIT_TEST(same_version_of_another_object_is_a_change), UNIT_TEST(walks))
