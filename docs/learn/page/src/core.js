// SPDX-License-Identifier: MIT
// The library itself, as WebAssembly (lesson.c): a machine, its actions, their steps, and
// its state at rest. One Core is one machine.

export const ORDERS = 11;
export const TYPES = ["Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate"];
export const LETTERS = ["U", "M", "E", "H", "C", "I"];
export const ZONES = ["DMA", "DMA32", "Normal", "HighMem", "Movable", "Device"];
export const STEP = { SCAN: 0, TAKE: 1, SPLIT: 2, MERGE: 3, INSERT: 4, STEAL: 5, PAGEBLOCK: 6, REFILL: 7, DRAIN: 8, BOOST: 9, WMARK: 10, WAKE: 11, MOVED: 12 };
export const STEP_NAMES = ["scan", "take", "split", "merge", "insert", "steal", "pageblock", "refill", "drain", "boost", "watermark", "wake", "moved"];
export const KINDS = ["alloc", "free", "fill", "cpu", "drain", "compact", "set"];
export const OUTCOMES = ["done", "failed", "no room", "nothing left", "refused", "reused", "no frame", "no cpu", "refused"];
export const BLOCK = { FREE: 0, PCP: 1, USED: 2, RESERVED: 3 };
export const PAGEBLOCK_ORDER = 9;

const STEP_FIELDS = ["type", "zone", "order", "migratetype", "other", "flag", "cpu", "number", "pfn", "value"];
const PIECE = 9;

