/* Golden tests of the plan: golden FOLDER CASE plays CASE/observed.yaml and compares with
 * CASE/plan.txt.
 *
 * UPDATE_GOLDEN=1 in the environment writes plan.txt instead: git diff reviews it.
 * golden --dump FOLDER plays all cases and prints each AppRelease that a reader of the API could
 * meet in them, as lines of JSON: {"case", "at", "object"}. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "base/yaml.h"
#include "golden/told.h"
#include "golden/world.h"
#include "reconcile/zones.h"

#define FILE_BYTES (256 * KIB)

static int read_file(const char *path, struct text *ret)
{
    struct err e = { 0 };
    char buf[4096];
    size_t n;
    FILE *f = fopen(path, "r");

    if (!f)
        return -1;
    while ((n = fread(buf, 1, sizeof buf, f)) > 0)
        if (text_add(ret, buf, n, &e))
            die("%s: %s", path, e.text);
    fclose(f);
    return 0;
}

static cJSON *read_yaml(const char *path)
{
    AUTO(text) struct text bytes = TEXT_INIT(FILE_BYTES);
    struct err e = { 0 };
    cJSON *tree;

    if (read_file(path, &bytes))
        die("%s cannot be read", path);
    tree = yaml_parse(text_str(&bytes), bytes.len, FILE_BYTES, &e);
    if (!tree)
        die("%s: %s", path, e.text);
    return tree;
}

/* --- the promises that every plan keeps --- */

static void check_round_trip(const struct plan *p)
{
    AUTO(arena) struct arena *a = arena_new(4096);
    AUTO(json) cJSON *tree = status_encode(&p->status);
    struct release_status again;

    status_decode(tree, a, &again);
    if (!status_equal(&p->status, &again))
        die("the status is another one after it was written and read");
}

/* R20: once its status is written, a settled release causes no write. */
static void check_quiet(const struct observed *o, const struct plan *p, struct arena *a)
{
    struct observed later = *o;
    struct plan next;

    if (!p->settled)
        return;
    later.status = &p->status;
    later.last_write_ms = 0;
    next = plan_make(&later, a);
    for (size_t i = 0; i < next.n_actions; i++)
        if (next.actions[i].kind >= ACT_PATCH_STATUS && next.actions[i].kind != ACT_DELETE_RELEASE)
            die("a settled release is not quiet: %s", action_name(next.actions[i].kind));
}

/* What a plan lets go of is not asked for again by the next: an answer that is still needed, and
 * with it how often a registry was in trouble, would be asked for without end. */
static void check_answers(const struct observed *o, const struct plan *p, struct arena *a)
{
    struct observed later = *o;
    struct plan next;

    later.status = &p->status;
    later.images = arena_array(a, o->n_images + 1, sizeof *later.images);
    later.n_images = 0;
    for (size_t i = 0; i < o->n_images; i++)
        if (o->images[i].asking || o->images[i].at_ms >= p->answers_ms)
            later.images[later.n_images++] = o->images[i];
    next = plan_make(&later, a);
    for (size_t i = 0; i < next.n_actions; i++)
        for (size_t k = 0; next.actions[i].kind == ACT_RESOLVE && k < o->n_images; k++)
            if (!strcmp(next.actions[i].image, o->images[k].image) &&
                o->images[k].at_ms >= p->status.start_ms && o->now_ms < o->images[k].retry_ms)
                die("the answer about %s is forgotten, and asked for again", o->images[k].image);
}

/* R4: a patch carries an attempt that the API server has in status, or gets just before. */
static void check_written_ahead(const struct observed *o, const struct plan *p)
{
    bool writes_status = false;

    for (size_t i = 0; i < p->n_actions; i++) {
        const struct action *act = &p->actions[i];
        const struct app_status *app = act->app ? status_app(o->status, act->app) : NULL;

        writes_status |= act->kind == ACT_PATCH_STATUS;
        if (act->kind == ACT_PATCH_DEPLOYMENT && !writes_status &&
            (!app || !app->attempt || strcmp(app->attempt->id, act->id) != 0))
            die("attempt %s is patched and not in status", act->id);
    }
}

