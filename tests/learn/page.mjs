// SPDX-License-Identifier: MIT
// The lesson's page in headless Chromium: that its machine is the library's, step by
// step; that the exercises can be solved; that it can be used in every way it says.
//
//	node page.mjs MODULES PAGE PAGEBUDDY SOURCE
//
// PB_SEED, PB_SEQUENCES (200): the random sequences. PB_SHOTS=DIRECTORY: pictures too.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, page_path, pagebuddy, source] = process.argv.slice(2).map((path) => resolve(path));
const require = createRequire(join(modules, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const chapters = join(source, "docs/learn/chapters");
const scenarios = JSON.parse(readFileSync(join(source, "docs/learn/scenarios.json"), "utf8")).scenarios;
const WIDTHS = [390, 768, 1280];

const scratch = mkdtempSync(join(tmpdir(), "pagebuddy-learn-"));
symlinkSync(pagebuddy, join(scratch, "pagebuddy"));
/* A command line as the page writes it, performed by a shell; a request may fail. */
const shell = (line) => {
  const { stdout, stderr, status } = spawnSync("bash", ["-s"], { input: line, cwd: chapters, maxBuffer: 1 << 29, encoding: "utf8", env: { ...process.env, PATH: `${scratch}:${process.env.PATH}`, LC_ALL: "C" } });
  assert.ok(status === 0 || status === 1, `${line}: status ${status}: ${stderr}`);
  return stdout;
};
const native = (line) => JSON.parse(shell(`${line} --format json`));

const browser = await chromium.launch({
  executablePath: process.env.PB_CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

let passed = 0;
let failed = 0;
async function test(name, body) {
  const start = performance.now();
  try {
    await body();
    passed++;
    console.log(`ok   ${name} (${Math.round(performance.now() - start)} ms)`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}\n     ${String(error.stack ?? error.message).replaceAll("\n", "\n     ")}`);
  }
}

const complaints = [];
const requests = [];
async function open(fragment, options = {}) {
  const { init, ...rest } = options;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", locale: "en-US", ...rest });
  const page = await context.newPage();
  if (init) await page.addInitScript(init);
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(error.stack));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(page_path).href + fragment);
  await page.waitForSelector("html[data-ready]");
  return page;
}
const close = (page) => page.context().close();

/* In the page: a machine of its own, as the library's JSON tells it. */
const perform = (page, lines, steps = true) => page.evaluate(([all, wanted]) => {
  const { Core, Run, fromCommand, page: p, data } = window.pagebuddy;
  const names = ["scan", "take", "split", "merge", "insert", "steal", "pageblock", "refill", "drain", "boost", "watermark", "wake"];
  const zones = ["DMA", "DMA32", "Normal", "HighMem", "Movable"];
  const types = ["Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate"];
  return all.map((line) => {
    const setup = fromCommand(line, data.scenarios);
    const run = new Run(new Core(p.module), p.machineOf(setup, setup.profile), setup.text).runAll();
    if (run.status || run.error) return { error: run.status || run.error };
    return {
      buddyinfo: run.core.buddyinfo(),
      valid: run.core.c.validate(),
      actions: run.acts.map((act) => {
        // a line for each step: one text is handed over much faster than as many objects
        const s = act.result.steps;
        const steps = [];
        for (let i = 0; wanted && i < s.length; i += 10)
          if (s[i] < names.length) steps.push(`${s[i + 7]} ${names[s[i]]} ${zones[s[i + 1]]} pfn ${s[i + 8]} order ${s[i + 2]} ${types[s[i + 3]]} ${types[s[i + 4]]} value ${s[i + 9]} ${Boolean(s[i + 5])}`);
        return { outcome: act.result.outcome, reason: act.result.reason, pfns: wanted ? Array.from(act.result.pfns) : [], steps: steps.join("\n"),
          after: act.zones.map((zone) => ({ zone: zones[zone.type], free_pages: zone.free, pcp_pages: zone.pcp, free_blocks: zone.nr_free })) };
      }),
    };
  });
}, [lines, steps]);

const plain = (s) => `${s.number} ${s.step} ${s.zone} pfn ${s.pfn} order ${s.order} ${s.migratetype} ${s.other_type} value ${s.value} ${s.flag}`;
const plainZone = ({ zone, free_pages, pcp_pages, free_blocks }) => ({ zone, free_pages, pcp_pages, free_blocks });
function same(here, there, what) {
  assert.equal(here.error, undefined, `${what}: ${JSON.stringify(here.error)}`);
  assert.equal(here.valid, 0, what);
  assert.equal(here.actions.length, there.actions.length, what);
  for (const [i, action] of there.actions.entries()) {
    const mine = here.actions[i];
    assert.equal(mine.outcome, action.outcome, `${what}, action ${i}`);
    if (action.reason) assert.equal(mine.reason, action.reason, `${what}, action ${i}`);
    assert.deepEqual(mine.pfns, action.pfns, `${what}, action ${i}: frames`);
    assert.deepEqual(mine.after, action.after.map(plainZone), `${what}, action ${i}: zones`);
    if (mine.steps !== action.steps.map(plain).join("\n")) assert.deepEqual(mine.steps.split("\n"), action.steps.map(plain), `${what}, action ${i}: steps`);
  }
}

// ------------------------------------------------------------------- the page itself

const page = await open("#lang=en");
const value = (id) => page.locator(`#${id}`).inputValue();
const text = (selector) => page.locator(selector).innerText();

await test("one file, less than 600 KB, that asks for nothing else", async () => {
  assert.ok(statSync(page_path).size < 600 * 1024, `${statSync(page_path).size} bytes`);
  assert.deepEqual(requests.filter((url) => !url.startsWith(pathToFileURL(page_path).href) && !url.startsWith("data:")), []);
  console.log(`     ${statSync(page_path).size} bytes; ready after ${await page.evaluate(() => Math.round(performance.getEntriesByName("ready")[0].startTime))} ms`);
});

await test("the 28 KB case: the steps shown are those of pagebuddy case", async () => {
  const there = native("pagebuddy case --scenario 28k");
  same((await perform(page, ["pagebuddy case --scenario 28k"]))[0], there, "28k");
  const shown = [];
  await page.locator("#first").click();
  while (await page.locator("#forward").isEnabled()) {
    await page.locator("#forward").click();
    const number = page.locator("#sentence .nr");
    if (await number.count()) shown.push({ number: Number(await number.innerText()), text: await text("#sentence") });
  }
  const wanted = there.actions[0].steps.filter((step) => step.step !== "insert");
  assert.deepEqual(shown.map((step) => step.number), wanted.map((step) => step.number));
  for (const [i, step] of wanted.entries()) {
    const said = shown[i].text;
    const words = { scan: `list ${step.order} `, take: `frame ${step.pfn} `, split: `${step.pfn}–`, watermark: `${step.value} free pages` }[step.step];
    assert.ok(said.includes(words), `step ${step.number}, ${step.step}: “${said}” has no “${words}”`);
  }
  // and back again, the same pictures
  const before = await text(".free-area[data-zone=DMA32] tbody");
  await page.locator("#back").click();
  await page.locator("#back").click();
  assert.notEqual(await text(".free-area[data-zone=DMA32] tbody"), before);
  await page.locator("#last").click();
  assert.equal(await text(".free-area[data-zone=DMA32] tbody"), before);
});

await test("every scenario, both profiles: steps, frames and lists", async () => {
  const lines = scenarios.flatMap(({ name }) => ["linux", "modern"].map((profile) => `pagebuddy case --profile ${profile} --scenario ${name}`));
  const here = await perform(page, lines);
  for (const [i, line] of lines.entries()) same(here[i], native(line), line);
});

await test("from the free blocks of a saved buddyinfo, both profiles", async () => {
  const saved = "Node 0, zone DMA 1 0 2 0 0 0 0 0 0 0 1\nNode 0, zone Normal 3 1 0 0 5 0 0 0 0 0 0";
  const lines = ["linux", "modern"].flatMap((profile) => [
    `pagebuddy case --profile ${profile} --buddyinfo 10-failure.buddyinfo --do 'alloc order 10 unmovable; alloc order 9 unmovable; free others.2; compact order 10'`,
    `pagebuddy case --profile ${profile} --buddyinfo <(echo '${saved}') --do 'alloc 28K; free others every 3; alloc order 4 x 9'`]);
  const here = await perform(page, lines);
  for (const [i, line] of lines.entries()) same(here[i], native(line), line);
  await page.evaluate((text) => window.pagebuddy.page.load({ ...window.pagebuddy.defaults(), ...window.pagebuddy.page.fromSaved(text) }), saved);
  assert.equal(await value("command"), `pagebuddy case --buddyinfo <(echo '${saved}')`);
  assert.equal(await page.evaluate((line) => window.pagebuddy.toCommand(window.pagebuddy.fromCommand(line, [])), await value("command")), await value("command"));
});

// --------------------------------------------------------------------- random sequences

const seed = Number(process.env.PB_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`     PB_SEED=${seed}`);
let state = seed >>> 0 || 1;
const random = (n) => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % n;
};
const pick = (list) => list[random(list.length)];

/* A command line that does anything the page can show, and says nothing wrong. */
function sequence() {
  const machine = [`--memory ${pick(["4M", "16M", "16M", "32M", "64M"])}`, `--profile ${pick(["linux", "modern"])}`];
  const cpus = pick([0, 0, 1, 2]);
  if (cpus) machine.push("--pcp", `--cpus ${cpus}`);
  if (random(6) === 0 && !machine[0].endsWith(" 4M")) machine.push("--cma 4M");
  if (random(8) === 0) machine.push(`--fill ${random(100)}%`);
  const names = [];
  const actions = Array.from({ length: 2 + random(14) }, () => {
    switch (random(10)) {
      case 0: case 1: case 2: case 3: {
        const name = pick(["a", "b", "c", "d"]);
        names.push(name);
        return `alloc ${pick(["4K", "28K", "100K", "order 0 x 40", "order 1 x 7", "order 4", "order 9", "order 10", "order 11", "order 0 x 500"])}${pick(["", "", " unmovable", " reclaimable"])}${pick(["", "", "", " atomic", " nowait"])} as ${name}`;
      }
      case 4: case 5:
        return names.length ? `free ${pick(names)}${pick(["", "", " every 2", ".1", ".2-5"])}` : "alloc 4K as a";
      case 6:
        return `fill ${random(95)}% orders ${pick(["0-3", "0-0", "2-6"])} seed ${random(1000)}`;
      case 7:
        return pick(["drain", "compact order 4", "compact order 9", "compact"]);
      case 8:
        return pick(["set watermark_boost_factor 0", "set min_free_kbytes 1024", "free all", cpus === 2 ? "cpu 1" : "drain"]);
      default:
        return `free pfn ${random(1024)}`;
    }
  });
  // "a" may be freed before it was named: then the text is an error, which is not wanted here
  return `pagebuddy case ${machine.join(" ")} --do '${actions.join("; ")}'`;
}

const nr_sequences = Number(process.env.PB_SEQUENCES ?? 200);
await test(`${nr_sequences} random sequences: the page's lists are the native library's buddyinfo`, async () => {
  for (let left = nr_sequences; left > 0; left -= 200) {
    const lines = Array.from({ length: Math.min(left, 200) }, sequence);
    const here = await perform(page, lines, false);
    const there = shell(lines.map((line) => `${line} --quiet; echo ----`).join("\n")).split("----\n");
    for (const [i, line] of lines.entries()) {
      assert.equal(here[i].error, undefined, line);
      assert.equal(here[i].valid, 0, line);
      assert.equal(here[i].buddyinfo.trim(), there[i].trim().split(/\n\n/).at(-1), line);
    }
  }
});

await test("of some of them, every step", async () => {
  const lines = Array.from({ length: Math.ceil(nr_sequences / 20) }, sequence);
  const here = await perform(page, lines);
  for (const [i, line] of lines.entries()) same(here[i], native(line), line);
});

await test("what is drawn between two states at rest leads to the second", async () => {
  const lines = [...scenarios.map(({ name }) => `pagebuddy case --scenario ${name}`), ...Array.from({ length: Math.ceil(nr_sequences / 10) }, sequence)];
  const wrong = await page.evaluate((all) => {
    const { Core, Run, fromCommand, page: p, data } = window.pagebuddy;
    const found = [];
    for (const line of all) {
      const setup = fromCommand(line, data.scenarios);
      const run = new Run(new Core(p.module), p.machineOf(setup, setup.profile), setup.text).runAll();
      for (const [i, act] of run.acts.entries()) {
        if (act.action.kind === "fill") continue;
        const drawn = run.picture(i, act.groups.length);
        const there = run.picture(i, act.groups.length + 1);
        for (const [z, zone] of drawn.zones.entries()) {
          const mine = drawn.nrFree(zone).join();
          if (mine !== there.zones[z].nr_free.join()) found.push(`${line}\naction ${i + 1}, ${act.action.text}: drawn ${mine}, is ${there.zones[z].nr_free.join()}`);
        }
      }
    }
    return found;
  }, lines);
  assert.deepEqual(wrong, []);
});

// ------------------------------------------------------------- out of it, and back again

await test("every state is a command and a link, and back", async () => {
  const lines = Array.from({ length: 30 }, sequence);
  const odd = await page.evaluate((all) => {
    const { fromCommand, toCommand, fromFragment, toFragment, data } = window.pagebuddy;
    return all.filter((line) => {
      const setup = fromCommand(line, data.scenarios);
      const again = fromCommand(toCommand(setup), data.scenarios);
      const linked = fromFragment(toFragment({ lang: "en", chapter: 3, setup, at: 2, both: false }), data.scenarios, 10);
      return JSON.stringify(setup) !== JSON.stringify(again) || JSON.stringify(setup) !== JSON.stringify(linked.setup) || linked.chapter !== 3 || linked.at !== 2 || linked.problems.length;
    });
  }, lines);
  assert.deepEqual(odd, []);
});

await test("the exported command says what the page shows", async () => {
  const other = await open(`#lang=en&m=16M&p=modern&do=${encodeURIComponent("alloc 28K as a; alloc 4K x 3 as b; free b.2")}`);
  const line = await other.locator("#command").inputValue();
  assert.match(line, /^pagebuddy case --memory 16M --profile modern --do '/);
  const drawn = await other.evaluate(() => Array.from(document.querySelectorAll(".free-area[data-zone=DMA] .total"), (cell) => Number(cell.textContent)));
  assert.deepEqual(drawn, native(line).actions.at(-1).after[0].free_blocks);
  await other.locator("#import").fill("pagebuddy case --memory 4M --size 28K --order 2");
  await other.locator("#import-button").click();
  assert.equal(await other.locator("#command").inputValue(), "pagebuddy case --memory 4M --do 'alloc 28K as r1; alloc order 2 as r2; free r1; free r2'");
  await other.locator("#import").fill("pagebuddy case --memory 4M --wrong");
  await other.locator("#import-button").click();
  assert.match(await other.locator("#import-error").innerText(), /--wrong/);
  await close(other);
});

// ------------------------------------------------------------------------- by hand

await test("allocate by size and by order, free by a click", async () => {
  await page.locator("#scenario").selectOption("");
  await page.locator("#r-amount").fill("28K");
  await page.locator("#request button[type=submit]").click();
  assert.match(await text("#sentence"), /frames 4096–4103/);
  await page.locator("#r-amount").fill("order 0");
  await page.locator("#r-type").selectOption("unmovable");
  await page.locator("#request button[type=submit]").click();
  assert.match(await value("command"), /alloc 28K as a; alloc order 0 unmovable as b/);
  await page.locator("#tiles, .tiles button[data-tile='4']").first().click();
  await page.locator(".zoom button[data-pfn='4096']").click();
  assert.match(await value("command"), /free pfn 4096'$/);
  assert.match(await text("#sentence"), /Freed: 1 block, 32 KB/);
  assert.deepEqual(native(await value("command")).actions.at(-1).outcome, "done");
});

await test("a request larger than the machine: a sentence, and it goes on", async () => {
  for (const amount of ["1T", "order 28", "65M"]) {
    await page.locator("#r-amount").fill(amount);
    await page.locator("#request button[type=submit]").click();
    assert.match(await text("#request-error"), /more than the machine has/);
    assert.match(await text("#sentence"), /Failed/);
  }
  await page.locator("#r-amount").fill("a lot");
  await page.locator("#request button[type=submit]").click();
  assert.match(await text("#request-error"), /“a lot” is no request/);
  await page.locator("#r-amount").fill("4K");
  await page.locator("#request button[type=submit]").click();
  assert.match(await text("#sentence"), /Handed out/);
});

await test("keys: from block to block, free with Enter, through time with the arrows", async () => {
  await page.locator("#restart").click();
  await page.locator("#r-amount").fill("28K");
  await page.locator("#r-type").selectOption("movable");
  await page.locator("#r-amount").press("Enter");
  assert.match(await text("#sentence"), /frames 4096–4103/);
  await page.locator(".tiles button[tabindex='0']").focus();
  for (let i = 0; i < 20 && (await page.evaluate(() => document.activeElement.dataset.tile)) !== "4"; i++)
    await page.keyboard.press((await page.evaluate(() => Number(document.activeElement.dataset.tile))) > 4 ? "ArrowLeft" : "ArrowRight");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.pfn), "4096");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.pfn), "4104");
  await page.keyboard.press("Home");
  await page.keyboard.press("Enter");
  assert.match(await value("command"), /free pfn 4096'$/);
  await page.locator("#moment").focus();
  const at = Number(await value("moment"));
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  assert.equal(Number(await value("moment")), at - 2);
  assert.match(await page.locator("#moment").getAttribute("aria-valuetext"), /merge/);
});

await test("played by itself, it can be paused and goes on where it was", async () => {
  const moving = await open(`#lang=en&at=0&do=${encodeURIComponent("alloc 28K as a")}`, { reducedMotion: "no-preference" });
  await moving.locator("#play").click();
  await moving.waitForFunction(() => Number(document.getElementById("moment").value) >= 2);
  await moving.locator("#play").click();
  const at = await moving.locator("#moment").inputValue();
  await moving.waitForTimeout(900);
  assert.equal(await moving.locator("#moment").inputValue(), at);
  await moving.locator("#speed").fill("12");
  await moving.locator("#play").click();
  await moving.waitForFunction(() => document.getElementById("forward").disabled);
  assert.match(await moving.locator("#sentence").innerText(), /Handed out/);
  await close(moving);
});

await test("an order-4 failure is explained by figures", async () => {
  const there = native("pagebuddy case --scenario order4").actions.at(-1);
  assert.equal(there.reason, "fragmented");
  const free = there.after[0].free_pages;
  // every free page is a block of its own: 1 - (1 + free / 16) / free, in thousandths
  const index = (1000 - Math.floor((1000 + (free * 1000) / 16) / free)) / 1000;
  for (const [lang, words] of [["en", `${free} pages are free (min 128), the largest block is of order 0; the fragmentation index for order 4 is ${index}`], ["zh", `空闲 ${free} 页（min 128），最大的块是 0 阶；4 阶的碎片指数是 ${index}`]]) {
    const other = await open(`#lang=${lang}&s=order4`);
    assert.ok((await other.locator("#sentence").innerText()).includes(words), await other.locator("#sentence").innerText());
    await close(other);
  }
});

await test("both profiles side by side on the same requests", async () => {
  const two = await open(`#lang=en&both=1&m=16M&do=${encodeURIComponent("alloc order 0 x 40 as a; free a every 2; alloc order 4 as b")}`);
  for (const profile of ["linux", "modern"]) {
    const drawn = await two.evaluate((name) => Array.from(document.querySelectorAll(`[data-profile=${name}] .free-area .total`), (cell) => Number(cell.textContent)), profile);
    const there = native(`pagebuddy case --memory 16M --profile ${profile} --do 'alloc order 0 x 40 as a; free a every 2; alloc order 4 as b'`);
    assert.deepEqual(drawn, there.actions.at(-1).after[0].free_blocks, profile);
  }
  await close(two);
});

await test("compaction: the blocks that move are drawn moving", async () => {
  const moved = await perform(page, ["pagebuddy case --scenario order4 --do 'compact order 4'"]);
  assert.equal(moved[0].error, undefined);
  const other = await open(`#lang=en&s=order4&do=${encodeURIComponent("compact order 4")}`);
  const nr = await other.evaluate(() => {
    const { run } = window.pagebuddy.page;
    const last = run.acts.length - 1;
    return { moved: run.acts[last].result.moved, steps: run.acts[last].groups.filter((_, k) => run.stepAt(last, k + 1).type === 12).length };
  });
  assert.equal(nr.steps, nr.moved);
  assert.ok(nr.moved > 0);
  await other.locator("#first").click();
  await close(other);
});

// --------------------------------------------------------------------------- exercises

for (const lang of ["en", "zh"])
  await test(`exercises, ${lang}: a wrong answer is not taken, the right one is`, async () => {
    const learner = await open(`#lang=${lang}`);
    for (const file of readdirSync(chapters).filter((name) => name.endsWith(".json")).sort()) {
      const number = Number(file.slice(0, 2));
      const { exercises } = JSON.parse(readFileSync(join(chapters, file), "utf8"));
      await learner.evaluate((n) => window.pagebuddy.page.openChapter(n), number);
      for (const [i, exercise] of exercises.entries()) {
        const form = learner.locator(`[data-key="${number}.${i + 1}"]`);
        const where = `${file}, ${i + 1}`;
        const submit = form.locator("button[type=submit]");
        if (exercise.kind === "number") {
          await form.locator("input").fill(String(exercise.answer + 1));
          await submit.click();
          assert.equal(await form.locator(".verdict.wrong").count(), 1, where);
          await form.locator("input").fill(String(exercise.answer));
          await submit.click();
        } else if (exercise.kind === "choice") {
          await form.locator("input").nth((exercise.answer + 1) % exercise.options.length).check();
          await submit.click();
          assert.equal(await form.locator(".verdict.wrong").count(), 1, where);
          await form.locator("input").nth(exercise.answer).check();
          await submit.click();
        } else {
          await form.locator(".buttons button").first().click();
          assert.equal(await form.locator(".verdict.right").count(), 0, where);
          await submit.click();
          assert.equal(await form.locator(".verdict.wrong").count(), 1, where);
          const given = await learner.locator("#actions").inputValue();
          assert.ok((await learner.locator("#goal").innerText()).includes(exercise.question[lang]), where);
          await learner.locator("#actions").fill([given, exercise.solution].filter(Boolean).join("; "));
          await learner.locator("#run").click();
        }
        assert.equal(await form.locator(".verdict.right").count(), 1, `${where}: ${await form.locator(".verdict").innerText()}`);
        assert.ok((await form.locator(".verdict").innerText()).includes(exercise.why[lang]), where);
      }
      assert.match(await learner.locator(".count").innerText(), /3.*3/);
    }
    await close(learner);
  });

await test("every command of the chapters that the page offers can be done on it", async () => {
  const bad = await page.evaluate(() => {
    const { data, fromCommand, Core, Run, page: p } = window.pagebuddy;
    const found = [];
    let seen = 0;
    for (const chapter of data.chapters)
      for (const lang of ["en", "zh"]) {
        const box = document.createElement("div");
        box.innerHTML = chapter.html[lang];
        for (const button of box.querySelectorAll("[data-case]")) {
          if (!p.performable(button.dataset.case)) continue;
          seen++;
          const setup = fromCommand(button.dataset.case, data.scenarios);
          const run = new Run(new Core(p.module), p.machineOf(setup, setup.profile), setup.text).runAll();
          if (run.status || run.error) found.push(button.dataset.case);
        }
      }
    return seen < 20 ? [`only ${seen} offered`] : found;
  });
  assert.deepEqual(bad, []);
});

// -------------------------------------------------------------------------- bad input

for (const [fragment, sentence] of [
  ["#s=nonsense", /no scenario “nonsense”/], ["#m=64Q", /“64Q” is no size of memory/], ["#m=1T", /up to 256M/], ["#do=alloc%20lots", /Action 1, “lots”/],
  ["#%E0%A4%A", /can't be read/], ["#lang=fr", /“fr”/], ["#ch=99", /“99”/], ["#fill=200", /“200”/], ["#cpus=0&pcp=1", /“0”/], ["#cma=3M", /CMA/], ["#p=bsd", /“bsd”/], ["#colour=red", /“colour”/], ["#at=x", /“x”/], ["#b=Node+0,+zone+Nowhere+1", /no line of/], ["#b=Node+1,+zone+DMA+1", /one node/], ["#at=999999&do=alloc%204K", null],
])
  await test(`a broken link, ${fragment}: a sentence, and the page goes on`, async () => {
    const other = await open(fragment);
    const said = `${await other.locator("#notes").innerText()}\n${await other.locator("#text-error").innerText()}`;
    if (sentence) assert.match(said, sentence);
    await other.locator("#restart").click();
    await other.locator("#r-amount").fill("4K");
    await other.locator("#request button[type=submit]").click();
    assert.match(await other.locator("#sentence").innerText(), /Handed out/);
    await close(other);
  });

await test("a browser without WebAssembly: a sentence, and the chapters", async () => {
  const other = await open("#lang=en&ch=4", { init: "delete window.WebAssembly" });
  assert.match(await other.locator("#notes").innerText(), /no WebAssembly/);
  assert.ok(!(await other.locator("#lab").isVisible()));
  assert.match(await other.locator("#text h1").innerText(), /^4\./);
  const form = other.locator("[data-key='4.1']");
  await form.locator("input").fill("13");
  await form.locator("button[type=submit]").click();
  assert.equal(await form.locator(".verdict.right").count(), 1);
  await other.locator("[data-lang=zh]").click();
  assert.match(await other.locator("#text h1").innerText(), /^4\./);
  await close(other);
});

// ------------------------------------------------------------------ sizes, dark, axe

const shots = process.env.PB_SHOTS;
for (const lang of ["en", "zh"])
  for (const width of WIDTHS)
    await test(`nothing sticks out, ${lang}, ${width} wide`, async () => {
      const other = await open(`#lang=${lang}&s=steal`, { viewport: { width, height: width < 500 ? 844 : 900 } });
      for (let number = 1; number <= 10; number++) {
        await other.evaluate((n) => window.pagebuddy.page.openChapter(n), number);
        const over = await other.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(over <= 0, `chapter ${number}: ${over} pixels`);
        assert.ok(!/`|\*\*/.test(await other.locator("#text h1").innerText() + (await other.locator("nav").innerText())), `chapter ${number}: marks of Markdown in a title`);
        if (shots) await other.screenshot({ path: join(shots, `${String(number).padStart(2, "0")}-${lang}-${width}.png`), fullPage: true });
      }
      await other.locator("#profile").selectOption("both");
      const over = await other.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(over <= 0, `side by side: ${over} pixels`);
      // a heading that is broken inside of a word is taller than its line
      const tall = await other.evaluate(() => Array.from(document.querySelectorAll(".panel thead th")).filter((cell) => !cell.classList.contains("chips-head") && cell.getClientRects()[0]?.height > 40).map((cell) => cell.textContent));
      assert.deepEqual(tall, []);
      if (shots) await other.screenshot({ path: join(shots, `both-${lang}-${width}.png`), fullPage: true });
      await close(other);
    });

for (const [lang, scheme] of [["en", "light"], ["en", "dark"], ["zh", "light"], ["zh", "dark"]])
  await test(`axe finds nothing to object to, ${lang}, ${scheme}`, async () => {
    const other = await open(`#lang=${lang}&ch=8&s=steal&pcp=1`, { colorScheme: scheme });
    await other.locator("#more summary").click();
    await other.locator("#log-box summary").click();
    await other.evaluate(axe);
    const { violations } = await other.evaluate(() => window.axe.run());
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map((node) => `${node.target} ${node.failureSummary}`)}`), []);
    await close(other);
  });

await test("no complaint in the console, no request to anywhere", async () => {
  assert.deepEqual(complaints, []);
  const home = pathToFileURL(page_path).href;
  assert.deepEqual([...new Set(requests)].filter((url) => !url.startsWith(home) && !url.startsWith("data:")), []);
});

await browser.close();
rmSync(scratch, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
