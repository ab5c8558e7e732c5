# SPDX-License-Identifier: MIT
"""What becomes of a log on its way: prefixes, interleaving, quotes, wraps, cuts, packing."""
import gzip
import html
import re
import subprocess
from dataclasses import replace

NOISE = ["exnic 0000:03:00.0 ex0: link is up, 10 Gbit/s", "toyblk toyblk0: queue depth 64",
         "quuxfs (toyblk0p2): delayed allocation resumed", "audit: type=1400 audit(1.2:3): pid=1 comm=\"x\"",
         "warn_alloc: 12 callbacks suppressed", "cma: cma_alloc: alloc failed, req-size: 16 pages, ret: -12",
         "java: page allocation stalls for 10048ms, order:1, mode:0x15080c0(GFP_KERNEL_ACCOUNT|__GFP_ZERO), nodemask=(null)",
         "SLUB: Unable to allocate memory on node -1, gfp=0xcc0(GFP_KERNEL)", "usb 1-1: new high-speed USB device"]

PREFIXES = ["none", "none", "seconds", "seconds", "seconds", "caller", "caller", "date", "foreign", "syslog",
            "syslog-seconds", "iso", "host", "level", "android", "facility", "nohost", "bare-kernel", "human", "learnt",
            "learnt", "learnt"]
# Fronts of no form that the reader knows: it has to learn them.
LEARNT = ["<4>{stamp} (2)[1234:relayd]", "{stamp} -(0)[1234:relayd]", "{stamp} c1   1234 ",
          "01-01 00:00:12.345 W/kernel  (    0): {stamp} ", "<4>1 2024-03-15T{clock}.123456+00:00 lab17 kernel - - - {stamp} ",
          "MESSAGE=", "4,{n},{micros},-;", "4,{n},{micros},-,caller=T1234;", "* {stamp} ", "{n}: {stamp} ",
          "lab17    | {stamp} ", "2024-03-15 {clock},lab17,kernel,\"{stamp} ", "{n} {stamp} ",
          "2024-03-15T{clock},123456+01:00 ", "%KERN-4-SYSTEM_MSG: {stamp} "]


def prefix(kind, seconds, column, learnt=None):
    stamp = f"[{seconds:12.6f}]"
    clock = f"{int(seconds) // 3600 % 24:02}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"
    if kind == "learnt":
        return learnt.format(stamp=stamp, clock=clock, n=int(seconds * 1000), micros=int(seconds * 1000000))
    return {
        "none": "", "bare-kernel": "kernel: ", "human": f"[{'+' + f'{seconds % 1:.6f}':>11}] ", "seconds": f"{stamp} ", "caller": f"{stamp}[{column or 'T1':>6}] ",
        "date": f"[Fri Mar 15 {clock} 2024] ", "foreign": f"[Di Mär 12 {clock} 2024] ",
        "syslog": f"Mar 10 {clock} lab17 kernel: ", "syslog-seconds": f"Mar  3 {clock} lab17 kernel: {stamp} ",
        "nohost": f"Mar  7 {clock} kernel: ",
        "iso": f"2024-03-15T{clock}.123456+01:00 lab17 kernel: ", "host": f"{stamp} lab17 kernel: ",
        "level": f"<4>{stamp} ", "android": f"<4>{stamp}  [1: task:{(column or 'T1')[1:]}] ",
        "facility": f"Fri Mar 15 {clock} 2024 kern.warn kernel: {stamp} ",
    }[kind]


def columns_apart(kind):
    return kind in ("caller", "android")


def interleave(rng, reports):
    """Lines of several columns, mixed, the records of each in order."""
    queues, out = [list(lines) for lines in reports], []
    while any(queues):
        queue = rng.choice([queue for queue in queues if queue])
        for _ in range(rng.randint(1, 8)):
            if not queue:
                break
            out.append(queue.pop(0))
            while queue and queue[0].rest:
                out.append(queue.pop(0))
    return out


