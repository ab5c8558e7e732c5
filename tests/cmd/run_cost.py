#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# run_cost.py PAGEBUDDY TRACE.zst DIRECTORY: what replay takes for an event more, counted and
# not timed. An event is 24 bytes and half an operation of 8, and the room for them grows ahead
# of the need. Instructions are counted by callgrind; without valgrind that half is left out,
# and said so.

import os
import re
import shutil
import subprocess
import sys

PAGEBUDDY, TRACE, WORK = sys.argv[1:4]
SNAPSHOT = TRACE.removesuffix(".txt.zst")
BYTES, INSTRUCTIONS = 42, 5500  # at most, for an event
SMALL, LARGE = 20000, 60000     # events, of which the difference is counted
failed = 0


def check(what, value, most):
    global failed
    failed += value > most
    print(f"{'FAIL' if value > most else 'ok  '} {what}: {value:.1f}, at most {most}")


def first(count, lines, header):
    path = os.path.join(WORK, f"cost-{count}.txt")
    with open(path, "wb") as file:
        file.writelines(header + lines[:count])
    return path


# In a process of its own: a child's largest set is never below what its parent had.
MEASURE = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def memory(path):
    """The largest resident set of a replay, bytes."""
    done = subprocess.run([sys.executable, "-c", MEASURE, PAGEBUDDY, "replay", "--lenient", "--snapshot", SNAPSHOT, path],
                          capture_output=True, text=True, check=True)
    status, kilobytes = map(int, done.stdout.split())
    if status:
        sys.exit(f"replay of {path} ended with {status}")
    return kilobytes * 1024


def instructions(path):
    done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={path}.callgrind", PAGEBUDDY, "replay",
                           "--lenient", "--snapshot", SNAPSHOT, path], capture_output=True, text=True)
    os.remove(f"{path}.callgrind")
    return int(re.search(r"refs:\s+([\d,]+)", done.stderr).group(1).replace(",", ""))


os.makedirs(WORK, exist_ok=True)
text = subprocess.run(["zstd", "-qdc", "--long=27", TRACE], capture_output=True, check=True).stdout.splitlines(True)
header = [line for line in text if line.startswith(b"#")]
lines = [line for line in text if not line.startswith(b"#")]
small, large, whole = first(SMALL, lines, header), first(LARGE, lines, header), first(len(lines), lines, header)
check("bytes an event", (memory(whole) - memory(small)) / (len(lines) - SMALL), BYTES)
if shutil.which("valgrind"):
    check("instructions an event", (instructions(large) - instructions(small)) / (LARGE - SMALL), INSTRUCTIONS)
else:
    print("valgrind is not installed: instructions are not counted")
for path in (small, large, whole):
    os.remove(path)
sys.exit(failed != 0)
