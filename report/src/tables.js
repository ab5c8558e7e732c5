// SPDX-License-Identifier: MIT
// Tables: real ones, with headers that sort.

import { data, machine, pageSize, taskName, types } from "./data.js";
import { $, bytes, count, element, hex, nanoseconds, percent, plural, seconds, trim } from "./format.js";

/*
 * columns: [{title, get(row) -> what sorts, show(row) -> text or node, number, wide}]
 */
export function sortable(columns, rows, { caption, limit = 200 } = {}) {
  const body = element("tbody");
  const fill = (sorted) => body.replaceChildren(...sorted.slice(0, limit).map((row) =>
    element("tr", {}, ...columns.map((column, i) => {
      const tag = i === 0 ? "th" : "td";
      const classes = [column.number && "number", column.wide && "wide", column.narrow && "narrow"].filter(Boolean).join(" ");
      return element(tag, {
        class: classes || undefined, scope: i === 0 ? "row" : undefined, "data-label": i ? column.title : undefined,
      },
        (column.show ?? column.get)(row));
    }))));
  const headers = columns.map((column) => {
    const header = element("th", { scope: "col", class: column.number ? "number" : undefined });
    header.append(element("button", { type: "button", onclick: () => sort(column, header) }, column.title));
    return header;
  });
  function sort(column, header) {
    const up = header.getAttribute("aria-sort") === "descending";
    for (const other of headers) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", up ? "ascending" : "descending");
    const sign = up ? 1 : -1;
    fill([...rows].sort((a, b) => {
      const x = column.get(a);
      const y = column.get(b);
      return sign * (typeof x === "number" ? x - y : String(x).localeCompare(String(y)));
    }));
  }
  fill(rows);
  const shown = rows.length > limit ? `the first ${limit} of ${count(rows.length)}` : null;
  const text = [caption, shown].filter(Boolean).join("; ");
  return element("div", { class: rows.length > 16 ? "scroll tall" : "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element("table", {}, text ? element("caption", {}, text) : null,
      element("thead", {}, element("tr", {}, ...headers)), body));
}

export const none = (text) => element("p", { class: "none" }, text);
const type = (t) => types[t] ?? (t === 255 ? "unknown" : `type ${t}`);
const number = (title, key, show = (row) => count(row[key])) => ({
  title, number: true, get: (row) => row[key], show,
});

function bar(value, greatest, text) {
  const node = element("span", {}, text);
  if (greatest > 0)
    node.prepend(element("span", { class: "bar", style: `--share: ${(value / greatest).toFixed(3)}`, "aria-hidden": "true" }));
  return node;
}

// A long list of flags may break behind each of them.
export function breakable(flags) {
  const node = element("span");
  flags.split("|").forEach((flag, i) => node.append(...(i ? ["|", element("wbr")] : []), flag));
  return node;
}

// ------------------------------------------------------------- who allocates

const life = (s) => (s === null ? "–" : nanoseconds(s * 1e9));

function allocators(first, rows, caption, rest = []) {
  const most = Math.max(...rows.map((row) => row.pages));
  return sortable([
    first,
    { title: "Requests", number: true, get: (r) => r.allocations + r.failures, show: (r) => count(r.allocations + r.failures) },
    number("Asked for", "pages", (r) => bar(r.pages, most, bytes(r.pages * pageSize))),
    number("Failed", "failures"),
    number("Held at the end", "held_pages", (r) => bytes(r.held_pages * pageSize)),
    { title: "Median life", number: true, get: (r) => r.p50_seconds ?? -1, show: (r) => life(r.p50_seconds) },
    { title: "90 %", number: true, get: (r) => r.p90_seconds ?? -1, show: (r) => life(r.p90_seconds) },
    ...rest,
  ], rows, { caption });
}

// "a < b < c" may break behind each function.
function callers(chain) {
  const node = element("span");
  chain.split(" < ").slice(1).forEach((name, i) => node.append(...(i ? [" < ", element("wbr")] : []), name));
  return node;
}

function sites(top) {
  if (!top.sites)
    return none("The trace has no stacks. perf record -g, trace-cmd record -T or options/stacktrace of tracefs record them.");
  return allocators({ title: "Function", get: (s) => s.function ?? "(callers not recorded)" }, top.sites,
    "First functions outside the allocator, most memory first",
    [{ title: "Called by, mostly", wide: true, get: (s) => s.chain ?? "", show: (s) => callers(s.chain ?? "") }]);
}

