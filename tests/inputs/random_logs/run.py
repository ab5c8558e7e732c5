#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random kernel logs: what `explain` answers against a slow oracle of its own.

    run.py PAGEBUDDY [COUNT]        PB_SEED=n chooses the logs; KEEP=DIR keeps those that fail

A log is a machine, one to four requests, and a way in which the text arrives. The
oracle judges the machine, not the text, so that it shares nothing with the reader.
"""
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from dataclasses import replace

import framing
import gfp
import machine as machines
import oracle
import printing

KINDS = {"alloc": "alloc_failure", "headline": "alloc_failure", "oom": "oom", "memcg": "memcg", "vmalloc": "vmalloc",
         "vmap": "vmalloc",
         "show_mem": "show_mem"}


def make_log(rng):
    """(bytes, expected reports, description)"""
    kind, text = rng.choice(framing.PREFIXES), rng.choice(machines.RELEASES)
    nr = rng.choice([1, 1, 1, 2, 2, 3, 4])
    machine_of, requests, reports = [], [], []
    for i in range(nr):
        # one log is one kernel's, but what is free differs
        machine = machines.make_machine(rng, text)
        request = machines.make_request(rng, machine)
        while kind == "learnt" and request.kind in ("headline", "vmap"):
            request = machines.make_request(rng, machine)  # too few lines to learn from
        nudge(rng, machine, request)
        column = f"{rng.choice('TC') if kind == 'caller' else 'T'}{rng.randint(0, 30) + 100 * i}"
        lines = [replace(line, column=column) for line in printing.report(rng, request, machine)]
        machine_of.append(machine)
        requests.append(request)
        reports.append(lines)
    mixed = framing.columns_apart(kind) and nr > 1 and rng.random() < 0.6
    for lines, request, machine in zip(reports, requests, machine_of):
        lines[0] = replace(lines[0], fields=[("report", request, machine)])
    lines = framing.interleave(rng, reports) if mixed else [line for lines in reports for line in lines]
    lines = add_noise(rng, lines)
    cut = not mixed and kind != "learnt" and rng.random() < 0.15
    if cut:
        lines = framing.cut_end(rng, lines)
    expected = expect(lines, kind)
    physical = framing.with_prefix(rng, lines, kind, rng.choice(["prefix", "prefix", "indent", "escape"]))
    data, done = framing.arrive(rng, physical, kind)
    return data, expected, f"{text}, {kind}{', mixed' if mixed else ''}{', cut' if cut else ''} {done}"


def nudge(rng, machine, request):
    """Often the counter is brought to the very edge of the test."""
    for zone in machine.zones:
        if rng.random() > 0.4 or not zone.managed:
            continue
        kind = oracle.highest_type(request, machine.configured)
        answer = oracle.judge_zone(zone, request, machine.release, machine.configured.index(kind))
        edge = answer["mark"] + rng.choice([0, answer["reserve"]]) + 2 ** (request.order or 0) - 1
        edge += rng.choice([0, answer["cma"] + answer["highatomic"]])
        machines.at_the_edge(rng, machine, zone, edge)
        zone.cma = min(zone.cma, zone.free)


def add_noise(rng, lines):
    out = [printing.Line(rng.choice(framing.NOISE), column="T1")]
    out += lines
    if rng.random() < 0.5:
        out.append(printing.Line(rng.choice(framing.NOISE), column="T1"))
    return out


def expect(lines, kind):
    """From the lines that are left: one dict a report."""
    found = {}
    for line in lines:
        if line.fields and line.fields[0][0] == "report":
            found[line.column] = {"request": line.fields[0][1], "machine": line.fields[0][2], "lines": []}
        if line.column in found:
            found[line.column]["lines"].append(line)
    return [expect_report(entry, kind) for entry in found.values()]


def whole_fields(line):
    """The fields of a zone line that the cut has left."""
    have = dict(word.split(":", 1) for word in line.text.split() if ":" in word)
    return {name for name, value in line.fields if have.get(name) == value}


def known_nodes(entry):
    """From 5.0 on an OOM's nodes are in a line at the end, which may be cut off."""
    request = entry["request"]
    if request.kind != "oom" or entry["machine"].release < (5, 0) or any(
            line.what == "oom-kill" and line.text.endswith("uid=1001") for line in entry["lines"]):
        return request
    return replace(request, nodemask=None, mems_allowed=None)


