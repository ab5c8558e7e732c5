// SPDX-License-Identifier: MIT
// The page: chapters at one side, the machine at the other.

import "./style.css";
import { Core } from "./core.js";
import { Exercises } from "./exercises.js";
import { MAX_MEMORY, Problem, defaults, fromCommand, fromFragment, parseSize, readBuddyinfo, sizeText, splitWords, toCommand, toFragment, useFiles } from "./link.js";
import { Run } from "./machine.js";
import { sentence } from "./say.js";
import { View, el } from "./view.js";
import { words } from "./words.js";

const data = JSON.parse(document.getElementById("data").textContent);
useFiles(data.files);
const $ = (id) => document.getElementById(id);
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
// drawn, because not every system has these characters
const ICONS = {
  first: "M3 3h2v10H3zM13 3v10L6 8z", back: "M11 3v10L4 8z", play: "M4 2v12l9-6z", pause: "M4 3h3v10H4zM9 3h3v10H9z", forward: "M5 3v10l7-5z", last: "M11 3h2v10h-2zM3 3v10l7-5z",
};
function svg(path) {
  const space = "http://www.w3.org/2000/svg";
  const image = document.createElementNS(space, "svg");
  image.setAttribute("viewBox", "0 0 16 16");
  image.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS(space, "path");
  shape.setAttribute("d", path);
  image.append(shape);
  return image;
}
const MANY = 400; // steps of one action that are not played by themselves

class Page {
  constructor() {
    this.lang = /^zh/i.test(navigator.language) ? "zh" : "en";
    this.chapter = 1;
    this.setup = defaults();
    this.both = false;
    this.views = [];
    this.runs = [];
    this.act = -1; // which action, and which of its stops
    this.stop = 0;
    this.speed = 3;
    this.exercises = new Exercises(this);
  }

  get t() {
    return words[this.lang];
  }

  get run() {
    return this.runs[0];
  }

  // ------------------------------------------------------------------------- start

  async start() {
    this.theme();
    this.controls();
    if (typeof WebAssembly === "object" && typeof WebAssembly.compile === "function") {
      try {
        this.module = await Core.compile(data.wasm);
      } catch {
        this.module = null;
      }
    }
    this.follow(location.hash, true);
    window.addEventListener("hashchange", () => {
      if (location.hash !== this.written) this.follow(location.hash, false);
    });
    document.documentElement.dataset.ready = "";
    performance.mark("ready");
  }

