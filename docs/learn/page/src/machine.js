// SPDX-License-Identifier: MIT
// What was done to a machine, and what it looks like at any moment of it.
//
//	machine + text --run--> acts: [{action, result, groups}]
//	picture(i, k): before act i, then its first k groups of steps
//
// Between two states at rest a picture is moved on by the library's steps. At rest it is
// the library's own state, so that an error of drawing can't last.

import { BLOCK, ORDERS, PAGEBLOCK_ORDER, STEP, TYPES, nrSteps, pieces, step } from "./core.js";

const KEPT = 40; // states at rest that are kept; others are made again

export class Picture {
  constructor(state) {
    const copy = (lists) => lists.map((row) => row.map((list) => list.slice()));
    this.zones = state.zones.map((zone) => ({ ...zone, lists: copy(zone.lists), pcps: zone.pcps.map((pcp) => ({ ...pcp, lists: copy(pcp.lists) })) }));
    this.types = state.types.slice();
    this.bytes = state.bytes;
    this.blocks = new Map();
    for (const block of pieces(state.blocks)) this.blocks.set(block.pfn, block);
    this.hand = null;
    this.changed = []; // pfns that the last step touched
    this.exact = true;
  }

  zoneAt(pfn) {
    return this.zones.find((zone) => pfn >= zone.start && pfn < zone.start + zone.spanned);
  }

  /* Whatever starts in [pfn, pfn + 2^order) leaves the picture and its list. */
  clear(pfn, order) {
    for (let at = pfn, end = pfn + (1 << order); at < end;) {
      const block = this.blocks.get(at);
      if (block) {
        if (block.state === BLOCK.FREE) this.unlist(block);
        else if (block.state === BLOCK.PCP) this.leaveCpu(block);
        this.blocks.delete(at);
      }
      at += block ? 1 << block.order : 1;
    }
  }

  unlist(block) {
    const list = this.zoneAt(block.pfn).lists[block.order][block.type];
    const at = list.indexOf(block.pfn);
    if (at >= 0) list.splice(at, 1);
  }

  /* The larger block that a part is cut out of: what is left of it, as aligned pieces. */
  cut(pfn, order) {
    for (let o = order + 1; o < ORDERS; o++) {
      const start = pfn & ~((1 << o) - 1);
      const block = this.blocks.get(start);
      if (!block || block.order < o || start + (1 << block.order) <= pfn) continue;
      if (block.state === BLOCK.FREE) this.unlist(block);
      this.blocks.delete(start);
      if (block.state === BLOCK.PCP) this.blocks.set(pfn, { ...block, pfn, order });
      for (let half = block.order - 1, at = start; half >= order; half--) {
        const upper = at + (1 << half);
        const other = pfn >= upper ? at : upper;
        this.blocks.set(other, { ...block, pfn: other, order: half });
        if (pfn >= upper) at = upper;
      }
      return;
    }
  }

  /* Its pages are in no CPU's list any more. */
  leaveCpu(block) {
    const end = block.pfn + (1 << block.order);
    for (const pcp of this.zoneAt(block.pfn).pcps)
      for (const row of pcp.lists)
        for (const list of row)
          for (let i = list.length; i-- > 0;) {
            if (list[i] < block.pfn || list[i] >= end) continue;
            pcp.count -= 1 << pcp.lists.indexOf(row);
            list.splice(i, 1);
          }
  }

  /* What is in hand goes to a CPU's list. */
  refill(event) {
    const pcp = this.zones.find((zone) => zone.type === event.zone)?.pcps[event.cpu];
    for (const block of this.blocks.values()) {
      if (block.state !== "hand") continue;
      block.state = BLOCK.PCP;
      if (!pcp) continue;
      pcp.lists[block.order][event.migratetype]?.push(block.pfn);
      pcp.count += 1 << block.order;
    }
    this.hand = null;
  }

  put(pfn, order, type, tail) {
    const zone = this.zoneAt(pfn);
    this.cut(pfn, order);
    this.clear(pfn, order);
    this.blocks.set(pfn, { pfn, order, state: BLOCK.FREE, type, pageblock_type: this.types[pfn >> PAGEBLOCK_ORDER], zone: zone.type, movable: 0, action: -1, number: 0 });
    const list = zone.lists[order][type];
    if (tail) list.push(pfn);
    else list.unshift(pfn);
  }

  hold(pfn, order) {
    this.cut(pfn, order);
    this.clear(pfn, order);
    this.blocks.set(pfn, { pfn, order, state: "hand", type: this.types[pfn >> PAGEBLOCK_ORDER], zone: this.zoneAt(pfn).type, movable: 0, action: -1, number: 0 });
    this.hand = { pfn, order };
  }

  /* Free blocks of a pageblock change lists with it. */
  retype(pfn, type) {
    this.types[pfn >> PAGEBLOCK_ORDER] = type;
    const start = pfn & ~((1 << PAGEBLOCK_ORDER) - 1);
    const end = start + (1 << PAGEBLOCK_ORDER);
    for (let at = start; at < end;) {
      const block = this.blocks.get(at);
      if (block?.state === BLOCK.FREE && block.order <= PAGEBLOCK_ORDER) {
        this.unlist(block);
        block.type = type;
        this.zoneAt(at).lists[block.order][type].unshift(at);
      }
      at += block ? 1 << block.order : 1;
    }
  }

