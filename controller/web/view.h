/* controller/web/view.h — What the web pages may ask about the process. main.c answers. */
#ifndef WEB_VIEW_H
#define WEB_VIEW_H
#include <stdbool.h>
#include <stddef.h>

struct web_view {
    bool (*is_alive)(void *ctx);
    /* False: why is a line for people, "deployments are not listed yet". */
    bool (*is_ready)(void *ctx, char *why, size_t size);
    void (*before_scrape)(void *ctx); /* set gauges now; may be NULL */
    void *ctx;
};

#endif