/* Deployments are written with the account's rights, and with no others. */
static void check_rights(const struct observed *o, const struct plan *p)
{
    for (size_t i = 0; i < p->n_actions; i++) {
        const struct action *act = &p->actions[i];
        const char *account = act->account ?: "", *wanted = o->account ?: "";

        if (act->kind == ACT_PATCH_DEPLOYMENT ? o->account_wrong || strcmp(account, wanted) :
                                                act->account != NULL)
            die("%s with the rights of '%s'", action_name(act->kind), account);
    }
}

/* kstatus: never both, and none of an old generation stands for a new one. The others name the
 * generation that they are about: what is suspended says what became of the last one. */
static void check_conditions(const struct plan *p)
{
    static const char *const NOW[] = { "Ready", "Reconciling", "Stalled" };
    int64_t generation = p->status.observed_generation;

    if (status_condition(&p->status, "Reconciling") && status_condition(&p->status, "Stalled"))
        die("Reconciling and Stalled are both there");
    if (!status_condition(&p->status, "Ready"))
        die("Ready is not there");
    for (size_t i = 0; i < ARRAY_LEN(NOW); i++) {
        const struct condition *c = status_condition(&p->status, NOW[i]);

        if (c && c->observed_generation != generation)
            die("%s is of another generation than the status", NOW[i]);
    }
    for (size_t i = 0; i < p->status.n_conditions; i++)
        if (p->status.conditions[i].observed_generation <= 0)
            die("%s is of no generation", p->status.conditions[i].type);
}

/* --- what readers of the API meet --- */

static void dump_object(const struct world *w, const char *name, const struct observed *o,
                        const struct release_status *status)
{
    AUTO(json) cJSON *line = cJSON_CreateObject();
    cJSON *object, *meta;
    char *text;

    json_put_str(line, "case", name);
    cJSON_AddNumberToObject(line, "at", world_seconds(w));
    object = json_put_object(line, "object");
    json_put_str(object, "apiVersion", "deploy.btc-shopflow.io/v1alpha1");
    json_put_str(object, "kind", "AppRelease");
    meta = json_put_object(object, "metadata");
    json_put_str(meta, "name", o->name);
    json_put_str(meta, "namespace", o->ns);
    json_put_int(meta, "generation", o->generation);
    cJSON_AddItemToObject(object, "spec", cJSON_Duplicate(json_get(w->tree, "spec"), true));
    cJSON_AddItemToObject(object, "status", status_encode(status));
    text = json_print(line);
    puts(text);
    free(text);
}

/* As it was when the plan was made (a new spec with the status of an older one), and as the plan
 * writes it. */
static void dump(const struct world *w, const char *name, const struct observed *o,
                 const struct plan *p)
{
    dump_object(w, name, o, o->status);
    for (size_t i = 0; i < p->n_actions; i++)
        if (p->actions[i].kind == ACT_PATCH_STATUS)
            dump_object(w, name, o, &p->status);
}

/* --- a case --- */

/* A case is played for its text, or to be dumped under its name. */
struct player {
    struct world w;
    FILE *text;
    const char *dumped; /* NULL = not dumped */
};

static void play_step(struct player *pl, const cJSON *step, FILE *out)
{
    struct world *w = &pl->w;
    AUTO(arena) struct arena *a = arena_new(16384);
    struct observed o;
    struct plan p;
    char *text;

    world_step(w, step);
    o = world_observe(w, a);
    p = plan_make(&o, a);
    check_round_trip(&p);
    check_quiet(&o, &p, a);
    check_answers(&o, &p, a);
    check_written_ahead(&o, &p);
    check_rights(&o, &p);
    check_conditions(&p);
    check_told(&o, a);
    check_plan_then_apply(w, &o, a);
    if (pl->dumped)
        dump(w, pl->dumped, &o, &p);
    world_keep(w, &p);
    if (!out)
        return;
    text = plan_print(&o, &p);
    fprintf(out, "--- at %g s%s%s\n%s\n", world_seconds(w), json_str(step, "note") ? ": " : "",
            json_str(step, "note") ?: "", text);
    free(text);
}

