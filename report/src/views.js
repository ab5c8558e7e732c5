// SPDX-License-Identifier: MIT
// The three charts.

import { Chart } from "./charts.js";
import {
  data, freeBlocks, freePages, indices, machine, orders, pageSize, sumZones, time, timeline, zoneName,
} from "./data.js";
import { placeMarks } from "./failures.js";
import { $, bytes, count, element, percent, plural, seconds } from "./format.js";
import { colour, onTheme, orderColour } from "./theme.js";

export const state = { zone: -1, order: machine.pageblock_order };
const charts = [];

export function redraw() {
  for (const chart of charts) chart.draw();
}

const where = () => (state.zone < 0 ? "all zones" : zoneName(machine.zones[state.zone]));
const mib = (pages) => (pages * pageSize) / 2 ** 20;
const tickMib = (v) => bytes(v * 2 ** 20).replace(/^0 .*/, "0");
// Round in binary: 1, 2, 4 ... MiB, GiB, TiB.
const INCREMENTS = Array.from({ length: 40 }, (_, i) => 2 ** (i - 8));

function extent(values) {
  let low = 0;
  for (let i = 1; i < values.length; i++) if (values[i] < values[low]) low = i;
  return { first: values[0], last: values.at(-1), low: values[low], when: time[low] };
}

// -------------------------------------------------------------- free memory

// Kinds of marks, as in the data: failure, fallback, fallback that claimed the pageblock.
export const MARKS = [
  { one: "failed request", many: "failed requests", where: "triangle", colour: "bad" },
  { one: "fallback to another migratetype", many: "fallbacks to another migratetype", where: "short tick", colour: "warn" },
  {
    one: "fallback that claimed the pageblock", many: "fallbacks that claimed the pageblock", where: "long tick",
    colour: "accent",
  },
];

function inZone(mark) {
  return state.zone < 0 || mark[8] < 0 || mark[8] === state.zone;
}

function drawMarks(u) {
  const { ctx } = u;
  const ratio = devicePixelRatio;
  ctx.save();
  for (const mark of data.marks) {
    const x = u.valToPos(mark[0], "x", true);
    if (x < u.bbox.left || x > u.bbox.left + u.bbox.width || !inZone(mark)) continue;
    ctx.fillStyle = colour(MARKS[mark[1]].colour);
    if (mark[1] === 0) {
      ctx.beginPath();
      ctx.moveTo(x - 5 * ratio, u.bbox.top);
      ctx.lineTo(x + 5 * ratio, u.bbox.top);
      ctx.lineTo(x, u.bbox.top + 11 * ratio);
      ctx.fill();
    } else {
      // a row of ticks below the triangles, above all that is drawn
      const height = mark[1] === 1 ? 8 : 14;
      ctx.fillRect(x - ratio, u.bbox.top + 14 * ratio, 2 * ratio, height * ratio);
    }
  }
  ctx.restore();
}

function drawWatermarks(u) {
  if (state.zone < 0) return;
  const { ctx } = u;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = colour("bad");
  ctx.fillStyle = colour("bad");
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.lineWidth = ratio;
  ["min", "low", "high"].forEach((name, i) => {
    const y = u.valToPos(mib(machine.zones[state.zone].watermark[name]), "y", true);
    if (y < u.bbox.top) return;
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(u.bbox.left, y);
    ctx.lineTo(u.bbox.left + u.bbox.width, y);
    ctx.stroke();
    ctx.fillText(name, u.bbox.left + (6 + i * 30) * ratio, y - 3 * ratio);
  });
  ctx.restore();
}

