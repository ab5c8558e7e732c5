// SPDX-License-Identifier: MIT
// Three exercises at a chapter's end; the page checks them. Those to be done are checked
// on the machine after every action.

import { STEP, ZONES, nrSteps, step } from "./core.js";
import { reasonText } from "./say.js";
import { el } from "./view.js";

const count = (act, type) => {
  let n = 0;
  for (let i = 0; act && i < nrSteps(act.result.steps); i++) if (step(act.result.steps, i).type === type) n++;
  return n;
};

const lastOf = (run, kind) => run.acts.filter((act) => act.action.kind === kind).at(-1);

/* Each condition of a goal: {text, met}. The same as tests/learn/test_exercises.c has. */
export function conditions(goal, run, t, lang) {
  const zones = run.acts.at(-1)?.zones ?? run.state(0).zones;
  const list = [];
  const last = lastOf(run, "alloc");
  const failed = run.acts.filter((act) => act.result.outcome !== "done");
  for (const wanted of goal.free ?? []) {
    const zone = zones.find((z) => ZONES[z.type] === wanted.zone);
    list.push({ text: t.goalFree(wanted.blocks, wanted.order, wanted.zone), met: zone?.nr_free[wanted.order] === wanted.blocks });
  }
  if ("free_at_least" in goal) list.push({ text: t.goalPages(goal.free_at_least), met: zones.reduce((sum, zone) => sum + zone.free, 0) >= goal.free_at_least });
  if ("last" in goal) list.push({ text: t.goalLast(goal.last === "done"), met: last?.result.outcome === goal.last });
  if ("reason" in goal) list.push({ text: t.goalReason(reasonText(lang, goal.reason)), met: last?.result.reason === goal.reason });
  if ("merges" in goal) list.push({ text: t.goalMerges(goal.merges), met: count(lastOf(run, "free"), STEP.MERGE) === goal.merges });
  if ("steals" in goal) list.push({ text: t.goalSteals(goal.steals), met: count(last, STEP.STEAL) === goal.steals });
  if ("failures" in goal) list.push({ text: t.goalFailures(goal.failures), met: failed.length === goal.failures });
  if ("failed_for" in goal) list.push({ text: t.goalFailedFor(reasonText(lang, goal.failed_for)), met: failed.length > 0 && failed.every((act) => act.result.reason === goal.failed_for) });
  return list;
}

function goalList(list) {
  return el("ul", { class: "goals" }, ...list.map((condition) => el("li", { class: condition.met ? "met" : "open" }, el("span", { "aria-hidden": "true", text: condition.met ? "✓ " : "○ " }), condition.text)));
}

export class Exercises {
  constructor(page) {
    this.page = page;
    this.active = null; // the exercise that the machine was made for
    this.given = new Map(); // what was entered, across languages
    try {
      this.solved = new Set(JSON.parse(localStorage.getItem("pagebuddy-solved") ?? "[]"));
    } catch {
      this.solved = new Set();
    }
  }

  solve(key) {
    this.solved.add(key);
    try {
      localStorage.setItem("pagebuddy-solved", JSON.stringify([...this.solved]));
    } catch {
      // a page from a file may have no storage: then it is forgotten
    }
  }

  build(chapter) {
    this.chapter = chapter;
    this.count = el("p", { class: "count" });
    this.forms = chapter.exercises.map((exercise, i) => this.form(exercise, `${chapter.number}.${i + 1}`, i));
    this.recount();
    return el("section", { class: "exercises", "aria-labelledby": "exercises-title" }, el("h2", { id: "exercises-title", text: this.page.t.exercises }), this.count, ...this.forms);
  }

  recount() {
    this.count.textContent = this.page.t.solved([1, 2, 3].filter((i) => this.solved.has(`${this.chapter.number}.${i}`)).length);
  }

