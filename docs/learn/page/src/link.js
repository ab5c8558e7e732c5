// SPDX-License-Identifier: MIT
// A state as a link and as a command line, and back.
//
//	setup {memory, cma, cpus, pcp, profile, fill, text} <-> #m=16M&do=...
//	                                                   <-> pagebuddy case --memory 16M --do '...'

export const MAX_MEMORY = 256 << 20; // what the page draws; the command goes up to 1T
const LARGEST = 4 << 20;

export const defaults = () => ({ memory: 64 << 20, cma: 0, cpus: 1, pcp: false, profile: "linux", fill: null, buddyinfo: null, text: "" });

let files = {}; // name -> text, of those that the chapters have
export function useFiles(known) {
  files = known;
}

/* A size as `pagebuddy case` reads it, or null. */
export function parseSize(text) {
  const match = /^(\d{1,15})(?:\.(\d{1,6}))?(?:([kmgt])(?:i?b)?|b)?$/i.exec(text);
  if (!match) return null;
  const unit = match[3] ? 1024 ** (1 + "kmgt".indexOf(match[3].toLowerCase())) : 1;
  const bytes = Number(`${match[1]}.${match[2] ?? 0}`) * unit;
  return Number.isInteger(bytes) && bytes > 0 && bytes <= 2 ** 40 ? bytes : null;
}

export function sizeText(bytes) {
  for (const [unit, value] of [["G", 2 ** 30], ["M", 2 ** 20], ["K", 1024]])
    if (bytes >= value && bytes % value === 0) return `${bytes / value}${unit}`;
  return String(bytes);
}

export class Problem extends Error {
  constructor(key, ...words) {
    super(key);
    this.key = key;
    this.words = words;
  }
}

function setMemory(setup, text) {
  const bytes = parseSize(text);
  if (!bytes || bytes < 4096) throw new Problem("badMemory", text);
  if (bytes > MAX_MEMORY) throw new Problem("tooMuchMemory", text);
  setup.memory = Math.floor(bytes / 4096) * 4096;
}

function setCma(setup, text) {
  const bytes = text === "0" ? 0 : parseSize(text);
  if (bytes === null) throw new Problem("badCma", text);
  setup.cma = bytes;
}

function setCpus(setup, text) {
  if (!/^\d+$/.test(text) || Number(text) < 1 || Number(text) > 64) throw new Problem("badCpus", text);
  setup.cpus = Number(text);
}

function setProfile(setup, text) {
  if (text !== "linux" && text !== "modern") throw new Problem("badProfile", text);
  setup.profile = text;
}

function setFill(setup, text) {
  const match = /^(\d{1,3})%?$/.exec(text);
  if (!match || Number(match[1]) > 100) throw new Problem("badFill", text);
  setup.fill = Number(match[1]);
}

const ZONE_TYPES = ["DMA", "DMA32", "Normal", "HighMem", "Movable"];

/* The zones of a /proc/buddyinfo: [{type, nr_free}], and the frames they take. */
export function readBuddyinfo(text) {
  const zones = [];
  let frames = 0;
  for (const line of text.split("\n").filter((l) => l.trim())) {
    const match = /^\s*Node\s+(\d+),\s*zone\s+(\S+)\s+([\d\s]+)$/.exec(line);
    const nr_free = match ? match[3].trim().split(/\s+/).map(Number) : [];
    const type = match ? ZONE_TYPES.indexOf(match[2]) : -1;
    if (!match || type < 0 || nr_free.length > 11 || nr_free.some((n) => n >= 1 << 24)) throw new Problem("badBuddyinfo", line.trim().slice(0, 60));
    if (match[1] !== "0" || zones.some((zone) => zone.type === type)) throw new Problem("manyNodes");
    while (nr_free.length < 11) nr_free.push(0);
    const pages = nr_free[10] * 1024 + nr_free.slice(0, 10).reduce((sum, n, o) => sum + n * (2 << o), 0);
    if (pages) zones.push({ type, nr_free });
    frames += Math.ceil(pages / 1024) * 1024;
  }
  if (!frames) throw new Problem("badBuddyinfo", text.trim().slice(0, 60));
  if (frames * 4096 > MAX_MEMORY) throw new Problem("tooMuchMemory", sizeText(frames * 4096));
  return { zones, frames };
}

function setBuddyinfo(setup, text) {
  const { frames } = readBuddyinfo(text);
  setup.buddyinfo = text.trim();
  setup.memory = frames * 4096;
}

