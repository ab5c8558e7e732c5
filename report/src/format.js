// SPDX-License-Identifier: MIT
// Numbers, times and names as people read them.

export const count = (n) => Math.round(n).toLocaleString("en-US");

export function bytes(n, digits = 3) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (Math.abs(n) >= 1024 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${trim(n, digits)} ${units[unit]}`;
}

// At most `digits` significant digits, without a tail of zeros.
export function trim(n, digits = 3) {
  if (n === 0 || !Number.isFinite(n)) return String(n);
  if (Math.abs(n) >= 10 ** (digits - 1)) return String(Math.round(n));
  return String(Number(n.toPrecision(digits)));
}

export function seconds(s) {
  if (s < 120) return `${s.toFixed(s < 10 ? 2 : 1)} s`;
  const minutes = Math.floor(s / 60);
  return `${minutes}:${String(Math.floor(s % 60)).padStart(2, "0")} min`;
}

export function nanoseconds(ns) {
  if (ns < 1e3) return `${trim(ns)} ns`;
  if (ns < 1e6) return `${trim(ns / 1e3)} µs`;
  if (ns < 1e9) return `${trim(ns / 1e6)} ms`;
  return `${trim(ns / 1e9)} s`;
}

export const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;

export const hex = (n) => `0x${n.toString(16)}`;

export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === undefined || value === null) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
}

export const $ = (id) => document.getElementById(id);

let pending;
// To a screen reader, once things are quiet.
export function announce(text) {
  clearTimeout(pending);
  pending = setTimeout(() => {
    $("live").textContent = text;
  }, 250);
}