  form(exercise, key, i) {
    const { t, lang } = this.page;
    const verdict = el("p", { class: "verdict", role: "status" });
    const form = el("form", { class: `exercise${this.solved.has(key) ? " solved" : ""}`, "data-key": key, "data-kind": exercise.kind });
    form.append(el("p", { class: "question" }, el("b", { text: `${i + 1}. ` }), exercise.question[lang]));
    const show = el("button", { type: "button", class: "quiet", text: t.show, onclick: () => this.reveal(exercise, verdict) });
    const state = { exercise, key, form, verdict };
    if (exercise.kind === "do") this.doing(state, show);
    else this.asking(state, show);
    form.append(verdict);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.check(state);
    });
    return form;
  }

  asking({ exercise, key, form }, show) {
    const { t, lang } = this.page;
    if (exercise.kind === "number") {
      const id = `answer-${key.replace(".", "-")}`;
      const input = el("input", { id, name: "answer", inputmode: "numeric", autocomplete: "off", size: 8, value: this.given.get(key) ?? "", oninput: (event) => this.given.set(key, event.target.value) });
      form.append(el("label", { for: id, text: `${t.number} ` }), input);
    } else {
      form.append(el("fieldset", {}, el("legend", { class: "hidden", text: t.answer }), ...exercise.options.map((option, i) => {
        const radio = el("input", { type: "radio", name: "answer", value: i, onchange: () => this.given.set(key, String(i)) });
        radio.checked = this.given.get(key) === String(i);
        return el("label", { class: "option" }, radio, ` ${option[lang]}`);
      })));
    }
    form.append(el("div", { class: "buttons" }, el("button", { type: "submit", class: "main", text: t.check }), show));
  }

  doing(state, show) {
    const { t } = this.page;
    state.goals = el("ul", { class: "goals" });
    const begin = el("button", { type: "button", class: "main", text: t.begin, onclick: () => {
      this.active = state;
      this.page.loadCase(state.exercise.case, true);
    } });
    state.form.append(state.goals, el("div", { class: "buttons" }, begin, el("button", { type: "submit", text: t.check }), show));
    if (this.active?.key === state.key) this.active = state;
  }

  say(state, right, more) {
    state.verdict.className = `verdict ${right ? "right" : "wrong"}`;
    state.verdict.textContent = `${right ? this.page.t.right : this.page.t.wrong}${more ? ` ${more}` : ""}`;
    if (right) {
      this.solve(state.key);
      state.form.classList.add("solved");
      this.recount();
    }
  }

  check(state) {
    const { t, lang } = this.page;
    const { exercise } = state;
    if (exercise.kind === "do") {
      this.active = state;
      this.checkGoal(true);
      return;
    }
    const given = new FormData(state.form).get("answer");
    if (exercise.kind === "number" && !/^\s*-?\d+\s*$/.test(given ?? "")) {
      state.verdict.className = "verdict wrong";
      state.verdict.textContent = t.needNumber;
      return;
    }
    const right = given !== null && Number(given) === exercise.answer;
    this.say(state, right, right ? exercise.why[lang] : "");
  }

  /* What is to be reached, beside the machine; nothing when it is for no exercise. */
  drawGoal(state, list, reached) {
    const { t, lang } = this.page;
    const box = document.getElementById("goal");
    box.hidden = !state;
    if (!state) return;
    box.replaceChildren(el("p", {}, el("b", { text: t.exercise(state.key) }), ` ${state.exercise.question[lang]}`), goalList(list),
      el("p", {}, reached ? el("b", { text: `${t.right} ` }) : "", el("button", { type: "button", class: "link", text: t.toExercise, onclick: () => {
        state.form.scrollIntoView({ block: "center" });
        state.form.querySelector("button").focus({ preventScroll: true });
      } })));
  }

  /* After every action on the machine; `asked`: say so if it isn't reached. */
  checkGoal(asked) {
    const state = this.active?.form.isConnected ? this.active : null;
    if (!state || !this.page.run) {
      this.drawGoal(null);
      return;
    }
    const { t, lang } = this.page;
    const list = conditions(state.exercise.goal, this.page.run, t, lang);
    const reached = this.page.run.acts.length > 0 && list.every((condition) => condition.met);
    state.goals.replaceChildren(...goalList(list).children);
    this.drawGoal(state, list, reached);
    if (reached) this.say(state, true, state.exercise.why[lang]);
    else if (asked) {
      state.verdict.className = "verdict wrong";
      state.verdict.textContent = `${t.goalOpen} ${list.filter((condition) => !condition.met).map((condition) => condition.text).join("; ") || "–"}`;
    }
  }

  reveal(exercise, verdict) {
    const { t, lang } = this.page;
    const answer = exercise.kind === "do" ? exercise.solution : exercise.kind === "choice" ? exercise.options[exercise.answer][lang] : String(exercise.answer);
    verdict.className = "verdict";
    verdict.replaceChildren(`${t.answer}: `, el("code", { text: answer }), ` ${exercise.why[lang]}`);
  }
}
