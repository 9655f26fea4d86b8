#include "fake/script.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#define SCRIPT_BYTES (1 * MIB)
#define LINE_BYTES (16 * MIB) /* after {x*…} */
#define AT_ONCE_MS 500

struct reader {
    struct script *s;
    const struct script_var *vars;
    size_t n_vars;
    int line;
    int64_t at_least_ms, at_most_ms; /* of the next request or outcome */
};

static int refuse(const struct reader *r, const char *what, const char *text, struct err *e)
{
    return err_set(e, ERR_INVALID, 0, "%s:%d: %s: '%.60s'", r->s->path, r->line, what, text);
}

bool glob_fits(const char *glob, const char *text)
{
    const char *star = NULL, *retry = NULL;

    while (*text) {
        if (*glob == '*') {
            star = glob++;
            retry = text;
        } else if (*glob == *text) {
            glob++;
            text++;
        } else if (star) { /* let the last star stand for one more */
            glob = star + 1;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*glob == '*')
        glob++;
    return !*glob;
}

/* --- abbreviations --- */

/* "%a@41": returns its length, 0 when it is none. */
static size_t expand_object(const char *s, struct text *out, struct err *e)
{
    size_t n = strspn(s + 1, "abcdefghijklmnopqrstuvwxyz-");
    const char *rv = s + 1 + n + 1;
    size_t m;

    if (*s != '%' || !n || s[1 + n] != '@')
        return 0;
    m = strspn(rv, "0123456789");
    text_addf(out, e,
              "{\"metadata\":{\"name\":\"%.*s\",\"namespace\":\"shop\",\"uid\":\"uid-%.*s\","
              "\"resourceVersion\":\"%.*s\"}}",
              (int)n, s + 1, (int)n, s + 1, (int)m, rv);
    return (size_t)(rv + m - s);
}

static int expand(const struct reader *r, const char *s, struct text *out, struct err *e);

/* The length of what these braces hold, and of them; 0 when they are not closed. */
static size_t braces_len(const char *s)
{
    int depth = 0;

    for (const char *c = s; *c; c++) {
        depth += *c == '{';
        depth -= *c == '}';
        if (!depth)
            return (size_t)(c - s) + 1;
    }
    return 0;
}

/* "{x*100}" and "{base64 …}", which may hold variables and braces: returns the length, 0 when it is
 * none. */
static size_t expand_braces(const struct reader *r, const char *s, struct text *out, struct err *e)
{
    size_t n = *s == '{' ? braces_len(s) : 0;
    struct text plain = TEXT_INIT(600);
    unsigned char coded[1024];
    char *inner;

    if (n && s[1] && s[2] == '*' && isdigit((unsigned char)s[3])) {
        for (long left = strtol(s + 3, NULL, 10); left > 0; left--)
            text_add(out, s + 1, 1, e);
        return n;
    }
    if (!n || strncmp(s, "{base64 ", 8) != 0)
        return 0;
    inner = xasprintf("%.*s", (int)n - 9, s + 8);
    expand(r, inner, &plain, e);
    free(inner);
    EVP_EncodeBlock(coded, (const unsigned char *)text_str(&plain), (int)plain.len);
    text_release(&plain);
    text_puts(out, (const char *)coded, e);
    return n;
}

static size_t expand_var(const struct reader *r, const char *s, struct text *out, struct err *e)
{
    for (size_t i = 0; i < r->n_vars; i++) {
        size_t n = strlen(r->vars[i].name);

        if (strncmp(s, r->vars[i].name, n) != 0)
            continue;
        text_puts(out, r->vars[i].value, e);
        return n;
    }
    return 0;
}

static int expand(const struct reader *r, const char *s, struct text *out, struct err *e)
{
    while (*s) {
        size_t n = expand_var(r, s, out, e);

        n = n ? n : expand_object(s, out, e);
        n = n ? n : expand_braces(r, s, out, e);
        if (!n) {
            text_add(out, s, 1, e);
            n = 1;
        }
        s += n;
    }
    return e->kind ? -1 : 0;
}

/* --- lines --- */

static struct step *add_step(struct reader *r, enum step_kind kind, const char *text)
{
    struct script *s = r->s;
    struct step *step;

    s->steps = xrealloc(s->steps, (s->n + 1) * sizeof *s->steps);
    step = &s->steps[s->n++];
    *step = (struct step){ .kind = kind,
                           .line = r->line,
                           .text = xstrdup(text),
                           .body = TEXT_INIT(LINE_BYTES),
                           .at_most_ms = AT_ONCE_MS };
    if (kind != STEP_REQUEST && kind != STEP_OUTCOME)
        return step;
    step->at_least_ms = r->at_least_ms;
    step->at_most_ms = r->at_most_ms;
    r->at_least_ms = 0;
    r->at_most_ms = AT_ONCE_MS;
    return step;
}

static struct step *last_step(const struct reader *r, enum step_kind kind)
{
    struct step *last = r->s->n ? &r->s->steps[r->s->n - 1] : NULL;

    return last && last->kind == kind ? last : NULL;
}

static int add_detail(struct step *step, const char *text)
{
    step->details = xrealloc(step->details, (step->n_details + 1) * sizeof *step->details);
    step->details[step->n_details++] = xstrdup(text);
    return 0;
}

static bool is_header(const char *s)
{
    return *s == '!' || s[strcspn(s, ": ")] == ':';
}

/* "800ms", "7s", "10min"; *end is what follows. -1 when it is none. */
static int64_t read_span(const char *s, const char **end)
{
    char *unit;
    double n = strtod(s, &unit);

    *end = unit;
    if (unit == s)
        return -1;
    if (!strncmp(unit, "ms", 2))
        *end = unit + 2;
    else if (!strncmp(unit, "min", 3))
        n *= 60000, *end = unit + 3;
    else if (*unit == 's')
        n *= 1000, *end = unit + 1;
    else
        return -1;
    return (int64_t)n;
}

static int read_time(struct reader *r, const char *s, struct err *e)
{
    bool is_quiet = !strncmp(s, "quiet ", 6);
    const char *end;
    int64_t from_ms = read_span(s + (is_quiet ? 6 : 0), &end);

    if (from_ms < 0)
        return refuse(r, "no time span", s, e);
    if (is_quiet && !*end) {
        add_step(r, STEP_QUIET, s)->at_least_ms = from_ms;
        return 0;
    }
    if (is_quiet || strncmp(end, "..", 2) != 0)
        return refuse(r, "no time from..to", s, e);
    r->at_least_ms = from_ms;
    r->at_most_ms = read_span(end + 2, &end);
    return r->at_most_ms < from_ms || *end ? refuse(r, "no time from..to", s, e) : 0;
}

static int read_ending(const char *word, enum ending *ret)
{
    static const char *const words[] = { "end", "cut", "reset", "hang" };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!strcmp(word, words[i])) {
            *ret = (enum ending)i;
            return 0;
        }
    return -1;
}

