#include "dockerfile.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/text.h"

#define WORD_BYTES (64 * KIB) /* of a word with its variables replaced */

struct variable {
    const char *name, *value; /* value NULL: it cannot be told here */
};

struct image {
    const char *text;
    bool is_copied; /* COPY --from, RUN --mount=from=: any stage's name goes before */
};

struct reader {
    struct arena *a;
    const char *at; /* the next line */
    char escape;
    const char *const *args;
    struct variable *variables;
    size_t n_variables;
    const char **stages; /* names; "" = it has none */
    size_t n_stages;
    struct image *images;
    size_t n_images;
};

/* Room for one more in a list of n. */
static void *grow(struct arena *a, const void *list, size_t n, size_t size)
{
    void *grown;

    if (n & (n - 1))
        return (void *)list; /* it doubles at each power of two */
    grown = arena_array(a, n ? 2 * n : 1, size);
    if (n)
        memcpy(grown, list, n * size);
    return grown;
}

/* --- lines --- */

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \t\v\f\r");
}

/* The next line without its end, in the arena; NULL = there is none. */
static char *next_line(struct reader *r)
{
    size_t n = strcspn(r->at, "\n"), len = n;
    char *line;

    if (!*r->at)
        return NULL;
    while (len && r->at[len - 1] == '\r')
        len--;
    line = arena_strndup(r->a, r->at, len);
    r->at += n + (r->at[n] == '\n');
    return line;
}

static bool is_comment(const char *line)
{
    return *skip_blanks(line) == '#';
}

/* An escape at the end, not itself escaped: the line goes on. Cuts it off. */
static bool goes_on(char *line, char escape)
{
    size_t n = strlen(line);

    while (n && (line[n - 1] == ' ' || line[n - 1] == '\t'))
        n--;
    if (!n || line[n - 1] != escape || (n > 1 && line[n - 2] == escape))
        return false;
    line[n - 1] = '\0';
    return true;
}

/* "# escape=`": directives stand before all else. Leaves the reader at the first other line. */
static void read_directives(struct reader *r)
{
    if (!strncmp(r->at, "\xef\xbb\xbf", 3))
        r->at += 3;
    for (const char *at = r->at; *(at = skip_blanks(at)) == '#'; at = r->at) {
        const char *name = skip_blanks(at + 1);
        size_t n = 0;
        const char *value;

        while (isalnum((unsigned char)name[n]))
            n++;
        value = skip_blanks(name + n);
        if (!n || *value != '=')
            return;
        value = skip_blanks(value + 1);
        if (n == 6 && !strncasecmp(name, "escape", n) && (*value == '`' || *value == '\\'))
            r->escape = *value;
        next_line(r);
    }
}

/* The next instruction, its lines joined; NULL = there is none. */
static const char *next_instruction(struct reader *r)
{
    AUTO(text) struct text whole = TEXT_INIT(SIZE_MAX / 2);
    struct err ignored;
    char *line;
    bool more;

    do
        line = next_line(r);
    while (line && (is_comment(line) || !*skip_blanks(line)));
    if (!line)
        return NULL;
    more = goes_on(line, r->escape);
    text_puts(&whole, line, &ignored);
    while (more && (line = next_line(r))) {
        if (is_comment(line) || !*skip_blanks(line))
            continue;
        more = goes_on(line, r->escape);
        text_puts(&whole, line, &ignored);
    }
    return arena_strdup(r->a, skip_blanks(text_str(&whole)));
}

/* --- words --- */

/* The length of the word at s; blanks within quotes and after an escape belong to it. */
static size_t word_len(const char *s, char escape)
{
    char quote = '\0';
    size_t n = 0;

    for (; s[n] && (quote || !isspace((unsigned char)s[n])); n++) {
        if (s[n] == escape && quote != '\'' && s[n + 1])
            n++;
        else if (quote)
            quote = s[n] == quote ? '\0' : quote;
        else if (s[n] == '"' || s[n] == '\'')
            quote = s[n];
    }
    return n;
}

/* The next word of *rest, in the arena; NULL = there is none. */
static const char *next_word(const struct reader *r, const char **rest)
{
    const char *s = *rest + strspn(*rest, " \t\v\f\r\n");
    size_t n = word_len(s, r->escape);

    *rest = s + n;
    return n ? arena_strndup(r->a, s, n) : NULL;
}

/* --- variables --- */

static bool has_name(const char *text, const char *name, size_t n)
{
    return !strncmp(text, name, n) && (text[n] == '=' || !text[n]);
}