  apply(event) {
    this.exact = false;
    this.changed = [event.pfn];
    switch (event.type) {
      case STEP.TAKE:
        this.hold(event.pfn, event.order);
        break;
      case STEP.SPLIT:
        if (this.blocks.get(event.pfn)?.state !== BLOCK.FREE) this.put(event.pfn, event.order, event.migratetype, false);
        this.changed = [event.pfn & ~(1 << event.order), event.pfn];
        break;
      case STEP.MERGE:
        this.hold(event.pfn & ~(1 << event.order), event.order + 1);
        this.changed = [this.hand.pfn];
        break;
      case STEP.INSERT:
        this.put(event.pfn, event.order, event.migratetype, event.value);
        break;
      case STEP.PAGEBLOCK:
        this.retype(event.pfn, event.migratetype);
        break;
      case STEP.STEAL: {
        const block = this.blocks.get(event.pfn);
        if (block?.state === BLOCK.FREE && block.type !== event.migratetype) {
          this.unlist(block);
          block.type = event.migratetype;
          this.zoneAt(block.pfn).lists[block.order][block.type].unshift(block.pfn);
        }
        break;
      }
      case STEP.MOVED: {
        const block = this.blocks.get(event.pfn);
        this.clear(event.value, event.order);
        if (block) this.blocks.set(event.value, { ...block, pfn: event.value, state: BLOCK.USED });
        this.blocks.set(event.pfn, { ...(block ?? { zone: event.zone, number: 0 }), pfn: event.pfn, order: event.order, state: "hand", action: -1 });
        this.changed = [event.pfn, event.value];
        break;
      }
      case STEP.REFILL:
        this.refill(event);
    }
  }

  /* From the lists as they are drawn. */
  nrFree(zone) {
    return zone.lists.map((row) => row.reduce((sum, list) => sum + list.length, 0));
  }
}

/* What a split puts on a list is part of the split, which comes next: one step to look at. */
function group(steps) {
  const groups = [];
  let from = 0;
  for (let i = 0; i < nrSteps(steps); i++) {
    const now = step(steps, i);
    if (now.type === STEP.INSERT && i + 1 < nrSteps(steps) && step(steps, i + 1).number === now.number) continue;
    groups.push([from, i]);
    from = i + 1;
  }
  return groups;
}

export class Run {
  constructor(core, machine, text) {
    Object.assign(this, { core, machine, text });
    this.acts = [];
    this.states = new Map();
    this.restart();
  }

  restart() {
    this.status = this.core.create(this.machine);
    if (this.status) return;
    this.done = 0;
    this.keep(0);
    const parsed = this.core.parse(this.text, this.machine.fill);
    this.error = parsed.error;
    this.actions = parsed.actions ?? [];
  }

  keep(i) {
    const state = this.core.state();
    this.states.set(i, state);
    for (const key of this.states.keys()) {
      if (this.states.size <= KEPT) break;
      if (key !== 0 && key !== i) this.states.delete(key);
    }
    return state;
  }

  /* Everything that the text says. */
  runAll() {
    for (; !this.status && !this.error && this.done < this.actions.length; this.done++) {
      const result = this.core.perform(this.done);
      this.acts[this.done] = { action: this.actions[this.done], result, groups: group(result.steps) };
      const state = this.keep(this.done + 1);
      this.acts[this.done].zones = state.zones;
    }
    return this;
  }

  /* The same machine after one action more; the text must begin with what was done. */
  extend(text) {
    const parsed = this.core.parse(text, this.machine.fill);
    if (parsed.error) {
      this.core.parse(this.text, this.machine.fill);
      return parsed.error;
    }
    this.text = text;
    this.actions = parsed.actions;
    this.runAll();
    return null;
  }

  /* At rest before act i; states that were dropped are made again from the start. */
  state(i) {
    if (this.states.has(i)) return this.states.get(i);
    const done = this.done;
    this.core.create(this.machine);
    this.core.parse(this.text, this.machine.fill);
    let state = null;
    for (let j = 0; j < done; j++) {
      this.core.perform(j);
      if (j + 1 === i) state = this.core.state();
    }
    this.states.set(i, state);
    return state;
  }

  nrStops(i) {
    return this.acts[i].groups.length + 2;
  }

  /* Stop k of act i: 0 before it, then its steps, at the end the state at rest. */
  picture(i, k) {
    if (i < 0 || !this.acts.length) return new Picture(this.state(0));
    const act = this.acts[i];
    if (k >= act.groups.length + 1) return new Picture(this.state(i + 1));
    const picture = new Picture(this.state(i));
    for (let g = 0; g < k; g++)
      for (let s = act.groups[g][0]; s <= act.groups[g][1]; s++) picture.apply(step(act.result.steps, s));
    return picture;
  }

  /* The step that stop k shows, or null. */
  stepAt(i, k) {
    const groups = this.acts[i]?.groups;
    return groups && k >= 1 && k <= groups.length ? step(this.acts[i].result.steps, groups[k - 1][1]) : null;
  }
}

export const typeNames = TYPES;
export const orders = ORDERS;
