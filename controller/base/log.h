/* controller/base/log.h — One line a record to stderr: a constant message, facts as keys.
 *
 *     log_warn("reconcile failed", F("key", key), F("err", e.text), F("retry_ms", n));
 *
 * F() takes strings and integers. Format json (default) or text (logfmt). Values are escaped;
 * a NULL string prints as "". Never log a secret or a response body. */
#ifndef BASE_LOG_H
#define BASE_LOG_H
#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *key;
    const char *str; /* the value when it is text */
    long long num;
    bool is_num;
};

struct log_field log_field_str(const char *key, const char *value);
struct log_field log_field_num(const char *key, long long value);

#define F(key, value)                                                                              \
    _Generic((value),                                                                              \
        char *: log_field_str,                                                                     \
        const char *: log_field_str,                                                               \
        default: log_field_num)((key), (value))

#define log_debug(...) log_record_(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_record_(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_record_(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_record_(LOG_ERROR, __VA_ARGS__)

/* The last, empty field ends the list. */
#define log_record_(level, msg, ...)                                                               \
    log_write((level), (msg), (struct log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })

void log_write(enum log_level level, const char *msg, const struct log_field *fields);

/* Both return -1 for a word they do not know. */
int log_set_level(const char *word);  /* debug info warn error */
int log_set_format(const char *word); /* json text */

#endif
