#include "property/script.h"

#include <string.h>

#include "property/field.h"

#define X(word, text, ...) [EV_##word] = text,
const char *const EVENT_WORDS[] = { EVENTS(X) };
#undef X
#define X(word, text) [FATE_##word] = text,
const char *const FATE_WORDS[] = { FATES(X) };
#undef X

#define X(word, text, ...) [EV_##word] = { __VA_ARGS__ },
static const int WEIGHTS[][THEMES] = { EVENTS(X) };
#undef X

uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t z = a + 0x9e3779b97f4a7c15u * (b + 1);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int64_t chance(uint64_t seed, uint64_t what, uint64_t which, int64_t low, int64_t high)
{
    return low + (int64_t)(mix(mix(seed, what), which) % (uint64_t)(high - low + 1));
}

/* --- from a seed --- */

struct dice {
    uint64_t seed, n;
};

static int roll(struct dice *d, int low, int high)
{
    return (int)chance(d->seed, 1, d->n++, low, high);
}

static bool one_in(struct dice *d, int n)
{
    return roll(d, 1, n) == 1;
}

static enum event_kind draw_kind(struct dice *d, int theme)
{
    int total = 0, at;

    for (int i = 0; i < EV_END; i++)
        total += WEIGHTS[i][theme];
    at = roll(d, 1, total);
    for (int i = 0; i < EV_END; i++) {
        at -= WEIGHTS[i][theme];
        if (at <= 0)
            return (enum event_kind)i;
    }
    return EV_COMMIT;
}

static int draw_code(struct dice *d)
{
    static const int codes[] = { 400, 403, 422, 429, 500 };

    return codes[roll(d, 0, 4)];
}

/* The numbers of an event. */
static void draw_numbers(struct dice *d, const struct script *s, struct event *e)
{
    int release = roll(d, 0, one_in(d, 5) ? RELEASES - 1 : s->releases - 1);
    int app = roll(d, 0, s->apps - 1);
    int commit = roll(d, 0, COMMITS - 1);

    switch (e->kind) {
    case EV_COMMIT:
        e->a = release, e->b = commit;
        break;
    case EV_HOLD:
        e->a = release, e->b = app, e->c = one_in(d, 3) ? -1 : commit;
        break;
    case EV_APPROVE:
    case EV_OVERRIDE:
        e->a = release, e->b = one_in(d, 3) ? commit : -1;
        if (e->kind == EV_OVERRIDE && one_in(d, 4))
            e->b = -2;
        break;
    case EV_LIST:
    case EV_RENAME:
        e->a = release, e->b = app, e->c = roll(d, 0, 1);
        break;
    case EV_FIELD:
        e->a = release, e->b = roll(d, 0, (int)field_count() - 1);
        for (bool hold = one_in(d, 3); hold && !field_begins_usual((size_t)e->b);)
            e->b = (e->b + 1) % (int)field_count(); /* holds and their ends */
        e->c = roll(d, 0, (int)field_values((size_t)e->b) - 1);
        break;
    case EV_RETRY:
    case EV_RECONCILE:
        e->a = release, e->b = roll(d, 1, 9);
        break;
    case EV_TAG:
        e->a = app, e->b = commit, e->c = one_in(d, 5) ? -1 : roll(d, 0, DIGESTS - 1);
        break;
    case EV_SCALE:
        e->a = app, e->b = one_in(d, 4) ? 0 : roll(d, 1, 4);
        break;
    case EV_SET_IMAGE:
        e->a = app, e->b = commit, e->c = roll(d, 0, 3);
        break;
    case EV_UNDO:
    case EV_SET_ENV:
    case EV_EVICT:
        e->a = app;
        break;
    case EV_ANNOTATE:
        e->a = app, e->b = roll(d, 0, 3);
        break;
    case EV_PAUSE:
    case EV_BAD_SPEC:
        e->a = e->kind == EV_PAUSE ? app : release, e->b = roll(d, 0, 1);
        break;
    case EV_DELETE:
        e->a = app, e->b = one_in(d, 4) ? -1 : roll(d, 0, 40);
        break;
    case EV_MIN_READY:
        e->a = app, e->b = one_in(d, 2) ? 0 : roll(d, 1, 12);
        break;
    case EV_QUOTA:
    case EV_NO_NODE:
        e->a = app, e->b = roll(d, 5, 90);
        break;
    case EV_CREATE:
        e->a = commit;
        break;
    case EV_REMAKE:
        e->a = release;
        break;
    case EV_SECOND:
    case EV_REGISTRY:
        e->a = roll(d, 1, 60);
        break;
    case EV_FREEZE:
        e->a = roll(d, 0, 3), e->b = roll(d, 1, 60);
        break;
    case EV_LOSSY:
        e->a = roll(d, 1, 60), e->b = roll(d, 0, 3);
        break;
    case EV_REFUSE:
        e->a = roll(d, 1, 150), e->b = draw_code(d), e->c = roll(d, 0, s->apps) - 1;
        if (e->c < 0) /* status: only what may pass */
            e->b = one_in(d, 2) ? 429 : 500;
        break;
    case EV_RESTART:
    case EV_END:
        break;
    }
}

