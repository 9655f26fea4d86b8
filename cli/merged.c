#include "merged.h"

#include <string.h>

#include "base/text.h"
#include "cli.h"
#include "inputs.h"
#include "survey.h"
#include "tree.h"

#define VERSIONS_MAX "300" /* the newest */
#define OUTPUT_MAX (256 * MIB)

/* "<tree of a version> <our tree>" for each version; NULL when there is none. */
static const char *list_pairs(const struct survey *s)
{
    struct arena *a = s->git.c->arena;
    struct err ignored;
    const char *range = arena_printf(a, "%s..%s", s->base.commit, s->base.tip);
    const char *trees = git_word(&s->git, &ignored, "log", "--first-parent", "--no-show-signature",
                                 "--format=%T", "--max-count=" VERSIONS_MAX, range);
    const char *ours =
        git_word(&s->git, &ignored, "rev-parse", arena_printf(a, "%s^{tree}", s->commit));
    struct text pairs = TEXT_INIT(MIB);
    const char *kept;

    for (const char *at = trees; ours && at && *at;) {
        size_t len = strcspn(at, "\n");

        text_addf(&pairs, &ignored, "%.*s %s\n", (int)len, at, ours);
        at += len + (at[len] == '\n');
    }
    kept = pairs.len ? arena_strdup(a, text_str(&pairs)) : NULL;
    text_release(&pairs);
    return kept;
}

bool *merged_find(struct survey *s)
{
    struct arena *a = s->git.c->arena;
    bool *merged = arena_array(a, s->apps.n + 1, sizeof *merged);
    struct child_result r;
    struct series series;
    struct err ignored;
    struct git_call call = {
        .args = (const char *const[]){ "diff-tree", "--stdin", "-r", "-z", "--no-renames", NULL },
        .max_bytes = OUTPUT_MAX,
    };

    if (!s->base.tip || !s->base.commit || !strcmp(s->base.tip, s->base.commit))
        return NULL;
    call.input = list_pairs(s);
    if (!call.input)
        return NULL;
    call.input_len = strlen(call.input);
    if (git_call(&s->git, &call, &r, &ignored) || r.status ||
        series_parse(r.out, r.out_len, a, &series, &ignored))
        return NULL;
    for (size_t i = 0; i < series.n; i++) {
        const struct app_changes *now = inputs_changed(a, &s->project, &s->apps, &series.list[i]);

        for (size_t j = 0; j < s->apps.n; j++)
            merged[j] |= now[j].n == 0;
    }
    return merged;
}
