// SPDX-License-Identifier: MIT
import "./style.css";

import { data, machine, orders, pageSize, time, zoneName } from "./data.js";
import { $, bytes, count, element, seconds } from "./format.js";
import { setupConclusion, setupFailures, showFailure } from "./failures.js";
import { setupGlossary } from "./glossary.js";
import { setupMap, showFrame } from "./map.js";
import { setupEvents, setupPins, setupQuality, setupSummary, setupTop, setupWhatIf } from "./tables.js";
import { setupTheme } from "./theme.js";
import { redraw, setupCharts, state } from "./views.js";

function heading() {
  const managed = machine.zones.reduce((sum, zone) => sum + zone.managed, 0);
  document.title = `pagebuddy: ${data.trace.name}`;
  $("trace-name").textContent = data.trace.name;
  $("trace-facts").textContent = [
    `${count(data.trace.events)} events in ${seconds(time.at(-1) ?? 0)}`,
    `${bytes(managed * pageSize)} in ${machine.zones.length} zone${machine.zones.length === 1 ? "" : "s"}`,
    `${data.trace.cpus} CPU${data.trace.cpus === 1 ? "" : "s"}`,
    data.trace.format,
    data.trace.kernel ? `Linux ${data.trace.kernel}` : "kernel not recorded",
    data.trace.host ? `host ${data.trace.host}` : "host not recorded",
    data.trace.realtime ? `recorded ${new Date(data.trace.realtime * 1000).toISOString().replace("T", " ").slice(0, 19)} UTC`
      : "date not recorded",
  ].filter(Boolean).join(" · ");
  if (data.only) {
    $("only").textContent = `Told are only events of ${data.only}. Memory is what all of them left.`;
    $("only").hidden = false;
  }
  $("footer").textContent = `Made by ${data.tool}. This page is complete in itself: it asks the network for nothing. ` +
    "Its data is the JSON in the element \"data\" (kind report, schema 2).";
}

function choices() {
  const zone = $("zone");
  zone.append(element("option", { value: "-1" }, "all"));
  machine.zones.forEach((z, i) => zone.append(element("option", { value: i }, zoneName(z))));
  zone.addEventListener("change", () => {
    state.zone = Number(zone.value);
    redraw();
  });
  const order = $("order");
  for (let o = 0; o < orders; o++)
    order.append(element("option", { value: o, selected: o === state.order },
      `${o} (${bytes(pageSize * 2 ** o)})`));
  order.addEventListener("change", () => {
    state.order = Number(order.value);
    redraw();
  });
}

heading();
choices();
setupTheme($("theme"));
setupConclusion();
setupSummary();
const charts = setupCharts();
setupMap();
setupTop();
setupPins();
setupWhatIf();
setupFailures();
setupEvents();
setupQuality();
setupGlossary();

// For tests, and for whoever wants more of the page than it shows.
window.pagebuddy = { data, charts, state, showFailure, showFrame };
document.documentElement.dataset.ready = "true";
