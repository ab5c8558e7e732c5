#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# run_help.py PAGEBUDDY SOURCE: every verb of --help has a help of 80 columns, a
# man page with the same options and its place in pagebuddy(1); and every field of
# the JSON that the verbs print is in docs/schema.md.

import json
import os
import re
import subprocess
import sys
import tempfile

PAGEBUDDY, SOURCE = sys.argv[1:3]
SAMPLE = f"{SOURCE}/trace/samples/debian-6.1"
INPUTS = f"{SOURCE}/tests/inputs"
passed = failed = 0


def check(what, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"FAIL {what}: {detail}")


def run(*arguments):
    done = subprocess.run([PAGEBUDDY, *arguments], capture_output=True, text=True,
                          env=dict(os.environ, LC_ALL="C", LANGUAGE=""))
    return done.returncode, done.stdout


def read(*path):
    with open(os.path.join(SOURCE, *path)) as file:
        return file.read()


def check_width(what, text):
    wide = [line for line in text.splitlines() if len(line) > 80]
    check(f"{what} has at most 80 columns", not wide, wide)


def options_of_help(text):
    """Long options from the lines that begin with one, "--from TIME, --to TIME" included."""
    found = set()
    for line in text.splitlines():
        if re.match(r"^ +(-\w, )?--[a-z]", line):
            head = re.split(r"  +", line.strip())[0]
            found |= set(re.findall(r"--[a-z][a-z-]*", head))
    return found - {"--help"}


def options_of_man(text):
    found = set()
    section = text[text.index("# OPTIONS") if "# OPTIONS" in text else 0:]
    for line in section.splitlines():
        if line.startswith("*-"):
            found |= set(re.findall(r"\*(--[a-z][a-z-]*)\*", line))
    return found - {"--help"}


def check_verb(verb):
    status, text = run(verb, "--help")
    check(f"{verb} --help", status == 0 and "Usage:" in text or "usage:" in text, text)
    check_width(f"{verb} --help", text)
    check(f"help {verb} is {verb} --help", run("help", verb) == (0, text))
    path = os.path.join(SOURCE, "man", f"pagebuddy-{verb}.1.scd")
    check(f"{verb} has a man page", os.path.exists(path), path)
    if not os.path.exists(path):
        return
    page = read("man", f"pagebuddy-{verb}.1.scd")
    check(f"options of {verb}, help and man page", options_of_help(text) == options_of_man(page),
          options_of_help(text) ^ options_of_man(page))
    check(f"options of {verb}, help and table", options_of_help(text) == set(TABLE[verb]) - {"--help"},
          options_of_help(text) ^ set(TABLE[verb]))
    for option, letter in TABLE[verb].items():
        shown = re.search(rf"^ +-(\w), {option}\b", text, re.M)
        check(f"{verb} {option} has its letter in the help", option == "--help" or
              (shown.group(1) if shown else "0") == letter, letter)
    check(f"pagebuddy(1) has {verb}", f"*pagebuddy-{verb}*(1)" in read("man", "pagebuddy.1.scd"))


def options_of_table():
    """verb -> long option -> letter or 0, of cmd/options.def."""
    table = {}
    for verb, letter, name in re.findall(r'^CMD_OPTION\("(.*?)", \w+, (.*?), "(.*?)", \w+\)$',
                                         read("cmd", "options.def"), re.M):
        table.setdefault(verb, {})["--" + name] = letter.strip("'")
    return table


def fields(value, found):
    """Keys of objects; those of maps by name are data."""
    if isinstance(value, dict):
        for key, inner in value.items():
            found.add(key)
            if key not in ("gfp_names", "allocations_by_migratetype", "failures_by_reason"):
                fields(inner, found)
    elif isinstance(value, list):
        for inner in value:
            fields(inner, found)


def check_schema():
    schema = read("docs", "schema.md")
    known = {"schema", "kind"} | set(re.findall(r"[`,{ ]([a-zA-Z_0-9]+)(?=[\[{`])", schema))
    other = f"{INPUTS}/cases"
    trace, pressure = f"{SAMPLE}.txt.zst", f"{SAMPLE}-pressure.txt.zst"
    commands = [
        ["case", "--size", "28K"], ["case", "--do", "alloc 28K as a; free a; compact"],
        ["replay", trace, "--simulate", "--follow", "--pins", "--top", "--what-if",
         "profile=modern", "--from", "+1"],
        ["explain", pressure, "--list"], ["explain", pressure, "--failure", "1"],
        ["explain", f"{INPUTS}/kernel-logs/01-exhausted-atomic.txt"],
        ["explain", f"{INPUTS}/kernel-logs/16-watermark-boost.txt"],
        ["show", "--root", SAMPLE], ["report", trace],
        ["compare", trace, pressure], ["compare", SAMPLE, f"{SAMPLE}-pressure"],
    ]
    for name in sorted(os.listdir(other)):
        if re.match(r"\d+-(page-owner|extfrag|allocinfo)", name):
            files = [file for file in os.listdir(os.path.join(other, name))
                     if file != "expected.json"]
            commands.append(["show", "--root", os.path.join(other, name, *files[:1])])
    number = int(re.search(r"`schema`, which is (\d+)", schema).group(1))
    page = read("report", "src", "data.js")
    check("the page reads this schema", f"data.schema !== {number}" in page, number)
    for command in commands:
        status, text = run(*command, "--format", "json")
        check(f"{command} prints JSON", status in (0, 1) and text.startswith("{"), text[:200])
        if not text.startswith("{"):
            continue
        answer, found = json.loads(text), set()
        fields(answer, found)
        check(f"{command} has schema and kind", answer.get("schema") == number and "kind" in answer)
        check(f"kind {answer.get('kind')} is in the schema", f"`{answer.get('kind')}`" in schema)
        check(f"fields of {command} are in docs/schema.md", found <= known, sorted(found - known))
    status, text = run("replay", trace, "--samples", "2", "--format", "ndjson")
    found = set()
    fields([json.loads(line) for line in text.splitlines()], found)
    check("fields of samples are in docs/schema.md", found and found <= known, found - known)


def check_answers():
    """What people read, too, has 80 columns."""
    pressure = f"{SAMPLE}-pressure.txt.zst"
    for command in (["replay", pressure, "--follow", "--pins", "--top=40", "--what-if",
                     "profile=modern"], ["replay", pressure, "--simulate", "--task", "dd"],
                    ["explain", pressure, "--list"], ["explain", pressure, "--failure", "3"],
                    ["explain", pressure, "--order", "9", "--at", "+5"],
                    ["show", "--root", SAMPLE], ["case", "--size", "28K"]):
        status, text = run(*command)
        check(f"{command[0]} answers", status == 0 and len(text) > 200, text)
        check_width(" ".join(command), text)


TABLE = options_of_table()
status, top = run("--help")
verbs = re.findall(r"^  ([a-z-]+) ", top, re.M)
check("pagebuddy --help lists verbs", status == 0 and len(verbs) > 7, top)
check_width("pagebuddy --help", top)
for verb in verbs:
    check_verb(verb)
status, text = run("kernel-diff", "--help")
check("kernel-diff is there and not listed", status == 0 and "kernel-diff" not in verbs)
check_width("kernel-diff --help", text)
check("options of kernel-diff, help and table", options_of_help(text) == set(TABLE["kernel-diff"]) - {"--help"})
check_schema()
check_answers()
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