/* "200 split=7 cut", "stream split=1" */
static int read_reply(struct reader *r, char *s, struct err *e)
{
    char *rest = s + strcspn(s, " ");
    struct step *step;
    char *word;

    if (*rest)
        *rest++ = '\0';
    step = add_step(r, STEP_REPLY, strcmp(s, "stream") ? s : "200");
    step->is_stream = !strcmp(s, "stream");
    while ((word = strsep(&rest, " "))) {
        if (!strncmp(word, "split=", 6))
            step->split = strtoul(word + 6, NULL, 10);
        else if (!strncmp(word, "to=", 3) && !step->to)
            step->to = xstrdup(word + 3);
        else if (*word && read_ending(word, &step->ending))
            return refuse(r, "neither split=N, to=REQUEST nor cut, reset, hang", word, e);
    }
    return 0;
}

static int read_answer(struct reader *r, char *s, struct err *e)
{
    struct step *reply = last_step(r, STEP_REPLY);
    enum ending ending;
    const char *end;

    if (isdigit((unsigned char)*s) || !strncmp(s, "stream", 6))
        return read_reply(r, s, e);
    if (!read_ending(s, &ending)) {
        add_step(r, STEP_END, s)->ending = ending;
        return 0;
    }
    if (!strncmp(s, "pause ", 6)) {
        int64_t ms = read_span(s + 6, &end);

        add_step(r, STEP_PAUSE, s)->at_least_ms = ms;
        return ms < 0 || *end ? refuse(r, "no time span", s, e) : 0;
    }
    if (reply && is_header(s))
        return add_detail(reply, s);
    return refuse(r, "no answer", s, e);
}