static void draw_events(struct dice *d, struct script *s)
{
    int64_t at_ms = 0;
    int more = one_in(d, 3) ? 12 : 4, n = roll(d, 1, 4 + more);

    for (int i = 0; i < n; i++) {
        struct event *e = &s->events[s->n_events++];

        at_ms += one_in(d, 2) ? roll(d, 10, 4000) : roll(d, 1000, 60000);
        *e = (struct event){ .at_ms = at_ms, .kind = i ? draw_kind(d, s->theme) : EV_COMMIT };
        draw_numbers(d, s, e);
    }
}

static int draw_fate(struct dice *d)
{
    return one_in(d, 2) ? FATE_GOOD : roll(d, 0, FATE_END - 1);
}

void script_draw(struct script *s, uint64_t seed)
{
    struct dice d = { .seed = seed };

    *s = (struct script){ .seed = seed };
    s->theme = roll(&d, 0, THEMES - 1);
    s->apps = one_in(&d, 3) ? roll(&d, 1, APPS) : roll(&d, 1, 2);
    s->releases = s->theme != THEME_CALM && one_in(&d, 5) ? 2 : 1;
    s->lag_ms = one_in(&d, 3) ? roll(&d, 50, 8000) : roll(&d, 10, 300);
    s->slow_ms = one_in(&d, 4) ? roll(&d, 100, 6000) : 200;
    for (int i = 0; i < DIGESTS; i++)
        s->fates[i] = i ? draw_fate(&d) : FATE_GOOD;
    for (int a = 0; a < APPS; a++) {
        for (int c = 0; c < COMMITS; c++)
            s->tags[a][c] = c == 0 ? 0 : one_in(&d, 12) ? -1 : roll(&d, 0, DIGESTS - 1);
        s->runs[a] = one_in(&d, 6) ? roll(&d, 0, COMMITS - 1) : 0;
        s->pinned[a] = !one_in(&d, 4);
        s->replicas[a] = one_in(&d, 10) ? 0 : roll(&d, 1, 3);
        s->with[a] = one_in(&d, 3) ? roll(&d, 0, WITH_END - 1) : 0;
    }
    for (int r = 0; r < s->releases; r++)
        for (size_t i = 0; i < field_count(); i++)
            if (one_in(&d, 4) && !field_begins_usual(i))
                s->fields[r][i] = roll(&d, 0, (int)field_values(i) - 1);
    draw_events(&d, s);
}

/* --- as text --- */

static void print_event(const struct event *e, FILE *out)
{
    if (e->kind == EV_FIELD)
        fprintf(out, "at %lld field %d %s %s\n", (long long)e->at_ms, e->a,
                field_name((size_t)e->b), field_value((size_t)e->b, e->c));
    else
        fprintf(out, "at %lld %s %d %d %d\n", (long long)e->at_ms, EVENT_WORDS[e->kind], e->a, e->b,
                e->c);
}

