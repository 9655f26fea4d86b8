/* controller/kube/client.h — Requests to the API server: paths, credentials, Status errors, caps.
 *
 * Waits its turn when 16 requests are under way (watches aside). A 401 makes the token file be
 * read again and the request be sent once more. A 429 or 503 with Retry-After is reported, not
 * retried: policy is the caller's. Specifications: Kubernetes API conventions, "Response Status
 * Kind"; "User impersonation" of its authentication reference: the API server itself adds the
 * groups of a ServiceAccount, and to name them would need a right of its own. */
#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct cJSON;
struct kube_call;
struct kube_client;
struct kube_config;
struct loop;

struct kube_client *kube_client_new(struct loop *l, const struct kube_config *c, struct err *e);
void kube_client_free(struct kube_client *k); /* cancels what is under way; NULL is fine */

/* The API server's wall clock (from Date headers), in milliseconds; ours until the first answer. */
int64_t kube_now_ms(const struct kube_client *k);

#define PATCH_MERGE "application/merge-patch+json"
#define PATCH_STRATEGIC "application/strategic-merge-patch+json"
#define PATCH_JSON "application/json-patch+json"

struct kube_request {
    const char *method;       /* GET, POST, PATCH, DELETE */
    const char *path;         /* "/apis/apps/v1/namespaces/shop/deployments/btc-api?…" */
    const char *content_type; /* of the body; NULL = application/json */
    const char *accept;       /* NULL = application/json, and any other answer is ERR_INVALID */
    const char *body;         /* JSON text; NULL = none */
    const char *as;           /* the user to impersonate (kube_account_user); NULL = nobody */
    size_t max_body;          /* of the answer; 0 = 4 MiB */
    int64_t timeout_ms;       /* 0 = 30 s */
    /* err NULL: 2xx, with the decoded tree (NULL when the answer is no JSON: pod logs) and the raw
     * text. Else the kind by status code (404 ERR_NOT_FOUND, 409 ERR_CONFLICT, 410 ERR_GONE, 400
     * and 422 ERR_REFUSED, 401 and 403 ERR_DENIED, 429 ERR_THROTTLED, 5xx ERR_SERVER), code = HTTP
     * status (0: no answer at all, or with ERR_INVALID one over max_body), text = the Status
     * object's message, scrubbed and cut. Comes on a later turn; the kube_call is gone then. All
     * pointers live during the call only. */
    void (*on_done)(const struct cJSON *tree, const char *text, const struct err *err,
                    int64_t retry_after_ms, void *ctx);
    void *ctx;
};

struct kube_call *kube_send(struct kube_client *k, const struct kube_request *req);
void kube_cancel(struct kube_call *call); /* no callback will come; NULL is fine */

/* An open watch: bytes as they come. Not counted against the cap. idle_ms of silence = ERR_TIMEOUT.
 * on_end comes once: err NULL after a clean end, else as in kube_request; -1 of on_data ends it
 * with ERR_INVALID. */
struct kube_stream {
    const char *path;
    int64_t idle_ms;
    int (*on_data)(const char *bytes, size_t n, void *ctx);
    void (*on_end)(const struct err *err, int64_t retry_after_ms, void *ctx);
    void *ctx;
};
struct kube_call *kube_stream_open(struct kube_client *k, const struct kube_stream *s);

/* Kinds of resources, for paths and metrics. */
struct kube_resource {
    const char *group_version; /* "apis/apps/v1", "api/v1" */
    const char *plural;        /* "deployments" */
};
/* "/apis/apps/v1/namespaces/<ns>/deployments/<name>/<sub>?<query>"; ns, name, sub and query may be
 * NULL. Names are checked (DNS-1123 subdomain) before they become a piece of a path. */
int kube_path(char *buf, size_t size, const struct kube_resource *r, const char *ns,
              const char *name, const char *sub, const char *query, struct err *e);

/* The user that a ServiceAccount is: "system:serviceaccount:<ns>:<account>"; names are checked. */
#define KUBE_USER_BYTES 352
int kube_account_user(char *buf, size_t size, const char *ns, const char *account, struct err *e);

#endif