static int read_request(struct reader *r, const char *s, struct err *e)
{
    struct step *request = last_step(r, STEP_REQUEST);

    if (!is_header(s) && *s != '|' && strncmp(s, "connection ", 11) != 0) {
        add_step(r, STEP_REQUEST, s);
        return 0;
    }
    return request ? add_detail(request, s) : refuse(r, "belongs to no request", s, e);
}

static int read_body(struct reader *r, const char *s, bool newline, struct err *e)
{
    struct step *step = last_step(r, STEP_REPLY);

    step = step ? step : last_step(r, STEP_MORE);
    step = step ? step : add_step(r, STEP_MORE, "more");
    if (text_puts(&step->body, s, e))
        return -1;
    return newline ? text_add(&step->body, "\n", 1, e) : 0;
}

static int read_line(struct reader *r, char mark, char *s, struct err *e)
{
    char *comment = strchr("><~$", mark) ? strstr(s, "  # ") : NULL;

    if (comment)
        *comment = '\0';
    for (size_t n = strlen(s); comment && n && s[n - 1] == ' '; n--)
        s[n - 1] = '\0';
    switch (mark) {
    case '>':
        return read_request(r, s, e);
    case '<':
        return read_answer(r, s, e);
    case '|':
    case '.':
        return read_body(r, s, mark == '|', e);
    case '~':
        return read_time(r, s, e);
    case '$':
        add_step(r, STEP_DO, s);
        return 0;
    case '=':
        add_step(r, STEP_OUTCOME, s);
        return 0;
    default:
        return refuse(r, "a line begins with one of # $ > < | . ~ =", s, e);
    }
}

int script_load(struct script *s, const char *path, const struct script_var *vars, size_t n_vars,
                struct err *e)
{
    struct reader r = { .s = s, .vars = vars, .n_vars = n_vars, .at_most_ms = AT_ONCE_MS };
    char *all = file_read(path, SCRIPT_BYTES, e), *rest = all, *line;
    int status = all ? 0 : -1;

    *s = (struct script){ .path = xstrdup(path) };
    while (!status && (line = strsep(&rest, "\n"))) {
        struct text full = TEXT_INIT(LINE_BYTES);

        r.line++;
        if (!*line || *line == '#')
            continue;
        if (line[1] && line[1] != ' ')
            status = refuse(&r, "no space after the first character", line, e);
        else
            status = expand(&r, line[1] ? line + 2 : "", &full, e);
        if (!status && !full.bytes)
            text_add(&full, "", 0, e);
        if (!status)
            status = read_line(&r, *line, full.bytes, e);
        text_release(&full);
    }
    free(all);
    return status;
}

void script_release(struct script *s)
{
    for (size_t i = 0; i < s->n; i++) {
        for (size_t k = 0; k < s->steps[i].n_details; k++)
            free(s->steps[i].details[k]);
        free(s->steps[i].details);
        free(s->steps[i].text);
        free(s->steps[i].to);
        text_release(&s->steps[i].body);
    }
    free(s->steps);
    free(s->path);
    *s = (struct script){ 0 };
}
