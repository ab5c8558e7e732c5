#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# run_compare.py PAGEBUDDY SAMPLES: what compare says of each side is what replay
# and show say of it alone; a thing beside itself is the same; 80 columns.

import json
import os
import subprocess
import sys
import tempfile

PAGEBUDDY, SAMPLES = sys.argv[1:3]
A, B = f"{SAMPLES}/debian-6.1", f"{SAMPLES}/debian-6.1-pressure"
passed = failed = 0


def check(what, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"FAIL {what}: {detail}")


def run(*arguments):
    return subprocess.run([PAGEBUDDY, *arguments], capture_output=True, text=True)


def answer(*arguments):
    done = run(*arguments, "--format", "json")
    check(f"{arguments} has an answer", done.stdout, done.stderr)
    return json.loads(done.stdout)


def recordings():
    both = answer("compare", f"{A}.txt.zst", f"{B}.txt.zst", "--top", "1000")
    rows = {(row["what"], row["order"]): row for row in both["rows"]}
    check("of recordings", both["kind"] == "compare" and both["of"] == "recordings", both["of"])
    for side, name in (("a", A), ("b", B)):
        alone = answer("replay", f"{name}.txt.zst", "--follow", "--top=1000")
        total = alone["allocations"] + alone["failures"]
        expected = {"seconds": alone["trace_seconds"], "requests": total,
                    "requests_per_second": total / alone["trace_seconds"],
                    "failures": alone["failures"],
                    "failures_per_million": alone["failures"] * 1e6 / total,
                    "fallbacks_per_million": alone["fallbacks"] * 1e6 / total,
                    "claims_per_million": alone["fallback_claims"] * 1e6 / total,
                    "free_start_mb": sum(z["free_pages"] for z in alone["start"]) / 256,
                    "free_end_mb": sum(z["free_pages"] for z in alone["end"]) / 256,
                    "free_2m_end": sum(z["free_2m"] for z in alone["end"]),
                    "mixed_pageblocks": alone["mixed_pageblocks"],
                    "median_lifetime_ms": alone["top"]["p50_seconds"] * 1000,
                    "lost_events": alone["problems"]["lost_events"]}
        for what, value in expected.items():
            got = rows[what, None][side]
            check(f"{what} of {side}", abs(got - value) <= 1e-6 * (1 + abs(value)), (got, value))
        for what, key in (("allocations", "allocations_by_order"),
                          ("failures", "failures_by_order")):
            for order, value in enumerate(alone[key]):
                row = rows.get((what, order))
                check(f"{what} of order {order}", (row[side] if row else 0) == value, (row, value))
        tasks = {task["comm"]: task for task in both["tasks"]}
        for task in alone["top"]["tasks"]:
            got = tasks[task["comm"]]
            check(f"{task['comm']} of {side}",
                  got[f"{side}_pages"] == task["pages"] and
                  got[f"{side}_requests"] == task["allocations"] + task["failures"], (got, task))
        check("no more tasks", sum(task[f"{side}_requests"] > 0 for task in both["tasks"]) ==
              len(alone["top"]["tasks"]))
    text = run("compare", f"{A}.txt.zst", f"{A}.txt.zst").stdout
    table = text[text.index("B beside A"):].splitlines()[1:]
    check("a recording beside itself is the same",
          all(line.endswith("same") for line in table if line.strip() and "MB a sec" not in line),
          text)


def snapshots():
    both = answer("compare", A, B)
    check("of snapshots", both["of"] == "snapshots", both["of"])
    for side, name in (("a", A), ("b", B)):
        alone = answer("show", "--root", name)["zones"]
        check(f"zones of {side}", [zone[side] for zone in both["zones"]] == alone)
    with tempfile.TemporaryDirectory() as directory:
        alone = os.path.join(directory, "buddyinfo")  # one zone, and blocks alone
        with open(alone, "w") as file:
            file.write("Node 1, zone   Normal " + "123456789 " * 11 + "\n")
        done = run("compare", A, alone)
        check("a zone of one side only is told", done.returncode == 0 and
              "Node 1, zone Normal\n  is only in B" in done.stdout, done.stdout)
        text = run("compare", alone, alone).stdout
        check("a snapshot beside itself is the same", text.count("same") >= 1 and
              "+0" in text, text)
        return done.stdout + text


def errors():
    log = os.path.join(os.path.dirname(__file__), "../inputs/kernel-logs/01-exhausted-atomic.txt")
    for arguments, expected in (
            ([], "got 0"), ([A], "got 1"), ([A, B, A], "got 3"),
            ([f"{A}.txt.zst", A], "is a recording and"), ([A, f"{A}.txt.zst"], "is a recording and"),
            ([A, log], "is a kernel log"), ([A, "-"], "standard input"),
            ([A, "no/such"], "no/such"), ([A, "/dev/null"], "/dev/null"),
            ([A, B, "--format", "ndjson"], "'ndjson'"), ([A, B, "--top", "x"], "'x'"),
            ([A, B, "--tip", "1"], "--tip")):
        done = run("compare", *arguments)
        check(f"compare {arguments}", done.returncode == 2 and not done.stdout and
              expected in done.stderr and done.stderr.count("\n") == 1,
              (done.returncode, done.stderr))


recordings()
wide = snapshots()
errors()
wide += run("compare", A, B).stdout + run("compare", f"{A}.txt.zst", f"{B}.txt.zst").stdout
wide += run("compare", "--help").stdout
check("80 columns", all(len(line) <= 80 for line in wide.splitlines()),
      max(wide.splitlines(), key=len))
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