/* false: it cannot be told. *ret NULL: it is not set. */
static bool look_up(const struct reader *r, const char *name, size_t n, const char **ret)
{
    static const char *const BUILDERS[] = { "TARGETPLATFORM", "TARGETOS",      "TARGETARCH",
                                            "TARGETVARIANT",  "BUILDPLATFORM", "BUILDOS",
                                            "BUILDARCH",      "BUILDVARIANT" };

    *ret = NULL;
    for (size_t i = r->n_variables; i-- > 0;)
        if (has_name(r->variables[i].name, name, n)) {
            *ret = r->variables[i].value;
            return *ret != NULL;
        }
    for (size_t i = 0; i < ARRAY_LEN(BUILDERS); i++)
        if (has_name(BUILDERS[i], name, n))
            return false;
    return true;
}

static bool expand(const struct reader *r, const char *s, size_t n, struct text *out);

/* The length of "…}" from s on, the brace included; 0 = it is not closed. */
static size_t braces_len(const char *s, size_t n)
{
    size_t depth = 1;

    for (size_t i = 0; i < n; i++) {
        if (s[i] == '{' && i && s[i - 1] == '$')
            depth++;
        else if (s[i] == '}' && --depth == 0)
            return i + 1;
    }
    return 0;
}

/* "NAME", "NAME:-word", "NAME+word": what stands within braces. */
static bool expand_braces(const struct reader *r, const char *s, size_t n, struct text *out)
{
    struct err ignored;
    size_t name = 0, mark;
    const char *value;
    bool is_set;

    while (name < n && (isalnum((unsigned char)s[name]) || s[name] == '_'))
        name++;
    if (!name || !look_up(r, s, name, &value))
        return false;
    if (name == n)
        return text_puts(out, value ? value : "", &ignored) == 0;
    mark = name + (s[name] == ':');
    is_set = value && (*value || mark == name);
    if (mark < n && s[mark] == '-')
        return is_set ? text_puts(out, value, &ignored) == 0 :
                        expand(r, s + mark + 1, n - mark - 1, out);
    if (mark < n && s[mark] == '+')
        return !is_set || expand(r, s + mark + 1, n - mark - 1, out);
    if (mark < n && s[mark] == '?' && is_set)
        return text_puts(out, value, &ignored) == 0;
    return false; /* patterns: no need was seen */
}

/* One variable at s, behind its '$'. Returns its length; 0 = it cannot be told. */
static size_t expand_one(const struct reader *r, const char *s, size_t n, struct text *out)
{
    size_t len = 0;

    if (n && *s == '{') {
        len = braces_len(s + 1, n - 1);
        return len && expand_braces(r, s + 1, len - 1, out) ? len + 1 : 0;
    }
    while (len < n && (isalnum((unsigned char)s[len]) || s[len] == '_'))
        len++;
    return len && expand_braces(r, s, len, out) ? len : 0;
}

/* A word without its quotes, variables replaced. false: it cannot be told. */
static bool expand(const struct reader *r, const char *s, size_t n, struct text *out)
{
    struct err ignored;
    char quote = '\0';

    for (size_t i = 0; i < n; i++) {
        if (s[i] == '$' && quote != '\'') {
            size_t len = expand_one(r, s + i + 1, n - i - 1, out);

            if (!len)
                return false;
            i += len;
            continue;
        }
        if (s[i] == quote || (!quote && (s[i] == '"' || s[i] == '\''))) {
            quote = quote ? '\0' : s[i];
            continue;
        }
        if (s[i] == r->escape && quote != '\'' && i + 1 < n)
            i++;
        if (text_add(out, &s[i], 1, &ignored))
            return false;
    }
    return true;
}

/* NULL: it cannot be told. */
static const char *expanded(const struct reader *r, const char *word)
{
    AUTO(text) struct text out = TEXT_INIT(WORD_BYTES);

    return expand(r, word, strlen(word), &out) ? arena_strdup(r->a, text_str(&out)) : NULL;
}

/* ARG before the first FROM: the build's value, or else the default. */
static void read_args(struct reader *r, const char *rest)
{
    const char *word;

    while ((word = next_word(r, &rest))) {
        size_t n = strcspn(word, "=");
        const char *given = NULL;
        struct variable v = { .name = arena_strndup(r->a, word, n) };

        for (const char *const *arg = r->args; arg && *arg; arg++)
            if (has_name(*arg, word, n) && (*arg)[n])
                given = *arg + n + 1;
        if (!given && !word[n])
            continue; /* declared, without a value */
        v.value = given ? given : expanded(r, word + n + 1);
        r->variables = grow(r->a, r->variables, r->n_variables, sizeof v);
        r->variables[r->n_variables++] = v;
    }
}

/* --- images --- */

static bool is_stage(const struct reader *r, const char *name)
{
    for (size_t i = 0; i < r->n_stages; i++)
        if (*name && !strcasecmp(r->stages[i], name))
            return true;
    return false;
}

static void add_image(struct reader *r, const char *text, bool is_copied)
{
    r->images = grow(r->a, r->images, r->n_images, sizeof *r->images);
    r->images[r->n_images++] = (struct image){ text, is_copied };
}

