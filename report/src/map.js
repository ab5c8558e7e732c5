// SPDX-License-Identifier: MIT
// Every pageblock as a square, zone by zone without their holes; the slider goes
// through time.

import { PageblockMap, data, machine, pageSize, taskName, types, zoneName } from "./data.js";
import { setMarker } from "./charts.js";
import { $, announce, bytes, count, element, hex, percent, plural, seconds } from "./format.js";
import { colour, onTheme, typeColour, viridis, isDark } from "./theme.js";

const UNKNOWN = 255;
const maps = data.maps;
const map = maps.frames.length ? new PageblockMap(maps) : null;
const views = []; // stretches, in order of their addresses
let mode = "type";

const typeName = (type) => (type === UNKNOWN ? "type unknown" : (types[type] ?? `type ${type}`));

function rgb(text) {
  if (text.startsWith("#")) return [1, 3, 5].map((i) => parseInt(text.slice(i, i + 2), 16));
  return text.match(/\d+/g).map(Number);
}

const mix = (from, to, share) => from.map((v, i) => Math.round(v + (to[i] - v) * share));

// Colours of this moment, once a drawing and not once a cell.
function palette() {
  const free = rgb(colour("free"));
  const types7 = Array.from({ length: 7 }, (_, i) => rgb(typeColour(i)));
  return {
    free,
    reserved: rgb(colour("reserved")),
    type: (type) => types7[type === UNKNOWN ? 6 : Math.min(type, 6)],
    heat: Array.from({ length: 256 }, (_, i) => rgb(viridis(isDark() ? i / 255 : 1 - i / 255))),
  };
}

function cellColour(cell, colours) {
  const used = map.used[cell];
  if (map.reserved[cell] === 255) return colours.reserved;
  if (mode === "unmovable") return map.unmovable[cell] ? colours.heat[map.unmovable[cell]] : colours.free;
  if (!used) return colours.free;
  if (mode === "used") return colours.heat[used];
  // even one used page shows, and a full pageblock is full colour
  return mix(colours.free, colours.type(map.type[cell]), 0.25 + (0.75 * used) / 255);
}

// A stretch of one zone without long holes.
class Stretch {
  constructor(zone, zoneFirst, first, end, hole) {
    this.zone = zone;
    this.zoneFirst = zoneFirst;
    this.first = first;
    this.count = end - first;
    this.cursor = 0;
    this.canvas = element("canvas", {
      tabindex: "0", role: "img",
      onmousemove: (event) => this.point(event),
      onkeydown: (event) => this.key(event),
      onfocus: () => this.select(this.cursor, true),
      onblur: () => this.leave(),
      onmouseleave: () => this.leave(),
    });
    const cells = plural(this.count, "cell");
    const after = hole ? `, behind ${bytes(hole * maps.pages_per_cell * pageSize)} that are not managed` : "";
    $("map-box").append(element("h3", {}, `${zoneName(zone)}${after}: ${cells}`), this.canvas);
  }

  pfn(i) {
    return this.zone.first_pfn + (this.first - this.zoneFirst + i) * maps.pages_per_cell;
  }

  layout(size, width) {
    this.size = size;
    this.columns = Math.max(Math.floor(width / size), 1);
    this.rows = Math.ceil(this.count / this.columns);
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.min(this.columns, this.count) * size * ratio;
    this.canvas.height = this.rows * size * ratio;
    this.canvas.style.width = `${this.canvas.width / ratio}px`;
    this.canvas.style.height = `${this.canvas.height / ratio}px`;
    this.ratio = ratio;
  }

  draw(colours) {
    const context = this.canvas.getContext("2d");
    const size = this.size * this.ratio;
    const gap = this.size >= 6 ? this.ratio : 0;
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (let i = 0; i < this.count; i++) {
      const c = cellColour(this.first + i, colours);
      context.fillStyle = `rgb(${c[0]},${c[1]},${c[2]})`;
      context.fillRect((i % this.columns) * size, Math.floor(i / this.columns) * size, size - gap, size - gap);
    }
    if (this.selected !== undefined) {
      context.strokeStyle = colour("ink");
      context.lineWidth = 2 * this.ratio;
      context.strokeRect((this.selected % this.columns) * size, Math.floor(this.selected / this.columns) * size, size - gap, size - gap);
    }
    this.canvas.setAttribute("aria-label", this.describe());
  }

  describe() {
    let used = 0;
    let whole = 0;
    for (let i = this.first; i < this.first + this.count; i++) {
      used += map.used[i];
      whole += map.used[i] === 0 && map.reserved[i] < 255;
    }
    return `Map of the pageblocks of ${zoneName(this.zone)} from pfn ${hex(this.pfn(0))}: ${count(this.count)} cells, ` +
      `${count(whole)} entirely free, ${percent(used / 255 / this.count)} of all frames used. Arrow keys move ` +
      "from cell to cell.";
  }

  tell(i) {
    const cell = this.first + i;
    const start = this.pfn(i);
    const parts = [`pfn ${hex(start)} to ${hex(start + maps.pages_per_cell - 1)}`, typeName(map.type[cell])];
    if (map.reserved[cell] === 255) parts.push("not managed: reserved or a hole");
    else {
      parts.push(`${percent(map.used[cell] / 255, 0)} used`);
      if (map.unmovable[cell]) parts.push(`${percent(map.unmovable[cell] / 255, 0)} unmovable`);
      if (map.owner[cell]) parts.push(`most of it held by ${taskName(map.owner[cell])}`);
      else if (map.used[cell]) parts.push("most of it held since before the trace");
    }
    return `${zoneName(this.zone)}, ${parts.join(", ")}`;
  }

