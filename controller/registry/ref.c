#include "registry/ref.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "registry/digest.h"

#define REFERENCE_BYTES 512

static int refuse(struct err *e, const char *text, const char *why)
{
    return err_set(e, ERR_INVALID, 0, "image reference '%.100s': %s", text, why);
}

/* name[:port] or [IPv6][:port]; lower case. */
static bool is_host(const char *s)
{
    size_t n = *s == '[' ? strcspn(s, "]") + 1 : strcspn(s, ":");
    const char *port = s + n;

    if (n == 0 || n > strlen(s))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool fits = *s == '[' ? strchr("[]0123456789abcdef:.", s[i]) != NULL :
                                islower((unsigned char)s[i]) || isdigit((unsigned char)s[i]) ||
                                    s[i] == '.' || s[i] == '-';

        if (!fits)
            return false;
    }
    if (!*port)
        return true;
    return *port == ':' && strlen(port) > 1 && strlen(port) <= 6 &&
           strspn(port + 1, "0123456789") == strlen(port + 1);
}

/* Lower-case letters and digits, joined by '.', '_', '__' or dashes, in parts between slashes. */
static bool is_repository(const char *s)
{
    bool joined = true; /* a part may not begin or end with a joint */

    for (; *s; s++) {
        if (islower((unsigned char)*s) || isdigit((unsigned char)*s)) {
            joined = false;
            continue;
        }
        if (joined)
            return false;
        joined = true;
        if (*s == '-')
            s += strspn(s, "-") - 1;
        else if (*s == '_' && s[1] == '_')
            s++;
        else if (!strchr("._/", *s))
            return false;
    }
    return !joined;
}

static bool is_tag(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

    return n && !s[n] && *s != '.' && *s != '-';
}

/* Cut the part after `mark` off; "" when there is none. -1 when it does not fit. */
static int cut(char *mark, char *ret, size_t size)
{
    ret[0] = '\0';
    if (!mark)
        return 0;
    if (strlen(mark + 1) >= size || !mark[1])
        return -1;
    memcpy(ret, mark + 1, strlen(mark + 1) + 1);
    *mark = '\0';
    return 0;
}

/* docker.io's names, as Docker completes them. */
static int complete(struct image_ref *ref, const char *name)
{
    const char *slash = strchr(name, '/');
    size_t n = slash ? (size_t)(slash - name) : 0;
    bool has_host = slash && (memchr(name, '.', n) || memchr(name, ':', n) ||
                              (n == 9 && !strncmp(name, "localhost", 9)));
    int hub;

    if (has_host && n >= sizeof ref->host)
        return -1;
    snprintf(ref->host, sizeof ref->host, "%.*s", has_host ? (int)n : 9,
             has_host ? name : "docker.io");
    name = has_host ? slash + 1 : name;
    hub = !strcmp(ref->host, "docker.io") || !strcmp(ref->host, "index.docker.io");
    if (hub)
        snprintf(ref->host, sizeof ref->host, "docker.io");
    n = (size_t)snprintf(ref->repository, sizeof ref->repository, "%s%s",
                         hub && !strchr(name, '/') ? "library/" : "", name);
    return n < sizeof ref->repository ? 0 : -1;
}

int image_ref_parse(const char *text, struct image_ref *ret, struct err *e)
{
    char name[REFERENCE_BYTES + 1];
    struct image_ref ref;
    char *slash, *colon;

    if (strlen(text) > REFERENCE_BYTES)
        return refuse(e, text, "is longer than 512 bytes");
    if (strstr(text, "://"))
        return refuse(e, text, "has a scheme: write host/name:tag");
    snprintf(name, sizeof name, "%s", text);
    if (cut(strchr(name, '@'), ref.digest, sizeof ref.digest) ||
        (ref.digest[0] && !digest_is_valid(ref.digest)))
        return refuse(e, text,
                      "the part after '@' is no sha256 or sha512 digest (nor may a "
                      "reference carry a user)");
    slash = strrchr(name, '/');
    colon = strrchr(slash ? slash : name, ':');
    if (cut(colon, ref.tag, sizeof ref.tag) || (ref.tag[0] && !is_tag(ref.tag)))
        return refuse(e, text, "the tag is not 1 to 128 of letters, digits, '_', '.', '-'");
    if (complete(&ref, name) || !is_host(ref.host))
        return refuse(e, text,
                      "the host is not a lower-case name or address with an optional port");
    if (!is_repository(ref.repository))
        return refuse(e, text, "the name is not lower-case letters and digits joined by . _ - /");
    *ret = ref;
    return 0;
}
