#include "print.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

/* Between double quotes, as JSON: valid in YAML, whatever the text. */
static void print_scalar(FILE *to, const cJSON *value)
{
    char *text = cJSON_PrintUnformatted(value);

    fputs(text ? text : "null", to);
    free(text);
}

/* Words that YAML takes for what they say: no number, no boolean, nothing with a meaning. */
static bool is_plain(const char *s)
{
    static const char *const OTHERS[] = { "true", "false", "null", "yes", "no", "on",
                                          "off",  "y",     "n",    "inf", "nan" };

    if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z')))
        return false;
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        if (strcasecmp(s, OTHERS[i]) == 0)
            return false;
    return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./")] ==
           '\0';
}

static void print_text(FILE *to, const cJSON *value)
{
    if (cJSON_IsString(value) && is_plain(value->valuestring))
        fputs(value->valuestring, to);
    else
        print_scalar(to, value);
}

static void print_key(FILE *to, const char *key)
{
    cJSON *text = is_plain(key) ? NULL : cJSON_CreateString(key);

    if (text)
        print_scalar(to, text);
    else
        fputs(key, to);
    fputc(':', to);
    cJSON_Delete(text);
}

static bool has_items(const cJSON *value)
{
    return (cJSON_IsObject(value) || cJSON_IsArray(value)) && value->child;
}

/* indent: of the value's lines; the first one stands after "- " where `inlined`. */
static void print_block(FILE *to, const cJSON *value, int indent, bool inlined)
{
    for (const cJSON *item = value->child; item; item = item->next) {
        if (!inlined)
            fprintf(to, "%*s", indent, "");
        inlined = false;
        if (cJSON_IsArray(value))
            fputs("- ", to);
        else
            print_key(to, item->string);
        if (!has_items(item)) {
            if (cJSON_IsObject(value))
                fputc(' ', to);
            print_text(to, item);
            fputc('\n', to);
        } else if (cJSON_IsArray(value)) {
            print_block(to, item, indent + 2, true);
        } else {
            fputc('\n', to);
            print_block(to, item, indent + (cJSON_IsObject(item) ? 2 : 0), false);
        }
    }
}

void print_tree(FILE *to, const cJSON *tree, enum output form)
{
    char *text;

    if (form == OUTPUT_YAML && has_items(tree)) {
        print_block(to, tree, 0, false);
        return;
    }
    text = cJSON_Print(tree);
    fprintf(to, "%s\n", text ? text : "null");
    free(text);
}
