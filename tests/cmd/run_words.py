#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# run_words.py PAGEBUDDY [ROUNDS]: one moment of a made-up machine, told four times: as a
# kernel's log, as files of /proc, as a trace with these as its start, and on the page.
# All must name the same rule and say the same sentence of it. PB_SEED=n chooses the machines.

import json
import os
import random
import subprocess
import sys
import tempfile

PAGEBUDDY = sys.argv[1]
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 30
ORDERS = 11
passed = failed = 0


def check(what, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"FAIL {what}: {detail}")


def answer(*arguments):
    done = subprocess.run([PAGEBUDDY, *arguments], capture_output=True, text=True)
    check(f"{arguments} has an answer", done.stdout, done.stderr)
    return json.loads(done.stdout)


class Zone:
    def __init__(self, chance, name, start, managed, reserve):
        self.name, self.start, self.managed, self.reserve = name, start, managed, reserve
        top = chance.choice([0, 1, 3, 5, 8, 9, 10])
        self.blocks = [0] * ORDERS
        for order in range(top + 1):
            self.blocks[order] = chance.randrange(0, max(2, managed // 40 >> order))
        self.free = sum(n << o for o, n in enumerate(self.blocks))
        self.min = max(1, chance.choice([self.free + chance.randrange(-40, 40), self.free // 2, 40]))
        self.low, self.high = self.min + self.min // 4, self.min + self.min // 2


def zoneinfo(zone):
    keep = ", ".join(str(n) for n in zone.reserve)
    return (f"Node 0, zone {zone.name:>8}\n  pages free     {zone.free}\n        boost    0\n"
            f"        min      {zone.min}\n        low      {zone.low}\n        high     {zone.high}\n"
            f"        spanned  {zone.managed}\n        present  {zone.managed}\n        managed  {zone.managed}\n"
            f"        cma      0\n        protection: ({keep})\n      nr_free_pages {zone.free}\n"
            f"      nr_free_cma  0\n  pagesets\n    cpu: 0\n              count: 0\n              high:  0\n"
            f"              batch: 1\n  node_unreclaimable:  0\n  start_pfn:           {zone.start}\n")


def buddyinfo(zone):
    return f"Node 0, zone {zone.name:>8} " + " ".join(f"{n:6}" for n in zone.blocks) + " \n"


def log(zones, order, gfp):
    lines = [f"asker: page allocation failure: order:{order}, mode:{GFP[gfp]}({gfp}), "
             "nodemask=(null),cpuset=/,mems_allowed=0",
             "CPU: 0 PID: 77 Comm: asker Not tainted 6.1.0-test #1", "Mem-Info:"]
    for z in zones:
        lines.append(f"Node 0 {z.name} free:{z.free * 4}kB boost:0kB min:{z.min * 4}kB low:{z.low * 4}kB "
                     f"high:{z.high * 4}kB reserved_highatomic:0KB active_anon:0kB inactive_anon:0kB "
                     f"active_file:0kB inactive_file:0kB unevictable:0kB writepending:0kB present:{z.managed * 4}kB "
                     f"managed:{z.managed * 4}kB mlocked:0kB bounce:0kB free_pcp:0kB local_pcp:0kB free_cma:0kB")
        lines.append("lowmem_reserve[]: " + " ".join(str(n) for n in z.reserve))
    for z in zones:
        lines.append(f"Node 0 {z.name}: " + " ".join(
            f"{n}*{4 << o}kB" + (" (UM)" if n else "") for o, n in enumerate(z.blocks)) + f" = {z.free * 4}kB")
    lines.append("0 total pagecache pages")
    return "".join(f"[   10.000000] {line}\n" for line in lines)


TRACE = """# tracer: nop
#
          asker-77      [000] .....    10.000000: mm_page_alloc: page=0000000000000000 pfn=0x0 order={} \
migratetype={} gfp_flags={}
"""

# of 6.1, with what may serve them beyond the min watermark
GFP = {"GFP_KERNEL": "0xcc0", "GFP_ATOMIC": "0xa20", "GFP_NOWAIT": "0x800", "GFP_HIGHUSER_MOVABLE": "0x100cca",
       "GFP_DMA32": "0x4", "GFP_ATOMIC|__GFP_NOMEMALLOC": "0x80a20"}


def clause(answer):
    """What stands behind the zone's name."""
    return answer["sentence"].split(", zone ", 1)[1]


def one(chance, work):
    reserve = chance.randrange(1, 3000)
    zones = [Zone(chance, "DMA32", 4096, 60000, [0, 0, reserve, reserve]),
             Zone(chance, "Normal", 1 << 20, 200000, [0, 0, 0, 0])]
    order, gfp = chance.choice([0, 0, 1, 2, 3, 5, 9, 10]), chance.choice(["GFP_KERNEL", *GFP])
    for name, text in (("log", log(zones, order, gfp)),
                       ("t.txt", TRACE.format(order, int(gfp.endswith("MOVABLE")), gfp)),
                       ("t.zoneinfo.start", "".join(map(zoneinfo, zones))),
                       ("t.buddyinfo.start", "".join(map(buddyinfo, zones))),
                       ("zoneinfo", "".join(map(zoneinfo, zones))),
                       ("buddyinfo", "".join(map(buddyinfo, zones))), ("version", "Linux version 6.1.0-test\n")):
        with open(f"{work}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    logged = answer("explain", f"{work}/log", "--format", "json")["reports"][0]
    asked = answer("show", "--root", work, "--order", str(order), "--gfp", gfp, "--kernel", "6.1",
                   "--format", "json")
    traced = answer("explain", f"{work}/t.txt", "--order", str(order), "--at", "start", "--gfp", gfp,
                    "--kernel", "6.1", "--format", "json")
    about = f"order {order}, {gfp}, {[(z.name, z.free, z.min, z.reserve, z.blocks) for z in zones]}"
    check("show has the log's word", asked["verdict"] == logged["verdict"], about)
    check("a trace has the log's word", traced["rule"] == logged["verdict"], about)
    check("show has the log's sentence", clause(asked) == clause(logged), f"{clause(asked)}\n{clause(logged)}")
    check("a trace has the log's sentence", clause(traced) == clause(logged), f"{clause(traced)}\n{clause(logged)}")
    whole_page(work, logged)
    return logged["verdict"]


def whole_page(work, logged):
    """A recorded failure: explain and the page; where it could not be served they agree with the log."""
    failure = answer("explain", f"{work}/t.txt", "--failure", "1", "--format", "json")
    page = answer("report", f"{work}/t.txt", "-o", "-", "--no-what-if", "--format", "json")["failures"][0]
    check("the page has explain's sentence", page["sentence"] == failure["sentence"], page["sentence"])
    check("the page has explain's zones",
          [(z["rule"], z["text"]) for z in page["zones"]] == [(z["rule"], z["text"]) for z in failure["zones"]])
    for kernel, share in (("4.2", 4), ("6.1", 0)):
        zones = answer("explain", f"{work}/t.txt", "--order", "0", "--at", "start", "--gfp", "GFP_NOWAIT", "--kernel",
                       kernel, "--format", "json")["zones"]
        check(f"--kernel {kernel} decides GFP_NOWAIT's share of min",
              all(z["mark"] == z["min"] - (z["min"] // share if share else 0) for z in zones), zones)
    if logged["verdict"] != "would_succeed":
        check("explain says of a failure what it says of the log", failure["sentence"].replace(" at +0.000000 s", "") ==
              logged["sentence"], f"{failure['sentence']}\n{logged['sentence']}")


seed = int(os.environ.get("PB_SEED") or random.SystemRandom().randrange(1 << 31))
print(f"PB_SEED={seed}")
words = set()
with tempfile.TemporaryDirectory() as directory:
    for i in range(ROUNDS):
        words.add(one(random.Random(f"{seed}/{i}"), directory))
if ROUNDS >= 30: # each of the usual words comes in every fifth round or so
    check("the answers differ", len(words) >= 2, words)
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
