# SPDX-License-Identifier: MIT
"""Reports as kernels print them, line by line. A line knows what of it counts for the answer."""
from dataclasses import dataclass, field

import gfp
from machine import TYPES, Zone
from oracle import highest_type, may_sleep

STACKS = [["dump_stack", "warn_alloc_failed", "__alloc_pages_nodemask", "exnic_rx_refill", "exnic_poll"],
          ["dump_stack_lvl", "warn_alloc", "__alloc_pages_slowpath.constprop.0", "__alloc_pages", "quux_read"],
          ["dump_stack", "dump_header", "oom_kill_process", "out_of_memory", "__alloc_pages", "copy_process"]]


@dataclass
class Line:
    text: str
    zone: Zone = None       # whose fields it carries
    what: str = None        # "zone", "reserve", "list", "cpu", "headline"
    rest: bool = False      # a further line of the record above
    column: str = ""
    fields: list = field(default_factory=list)


def headline(request, release):
    number, names = f"0x{gfp.number(request.flags, release):x}", "|".join(gfp.names(request.flags, release))
    mode = number if release < (4, 6) else f"{number}({names})"
    mask = "(null)" if request.nodemask is None else as_list(request.nodemask)
    mems = as_list(request.mems_allowed or [])
    tail = "" if release < (4, 10) else f", nodemask={mask}" if release < (5, 0) \
        else f", nodemask={mask},cpuset=/,mems_allowed={mems}"
    below = [Line(f"{request.comm} cpuset=/ mems_allowed={mems}")] if (3, 0) <= release < (5, 0) and request.mems_allowed else []
    if request.kind in ("oom", "memcg"):
        return oom_headline(request, release, mode, mask) + (below if release < (5, 0) else [])
    if request.kind == "vmalloc":
        return vmalloc_headline(request, release, mode, tail) + (below if release >= (4, 10) else [])
    if release < (2, 6, 39):
        return [Line(f"{request.comm}: page allocation failure. order:{request.order}, mode:{mode}", what="headline")]
    below = below if release >= (4, 10) else []
    return [Line(f"{request.comm}: page allocation failure: order:{request.order}, mode:{mode}{tail}",
                 what="headline")] + below


def oom_headline(request, release, mode, mask):
    start = f"{request.comm} invoked oom-killer: gfp_mask={mode}"
    if release < (2, 6, 26):
        return [Line(f"{start}, order={request.order}, oomkilladj=0", what="headline")]
    if release < (3, 0):
        return [Line(f"{start}, order={request.order}, oom_adj=0", what="headline")]
    if (4, 9) <= release < (5, 0):
        blanks = "  " if (4, 10) <= release < (4, 18) else " "
        return [Line(f"{start}, nodemask={mask},{blanks}order={request.order}, oom_score_adj=0", what="headline")]
    return [Line(f"{start}, order={request.order}, oom_score_adj=0", what="headline")]


def vmap_line(request, size):
    """That of vmap() and ioremap(), and the first of a vmalloc() that finds no address space."""
    who = f"{request.comm}: " if request.kind == "vmap" and request.comm else ""
    return Line(f"{who}vmap allocation for size {size} failed: use vmalloc=<size> to increase size", what="vmap")


def vmalloc_headline(request, release, mode, tail):
    above = [vmap_line(request, request.vmalloc_bytes + 4096)] if request.vmap else []
    return above + vmalloc_lines(request, release, mode, tail)


def vmalloc_lines(request, release, mode, tail):
    size = request.vmalloc_bytes
    if release < (4, 10):
        dot = ". " if release < (2, 6, 39) else ": "
        return [Line(f"vmalloc: allocation failure: {size} bytes", what="headline"),
                Line(f"{request.comm}: page allocation failure{dot}order:0, mode:{mode}", what="headline")]
    if release < (5, 13):
        return [Line(f"{request.comm}: vmalloc: allocation failure: {size} bytes, mode:{mode}{tail}", what="headline")]
    how = {"total": "exceeds total pages", "space": "vm_struct allocation failed",
           "pages": f"page order {request.order}, failed to allocate pages"}[request.vmalloc]
    return [Line(f"{request.comm}: vmalloc error: size {size}, {how}, mode:{mode}{tail}", what="headline")]


