#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# run_metrics.py PAGEBUDDY SAMPLES DOCS: what `show --format openmetrics` prints
# is read by the strict parsers of both formats, says what ndjson says, has the
# headroom that counting down gives, and the metrics of the documentation.

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

try:
    from prometheus_client.openmetrics import parser as openmetrics
    from prometheus_client import parser as classic
except ImportError:
    # the package is for the system's own Python, which may not be the first in PATH
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    print("skipped: python3-prometheus-client is not installed")
    sys.exit(77)

PAGEBUDDY, SAMPLES, DOCS = sys.argv[1:4]
ORDERS = 11


def run(root, form):
    done = subprocess.run([PAGEBUDDY, "show", "--root", root, "--format", form],
                          capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, (root, form, done.returncode, done.stderr)
    return done.stdout


def families(text):
    assert text.endswith("\n# EOF\n") and "\n\n" not in text and "\r" not in text
    strict = list(openmetrics.text_string_to_metric_families(text))
    loose = {family.name: family for family in classic.text_string_to_metric_families(text)}
    for family in strict:
        assert family.type == "gauge" and family.documentation and family.samples, family
        assert re.fullmatch(r"pagebuddy_[a-z_]+", family.name), family.name
        assert [(s.labels, s.value) for s in family.samples] == [
            (s.labels, s.value) for s in loose[family.name].samples], family.name
        keys = [tuple(sorted(s.labels.items())) for s in family.samples]
        assert len(set(keys)) == len(keys), family.name
    return {family.name: family.samples for family in strict}


def value(samples, name, **labels):
    found = [s.value for s in samples[name]
             if all(s.labels.get(key) == str(want) for key, want in labels.items())]
    assert len(found) == 1, (name, labels, found)
    return found[0]


def headroom(row, order):
    """Give one block after the other away, until the watermark or the lists say no."""
    kept = {"HighAtomic", "CMA", "Isolate"}
    blocks = sum(count << (o - order) for kind in row["migratetypes"]
                 if kind["migratetype"] not in kept
                 for o, count in enumerate(kind["free_blocks"]) if o >= order)
    free, given = row["free_pages"], 0
    while given < blocks and (free - (2 ** order - 1) - row["free_cma"] - row["highatomic"]
                              > row["min"]):
        given += 1
        free -= 2 ** order
    return given


def check(root):
    samples = families(run(root, "openmetrics"))
    rows = [json.loads(line) for line in run(root, "ndjson").splitlines()]
    for row in rows:
        at = {"node": row["node"], "zone": row["zone"]}
        size = row["page_size"]
        assert value(samples, "pagebuddy_free_bytes", **at) == row["free_pages"] * size
        assert value(samples, "pagebuddy_managed_bytes", **at) == row["managed"] * size
        for mark in ("min", "low", "high"):
            assert value(samples, "pagebuddy_watermark_bytes", mark=mark, **at) == row[mark] * size
        for order in range(ORDERS):
            here = dict(at, order=order)
            assert value(samples, "pagebuddy_free_blocks", **here) == row["free_blocks"][order]
            assert value(samples, "pagebuddy_fragmentation_index",
                         **here) == row["extfrag_index"][order]
            assert value(samples, "pagebuddy_unusable_index",
                         **here) == row["unusable_index"][order]
            expected = headroom(row, order)
            got = value(samples, "pagebuddy_headroom_blocks", **here)
            assert got == expected, (root, here, got, expected, row)
            verdict = [s.labels["verdict"] for s in samples["pagebuddy_verdict"]
                       if all(s.labels[key] == str(want) for key, want in here.items())]
            assert len(verdict) == 1 and (verdict[0] == "would_succeed") == (expected > 0), (
                here, verdict, expected)
            for kind in row["migratetypes"]:
                assert value(samples, "pagebuddy_free_blocks_by_type",
                             migratetype=kind["migratetype"],
                             **here) == kind["free_blocks"][order]
    return samples


def saved(directory, rng):
    """The sample's zone Normal with other free blocks, marks and free pages."""
    blocks = {kind: [rng.choice([0, 0, 1, rng.randrange(40)]) for _ in range(ORDERS)]
              for kind in ("Unmovable", "Movable", "Reclaimable", "HighAtomic")}
    free = sum(count << o for counts in blocks.values() for o, count in enumerate(counts))
    minimum = rng.choice([0, 60, rng.randrange(free + 2), free, max(0, free - 1)])
    total = [sum(counts[o] for counts in blocks.values()) for o in range(ORDERS)]
    for name in ("zoneinfo", "buddyinfo", "pagetypeinfo"):
        normal = False
        with open(f"{SAMPLES}/debian-6.1.{name}.end") as file, \
                open(os.path.join(directory, name), "w") as out:
            for line in file:
                if name == "zoneinfo":
                    normal = "Normal" in line if line.startswith("Node") else normal
                    if normal and re.match(r"\s+pages free", line):
                        line = f"  pages free     {free}\n"
                    if normal and re.match(r"\s+min ", line):
                        line = f"        min      {minimum}\n"
                elif name == "buddyinfo" and "Normal" in line:
                    line = "Node 0, zone   Normal " + "".join(f"{n:6} " for n in total) + "\n"
                else:
                    kind = re.match(r"Node +0, zone +Normal, type +(\w+) ", line)
                    if kind and kind[1] in blocks:
                        line = (f"Node    0, zone   Normal, type {kind[1]:>12} " +
                                "".join(f"{n:6} " for n in blocks[kind[1]]) + "\n")
                out.write(line)


def documented():
    with open(f"{DOCS}/fleet-prometheus.md") as file:
        text = file.read()
    return set(re.findall(r"pagebuddy_[a-z_]+", text)), text


def main():
    seed = int(os.environ.get("PB_SEED") or random.randrange(1 << 30))
    rng = random.Random(seed)
    print(f"seed {seed}")
    samples = check(f"{SAMPLES}/debian-6.1")
    samples.update(check(f"{SAMPLES}/debian-6.1-pressure"))
    names, text = documented()
    assert names == set(samples) | {"pagebuddy_seen_timestamp_seconds"} or \
        names == set(samples), (names ^ set(samples))
    with tempfile.TemporaryDirectory() as directory:
        for _ in range(40):
            saved(directory, rng)
            check(directory)
        for name in ("zoneinfo", "pagetypeinfo"):  # what the rest tells
            os.remove(os.path.join(directory, name))
            got = families(run(directory, "openmetrics"))
            assert "pagebuddy_free_blocks" in got and (
                "pagebuddy_verdict" not in got), sorted(got)
        rules = os.path.join(directory, "rules.yml")
        with open(rules, "w") as file:
            file.write(re.search(r"```yaml\n(.*?)```", text, re.S)[1])
        if shutil.which("promtool"):
            subprocess.run(["promtool", "check", "rules", rules], check=True)
    refused = subprocess.run([PAGEBUDDY, "show", "--watch", "--format", "openmetrics"],
                             capture_output=True, text=True)
    assert refused.returncode == 2 and "--watch" in refused.stderr, refused
    live = subprocess.run([PAGEBUDDY, "show", "--format", "openmetrics"], capture_output=True,
                          text=True)
    if live.returncode == 0:
        assert "pagebuddy_seen_timestamp_seconds" in families(live.stdout)
    print("1 passed, 0 failed")


main()
