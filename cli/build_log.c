#include "build_log.h"

#include <string.h>

#include "base/auto.h"
#include "base/text.h"

/* Past a terminal sequence that begins here (ECMA-48): CSI … final, OSC … BEL or ST, ESC x. */
static const char *skip_sequence(const char *at)
{
    if (at[1] == '[') {
        at += 2;
        while (*at && (unsigned char)*at < 0x40)
            at++;
        return at + (*at != '\0');
    }
    if (at[1] == ']') {
        at += 2;
        while (*at && *at != '\a' && *at != '\033')
            at++;
        if (*at == '\033')
            at += at[1] == '\\' ? 2 : 1;
        else
            at += *at != '\0';
        return at;
    }
    return at + (at[1] ? 2 : 1);
}

/* The last of what was written over with CR; one at the end belongs to the newline. */
static const char *last_written(char *line)
{
    size_t len = strlen(line);
    char *cr;

    while (len && line[len - 1] == '\r')
        line[--len] = '\0';
    cr = strrchr(line, '\r');
    return cr ? cr + 1 : line;
}

static void hide(char *line, const char *secret)
{
    size_t len = strlen(secret);

    for (char *at = strstr(line, secret); len && at; at = strstr(at + len, secret))
        memset(at, '*', len);
}

void build_log_clean(char *line, const char *const *secrets)
{
    const char *from = last_written(line);
    char *to = line;

    while (*from) {
        size_t len = utf8_len(from);

        if (*from == '\033') {
            from = skip_sequence(from);
        } else if ((unsigned char)*from < 0x20 || *from == 0x7f ||
                   (len == 2 && (unsigned char)from[0] == 0xc2 && (unsigned char)from[1] < 0xa0)) {
            *to++ = *from == '\t' ? '\t' : ' ';
            from += len ? len : 1; /* C1 controls too: some terminals obey them */
        } else if (!len) {
            *to++ = '?';
            from++;
        } else {
            memmove(to, from, len);
            to += len;
            from += len;
        }
    }
    *to = '\0';
    for (char *at = strstr(line, "##["); at; at = strstr(at, "##["))
        memcpy(at, "## ", 3); /* GitHub Actions takes it for a command, anywhere in a line */
    for (; secrets && *secrets; secrets++)
        hide(line, *secrets);
    text_scrub(line);
}

const char *build_log_hint(const char *line)
{
    static const struct {
        const char *words[2];
        const char *hint;
    } HINTS[] = {
        { { "failed to calculate checksum", "not found" },
          "the Dockerfile copies what is no input of the app: name it in shopflow.yaml, "
          "apps.<name>.inputs" },
        { { "failed to compute cache key", "not found" },
          "the Dockerfile copies what is no input of the app: name it in shopflow.yaml, "
          "apps.<name>.inputs" },
        { { "no items matching glob", "copied" },
          "the Dockerfile copies what is no input of the app: name it in shopflow.yaml, "
          "apps.<name>.inputs" },
        { { "checking on sources", "no such file or directory" },
          "the Dockerfile copies what is no input of the app: name it in shopflow.yaml, "
          "apps.<name>.inputs" },
        { { "server gave HTTP response to HTTPS client", "" },
          "the registry of the base image speaks plain HTTP: the builder's own configuration must "
          "say so" },
        { { "no space left on device", "" }, "the disk is full" },
        { { "unauthorized", "" }, "the registry does not take the login" },
        { { "insufficient_scope", "" }, "the registry does not let this login push there" },
    };

    for (size_t i = 0; i < ARRAY_LEN(HINTS); i++)
        if (strstr(line, HINTS[i].words[0]) && strstr(line, HINTS[i].words[1]))
            return HINTS[i].hint;
    return NULL;
}
