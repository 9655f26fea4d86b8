#!/usr/bin/env python3
"""Which test would fail if a sentence of docs/api.md were not true? tests/RULES.md says it.

    rules.py --check     a test: RULES.md has every sentence of docs/api.md, word for word, each with
                         tests that exist; every golden case and every reason has its place
    rules.py --update    writes RULES.md anew after docs/api.md changed: sentences that stayed keep their
                         tests, new ones say MISSING

In RULES.md a sentence is an item; below it one line for each kind of test, with names:
    golden: folders of tests/golden       e2e, node: scenarios of tests/e2e
    http: files of tests/http             unit: programs of tests/unit and tests/cli, or
                                          "program: words of a row"
    property: properties of tests/property/check*.c        fuzz: fuzz_<name>.c of tests/fuzz
    crd_bounds: paths of fields in tests/e2e/crd_bounds.sh
    readers: "Ready reason" of a row of tests/readers/table.txt
    docs: pages of docs/ whose commands are run             static: scripts of hack/, or rules (this one)
    explains: nothing is promised: heading (the name of a rule, the head of a table), reason (why
    another sentence is so) or advice (what people may do about it)"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE = ("node", "node_rules")  # modules of tests/e2e that need the real node
API, RULES = ROOT / "docs/api.md", ROOT / "tests/RULES.md"
HEAD = """# Which test proves which sentence