def with_prefix(rng, lines, kind, rest):
    """Physical lines. `rest`: how further lines of a record come: prefix, indent, escape."""
    seconds, out, learnt = rng.uniform(0, 500000), [], rng.choice(LEARNT)
    for line in lines:
        if not line.rest:
            seconds += rng.uniform(0, 0.0009)
        front = prefix(kind, seconds, line.column, learnt)
        if line.rest and rest == "escape" and out:
            out[-1] += "#012" + line.text
        elif line.rest and rest == "indent" and kind != "none":
            out.append(" " * len(front) + line.text)
        else:
            out.append(front + line.text)
    return out


def wrap_words(lines, width):
    out = []
    for line in lines:
        while len(line) > width:
            at = line.rfind(" ", 1, width + 1)
            if at <= 0 or not line[:at].strip():
                break
            out.append(line[:at])
            line = line[at + 1:]
        out.append(line)
    return out


def wrap_hard(lines, width):
    return [line[at:at + width] for line in lines for at in range(0, max(1, len(line)), width)]


def printable(lines):
    out = []
    for line in lines:
        line = line.replace("=", "=3D")
        line = "".join(c if ord(c) < 127 else "".join(f"={b:02X}" for b in c.encode()) for c in line)
        while len(line) > 75:
            at = 75
            while "=" in line[at - 2:at]:
                at -= 1
            out.append(line[:at] + "=")
            line = line[at:]
        out.append(line)
    return out


def eaten(lines):
    """Markdown takes the asterisks of a list in pairs."""
    return [re.sub(r"\*(\d+kB[^*]*)\*", r"\1", line) if " = " in line or re.search(r"\d\*\d+kB", line) else line
            for line in lines]


def arrive(rng, lines, kind):
    """(bytes, description) of physical lines."""
    how, done = rng.random(), []
    if how < 0.10 and kind != "learnt":
        width = rng.choice([72, 76, 80, 100])
        lines = wrap_words(lines, width)
        done.append(f"words {width}")
    elif how < 0.20 and kind not in ("none", "learnt", "bare-kernel", "human"):
        width = rng.choice([79, 80, 100, 132])
        lines = wrap_hard(lines, width)
        done.append(f"hard {width}")
    elif how < 0.24 and kind != "learnt":
        lines = printable(lines)
        done.append("quoted-printable")
    elif how < 0.28:
        lines = eaten(lines)
        done.append("eaten")
    elif how < 0.31:
        lines = [re.sub(r"(\d)\*(\d+kB)", r"\1_\2", line) for line in lines]
        done.append("underscore")
    elif how < 0.35:
        lines = [html.escape(line).replace("  ", " &nbsp;") for line in lines]
        lines = ["<pre>"] + lines + ["</pre>"]
        done.append("html")
    elif how < 0.39:
        lines = [f"\x1b[32m{line[:6]}\x1b[0m{line[6:]}" for line in lines]
        done.append("colour")
    if rng.random() < 0.25:
        mark = rng.choice(["> ", ">> ", "| ", "    "] + ([] if "quoted-printable" in done else [">"]))
        lines = [mark + line for line in lines]
        done.append(f"mark {mark!r}")
    if rng.random() < 0.15:
        lines = ["root@lab17:~# dmesg"] + lines + ["root@lab17:~#"]
        done.append("prompt")
    windows = rng.random() < 0.04  # what PowerShell's > writes
    text = ("\r\n" if windows or rng.random() < 0.1 else "\n").join(lines) + "\n"
    data = text.encode("utf-16" if windows else "utf-8")
    done += ["utf-16"] if windows else []
    pack = rng.random()
    if pack < 0.05:
        return gzip.compress(data), done + ["gzip"]
    if pack < 0.10:
        return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout, done + ["zstd"]
    return data, done


def cut_end(rng, lines):
    """Lines up to a random place, the last one perhaps in part: never between a number and its unit."""
    at = rng.randint(min(len(lines), 5), len(lines))
    kept = list(lines[:at])
    last = kept[-1]
    places = [m.start() for m in re.finditer(" ", last.text)]
    if places and last.what not in ("headline", "cpu", "vmap") and rng.random() < 0.7:
        kept[-1] = replace(last, text=last.text[:rng.choice(places)])
    return kept
