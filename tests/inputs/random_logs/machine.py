# SPDX-License-Identifier: MIT
"""Machines and requests, made up, with consistent arithmetic. All amounts are in pages."""
from dataclasses import dataclass, field

import gfp

RELEASES = ["2.6.22", "2.6.24.4", "2.6.27.10", "2.6.30", "2.6.32-71.el6", "2.6.38.8", "3.0.101", "3.2.0-4-amd64",
            "3.5.7", "3.6.11", "3.8.13", "3.9.4", "3.10.0-957.el7.x86_64", "3.16.0-4", "4.1.52", "4.2.8", "4.3.6",
            "4.4.180-lab", "4.5.7", "4.6.7", "4.8.17", "4.9.189+", "4.10.17", "4.13.16", "4.14.117-perf", "4.18.0-348",
            "4.19.87-v7l+", "4.20.17", "5.0.21", "5.4.77-12-lab", "5.5.19", "5.7.19", "5.8.18", "5.10.66-lab",
            "5.12.19", "5.13.19", "5.15.41-9-lab", "5.17.15", "5.18.19", "6.0.19", "6.1.27-2-lab", "6.2.16-pve",
            "6.3.13", "6.6.30-v8+", "6.8.0-45-generic", "6.9.12", "6.10.14", "6.12.9-rt", "6.13.12", "6.14.11",
            "6.16.12", "6.17.8", "6.18.2", "7.1.0-rc3"]
COMMS = ["swapper/1", "kworker/u16:2", "Web Content", "Chrome_IOThread", "a: b", "java", "(sd-pam)", "ends.",
         "kworker/0:1H-kb", "qemu/7", "mockdb", "exnic-rx/0", "[weird]", "x", "postgres: chec", "123", "free:4kB"]
TYPES = ["DMA", "DMA32", "Normal", "HighMem", "Movable", "Device"]


def release_of(text):
    parts = text.split("-")[0].rstrip("+").split(".")
    return tuple(int(part) for part in parts[:3])


@dataclass
class Zone:
    node: int
    type: str
    managed: int = 0
    present: int = 0
    free: int = 0
    min: int = 0
    boost: int = 0
    low: int = 0
    high: int = 0
    cma: int = 0
    reserved_highatomic: int = 0
    free_highatomic: int = 0
    pcp: int = 0
    reserve: list = field(default_factory=list)
    blocks: list = field(default_factory=list)  # per order: {letter: blocks}

    def letters(self, order):
        return {letter for letter, blocks in self.blocks[order].items() if blocks}

    def count(self, order):
        return sum(self.blocks[order].values())


@dataclass
class Machine:
    text: str
    page_kb: int
    configured: list
    zones: list
    nr_orders: int
    numa: bool

    @property
    def release(self):
        return release_of(self.text)


@dataclass
class Request:
    kind: str  # alloc, oom, memcg, vmalloc, vmap, show_mem, headline
    comm: str
    pid: int
    order: int
    flags: set
    nodemask: list = None
    mems_allowed: list = None
    vmalloc: str = None  # bytes, total, space, pages
    vmalloc_bytes: int = 0
    vmap: bool = False  # a line of its own says that there is no address space
    oom_by: str = "none"


def layout(rng, release):
    """(configured zone types, populated ones with their share of memory, page sizes)"""
    movable = ["Movable"] if release >= (2, 6, 23) else []
    device = ["Device"] if release >= (4, 12) and rng.random() < 0.5 else []
    choice = rng.random()
    if choice < 0.5:
        high = rng.choice([["DMA", "DMA32"], ["DMA", "DMA32", "Normal"], ["DMA", "DMA32", "Normal"]])
        if movable and rng.random() < 0.1:
            high = high + ["Movable"]
        return ["DMA", "DMA32", "Normal"] + movable + device, high, [4, 4, 4, 16, 64] if release >= (3, 9) else [4]
    if choice < 0.7:
        high = rng.choice([["DMA", "Normal", "HighMem"], ["DMA", "HighMem"]])
        if not movable and "Normal" not in high:
            high.insert(1, "Normal")
        return ["DMA", "Normal", "HighMem"] + movable, high, [4]
    if choice < 0.85 and movable:
        return ["DMA", "Normal"] + movable, rng.choice([["DMA"], ["DMA", "Normal"], ["Normal"]]), [4, 64]
    if movable and rng.random() < 0.5:
        return ["Normal"] + movable, ["Normal"], [4, 64]
    return (["Normal"] + movable) if movable else ["Normal"], ["Normal"], [4]


