/* controller/kube/status.h — Kubernetes' Status objects and HTTP status codes as errors.
 *
 * "HTTP 409 Conflict: Operation cannot be fulfilled on …": the code, the reason and the message of
 * the Status object, scrubbed and cut. Of a body that is no Status nothing is repeated.
 * Specification: Kubernetes API conventions, "Response Status Kind". */
#ifndef KUBE_STATUS_H
#define KUBE_STATUS_H
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct err;

/* For an answer whose HTTP status is not 2xx. Always returns -1. */
int kube_error_from_answer(int http_status, const char *body, size_t len, struct err *e);

/* For a Status object on its own: the ERROR event of a watch. Always returns -1. */
int kube_error_from_status(const cJSON *status, struct err *e);

/* Does the answer say that an admission webhook or a ValidatingAdmissionPolicy denied the request?
 * Its code tells nothing: who wrote the rule chooses it. Of a body or a message; NULL is neither.
 */
bool kube_denied_by_admission(const char *text);

#endif
