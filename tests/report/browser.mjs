// SPDX-License-Identifier: MIT
// A page of pagebuddy report in headless Chromium, used as people use it:
// with a mouse, with a keyboard, in the dark, on paper.
//
//	node browser.mjs MODULES PAGEBUDDY TRACE OUTPUT_DIR

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, pagebuddy, trace, output] = process.argv.slice(2).map((path) => resolve(path));
const require = createRequire(join(modules, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const page_path = join(output, "report.html");
const run = (...args) => execFileSync(pagebuddy, args, { maxBuffer: 1 << 28, encoding: "utf8" });

run("report", trace, "-o", page_path, "--what-if", "profile=modern", "--what-if", "memory=-10%", "--samples", "200");
// the same trace by another way, to hold the charts against
const followed = JSON.parse(run("replay", trace, "--follow", "--format", "json"));

const profile = mkdtempSync(join(tmpdir(), "pagebuddy-chromium-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.PB_CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  viewport: { width: 1200, height: 900 },
  colorScheme: "light",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

let passed = 0;
let failed = 0;
async function test(name, body) {
  try {
    await body();
    passed++;
    console.log(`ok   ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}\n     ${String(error.message).replaceAll("\n", "\n     ")}`);
  }
}

const page = context.pages()[0] ?? (await context.newPage());
const complaints = [];
const requests = [];
page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
page.on("pageerror", (error) => complaints.push(error.message));
page.on("request", (request) => requests.push(request.url()));
await page.goto(pathToFileURL(page_path).href);
await page.waitForSelector("html[data-ready]");

const data = await page.evaluate(() => window.pagebuddy.data);
const text = (selector) => page.locator(selector).innerText();
// what is drawn on canvases, as text to compare
const drawn = (selector) =>
  page.evaluate((query) => Array.from(document.querySelectorAll(query), (canvas) => canvas.toDataURL()).join(), selector);
const setSlider = (value) => page.evaluate((v) => {
  const slider = document.getElementById("slider");
  slider.value = v;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
}, value);

await test("every part is filled", async () => {
  for (const id of ["summary", "chart-free", "chart-index", "chart-huge", "map-box", "pins-owners", "pins-lifetimes",
    "who-tasks", "who-sites", "who-orders", "who-ages", "whatif-table", "events-table", "quality-diff", "quality-problems"])
    assert.ok((await page.locator(`#${id} > *`).count()) > 0, `#${id} is empty`);
  assert.ok((await text("#trace-name")).includes(trace.split("/").pop()));
});

await test("the map opens at the first failure", async () => {
  const at = Number(await page.locator("#slider").inputValue());
  const first = data.failures[0]?.time ?? Infinity;
  assert.ok(data.maps.time[at] <= first);
  assert.ok(at === data.maps.frames.length - 1 || data.maps.time[at + 1] > first);
});

await test("the charts have the data's points", async () => {
  const charts = await page.evaluate(() => window.pagebuddy.charts.map((chart) => ({
    points: chart.plot.data.map((series) => series.length),
    series: chart.plot.series.length - 1,
    top: Array.from(chart.plot.data.at(-1)),
  })));
  const samples = data.timeline.time.length;
  assert.equal(charts.length, 3);
  for (const chart of charts) for (const points of chart.points) assert.equal(points, samples);
  assert.equal(charts[0].series, data.machine.max_order + 1);
  // the stack's upper edge is all free memory, in MiB
  const free = data.timeline.time.map((_, i) => data.timeline.zones.reduce((sum, zone) => sum + zone.free[i], 0));
  charts[0].top.forEach((mib, i) => assert.ok(Math.abs(mib - (free[i] * data.machine.page_size) / 2 ** 20) < 0.01,
    `sample ${i}: ${mib} MiB drawn, ${free[i]} pages free`));
});

await test("the charts agree with replay --follow", async () => {
  assert.equal(data.trace.events, followed.events);
  assert.equal(data.totals.failures, followed.failures);
  assert.equal(data.totals.fallbacks, followed.fallbacks);
  assert.equal(data.totals.free_end, followed.end.reduce((sum, zone) => sum + zone.free_pages, 0));
  for (const [z, zone] of followed.end.entries())
    zone.free_blocks.forEach((blocks, order) => assert.equal(data.timeline.zones[z].blocks[order].at(-1), blocks,
      `zone ${zone.zone} order ${order}`));
  assert.ok(Math.abs(data.diff.percent - followed.follow.difference_percent) < 1e-6);
});

await test("the area of the greatest order is in its colour", async () => {
  const { pixel, colour } = await page.evaluate(() => {
    const { plot, spec } = window.pagebuddy.charts[0];
    const x = Math.round(plot.valToPos(plot.data[0][1], "x", true)) + 3;
    const y = Math.round(plot.valToPos(plot.data[1][1] / 2, "y", true));
    const copy = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    copy.drawImage(plot.ctx.canvas, x, y, 1, 1, 0, 0, 1, 1);
    return { pixel: Array.from(copy.getImageData(0, 0, 1, 1).data.slice(0, 3)), colour: spec.series[0].fill };
  });
  assert.deepEqual(pixel, colour.match(/\d+/g).map(Number));
});

await test("the slider moves the map, its time and the marker in the charts", async () => {
  const frames = data.maps.frames.length;
  assert.ok(frames >= 2);
  await setSlider(0);
  const first = { map: await drawn("#map-box canvas"), chart: await drawn("#chart-free canvas"), time: await text("#slider-time") };
  await setSlider(frames - 1);
  const last = { map: await drawn("#map-box canvas"), chart: await drawn("#chart-free canvas"), time: await text("#slider-time") };
  assert.notEqual(first.map, last.map);
  assert.notEqual(first.chart, last.chart);
  assert.notEqual(first.time, last.time);
  await setSlider(0);
  assert.equal(await drawn("#map-box canvas"), first.map);
  await page.locator("#slider").press("End");
  assert.equal(await drawn("#map-box canvas"), last.map);
});

await test("Play goes through time by itself", async () => {
  await setSlider(0);
  await page.locator("#play").click();
  await page.waitForFunction(() => Number(document.getElementById("slider").value) >= 3);
  await page.locator("#play").click();
  const value = await page.locator("#slider").inputValue();
  await page.waitForTimeout(400);
  assert.equal(await page.locator("#slider").inputValue(), value);
});

await test("pointing at a pageblock tells it and its owner", async () => {
  await setSlider(data.maps.frames.length - 1);
  await page.locator("#map-box canvas").last().scrollIntoViewIfNeeded();
  const box = await page.locator("#map-box canvas").last().boundingBox();
  const told = new Set();
  for (let x = 4; x < box.width; x += 18) {
    await page.mouse.move(box.x + x, box.y + 4);
    told.add(await text("#map-info"));
  }
  assert.ok(told.size > 3, `only ${[...told]}`);
  assert.ok([...told].every((line) => /pfn 0x[0-9a-f]+ to 0x/.test(line)), [...told].join("\n"));
  assert.ok([...told].some((line) => /held by \S+ \(\d+\)|held since before the trace/.test(line)), [...told].join("\n"));
});

await test("the map can be walked with the keyboard", async () => {
  await page.mouse.move(0, 0);
  await page.locator("#map-box canvas").last().focus();
  await page.keyboard.press("Home");
  const at = await text("#map-info");
  await page.keyboard.press("ArrowRight");
  const next = await text("#map-info");
  assert.match(at, /pfn/);
  assert.notEqual(at, next);
  await page.waitForFunction((line) => document.getElementById("live").textContent === line, next);
});

await test("the conclusion comes first and tells the failures", async () => {
  assert.ok((await text("#conclusion-text .first")).startsWith(data.totals.failures
    ? `${data.totals.failures} request` : "No request failed"));
  const [conclusion, chart] = await page.evaluate(() => ["conclusion", "timeline"].map((id) =>
    document.getElementById(id).getBoundingClientRect().top));
  assert.ok(conclusion < chart);
});

await test("every failure answers to the mouse and to the keyboard", async () => {
  assert.equal(data.failures.length, Math.min(data.totals.failures, 1000));
  assert.equal(await page.locator("#failures-table tbody tr").count(), data.failures.length);
  assert.ok((await page.locator("#chart-free .mark").count()) > 0);
  const mark = page.locator("#chart-free .mark").first();
  await mark.scrollIntoViewIfNeeded();
  await mark.click();
  assert.match(await text("#failure h3"), /^Failure 1 of /);
  assert.equal(await page.locator("#failure tbody tr").count(), data.failures[0].zones.length);
  for (const [i, failure] of data.failures.entries()) {
    assert.match(await text("#failure h3"), new RegExp(`^Failure ${i + 1} of `));
    for (const zone of failure.zones) assert.ok((await text("#failure tbody")).includes(zone.text), zone.text);
    if (i + 1 < data.failures.length) await page.locator("#failure button", { hasText: "Next" }).press("Enter");
  }
  await page.locator("#failure button", { hasText: "Close" }).click();
  assert.ok(await page.locator("#failure").isHidden());
  await mark.focus();
  await page.keyboard.press("Enter");
  assert.match(await text("#failure h3"), /^Failure 1 of /);
  await page.locator("#failures-table tbody button").last().press("Enter");
  assert.match(await text("#failure h3"), new RegExp(`^Failure ${data.failures.length} of `));
});

await test("every group of marks is a button with a name", async () => {
  const marks = page.locator("#chart-free .mark");
  let times = 0;
  for (let i = 0; i < (await marks.count()); i++) {
    const name = await marks.nth(i).getAttribute("aria-label");
    assert.match(name, /^[\d,]+ failures? from /);
    times += Number(name.split(" ")[0].replaceAll(",", ""));
  }
  assert.equal(times, data.failures.length);
});

await test("who allocates is what replay --top says", async () => {
  const { top } = JSON.parse(run("replay", trace, "--top=25", "--format", "json"));
  assert.deepEqual(data.top, top);
  const rows = await page.locator("#who-tasks tbody tr").evaluateAll((list) => list.map((row) =>
    [row.children[0].innerText, Number(row.children[1].innerText.replaceAll(",", ""))]));
  assert.deepEqual(rows, top.tasks.map((task) => [task.comm, task.allocations + task.failures]));
  assert.ok(await page.locator("#only").isHidden());
});

await test("each term of the page is explained", async () => {
  const words = await page.locator("#glossary-list dt").allInnerTexts();
  for (const word of ["order", "pageblock", "migratetype", "watermark", "fallback", "extfrag index"])
    assert.ok(words.includes(word), word);
});

await test("the charts can be read with the keyboard", async () => {
  const plot = page.locator("#chart-free .plot");
  assert.match(await plot.getAttribute("aria-label"), /free memory by order.*at the start/i);
  await plot.focus();
  await page.keyboard.press("End");
  await page.waitForFunction(() => /^At .*order 0 /.test(document.getElementById("live").textContent));
  await page.locator("#chart-free details summary").press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("#chart-free details tbody tr").length > 10);
  await page.locator("#chart-free details summary").press("Enter");
});

await test("zone and order change the charts", async () => {
  const all = await drawn("#chart-free canvas");
  await page.locator("#zone").selectOption(String(data.machine.zones.length - 1));
  assert.notEqual(await drawn("#chart-free canvas"), all);
  const top = await page.evaluate(() => window.pagebuddy.charts[0].plot.data.at(-1).at(-1));
  const pages = data.timeline.zones.at(-1).free.at(-1);
  assert.ok(Math.abs(top - (pages * data.machine.page_size) / 2 ** 20) < 0.01);
  await page.locator("#zone").selectOption("-1");
  const order9 = await drawn("#chart-index canvas");
  await page.locator("#order").selectOption("4");
  assert.notEqual(await drawn("#chart-index canvas"), order9);
  assert.match(await text("#chart-index .u-legend"), /order 4/);
});

await test("indices are those of replay", async () => {
  const last = await page.evaluate(() => window.pagebuddy.charts[1].plot.data[1].at(-1));
  let pages = 0;
  let usable = 0;
  for (const zone of followed.end) zone.free_blocks.forEach((blocks, order) => {
    pages += blocks * 2 ** order;
    if (order >= 4) usable += blocks * 2 ** order;
  });
  assert.ok(Math.abs(last - (pages - usable) / pages) < 1e-9);
});

await test("tables sort by their headers", async () => {
  const column = () => page.locator("#pins-lifetimes tbody tr td:nth-child(3)").allInnerTexts();
  await page.locator("#pins-lifetimes thead button", { hasText: "Freed" }).click();
  const numbers = (await column()).map((cell) => Number(cell.replaceAll(",", "")));
  assert.deepEqual(numbers, [...numbers].sort((a, b) => b - a));
  assert.equal(await page.locator("#pins-lifetimes th[aria-sort=descending]").count(), 1);
});

await test("the what-if table has the baseline and each variant", async () => {
  const names = await page.locator("#whatif-table tbody th").allInnerTexts();
  assert.equal(names.length, 3);
  assert.deepEqual(names.slice(1), ["profile=modern", "memory=-10%"]);
});

for (const scheme of ["light", "dark"]) {
  await test(`axe finds nothing to object to, ${scheme}`, async () => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run());
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((node) => node.target).join(" ")}`), []);
  });
  await test(`a screenshot is taken, ${scheme}`, async () => {
    const path = join(output, `report-${scheme}.png`);
    await page.screenshot({ path, fullPage: true });
    assert.ok(statSync(path).size > 50000);
  });
}

await test("the button switches between light and dark", async () => {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await background();
  await page.locator("#theme").click();
  assert.notEqual(await background(), before);
});

await test("it prints, in light colours", async () => {
  await page.emulateMedia({ colorScheme: "dark" });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
  await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  const pdf = await page.pdf({ path: join(output, "report.pdf"), format: "A4", printBackground: true });
  assert.ok(pdf.length > 30000);
});

// The page and every table in it: nothing is to be pushed aside to be read.
const overflowing = () => page.evaluate(() => [document.documentElement, ...document.querySelectorAll(".scroll, .panel, .map")]
  .filter((box) => box.scrollWidth > box.clientWidth + 1)
  .map((box) => `${box.id || box.getAttribute("aria-label") || box.className}: ${box.scrollWidth} in ${box.clientWidth}`));

// A theme that was chosen by the button stays chosen: begin anew.
await page.reload();
await page.waitForSelector("html[data-ready]");
for (const scheme of ["light", "dark", "print"]) for (const width of [390, 768, 1280]) {
  await test(`it fits ${width} pixels, ${scheme}`, async () => {
    await page.emulateMedia(scheme === "print" ? { media: "print", colorScheme: "light" } : { media: "screen", colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    await page.waitForTimeout(150);
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), scheme === "dark" ? "dark" : "light");
    if (scheme !== "print" && data.failures.length) {
      await page.locator("#chart-free .mark").first().click();
      assert.match(await text("#failure h3"), /^Failure 1 of /);
    }
    assert.deepEqual(await overflowing(), []);
    await page.screenshot({ path: join(output, `report-${scheme}-${width}.png`), fullPage: true });
  });
}

await test("a row is a line on paper and on a tablet, a card on a phone", async () => {
  const display = () => page.evaluate(() => getComputedStyle(document.querySelector("#who-orders tbody tr")).display);
  for (const [media, width, expected] of [["screen", 390, "block"], ["screen", 768, "table-row"], ["print", 768, "table-row"]]) {
    await page.emulateMedia({ media, colorScheme: "light" });
    await page.setViewportSize({ width, height: 900 });
    assert.equal(await display(), expected, `${media} ${width}`);
  }
});

await test("swatches are printed even where backgrounds are not", async () => {
  await page.emulateMedia({ media: "print", colorScheme: "light" });
  for (const selector of [".legend i", ".u-marker", "td .bar"])
    if (await page.locator(selector).count())
      assert.equal(await page.evaluate((s) => getComputedStyle(document.querySelector(s)).printColorAdjust, selector), "exact");
  await page.emulateMedia({ media: "screen", colorScheme: "light" });
});

await test("nothing was asked of the network, nothing complained", async () => {
  assert.deepEqual(requests.filter((url) => !/^(file|data):/.test(url)), []);
  assert.deepEqual(complaints, []);
});

await context.close();
rmSync(profile, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