def spread(rng, pages, nr_orders, top):
    """Free pages as blocks per order; top: no block above this order, -1: anything."""
    blocks = [0] * nr_orders
    top = nr_orders - 1 if top < 0 else min(top, nr_orders - 1)
    for order in range(top, 0, -1):
        most = pages >> order
        take = min(most, rng.choice([0, 0, 1, 2, 3, rng.randint(0, 40), most // 2]))
        blocks[order] = take
        pages -= take << order
    blocks[0] = pages
    return blocks


def fill_blocks(rng, machine, zone, free, top):
    """Free lists of `free` pages with letters; sets free, free_cma and the highatomic amounts."""
    release = machine.release
    zone.blocks = [{} for _ in range(machine.nr_orders)]
    parts = {"UME": free}
    if release >= (3, 6) and rng.random() < 0.3:
        parts["C"] = free if rng.random() < 0.2 else rng.randint(0, free)
    if release >= (4, 4) and rng.random() < 0.3:
        parts["H"] = free if rng.random() < 0.15 else rng.randint(0, free - parts.get("C", 0))
    if release <= (4, 3, 999) and rng.random() < 0.3:
        parts["R"] = rng.randint(0, free // 2)
    parts["UME"] = max(0, free - sum(pages for kind, pages in parts.items() if kind != "UME"))
    isolated = rng.random() < 0.1 and release >= (2, 6, 24)
    for kind, pages in parts.items():
        limit = top if kind == "UME" else rng.choice([top, -1, -1])
        for order, blocks in enumerate(spread(rng, pages, machine.nr_orders, limit)):
            while blocks:
                some = rng.randint(1, blocks)
                letter = rng.choice(kind)
                zone.blocks[order][letter] = zone.blocks[order].get(letter, 0) + some
                blocks -= some
    if isolated:
        zone.blocks[min(9, machine.nr_orders - 1)]["I"] = rng.randint(1, 3)
    total = sum(blocks << order for order in range(machine.nr_orders)
                for letter, blocks in zone.blocks[order].items() if letter != "I")
    by = {letter: sum(zone.blocks[order].get(letter, 0) << order for order in range(machine.nr_orders))
          for letter in "CH"}
    zone.free = max(0, total + (rng.randint(-20, 20) if rng.random() < 0.2 else 0))
    zone.cma = min(by["C"], zone.free) if release >= (3, 6) else 0
    zone.free_highatomic = by["H"]
    if by["H"] or rng.random() < 0.1:
        zone.reserved_highatomic = by["H"] + rng.choice([0, rng.randint(0, 2000)])


def sizes(rng, machine, shares, pages):
    for zone in machine.zones:
        zone.managed = max(1, int(pages * shares[zone.type] * rng.uniform(0.9, 1)))
        if zone.type == "DMA" and len(shares) > 1:
            zone.managed = rng.randint(900, 3990)
        if rng.random() < 0.03:
            zone.managed = 0
        zone.present = zone.managed + rng.randint(1, 3000)
        if machine.release < (3, 9):
            zone.present = zone.managed  # which this kernel does not print


def marks(rng, machine, release):
    low = [zone for zone in machine.zones if zone.type not in ("HighMem", "Movable")]
    lowmem = sum(zone.managed for zone in low) or 1
    min_pages = max(32, int((lowmem * machine.page_kb * 16) ** 0.5) // machine.page_kb)
    min_pages = min_pages * rng.choice([1, 1, 1, 4])
    for zone in machine.zones:
        share = min_pages * zone.managed // lowmem if zone in low else max(32, min(128, zone.managed // 1024))
        zone.min = share if zone.managed else 0
        gap = max(zone.min // 4, zone.managed // 1000 if release >= (4, 6) else 0)
        if release >= (5, 0) and zone in low and rng.random() < 0.15:
            zone.boost = rng.randint(1, 2 * zone.min + 512)
        zone.min += zone.boost
        zone.low, zone.high = zone.min + gap, zone.min + 2 * gap


def reserves(rng, machine, release):
    ratio = {"DMA": 256, "DMA32": 256, "Normal": 32, "HighMem": 0, "Movable": 0, "Device": 0}
    for zone in machine.zones:
        for index, kind in enumerate(machine.configured):
            above = sum(other.managed for other in machine.zones if other.node == zone.node and
                        TYPES.index(zone.type) < TYPES.index(other.type) <= TYPES.index(kind))
            value = above // ratio[zone.type] if ratio[zone.type] else 0
            here = any(other.type == kind and other.node == zone.node and other.managed for other in machine.zones)
            if (6, 10) <= release < (6, 14) and not here and TYPES.index(kind) > TYPES.index(zone.type):
                value = 0
            zone.reserve.append(value)


def make_machine(rng, text=None):
    text = text or rng.choice(RELEASES)
    release = release_of(text)
    configured, populated, page_sizes = layout(rng, release)
    weight = {kind: rng.uniform(0.2, 1) for kind in populated}
    shares = {kind: value / sum(weight.values()) for kind, value in weight.items()}
    nodes = rng.choice([1, 1, 1, 2, 2, 4, 8]) if "HighMem" not in configured else 1
    machine = Machine(text, rng.choice(page_sizes), configured, [], 11, nodes > 1 or rng.random() < 0.8)
    machine.nr_orders = rng.choice([11, 11, 11, 11, 10, 14, 17]) if release >= (2, 6, 24) else 11
    # a list of which the first size is lost and the sizes overlap is no puzzle for this test
    for node in range(nodes):
        for kind in populated:
            if node == 0 or kind == populated[-1] or rng.random() < 0.1:
                machine.zones.append(Zone(node, kind))
    sizes(rng, machine, shares, rng.randint(20000, 4000000) // nodes)
    marks(rng, machine, release)
    reserves(rng, machine, release)
    for zone in machine.zones:
        low_side = max(0, zone.min // 3 - 5)
        most = rng.choice([zone.min, zone.min + max(zone.reserve or [0]), 3 * zone.min + 200, zone.managed])
        free = min(rng.randint(min(low_side, most), max(low_side, most, 1)), zone.managed)
        free = min(free, 400000)
        fill_blocks(rng, machine, zone, free, rng.choice([-1, -1, 0, 2, 4, 6]))
    return machine


def at_the_edge(rng, machine, zone, limit):
    """Bring the counter close to what the test asks for: off by one is the fault that this finds."""
    zone.free = max(0, limit + rng.randint(-2, 2))


def profiles(release):
    wait = {"WAIT"} if release < (4, 4) else {"DIRECT", "KSWAPD"}
    kernel = wait | {"IO", "FS"}
    wake = set() if release < (4, 4) else {"KSWAPD"}
    atomic = wake | {"HIGH"} | ({"ATOMIC"} if (4, 4) <= release < (6, 3) else set())
    user = kernel | {"HARDWALL"}
    movable = {"MOVABLE"} if release >= (2, 6, 23) else set()
    return [(6, atomic), (4, atomic | {"COMP"}), (1, atomic | {"NOMEMALLOC"}), (1, wake | {"COMP"}),
            (1, wake | {"HIGH", "COMP"}), (1, kernel | {"HIGH"}), (1, wake | {"HIGH", "NOMEMALLOC", "COMP"}),
            (6, kernel), (3, kernel | {"COMP", "NORETRY"}), (1, kernel | {"NOMEMALLOC", "COMP"}), (2, wait | {"IO"}),
            (1, wait), (2, user), (2, user | {"HIGHMEM"}), (4, user | {"HIGHMEM"} | movable), (1, kernel | movable),
            (2, kernel | {"DMA"}), (2, kernel | {"DMA32"}), (1, atomic | {"DMA"}), (1, kernel | {"THISNODE", "NORETRY"}),
            (1, user | {"HIGHMEM", "THISNODE"} | movable), (1, kernel | {"ZERO"}), (1, kernel | {"RECLAIMABLE"}
             if release >= (2, 6, 23) else kernel), (1, kernel | {"HIGHMEM"})]


def make_request(rng, machine):
    release = machine.release
    table = profiles(release)
    flags = rng.choices([flags for _, flags in table], [weight for weight, _ in table])[0]
    kind = rng.choices(["alloc", "oom", "memcg", "vmalloc", "vmap", "show_mem", "headline"], [60, 16, 5, 8, 3, 3, 5])[0]
    if kind == "oom" and not flags & {"WAIT", "DIRECT"}:
        kind = "alloc"
    order = rng.choice([0, 0, 0, 0, 1, 2, 3, 4, 5, 9])
    if kind == "oom":
        order = rng.choice([0, 0, 0, 1, 2, 3])
    request = Request(kind, rng.choice(COMMS), rng.randint(1, 40000), min(order, machine.nr_orders - 1), flags)
    nodes = sorted({zone.node for zone in machine.zones})
    # nodemask is printed from 4.9 (OOM) or 4.10 on; mems_allowed on a line of its own before
    masked = release >= (4, 10)
    if len(nodes) > 1 and rng.random() < 0.3 and masked:
        request.nodemask = sorted(rng.sample(nodes, rng.randint(1, len(nodes))))
    # no line names them before 3.0, nor that of a failure before 4.10
    if release < (3, 0) or (kind in ("alloc", "headline", "vmalloc") and not masked):
        return finish(rng, request, machine, table)
    request.mems_allowed = nodes
    if len(nodes) > 1 and rng.random() < 0.3 and "HARDWALL" in flags:
        request.mems_allowed = sorted(rng.sample(nodes, rng.randint(1, len(nodes))))
    return finish(rng, request, machine, table)


def finish(rng, request, machine, table):
    """What the kind of report fixes."""
    release, kind = machine.release, request.kind
    if kind == "vmalloc":
        how = ["bytes"] if release < (5, 13) else ["total", "space", "pages"]
        request.vmalloc = rng.choice(how)
        ram = sum(zone.present for zone in machine.zones) * machine.page_kb * 1024
        request.vmalloc_bytes = rng.choice([ram * 3, rng.randint(4096, max(5000, ram // 3))]) // 4096 * 4096
        request.flags = table[7][1] | {"HIGHMEM"}
        if request.vmalloc != "pages":
            request.order = 0 if release < (4, 10) else None
        # it is out of address space; up to 5.12 only the line above says so
        request.vmap = request.vmalloc in ("bytes", "space") and rng.random() < 0.4
        if request.vmap:
            request.vmalloc = "space"
    if kind == "vmap":
        request.order, request.comm = None, rng.choice([request.comm, None, None])
        # never the size of an area that a report below asks for
        request.vmalloc_bytes = (1 << 40) + 4096 * rng.randint(2, 100000)
    if kind == "memcg":
        request.flags = table[7][1]
    return request
