#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# run_outsider.py PAGEBUDDY SOURCE: every verb with what it can't use. It says so
# in one line on standard error, with the name of what was wrong, prints nothing
# else, and ends with status 2. Options may stand before or behind their file.

import os
import subprocess
import sys
import tempfile

PAGEBUDDY, SOURCE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
SAMPLE = f"{SOURCE}/trace/samples/debian-6.1"
TRACE, LOG = f"{SAMPLE}-pressure.txt.zst", f"{SOURCE}/tests/inputs/kernel-logs/01-exhausted-atomic.txt"
passed = failed = 0


def check(what, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"FAIL {what}: {detail}")


def run(*arguments):
    return subprocess.run([PAGEBUDDY, *arguments], capture_output=True, stdin=subprocess.DEVNULL,
                          env=dict(os.environ, LC_ALL="C", LANGUAGE=""))


def refused(arguments, *expected):
    done = run(*arguments)
    err = done.stderr.decode(errors="replace")
    check(arguments, done.returncode == 2 and not done.stdout and err.count("\n") == 1 and
          err.startswith("pagebuddy") and all(text in err for text in expected),
          (done.returncode, done.stdout[:80], err))


def files():
    kinds = {"empty": (b"", "is empty"), "hello": (b"hello world\n", "hello world"),
             "bin": (b"\x7fELF\x02\x01\x00\x00", "ELF"), "x.json": (b'{"a": 1}\n', "JSON"),
             "random": (bytes((7 * i * i + i) % 251 for i in range(100000)), "binary")}
    for name, (content, _) in kinds.items():
        with open(name, "wb") as file:
            file.write(content)
    os.mkdir("dir")
    # as JSON: a build without Node.js has no page
    for verb in (["replay"], ["explain"], ["report", "--format", "json"]):
        for name, (_, what) in kinds.items():
            refused([*verb, name], name,
                    what if verb != ["explain"] or name == "empty" else "0 of ")
        refused([*verb, "dir"], "dir", "is a directory")
        refused([*verb, "none"], "none", "No such file")
    for name, (content, _) in kinds.items():
        what = "is empty" if not content else "0 of"
        refused(["show", "--root", name], name, what)
        refused(["compare", name, name], name, what)
    refused(["show", "--root", "dir"], "dir", "directory")
    refused(["show", "--root", "none"], "none", "No such file")
    refused(["kernel-diff", "dir"], "is a directory")
    refused(["explain"], "standard input' is empty")
    refused(["replay", "-"], "standard input' is empty")


def arguments():
    for verb in ("case", "learn", "replay", "explain", "record", "show", "compare", "report",
                 "kernel-diff"):
        refused([verb, "--nope"], "--nope", f"pagebuddy {verb} --help")
        refused([verb, "--hepl"], "'--hepl'", "did you mean '--help'?")
        refused([verb, "-Z"], "-Z", f"pagebuddy {verb} --help")
        refused([verb, "--title=x"] if verb != "report" else [verb, "--follow"], "here: it is one of pagebuddy",
                "report;" if verb != "report" else "replay;")
    refused(["replay", "--s"], "'--s'", "short for several")
    refused(["show", "--phase"], "'--phase'", "needs a value")
    refused(["show", "-r"], "'--root'", "needs a value")
    refused(["learn", "--where=x"], "'--where'", "takes no value")
    for verb in ("replay", "explain", "show", "compare", "report", "case"):
        refused([verb, "--format"], "--format", "needs a value")
        refused([verb, "x", "--format", "xml"] if verb not in ("show", "case")
                else [verb, "--format", "xml"], "'xml'", "expected")
    for filtering in (["replay"], ["report", "--no-what-if", "--format", "json", "-o", "never.json"],
                      ["explain", "--list"]):
        for option, value, expected in (
                ("--from", "x", "'x'"), ("--to", "1e9", "'1e9'"), ("--from", "+1000", "'+1000'"),
                ("--order", "9-3", "'9-3'"), ("--order", "99", "'99'"), ("--order", "3-", "'3-'"),
                ("--task", "", "''"), ("--task", "no such*", "'no such*'"),
                ("--task", "99999", "'99999'")):
            refused([*filtering, TRACE, option, value], option, expected)
        refused([*filtering, "--from", "end", "--to", "start", TRACE], "later than")
    check("what was refused leaves nothing behind", not os.path.exists("never.json"))
    refused(["replay", "--top", "5", TRACE], "--top=5")
    refused(["replay", "--top=0", TRACE], "'0'")
    refused(["replay", TRACE, "more"], "'more'")
    refused(["report", "--format", "json", TRACE, "-o", "dir"], "dir is a directory")
    refused(["report", "--format", "json", TRACE, "-o", "none/x"], "none/x", "No such file")
    refused(["report", TRACE, "more"], "got 2")
    check(["explain", TRACE], run("explain", TRACE).stdout == run("explain", TRACE, "--list").stdout)
    refused(["explain", TRACE, "--order", "3", "--task", "dd"], "--list")
    refused(["explain", TRACE, "--order", "3-5"], "'3-5'", "--list")
    refused(["explain", f"{SAMPLE}.buddyinfo.end", "--order", "3-5"], "'3-5'", "one order")
    refused(["explain", f"{SAMPLE}.buddyinfo.end", "--task", "x"], "--task")
    refused(["explain", f"{SAMPLE}.buddyinfo.end", "--from", "+1"], "--from")
    refused(["explain", LOG, "--from", "+1"], "kernel log", "--from")
    refused(["explain", LOG, "--list"], "kernel log", "--list")
    refused(["show", "--count", "3"], "--watch")
    refused(["show", "--watch=0"], "'0'")
    refused(["show", "--phase", "end"], "--root")
    refused(["record", "-d", "-1"], "'-1'")
    refused(["record", "-b", "1K"], "'1K'")
    refused(["diff"], "no verb 'diff'")
    refused(["help", "diff"], "no verb 'diff'")
    refused(["reply"], "no verb 'reply'; did you mean 'replay'?")
    refused(["help", "shwo"], "did you mean 'show'?")


def orders():
    """The same answer, wherever the options stand."""
    for verb, file, options in (
            ("replay", TRACE, ["--follow", "--top=3", "--from", "+1"]),
            ("explain", TRACE, ["--list", "--order", "3-9"]),
            ("explain", LOG, ["--verbose"]), ("explain", LOG, ["--task", "*"])):
        before, behind = run(verb, *options, file), run(verb, file, *options)
        check(f"{verb} {options} before and behind", before.stdout and
              before.stdout == behind.stdout and before.returncode == behind.returncode == 0,
              (before.stderr, behind.stderr))
    both = [run("compare", *words) for words in
            (["--top", "2", SAMPLE, SAMPLE], [SAMPLE, "--top", "2", SAMPLE],
             [SAMPLE, SAMPLE, "--top", "2"])]
    check("compare before, between and behind", both[0].stdout and
          both[0].stdout == both[1].stdout == both[2].stdout)
    none = run("explain", LOG, "--task", "no such")
    check("no report of this task", none.returncode == 0 and
          none.stdout.startswith(b"The one report in this log is not"), none.stdout)


with tempfile.TemporaryDirectory() as directory:
    os.chdir(directory)
    files()
    arguments()
    orders()
    os.chdir("/")
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
