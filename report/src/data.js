// SPDX-License-Identifier: MIT
// The page's JSON (kind report of docs/schema.md), unpacked.

import { $ } from "./format.js";

export const NO_OWNER = 0;

function load() {
  const data = JSON.parse($("data").textContent);
  if (data.kind !== "report" || data.schema !== 2) {
    throw new Error(`${data.kind} of schema ${data.schema}, expected report of schema 2`);
  }
  return data;
}

export const data = load();
export const machine = data.machine;
export const pageSize = machine.page_size;
export const orders = machine.max_order + 1;
export const types = data.migratetypes;
export const timeline = data.timeline;
export const time = timeline.time; // s since the start of the trace

export const zoneName = (zone) => `Node ${zone.node}, ${zone.name}`;
export const taskName = (index) => {
  const task = data.tasks[index];
  return task ? (task[0] < 0 ? task[1] : `${task[1]} (${task[0]})`) : "unknown";
};

// Sum over the zones that are selected: -1 all of them.
export function sumZones(selected, pick) {
  const zones = selected < 0 ? timeline.zones : [timeline.zones[selected]];
  return time.map((_, i) => zones.reduce((sum, zone) => sum + pick(zone, i), 0));
}

export const freePages = (selected) => sumZones(selected, (zone, i) => zone.free[i]);
export const freeBlocks = (selected, order) =>
  sumZones(selected, (zone, i) => zone.blocks[order][i]);

// Spec of both indices, in thousandths; for a sum of zones as for one of them.
export function indices(selected, order) {
  const blocks = Array.from({ length: orders }, (_, o) => freeBlocks(selected, o));
  const unusable = [];
  const extfrag = [];
  for (let i = 0; i < time.length; i++) {
    let total = 0;
    let pages = 0;
    let suitable = 0;
    for (let o = 0; o < orders; o++) {
      total += blocks[o][i];
      pages += blocks[o][i] * 2 ** o;
      if (o >= order) suitable += blocks[o][i] * 2 ** (o - order);
    }
    unusable.push(pages ? (pages - suitable * 2 ** order) / pages : 1);
    // only where a request would fail does the second one mean something
    extfrag.push(total && !suitable ? 1 - (1 + pages / 2 ** order) / total : null);
  }
  return { unusable, extfrag };
}

// ------------------------------------------------------- the map of pageblocks

const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

/*
 * Frames are differences: a count, then per cell that changed: cells skipped
 * (varint), migratetype, used, unmovable, reserved (a byte each), owner (u16).
 */
export class PageblockMap {
  constructor(maps) {
    this.maps = maps;
    this.cells = maps.cells;
    this.type = new Uint8Array(this.cells);
    this.used = new Uint8Array(this.cells);
    this.unmovable = new Uint8Array(this.cells);
    this.reserved = new Uint8Array(this.cells);
    this.owner = new Uint16Array(this.cells);
    this.frame = -1;
    this.frames = maps.frames.map(bytesOf);
    if (this.frames.length) this.seek(0);
  }

  seek(frame) {
    if (frame < this.frame) this.frame = -1; // frame 0 holds every cell
    while (this.frame < frame) this.apply(this.frames[++this.frame]);
  }

  apply(bytes) {
    let at = 0;
    let cell = 0;
    const varint = () => {
      let value = 0;
      let scale = 1;
      for (;;) {
        const byte = bytes[at++];
        value += (byte & 127) * scale;
        if (byte < 128) return value;
        scale *= 128;
      }
    };
    for (let left = varint(); left > 0; left--) {
      cell += varint();
      this.type[cell] = bytes[at++];
      this.used[cell] = bytes[at++];
      this.unmovable[cell] = bytes[at++];
      this.reserved[cell] = bytes[at++];
      this.owner[cell] = bytes[at] | (bytes[at + 1] << 8);
      at += 2;
      cell++;
    }
  }
}
