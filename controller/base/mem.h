/* controller/base/mem.h — malloc that aborts instead of failing.
 *
 * A controller is level-triggered: its restart lists everything again, so running out of memory
 * is best ended at once. Buffers that the network feeds have ceilings (base/text.h). */
#ifndef BASE_MEM_H
#define BASE_MEM_H
#include <stddef.h>

void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t size); /* zeroed */
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Wipe and free a secret (OPENSSL_cleanse). NULL is fine. */
void secret_free(char *s);

#endif
