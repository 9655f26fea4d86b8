/* controller/web/pages.h — Which page a request gets; no network here. */
#ifndef WEB_PAGES_H
#define WEB_PAGES_H
#include "base/text.h"

struct web_view;

struct page {
    int status;
    const char *type; /* Content-Type */
    struct text body;
};

/* Fill *ret for GET path; the caller releases ret->body. */
void page_make(const struct web_view *view, const char *path, struct page *ret);

/* The same for another method than GET and HEAD: 405, less than 100 bytes. */
void page_refuse(struct page *ret);

#endif