function freeSpec() {
  const series = [];
  const drawn = [];
  const total = time.map(() => 0);
  for (let o = orders - 1; o >= 0; o--) {
    const amounts = freeBlocks(state.zone, o).map((n) => mib(n * 2 ** o));
    amounts.forEach((amount, i) => { total[i] += amount; });
    series.push({
      label: `order ${o}`,
      stroke: orderColour(o, orders - 1),
      fill: orderColour(o, orders - 1),
      width: 0.5,
      values: amounts,
    });
    drawn.push(total.slice());
  }
  const pages = extent(freePages(state.zone));
  const say = (n) => bytes(n * pageSize);
  return {
    series,
    data: [time, ...drawn],
    bands: series.slice(1).map((_, i) => ({ series: [i + 2, i + 1] })),
    describe: `Stacked area chart of free memory by order in ${where()} over ${seconds(time.at(-1))}: ` +
      `${say(pages.first)} at the start, ${say(pages.last)} at the end, least ${say(pages.low)} at ` +
      `${seconds(pages.when)}.`,
    value: (v) => bytes(v * 2 ** 20),
    tick: tickMib,
    increments: INCREMENTS,
    range: (u, min, max) => [0, (max || 1) * (data.marks.length ? 1.14 : 1.04)],
    draw: (u) => {
      drawWatermarks(u);
      drawMarks(u);
    },
    overlay: (layer, u) => placeMarks(layer, u, () => true),
    height: 330,
  };
}

function marksLegend() {
  const counts = [0, 0, 0];
  for (const mark of data.marks) counts[mark[1]]++;
  $("legend-marks").replaceChildren(...MARKS.map((mark, kind) =>
    element("li", {}, element("i", { style: `background: ${colour(mark.colour)}` }),
      `${plural(counts[kind], mark.one, mark.many)} (${mark.where})`)),
    ...(data.marks_left_out ? [element("li", {}, `${plural(data.marks_left_out, "mark")} left out`)] : []));
}

// ------------------------------------------------------------------- indices

function indexSpec() {
  const { unusable, extfrag } = indices(state.zone, state.order);
  const size = bytes(pageSize * 2 ** state.order);
  const worst = Math.max(...unusable);
  return {
    series: [
      { label: `unusable for order ${state.order}`, stroke: colour("accent"), width: 2, values: unusable },
      { label: `extfrag index of order ${state.order}`, stroke: colour("bad"), width: 2, points: true, values: extfrag },
    ],
    data: [time, unusable, extfrag],
    describe: `Line chart of the fragmentation indices for order ${state.order} (${size}) in ${where()}: ` +
      `${percent(unusable[0])} of free memory is unusable for it at the start, ${percent(unusable.at(-1))} at the ` +
      `end, ${percent(worst)} at worst; ` +
      (extfrag.some((v) => v !== null) ? "there are moments when no such block is free." : "a block is free at every moment."),
    value: (v) => (v === null ? "a block is free" : v.toFixed(3)),
    tick: (v) => String(Number(v.toFixed(2))),
    range: () => [0, 1.02],
    height: 220,
  };
}

function hugeSpec() {
  const blocks = sumZones(state.zone, (zone, i) => zone.free_2m[i]);
  const at = extent(blocks);
  const size = bytes(pageSize * 2 ** machine.pageblock_order);
  $("h-huge").textContent = `Free ${size} blocks`;
  return {
    series: [{ label: `free ${size} blocks`, stroke: colour("good"), fill: `color-mix(in srgb, ${colour("good")} 14%, transparent)`, width: 2, values: blocks }],
    data: [time, blocks],
    describe: `Line chart of the ${size} blocks that could be had in ${where()}: ${count(at.first)} at the start, ` +
      `${count(at.last)} at the end, least ${count(at.low)} at ${seconds(at.when)}.`,
    value: (v) => count(v),
    tick: (v) => count(v),
    range: (u, min, max) => [0, Math.max(max * 1.08, 1)],
    height: 180,
  };
}

export function setupCharts() {
  if (!timeline.time.length) {
    for (const id of ["chart-free", "chart-index", "chart-huge"])
      $(id).append(element("p", { class: "none" }, "The trace has no samples."));
    return charts;
  }
  charts.push(new Chart($("chart-free"), freeSpec), new Chart($("chart-index"), indexSpec),
    new Chart($("chart-huge"), hugeSpec));
  marksLegend();
  onTheme(marksLegend);
  return charts;
}
