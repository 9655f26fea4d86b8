/* tests/http/scene.h — What a "$" line of a script can do, and what then is said ("="). Each part
 * is made when it is first needed; commands that set it up come before. */
#ifndef HTTP_SCENE_H
#define HTTP_SCENE_H
#include "fake/fake.h"
#include "kube/client.h"
#include "kube/event.h"
#include "kube/reflector.h"
#include "registry/client.h"

#define SCENE_SECRETS 4
#define SCENE_CHANGES 512

struct cluster;
struct asking;
struct crd;
struct writes;

struct scene {
    struct fake *fake;
    char *token, *token_file;
    struct kube_client *kube;
    struct kube_call *call; /* the last one */
    struct reflector *reflector;
    char *changes[SCENE_CHANGES];
    size_t n_changes;
    struct crd *crd;
    struct cluster *cluster;
    struct event_sink *events;
    struct writes *writes;
    struct asking *asking;
    struct registry_client *registry;
    struct registry_call *resolving; /* the last one */
    struct registry_secret secrets[SCENE_SECRETS];
    size_t n_secrets;
    char *realm, *allowed, *apiserver;
    bool is_tls;              /* the first host */
    char as[KUBE_USER_BYTES]; /* whom the next request impersonates; "" = nobody */
};

/* Each returns -1 for a command that is not its own. */
int scene_kube(struct scene *s, const char *word, const char *rest);
int scene_crd(struct scene *s, const char *word, const char *rest);
int scene_watch(struct scene *s, const char *word, const char *rest);
int scene_registry(struct scene *s, const char *word, const char *rest);
int scene_questions(struct scene *s, const char *word, const char *rest);
int scene_writes(struct scene *s, const char *word, const char *rest);

struct kube_client *scene_client(struct scene *s);
struct event_sink *scene_events(struct scene *s);
struct registry_client *scene_registries(struct scene *s);
void scene_questions_free(struct scene *s);
void scene_writes_free(struct scene *s);
void scene_say_error(struct scene *s, const struct err *err, int64_t retry_after_ms);

#endif
