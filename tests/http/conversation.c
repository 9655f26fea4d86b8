/* One script of tests/http, played against the real client code: see fake/script.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "reconcile/cluster.h"
#include "reconcile/crd.h"
#include "scene.h"

void scene_say_error(struct scene *s, const struct err *err, int64_t retry_after_ms)
{
    char retry[48] = "";

    if (retry_after_ms >= 0)
        snprintf(retry, sizeof retry, " retry=%lldms", (long long)retry_after_ms);
    if (strstr(err->text, "canary")) /* a password of the scripts: no "*" may hide it */
        fake_say(s->fake, "LEAK");
    fake_say(s->fake, "%s %d%s %s", err_name(err->kind), err->code, retry, err->text);
}

static int act(const char *command, void *ctx)
{
    struct scene *s = ctx;
    size_t n = strcspn(command, " ");
    const char *rest = command + n + (command[n] == ' ');
    char word[32];

    snprintf(word, sizeof word, "%.*s", (int)n, command);
    if (!scene_kube(s, word, rest) || !scene_watch(s, word, rest) ||
        !scene_registry(s, word, rest) || !scene_crd(s, word, rest) ||
        !scene_writes(s, word, rest) || !scene_questions(s, word, rest))
        return 0;
    return -1;
}

static void release(struct scene *s)
{
    scene_writes_free(s);
    scene_questions_free(s);
    event_sink_free(s->events);
    reflector_free(s->reflector);
    cluster_free(s->cluster);
    crd_free(s->crd);
    kube_client_free(s->kube);
    registry_client_free(s->registry);
    for (size_t i = 0; i < s->n_secrets; i++)
        free((char *)s->secrets[i].json);
    for (size_t i = 0; i < s->n_changes; i++)
        free(s->changes[i]);
    if (s->token_file)
        unlink(s->token_file);
    free(s->token_file);
    free(s->token);
    free(s->realm);
    free(s->allowed);
    free(s->apiserver);
    fake_free(s->fake);
}

int main(int argc, char **argv)
{
    struct scene s = { 0 };
    struct err e = { 0 };
    int status;

    if (argc != 2) {
        fprintf(stderr, "usage: conversation SCRIPT\n");
        return 2;
    }
    log_set_level("error");
    s.fake = fake_new(argv[1], act, &s, &e);
    if (!s.fake) {
        fprintf(stderr, "%s\n", e.text);
        return 2;
    }
    status = fake_run(s.fake);
    release(&s);
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
