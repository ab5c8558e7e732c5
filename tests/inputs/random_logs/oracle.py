# SPDX-License-Identifier: MIT
"""What has to be answered, slowly: one block at a time, straight from the description of the rules.

Nothing here is taken from the program under test. Amounts are in pages.
"""
from machine import TYPES

NO_ZONE, WATERMARK, RESERVE = "no_zone", "watermark", "lowmem_reserve"
CMA, HIGHATOMIC, FRAGMENTED, SUCCEED = "migratetype_cma", "highatomic", "fragmented", "would_succeed"


def may_sleep(request):
    return bool(request.flags & {"WAIT", "DIRECT"})


def is_high(request):
    return "HIGH" in request.flags


def is_harder(request, release):
    spared = "NOMEMALLOC" not in request.flags
    if release < (3, 0):
        return not may_sleep(request)
    if release < (4, 4):
        return not may_sleep(request) and spared
    if release < (6, 3):
        return "ATOMIC" in request.flags and spared
    return not may_sleep(request) and spared


def binds_nodes(request, release):
    """False: an atomic request, which no cpuset or node mask holds."""
    if release < (4, 4):
        return may_sleep(request)
    if release < (6, 3):
        return "ATOMIC" not in request.flags
    return not (is_high(request) and "DIRECT" not in request.flags)


def highest_type(request, configured):
    if "DMA" in request.flags:
        wanted = "DMA"
    elif "DMA32" in request.flags:
        wanted = "DMA32"
    elif {"HIGHMEM", "MOVABLE"} <= request.flags:
        wanted = "Movable"
    elif "HIGHMEM" in request.flags:
        wanted = "HighMem"
    else:
        wanted = "Normal"
    return wanted if wanted in configured else "Normal"


def node_allowed(zone, request, release):
    if not binds_nodes(request, release):
        return True
    if request.nodemask is not None and zone.node not in request.nodemask:
        return False
    return "HARDWALL" not in request.flags or request.mems_allowed is None or zone.node in request.mems_allowed


def boost_known(zone, release):
    """Printed from 5.18 on; before that as much as lies above four gaps, of which three pages may be rounding."""
    if release >= (5, 18) or zone.type in ("HighMem", "Movable"):
        return zone.boost
    return max(0, zone.min - 4 * (zone.low - zone.min) - 3) if release >= (5, 0) else 0


def mark_of(zone, request, release):
    mark = zone.min
    if release < (6, 3):
        if release >= (5, 10) and not request.order and "ATOMIC" in request.flags:
            mark -= boost_known(zone, release)
        if is_high(request):
            mark -= mark // 2
        if is_harder(request, release):
            mark -= mark // 4
        return mark
    if is_high(request):
        if not request.order:
            mark -= zone.boost
        mark -= mark // 2
        if is_harder(request, release):
            mark -= mark // 4
    return mark


