// SPDX-License-Identifier: MIT
// One machine, drawn: watermarks, memory, lists, per-CPU lists, indices, page bytes.
//
// Memory is drawn along a curve on which every block is a rectangle: bit 0 of the frame
// goes right, bit 1 down, bit 2 right ... so a split is a cut through the middle.

import { BLOCK, LETTERS, ORDERS, PAGEBLOCK_ORDER, STEP, TYPES, ZONES } from "./core.js";
import { frames as framesText, size } from "./say.js";

const TILE = 1024; // frames of a tile: a block of order 10
const SIDE = 32;
const CHIPS = 6;

const column = (n) => (n & 1) | ((n >> 1) & 2) | ((n >> 2) & 4) | ((n >> 3) & 8) | ((n >> 4) & 16);
export const place = (frame, order) => ({ x: column(frame), y: column(frame >> 1), w: 1 << ((order + 1) >> 1), h: 1 << (order >> 1) });

export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "text") element.textContent = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/* Whose colour a block has: the list it is on, or what its owner asked for. */
function colourType(block, actions) {
  if (block.state === BLOCK.FREE) return block.type;
  const action = actions[block.action];
  if (action?.kind === "alloc") return action.type;
  if (block.movable) return 1;
  return block.pageblock_type === 2 ? 2 : 0;
}

export class View {
  constructor(page, profile) {
    Object.assign(this, { page, profile, tile: 0, selected: null });
    this.root = el("div", { class: "panel", "data-profile": profile });
    this.title = el("h3", { class: "profile" });
    this.zones = el("div", { class: "zones" });
    this.overview = el("div", { class: "overview" });
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.tiles = el("div", { class: "tiles", role: "group" });
    this.overview.append(this.canvas, this.tiles);
    this.zoomTitle = el("h3");
    this.zoom = el("div", { class: "zoom", role: "group" });
    this.zoom.addEventListener("click", (event) => this.press(event));
    this.zoom.addEventListener("keydown", (event) => this.key(event));
    this.zoom.addEventListener("focusin", (event) => this.look(event.target));
    this.zoom.addEventListener("pointerover", (event) => this.look(event.target));
    this.byte = el("p", { class: "byte" });
    this.bytes = el("div", { class: "bytes" });
    this.lists = el("div", { class: "lists" });
    this.pcps = el("div", { class: "pcps" });
    this.index = el("div", { class: "index" });
    this.legend = el("ul", { class: "legend" });
    this.hints = {};
    for (const name of ["map", "zoom", "lists", "bytes", "index"]) this.hints[name] = el("p", { class: "hint" });
    this.heads = {};
    for (const name of ["map", "lists", "pcp", "bytes", "index"]) this.heads[name] = el("h3");
    this.root.append(
      this.title, this.zones,
      el("div", { class: "memory" },
        el("div", { class: "left" }, this.heads.map, this.overview, this.hints.map, this.legend),
        el("div", { class: "right" }, this.zoomTitle, this.zoom, this.hints.zoom)),
      el("div", { class: "two" },
        el("div", {}, this.heads.bytes, this.hints.bytes, this.byte, this.bytes),
        (this.pcpBox = el("div", { class: "pcp-box" }, this.heads.pcp, this.pcps))),
      this.heads.lists, this.lists,
      this.heads.index, this.hints.index, this.index);
    new ResizeObserver(() => this.picture && this.drawMap()).observe(this.overview);
  }

  get t() {
    return this.page.t;
  }

