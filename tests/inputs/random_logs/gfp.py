# SPDX-License-Identifier: MIT
"""GFP flags by kernel release: bits, and the names that a kernel prints."""

OLD = {"DMA": 0x01, "HIGHMEM": 0x02, "DMA32": 0x04, "WAIT": 0x10, "HIGH": 0x20, "IO": 0x40, "FS": 0x80,
       "NORETRY": 0x1000, "COMP": 0x4000, "ZERO": 0x8000, "NOMEMALLOC": 0x10000, "HARDWALL": 0x20000,
       "THISNODE": 0x40000, "REPEAT": 0x400}
NEW = {"DMA": 0x01, "HIGHMEM": 0x02, "DMA32": 0x04, "MOVABLE": 0x08, "RECLAIMABLE": 0x10, "HIGH": 0x20, "IO": 0x40,
       "FS": 0x80, "ZERO": 0x100, "DIRECT": 0x400, "KSWAPD": 0x800, "RETRY_MAYFAIL": 0x4000, "NORETRY": 0x10000,
       "COMP": 0x40000, "NOMEMALLOC": 0x80000, "HARDWALL": 0x100000, "THISNODE": 0x200000, "ACCOUNT": 0x400000}


def bits_of(release):
    """Flag -> bit in the numbers that this release prints."""
    if release >= (5, 1):
        table = dict(NEW)
        if release < (6, 3):
            table["ATOMIC"] = 0x200
        return table
    table = dict(OLD)
    if release >= (2, 6, 23):
        table["RECLAIMABLE"] = 0x80000
        table["MOVABLE"] = 0x08 if release >= (2, 6, 31) else 0x100000
    if release < (4, 4):
        return table
    del table["WAIT"]
    table["RECLAIMABLE"], table["ATOMIC"], table["ACCOUNT"] = 0x10, 0x80000, 0x100000
    if release < (4, 10):
        table["DIRECT"], table["KSWAPD"] = 0x400000, 0x2000000
    elif release < (4, 18):
        table["DIRECT"], table["KSWAPD"] = 0x400000, 0x1000000
    else:
        table["DIRECT"], table["KSWAPD"] = 0x200000, 0x400000
    if release >= (4, 13):
        table["RETRY_MAYFAIL"] = table.pop("REPEAT")
    return table


def composites(release):
    """Name -> flags, the largest first."""
    wait = {"WAIT"} if release < (4, 4) else {"DIRECT", "KSWAPD"}
    kernel = wait | {"IO", "FS"}
    user = kernel | {"HARDWALL"}
    atomic = {"HIGH"} if release < (4, 4) else {"HIGH", "ATOMIC", "KSWAPD"} if release < (6, 3) else {"HIGH", "KSWAPD"}
    table = [("GFP_HIGHUSER_MOVABLE", user | {"HIGHMEM", "MOVABLE"}), ("GFP_HIGHUSER", user | {"HIGHMEM"}),
             ("GFP_USER", user), ("GFP_KERNEL_ACCOUNT", kernel | {"ACCOUNT"}), ("GFP_KERNEL", kernel),
             ("GFP_NOFS", wait | {"IO"}), ("GFP_ATOMIC", atomic), ("GFP_NOIO", wait)]
    if release >= (4, 4):
        table += [("GFP_NOWAIT", {"KSWAPD"}), ("__GFP_RECLAIM", wait)]
    return table


SINGLE = {"DIRECT": "__GFP_DIRECT_RECLAIM", "KSWAPD": "__GFP_KSWAPD_RECLAIM"}


def number(flags, release):
    table = bits_of(release)
    return sum(table[flag] for flag in flags)


def names(flags, release):
    """As a kernel prints them: the largest composite, then what is left."""
    left, out = set(flags), []
    for name, parts in composites(release):
        if parts <= left:
            out.append(name)
            left -= parts
    return out + [SINGLE.get(flag, "GFP_DMA" if flag == "DMA" else "GFP_DMA32" if flag == "DMA32" else "__GFP_" + flag)
                  for flag in sorted(left)]


def flags_of(name_list, release):
    """The flags that a list of names stands for; raises KeyError for a name of no table."""
    table, flags = dict(composites(release)), set()
    for name in name_list:
        short = name.removeprefix("__").removeprefix("GFP_")
        back = {"DIRECT_RECLAIM": "DIRECT", "KSWAPD_RECLAIM": "KSWAPD"}
        if name in table:
            flags |= table[name]
        elif name.startswith("GFP_") and short not in ("DMA", "DMA32"):
            raise KeyError(name)
        else:
            flags.add(back.get(short, short))
    return flags