function ages(top) {
  const rows = top.lifetimes.map((age, i) => ({ ...age, number: i, from: i ? top.lifetimes[i - 1].below_seconds : 0 }));
  const name = (age) => (age.below_seconds === null ? `longer than ${life(age.from)}` : `under ${life(age.below_seconds)}`);
  return sortable([
    { title: "Freed again after", get: (age) => age.number, show: name },
    number("Requests", "allocations"),
    number("Memory", "pages", (age) => bytes(age.pages * pageSize)),
  ], rows, { caption: "Blocks by how long they were held, those that the trace frees" });
}

export function setupTop() {
  const { top } = data;
  $("who-lead").textContent = `${plural(top.allocations + top.failures, "request")} for ${bytes(top.pages * pageSize)} in all; ` +
    `${bytes(top.held_pages * pageSize)} of it are still held when the trace ends.`;
  if (!top.tasks.length) {
    $("who-tasks").append(none("Nobody asked for memory."));
    return;
  }
  $("who-tasks").append(allocators({ title: "Task", get: (t) => t.comm }, top.tasks, "Tasks, most memory first"));
  $("who-sites").append(sites(top));
  $("who-orders").append(allocators(number("Order", "order"), top.orders, "Requests by order"));
  $("who-ages").append(ages(top));
}

// ------------------------------------------------------------------ who pins

function pinOwners(pins) {
  if (!pins.owners.length) return none("Nobody: no page that was allocated in the trace keeps a pageblock from being whole.");
  const most = Math.max(...pins.owners.map((owner) => owner.pageblocks));
  return sortable([
    { title: "Task", get: (o) => o.comm },
    { title: "Type", get: (o) => type(o.migratetype) },
    number("Order", "order"),
    number("Held", "pages", (o) => bytes(o.pages * pageSize)),
    number("Pageblocks pinned", "pageblocks", (o) => bar(o.pageblocks, most, count(o.pageblocks))),
    number("by it alone", "sole"),
    { title: "Request", wide: true, get: (o) => o.gfp_name, show: (o) => breakable(o.gfp_name) },
  ], pins.owners, { caption: "Holders of pages in pageblocks that are not whole" });
}

function pinBlocks(pins) {
  if (!pins.blocks.length) return none("None.");
  const name = (p) => `${taskName(p.task)}: order ${p.order} at ${hex(p.pfn)}, `;
  const pin = (p) => element("span", {}, name(p), breakable(p.gfp_name),
    p.time === null ? ", before the trace" : `, at ${seconds(p.time)}`);
  return sortable([
    { title: "Pageblock", get: (b) => b.pfn, show: (b) => hex(b.pfn) },
    { title: "Type", get: (b) => type(b.migratetype) },
    number("Free", "free_pages", (b) => bytes(b.free_pages * pageSize)),
    number("Movable", "movable_pages", (b) => bytes(b.movable_pages * pageSize)),
    { title: "Held by", wide: true, get: (b) => name(b.pins[0]),
      show: (b) => element("span", {}, ...b.pins.flatMap((p, i) => (i ? ["; ", pin(p)] : [pin(p)]))) },
    {
      title: "Let in by", wide: true, get: (b) => b.fallback?.time ?? -1,
      show: (b) => (b.fallback ? `fallback from ${type(b.fallback.from_type)} to ${type(b.fallback.type)} at ` +
        `${seconds(b.fallback.time)}` : "–"),
    },
  ], pins.blocks, { caption: "Pageblocks with one or two unmovable blocks in them" });
}

function lifetimes(pins) {
  if (!pins.lifetimes.length) return none("The trace frees nothing that it allocated.");
  return sortable([
    { title: "Type", get: (l) => type(l.migratetype) },
    number("Order", "order"),
    number("Freed", "freed"),
    number("Alive at the end", "alive"),
    number("Median", "p50", (l) => (l.freed ? nanoseconds(l.p50) : "–")),
    number("90 %", "p90", (l) => (l.freed ? nanoseconds(l.p90) : "–")),
    number("99 %", "p99", (l) => (l.freed ? nanoseconds(l.p99) : "–")),
    number("Longest", "max", (l) => (l.freed ? nanoseconds(l.max) : "–")),
  ], pins.lifetimes, { caption: "Lifetimes of pages allocated in the trace" });
}