  /* A link's fragment: what it names, and a sentence for what can't be. */
  follow(fragment, first) {
    if (/^#(lab|text)$/.test(fragment)) return;
    const link = fromFragment(fragment, data.scenarios, data.chapters.length);
    if (link.lang) this.lang = link.lang;
    if (link.chapter) this.chapter = link.chapter;
    this.both = link.both;
    this.relabel();
    const notes = link.problems.map((problem) => this.t[problem.key](...problem.words));
    if (!this.module) notes.push(this.t.noWasm);
    this.note(notes);
    if (!this.module) {
      $("lab").hidden = true;
      this.showChapter(false);
      return;
    }
    const start = link.setup ?? fromCommand(`pagebuddy case ${data.scenarios[0].case}`, data.scenarios);
    if (link.problems.length && !link.setup) this.setup = defaults();
    else this.setup = start;
    this.scenario = link.scenario ?? (link.setup || link.problems.length ? null : data.scenarios[0].name);
    this.build();
    this.showChapter(!first);
    this.jump(Math.min(link.at ?? this.total(), this.total()));
  }

  note(lines) {
    $("notes").replaceChildren(...lines.map((line) => {
      const box = el("p", {}, el("span", { text: line }), el("button", { type: "button", text: this.t.close, onclick: () => box.remove() }));
      return box;
    }));
  }

  theme() {
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const set = (on) => {
      document.documentElement.dataset.theme = on ? "dark" : "light";
      $("theme").textContent = on ? this.t.light : this.t.dark;
      this.dark = on;
      for (const view of this.views) if (view.picture) view.drawMap();
    };
    this.setTheme = set;
    set(dark.matches);
    dark.addEventListener("change", (event) => set(event.matches));
    $("theme").addEventListener("click", () => set(!this.dark));
  }

  // ---------------------------------------------------------------------- controls

  controls() {
    for (const button of document.querySelectorAll("[data-lang]"))
      button.addEventListener("click", () => {
        this.lang = button.dataset.lang;
        this.relabel();
        this.showChapter(false);
        this.render(false);
        this.write();
      });
    $("skip").addEventListener("click", (event) => {
      event.preventDefault();
      $("lab").scrollIntoView();
      $("lab").focus();
    });
    $("wide").addEventListener("click", () => {
      document.body.classList.toggle("wide");
      this.relabelWide();
    });
    $("moment").addEventListener("input", () => {
      this.pause();
      this.jump(Number($("moment").value));
    });
    $("run").addEventListener("click", () => this.setText($("actions").value));
    $("actions").addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.setText($("actions").value);
    });
    $("undo").addEventListener("click", () => this.undo());
    $("restart").addEventListener("click", () => this.setText(""));
    $("import-button").addEventListener("click", () => this.importCommand());
    $("log-box").addEventListener("toggle", () => this.drawLog());
    for (const button of document.querySelectorAll("[data-copy]"))
      button.addEventListener("click", () => this.copy(button));
  }

  async copy(button) {
    const field = $(button.dataset.copy);
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy");
    }
    button.textContent = this.t.copied;
    setTimeout(() => (button.textContent = this.t.copy), 1500);
  }

  relabelWide() {
    $("wide").textContent = document.body.classList.contains("wide") ? this.t.withText : this.t.wide;
  }

  relabel() {
    const { t } = this;
    document.documentElement.lang = this.lang === "zh" ? "zh-CN" : "en";
    document.title = `${t.title} · pagebuddy`;
    for (const element of document.querySelectorAll("[data-t]")) element.textContent = t[element.dataset.t];
    for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t[element.dataset.label]);
    for (const button of document.querySelectorAll("[data-lang]")) button.setAttribute("aria-pressed", button.dataset.lang === this.lang);
    this.setTheme(this.dark);
    this.relabelWide();
    this.drawSetup();
    this.drawRequest();
    this.drawMore();
    this.drawButtons();
    this.drawChapters();
  }

  option(value, text, selected) {
    const option = el("option", { value, text });
    option.selected = selected;
    return option;
  }

  field(label, control, id) {
    control.id = id;
    return el("div", { class: "field" }, el("label", { for: id, text: label }), control);
  }

  drawSetup() {
    const { t } = this;
    const scenario = el("select", { onchange: (event) => this.loadScenario(event.target.value) }, this.option("", this.setup.text || this.setup.buddyinfo ? t.own : t.empty, true),
      ...data.scenarios.map((s) => this.option(s.name, s.title?.[this.lang] ?? s.name, s.name === this.scenario)));
    const sizes = [4, 16, 32, 64, 128, 256].map((m) => m << 20);
    if (!sizes.includes(this.setup.memory)) sizes.unshift(this.setup.memory);
    const memory = el("select", { onchange: (event) => this.remake({ memory: Number(event.target.value) }) }, ...sizes.map((bytes) => this.option(bytes, `${sizeText(bytes)}`, bytes === this.setup.memory)));
    const now = this.both ? "both" : this.setup.profile;
    const profile = el("select", { onchange: (event) => this.setProfile(event.target.value) }, ...["linux", "modern", "both"].map((name) => this.option(name, t[name], name === now)));
    const pcp = el("input", { type: "checkbox", onchange: (event) => this.remake({ pcp: event.target.checked }) });
    pcp.checked = this.setup.pcp;
    const cpus = el("select", { onchange: (event) => this.remake({ cpus: Number(event.target.value) }) }, ...[1, 2, 4, 8].concat([1, 2, 4, 8].includes(this.setup.cpus) ? [] : [this.setup.cpus]).map((n) => this.option(n, n, n === this.setup.cpus)));
    const cma = el("select", { onchange: (event) => this.remake({ cma: Number(event.target.value) }) }, ...[0, 4 << 20, 8 << 20, 16 << 20].concat([0, 4 << 20, 8 << 20, 16 << 20].includes(this.setup.cma) ? [] : [this.setup.cma]).map((n) => this.option(n, n ? sizeText(n) : "0", n === this.setup.cma)));
    $("setup").replaceChildren(
      this.field(t.scenario, scenario, "scenario"), this.field(t.memory, memory, "memory"), this.field(t.profile, profile, "profile"),
      this.field(t.pcp, pcp, "pcp"), this.field(t.cpus, cpus, "cpus"), this.field(t.cma, cma, "cma"));
  }

  drawRequest() {
    const { t } = this;
    const old = Object.fromEntries(new FormData($("request")));
    const select = (name, options, usual) => el("select", { name }, ...options.map(([value, text]) => this.option(value, text, (old[name] ?? usual) === value)));
    const input = (name, usual, more = {}) => el("input", { name, value: old[name] ?? usual, autocomplete: "off", ...more });
    $("request").replaceChildren(
      this.field(t.amount, input("amount", "28K", { size: 8, title: t.amountHint, required: true }), "r-amount"),
      this.field(t.type, select("type", [["movable", t.types[1]], ["unmovable", t.types[0]], ["reclaimable", t.types[2]]], "movable"), "r-type"),
      this.field(t.gfp, select("gfp", [["", `${t.normal}`], ["atomic", `${t.atomic} (GFP_ATOMIC)`], ["nowait", `${t.nowait} (GFP_NOWAIT)`]], ""), "r-gfp"),
      this.field(t.zone, select("zone", [["", t.anyZone], ["DMA", "DMA"], ["DMA32", "DMA32"], ["Normal", "Normal"], ["Movable-zone", "Movable"]], ""), "r-zone"),
      this.field(t.count, input("count", "1", { size: 4, inputmode: "numeric" }), "r-count"),
      this.field(t.name, input("name", "", { size: 6, placeholder: "a" }), "r-name"),
      el("button", { type: "submit", class: "main", text: t.alloc }),
      el("button", { type: "button", text: t.freeAll, onclick: () => this.perform("free all") }),
      el("p", { class: "error", role: "alert", id: "request-error" }));
    $("request").onsubmit = (event) => {
      event.preventDefault();
      this.request(Object.fromEntries(new FormData(event.target)));
    };
  }

  drawMore() {
    const { t } = this;
    const box = $("more").querySelector(".more");
    const number = (name, value, size = 4) => el("input", { name, value, size, inputmode: "numeric", autocomplete: "off" });
    const mixes = [["1:6:1", "1 : 6 : 1"], ["0:8:0", "0 : 8 : 0"], ["2:4:2", "2 : 4 : 2"], ["4:3:1", "4 : 3 : 1"], ["8:0:0", "8 : 0 : 0"]];
    const fill = el("form", { class: "row" },
      this.field(t.percent, number("percent", "80"), "f-percent"), this.field(t.orders, el("input", { name: "orders", value: "0-3", size: 5, autocomplete: "off" }), "f-orders"),
      this.field(`${t.mix} (U : M : E)`, el("select", { name: "mix" }, ...mixes.map(([value, text], i) => this.option(value, text, !i))), "f-mix"),
      this.field(t.seed, number("seed", "1", 6), "f-seed"), el("button", { type: "submit", text: t.runFill }));
    fill.onsubmit = (event) => {
      event.preventDefault();
      const f = Object.fromEntries(new FormData(fill));
      const mix = f.mix === "1:6:1" ? "" : ` mix ${f.mix}`;
      this.perform(`fill ${f.percent.replace("%", "")}% orders ${f.orders}${mix} seed ${f.seed}`);
      const seed = fill.querySelector("[name=seed]");
      if (/^\d+$/.test(seed.value)) seed.value = Number(seed.value) + 1;
    };
    const compact = el("form", { class: "row" }, this.field(t.compactOrder, number("order", "4"), "c-order"), el("button", { type: "submit", text: t.compact }));
    compact.onsubmit = (event) => {
      event.preventDefault();
      this.perform(`compact order ${new FormData(compact).get("order")}`);
    };
    const cpu = el("form", { class: "row" }, this.field(t.cpu, number("cpu", "0"), "u-cpu"), el("button", { type: "submit", text: t.run }), el("button", { type: "button", text: t.drain, onclick: () => this.perform("drain") }));
    cpu.onsubmit = (event) => {
      event.preventDefault();
      this.perform(`cpu ${new FormData(cpu).get("cpu")}`);
    };
    const saved = el("textarea", { name: "saved", rows: 2, spellcheck: "false", placeholder: "Node 0, zone   Normal   12   3   0   1   0   0   0   0   0   0   2" });
    const wrong = el("p", { class: "error", role: "alert" });
    const buddyinfo = el("form", {}, this.field(t.fromBuddyinfo, saved, "b-saved"), wrong, el("div", { class: "buttons" }, el("button", { type: "submit", text: t.import })));
    buddyinfo.onsubmit = (event) => {
      event.preventDefault();
      wrong.textContent = "";
      try {
        this.load({ ...defaults(), ...this.fromSaved(saved.value) });
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        wrong.textContent = this.t[error.key](...error.words);
      }
    };
    box.replaceChildren(fill, compact, cpu, buddyinfo);
  }

  drawButtons() {
    const { t } = this;
    const button = (id, icon, label, act) => el("button", { type: "button", id, "aria-label": label, title: label, onclick: act }, svg(ICONS[icon]));
    const speed = el("input", { type: "range", id: "speed", "aria-label": t.speed, min: 1, max: 12, value: this.speed, oninput: (event) => (this.speed = Number(event.target.value)) });
    $("buttons").replaceChildren(
      button("first", "first", t.first, () => this.leap(0)), button("back", "back", t.back, () => this.leap(this.position() - 1)),
      (this.playButton = button("play", "play", t.play, () => this.toggle())), button("forward", "forward", t.forward, () => this.leap(this.position() + 1)),
      button("last", "last", t.last, () => this.leap(this.total())), el("label", { class: "speed" }, el("span", { text: t.speed }), speed), el("output", { id: "count", for: "moment" }));
    this.drawPlay();
  }

  drawPlay() {
    const playing = Boolean(this.timer);
    // several sentences a second are noise to whoever listens: the last one is told
    $("sentence").setAttribute("aria-live", playing ? "off" : "polite");
    const label = playing ? this.t.pause : this.t.play;
    this.playButton.replaceChildren(svg(ICONS[playing ? "pause" : "play"]), label);
    this.playButton.title = label;
    this.playButton.setAttribute("aria-label", label);
  }

  drawChapters() {
    $("chapters").replaceChildren(el("ol", {}, ...data.chapters.map((chapter) =>
      el("li", {}, el("a", { href: `#lang=${this.lang}&ch=${chapter.number}`, "aria-current": chapter.number === this.chapter ? "page" : null, onclick: (event) => {
        event.preventDefault();
        this.openChapter(chapter.number);
      } }, el("b", { text: chapter.number }), el("span", { text: chapter.title[this.lang] }))))));
    $("chapters").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }

  openChapter(number) {
    this.chapter = number;
    this.drawChapters();
    this.showChapter(true);
    this.write();
  }

  // ---------------------------------------------------------------------- chapters

  showChapter(focus) {
    const chapter = data.chapters[this.chapter - 1];
    const text = $("text");
    const { t } = this;
    text.innerHTML = chapter.html[this.lang];
    for (const button of text.querySelectorAll("[data-case]")) {
      button.textContent = `▶ ${t.tryIt}`;
      button.hidden = !this.module || !this.performable(button.dataset.case);
      button.addEventListener("click", () => this.loadCase(button.dataset.case.replace(/^pagebuddy case/, ""), true));
    }
    for (const link of text.querySelectorAll("[data-chapter]"))
      link.addEventListener("click", (event) => {
        event.preventDefault();
        this.openChapter(Number(link.dataset.chapter));
      });
    this.addFiles(text, chapter);
    text.append(this.exercises.build(chapter), this.chapterButtons());
    this.exercises.checkGoal(false);
    if (focus) {
      text.focus({ preventScroll: true });
      text.scrollIntoView({ behavior: calm.matches ? "auto" : "smooth" });
    }
  }

  performable(command) {
    try {
      return Boolean(fromCommand(command, data.scenarios));
    } catch {
      return false;
    }
  }

  addFiles(text, chapter) {
    for (const [name, content] of Object.entries(chapter.files)) {
      const box = el("details", { class: "file", id: `file-${name}` }, el("summary", { text: name }), el("pre", { tabindex: 0 }, el("code", { text: content })));
      text.append(box);
      for (const link of text.querySelectorAll(`[data-file="${CSS.escape(name)}"]`))
        link.addEventListener("click", (event) => {
          event.preventDefault();
          box.open = true;
          box.scrollIntoView({ block: "nearest" });
          box.querySelector("summary").focus();
        });
    }
  }

  chapterButtons() {
    const { t } = this;
    const go = (step, label) => el("button", { type: "button", text: label, onclick: () => this.openChapter(this.chapter + step) });
    return el("div", { class: "buttons turn" }, this.chapter > 1 ? go(-1, `← ${t.previous}`) : null, this.chapter < data.chapters.length ? go(1, `${t.next} →`) : null);
  }

  // ----------------------------------------------------------------------- machine

  machineOf(setup, profile) {
    if (setup.buddyinfo !== null) return { profile, ...readBuddyinfo(setup.buddyinfo), cma: 0, cpus: setup.cpus, pcp: setup.pcp, fill: setup.fill };
    return { profile, frames: setup.memory >> 12, cma: setup.cma >> 12, cpus: setup.cpus, pcp: setup.pcp, fill: setup.fill };
  }

  /* The machines anew, and everything done that the text says. */
  build() {
    this.pause();
    const profiles = this.both ? ["linux", "modern"] : [this.setup.profile];
    document.body.classList.toggle("both", this.both);
    this.runs = profiles.map((profile) => new Run(new Core(this.module), this.machineOf(this.setup, profile), this.setup.text).runAll());
    this.views = profiles.map((profile) => this.views.find((view) => view.profile === profile) ?? new View(this, profile));
    $("panels").replaceChildren(...this.views.map((view) => view.root));
    const bad = this.runs.find((run) => run.status || run.error);
    $("text-error").textContent = bad ? this.problem(bad) : "";
    if (bad?.status) {
      this.note([this.t.machineError()]);
      this.setup = defaults();
      this.build();
      return;
    }
    this.drawSetup();
    this.offsets();
  }

  problem(run) {
    if (run.status) return this.t.machineError();
    const { problem, action, word } = run.error;
    return this.t.badAction(action, word, this.t.problems[problem] ?? problem);
  }

  /* Stops of all actions in a row; side by side each action takes as many as the longer. */
  offsets() {
    const n = Math.max(...this.runs.map((run) => run.acts.length));
    this.starts = [0];
    for (let i = 0; i < n; i++) this.starts.push(this.starts[i] + this.stops(i));
    $("moment").max = this.total();
  }

  stops(i) {
    return Math.max(...this.runs.map((run) => (run.acts[i] ? run.nrStops(i) : 0)));
  }

  total() {
    return this.starts ? Math.max(0, this.starts.at(-1) - 1) : 0;
  }

  position() {
    return this.act < 0 ? 0 : this.starts[this.act] + this.stop;
  }

  jump(position) {
    const at = Math.max(0, Math.min(position, this.total()));
    let act = 0;
    while (act + 1 < this.starts.length - 1 && this.starts[act + 1] <= at) act++;
    this.act = this.starts.length > 1 ? act : -1;
    this.stop = this.act < 0 ? 0 : at - this.starts[act];
    this.render(false);
    this.write();
  }

  leap(position) {
    this.pause();
    this.jump(position);
  }

  setText(text) {
    try {
      if (text.length > 60000) throw new Problem("tooLong");
      const core = new Core(this.module);
      core.create(this.machineOf(this.setup, this.setup.profile));
      const parsed = core.parse(text);
      if (parsed.error) throw new Problem("badAction", parsed.error.action, parsed.error.word, this.t.problems[parsed.error.problem]);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      $("text-error").textContent = this.t[error.key](...error.words);
      return false;
    }
    this.setup = { ...this.setup, text };
    this.scenario = null;
    this.build();
    this.jump(this.total());
    this.exercises.checkGoal(false);
    return true;
  }

  /* One action more, and watch it. Returns the sentence of what is wrong with it, or "". */
  perform(action) {
    if (!this.module) return "";
    this.pause();
    const text = [this.setup.text.replace(/[;\s]+$/, ""), action].filter(Boolean).join("; ");
    const before = this.runs[0].acts.length;
    for (const run of this.runs) {
      const error = run.extend(text);
      if (error) {
        $("text-error").textContent = this.t.badAction(error.action, error.word, this.t.problems[error.problem]);
        return $("text-error").textContent;
      }
    }
    $("text-error").textContent = "";
    this.setup = { ...this.setup, text };
    this.scenario = null;
    this.offsets();
    this.exercises.checkGoal(false);
    const steps = this.stops(before) - 2;
    if (steps > 0 && steps <= MANY && !calm.matches) {
      this.jump(this.starts[before]);
      this.play();
    } else {
      this.jump(this.total());
    }
    return "";
  }

  request(f) {
    const amount = f.amount.trim();
    const order = /^(?:order\s*)?(\d{1,2})$/i.exec(amount);
    const bytes = parseSize(amount);
    const byOrder = order && (/^order/i.test(amount) || Number(order[1]) <= 28);
    const say = (text) => ($("request-error").textContent = text);
    say("");
    if (!byOrder && !bytes) {
      say(this.t.badAmount(amount));
      return;
    }
    const what = byOrder ? `order ${order[1]}` : amount;
    const pages = byOrder ? 2 ** Number(order[1]) : Math.ceil(bytes / 4096);
    if (pages > this.setup.memory / 4096) say(this.t.tooLarge(byOrder ? `order ${order[1]}` : amount));
    const count = Number(f.count) > 1 ? ` x ${f.count}` : "";
    const wrong = this.perform(`alloc ${what}${f.type === "movable" ? "" : ` ${f.type}`}${f.zone ? ` ${f.zone}` : ""}${f.gfp ? ` ${f.gfp}` : ""}${count} as ${f.name.trim() || this.freshName()}`);
    if (wrong) say(wrong);
  }

  /* The first letter that no action has. */
  freshName() {
    const taken = new Set(this.run.actions.map((action) => action.name));
    for (let i = 0; ; i++) {
      const name = String.fromCharCode(97 + (i % 26)) + (i >= 26 ? Math.floor(i / 26) : "");
      if (!taken.has(name)) return name;
    }
  }

  free(pfn) {
    if (this.position() !== this.total()) {
      this.leap(this.total());
      return;
    }
    this.perform(`free pfn ${pfn}`);
  }

  undo() {
    const parts = this.setup.text.split(/[;\n]/).map((part) => part.trim()).filter(Boolean);
    parts.pop();
    this.setText(parts.join("; "));
  }

  remake(change) {
    const setup = { ...this.setup, ...change };
    if ("memory" in change || "cma" in change) setup.buddyinfo = null;
    if (setup.cma >= setup.memory) setup.cma = 0;
    if (setup.memory % (4 << 20)) setup.cma = 0;
    this.setup = setup;
    this.build();
    this.jump(this.total());
    this.exercises.checkGoal(false);
  }

  setProfile(name) {
    this.both = name === "both";
    this.remake(this.both ? {} : { profile: name });
  }

  fromSaved(text) {
    const { frames } = readBuddyinfo(text);
    return { buddyinfo: text.trim(), memory: frames * 4096 };
  }

  loadScenario(name) {
    this.exercises.active = null;
    const found = data.scenarios.find((scenario) => scenario.name === name);
    this.load(found ? fromCommand(`pagebuddy case ${found.case}`, data.scenarios) : defaults());
    this.scenario = name;
    this.drawSetup();
  }

  load(setup) {
    this.setup = { ...setup, profile: this.both ? this.setup.profile : setup.profile };
    this.scenario = null;
    this.build();
    const few = this.runs[0].acts.length > 0 && this.total() <= MANY;
    this.jump(few ? 0 : this.total());
    if (few && !calm.matches) this.play();
    else this.jump(this.total());
    this.exercises.checkGoal(false);
  }

  /* The options of `case`, of a chapter or an exercise. */
  loadCase(options, look) {
    try {
      this.load(splitWords(options).length ? fromCommand(`pagebuddy case ${options}`, data.scenarios) : defaults());
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.note([this.t[error.key](...error.words)]);
      return;
    }
    if (look && $("lab").getBoundingClientRect().top > window.innerHeight / 2) {
      $("lab").scrollIntoView({ behavior: calm.matches ? "auto" : "smooth" });
      $("lab").focus({ preventScroll: true });
    }
  }

  importCommand() {
    $("import-error").textContent = "";
    try {
      const setup = fromCommand($("import").value, data.scenarios);
      const core = new Core(this.module);
      core.create(this.machineOf(setup, setup.profile));
      const parsed = core.parse(setup.text);
      if (parsed.error) throw new Problem("badAction", parsed.error.action, parsed.error.word, this.t.problems[parsed.error.problem]);
      this.both = false;
      this.load(setup);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      $("import-error").textContent = this.t[error.key](...error.words);
    }
  }

  // ------------------------------------------------------------------------ player

  toggle() {
    if (this.timer) this.pause();
    else {
      if (this.position() >= this.total()) this.jump(0);
      this.play();
    }
  }

  play() {
    this.pause();
    const next = () => {
      if (this.position() >= this.total()) {
        this.pause();
        this.write();
        return;
      }
      if (this.stop + 1 < this.stops(this.act)) this.stop++;
      else {
        this.act++;
        this.stop = 0;
      }
      this.timer = setTimeout(next, 1800 / this.speed);
      this.render(true);
    };
    this.timer = setTimeout(next, 1800 / this.speed);
    this.drawPlay();
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = null;
    if (this.playButton) this.drawPlay();
  }

  // ------------------------------------------------------------------------ drawing

  render(animate) {
    if (!this.runs.length) return;
    for (const [i, run] of this.runs.entries()) {
      const act = Math.min(this.act, run.acts.length - 1);
      const stop = act < 0 ? 0 : Math.min(this.stop, run.nrStops(act) - 1);
      const pfns = stop > 0 ? run.acts[act]?.result.pfns : null;
      this.views[i].show(run, run.picture(act, stop), run.stepAt(act, stop), animate && !calm.matches, pfns?.at(-1), act + 1);
      this.views[i].said = sentence(this.lang, run, act, stop);
    }
    const said = this.runs.map((run, i) => (this.runs.length > 1 ? `${this.t[run.machine.profile]}: ` : "") + this.views[i].said);
    const number = this.runs[0].stepAt(this.act, this.stop)?.number;
    const shown = el("span", {}, number ? el("b", { class: "nr", text: `${number} ` }) : "", ...said.flatMap((line, i) => (i ? [el("br"), line] : [line])));
    $("sentence").replaceChildren(shown);
    const position = this.position();
    $("moment").value = position;
    $("moment").setAttribute("aria-valuetext", said.join(" "));
    $("moment").setAttribute("aria-label", this.t.timeline);
    $("count").textContent = this.act < 0 ? "" : `${this.t.action} ${this.act + 1}/${this.starts.length - 1} · ${this.t.step} ${position}/${this.total()}`;
    $("first").disabled = $("back").disabled = position <= 0;
    $("last").disabled = $("forward").disabled = position >= this.total();
    this.drawExport();
    this.drawLog();
    if (!this.timer) this.drawPlay();
  }

  drawExport() {
    if (document.activeElement !== $("actions")) $("actions").value = this.setup.text.split(/;\s*/).filter(Boolean).join(";\n");
    $("command").value = toCommand(this.setup);
  }

  /* The steps of the action, with the numbers that `pagebuddy case` gives them. */
  drawLog() {
    if (!$("log-box").open || this.act < 0) return;
    const run = this.runs[0];
    const nr = run.nrStops(this.act);
    const from = Math.max(0, Math.min(this.stop - 60, nr - 120));
    const items = [];
    for (let k = from; k < Math.min(nr, from + 120); k++) {
      const now = run.stepAt(this.act, k);
      items.push(el("li", { class: k === this.stop ? "here" : null, "aria-current": k === this.stop ? "step" : null }, el("span", { class: "nr", text: now?.number ? now.number : "" }),
        el("button", { type: "button", class: "link", text: sentence(this.lang, run, this.act, k), onclick: () => this.leap(this.starts[this.act] + k) })));
    }
    $("log").replaceChildren(...items);
  }

  write() {
    const fragment = toFragment({ lang: this.lang, chapter: this.chapter, setup: this.module ? this.setup : null, at: this.position() === this.total() ? null : this.position(), both: this.both });
    this.written = fragment;
    $("link").value = location.href.replace(/#.*/, "") + fragment;
    try {
      history.replaceState(null, "", fragment);
    } catch {
      // some browsers refuse this for files; the link is still there to copy
    }
  }
}

const page = new Page();
// for the tests: the page, and what it is made of
window.pagebuddy = { page, data, Core, Run, fromCommand, toCommand, fromFragment, toFragment, defaults, MAX_MEMORY };
page.start();