def as_list(nodes):
    out, nodes = [], sorted(nodes)
    while nodes:
        last = nodes[0]
        while last + 1 in nodes:
            last += 1
        out.append(f"{nodes[0]}-{last}" if last > nodes[0] else str(nodes[0]))
        nodes = [node for node in nodes if node > last]
    return ",".join(out)


def stack(rng, request, machine):
    release, out = machine.release, []
    tainted = rng.choice(["Not tainted", "Tainted: G        W  OE     "])
    if release >= (6, 10):
        out.append(f"CPU: 1 UID: 0 PID: {request.pid} Comm: {request.comm} {tainted} {machine.text} #1")
    elif release >= (3, 10):
        out.append(f"CPU: 1 PID: {request.pid} Comm: {request.comm} {tainted} {machine.text} #1")
    elif release >= (2, 6, 30):
        out.append(f"Pid: {request.pid}, comm: {request.comm} {tainted} {machine.text} #1")
    lines = [Line(text, what="cpu") for text in out]
    lines.append(Line("Call Trace:"))
    for name in rng.choice(STACKS):
        offset = f"+0x{rng.randint(1, 900):x}/0x{rng.randint(900, 2000):x}"
        sure = rng.choice(["", "", "? "])
        lines.append(Line(f" [<ffffffff81{rng.randint(0, 0xffffff):06x}>] {sure}{name}{offset}" if release < (4, 10)
                          else f" {sure}{name}{offset}"))
    return lines


def zones_printed(request, machine):
    """What show_mem leaves out: nodes out of bounds if the request may sleep, zones above its highest."""
    release, zones = machine.release, [zone for zone in machine.zones if zone.present]
    if request.kind == "show_mem":
        return zones
    if may_sleep(request) and release >= (3, 0):
        inside = set(request.mems_allowed or [zone.node for zone in zones])
        if release >= (4, 11) and request.nodemask is not None:
            inside &= set(request.nodemask)
        zones = [zone for zone in zones if zone.node in inside] or zones
    if release >= (6, 2):
        top = TYPES.index(highest_type(request, machine.configured))
        zones = [zone for zone in zones if TYPES.index(zone.type) <= top]
    return zones


def counts(machine):
    release, free = machine.release, sum(zone.free for zone in machine.zones)
    if release < (2, 6, 28):
        return [Line("Active:3804 inactive:1404 dirty:15 writeback:1 unstable:0"),
                Line(f" free:{free} slab:465 mapped:119 pagetables:79 bounce:0", rest=True)]
    unstable = " unstable:0" if release < (5, 8) else ""
    head = ["active_anon:428590 inactive_anon:91655 isolated_anon:0", " active_file:189862 inactive_file:273590",
            f" unevictable:56 dirty:921 writeback:102{unstable}"]
    if release < (4, 2):
        head += [f" free:{free} slab_reclaimable:116379 slab_unreclaimable:96275",
                 " mapped:63287 shmem:25210 pagetables:70594 bounce:0"]
        head += [" free_cma:0"] if release >= (3, 6) else []
    else:
        head += [" slab_reclaimable:116379 slab_unreclaimable:96275", " mapped:63287 shmem:25210 pagetables:70594"]
        head += [" sec_pagetables:0 bounce:0"] if release >= (6, 1) else []
        head += [f" free:{free} free_pcp:1111 free_cma:{sum(zone.cma for zone in machine.zones)}"]
    return [Line(text, rest=i > 0) for i, text in enumerate(head)]


def zone_fields(zone, machine):
    """(name, pages or None, text behind "name:") in the order in which this kernel prints them."""
    release, kb = machine.release, machine.page_kb
    amounts = [("free", zone.free)]
    if release >= (5, 18):
        amounts.append(("boost", zone.boost))
    amounts += [("min", zone.min), ("low", zone.low), ("high", zone.high)]
    out = [(name, f"{pages * kb}kB") for name, pages in amounts]
    if release >= (5, 5):
        out.append(("reserved_highatomic", f"{zone.reserved_highatomic * kb}KB"))
    if release >= (6, 13):
        out.append(("free_highatomic", f"{zone.free_highatomic * kb}KB"))
    out += [(name, "0kB") for name in (["active", "inactive"] if release < (2, 6, 28) else
                                       ["active_anon", "inactive_anon", "active_file", "inactive_file", "unevictable"])]
    if release >= (4, 8):
        out.append(("writepending", "0kB"))
    out.append(("present", f"{zone.present * kb}kB"))
    if release >= (3, 9):
        out.append(("managed", f"{zone.managed * kb}kB"))
    out.append(("mlocked", "0kB"))
    if release >= (4, 2):
        out += [("bounce", "0kB"), ("free_pcp", f"{zone.pcp * kb}kB"), ("local_pcp", "0kB")]
    if release >= (3, 6):
        out.append(("free_cma", f"{zone.cma * kb}kB"))
    if release >= (6, 17):
        out.append(("zspages", "0kB"))
    return out


