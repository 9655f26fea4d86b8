/* Which images a Dockerfile starts from. */
#include "dockerfile.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "unit.h"

#define ARGS_MAX 4

static const char *joined(struct arena *a, const char *const *list)
{
    const char *all = "";

    for (; *list; list++)
        all = arena_printf(a, "%s%s%s", all, *all ? " " : "", *list);
    return all;
}

struct row {
    const char *name, *text, *want;
    const char *args[ARGS_MAX];
};

static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        AUTO(arena) struct arena *a = arena_new(1024);
        const char *got = joined(a, dockerfile_bases(a, rows[i].text, rows[i].args));

        CASE(rows[i].name, !strcmp(got, rows[i].want));
        if (strcmp(got, rows[i].want))
            printf("%s: '%s', not '%s'\n", rows[i].name, got, rows[i].want);
    }
}

#define CHECK(rows) check(rows, ARRAY_LEN(rows))

static void from_lines_are_read(void)
{
    static const struct row rows[] = {
        { "one", "FROM node:24\n", "node:24", { 0 } },
        { "no end of line", "FROM node:24", "node:24", { 0 } },
        { "nothing", "", "", { 0 } },
        { "blanks", " \n\n\t\n", "", { 0 } },
        { "no case", "from node:24 as x\nFrom X", "node:24", { 0 } },
        { "a platform", "FROM --platform=$BUILDPLATFORM node:24 AS b", "node:24", { 0 } },
        { "scratch", "FROM scratch\nCOPY a /", "", { 0 } },
        { "a digest", "FROM a@sha256:0\n", "a@sha256:0", { 0 } },
        { "a port", "FROM 10.0.0.1:5000/base:1", "10.0.0.1:5000/base:1", { 0 } },
        { "each once", "FROM a\nFROM b\nFROM a", "a b", { 0 } },
        { "a stage", "FROM a AS base\nFROM base AS next\nFROM next", "a", { 0 } },
        { "a stage that comes later is an image", "FROM next\nFROM a AS next", "next a", { 0 } },
        { "a stage of the same name", "FROM node AS node\nFROM node", "node", { 0 } },
        { "CRLF", "FROM a AS b\r\nFROM b\r\nFROM c\r\n", "a c", { 0 } },
        { "a BOM",
          "\xef\xbb\xbf"
          "FROM a",
          "a",
          { 0 } },
        { "in front of it", "  \tFROM   a\tAS b", "a", { 0 } },
        { "quotes", "FROM \"a:1\" AS b", "a:1", { 0 } },
        { "not at the beginning", "RUN echo\nLABEL x=FROM\nENV FROM=b\nXFROM a\n", "", { 0 } },
        { "no image", "FROM\nFROM --platform=x\nFROM a", "a", { 0 } },
    };

    CHECK(rows);
}

static void lines_go_on(void)
{
    static const struct row rows[] = {
        { "an escape", "FROM \\\n  a \\\n AS b\nFROM b", "a", { 0 } },
        { "blanks behind it", "FROM \\  \t\n a", "a", { 0 } },
        { "CRLF", "FROM \\\r\n a\r\n", "a", { 0 } },
        { "comments and empty lines between", "FROM \\\n# x\n\n   # y\n a\n", "a", { 0 } },
        { "no FROM in it", "RUN a \\\n FROM b\nFROM c", "c", { 0 } },
        { "a comment does not go on", "# x \\\nFROM a", "a", { 0 } },
        { "an escaped escape does not", "RUN a \\\\\nFROM b", "b", { 0 } },
        { "another escape", "# escape=`\nFROM `\n a\nRUN c:\\\nFROM b", "a b", { 0 } },
        { "no case, blanks", "#  EsCaPe  =  `\nRUN a `\nFROM b\nFROM c", "c", { 0 } },
        { "after syntax",
          "# syntax=docker/dockerfile:1\n# escape=`\nRUN x `\nFROM b\n",
          "",
          { 0 } },
        { "too late", "FROM a\n# escape=`\nRUN x `\nFROM b", "a b", { 0 } },
        { "after a comment it is one", "# hello\n# escape=`\nRUN x `\nFROM b", "b", { 0 } },
        { "the end within", "FROM a\nRUN \\", "a", { 0 } },
        { "an escape alone", "\\", "", { 0 } },
        { "an escape, and an empty line", "\\\n\nFROM a", "a", { 0 } },
    };

    CHECK(rows);
}

