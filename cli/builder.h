/* cli/builder.h — Which builder answers, and what it can: the questions that cli/engine.h decides
 * on. */
#ifndef CLI_BUILDER_H
#define CLI_BUILDER_H
#include <stdbool.h>

#include "engine.h"

struct cli;
struct err;

struct builder_question {
    const char *wanted;     /* --engine; NULL = the first that answers */
    const char *const *env; /* of cli/login.h */
    const char *dir;        /* a private folder for small files */
    const char *http_host;  /* a registry in plain HTTP; NULL = it has TLS */
    bool write_nothing;     /* do not make a builder */
};

/* Docker's own builder does not speak plain HTTP to a registry: then one named shopflow-… is made,
 * once. None answers: ERR_REFUSED, why each does not. */
int builder_find(struct cli *c, const struct builder_question *q, struct engine *ret,
                 struct err *e);

/* For people: "docker buildx (docker-container), cache in the registry". */
const char *builder_show(struct cli *c, const struct engine *n);

#endif