def zone_name(zone, machine):
    return f"Node {zone.node} {zone.type}" if machine.numa else zone.type


def free_list(zone, machine):
    release, letters_in = machine.release, "UEMRCI" if machine.release < (4, 4) else "UMEHCI"
    text = f"{zone_name(zone, machine)}:"
    for order in range(machine.nr_orders):
        text += f" {zone.count(order)}*{machine.page_kb << order}kB"
        letters = "".join(letter for letter in letters_in if letter in zone.letters(order))
        if release >= (3, 9) and letters:
            text += f" ({letters})"
    total = sum(zone.count(order) << order for order in range(machine.nr_orders)) * machine.page_kb
    return f"{text} = {total}kB"


def dump(rng, request, machine):
    release, zones = machine.release, zones_printed(request, machine)
    lines = [Line("Mem-Info:" if release >= (2, 6, 24) else "Mem-info:", what="mem-info")]
    if release < (4, 2):
        for zone in zones:
            lines.append(Line(f"{zone_name(zone, machine)} per-cpu:"))
            lines.append(Line("CPU    0: hi:  186, btch:  31 usd:  17"))
    lines += counts(machine)
    nodes = sorted({zone.node for zone in zones})
    for node in nodes:
        if release >= (4, 8):
            lines.append(Line(f"Node {node} active_anon:1714360kB inactive_anon:366620kB mapped:253148kB "
                              "shmem_thp: 0kB kernel_stack:11520kB all_unreclaimable? no"))
        for zone in [zone for zone in zones if zone.node == node]:
            fields = zone_fields(zone, machine)
            tail = " pages_scanned:0 all_unreclaimable? no" if release < (4, 8) else ""
            text = f"{zone_name(zone, machine)} " + " ".join(f"{name}:{value}" for name, value in fields) + tail
            lines.append(Line(text, zone, "zone", fields=fields))
            lines.append(Line("lowmem_reserve[]: " + " ".join(map(str, zone.reserve)), zone, "reserve"))
    lines += [Line(free_list(zone, machine), zone, "list") for zone in zones]
    lines.append(Line("488662 total pagecache pages"))
    lines.append(Line("Free swap  = 708606kB"))
    lines.append(Line("Total swap = 2125820kB"))
    lines.append(Line(f"{sum(zone.present for zone in machine.zones)} pages RAM", what="ram"))
    lines.append(Line("44197 pages reserved"))
    return lines


def report(rng, request, machine):
    """All lines of one report."""
    if request.kind == "show_mem":
        start = [Line("sysrq: Show Memory" if rng.random() < 0.5 else "SysRq : Show Memory", what="headline")]
        return start + dump(rng, request, machine)
    if request.kind == "vmap":
        return [vmap_line(request, request.vmalloc_bytes)]
    lines = headline(request, machine.release) + stack(rng, request, machine)
    if request.kind == "headline":
        return lines
    if request.kind == "memcg":
        lines += [Line("memory: usage 2818048kB, limit 2818048kB, failcnt 61151"),
                  Line("Memory cgroup out of memory: Killed process 6584 (mockdb) total-vm:3249380kB, anon-rss:16kB")]
        return lines
    lines += dump(rng, request, machine)
    if request.kind == "oom":
        lines += [Line("Tasks state (memory values in pages):") if machine.release >= (4, 20) else None,
                  Line("[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name"),
                  Line("[ 3621]  1001  3621    44100    40100      90        0             0 mockdb"),
                  Line(f"oom-kill:constraint=CONSTRAINT_NONE,nodemask="
                       f"{'(null)' if request.nodemask is None else as_list(request.nodemask)},cpuset=/,"
                       f"mems_allowed={as_list(request.mems_allowed)},global_oom,task=mockdb,pid=3621,uid=1001",
                       what="oom-kill") if machine.release >= (4, 20) else None,
                  Line("Out of memory: Kill process 3621 (mockdb) score 900 or sacrifice child")]
    return [line for line in lines if line]