  relabel() {
    const { t } = this;
    this.title.textContent = t[this.profile];
    this.heads.map.textContent = t.map;
    this.heads.lists.textContent = t.lists;
    this.heads.pcp.textContent = t.pcpTitle;
    this.heads.bytes.textContent = t.bytes;
    this.heads.index.textContent = t.index;
    this.hints.map.textContent = t.mapHint;
    this.hints.zoom.textContent = t.zoomHint;
    this.hints.bytes.textContent = t.bytesHint;
    this.hints.index.textContent = t.indexHint;
    this.tiles.setAttribute("aria-label", t.map);
    const used = new Set([0, 1, 2, ...this.picture.types]);
    this.legend.replaceChildren(
      ...TYPES.map((name, type) => (used.has(type) ? el("li", {}, el("i", { class: `t${type} free`, "aria-hidden": "true" }), el("i", { class: `t${type} used`, "aria-hidden": "true" }), `${LETTERS[type]} ${name}${t.types[type] === name ? "" : ` ${t.types[type]}`}`) : null)).filter(Boolean),
      el("li", {}, el("i", { class: "plain free", "aria-hidden": "true" }), t.free), el("li", {}, el("i", { class: "plain used", "aria-hidden": "true" }), t.used),
      el("li", {}, el("i", { class: "hand", "aria-hidden": "true" }), t.inHand),
      this.run.machine.pcp ? el("li", {}, el("i", { class: "pcp", "aria-hidden": "true" }), t.inPcp) : "");
  }

  /* What there is to show. `now`: the step, or null; `animate`: it came by itself. */
  show(run, picture, now, animate, last, nrActs) {
    Object.assign(this, { run, picture, now, nrActs });
    const target = picture.changed[picture.changed.length - 1];
    if (target !== undefined && now && [STEP.TAKE, STEP.SPLIT, STEP.MERGE, STEP.INSERT, STEP.STEAL, STEP.PAGEBLOCK, STEP.MOVED].includes(now.type)) this.tile = Math.floor(target / TILE);
    else if (last) this.tile = Math.floor(last / TILE);
    if (this.tile * TILE >= run.machine.frames) this.tile = 0;
    this.relabel();
    this.drawZones();
    this.drawMap();
    this.drawZoom(animate);
    this.drawLists();
    this.drawPcp();
    this.drawIndex();
    this.drawBytes(this.selected ?? this.tile * TILE);
  }

  // ------------------------------------------------------------------------ watermarks

  drawZones() {
    const { t } = this;
    this.zones.replaceChildren(...this.picture.zones.map((zone) => {
      const nr_free = this.picture.nrFree(zone);
      const free = this.picture.exact ? zone.free : nr_free.reduce((sum, n, o) => sum + n * (1 << o), 0);
      const top = Math.max(zone.managed, 1);
      const reserve = Math.max(...zone.reserve.slice(0, 5));
      const at = (pages) => `${Math.min(100, Math.sqrt(pages / top) * 100)}%`;
      const marks = ["min", "low", "high"].map((name) => el("i", { class: `mark ${name}`, style: `left:${at(zone[name] + zone.boost)}` }));
      const state = free <= zone.min + zone.boost ? "bad" : free <= zone.low + zone.boost ? "warn" : "good";
      return el("div", { class: "zone" },
        el("b", { text: ZONES[zone.type] }),
        el("div", { class: `gauge ${state}`, role: "meter", "aria-label": `${ZONES[zone.type]}: ${t.marks}`, "aria-valuemin": 0, "aria-valuemax": zone.managed, "aria-valuenow": free, "aria-valuetext": `${t.pagesFree(free)}; min ${zone.min}, low ${zone.low}, high ${zone.high}` },
          el("span", { style: `width:${at(free)}` }), ...marks),
        el("small", {}, el("strong", { text: t.pagesFree(free) }), ` · min ${zone.min} · low ${zone.low} · high ${zone.high}${zone.boost ? t.boosted(zone.boost) : ""}${reserve ? t.reserve(reserve) : ""}`));
    }));
  }

  // ---------------------------------------------------------------------------- memory