static char *play(const char *folder, const char *name, bool dumped)
{
    static const char *const keys[] = { "promise", "begins", "world", "before", "steps", NULL };
    char path[512], *text = NULL;
    size_t len;
    struct player pl = { .dumped = dumped ? name : NULL, .text = open_memstream(&text, &len) };
    AUTO(json) cJSON *defaults = NULL;
    AUTO(json) cJSON *tree = NULL;
    const char *begins;

    snprintf(path, sizeof path, "%s/defaults.yaml", folder);
    defaults = read_yaml(path);
    snprintf(path, sizeof path, "%s/%s/observed.yaml", folder, name);
    tree = read_yaml(path);
    check_keys(tree, "a case", keys);
    if (!pl.text || !json_str(tree, "promise") || !cJSON_IsArray(json_get(tree, "steps")))
        die("%s: promise and steps are required", path);
    pl.w.tree = cJSON_Duplicate(json_get(defaults, "world"), true);
    merge_patch(pl.w.tree, json_get(tree, "world"));
    begins = json_str(tree, "begins");
    if (begins && !json_at(defaults, "begins", begins))
        die("%s: begins '%s' is not in defaults.yaml", path, begins);
    fprintf(pl.text, "%s\n\n", json_str(tree, "promise"));
    EACH(step, begins ? json_at(defaults, "begins", begins) : NULL)
    play_step(&pl, step, NULL);
    EACH(step, json_get(tree, "before"))
    play_step(&pl, step, NULL);
    EACH(step, json_get(tree, "steps"))
    play_step(&pl, step, pl.text);
    fclose(pl.text);
    world_release(&pl.w);
    return text;
}

static int is_case(const struct dirent *entry)
{
    return entry->d_type == DT_DIR && entry->d_name[0] != '.';
}

static void dump_all(const char *folder)
{
    struct dirent **cases;
    int n = scandir(folder, &cases, is_case, alphasort);

    if (n <= 0)
        die("%s: no cases", folder);
    for (int i = 0; i < n; i++) {
        free(play(folder, cases[i]->d_name, true));
        free(cases[i]);
    }
    free(cases);
}

/* --- the difference --- */

#define LINES 400

static size_t split(char *text, char **lines)
{
    size_t n = 0;

    for (char *end; *text && n < LINES; text = end + 1) {
        end = strchr(text, '\n');
        if (!end)
            die("the text does not end with a newline");
        *end = '\0';
        lines[n++] = text;
    }
    return n;
}

/* Longest common subsequence: lines only in the first "-", only in the second "+". */
static void print_diff(char *want, char *got)
{
    static char *a[LINES], *b[LINES];
    static short best[LINES + 1][LINES + 1]; /* of the rests of a and b from here on */
    size_t n = split(want, a), m = split(got, b), i = 0, k = 0;

    for (size_t x = n; x-- > 0;)
        for (size_t y = m; y-- > 0;)
            best[x][y] = !strcmp(a[x], b[y])             ? (short)(best[x + 1][y + 1] + 1) :
                         best[x + 1][y] > best[x][y + 1] ? best[x + 1][y] :
                                                           best[x][y + 1];
    while (i < n || k < m) {
        if (i < n && k < m && !strcmp(a[i], b[k])) {
            printf("  %s\n", a[i++]);
            k++;
        } else if (i < n && (k == m || best[i + 1][k] >= best[i][k + 1])) {
            printf("- %s\n", a[i++]);
        } else {
            printf("+ %s\n", b[k++]);
        }
    }
}

static int compare(const char *folder, const char *name)
{
    AUTO(text) struct text want = TEXT_INIT(FILE_BYTES);
    char path[512], *got = play(folder, name, false);
    int status = EXIT_SUCCESS;

    snprintf(path, sizeof path, "%s/%s/plan.txt", folder, name);
    if (getenv("UPDATE_GOLDEN")) {
        FILE *f = fopen(path, "w");

        if (!f || fputs(got, f) < 0 || fclose(f))
            die("%s cannot be written", path);
    } else if (read_file(path, &want)) {
        die("%s is not there: UPDATE_GOLDEN=1 writes it; then read it", path);
    } else if (strcmp(text_str(&want), got) != 0) {
        printf("%s: the plan is another one (- wanted, + made now)\n", path);
        print_diff(want.bytes, got);
        status = EXIT_FAILURE;
    }
    free(got);
    zones_free();
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        die("usage: golden FOLDER CASE, or golden --dump FOLDER");
    if (strcmp(argv[1], "--dump") != 0)
        return compare(argv[1], argv[2]);
    dump_all(argv[2]);
    return EXIT_SUCCESS;
}
