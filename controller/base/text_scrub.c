#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "base/text.h"

/* Text from a container or a registry is shown on objects that more people can read than could read
 * the log. When in doubt a value is hidden; messages that registries and kubelets really write
 * ("failed to fetch oauth token: unexpected status: 401") stay readable. The tests list them. */

/* How a value was joined to its key, strictest first. */
enum join {
    JOIN_NONE,
    JOIN_TIGHT,  /* token=x, token:x, "token": x, --token x: always a value */
    JOIN_SPACED, /* token: x, token = x: may be prose */
};

static const char *const PASSWORD_KEYS[] = { "password", "passwd", "passphrase", "pwd" };
static const char *const SECRET_KEYS[] = {
    "token",      "secret",     "apikey",      "api_key",     "api-key",    "accesskey",
    "access_key", "access-key", "private_key", "private-key", "privatekey", "secret_key",
    "secret-key", "secretkey",  "credential",  "credentials", "signature",  "sig",
};
/* Words that follow "Bearer" and "Basic" in prose and in challenges. */
static const char *const SCHEME_PROSE[] = {
    "auth",   "authentication", "authorization", "challenge", "credential", "credentials", "error",
    "header", "realm",          "scheme",        "scope",     "service",    "token",       "tokens",
};

static bool is_one_of(const char *s, size_t n, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(words[i]) == n && strncasecmp(s, words[i], n) == 0)
            return true;
    return false;
}

static bool ends_in(const char *s, size_t n, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(words[i]);
        bool whole = n == len || (n > len && !isalnum((unsigned char)s[n - len - 1]));
        if (n >= len && strncasecmp(s + n - len, words[i], len) == 0 && (len > 3 || whole))
            return true; /* "sig" and "pwd" only as words of their own */
    }
    return false;
}

/* Put at most three stars in place of the n bytes at s. Returns what follows them. */
static char *hide(char *s, size_t n)
{
    size_t stars = n < 3 ? n : 3;

    memset(s, '*', stars);
    memmove(s + stars, s + n, strlen(s + n) + 1);
    return s + stars;
}

static bool is_key_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* Bytes of a token68 (RFC 9110, section 11.2), which Bearer and Basic carry. */
static size_t token_len(const char *s)
{
    size_t n = 0;

    while (isalnum((unsigned char)s[n]) || (s[n] && strchr("-._~+/=", s[n])))
        n++;
    return n;
}

/* "unexpected", "Forbidden," and "401" read like prose; "hunter2" and "aGk6aG8=" do not. */
static bool is_prose(const char *s, size_t n)
{
    size_t letters = 0, digits = 0;

    while (n > 0 && strchr(".,:;!?)]}", s[n - 1]))
        n--;
    for (size_t i = 0; i < n; i++) {
        letters += islower((unsigned char)s[i]) || (i == 0 && isupper((unsigned char)s[i]));
        digits += isdigit((unsigned char)s[i]) != 0;
    }
    return letters == n || (digits == n && n < 6);
}

/* The bytes of a quoted value. `escapes` backslashes stand before each of its quotes, as in JSON
 * inside JSON; a quote with more of them belongs to the value. */
static size_t quoted_len(const char *s, char quote, size_t escapes)
{
    size_t backslashes = 0;

    for (size_t i = 0; s[i]; i++) {
        if (s[i] == quote && backslashes <= escapes)
            return i - backslashes;
        backslashes = s[i] == '\\' ? backslashes + 1 : 0;
    }
    return strlen(s);
}

/* Where the value after a key begins. s stands right behind the key. */
static enum join find_value(char **s, bool is_option)
{
    char *p = *s;
    bool is_quoted, is_spaced;

    p += strspn(p, "\\");
    is_quoted = *p == '"' || *p == '\'';
    p += is_quoted ? 1 : 0;
    is_spaced = *p == ' ';
    p += strspn(p, " \t");
    if (*p != '=' && *p != ':') {
        *s += 1;
        return is_option && !is_quoted && is_spaced ? JOIN_TIGHT : JOIN_NONE;
    }
    p++;
    is_spaced = is_spaced || *p == ' ';
    p += strspn(p, " \t");
    *s = p;
    return is_quoted || !is_spaced ? JOIN_TIGHT : JOIN_SPACED;
}

/* Hide the value at s; returns what follows. */
static char *hide_value(char *s, bool to_line_end, bool may_be_prose)
{
    size_t escapes = strspn(s, "\\");
    char quote = s[escapes];
    size_t n;

    if (quote == '"' || quote == '\'') {
        s += escapes + 1;
        return hide(s, quoted_len(s, quote, escapes));
    }
    n = strcspn(s, to_line_end ? "\r\n" : " \t\r\n&\"'`");
    return may_be_prose && is_prose(s, n) ? s + n : hide(s, n);
}

/* A key and its value, or a scheme and its token, at the word of n bytes. Returns what follows. */
static char *scrub_word(char *s, size_t n)
{
    bool is_auth = ends_in(s, n, (const char *const[]){ "authorization" }, 1);
    bool is_password = ends_in(s, n, PASSWORD_KEYS, ARRAY_LEN(PASSWORD_KEYS));
    bool is_secret = ends_in(s, n, SECRET_KEYS, ARRAY_LEN(SECRET_KEYS));
    char *value = s + n;
    size_t len;

    if (is_auth || is_password || is_secret) {
        enum join join = find_value(&value, strncmp(s, "--", 2) == 0);
        if (join != JOIN_NONE)
            return hide_value(value, is_auth, join == JOIN_SPACED && is_secret);
        return s + n;
    }
    if (n > 20 && strncmp(s, "eyJ", 3) == 0 && memchr(s, '.', n))
        return hide(s, n); /* a JSON Web Token: {" in base64 */
    if (!is_one_of(s, n, (const char *const[]){ "bearer", "basic" }, 2) || *value != ' ')
        return s + n;

    value += strspn(value, " ");
    len = token_len(value);
    if (is_one_of(value, strcspn(value, " =.,:;"), SCHEME_PROSE, ARRAY_LEN(SCHEME_PROSE)))
        return value;
    return tolower((unsigned char)s[1]) == 'a' && is_prose(value, len) ? value : hide(value, len);
}

/* "https://user:pass@host" → "https://…@host". */
static void scrub_userinfo(char *s)
{
    while ((s = strstr(s, "://"))) {
        size_t token, authority, at = 0;
        s += 3;
        token = strcspn(s, " \t\r\n\"'`<>");
        authority = strcspn(s, "/?# \t\r\n\"'`<>");
        for (size_t i = 0; i < authority; i++)
            at = s[i] == '@' ? i : at;
        if (at == 0) {
            /* A password with a slash in it: what follows the colon is no port number. */
            size_t colon = strcspn(s, ":");
            size_t port = colon < authority ? strspn(s + colon + 1, "0123456789") : 0;
            for (size_t i = authority; colon + 1 + port < authority && i < token; i++)
                at = s[i] == '@' ? i : at;
        }
        if (at)
            s = hide(s, at);
    }
}

void text_scrub(char *s)
{
    scrub_userinfo(s);
    while (*s) {
        size_t n = 0;
        while (is_key_char(s[n]))
            n++;
        s = n ? scrub_word(s, n) : s + 1;
    }
}