export class Core {
  static async compile(base64) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    return WebAssembly.compile(bytes);
  }

  constructor(module) {
    this.c = new WebAssembly.Instance(module).exports;
  }

  ints(at, n) {
    return new Int32Array(this.c.memory.buffer, at, n);
  }

  out(n) {
    return Array.from(this.ints(this.c.out(), n));
  }

  text() {
    const bytes = new Uint8Array(this.c.memory.buffer, this.c.text(), 65536);
    return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
  }

  setText(text) {
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > 65000) throw new RangeError("text");
    const room = new Uint8Array(this.c.memory.buffer, this.c.text(), bytes.length + 1);
    room.set(bytes);
    room[bytes.length] = 0;
  }

  /* machine: {profile, frames, cma (frames), cpus, pcp}. 0, or the library's error. */
  create(machine) {
    this.machine = machine;
    if (machine.zones) return this.createFrom(machine);
    const status = this.c.create(machine.profile === "linux" ? 1 : 0, machine.frames, machine.cma, machine.cpus, machine.pcp ? 1 : 0);
    return status;
  }

  /* The free blocks of a /proc/buddyinfo: machine.zones is [{type, nr_free}]. */
  createFrom(machine) {
    const room = this.ints(this.c.out(), machine.zones.length * (ORDERS + 1));
    for (const [z, zone] of machine.zones.entries()) room.set([zone.type, ...zone.nr_free], z * (ORDERS + 1));
    return this.c.create_from(machine.profile === "linux" ? 1 : 0, machine.zones.length, machine.cpus, machine.pcp ? 1 : 0);
  }

  /* Actions, or {problem, action, at, length}. */
  parse(text, fill) {
    this.setText(text);
    const nr = this.c.parse(fill ?? -1);
    if (nr < 0) {
      const [problem, action, at, length] = this.out(4);
      return { error: { problem, action, word: new TextDecoder().decode(new TextEncoder().encode(text).slice(at, at + length)) } };
    }
    const bytes = new TextEncoder().encode(text);
    const actions = [];
    for (let i = 0; i < nr; i++) {
      this.c.action(i);
      const [kind, number, at, length, order, type, count, size, percent, gfp, zone, atomic] = this.out(12);
      actions.push({ kind: KINDS[kind], number, text: new TextDecoder().decode(bytes.slice(at, at + length)), order, type, count, size, percent, gfp: gfp >>> 0, zone, atomic, name: this.text() });
    }
    return { actions };
  }

  /* The parser keeps where in the text actions are: the text must be there for names only. */
  perform(i) {
    this.c.perform(i);
    const [outcome, reason, gfp, nr, pages, code, nr_steps, nr_pfns, moved, misuse] = this.out(10);
    return {
      outcome: OUTCOMES[outcome], reason: this.name("reason_name", reason), gfp: gfp >>> 0, nr, pages, code, moved, misuse,
      pfns: this.ints(this.c.pfns(), nr_pfns).slice(),
      steps: this.ints(this.c.steps(), nr_steps * STEP_FIELDS.length).slice(),
    };
  }

  name(call, value) {
    this.c[call](value);
    return this.text();
  }

  gfp(flags) {
    return this.name("gfp_name", flags);
  }

  buddyinfo() {
    this.c.buddyinfo();
    return this.text();
  }

  readZones() {
    const zones = [];
    while (this.c.zone(zones.length)) {
      const f = this.out(12 + 6 + 3 * ORDERS);
      const at = 12 + 6;
      zones.push({
        type: f[0], start: f[1], spanned: f[2], managed: f[3], free: f[4], pcp: f[5], free_cma: f[6], boost: f[7], highatomic: f[8],
        min: f[9], low: f[10], high: f[11], reserve: f.slice(12, 18),
        nr_free: f.slice(at, at + ORDERS), extfrag: f.slice(at + ORDERS, at + 2 * ORDERS), unusable: f.slice(at + 2 * ORDERS, at + 3 * ORDERS),
      });
    }
    return zones;
  }

  /* The library's fragmentation indices for these blocks of each order. */
  indices(nr_free) {
    this.ints(this.c.out(), ORDERS).set(nr_free);
    this.c.indices();
    const f = this.out(3 * ORDERS);
    return { extfrag: f.slice(ORDERS, 2 * ORDERS), unusable: f.slice(2 * ORDERS) };
  }

  /* counts and pfns -> [order][type] of arrays */
  readLists(at, types) {
    const lists = [];
    const ints = new Int32Array(this.c.memory.buffer);
    let i = at >> 2;
    for (let o = 0; o < ORDERS; o++) {
      const row = [];
      for (let t = 0; t < types; t++) {
        const n = ints[i++];
        row.push(Array.from(ints.subarray(i, i + n)));
        i += n;
      }
      lists.push(row);
    }
    return lists;
  }

  /* Everything the page shows, at rest. */
  state() {
    const zones = this.readZones();
    for (const [z, zone] of zones.entries()) {
      this.c.lists(z);
      zone.lists = this.readLists(this.c.scratch(), TYPES.length);
      zone.pcps = [];
      for (let cpu = 0; this.machine.pcp && cpu < this.machine.cpus; cpu++) {
        this.c.pcp(z, cpu);
        const at = this.c.scratch();
        const [count, high, batch] = this.ints(at, 3);
        zone.pcps.push({ count, high, batch, lists: this.readLists(at + 12, 3) });
      }
    }
    const nr = this.c.walk();
    const blocks = this.ints(this.c.scratch(), nr * PIECE).slice();
    const nr_pageblocks = this.c.pageblocks();
    const types = Int8Array.from(this.ints(this.c.scratch(), nr_pageblocks));
    const bytes = new Uint8Array(this.c.memory.buffer, this.c.bytes(), this.machine.frames).slice();
    return { zones, blocks, types, bytes };
  }
}

/* The i-th step of what perform() returned. */
export function step(steps, i) {
  const at = i * STEP_FIELDS.length;
  const [type, zone, order, migratetype, other, flag, cpu, number, pfn, value] = steps.subarray(at, at + STEP_FIELDS.length);
  return { type, zone, order, migratetype, other, flag, cpu, number, pfn, value };
}

export const nrSteps = (steps) => steps.length / STEP_FIELDS.length;

export function* pieces(blocks) {
  for (let at = 0; at < blocks.length; at += PIECE) {
    const [pfn, order, state, list_type, pageblock_type, zone, movable, action, number] = blocks.subarray(at, at + PIECE);
    yield { pfn, order, state, type: list_type, pageblock_type, zone, movable, action, number };
  }
}