def expect_report(entry, kind):
    request, machine, lines = known_nodes(entry), entry["machine"], entry["lines"]
    ids, lists, whole = {}, set(), {}
    for line in lines:
        if line.what == "zone":
            ids[id(line.zone)] = line.zone
            whole[id(line.zone)] = whole_fields(line)
        elif line.what == "list" and " = " in line.text:
            lists.add(id(line.zone))
    zones = [zone for key, zone in ids.items() if {"free", "min"} <= whole[key]]
    out = {"headline_kind": KINDS[request.kind]}
    top = lines[0].text
    if request.kind == "vmalloc":
        # the lines above a headline do not name the request
        top = next((line.text for line in lines if "mode:" in line.text), "")
    out["cut_headline"] = not whole_headline(top, request, machine)
    if request.kind == "vmap":
        out["comm"] = request.comm
    elif request.kind != "show_mem" and not out["cut_headline"]:
        out["comm"] = request.comm
        out["order"] = request.order
        out["gfp_hex"] = f"0x{gfp.number(request.flags, machine.release):x}"
        out["flags"] = request.flags
        out["may_sleep"] = oracle.may_sleep(request)
    cpu = [line for line in lines if line.what == "cpu" and machine.text in line.text]
    out["kernel"] = machine.text if cpu and request.kind != "show_mem" else None
    out["pid"] = pid_of(cpu, lines, kind, request)
    return decide(out, request, machine, (zones, lists, whole, lines))


def so_far(request, machine, zones):
    """What a text that is cut in its dump may say of a zone: the truth, or nothing."""
    if machine.release < (5, 8) or "THISNODE" in request.flags:
        return None  # depends on zones that may be cut off
    allowed, answers, _ = oracle.judge(machine, request, zones)
    return {(zone.node, zone.type): answer["verdict"] if answer else "no_zone" for zone, answer in zip(zones, answers)}


def whole_headline(text, request, machine):
    full = printing.headline(request, machine.release)
    return any(text == line.text for line in full) or "show_mem" == request.kind


def pid_of(cpu, lines, kind, request):
    if request.kind == "show_mem":
        return None
    if cpu:
        return request.pid
    column = lines[0].column
    return int(column[1:]) if kind == "android" or (kind == "caller" and column[0] == "T") else None


def decide(out, request, machine, have):
    zones, lists, whole, lines = have
    complete = len(lists) == len({id(line.zone) for line in lines if line.zone}) and lists and \
        len(zones) == len(printing.zones_printed(request, machine))
    if not complete and request.kind in ("alloc", "oom", "vmalloc") and lines[-1].what != "ram":
        out["zones_so_far"] = so_far(request, machine, zones)
        if request.vmap:
            out["verdict"] = "not_page_allocator"
        return out
    if request.kind == "memcg" and not any("emory: usage" in line.text or "limit" in line.text for line in lines):
        out["headline_kind"] = "oom"
    ram = any(line.what == "ram" and line.text.endswith(" pages RAM") for line in lines)
    allowed, answers, verdict = oracle.report_verdict(machine, request, zones, ram)
    if out["headline_kind"] == "oom" and verdict == "memcg":
        verdict = "no_dump"
    out["verdict"] = verdict
    if allowed is None:
        return out
    kb = machine.page_kb
    out["page_kb"] = kb
    out["zones_allowed"] = [f"{zone.node}/{zone.type}" for zone in zones if id(zone) in allowed]
    out["per_zone"] = []
    for zone, answer in zip(zones, answers):
        row = {"node": zone.node, "zone": zone.type, "free_kb": zone.free * kb, "min_kb": zone.min * kb,
               "verdict": answer["verdict"] if answer else "no_zone",
               "usable_kb": answer["usable"] * kb if answer else None,
               "largest_usable_order": answer["largest"] if answer else None}
        if answer:
            row.update({f"{name}_kb": answer[name] * kb for name in ("mark", "reserve", "cma", "highatomic")})
        out["per_zone"].append(row)
    return out


