/* cli/dockerfile.h — Which images a Dockerfile starts from: FROM, COPY --from, RUN --mount=from=.
 * Pure; no builder is asked.
 *
 * As buildkit reads it: parser directives, continued lines, heredocs, ARG before the first FROM,
 * stages by name (no case) and number, scratch. */
#ifndef CLI_DOCKERFILE_H
#define CLI_DOCKERFILE_H

struct arena;

/* The images outside of the file, variables replaced, each once, in the order of the file;
 * NULL-terminated. args: "NAME=value" of the build, NULL-terminated, may be NULL; a name without a
 * value anywhere is empty. A text whose variables cannot be told here (TARGETARCH, a modifier
 * that is not known) is left out. */
const char *const *dockerfile_bases(struct arena *a, const char *text, const char *const *args);

#endif
