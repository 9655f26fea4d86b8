/* Mutates JSON as a tree, where the input is JSON: libFuzzer's own mutations of the bytes rarely
 * leave it well-formed. Linked into every target; input that is no JSON is mutated as bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "fuzz.h"

#define NODES_MAX 4096

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

struct nodes {
    cJSON *items[NODES_MAX];
    size_t n;
};

static void collect(cJSON *item, struct nodes *ret)
{
    for (; item && ret->n < NODES_MAX; item = item->next) {
        ret->items[ret->n++] = item;
        collect(item->child, ret);
    }
}

static cJSON *odd_value(unsigned *seed)
{
    static const char *const values[] = {
        "null",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "2147483647",
        "-2147483648",
        "9007199254740991",
        "1.5",
        "\"\"",
        "[]",
        "{}",
        "3",
        "\"0\"",
        "[[]]",
        "1e300",
        "\"Unknown\"",
        "\"9999-12-31T23:59:59Z\"",
        "\"0000-01-01T00:00:00Z\"",
        "\"2026-11-24T10:00:00.500Z\"",
    };

    return cJSON_Parse(values[(size_t)rand_r(seed) % (sizeof values / sizeof values[0])]);
}

/* Mutate a string's own bytes, which keeps its meaning near. */
static cJSON *mutated_text(const char *text)
{
    uint8_t bytes[2048];
    size_t n = strlen(text);
    cJSON *item;
    char *copy;

    if (n > sizeof bytes / 2)
        n = sizeof bytes / 2;
    memcpy(bytes, text, n);
    copy = fuzz_text(bytes, LLVMFuzzerMutate(bytes, n, sizeof bytes));
    item = cJSON_CreateString(copy);
    free(copy);
    return item;
}

/* Put `value` in the place of `at`, with its name. cJSON has no parent links: by content. */
static void replace(cJSON *at, cJSON *value)
{
    cJSON was = *at;

    at->type = value->type;
    at->child = value->child;
    at->valuestring = value->valuestring;
    at->valueint = value->valueint;
    at->valuedouble = value->valuedouble;
    value->type = was.type;
    value->child = was.child;
    value->valuestring = was.valuestring;
    cJSON_Delete(value);
}

static void mutate_tree(cJSON *tree, unsigned *seed)
{
    struct nodes nodes = { .n = 0 };
    cJSON *at, *other;

    collect(tree, &nodes);
    at = nodes.items[(size_t)rand_r(seed) % nodes.n];
    other = nodes.items[(size_t)rand_r(seed) % nodes.n];
    switch (rand_r(seed) % 6) {
    case 0:
        replace(at, odd_value(seed));
        break;
    case 1: /* what stands elsewhere in the document */
        replace(at, cJSON_Duplicate(other, 1));
        break;
    case 2:
        if (at->child)
            cJSON_Delete(cJSON_DetachItemViaPointer(at, at->child));
        break;
    case 3: /* an item twice */
        if (cJSON_IsArray(at) && at->child)
            cJSON_AddItemToArray(at, cJSON_Duplicate(at->child, 1));
        break;
    case 4:
        if (cJSON_IsNumber(at))
            replace(at, cJSON_CreateNumber(at->valuedouble + rand_r(seed) % 7 - 3));
        break;
    default:
        if (cJSON_IsString(at))
            replace(at, mutated_text(at->valuestring));
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct err ignored = { 0 };
    cJSON *tree = seed % 8 ? json_parse((const char *)data, size, &ignored) : NULL;
    char *text;
    size_t n;

    if (!cJSON_IsObject(tree) && !cJSON_IsArray(tree)) {
        cJSON_Delete(tree);
        return LLVMFuzzerMutate(data, size, max_size);
    }
    for (unsigned times = 1 + seed % 4; times--;)
        mutate_tree(tree, &seed);
    text = json_print(tree);
    n = strlen(text);
    if (n <= max_size)
        memcpy(data, text, n);
    free(text);
    cJSON_Delete(tree);
    return n <= max_size ? n : LLVMFuzzerMutate(data, size, max_size);
}