# ------------------------------------------------------------------------ comparison

def compare(found, wanted):
    for key in ("headline_kind", "comm", "pid", "kernel", "order", "gfp_hex", "may_sleep", "page_kb", "zones_allowed",
                "verdict"):
        if key in wanted and found.get(key) != wanted[key]:
            yield f"{key}: {found.get(key)!r}, expected {wanted[key]!r}"
    if "flags" in wanted and wanted.get("kernel"):
        release = machines.release_of(wanted["kernel"])
        try:
            flags = gfp.flags_of(found["gfp_names"], release)
        except KeyError as error:
            flags = f"no name of {release}: {error}"
        if flags != wanted["flags"]:
            yield f"gfp_names: {found['gfp_names']}, expected {sorted(wanted['flags'])}"
    for zone in found["per_zone"]:
        truth = (wanted.get("zones_so_far") or {}).get((zone["node"], zone["zone"]))
        if truth and zone["verdict"] not in (truth, None):
            yield f"{zone['node']}/{zone['zone']} of a text that is cut: {zone['verdict']!r}, but it is {truth!r}"
    if "per_zone" not in wanted:
        return
    if len(found["per_zone"]) != len(wanted["per_zone"]):
        yield f"{len(found['per_zone'])} zones, expected {len(wanted['per_zone'])}"
    for one, other in zip(found["per_zone"], wanted["per_zone"]):
        for key, value in other.items():
            if one.get(key) != value:
                yield f"{other['node']}/{other['zone']} {key}: {one.get(key)!r}, expected {value!r}"


def check(program, path, expected):
    run = subprocess.run([program, "explain", path, "--format", "json"], capture_output=True, check=False, timeout=1000)
    if run.returncode not in (0,) and expected:
        yield f"status {run.returncode}: {run.stderr.decode(errors='replace').strip()}"
        return
    found = json.loads(run.stdout)["reports"] if run.stdout.strip() else []
    if len(found) != len(expected):
        yield f"{len(found)} reports, expected {len(expected)}"
    for number, (one, other) in enumerate(zip(found, expected), 1):
        for problem in compare(one, other):
            yield f"report {number}: {problem}"


def check_text(program, path):
    """The words, too: no line above 80 columns, and never an empty answer."""
    run = subprocess.run([program, "explain", path], capture_output=True, check=False, timeout=1000)
    text = run.stdout.decode(errors="replace")
    for line in text.splitlines():
        if len(line) > 80:
            yield f"text: {len(line)} columns: {line}"
    if run.returncode == 0 and not text.strip():
        yield "text: nothing"


def main():
    program, count = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200
    seed = int(os.environ.get("PB_SEED") or random.SystemRandom().randrange(1 << 31))
    keep, failed = os.environ.get("KEEP"), 0
    print(f"PB_SEED={seed}")
    with tempfile.TemporaryDirectory() as directory:
        for i in range(count):
            data, expected, about = make_log(random.Random(f"{seed}/{i}"))
            path = os.path.join(directory, "log")
            with open(path, "wb") as file:
                file.write(data)
            wrong = list(check(program, path, expected))
            if i % 10 == 0:
                wrong += check_text(program, path)
            if not wrong:
                continue
            failed += 1
            print(f"log {i} ({about}):")
            for line in wrong[:6]:
                print("    ", line)
            if keep:
                with open(os.path.join(keep, f"{i}.txt"), "wb") as file:
                    file.write(data)
    print(f"{count - failed} agree, {failed} do not")
    return 1 if failed else 0


sys.exit(main())
