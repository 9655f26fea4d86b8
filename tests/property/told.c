/* What a controller was told beside the watches, as reconcile/facts.c keeps it. */
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "property/told.h"

static const struct backoff MISSING_AGAIN = { 1000, 10000 };
static const struct backoff TROUBLE_AGAIN = { 1000, 60000 };

void told_put_release(struct facts *f, const struct release *r)
{
    if (!f->release.exists || f->release.rv <= r->rv)
        f->release = *r;
}

void told_put_dep(struct model *m, struct facts *f, int dep, const struct dep *d, int64_t read_ms)
{
    struct held_dep *held = &f->deps[dep];

    if (held->held && held->dep.rv > d->rv)
        return;
    held->held = true;
    held->dep = *d;
    held->at_ms = m->now_ms;
    held->read_ms = read_ms;
}

struct image_answer *told_image(struct model *m, struct facts *f, const char *image, size_t *ret_at)
{
    for (size_t i = 0; i < f->n_images; i++)
        if (!strcmp(f->images[i].image, image)) {
            *ret_at = i;
            return &f->images[i];
        }
    if (f->n_images == FACTS)
        model_abort(m, __func__);
    *ret_at = f->n_images++;
    f->images[*ret_at] = (struct image_answer){ .image = arena_strdup(m->arena, image) };
    f->image_failures[*ret_at] = 0;
    return &f->images[*ret_at];
}

void told_image_answered(struct model *m, struct facts *f, const char *image, int code,
                         const char *digest)
{
    size_t at;
    struct image_answer *answer = told_image(m, f, image, &at);

    *answer = (struct image_answer){ .image = answer->image,
                                     .at_ms = m->now_ms,
                                     .digest = code == 200 ? digest : NULL,
                                     .missing = code == 404,
                                     .error = code == 503 ? "registry reg.io: HTTP 503" : NULL };
    if (code == 200)
        f->image_failures[at] = 0;
    else
        answer->retry_ms = m->now_ms + backoff_ms(answer->missing ? &MISSING_AGAIN : &TROUBLE_AGAIN,
                                                  ++f->image_failures[at]);
}

void told_forget_images(struct facts *f, int64_t before_ms)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_images; i++)
        if (f->images[i].asking || f->images[i].at_ms >= before_ms) {
            f->image_failures[n] = f->image_failures[i];
            f->images[n++] = f->images[i];
        }
    f->n_images = n;
}

void told_forget_failure(struct facts *f, const char *id)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_failures; i++)
        if (strcmp(f->failures[i].attempt_id, id) != 0)
            f->failures[n++] = f->failures[i];
    f->n_failures = n;
}

void told_forget_refusal(struct facts *f, const char *id)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_refusals; i++)
        if (strcmp(f->refusals[i].attempt_id, id) != 0)
            f->refusals[n++] = f->refusals[i];
    f->n_refusals = n;
}

void told_note_refusal(struct model *m, struct facts *f, const struct write *w, int code)
{
    told_forget_refusal(f, w->id);
    told_forget_failure(f, w->id);
    if (f->n_refusals == FACTS)
        model_abort(m, __func__);
    f->refusals[f->n_refusals++] = (struct refusal){ .attempt_id = w->id,
                                                     .account = w->account,
                                                     .for_good = code == 422,
                                                     .forbidden = code == 403,
                                                     .text = "admission webhook says no",
                                                     .at_ms = m->now_ms };
}

void told_note_failure(struct model *m, struct facts *f, const char *id)
{
    for (size_t i = 0; i < f->n_failures; i++)
        if (!strcmp(f->failures[i].attempt_id, id)) {
            f->failures[i].last_ms = m->now_ms;
            return;
        }
    if (f->n_failures == FACTS)
        model_abort(m, __func__);
    f->failures[f->n_failures++] = (struct patch_failure){
        .attempt_id = id, .text = "no answer", .first_ms = m->now_ms, .last_ms = m->now_ms
    };
}