/* The CMA area against the whole, once all is read. */
function check(setup) {
  if (setup.cma && (setup.cma % LARGEST || setup.memory % LARGEST || setup.cma >= setup.memory)) throw new Problem("badCma", sizeText(setup.cma));
  return setup;
}

// ------------------------------------------------------------------- command lines

/* Words as a shell makes them of quotes and backslashes. */
export function splitWords(line) {
  const words = [];
  let word = null;
  for (let i = 0; i < line.length; i++) {
    const c = line[i];
    if (c === "'" || c === '"') {
      const end = line.indexOf(c, i + 1);
      if (end < 0) throw new Problem("badQuote");
      word = (word ?? "") + line.slice(i + 1, end);
      i = end;
    } else if (/\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? "") + (c === "\\" && i + 1 < line.length ? line[++i] : c);
    }
  }
  if (word !== null) words.push(word);
  return words;
}

/* -s, -o: requests in a row, then freed in that order. */
function requestText(requests) {
  const made = requests.map((r, i) => `alloc ${r.what}${r.type ? ` ${r.type}` : ""}${r.zone ? ` ${r.zone}` : ""} as r${i + 1}`);
  return [...made, ...requests.map((_, i) => `free r${i + 1}`)].join("; ");
}

const VALUED = { "-s": "size", "-o": "order", "-m": "migratetype", "-z": "zone" };

function readOptions(words, setup, scenarios, depth) {
  const texts = setup.text ? [setup.text] : [];
  const requests = [];
  const next = {};
  for (let i = 0; i < words.length; i++) {
    let [name, value] = words[i].startsWith("--") ? words[i].split(/=(.*)/s) : [words[i]];
    if (VALUED[name]) name = `--${VALUED[name]}`;
    const take = () => {
      if (value !== undefined) return value;
      if (i + 1 >= words.length) throw new Problem("noValue", name);
      return words[++i];
    };
    switch (name) {
      case "--memory": setMemory(setup, take()); break;
      case "--cma": setCma(setup, take()); break;
      case "--cpus": setCpus(setup, take()); break;
      case "--profile": setProfile(setup, take()); break;
      case "--fill": setFill(setup, take()); break;
      case "--buddyinfo": {
        const wanted = take();
        if (wanted === "<(echo" && i + 1 < words.length) setBuddyinfo(setup, words[++i].replace(/\)$/, ""));
        else if (files[wanted]) setBuddyinfo(setup, files[wanted]);
        else throw new Problem("noFile", wanted);
        break;
      }
      case "--pcp": setup.pcp = true; break;
      case "--do": texts.push(take()); break;
      case "--scenario": {
        const wanted = take();
        const found = scenarios.find((s) => s.name === wanted);
        if (!found || depth) throw new Problem("badScenario", wanted, scenarios.map((s) => s.name).join(", "));
        readOptions(splitWords(found.case), setup, scenarios, depth + 1);
        if (setup.text) texts.unshift(setup.text);
        break;
      }
      case "--size": requests.push({ ...next, what: take() }); break;
      case "--order": requests.push({ ...next, what: `order ${take()}` }); break;
      case "--migratetype": next.type = take(); if (requests.length) requests.at(-1).type = next.type; break;
      case "--zone": next.zone = take(); if (requests.length) requests.at(-1).zone = next.zone; break;
      case "--lang": case "--format": take(); break; // how it is printed
      case "--step": case "--quiet": case "-q": break;
      default: throw new Problem("badOption", words[i]);
    }
  }
  if (requests.length) texts.push(requestText(requests));
  setup.text = texts.join("; ");
  return setup;
}

export function fromCommand(line, scenarios) {
  const words = splitWords(line.trim().replace(/^\$\s+/, ""));
  if (words[0]?.split("/").at(-1) === "pagebuddy") words.shift();
  if (words[0] === "case") words.shift();
  if (!words.length) throw new Problem("emptyCommand");
  return check(readOptions(words, defaults(), scenarios, 0));
}

