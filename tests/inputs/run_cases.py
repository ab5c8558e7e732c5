#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Inputs as people have them, each with the answer that is right.

    run_cases.py PAGEBUDDY CASES [NAME...]

Each directory of CASES has an expected.json: `runs`, command lines that must do
as said; `any_of`, of which one is enough. The last line is `N passed, N failed`.
"""
import json
import os
import re
import subprocess
import sys

# What composite gfp names stand for, so that any names of the same bits agree.
BEFORE_4_4 = {"GFP_KERNEL": "WAIT IO FS", "GFP_ATOMIC": "HIGH"}
SINCE_4_4 = {"GFP_KERNEL": "DIRECT_RECLAIM KSWAPD_RECLAIM IO FS", "__GFP_RECLAIM": "DIRECT_RECLAIM KSWAPD_RECLAIM",
             "GFP_ATOMIC": "HIGH ATOMIC KSWAPD_RECLAIM"}
SINCE_6_3 = dict(SINCE_4_4, GFP_ATOMIC="HIGH KSWAPD_RECLAIM")


def gfp_bits(text, kernel):
    major, minor = (int(part) for part in kernel.split(".")[:2])
    table = BEFORE_4_4 if (major, minor) < (4, 4) else SINCE_4_4 if (major, minor) < (6, 3) else SINCE_6_3
    bits = set()
    for name in text.split("|"):
        bits |= set(table.get(name, name.removeprefix("__GFP_")).split())
    return bits


def look_up(value, path):
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def blocks_by_type(migratetypes):
    return {row["migratetype"]: row["free_blocks"] for row in migratetypes}


def check_value(path, found, wanted):
    if isinstance(wanted, dict) and "match" in wanted:
        return None if re.search(wanted["match"], str(found)) else f"{path}: {found!r} does not match {wanted['match']!r}"
    if isinstance(wanted, dict) and "by_type" in wanted:
        found = blocks_by_type(found)
        wrong = {name: found.get(name) for name, blocks in wanted["by_type"].items() if found.get(name) != blocks}
        return f"{path}: {wrong}" if wrong else None
    if isinstance(wanted, dict) and "gfp_of" in wanted:
        if gfp_bits(found, wanted["gfp_of"]) == gfp_bits(wanted["is"], wanted["gfp_of"]):
            return None
        return f"{path}: {found}, expected {wanted['is']}"
    return None if found == wanted else f"{path}: {found!r}, expected {wanted!r}"


def check_json(run, output):
    try:
        answer = json.loads(output)
    except ValueError:
        return ["the output is no JSON"]
    wrong = []
    for path, wanted in run.get("json", {}).items():
        try:
            problem = check_value(path, look_up(answer, path), wanted)
        except (KeyError, IndexError, TypeError):
            problem = f"{path} is missing"
        if problem:
            wrong.append(problem)
    return wrong


def check_run(pagebuddy, directory, run):
    """What is wrong with what this command line does: a list of sentences."""
    command = [pagebuddy] + [arg.replace("{d}", directory) for arg in run["args"]]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    wrong = []
    if done.returncode not in run["exit"]:
        wrong.append(f"exit status {done.returncode}, expected one of {run['exit']}: {done.stderr.strip()}")
    text = " ".join((done.stdout + " " + done.stderr).replace(directory, "").split())
    wrong += [f"{pattern!r} is not said" for pattern in run.get("must", []) if not re.search(pattern, text)]
    wrong += [f"{pattern!r} is said" for pattern in run.get("must_not", []) if re.search(pattern, text)]
    if "json" in run and not wrong:
        wrong += check_json(run, done.stdout)
    return [f"{' '.join(run['args'])}: {problem}" for problem in wrong]


def check_case(pagebuddy, directory):
    with open(os.path.join(directory, "expected.json"), encoding="utf-8") as file:
        case = json.load(file)
    wrong = [problem for run in case["runs"] for problem in check_run(pagebuddy, directory, run)]
    tries = [check_run(pagebuddy, directory, run) for run in case["any_of"]]
    if tries and all(tries):
        wrong += [problem for problems in tries for problem in problems]
    return wrong


def main():
    pagebuddy, cases, *names = sys.argv[1:]
    failed = 0
    names = names or sorted(name for name in os.listdir(cases) if os.path.exists(os.path.join(cases, name, "expected.json")))
    for name in names:
        wrong = check_case(os.path.abspath(pagebuddy), os.path.join(os.path.abspath(cases), name))
        print("FAIL" if wrong else "ok  ", name)
        for problem in wrong:
            print("    ", problem)
        failed += bool(wrong)
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed or not names else 0


sys.exit(main())
