// SPDX-License-Identifier: MIT
// Charts over time: uPlot, and around it what a canvas lacks: a description, a
// cursor for the keyboard whose values are read out, and the data as a table.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { announce, element, seconds } from "./format.js";
import { colour, onTheme } from "./theme.js";

const sync = uPlot.sync("time");
const charts = [];
let marker = null; // s: the moment that the map shows

export function setMarker(t) {
  marker = t;
  for (const chart of charts) chart.plot?.redraw(false, false);
}

const axis = (extra) => ({
  stroke: () => colour("soft"),
  grid: { stroke: () => colour("grid"), width: 1 },
  ticks: { stroke: () => colour("grid"), width: 1 },
  font: "12px system-ui, sans-serif",
  ...extra,
});

function drawMarker(u) {
  if (marker === null) return;
  const x = Math.round(u.valToPos(marker, "x", true));
  const { ctx } = u;
  if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) return;
  ctx.save();
  ctx.strokeStyle = colour("accent");
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, u.bbox.top);
  ctx.lineTo(x, u.bbox.top + u.bbox.height);
  ctx.stroke();
  ctx.restore();
}

/*
 * One chart. make() gives {series, data, bands, describe, value, unit, draw, height}: it
 * is called again when the zone, the order or the theme changes.
 *	series [{label, stroke, fill, width, values[], dash}]: what the legend and the table show
 *	data   what is drawn, stacked where the chart is
 */
export class Chart {
  constructor(box, make) {
    this.box = box;
    this.make = make;
    this.plotBox = element("div", { class: "plot", tabindex: "0", role: "img" });
    this.table = element("details", {}, element("summary", {}, "Show the numbers"));
    this.table.addEventListener("toggle", () => this.fillTable());
    // beside the picture and not in it: what is inside a picture nobody can press
    this.layer = element("div", { class: "marks", role: "group", "aria-label": "Failures" });
    box.append(this.plotBox, this.layer, this.table);
    this.plotBox.addEventListener("keydown", (event) => this.key(event));
    this.plotBox.addEventListener("blur", () => this.plot?.setCursor({ left: -10, top: -10 }));
    new ResizeObserver(() => this.resize()).observe(box);
    charts.push(this);
    onTheme(() => this.draw());
    this.draw();
  }

  width() {
    return Math.max(this.plotBox.clientWidth, 240);
  }

  resize() {
    const width = this.width();
    if (this.plot && width !== this.plot.width) this.plot.setSize({ width, height: this.plot.height });
  }

  draw() {
    const spec = this.make();
    const zoom = this.plot && this.zoomed ? { ...this.plot.scales.x } : null;
    this.spec = spec;
    this.plot?.destroy();
    this.plot = new uPlot(this.options(spec), spec.data, this.plotBox);
    if (zoom) this.plot.setScale("x", { min: zoom.min, max: zoom.max });
    this.plotBox.setAttribute("aria-label",
      `${spec.describe} Arrow keys move through time, Home and End go to its ends.`);
    if (this.table.open) this.fillTable();
  }

  options(spec) {
    const value = (series) => (u, v, s, i) => (i === null ? "" : spec.value(series.values[i]));
    return {
      width: this.width(),
      height: spec.height ?? 300,
      cursor: { sync: { key: sync.key, setSeries: false }, points: { show: !spec.bands }, drag: { x: true, y: false } },
      legend: { live: true },
      scales: { x: { time: false }, y: { range: spec.range } },
      axes: [
        axis({ values: (u, ticks) => ticks.map((t) => seconds(t).replace(".00 s", " s").replace(".0 s", " s")) }),
        axis({ size: 76, incrs: spec.increments, values: (u, ticks) => ticks.map((t) => spec.tick(t)) }),
      ],
      bands: spec.bands,
      series: [
        { label: "Time", value: (u, v) => (v === null ? "" : seconds(v)) },
        ...spec.series.map((series) => ({
          label: series.label,
          stroke: series.stroke,
          fill: series.fill,
          width: series.width ?? 1,
          dash: series.dash,
          spanGaps: false,
          points: { show: series.points ?? false, size: 4 },
          paths: series.straight ? undefined : uPlot.paths.stepped({ align: 1 }),
          value: value(series),
        })),
      ],
      hooks: {
        draw: [(u) => spec.draw?.(u), drawMarker, (u) => this.overlay(u)],
        // with no pointer in the chart the legend tells the end
        ready: [(u) => u.setLegend({ idx: u.data[0].length - 1 }, false)],
        setCursor: [(u) => {
          if (u.cursor.idx === null || u.cursor.left < 0) u.setLegend({ idx: u.data[0].length - 1 }, false);
        }],
        setScale: [(u, key) => {
          if (key === "x") this.zoomed = u.scales.x.min > u.data[0][0] || u.scales.x.max < u.data[0].at(-1);
        }],
      },
    };
  }

  overlay(u) {
    this.layer.style.left = `${this.plotBox.offsetLeft}px`;
    this.layer.style.top = `${this.plotBox.offsetTop}px`;
    this.spec.overlay?.(this.layer, u);
  }

  key(event) {
    const times = this.spec.data[0];
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    let next = this.index ?? 0;
    if (step) next += step;
    else if (event.key === "Home") next = 0;
    else if (event.key === "End") next = times.length - 1;
    else return;
    event.preventDefault();
    this.index = Math.min(Math.max(next, 0), times.length - 1);
    this.plot.setCursor({ left: this.plot.valToPos(times[this.index], "x"), top: 20 });
    announce(this.say(this.index));
  }

  say(i) {
    const parts = this.spec.series
      .filter((series) => series.values[i] !== null && !series.quiet)
      .map((series) => `${series.label} ${this.spec.value(series.values[i])}`);
    return `At ${seconds(this.spec.data[0][i])}: ${parts.join(", ")}`;
  }

  // At most 60 rows, evenly spread: the whole of it is in the page's JSON.
  fillTable() {
    if (!this.table.open) return;
    const { series, data } = this.spec;
    const last = data[0].length - 1;
    const rows = Math.min(last + 1, 60);
    const picks = Array.from({ length: rows }, (_, i) => Math.round((i * last) / Math.max(rows - 1, 1)));
    const head = element("tr", {}, element("th", { scope: "col" }, "Time"),
      ...series.map((s) => element("th", { scope: "col", class: "number" }, s.label)));
    const body = picks.map((i) => element("tr", {},
      element("th", { scope: "row" }, seconds(data[0][i])),
      ...series.map((s) => element("td", { class: "number" },
        s.values[i] === null ? "–" : this.spec.value(s.values[i])))));
    const table = element("table", {},
      element("caption", {}, rows <= last ? `${rows} of ${last + 1} samples` : `${rows} samples`),
      element("thead", {}, head), element("tbody", {}, ...body));
    this.table.replaceChildren(this.table.firstChild,
      element("div", { class: "scroll tall", tabindex: "0", role: "region", "aria-label": "Numbers of the chart" }, table));
  }
}
