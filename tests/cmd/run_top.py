#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# run_top.py PAGEBUDDY: random traces with stacks, in ftrace's, trace-cmd's and
# perf's words; who allocates, and what --task, --from, --to and --order count,
# beside an oracle that keeps every block in a table. PB_SEED=N repeats a run.

import json
import os
import random
import subprocess
import sys
import tempfile

INNER = ["get_page_from_freelist", "__alloc_pages", "__folio_alloc"]
SITES = ["do_anonymous_page", "pte_alloc_one", "skb_page_frag_refill", "xfs_buf_alloc.cold"]
OUTER = ["handle_mm_fault", "exc_page_fault", "do_syscall_64", "ret_from_fork"]
TASKS = [("dd", 100), ("dd", 101), ("kworker/u4:0", 7), ("a b-1", 55)]


class Trace:
    def __init__(self, rng):
        self.rng = rng
        self.events = []  # time in us, cpu, task, kind, pfn, order, chain
        self.held = {}
        self.now = 5_000_000

    def step(self):
        rng = self.rng
        self.now += rng.choice([0, 1, 3, 200, 5000, 2_000_000])
        cpu, task = rng.randrange(3), rng.choice(TASKS)
        chain = [rng.choice(SITES)] + rng.sample(OUTER, rng.randrange(3))
        if self.held and rng.random() < 0.45:
            pfn = rng.choice(list(self.held))
            self.events.append((self.now, cpu, task, "free", pfn, self.held.pop(pfn), None))
        elif rng.random() < 0.1:
            self.events.append((self.now, cpu, task, "fail", 0, rng.randrange(11), chain))
        else:
            order = rng.choice([0, 0, 0, 1, 2, 3, 9])
            pfn = rng.randrange(1, 60) << 10
            if any(pfn <= other < pfn + 1024 for other in self.held):
                return
            self.held[pfn] = order
            self.events.append((self.now, cpu, task, "alloc", pfn, order,
                                chain if rng.random() < 0.8 else None))


def fields(kind, pfn, order):
    if kind == "free":
        return f"mm_page_free: page=00000000dead0000 pfn=0x{pfn:x} order={order}"
    page = "0000000000000000" if kind == "fail" else "00000000dead0000"
    return (f"mm_page_alloc: page={page} pfn=0x{pfn:x} order={order} migratetype=0 "
            "gfp_flags=GFP_KERNEL")


def ftrace(trace, rng, trace_cmd):
    lines = ["# tracer: nop", "#"]
    late = []  # a stack may come behind an event of another CPU
    for time, cpu, (comm, pid), kind, pfn, order, chain in trace.events:
        front = f"{comm:>16}-{pid:<5} [{cpu:03}] d..3. "
        when = f"{time // 1000000}.{time % 1000000:06}: "
        head = front + when
        for item in late:
            if item[0] == cpu:
                lines += [item[1] + when + item[2]] + item[3]
        late = [item for item in late if item[0] != cpu]
        lines.append(head + fields(kind, pfn, order))
        if chain is None or kind == "free":
            if rng.random() < 0.3:  # calls of an event that is none of ours
                lines += [head + "sched_switch: prev_comm=x", head + "<stack trace>",
                          " => schedule"]
            continue
        begin = "kernel_stack:         <stack trace >" if trace_cmd else "<stack trace>"
        stack = [f"=> {name} (ffffffff8117aa)" if trace_cmd else f" => {name}"
                 for name in INNER + chain]
        if rng.random() < 0.3:
            late.append((cpu, front, begin, stack))
        else:
            lines += [head + begin] + stack
    for _, front, begin, stack in late:
        lines += [front + when + begin] + stack
    return "\n".join(lines) + "\n"


def perf(trace, rng):
    lines = []
    for time, cpu, (comm, pid), kind, pfn, order, chain in trace.events:
        lines.append(f"{comm:>16} {pid:5} [{cpu:03}] {time // 1000000}.{time % 1000000:06}: "
                     f"kmem:{fields(kind, pfn, order)}")
        for name in INNER + chain if chain and kind != "free" else []:
            lines.append(f"\tffffffff81172233 {name}+0x1b ([kernel.kallsyms])")
        if chain and rng.random() < 0.5:
            lines.append("\t    7f3344556677 malloc (/usr/lib/libc.so.6)")
        lines.append("")
    return "\n".join(lines) + "\n"


def empty():
    return {"allocations": 0, "failures": 0, "freed": 0, "pages": 0, "held_pages": 0, "lives": []}


def oracle(trace, wanted):
    rows = {"all": {}, "task": {}, "site": {}, "order": {}}
    born = {}
    for event in trace.events:
        time, _, (comm, _), kind, pfn, order, chain = event
        if kind == "free":
            start, counted = born.pop(pfn)
            for row in counted:
                row["freed"] += 1
                row["held_pages"] -= 1 << order
                row["lives"].append((time - start) * 1000)
            continue
        if not wanted(event):
            born[pfn] = (time, [])
            continue
        counted = [rows["all"].setdefault(0, empty()), rows["task"].setdefault(comm, empty()),
                   rows["site"].setdefault(chain[0] if chain else None, empty()),
                   rows["order"].setdefault(order, empty())]
        for row in counted:
            if kind == "fail":
                row["failures"] += 1
            else:
                row["allocations"] += 1
                row["pages"] += 1 << order
                row["held_pages"] += 1 << order
        if kind == "alloc":
            born[pfn] = (time, counted)
    return rows


