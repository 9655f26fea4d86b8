/* YAML that is printed is read back as the same tree, whatever the texts in it. */
#include "print.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/json.h"
#include "base/yaml.h"
#include "unit.h"

static char *printed(const cJSON *tree, enum output form)
{
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);

    print_tree(to, tree, form);
    fclose(to);
    return text;
}

static void yaml_is_read_back_as_it_was(void)
{
    static const char *const ROWS[] = {
        "{\"a\":1,\"b\":true,\"c\":null,\"d\":\"text\"}",
        "{\"commit\":\"1234567\",\"e\":\"1e5\",\"on\":\"off\",\"no\":\"Yes\",\"null\":\"~\"}",
        "{\"list\":[1,\"a "
        "b\",{\"x\":[],\"y\":{}},[\"n\",[2]],{\"deep\":{\"er\":[{\"z\":\"-\"}]}}]}",
        "{\"t\":\"a: b # c\",\"u\":\"line\\nline\",\"v\":\"\",\"w\":\"\\u00e9 \\\"q\\\" "
        "'\",\"a/b.c\":\"- x\"}",
        "[{\"name\":\"api\",\"commit\":\"aaaaaaa\"},{\"name\":\"web\"}]",
        "{}",
    };

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        struct err e = { 0 };
        AUTO(json) cJSON *tree = json_parse(ROWS[i], strlen(ROWS[i]), &e);
        char *yaml = printed(tree, OUTPUT_YAML), *json = printed(tree, OUTPUT_JSON);
        AUTO(json) cJSON *from_yaml = yaml_parse(yaml, strlen(yaml), 4096, &e);
        AUTO(json) cJSON *from_json = json_parse(json, strlen(json), &e);

        CASE(ROWS[i], tree && cJSON_Compare(tree, from_json, true));
        CASE(ROWS[i], (from_yaml && cJSON_Compare(tree, from_yaml, true)) ||
                          !fprintf(stderr, "%s%s\n", yaml, e.text));
        free(yaml);
        free(json);
    }
}

UNIT_MAIN(UNIT_TEST(yaml_is_read_back_as_it_was))