  select(i, speak) {
    for (const view of views) if (view !== this && view.selected !== undefined) view.leave();
    this.selected = i;
    this.cursor = i;
    this.draw(palette());
    $("map-info").textContent = this.tell(i);
    if (speak) announce(this.tell(i));
  }

  leave() {
    if (this.selected === undefined || document.activeElement === this.canvas) return;
    this.selected = undefined;
    this.draw(palette());
    $("map-info").textContent = "";
  }

  point(event) {
    const column = Math.floor(event.offsetX / this.size);
    const i = Math.floor(event.offsetY / this.size) * this.columns + column;
    if (column < this.columns && i >= 0 && i < this.count && i !== this.selected) this.select(i, false);
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[event.key];
    let next = this.cursor;
    if (step) next += step;
    else if (event.key === "Home") next = 0;
    else if (event.key === "End") next = this.count - 1;
    else return;
    event.preventDefault();
    if (next >= 0 && next < this.count) this.select(next, true);
  }
}

function legend() {
  const item = (background, text, ring) =>
    element("li", {}, element("i", { style: `background: ${background}`, class: ring ? "ring" : "" }), text);
  const items = [item(colour("free"), "entirely free", true)];
  if (mode === "type") {
    types.forEach((name, type) => {
      if (map.type.includes(type)) items.push(item(typeColour(type), name));
    });
    if (map.type.includes(UNKNOWN)) items.push(item(typeColour(6), "type unknown"));
    items.push(element("li", {}, "the fuller, the stronger the colour"));
  } else {
    const stops = [0, 0.25, 0.5, 0.75, 1].map((v) => viridis(isDark() ? v : 1 - v)).join(", ");
    items.push(element("li", {}, element("i", { style: `width: 6em; background: linear-gradient(90deg, ${stops})` }),
      mode === "used" ? "few to all of its frames used" : "few to all of its frames held by unmovable pages"));
  }
  if (map.reserved.includes(255)) items.push(item(colour("reserved"), "not managed"));
  $("legend-map").replaceChildren(...items);
}

// Squares as large as fit into 560 px of height, the same in all zones.
function squareSize(width) {
  const height = (size) => views.reduce((sum, view) => sum + Math.ceil(view.count / Math.floor(width / size)) * size, 0);
  let size = 18;
  while (size > 3 && height(size) > 560) size--;
  return size;
}

function draw() {
  const colours = palette();
  const width = Math.max($("map-box").clientWidth - 20, 200);
  const size = squareSize(width);
  for (const view of views) {
    view.layout(size, width);
    view.draw(colours);
  }
  legend();
}

export function showFrame(frame) {
  map.seek(frame);
  const colours = palette();
  for (const view of views) view.draw(colours);
  const text = seconds(maps.time[frame]);
  $("slider-time").textContent = text;
  $("slider").setAttribute("aria-valuetext", text);
  setMarker(maps.time[frame]);
  const selected = views.find((view) => view.selected !== undefined);
  if (selected) $("map-info").textContent = selected.tell(selected.selected);
}

let timer = null;

function stop() {
  clearInterval(timer);
  timer = null;
  $("play").textContent = "Play";
  $("play").setAttribute("aria-pressed", "false");
}

function play() {
  const slider = $("slider");
  if (timer) return stop();
  if (Number(slider.value) === map.frames.length - 1) slider.value = 0;
  $("play").textContent = "Pause";
  $("play").setAttribute("aria-pressed", "true");
  timer = setInterval(() => {
    slider.value = Number(slider.value) + 1;
    showFrame(Number(slider.value));
    if (Number(slider.value) === map.frames.length - 1) stop();
  }, 140);
}

const HOLE = 48; // cells: a longer one is left out

function addZone(zone, first, end) {
  let start = first;
  let hole = 0;
  const add = (stop) => {
    if (stop > start) views.push(new Stretch(zone, first, start, stop, hole));
  };
  for (let cell = first; cell < end;) {
    let next = cell;
    while (next < end && map.reserved[next] === 255) next++;
    if (next - cell > HOLE) {
      add(cell);
      hole = next - cell;
      start = next;
    }
    cell = Math.max(next, cell + 1);
  }
  add(end);
}

// Where to open: as the first request failed; without a failure at the end.
function firstFrame() {
  const last = map.frames.length - 1;
  if (!data.failures.length) return last;
  const after = maps.time.findIndex((time) => time > data.failures[0].time);
  return after < 0 ? last : Math.max(after - 1, 0);
}

export function setupMap() {
  if (!map) {
    $("map-box").append(element("p", { class: "none" }, "The trace does not tell enough for a map: "
      + "it has neither allocations nor a snapshot."));
    for (const id of ["play", "slider", "colour"]) $(id).disabled = true;
    return;
  }
  const grouped = maps.pages_per_cell / 2 ** machine.pageblock_order;
  $("map-lead").textContent = `Each square is ${grouped > 1 ? `${grouped} pageblocks` : "one pageblock"} ` +
    `(${bytes(maps.pages_per_cell * pageSize)}), in order of its address. Point at one, or move to it with the arrow keys.`;
  machine.zones.forEach((zone, i) => {
    addZone(zone, maps.zone_first_cell[i], maps.zone_first_cell[i + 1]);
  });
  const slider = $("slider");
  slider.max = map.frames.length - 1;
  slider.addEventListener("input", () => {
    if (timer) stop();
    showFrame(Number(slider.value));
  });
  $("play").addEventListener("click", play);
  $("colour").addEventListener("change", (event) => {
    mode = event.target.value;
    draw();
  });
  new ResizeObserver(draw).observe($("map-box"));
  onTheme(draw);
  draw();
  slider.value = firstFrame();
  showFrame(firstFrame());
}