Each item is a sentence of [docs/api.md](../docs/api.md), word for word; below it stand the tests that
would fail if it were not true. `tests/rules.py --check` (a test itself) compares the two, and that the
tests exist; `tests/rules.py --update` takes over what changed there.
"""


# --- docs/api.md ---

def sentences(text):
    text = " ".join(text.split())
    return [s for s in re.split(r"(?<=[.!?])\s+(?=[A-Z`*(\"0-9])", text) if s]


def yaml_items(lines):
    """A line with a comment is a promise; a comment alone goes on with the line before."""
    items = []
    for line in lines:
        alone = re.match(r"\s*#\s*(.*)", line)
        if alone and items:
            items[-1] += " " + alone[1]
        elif "#" in line:
            items.append(" ".join(line.split()))
    return items


def read_api(text):
    """[(group, [sentence])], in order; a group is a section or a rule."""
    groups, name, paragraph, fence = [], None, [], None

    def put(items):
        if name and items:
            if not groups or groups[-1][0] != name:
                groups.append((name, []))
            groups[-1][1].extend(items)

    def end_paragraph():
        nonlocal paragraph
        put(sentences(" ".join(paragraph)))
        paragraph = []

    for line in text.splitlines():
        heading, rule = re.match(r"## (\d+)\. (.*)", line), re.match(r"- \*\*(R\d+) (.*)", line)
        if line.startswith("```"):
            end_paragraph()
            if fence is not None:
                put(yaml_items(fence))
            fence = [] if fence is None else None
        elif fence is not None:
            fence.append(line)
        elif heading:
            end_paragraph()
            name = f"{heading[1]}. {heading[2]}"
            if heading[1] == "7":
                return groups  # reasons: each is to be seen in a golden plan
        elif rule:
            end_paragraph()
            name = rule[1]
            paragraph = [re.sub(r"^(.*?)\*\*", r"\1", rule[2], count=1)]
        elif line.startswith("|"):
            end_paragraph()
            if not re.match(r"\|[-|\s:]+$", line):
                put([" ".join(line.split())])
        elif re.match(r" *- |\s*$", line):
            end_paragraph()
            paragraph = [line.lstrip(" -")] if line.strip() else []
        elif re.match(r"\*\*[^*]+\*\*$", line):
            end_paragraph()  # a heading between the rules
        else:
            paragraph.append(line)
    end_paragraph()
    return groups


# --- tests/RULES.md ---

def read_rules(text):
    """[(group, sentence, {kind: [name]})], in order."""
    items, group = [], None
    for line in text.splitlines():
        heading, item = re.match(r"## (.*)", line), re.match(r"- (.*)", line)
        tests = re.match(r"  - ([a-z0-9_]+|MISSING)(?:: (.*))?$", line)
        if heading:
            group = heading[1]
        elif item:
            items.append((group, item[1], {}))
        elif tests and items:
            names = [n.strip() for n in (tests[2] or "").split(",") if n.strip()]
            items[-1][2].setdefault(tests[1], []).extend(names)
        elif line.strip() and group:
            raise SystemExit(f"tests/RULES.md: what is this line? {line}")
    return items


def write_rules(groups, known):
    out = [HEAD]
    for group, items in groups:
        out.append(f"\n## {group}\n")
        for sentence in items:
            out.append(f"- {sentence}\n")
            tests = known.get((group, sentence)) or known.get(sentence) or {"MISSING": []}
            for kind, names in tests.items():
                out.append(f"  - {kind}: {', '.join(names)}\n" if names else f"  - {kind}\n")
    RULES.write_text("".join(out), encoding="utf-8")


# --- what tests there are ---

def scenarios():
    """Names of the decorated functions of tests/e2e, by module."""
    found = {}
    for path in (ROOT / "tests/e2e").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found[path.stem] = {node.name.replace("_", "-") for node in tree.body
                            if isinstance(node, ast.FunctionDef) and node.decorator_list}
    return found


def exists(kind, name, found):
    if kind == "golden":
        return (ROOT / "tests/golden" / name / "plan.txt").exists()
    if kind == "e2e":
        return any(name in names for module, names in found.items() if module not in NODE)
    if kind == "node":
        return any(name in found[module] for module in NODE) or name == "demo"
    if kind == "http":
        return (ROOT / f"tests/http/{name}.http").exists()
    if kind == "unit":
        program, _, words = name.partition(": ")
        source = [p for folder in ("unit", "cli") for p in (ROOT / "tests" / folder).glob(program + ".*")]
        return bool(source) and words in source[0].read_text(encoding="utf-8")
    if kind == "property":
        return any(f'check_fail(m, "{name}",' in p.read_text(encoding="utf-8")
                   for p in (ROOT / "tests/property").glob("check*.c"))
    if kind == "fuzz":
        return (ROOT / f"tests/fuzz/fuzz_{name}.c").exists()
    if kind == "crd_bounds":
        return has_word(ROOT / "tests/e2e/crd_bounds.sh", name)
    if kind == "readers":
        row = r"^" + r"\s+".join(map(re.escape, name.split())) + r"\s"
        return bool(re.search(row, (ROOT / "tests/readers/table.txt").read_text(encoding="utf-8"), re.M))
    if kind == "docs":
        return (ROOT / f"docs/{name}.md").exists() and has_word(ROOT / "tests/e2e/e2e.cmake", name)
    if kind == "static":
        return name == "rules" or (ROOT / f"hack/{name}.sh").exists() and \
            has_word(ROOT / "tests/CMakeLists.txt", name)
    return kind == "explains" and name in ("heading", "reason", "advice")


def has_word(path, word):
    return bool(re.search(rf"(?<![\w.]){re.escape(word)}(?![\w])", path.read_text(encoding="utf-8")))


def is_heading(group, sentence, first):
    """Only the name of a rule ("Latch.") and the head of a table promise nothing by their place."""
    return sentence.startswith("|") or \
        (first and re.match(r"R\d+$", group) and len(sentence.split()) <= 4)


def vague(rules):
    """Rows that claim a test without naming it, or a heading that is a sentence."""
    problems, last = [], None
    for group, sentence, tests in rules:
        problems += [f"{group}: {kind} names nothing: {sentence}" for kind, names in tests.items()
                     if not names and kind != "MISSING"]
        if "heading" in tests.get("explains", []) and not is_heading(group, sentence, group != last):
            problems.append(f"{group}: is no heading: {sentence}")
        if "explains" in tests and len(tests) > 1:
            problems.append(f"{group}: explains, and has tests too: {sentence}")
        last = group
    return problems


def check():
    problems = []
    rules, found = read_rules(RULES.read_text(encoding="utf-8")), scenarios()
    want = [(group, s) for group, items in read_api(API.read_text(encoding="utf-8")) for s in items]
    have = [(group, s) for group, s, _ in rules]
    problems += [f"{g}: not in RULES.md (rules.py --update, then name its tests): {s}"
                 for g, s in want if (g, s) not in have]
    problems += [f"{g}: docs/api.md no longer says: {s}" for g, s in have if (g, s) not in want]
    for group, sentence, tests in rules:
        if not tests or "MISSING" in tests:
            problems.append(f"{group}: no test: {sentence}")
        problems += [f"{group}: there is no {kind} '{name}'" for kind, names in tests.items()
                     for name in names if not exists(kind, name, found)]
    problems += vague(rules)
    named = {name for _, _, tests in rules for name in tests.get("golden", [])}
    cases = sorted(p.parent.name for p in (ROOT / "tests/golden").glob("*/plan.txt"))
    problems += [f"golden case {c} proves no sentence" for c in cases
                 if re.match(r"r\d\d-|s6-", c) and c not in named]
    plans = " ".join((ROOT / "tests/golden" / c / "plan.txt").read_text(encoding="utf-8") for c in cases)
    header = (ROOT / "controller/deploy/reason.h").read_text(encoding="utf-8")
    problems += [f"no golden case shows the reason {r}" for r in re.findall(r"X\(([A-Z]\w+), ", header)
                 if not re.search(rf"\b{r}\b", plans)]
    for problem in problems:
        print("rules:", problem, file=sys.stderr)
    print(f"{len(want)} sentences, {len(rules)} in RULES.md, {len(problems)} problems")
    return 1 if problems else 0


def update():
    old = read_rules(RULES.read_text(encoding="utf-8")) if RULES.exists() else []
    known = {s: t for _, s, t in old} | {(g, s): t for g, s, t in old}
    groups = read_api(API.read_text(encoding="utf-8"))
    write_rules(groups, known)
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(check())
    if sys.argv[1:] == ["--update"]:
        sys.exit(update())
    print(__doc__, file=sys.stderr)
    sys.exit(0 if sys.argv[1:] in (["-h"], ["--help"]) else 2)
