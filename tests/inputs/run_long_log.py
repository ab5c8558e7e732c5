#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A kernel log of 200 MB with 10,000 reports: constant memory, every report answered.

    run_long_log.py PAGEBUDDY LOG

LOG is a case with one report; it is repeated, with other stamps and noise between. The
same log a tenth as long must take as much memory. Times are printed, not judged.
"""
import os
import subprocess
import sys
import tempfile
import time

REPORT_BYTES = 20000


def write_log(file, report, count):
    noise = "[{stamp:12.6f}] exnic 0000:03:00.0 ex0: rx ring 2: out of buffers\n"
    filling = "".join(noise.format(stamp=i / 7) for i in range((REPORT_BYTES - len(report)) // len(noise.format(stamp=1)) + 1))
    for i in range(count):
        file.write(report.replace("[793253.", f"[{100000 + i % 900000}."))
        file.write(filling)


def explain(program, report, count):
    """(seconds, peak KiB, reports answered, bytes of the log)"""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as log, tempfile.TemporaryFile() as answers:
        write_log(log, report, count)
        log.flush()
        begin = time.monotonic()
        child = subprocess.Popen([program, "explain", log.name], stdout=answers, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - begin
        answers.seek(0)
        answered = sum(b"and was refused by" in line or b"was refused by the" in line for line in answers)
        if status:
            sys.exit(f"explain ended with status {status}")
        return seconds, usage.ru_maxrss, answered, os.path.getsize(log.name), usage.ru_utime + usage.ru_stime


def main():
    program, log = sys.argv[1:3]
    with open(log, encoding="utf-8") as file:
        report = file.read()
    results = {}
    for count in (1000, 10000):
        seconds, peak, answered, size, cpu = explain(program, report, count)
        print(f"{count} reports, {size / 1e6:.0f} MB: {seconds:.1f} s, {cpu:.1f} s of CPU, {peak / 1024:.1f} MiB")
        if answered != count:
            sys.exit(f"{answered} of {count} reports are answered")
        results[count] = peak
    if results[10000] > results[1000] * 1.1 + 1024:
        sys.exit(f"memory grows with the log: {results[1000]} KiB, then {results[10000]} KiB")


main()