static void heredocs_are_not_instructions(void)
{
    static const struct row rows[] = {
        { "RUN", "RUN <<EOF\nFROM x\nEOF\nFROM a", "a", { 0 } },
        { "quoted", "RUN <<'EOF'\nFROM x\nEOF\nFROM a", "a", { 0 } },
        { "double quotes", "RUN cat <<\"E F\" > /x\nFROM x\nE F\nFROM a", "a", { 0 } },
        { "tabs", "RUN <<-EOF\nFROM x\n\t\tEOF\nFROM a", "a", { 0 } },
        { "tabs count without the dash", "RUN <<EOF\n\tEOF\nFROM x\nEOF\nFROM a", "a", { 0 } },
        { "two", "COPY <<A <<B /d/\nFROM x\nA\nFROM y\nB\nFROM a", "a", { 0 } },
        { "a descriptor", "RUN 3<<EOF\nFROM x\nEOF\nFROM a", "a", { 0 } },
        { "ADD, small", "add <<eof /x\nFROM x\neof\nFROM a", "a", { 0 } },
        { "ONBUILD", "ONBUILD RUN <<EOF\nFROM x\nEOF\nFROM a", "a", { 0 } },
        { "CRLF", "RUN <<EOF\r\nFROM x\r\nEOF\r\nFROM a", "a", { 0 } },
        { "the line goes on first", "RUN <<EOF \\\n && true\nFROM x\nEOF\nFROM a", "a", { 0 } },
        { "not closed", "FROM a\nRUN <<EOF\nFROM x", "a", { 0 } },
        { "in quotes it is none", "RUN echo \"<<EOF\"\nFROM a", "a", { 0 } },
        { "within a word it is none", "RUN echo $((1<<EOF))\nFROM a", "a", { 0 } },
        { "here-string", "RUN cat <<<EOF\nFROM a", "a", { 0 } },
        { "no name", "RUN cat << EOF\nFROM a", "a", { 0 } },
        { "of other instructions", "LABEL <<EOF\nFROM a", "a", { 0 } },
    };

    CHECK(rows);
}

static void variables_are_replaced(void)
{
    static const struct row rows[] = {
        { "a default", "ARG V=24\nFROM node:$V", "node:24", { 0 } },
        { "of the build", "ARG V=24\nFROM node:${V}-slim", "node:22-slim", { "V=22" } },
        { "an empty one of the build", "ARG V=24\nFROM node$V", "node", { "V=" } },
        { "declared only", "ARG V\nFROM node:${V:-1}", "node:2", { "V=2" } },
        { "not declared", "FROM node:${V:-1}", "node:1", { "V=2" } },
        { "the last default", "ARG V=1\nARG V=2\nFROM a:$V", "a:2", { 0 } },
        { "declared again keeps it", "ARG V=1\nARG V\nFROM a:$V", "a:1", { 0 } },
        { "several", "ARG A=1 B=\"2\"\nFROM a:$A-$B", "a:1-2", { 0 } },
        { "from another", "ARG A=1\nARG B=a:${A}\nFROM $B", "a:1", { 0 } },
        { "the whole",
          "ARG BASE=r.test:5000/x@sha256:1\nFROM ${BASE} AS x\nFROM x",
          "r.test:5000/x@sha256:1",
          { 0 } },
        { "not set", "FROM a$V", "a", { 0 } },
        { "nothing is left", "FROM $V\nFROM b", "b", { 0 } },
        { "in place of an empty one", "ARG V=\nFROM a:${V:-1}", "a:1", { 0 } },
        { "an empty one stays", "ARG V=\nFROM a${V-1}", "a", { 0 } },
        { "in place of one that is set", "ARG V=1\nFROM a${V:+:2}", "a:2", { 0 } },
        { "not in place", "FROM a${V:+:2}", "a", { 0 } },
        { "within", "ARG W=3\nFROM a:${V:-x${W}y}", "a:x3y", { 0 } },
        { "wanted and there", "ARG V=1\nFROM a:${V:?no}", "a:1", { 0 } },
        { "within a stage it is another", "FROM a AS s\nARG V=1\nFROM b$V", "a b", { 0 } },
        { "single quotes", "ARG V='$X'\nFROM a:$V", "a:$X", { 0 } },
        { "escaped", "FROM a\\$V", "a$V", { 0 } },
        { "of the builder", "FROM a:$TARGETARCH\nFROM b", "b", { 0 } },
        { "of the builder, given", "ARG TARGETARCH=arm\nFROM a:$TARGETARCH", "a:arm", { 0 } },
        { "out of one of the builder", "ARG X=a-$TARGETOS\nFROM $X\nFROM b", "b", { 0 } },
        { "a pattern", "ARG V=1\nFROM a:${V#1}\nFROM b", "b", { 0 } },
        { "not closed", "ARG V=1\nFROM a:${V\nFROM b", "b", { 0 } },
        { "wanted and not there", "FROM a:${V:?no}\nFROM b", "b", { 0 } },
        { "no name", "FROM a:$\nFROM b:${}\nFROM c", "c", { 0 } },
        { "a name that begins so", "ARG VERSION=9\nARG V=1\nFROM a:$V", "a:1", { "VERSION=8" } },
    };

    CHECK(rows);
}