export function setupPins() {
  const { pins } = data;
  if (!pins) {
    $("pins-lead").textContent = data.pins_error ?? "";
    return;
  }
  $("pins-lead").textContent = `At the end ${plural(pins.whole, "pageblock is", "pageblocks are")} entirely free, ` +
    `${count(pins.partial)} partly and ${count(pins.full)} not at all. These hold the pages in the ones between.`;
  $("pins-owners").append(pinOwners(pins));
  $("pins-blocks").append(pinBlocks(pins));
  $("pins-lifetimes").append(lifetimes(pins));
}

// ------------------------------------------------------------------- what if

// Better or worse than the baseline, said by colour and by a sign.
function compared(value, baseline, lessIsBetter, show) {
  if (value === baseline) return show(value);
  const better = value < baseline === lessIsBetter;
  return element("span", { class: better ? "better" : "worse" }, `${show(value)}\u00a0${value < baseline ? "▼" : "▲"}`);
}

export function setupWhatIf() {
  const runs = data.whatif;
  if (!runs?.length) {
    $("whatif-table").append(none(data.whatif_error ?? "No variant was run."));
    return;
  }
  const base = runs[0];
  const column = (title, key, less, show = count) => ({
    title, number: true, get: (run) => run[key],
    show: (run) => (run === base ? show(run[key]) : compared(run[key], base[key], less, show)),
  });
  const size = bytes(pageSize * 2 ** machine.pageblock_order);
  const index = (v) => (v / 1000).toFixed(2);
  $("whatif-table").append(sortable([
    { title: "Variant", get: (run) => run.name },
    column("Failures", "failures", true),
    { title: "by order", narrow: true, get: (run) => run.failures_text },
    column(`${size.replace(" ", "\u00a0")} blocks, min`, "huge_min", false),
    column("median", "huge_median", false),
    column("end", "huge_end", false),
    column("Unusable", "unusable_end", true, index),
    { title: "Extfrag", number: true, get: (run) => run.extfrag_end, show: (run) => (run.extfrag_end < 0 ? "–" : index(run.extfrag_end)) },
    column("Fallbacks", "fallbacks", true),
    column("Mixed page\u00adblocks", "mixed", true),
    column("CPU ns an operation", "ns_per_op", true, (v) => trim(v)),
  ], runs, { caption: `Compared with the first row; indices are for order ${machine.pageblock_order} at the end` }));
}

// -------------------------------------------------------------------- events

function grouped() {
  const groups = new Map();
  for (const [when, kind, order, mt, fromType, fromOrder, task, gfp] of data.marks) {
    const comm = data.tasks[task]?.[1] ?? "unknown";
    const key = [kind, order, mt, fromType, fromOrder, comm, gfp].join();
    const group = groups.get(key) ?? { kind, order, mt, fromType, fromOrder, comm, gfp, times: 0, first: when, last: when };
    group.times++;
    group.last = when;
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => a.kind - b.kind || b.times - a.times);
}

const KINDS = ["failed", "fallback", "fallback, claimed"];

export function setupEvents() {
  const groups = grouped();
  const { totals } = data;
  $("events-lead").textContent = `${plural(totals.failures, "request")} failed, ` +
    `${plural(totals.fallbacks, "request")} took memory of another migratetype, ` +
    `${plural(totals.fallback_claims, "time")} with the whole pageblock.` +
    (data.marks_left_out ? ` The table counts all but ${count(data.marks_left_out)} of them.` : "");
  if (!groups.length) {
    $("events-table").append(none("None in this trace."));
    return;
  }
  $("events-table").append(sortable([
    { title: "What", get: (g) => KINDS[g.kind] },
    number("Times", "times"),
    number("Order", "order"),
    { title: "Type wanted", get: (g) => type(g.mt) },
    { title: "Taken from", get: (g) => (g.kind ? `${type(g.fromType)}, order ${g.fromOrder}` : "–") },
    { title: "Task", get: (g) => g.comm },
    { title: "First", number: true, get: (g) => g.first, show: (g) => seconds(g.first) },
    { title: "Last", number: true, get: (g) => g.last, show: (g) => seconds(g.last) },
    {
      title: "Request", wide: true, get: (g) => (g.kind ? "–" : (data.gfp_names[g.gfp] ?? hex(g.gfp))),
      show: (g) => (g.kind ? "–" : breakable(data.gfp_names[g.gfp] ?? hex(g.gfp))),
    },
  ], groups, { caption: "Failures and fallbacks, the same ones together" }));
}

// ------------------------------------------------------------------- quality

