/* cli/compare.h — What differs of each app's inputs between two commits. Reads git. */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H
#include <stdbool.h>

struct app_changes;
struct apps;
struct err;
struct git;
struct project;
struct survey;

/* shopflow.yaml of a commit; a file that is not there says nothing. */
int compare_project(const struct git *g, const char *commit, struct project *ret, struct err *e);

/* The apps of a commit, and with --graph its packages. */
int compare_apps(const struct git *g, const char *commit, const struct project *p, bool is_strict,
                 struct apps *ret, struct err *e);

/* For each app of s->apps the inputs that differ; *ret_old: the apps of the older commit. */
struct app_changes *compare(const struct survey *s, const char *from, const char *to,
                            struct apps *ret_old, struct err *e);

#endif
