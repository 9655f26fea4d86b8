/* The properties of what a plan would write, by what its controller knew then. */
#include <string.h>

#include "deploy/image.h"
#include "property/check.h"

static const struct app_status *app_of(const struct release_status *s, const char *id)
{
    for (size_t i = 0; i < s->n_apps; i++)
        if (s->apps[i].attempt && !strcmp(s->apps[i].attempt->id, id))
            return &s->apps[i];
    return NULL;
}

static const struct deployment_facts *facts_of(const struct observed *o, const char *deployment)
{
    for (size_t i = 0; i < o->n_apps; i++)
        if (!strcmp(o->apps[i].deployment, deployment))
            return o->apps[i].dep;
    return NULL;
}

/* R5: as the spec's account and nobody else; as nobody where it cannot be one. */
static void check_account(struct model *m, const struct release *r, const struct action *act)
{
    const char *account = r->spec->service_account;

    if (r->spec->service_account_wrong || !check_same(act->account, account))
        check_fail(m, "account", "%s is patched as %s, and the spec says %s", act->deployment,
                   act->account ? act->account : "ourselves",
                   r->spec->service_account_wrong ? "what cannot be one" :
                   account                        ? account :
                                                    "nobody");
}

/* R17: no first patch under a hold, even one that was written ahead before it. One that takes over
 * what is half rolled goes on. */
static void check_first_patch(struct model *m, const struct release *r, const struct observed *o,
                              const struct app_status *app)
{
    const struct attempt *at = app->attempt;
    const struct deployment_facts *dep = facts_of(o, app->deployment);
    bool first = at->kind == ATTEMPT_ADOPT ||
                 (at->kind == ATTEMPT_ROLL && images_match(&dep->tmpl, &at->previous));

    if (first && check_is_held(r, m->now_ms))
        check_fail(m, "held", "the patch of %s is sent while the release is held", at->id);
}

void check_writes(struct model *m, const struct release *r, const struct observed *o,
                  const struct plan *p)
{
    for (size_t i = 0; i < p->n_actions; i++) {
        const struct action *act = &p->actions[i];
        const struct app_status *app;

        if (r->spec->suspend && act->kind != ACT_PATCH_STATUS && act->kind != ACT_EVENT)
            check_fail(m, "suspended", "%s, while suspended", action_name(act->kind));
        if (act->kind != ACT_PATCH_DEPLOYMENT)
            continue;
        app = app_of(&p->status, act->id);
        check_account(m, r, act);
        if (app && !r->problem)
            check_first_patch(m, r, o, app);
    }
}