static void copies_and_mounts_count(void)
{
    static const struct row rows[] = {
        { "COPY", "FROM a\nCOPY --from=nginx:1 /x /y", "a nginx:1", { 0 } },
        { "after other flags", "FROM a\nCOPY --link --chown=1:1 --from=b /x /y", "a b", { 0 } },
        { "a stage", "FROM a AS s\nFROM b\nCOPY --from=S /x /y", "a b", { 0 } },
        { "a stage by number", "FROM a\nFROM b\nCOPY --from=0 /x /y", "a b", { 0 } },
        { "no stage of that number", "FROM a\nCOPY --from=7 /x /y", "a 7", { 0 } },
        { "a variable", "FROM a\nCOPY --from=$B /x /y", "a", { 0 } },
        { "not a flag", "FROM a\nCOPY x --from=b /y\nRUN x --from=b", "a", { 0 } },
        { "RUN",
          "FROM a\nRUN --mount=type=bind,from=b,source=/x --mount=type=cache,target=/y x",
          "a b",
          { 0 } },
        { "RUN, a stage", "FROM a AS s\nRUN --mount=from=s,target=/x x", "a", { 0 } },
        { "RUN, two", "FROM a\nRUN --mount=from=b --mount=type=bind,from=c x", "a b c", { 0 } },
        { "RUN, scratch", "FROM a\nRUN --mount=type=tmpfs,from=scratch x", "a", { 0 } },
        { "ONBUILD", "FROM a\nONBUILD COPY --from=b x y", "a", { 0 } },
    };

    CHECK(rows);
}

static void long_files_are_read(void)
{
    AUTO(arena) struct arena *a = arena_new(1024);
    size_t n = 3000;
    char *text = arena_alloc(a, n * 40), *at = text;
    const char *const *list;

    for (size_t i = 0; i < n; i++)
        at += snprintf(at, 40, "FROM a:%zu AS s%zu\nRUN x \\\n y\n", i, i);
    list = dockerfile_bases(a, text, NULL);
    for (n = 0; list[n]; n++)
        continue;
    CASE("all of them", n == 3000 && !strcmp(list[2999], "a:2999"));
}

UNIT_MAIN(UNIT_TEST(from_lines_are_read), UNIT_TEST(lines_go_on),
          UNIT_TEST(heredocs_are_not_instructions), UNIT_TEST(variables_are_replaced),
          UNIT_TEST(copies_and_mounts_count), UNIT_TEST(long_files_are_read))