const diffRows = (diff) => diff.rebuilt.map((rebuilt, order) => ({ order, rebuilt, snapshot: diff.snapshot[order] }));
const share = (r) => Math.abs(r.rebuilt - r.snapshot) / Math.max(r.snapshot, 1);

// The order that is furthest off; a difference of a few blocks says nothing.
function worstOrder(diff) {
  const off = diffRows(diff).filter((r) => Math.abs(r.rebuilt - r.snapshot) > 16).sort((a, b) => share(b) - share(a));
  return off[0] ?? null;
}

function ordersSentence(diff) {
  const worst = worstOrder(diff);
  if (!worst) return " No order is off by more than 16 blocks.";
  return ` The order furthest off is ${worst.order}: ${count(worst.rebuilt)} blocks rebuilt, ${count(worst.snapshot)} ` +
    `in the snapshot (${percent(share(worst))}).` + (data.trace.free_map ? "" : " Which frames were free at the start " +
    "was not recorded (/proc/kpageflags), only how many: where blocks merge is a guess, and the low orders above all.");
}

function diffTable(diff) {
  const rows = diffRows(diff);
  return sortable([
    number("Order", "order"),
    number("Rebuilt", "rebuilt"),
    number("Snapshot", "snapshot"),
    { title: "Difference", number: true, get: (r) => r.rebuilt - r.snapshot, show: (r) => (r.rebuilt > r.snapshot ? "+" : "") + count(r.rebuilt - r.snapshot) },
    { title: "of it", number: true, get: share, show: (r) => (r.snapshot ? percent(share(r)) : r.rebuilt ? "none there" : "0.0 %") },
  ], rows, { caption: "Free blocks when the end snapshot is taken" });
}

export function setupQuality() {
  const { diff, problems } = data;
  $("quality-lead").textContent = diff
    ? `Rebuilt from the trace, ${count(diff.rebuilt_pages)} pages are free when the end snapshot is taken; the kernel's ` +
      `own count there is ${count(diff.snapshot_pages)}: a difference of ${diff.percent.toFixed(3)} %.${ordersSentence(diff)}`
    : "The trace has no snapshot of the end to hold the rebuilt state against.";
  if (data.trace.assumed) $("quality-lead").textContent += ` Assumed: ${data.trace.assumed}.`;
  if (diff) $("quality-diff").append(diffTable(diff));
  $("quality-problems").append(sortable([
    { title: "In the trace", get: (p) => p.what, wide: true },
    number("Count", "count"),
  ], problems.list, { caption: problems.list.some((p) => p.count) ? "What was odd about the trace" : "Nothing was odd about the trace" }));
  if (problems.examples.length)
    $("quality-problems").append(element("h3", {}, "The first malformed lines"),
      element("ul", {}, ...problems.examples.map((line) => element("li", {}, line))));
}

// ------------------------------------------------------------------- summary

function worstText(diff) {
  const worst = worstOrder(diff);
  return worst ? `order ${worst.order} by ${percent(share(worst))}` : "no order by more than 16 blocks";
}

export function setupSummary() {
  const { totals, diff, pins } = data;
  const size = bytes(pageSize * 2 ** machine.pageblock_order);
  const fact = (value, text, kind) => element("div", { class: `fact ${kind ?? ""}` }, element("b", {}, value), element("span", {}, text));
  const lowest = totals.huge_min;
  $("summary").append(
    fact(count(totals.failures), "failed requests", totals.failures ? "bad" : "good"),
    fact(count(totals.fallbacks), `fallbacks, ${count(totals.fallback_claims)} claimed the pageblock`, totals.fallbacks ? "warn" : "good"),
    // what was free is known from a snapshot of the start, or not at all
    ...(data.trace.start_known ? [fact(count(lowest), `free ${size} blocks at the lowest`, lowest ? "" : "bad")] : []),
    fact(count(totals.mixed), "mixed pageblocks at the end", totals.mixed ? "warn" : "good"),
    ...(pins ? [fact(count(pins.blocks.length), "pageblocks spoilt by one or two pages", pins.blocks.length ? "warn" : "good")] : []),
    ...(diff ? [fact(`${Math.abs(diff.percent).toFixed(2)} %`, `off the kernel's snapshot; ${worstText(diff)}`,
      Math.abs(diff.percent) <= 1 && !(worstOrder(diff) && share(worstOrder(diff)) > 0.05) ? "good" : "bad")] : []),
    ...(!data.trace.start_known ? [] : [fact(percent(totals.free_end / Math.max(totals.managed, 1)), "of memory free at the end")]),
  );
}