static void read_from(struct reader *r, const char *rest)
{
    const char *image = next_word(r, &rest), *as, *name;

    while (image && !strncmp(image, "--", 2))
        image = next_word(r, &rest);
    as = next_word(r, &rest);
    name = as && !strcasecmp(as, "as") ? next_word(r, &rest) : NULL;
    image = image ? expanded(r, image) : NULL;
    if (image && *image && strcmp(image, "scratch") && !is_stage(r, image))
        add_image(r, image, false);
    r->stages = grow(r->a, r->stages, r->n_stages, sizeof *r->stages);
    r->stages[r->n_stages++] = name ? name : "";
}

/* "type=bind,from=image,source=/x": the image. */
static const char *mount_from(const struct reader *r, const char *mount)
{
    while (*mount && strncmp(mount, "from=", 5)) {
        mount += strcspn(mount, ",");
        mount += *mount == ',';
    }
    return *mount ? arena_strndup(r->a, mount + 5, strcspn(mount + 5, ",\"")) : NULL;
}

/* Flags of COPY and RUN. Their variables are a stage's own: such a text is left out. */
static void read_flags(struct reader *r, const char *rest)
{
    const char *word;

    while ((word = next_word(r, &rest)) && !strncmp(word, "--", 2)) {
        const char *image = !strncmp(word, "--from=", 7)  ? word + 7 :
                            !strncmp(word, "--mount=", 8) ? mount_from(r, word + 8) :
                                                            NULL;

        if (image && *image && strcmp(image, "scratch") && !strchr(image, '$'))
            add_image(r, image, true);
    }
}

/* --- heredocs --- */

/* The name that ends the heredoc of a word "<<NAME", "3<<-'NAME'"; NULL = it begins none. */
static const char *heredoc_end(const struct reader *r, const char *word, bool *ret_tabs)
{
    AUTO(text) struct text name = TEXT_INIT(WORD_BYTES);
    struct err ignored;

    word += strspn(word, "0123456789");
    if (strncmp(word, "<<", 2))
        return NULL;
    word += 2;
    *ret_tabs = *word == '-';
    for (word += *ret_tabs; *word; word++) {
        if (*word == '<')
            return NULL;
        if (*word != '"' && *word != '\'')
            text_add(&name, word, 1, &ignored);
    }
    return name.len ? arena_strdup(r->a, text_str(&name)) : NULL;
}

static void skip_heredoc(struct reader *r, const char *end, bool has_tabs)
{
    const char *line;

    while ((line = next_line(r)))
        if (!strcmp(has_tabs ? line + strspn(line, "\t") : line, end))
            return;
}

static void skip_heredocs(struct reader *r, const char *rest)
{
    const char *word;
    bool has_tabs;

    while ((word = next_word(r, &rest))) {
        const char *end = heredoc_end(r, word, &has_tabs);

        if (end)
            skip_heredoc(r, end, has_tabs);
    }
}

/* --- the file --- */

static void read_instruction(struct reader *r, const char *line)
{
    const char *rest = line;
    const char *word = next_word(r, &rest);

    if (!word) {
        return; /* an escape alone */
    } else if (!strcasecmp(word, "ONBUILD")) {
        word = next_word(r, &rest); /* of those who start from this image */
        if (word &&
            (!strcasecmp(word, "RUN") || !strcasecmp(word, "COPY") || !strcasecmp(word, "ADD")))
            skip_heredocs(r, rest);
    } else if (!strcasecmp(word, "FROM")) {
        read_from(r, rest);
    } else if (!strcasecmp(word, "ARG") && !r->n_stages) {
        read_args(r, rest);
    } else if (!strcasecmp(word, "RUN") || !strcasecmp(word, "COPY") || !strcasecmp(word, "ADD")) {
        read_flags(r, rest);
        skip_heredocs(r, rest);
    }
}

static bool is_stage_number(const struct reader *r, const char *text)
{
    size_t n = strspn(text, "0123456789");

    return n && n < 6 && !text[n] && strtoul(text, NULL, 10) < r->n_stages;
}

static bool has(const char *const *list, const char *text)
{
    while (*list && strcmp(*list, text))
        list++;
    return *list != NULL;
}

const char *const *dockerfile_bases(struct arena *a, const char *text, const char *const *args)
{
    struct reader r = { .a = a, .at = text, .escape = '\\', .args = args };
    const char *line, **list;
    size_t n = 0;

    read_directives(&r);
    while ((line = next_instruction(&r)))
        read_instruction(&r, line);
    list = arena_array(a, r.n_images + 1, sizeof *list);
    for (size_t i = 0; i < r.n_images; i++) {
        const struct image *image = &r.images[i];
        bool is_inside =
            image->is_copied && (is_stage(&r, image->text) || is_stage_number(&r, image->text));

        if (!is_inside && !has(list, image->text))
            list[n++] = image->text;
    }
    return list;
}
