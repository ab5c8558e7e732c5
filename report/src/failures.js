// SPDX-License-Identifier: MIT
// What happened, in words; and every failure: its mark in the chart, its row in
// the table, and the state of each zone in that moment.

import { data, machine, pageSize, taskName, zoneName } from "./data.js";
import { setMarker } from "./charts.js";
import { $, announce, bytes, count, element, hex, plural, seconds } from "./format.js";
import { breakable, none, sortable } from "./tables.js";

const failures = data.failures;

// The words are those of `explain`; the sentences come with the data.
const rule = (name) => name.replaceAll("_", " ");

export function setupConclusion() {
  const [first, ...rest] = data.conclusion;
  $("conclusion-text").append(element("p", { class: "first" }, breakable(first)));
  if (rest.length) $("conclusion-text").append(element("ul", {}, ...rest.map((text) => element("li", {}, breakable(text)))));
}

function decidingZone(failure) {
  const zone = failure.zones[failure.decides];
  return zone && zone.zone >= 0 ? zoneName(machine.zones[zone.zone]) : "no zone";
}

const request = (failure) => data.gfp_names[failure.gfp] ?? hex(failure.gfp);

// ------------------------------------------------------------------- the panel

let shown = -1;

function zoneRow(zone) {
  return element("tr", {},
    element("th", { scope: "row" }, zone.zone < 0 ? "?" : zoneName(machine.zones[zone.zone])),
    element("td", { "data-label": "Answer" }, rule(zone.rule)),
    element("td", { "data-label": "Free", class: "number" }, bytes(zone.free * pageSize)),
    element("td", { "data-label": "Usable", class: "number" }, bytes(Math.max(zone.usable, 0) * pageSize)),
    element("td", { "data-label": "Must stay", class: "number" }, bytes((zone.mark + zone.reserve) * pageSize)),
    element("td", { "data-label": "Largest block", class: "number" },
      zone.largest_order < 0 ? "none" : `order ${zone.largest_order}`),
    element("td", { "data-label": "Free blocks, order 0 up", class: "wide" }, zone.blocks.map(count).join(" ")),
    element("td", { "data-label": "Why", class: "wide" }, zone.text));
}

function fill(failure, index) {
  const step = (by, text) => element("button", {
    type: "button", disabled: index + by < 0 || index + by >= failures.length,
    onclick: () => showFailure(index + by),
  }, text);
  const heads = ["Zone", "Answer", "Free", "Usable", "Must stay", "Largest block", "Free blocks, order 0 up", "Why"];
  $("failure").replaceChildren(
    element("div", { class: "row" },
      element("h3", {}, `Failure ${index + 1} of ${count(failures.length)}, at ${seconds(failure.time)}`),
      element("div", { class: "buttons" }, step(-1, "Previous"), step(1, "Next"),
        element("button", { type: "button", onclick: close }, "Close"))),
    element("p", {}, breakable(failure.sentence)),
    failure.zones.length ? element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "The zones in that moment" },
      element("table", {}, element("thead", {}, element("tr", {},
        ...heads.map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, ...failure.zones.map(zoneRow)))) : element("p", { class: "none" },
      "Without a snapshot of the start nobody knows what was free."));
}

function close() {
  $("failure").hidden = true;
  shown = -1;
}

export function showFailure(index, focus = true) {
  const failure = failures[index];
  shown = index;
  fill(failure, index);
  $("failure").hidden = false;
  setMarker(failure.time);
  if (focus) {
    $("failure").focus({ preventScroll: true });
    $("failure").scrollIntoView({ block: "nearest" });
  }
  announce(`Failure ${index + 1}, at ${seconds(failure.time)}: order ${failure.order}, ${rule(failure.rule)}`);
}

export const shownFailure = () => shown;

// ------------------------------------------------- marks that can be pressed

/*
 * Buttons over the triangles of the chart. Those that would lie on each other
 * are one, which opens the first of them; Next goes to the others.
 */
export function placeMarks(layer, u, visible) {
  const ratio = devicePixelRatio;
  const left = u.bbox.left / ratio;
  const right = left + u.bbox.width / ratio;
  const groups = [];
  failures.forEach((failure, index) => {
    const x = u.valToPos(failure.time, "x") + left;
    if (x < left - 1 || x > right + 1 || !visible(failure)) return;
    const last = groups.at(-1);
    if (last && x - last.x < 14) last.times++;
    else groups.push({ x, index, failure, times: 1 });
  });
  layer.replaceChildren(...groups.map((group) => element("button", {
    type: "button",
    class: "mark",
    style: `left: ${group.x.toFixed(1)}px; top: ${(u.bbox.top / ratio).toFixed(1)}px`,
    "aria-label": `${plural(group.times, "failure")} from ${seconds(group.failure.time)} on; the first: order ` +
      `${group.failure.order}, ${rule(group.failure.rule)}`,
    onclick: () => showFailure(group.index),
  })));
}

// -------------------------------------------------------------------- the table

export function setupFailures() {
  if (!failures.length) {
    $("failures-table").append(none("No request failed in this trace."));
    return;
  }
  const left = data.totals.failures - failures.length;
  $("failures-table").append(sortable([
    {
      title: "Time", number: true, get: (f) => f.time,
      show: (f) => element("button", { type: "button", class: "link", onclick: () => showFailure(failures.indexOf(f)) },
        seconds(f.time)),
    },
    { title: "Order", number: true, get: (f) => f.order, show: (f) => count(f.order) },
    { title: "Task", get: (f) => taskName(f.task) },
    { title: "Reason", get: (f) => rule(f.rule) },
    { title: "Zone", get: decidingZone },
    { title: "In numbers", wide: true, get: (f) => f.zones[f.decides]?.text ?? "" },
    { title: "Request", wide: true, get: request, show: (f) => breakable(request(f)) },
  ], failures, {
    caption: "Press a time to see every zone in that moment" +
      (left > 0 ? `; ${plural(left, "later failure is", "later failures are")} counted only` : ""),
    limit: 1000,
  }));
}
