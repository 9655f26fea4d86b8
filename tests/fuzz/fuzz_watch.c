/* A watch stream in pieces, from bytes to objects; and error answers. The first byte is the size of
 * the pieces: however the bytes are cut, the lines are the same. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "fuzz.h"
#include "io/lines.h"
#include "kube/meta.h"
#include "kube/status.h"
#include "kube/watch.h"
#include "kube/workload.h"
#include "reconcile/release.h"

struct seen {
    size_t lines, bytes;
    bool decode;
};

static void decode(const cJSON *object)
{
    void *(*const decoders[])(const cJSON *, struct err *) = { kube_deployment_decode,
                                                               kube_replicaset_decode,
                                                               kube_pod_decode, release_decode };

    for (size_t i = 0; i < ARRAY_LEN(decoders); i++) {
        struct err e = { 0 };
        struct kube_object *o = decoders[i](object, &e);

        HOLDS(o ? e.kind == ERR_NONE : e.kind == ERR_INVALID);
        HOLDS(!o || (*o->name && *o->uid && *o->rv));
        kube_object_free(o);
    }
}

static int on_line(const char *line, size_t len, void *ctx, struct err *e)
{
    AUTO(json) cJSON *tree = NULL;
    struct seen *seen = ctx;
    struct watch_event event;
    struct err why = { 0 };

    HOLDS(len > 0 && !memchr(line, '\n', len) && line[len] == '\0');
    seen->lines++;
    seen->bytes += len;
    if (!seen->decode || watch_read(line, len, &tree, &event, e))
        return 0;
    if (event.type == WATCH_ERROR) {
        HOLDS(kube_error_from_status(event.object, &why) == -1 && why.kind != ERR_NONE);
        HOLDS(fuzz_is_utf8(why.text));
        return 0;
    }
    HOLDS(event.rv && *event.rv);
    decode(event.object);
    return 0;
}

static struct seen feed(const char *bytes, size_t n, size_t piece, bool decode_too)
{
    struct seen seen = { .decode = decode_too };
    struct lines lines = { .rest = TEXT_INIT(1 * MIB), .on_line = on_line, .ctx = &seen };
    struct err e = { 0 };

    for (size_t at = 0; at < n; at += piece)
        HOLDS(!lines_feed(&lines, bytes + at, n - at < piece ? n - at : piece, &e));
    lines_release(&lines);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct seen whole, cut;
    struct err e = { 0 };

    whole = feed(text, size, size + 1, true);
    cut = feed(text, size, size ? 1 + data[0] % 16 : 1, false);
    HOLDS(whole.lines == cut.lines && whole.bytes == cut.bytes);
    HOLDS(kube_error_from_answer(409, text, size, &e) == -1 && fuzz_is_utf8(e.text));
    free(text);
    return 0;
}