def same_row(got, expected, what):
    for key in ("allocations", "failures", "freed", "pages", "held_pages"):
        assert got[key] == expected[key], (what, key, got, expected)
    lives = sorted(expected["lives"])
    for key, at in (("p50_seconds", len(lives) // 2), ("p90_seconds", len(lives) * 9 // 10),
                    ("max_seconds", len(lives) - 1)):
        if not lives:
            assert got[key] is None, (what, key, got)
        else:
            assert abs(got[key] - lives[at] * 1e-9) <= 2e-7 * (1 + got[key]), (what, key, got, lives)


def run(pagebuddy, path, *options):
    done = subprocess.run([pagebuddy, "replay", path, "--memory", "256M", "--top=1000",
                           "--format", "json", *options], capture_output=True, text=True)
    assert done.returncode == 0, (options, done.returncode, done.stderr)
    return json.loads(done.stdout)


def check(answer, expected, what):
    top = answer["top"]
    same_row(top, expected["all"].get(0, empty()), what)
    for key, name, rows in (("tasks", "comm", "task"), ("sites", "function", "site"),
                            ("orders", "order", "order")):
        if top[key] is None:
            continue
        got = {row[name]: row for row in top[key]}
        assert set(got) == set(expected[rows]), (what, key, set(got), set(expected[rows]))
        for value, row in expected[rows].items():
            same_row(got[value], row, (what, key, value))
        pages = [row["pages"] for row in top[key]]
        assert key == "orders" or pages == sorted(pages, reverse=True), (what, pages)
    lives = sum(age["allocations"] for age in top["lifetimes"])
    assert lives == top["freed"], (what, top["lifetimes"])


def one(pagebuddy, directory, rng):
    trace = Trace(rng)
    for _ in range(rng.randrange(2, 400)):
        trace.step()
    if not any(event[3] != "free" for event in trace.events):
        return
    path = os.path.join(directory, "trace")
    form = rng.randrange(3)
    with open(path, "w") as file:
        file.write(perf(trace, rng) if form == 2 else ftrace(trace, rng, form == 1))
    check(run(pagebuddy, path), oracle(trace, lambda event: True), "everything")

    first, last = trace.events[0][0], trace.events[-1][0]
    low, high = sorted([rng.randint(first, last), rng.randint(first, last)])
    order = rng.randrange(10)
    comm, pid = rng.choice([event[2] for event in trace.events])
    by_pid = rng.random() < 0.5
    options, tests = [], []
    if rng.random() < 0.6:
        options += ["--from", f"+{(low - first) / 1e6:.6f}", "--to",
                    f"{high // 1000000}.{high % 1000000:06}"]
        tests.append(lambda event: low <= event[0] <= high)
    if rng.random() < 0.4:
        options += ["--order", f"{order}-10"]
        tests.append(lambda event: order <= event[5] <= 10)
    if rng.random() < 0.4:
        options += ["--task", str(pid) if by_pid else comm]
        tests.append(lambda event: event[2][1] == pid if by_pid else event[2][0] == comm)
    wanted = lambda event: all(test(event) for test in tests)
    answer = run(pagebuddy, path, "--follow", *options)
    check(answer, oracle(trace, wanted), options)
    if rng.random() < 0.2:
        report = subprocess.run([pagebuddy, "report", path, "--memory", "256M", "--no-what-if",
                                 "--format", "json", *options], capture_output=True, text=True)
        assert report.returncode == 0, report.stderr
        report = json.loads(report.stdout)
        assert report["only"] == answer["only"], (report["only"], answer["only"])
        assert report["totals"]["failures"] == len(report["failures"]) == answer["failures"], (
            options, report["totals"], answer["failures"])
        said = " ".join(report["conclusion"])
        assert "No snapshot of the start" in said and "could be had" not in said, said
        assert report["trace"]["start_known"] is False, report["trace"]
        assert report["top"]["pages"] == answer["top"]["pages"], options
    counted = {kind: sum(1 for event in trace.events if event[3] == kind and wanted(event))
               for kind in ("alloc", "free", "fail")}
    assert answer["allocations"] == counted["alloc"], (options, answer["allocations"], counted)
    assert answer["frees"] == counted["free"], (options, answer["frees"], counted)
    assert answer["failures"] == counted["fail"], (options, answer["failures"], counted)


def main():
    seed = int(os.environ.get("PB_SEED") or random.randrange(1 << 30))
    print(f"seed {seed}")
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as directory:
        for i in range(40):
            try:
                one(sys.argv[1], directory, rng)
            except AssertionError as error:
                print(f"trace {i}: {error}")
                with open(os.path.join(directory, "trace")) as file:
                    print(file.read()[:4000])
                print("39 passed, 1 failed")
                return 1
    print("40 passed, 0 failed")
    return 0


sys.exit(main())