def highatomic_of(zone, request, release):
    high, harder = is_high(request), is_harder(request, release)
    if release < (4, 4) or harder:
        return 0
    if release < (5, 5):
        listed = 0
        for order in range(len(zone.blocks)):
            if "H" in zone.letters(order):
                listed += zone.count(order) * 2 ** order
        return min(listed, zone.managed // 100)
    if release < (6, 3):
        return zone.reserved_highatomic
    if high:
        return 0
    return zone.reserved_highatomic if release < (6, 13) else zone.free_highatomic


def serves(letter, request, release):
    if letter in "UMER":
        return True
    if letter == "C":
        return "MOVABLE" in request.flags
    if letter == "H":
        harder = is_harder(request, release)
        return bool(request.order) and harder and (release < (6, 3) or is_high(request))
    return False


def letters_of(zone, order, release):
    """What a list says of its types; a kernel before 3.9 prints none."""
    if not zone.count(order):
        return set()
    return {"U"} if release < (3, 9) else zone.letters(order)


def largest(zone, release, usable):
    best = -1
    for order in range(len(zone.blocks)):
        for letter in letters_of(zone, order, release):
            if usable(letter):
                best = order
    return best


def old_test_fails(zone, request, mark, after):
    left = after
    for order in range(request.order or 0):
        left -= zone.count(order) * 2 ** order
        mark = mark // 2
        if left <= mark:
            return True
    return False


def judge_zone(zone, request, release, klass):
    """{usable, mark, reserve, cma, highatomic, largest, verdict} in pages."""
    order = request.order or 0
    beyond = 2 ** order - 1
    mark = mark_of(zone, request, release)
    reserve = zone.reserve[klass] if klass is not None and klass < len(zone.reserve) else 0
    cma = 0 if "MOVABLE" in request.flags or release < (3, 6) else zone.cma
    highatomic = highatomic_of(zone, request, release)
    usable = zone.free - beyond - cma - highatomic
    largest_usable = largest(zone, release, lambda letter: serves(letter, request, release))
    largest_cma = largest(zone, release, lambda letter: letter == "C")
    largest_highatomic = largest(zone, release, lambda letter: letter == "H")
    if zone.free - beyond <= mark:
        verdict = WATERMARK
    elif zone.free - beyond <= mark + reserve:
        verdict = RESERVE
    elif usable <= mark + reserve:
        verdict = CMA if cma >= highatomic else HIGHATOMIC
    elif release < (4, 4) and old_test_fails(zone, request, mark, zone.free - beyond):
        verdict = FRAGMENTED
    elif largest_usable >= order:
        verdict = SUCCEED
    elif max(largest_cma, largest_highatomic) < order:
        verdict = FRAGMENTED
    else:
        verdict = CMA if largest_cma >= largest_highatomic else HIGHATOMIC
    return {"usable": usable, "mark": mark, "reserve": reserve, "cma": cma, "highatomic": highatomic,
            "largest": largest_usable, "verdict": verdict}


def judge_zones(zones, allowed, request, machine):
    release = machine.release
    kind = highest_type(request, machine.configured)
    klass = None
    if release >= (5, 8):
        klass = machine.configured.index(kind)
    else:
        for zone in zones:
            if id(zone) in allowed and zone.managed:
                index = machine.configured.index(zone.type)
                klass = index if klass is None else max(klass, index)
    return [judge_zone(zone, request, release, klass) if id(zone) in allowed and zone.managed else None
            for zone in zones]


def judge(machine, request, zones):
    """(ids of allowed zones, one answer a zone or None, the report's verdict)"""
    release = machine.release
    top = TYPES.index(highest_type(request, machine.configured))
    allowed = {id(zone) for zone in zones if TYPES.index(zone.type) <= top and node_allowed(zone, request, release)}
    answers = judge_zones(zones, allowed, request, machine)
    if "THISNODE" in request.flags:
        serving = {zone.node for zone, answer in zip(zones, answers) if answer and answer["verdict"] == SUCCEED}
        if {zone.node for zone in zones} - serving:
            allowed = {id(zone) for zone in zones if id(zone) in allowed and zone.node not in serving}
            answers = judge_zones(zones, allowed, request, machine)
    judged = [(zone, answer) for zone, answer in zip(zones, answers) if answer]
    if any(answer["verdict"] == SUCCEED for _, answer in judged):
        return allowed, answers, SUCCEED
    if not judged:
        return allowed, answers, NO_ZONE
    size = (lambda zone: zone.managed) if release >= (3, 9) else (lambda zone: zone.present)
    best = max(judged, key=lambda pair: (size(pair[0]), -pair[0].node, TYPES.index(pair[0].type)))
    return allowed, answers, best[1]["verdict"]


def report_verdict(machine, request, zones, ram_known=True):
    """As judge(), with the kinds of report that are decided otherwise. ram_known: "pages RAM" is in the text."""
    if request.kind == "memcg":
        return None, None, "memcg"
    if request.kind == "vmap":
        return None, None, "not_page_allocator"
    if request.kind == "show_mem" or (request.order or 0) < 0:
        return None, None, "none"
    if request.kind == "headline" or not zones:
        return None, None, "no_dump"
    if request.kind != "vmalloc" or request.vmalloc == "pages":
        return judge(machine, request, zones)
    if request.vmalloc in ("total", "space"):
        return None, None, "not_page_allocator"
    ram = sum(zone.present for zone in machine.zones)
    if ram_known and request.vmalloc_bytes // 1024 // machine.page_kb > ram:
        return None, None, "not_page_allocator"
    allowed, answers, verdict = judge(machine, request, zones)
    if verdict == SUCCEED:
        return None, None, "not_page_allocator"
    return allowed, answers, verdict
