#include "web/pages.h"

#include <string.h>

#include "base/err.h"
#include "base/metrics.h"
#include "web/view.h"

#define PLAIN "text/plain; charset=utf-8"
#define PROMETHEUS "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_BYTES (4 * MIB)
#define WHY_BYTES 512

static void say(struct page *page, int status, const char *line)
{
    struct err ignored = { 0 };

    page->status = status;
    text_addf(&page->body, &ignored, "%s\n", line);
}

static void make_ready(const struct web_view *view, struct page *page)
{
    char why[WHY_BYTES] = "";

    if (view->is_ready(view->ctx, why, sizeof why))
        say(page, 200, "ok");
    else
        say(page, 503, why);
}

static void make_metrics(const struct web_view *view, struct page *page)
{
    struct err e = { 0 };

    if (view->before_scrape)
        view->before_scrape(view->ctx);
    page->type = PROMETHEUS;
    page->status = 200;
    if (!metrics_print(&page->body, &e))
        return;
    text_clear(&page->body);
    page->type = PLAIN;
    say(page, 500, e.text);
}

void page_make(const struct web_view *view, const char *path, struct page *ret)
{
    *ret = (struct page){ .type = PLAIN, .body = TEXT_INIT(METRICS_BYTES) };
    if (!strcmp(path, "/livez") || !strcmp(path, "/healthz"))
        say(ret, view->is_alive(view->ctx) ? 200 : 503, view->is_alive(view->ctx) ? "ok" : "stuck");
    else if (!strcmp(path, "/readyz"))
        make_ready(view, ret);
    else if (!strcmp(path, "/metrics"))
        make_metrics(view, ret);
    else
        say(ret, 404, "not found: /livez, /readyz and /metrics are here");
}

void page_refuse(struct page *ret)
{
    *ret = (struct page){ .type = PLAIN, .body = TEXT_INIT(METRICS_BYTES) };
    say(ret, 405, "only GET and HEAD are known here");
}
