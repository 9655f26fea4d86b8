/* controller/base/yaml.h — YAML 1.1 (the libyaml kind) as a JSON tree, for configuration files.
 *
 * Refused: anchors, aliases, tags, documents over max_bytes, nesting over 64, duplicate keys.
 * Plain scalars follow the YAML 1.2 core schema (true/false, null, integers); all else is text. */
#ifndef BASE_YAML_H
#define BASE_YAML_H
#include <stddef.h>

struct cJSON;
struct err;

/* The first document. Errors name line and column. The caller frees with cJSON_Delete. */
struct cJSON *yaml_parse(const char *bytes, size_t len, size_t max_bytes, struct err *e);

/* Where a member of the first document stands, for errors about what a text says that could be
 * parsed. path: keys, and the numbers of items, from the root on; NULL-terminated. What is not
 * there is answered by the place of what it would be in. Both count from 1. */
struct yaml_place {
    size_t line, column;
};
struct yaml_place yaml_where(const char *bytes, size_t len, const char *const *path);

#endif
