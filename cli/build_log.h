/* cli/build_log.h — What a builder printed, for people: pure. Foreign text: no control character of
 * it reaches a terminal, no line of it is a command to a CI service, no secret of it is shown. */
#ifndef CLI_BUILD_LOG_H
#define CLI_BUILD_LOG_H
#include <stddef.h>

/* Clean a NUL-terminated line in place: terminal sequences go, of a line that was written over
 * (CR) the last is kept. secrets: NULL-terminated texts to hide; may be NULL. */
void build_log_clean(char *line, const char *const *secrets);

/* What a failed build's log asks for; NULL = nothing that is known. */
const char *build_log_hint(const char *line);

#endif