  drawMap() {
    const tiles = Math.ceil(this.run.machine.frames / TILE);
    const width = this.overview.clientWidth || 320;
    const across = Math.min(tiles, tiles <= 4 ? tiles : window.innerWidth > 700 && width < 460 ? 4 : 8);
    const gap = 4;
    const side = Math.min(96, Math.floor((width - gap * (across - 1)) / across));
    const down = Math.ceil(tiles / across);
    const scale = window.devicePixelRatio || 1;
    const { canvas } = this;
    canvas.style.width = `${across * (side + gap) - gap}px`;
    canvas.style.height = `${down * (side + gap) - gap}px`;
    canvas.width = Math.round((across * (side + gap) - gap) * scale);
    canvas.height = Math.round((down * (side + gap) - gap) * scale);
    const ctx = canvas.getContext("2d");
    ctx.scale(scale, scale);
    const style = getComputedStyle(this.root);
    const colour = (name) => style.getPropertyValue(name).trim();
    const free = TYPES.map((_, i) => colour(`--f${i}`));
    const used = TYPES.map((_, i) => colour(`--u${i}`));
    const hand = colour("--hand");
    const pcp = colour("--pcp");
    const cell = side / SIDE;
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    const actions = this.run.actions;
    for (const block of this.picture.blocks.values()) {
      const tile = Math.floor(block.pfn / TILE);
      const { x, y, w, h } = place(block.pfn % TILE, block.order);
      const left = (tile % across) * (side + gap) + x * cell;
      const up = Math.floor(tile / across) * (side + gap) + y * cell;
      const type = colourType(block, actions);
      ctx.fillStyle = block.state === BLOCK.FREE ? free[type] : block.state === BLOCK.USED ? used[type] : block.state === "hand" ? hand : block.state === BLOCK.PCP ? pcp : colour("--line");
      const inset = block.order >= 6 ? 0.5 : block.order >= 2 ? 0.25 : 0;
      ctx.fillRect(left + inset, up + inset, w * cell - 2 * inset, h * cell - 2 * inset);
    }
    ctx.lineWidth = 1;
    for (let tile = 0; tile < tiles; tile++) {
      const left = (tile % across) * (side + gap);
      const up = Math.floor(tile / across) * (side + gap);
      for (let half = 0; half < 2; half++) {
        const type = this.picture.types[tile * 2 + half];
        if (type === undefined || type < 0) continue;
        ctx.strokeStyle = used[type];
        ctx.strokeRect(left + 0.5, up + (half * side) / 2 + 0.5, side - 1, side / 2 - 1);
      }
    }
    this.drawTiles(tiles, across, side, gap);
  }

  drawTiles(tiles, across, side, gap) {
    if (this.tiles.childElementCount !== tiles)
      this.tiles.replaceChildren(...Array.from({ length: tiles }, (_, i) =>
        el("button", { type: "button", "data-tile": i, onclick: () => this.choose(i), onkeydown: (event) => this.tileKey(event, i) })));
    for (const [i, button] of Array.from(this.tiles.children).entries()) {
      button.style.cssText = `left:${(i % across) * (side + gap)}px;top:${Math.floor(i / across) * (side + gap)}px;width:${side}px;height:${side}px`;
      button.setAttribute("aria-pressed", i === this.tile);
      button.setAttribute("aria-label", this.t.tile(i * TILE, Math.min(this.run.machine.frames, (i + 1) * TILE) - 1));
      button.tabIndex = i === this.tile ? 0 : -1;
    }
    this.across = across;
  }

  choose(i) {
    this.tile = i;
    this.selected = null;
    this.drawMap();
    this.drawZoom(false);
    this.drawBytes(i * TILE);
  }