void script_print(const struct script *s, FILE *out)
{
    fprintf(out, "seed %llu\n", (unsigned long long)s->seed);
#define X(name) fprintf(out, #name " %d\n", s->name);
    SETTINGS(X)
#undef X
    for (int i = 0; i < DIGESTS; i++)
        fprintf(out, "fate %d %s\n", i, FATE_WORDS[s->fates[i]]);
    for (int a = 0; a < s->apps; a++) {
        fprintf(out, "app %d runs %d pinned %d replicas %d tags", a, s->runs[a], s->pinned[a],
                s->replicas[a]);
        for (int c = 0; c < COMMITS; c++)
            fprintf(out, " %d", s->tags[a][c]);
        if (s->with[a])
            fprintf(out, " with %d", s->with[a]);
        fputc('\n', out);
    }
    for (int r = 0; r < s->releases; r++)
        for (size_t i = 0; i < field_count(); i++)
            if (s->fields[r][i])
                fprintf(out, "spec %d %s %s\n", r, field_name(i), field_value(i, s->fields[r][i]));
    for (size_t i = 0; i < s->n_events; i++)
        print_event(&s->events[i], out);
}

static int index_of(const char *word, const char *const *words, int n)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(word, words[i]))
            return i;
    return -1;
}

static bool read_setting(struct script *s, const char *line)
{
#define X(name)                                                                                    \
    if (sscanf(line, #name " %d", &s->name) == 1)                                                  \
        return true;
    SETTINGS(X)
#undef X
    return false;
}

static bool read_app(struct script *s, const char *line)
{
    int a, runs, pinned, replicas, at = 0, used;

    if (sscanf(line, "app %d runs %d pinned %d replicas %d tags%n", &a, &runs, &pinned, &replicas,
               &at) != 4 ||
        !at || a < 0 || a >= APPS)
        return false;
    s->runs[a] = runs;
    s->pinned[a] = pinned;
    s->replicas[a] = replicas;
    for (int c = 0; c < COMMITS; c++, at += used)
        if (sscanf(line + at, " %d%n", &s->tags[a][c], &used) != 1)
            return false;
    sscanf(line + at, " with %d", &s->with[a]);
    return true;
}

/* The names of a field and of its value, as in "maxConcurrent 2". */
static bool read_names(const char *text, int *ret_field, int *ret_value)
{
    char name[32], json[64];

    if (sscanf(text, " %31s %63s", name, json) != 2)
        return false;
    *ret_field = field_index(name);
    *ret_value = *ret_field < 0 ? -1 : value_index((size_t)*ret_field, json);
    return *ret_value >= 0;
}

static bool read_spec(struct script *s, const char *line)
{
    int release, field, value, at = 0;

    if (sscanf(line, "spec %d%n", &release, &at) != 1 || release < 0 || release >= RELEASES ||
        !read_names(line + at, &field, &value))
        return false;
    s->fields[release][field] = value;
    return true;
}

static bool read_event(struct script *s, const char *line)
{
    struct event e = { 0 };
    char word[32];
    long long at_ms;
    int kind, at = 0;

    if (s->n_events == EVENTS_MAX)
        return false;
    if (sscanf(line, "at %lld field %d%n", &at_ms, &e.a, &at) == 2) {
        e.at_ms = at_ms;
        e.kind = EV_FIELD;
        s->events[s->n_events++] = e;
        return read_names(line + at, &s->events[s->n_events - 1].b, &s->events[s->n_events - 1].c);
    }
    if (sscanf(line, "at %lld %31s %d %d %d", &at_ms, word, &e.a, &e.b, &e.c) != 5)
        return false;
    kind = index_of(word, EVENT_WORDS, EV_END);
    e.at_ms = at_ms;
    e.kind = (enum event_kind)kind;
    if (kind >= 0)
        s->events[s->n_events++] = e;
    return kind >= 0;
}

static bool read_line(struct script *s, const char *line)
{
    unsigned long long seed;
    char word[32];
    int i;

    if (line[0] == '#' || line[0] == '\n')
        return true;
    if (sscanf(line, "seed %llu", &seed) == 1) {
        s->seed = seed;
        return true;
    }
    if (sscanf(line, "fate %d %31s", &i, word) == 2 && i >= 0 && i < DIGESTS) {
        s->fates[i] = index_of(word, FATE_WORDS, FATE_END);
        return s->fates[i] >= 0;
    }
    return read_setting(s, line) || read_app(s, line) || read_spec(s, line) || read_event(s, line);
}

int script_read(struct script *s, FILE *in, char *line, size_t size)
{
    *s = (struct script){ 0 };
    while (fgets(line, (int)size, in))
        if (!read_line(s, line))
            return -1;
    return s->apps >= 1 && s->apps <= APPS && s->releases >= 1 && s->releases <= RELEASES ? 0 : -1;
}
