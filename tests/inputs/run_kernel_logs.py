#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kernel logs with a known answer.

    run_kernel_logs.py PAGEBUDDY CASES [NAME...]

Each NAME.txt (.gz, .zst) of CASES has a NAME.json with the fields that `explain
--format json` must give; it may give more. A case with NAME.golden has its human
text there, too. The last line is `N passed, N failed`.
"""
import glob
import json
import os
import subprocess
import sys

EXACT = ["headline_kind", "comm", "pid", "kernel", "order", "gfp_hex", "may_sleep", "page_kb", "zones_allowed",
         "verdict"]
# What else a case says of a zone ("why" is a reader's note) may be given or not.
OPTIONAL = {"mark_kb", "reserve_kb", "cma_kb", "highatomic_kb", "boost_kb"}


def compare_zone(where, found, wanted):
    for key, value in wanted.items():
        if key == "why" or (key in OPTIONAL and found.get(key) is None):
            continue
        if found.get(key) != value:
            yield f"{where} {wanted['node']}/{wanted['zone']} {key}: {found.get(key)!r}, expected {value!r}"


def compare_report(number, found, wanted):
    where = f"report {number}:"
    for key in EXACT:
        if found.get(key) != wanted[key]:
            yield f"{where} {key}: {found.get(key)!r}, expected {wanted[key]!r}"
    if sorted(found["gfp_names"]) != sorted(wanted["gfp_names"]):
        yield f"{where} gfp_names: {found['gfp_names']}, expected {wanted['gfp_names']}"
    if len(found["per_zone"]) != len(wanted["per_zone"]):
        yield f"{where} {len(found['per_zone'])} zones, expected {len(wanted['per_zone'])}"
    for zone in zip(found["per_zone"], wanted["per_zone"]):
        yield from compare_zone(where, *zone)


def check_json(program, log, expected):
    run = subprocess.run([program, "explain", log, "--format", "json"], capture_output=True, check=False)
    if run.returncode:
        yield f"status {run.returncode}: {run.stderr.decode(errors='replace').strip()}"
        return
    found, wanted = json.loads(run.stdout)["reports"], json.load(open(expected, encoding="utf-8"))["reports"]
    if len(found) != len(wanted):
        yield f"{len(found)} reports, expected {len(wanted)}"
    for number, pair in enumerate(zip(found, wanted), 1):
        yield from compare_report(number, *pair)


def check_text(program, log, golden):
    for options in [[], ["--verbose"]]:
        run = subprocess.run([program, "explain", log, *options], capture_output=True, check=False)
        text = run.stdout.decode(errors="replace")
        if run.returncode:
            yield f"text: status {run.returncode}"
        for line in text.splitlines():
            if len(line) > 80:
                yield f"text: {len(line)} columns: {line}"
        if not options and os.path.exists(golden) and text != open(golden, encoding="utf-8").read():
            yield f"text: differs from {os.path.basename(golden)}:\n{text}"


def main():
    program, directory, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    passed = failed = 0
    for expected in sorted(glob.glob(os.path.join(directory, "*.json"))):
        base = expected.removesuffix(".json")
        if names and os.path.basename(base) not in names:
            continue
        log = glob.glob(base + ".txt*")[0]
        wrong = [*check_json(program, log, expected), *check_text(program, log, base + ".golden")]
        passed, failed = passed + (not wrong), failed + bool(wrong)
        for line in wrong:
            print(f"{os.path.basename(base)}: {line}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