  tileKey(event, i) {
    const move = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.across, ArrowUp: -this.across }[event.key];
    const next = this.tiles.children[i + move];
    if (!move || !next) return;
    event.preventDefault();
    this.choose(i + move);
    next.focus();
  }

  stateText(block) {
    const { t } = this;
    if (block.state === BLOCK.FREE) return `${t.free}, ${t.types[block.type]}`;
    if (block.state === BLOCK.USED) {
      const name = this.holder(block);
      return `${t.used}${name ? t.by(name) : ""}`;
    }
    if (block.state === "hand") return t.inHand;
    return block.state === BLOCK.PCP ? t.inPcp : t.reserved;
  }

  /* `a`, or `a.3` if there were several. */
  holder(block) {
    const action = this.run.actions[block.action];
    if (!action) return "";
    const name = action.name || (action.number ? `[${action.number}]` : "");
    return name && (action.count > 1 || action.kind === "fill") ? `${name}.${block.number}` : name;
  }

  drawZoom(animate) {
    const first = this.tile * TILE;
    const end = Math.min(first + TILE, this.run.machine.frames);
    const focused = this.zoom.contains(document.activeElement) ? Number(document.activeElement.dataset.pfn) : null;
    const changed = new Set(this.picture.changed);
    const parts = [];
    this.zoomTitle.textContent = this.t.zoom(first, end - 1);
    this.zoom.setAttribute("aria-label", this.t.zoom(first, end - 1));
    this.zoom.style.aspectRatio = end - first > 512 ? "1" : end - first > 256 ? "2" : "1";
    for (let pfn = first; pfn < end;) {
      const block = this.picture.blocks.get(pfn);
      if (!block) {
        pfn++;
        continue;
      }
      const { x, y, w, h } = place(pfn - first, block.order);
      const type = colourType(block, this.run.actions);
      const state = block.state === BLOCK.FREE ? "free" : block.state === BLOCK.USED ? "used" : block.state === "hand" ? "hand" : block.state === BLOCK.PCP ? "pcp" : "reserved";
      const label = state === "pcp" ? "" : block.order >= 4 ? `<span>${state === "used" ? this.holder(block) : ""}<small>${block.order >= 5 ? `${pfn}<br>` : ""}${size(1 << block.order)}</small></span>` : block.order >= 2 && state === "used" ? `<span>${this.holder(block).slice(0, 4)}</span>` : "";
      const hot = changed.has(pfn) && this.now ? ` hot${animate ? " move" : ""} s${this.now.type}` : "";
      parts.push(`<button type="button" tabindex="-1" data-pfn="${pfn}" class="t${type} ${state}${hot}" style="left:${(x / SIDE) * 100}%;top:${(y / SIDE) * 100}%;width:${(w / SIDE) * 100}%;height:${(h / SIDE) * 100}%" aria-label="${this.t.blockLabel(framesText(pfn, block.order), block.order, this.stateText(block)).replaceAll('"', "&quot;")}">${label}</button>`);
      pfn += 1 << block.order;
    }
    this.zoom.innerHTML = parts.join("");
    const keep = focused !== null ? this.zoom.querySelector(`[data-pfn="${this.covering(focused)}"]`) : null;
    const stop = keep ?? this.zoom.firstElementChild;
    if (stop) stop.tabIndex = 0;
    keep?.focus({ preventScroll: true });
  }

  /* First frame of the block that the frame is in. */
  covering(pfn) {
    for (let order = 0; order < ORDERS; order++) {
      const start = pfn & ~((1 << order) - 1);
      const block = this.picture.blocks.get(start);
      if (block && start + (1 << block.order) > pfn) return start;
    }
    return pfn;
  }

  press(event) {
    const button = event.target.closest("button");
    if (!button) return;
    const pfn = Number(button.dataset.pfn);
    const block = this.picture.blocks.get(pfn);
    this.selected = pfn;
    this.drawBytes(pfn);
    if (block?.state === BLOCK.USED) this.page.free(pfn);
  }

  key(event) {
    const now = event.target.closest("button");
    if (!now) return;
    const next = { ArrowRight: now.nextElementSibling, ArrowDown: now.nextElementSibling, ArrowLeft: now.previousElementSibling, ArrowUp: now.previousElementSibling, Home: this.zoom.firstElementChild, End: this.zoom.lastElementChild }[event.key];
    if (!next) return;
    event.preventDefault();
    now.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  // ------------------------------------------------------------------------- page bytes

  look(target) {
    const button = target.closest?.("button");
    if (!button?.dataset.pfn) return;
    this.selected = Number(button.dataset.pfn);
    this.drawBytes(this.selected);
    this.showBuddy(this.selected);
  }

  /* An outline where the buddy of a block lies. */
  showBuddy(pfn) {
    const block = this.picture.blocks.get(pfn);
    this.zoom.querySelector(".buddy")?.remove();
    if (!block || block.order > 9) return;
    const buddy = pfn ^ (1 << block.order);
    const { x, y, w, h } = place(buddy % TILE, block.order);
    this.zoom.append(el("i", { class: "buddy", "aria-hidden": "true", style: `left:${(x / SIDE) * 100}%;top:${(y / SIDE) * 100}%;width:${(w / SIDE) * 100}%;height:${(h / SIDE) * 100}%` }));
  }

  drawBytes(pfn) {
    const { t } = this;
    const block = this.picture.blocks.get(pfn);
    const word = this.picture.bytes[pfn] ?? 0;
    const said = word & 0x80 ? `0x${word.toString(16)} = ${t.kind.head}${word & 0x20 ? `, ${t.kind.movable}` : ""}, ${t.kind.order} ${word & 0x1f}` : `0x${word.toString(16).padStart(2, "0")} = ${t.kind.free}`;
    const buddy = block && block.order < 10 ? ` ${t.buddyIs(pfn ^ (1 << block.order))}` : "";
    this.byte.textContent = `${t.byteOf(pfn, said)}${block ? ` (${this.stateText(block)})` : ""}.${buddy}`;
    const first = pfn & ~15;
    this.bytes.replaceChildren(...Array.from({ length: 16 }, (_, i) => {
      const at = first + i;
      const value = this.picture.bytes[at];
      if (value === undefined) return el("span", { class: "none" });
      return el("span", { class: `${at === pfn ? "here " : ""}${value & 0x80 ? "set" : ""}`, title: String(at) }, el("small", { text: at }), el("b", { text: value.toString(16).padStart(2, "0") }));
    }));
  }

  // ------------------------------------------------------------------------------ lists

  drawLists() {
    const { t, picture, now } = this;
    const shown = TYPES.map((_, type) => type).filter((type) => type < 3 || picture.zones.some((zone) => zone.lists.some((row) => row[type].length)) || picture.types.includes(type));
    const tables = picture.zones.map((zone) => {
      const head = el("tr", {}, el("th", { scope: "col", text: t.order }), el("td", { class: "wide" }), ...shown.map((type) => el("th", { scope: "col", class: "n" }, el("i", { class: `t${type} free`, "aria-hidden": "true" }), el("abbr", { title: TYPES[type], text: LETTERS[type] }))), el("th", { scope: "col", class: "n", text: t.nr }), el("th", { scope: "col", class: "chips-head", text: t.blocksOf }));
      const rows = [];
      for (let o = 0; o < ORDERS; o++) {
        const hot = now && now.zone === zone.type && now.order === o && [STEP.SCAN, STEP.TAKE, STEP.SPLIT, STEP.INSERT, STEP.STEAL, STEP.MERGE].includes(now.type);
        const chips = [];
        let more = 0;
        for (const type of shown)
          for (const pfn of zone.lists[o][type]) {
            if (chips.length < CHIPS) chips.push(el("span", { class: `chip t${type} free${picture.changed.includes(pfn) && now ? " hot" : ""}`, text: pfn }));
            else more++;
          }
        if (more) chips.push(el("span", { class: "more-chips", text: `+${more}` }));
        rows.push(el("tr", { class: hot ? "hot" : null }, el("th", { scope: "row", text: o }), el("td", { class: "size", text: size(1 << o) }),
          ...shown.map((type) => el("td", { class: `n${zone.lists[o][type].length ? "" : " zero"}`, text: zone.lists[o][type].length })),
          el("td", { class: "n total", text: zone.lists[o].reduce((sum, list) => sum + list.length, 0) }), el("td", { class: "chips" }, ...chips)));
      }
      return el("div", { class: "table", tabindex: 0, role: "region", "aria-label": `${t.lists}, ${ZONES[zone.type]}` }, el("table", { class: "free-area", "data-zone": ZONES[zone.type] }, el("caption", { text: ZONES[zone.type] }), el("thead", {}, head), el("tbody", {}, ...rows)));
    });
    this.lists.replaceChildren(...tables);
  }

  // ------------------------------------------------------------------- per-CPU, indices

  drawPcp() {
    const { t } = this;
    this.pcpBox.hidden = !this.run.machine.pcp;
    if (!this.run.machine.pcp) return;
    const lines = [];
    for (const zone of this.picture.zones)
      for (const [cpu, pcp] of zone.pcps.entries()) {
        const chips = [];
        for (const row of pcp.lists) for (const [type, list] of row.entries()) for (const pfn of list) if (chips.length < 24) chips.push(el("span", { class: `chip t${type} pcp`, text: pfn }));
        lines.push(el("div", { class: "pcp-line" }, el("b", { text: `${ZONES[zone.type]}, ${t.pcpLine(cpu, pcp.count, pcp.high, pcp.batch)}` }), el("div", { class: "chips" }, ...(chips.length ? chips : [el("em", { text: t.pcpEmpty })]))));
      }
    this.pcps.replaceChildren(...lines);
  }

  /* The unusable index after each action so far, as a line. */
  history(zone, order) {
    const acts = this.run.acts.slice(0, this.nrActs).slice(-40);
    const values = acts.map((act) => act.zones.find((z) => z.type === zone.type)?.unusable[order] ?? 0);
    const points = values.map((value, i) => `${values.length > 1 ? (i / (values.length - 1)) * 58 + 1 : 30},${15 - value * 0.014}`).join(" ");
    const space = "http://www.w3.org/2000/svg";
    const image = document.createElementNS(space, "svg");
    image.setAttribute("viewBox", "0 0 60 16");
    image.setAttribute("class", "history");
    image.setAttribute("aria-hidden", "true");
    const line = document.createElementNS(space, "polyline");
    line.setAttribute("points", points);
    image.append(line);
    return image;
  }

  drawIndex() {
    const { t } = this;
    const bar = (value) => el("span", { class: "bar-cell" }, el("i", { style: `width:${Math.max(0, value) / 10}%` }));
    const zones = this.picture.zones.map((zone) => (this.picture.exact ? zone : { ...zone, ...this.run.core.indices(this.picture.nrFree(zone)) }));
    this.index.replaceChildren(...zones.map((zone) => el("div", { class: "table", tabindex: 0, role: "region", "aria-label": `${t.index}, ${ZONES[zone.type]}` }, el("table", { class: "indices" }, el("caption", { text: ZONES[zone.type] }),
      el("thead", {}, el("tr", {}, el("th", { scope: "col", text: t.order }), el("th", { scope: "col", text: t.fragIndex }), el("th", { scope: "col", text: t.unusable }), el("th", { scope: "col", text: t.history }))),
      el("tbody", {}, ...Array.from({ length: ORDERS }, (_, o) => el("tr", {}, el("th", { scope: "row", text: o }),
        el("td", {}, el("b", { text: zone.extfrag[o] < 0 ? "–" : (zone.extfrag[o] / 1000).toFixed(3) }), bar(zone.extfrag[o])),
        el("td", {}, el("b", { text: (zone.unusable[o] / 1000).toFixed(3) }), bar(zone.unusable[o])), el("td", {}, this.history(zone, o)))))))));
  }
}

export { PAGEBLOCK_ORDER };