export function toCommand(setup) {
  const words = ["pagebuddy case"];
  if (setup.buddyinfo !== null) {
    const known = Object.keys(files).find((name) => files[name].trim() === setup.buddyinfo);
    words.push(`--buddyinfo ${known ?? `<(echo '${setup.buddyinfo}')`}`);
  } else if (setup.memory !== defaults().memory) words.push(`--memory ${sizeText(setup.memory)}`);
  if (setup.profile !== "linux") words.push(`--profile ${setup.profile}`);
  if (setup.pcp) words.push("--pcp");
  if (setup.pcp && setup.cpus > 1) words.push(`--cpus ${setup.cpus}`);
  if (setup.cma) words.push(`--cma ${sizeText(setup.cma)}`);
  if (setup.fill !== null) words.push(`--fill ${setup.fill}%`);
  if (setup.text) words.push(`--do '${setup.text.replaceAll("\n", "; ")}'`);
  return words.join(" ");
}

// ---------------------------------------------------------------------------- links

const KEYS = ["lang", "ch", "s", "b", "m", "cma", "cpus", "pcp", "p", "fill", "do", "at", "both"];

/* What the fragment says: {lang, chapter, setup or null, at, both}, problems: sentences' keys. */
export function fromFragment(fragment, scenarios, chapters) {
  const result = { problems: [], setup: null };
  const attempt = (what) => {
    try {
      what();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      result.problems.push(error);
    }
  };
  let query;
  try {
    decodeURIComponent(fragment.replaceAll("+", " "));
    query = new URLSearchParams(fragment.replace(/^#/, ""));
  } catch {
    result.problems.push(new Problem("badLink", fragment.slice(0, 60)));
    return result;
  }
  for (const key of query.keys()) if (!KEYS.includes(key)) result.problems.push(new Problem("badKey", key.slice(0, 40)));
  const lang = query.get("lang");
  if (lang !== null) {
    if (lang === "en" || lang === "zh") result.lang = lang;
    else result.problems.push(new Problem("badLang", lang.slice(0, 20)));
  }
  const chapter = query.get("ch");
  if (chapter !== null) {
    if (/^\d+$/.test(chapter) && Number(chapter) >= 1 && Number(chapter) <= chapters) result.chapter = Number(chapter);
    else result.problems.push(new Problem("badChapter", chapter.slice(0, 20), chapters));
  }
  if (["s", "b", "m", "cma", "cpus", "pcp", "p", "fill", "do"].some((key) => query.has(key))) {
    const setup = defaults();
    const before = result.problems.length;
    if (query.has("s")) attempt(() => readOptions(["--scenario", query.get("s")], setup, scenarios, 0));
    if (query.has("b")) attempt(() => setBuddyinfo(setup, query.get("b")));
    if (query.has("m") && !query.has("b")) attempt(() => setMemory(setup, query.get("m")));
    if (query.has("cma")) attempt(() => setCma(setup, query.get("cma")));
    if (query.has("cpus")) attempt(() => setCpus(setup, query.get("cpus")));
    if (query.has("pcp")) setup.pcp = query.get("pcp") !== "0";
    if (query.has("p")) attempt(() => setProfile(setup, query.get("p")));
    if (query.has("fill")) attempt(() => setFill(setup, query.get("fill")));
    if (query.has("do")) setup.text = [setup.text, query.get("do")].filter(Boolean).join("; ");
    attempt(() => check(setup));
    if (result.problems.length === before) result.setup = setup;
  }
  if (result.setup && query.has("s") && !query.get("do")) result.scenario = query.get("s");
  result.both = query.get("both") === "1";
  const at = query.get("at");
  if (at !== null) {
    if (/^\d{1,9}$/.test(at)) result.at = Number(at);
    else result.problems.push(new Problem("badAt", at.slice(0, 20)));
  }
  return result;
}

export function toFragment({ lang, chapter, setup, at, both }) {
  const query = new URLSearchParams();
  query.set("lang", lang);
  if (chapter) query.set("ch", chapter);
  const usual = defaults();
  if (setup) {
    if (setup.buddyinfo !== null) query.set("b", setup.buddyinfo);
    else if (setup.memory !== usual.memory) query.set("m", sizeText(setup.memory));
    if (setup.cma) query.set("cma", sizeText(setup.cma));
    if (setup.pcp) query.set("pcp", "1");
    if (setup.pcp && setup.cpus > 1) query.set("cpus", setup.cpus);
    if (setup.profile !== "linux") query.set("p", setup.profile);
    if (setup.fill !== null) query.set("fill", setup.fill);
    query.set("do", setup.text);
  }
  if (both) query.set("both", "1");
  if (at !== undefined && at !== null) query.set("at", at);
  return `#${query}`;
}

/* A request's size against the machine's: said before it is made. */
export const largestBlock = LARGEST;
