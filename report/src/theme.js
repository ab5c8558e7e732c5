// SPDX-License-Identifier: MIT
// Light and dark. Canvases are drawn in the colours of the moment, so whoever
// draws one listens here; printing is always light.

const listeners = [];
const dark = matchMedia("(prefers-color-scheme: dark)");
let chosen = null; // "light", "dark", or null: as the system
let printing = false;

export const isDark = () => !printing && (chosen ? chosen === "dark" : dark.matches);

export const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export function onTheme(listener) {
  listeners.push(listener);
}

function apply() {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  for (const listener of listeners) listener();
}

export function setupTheme(button) {
  const label = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to ${isDark() ? "light" : "dark"} colours`);
  };
  button.removeAttribute("aria-pressed");
  button.addEventListener("click", () => {
    chosen = isDark() ? "light" : "dark";
    apply();
    label();
  });
  dark.addEventListener("change", () => {
    apply();
    label();
  });
  addEventListener("beforeprint", () => {
    printing = true;
    apply();
  });
  addEventListener("afterprint", () => {
    printing = false;
    apply();
  });
  apply();
  label();
}

// Viridis, by anchors: readable to colour-blind eyes, ordered in grey too.
const VIRIDIS = [
  [68, 1, 84], [72, 40, 120], [62, 73, 137], [49, 104, 142], [38, 130, 142],
  [31, 158, 137], [53, 183, 121], [110, 206, 88], [181, 222, 43], [253, 231, 37],
];

export function viridis(share) {
  const at = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1);
  const low = Math.min(Math.floor(at), VIRIDIS.length - 2);
  const mix = VIRIDIS[low].map((v, i) => Math.round(v + (VIRIDIS[low + 1][i] - v) * (at - low)));
  return `rgb(${mix.join(",")})`;
}

// Small orders are bright, great ones deep: what glares is fragmented.
export function orderColour(order, maxOrder) {
  const share = maxOrder ? order / maxOrder : 1;
  return isDark() ? viridis(1 - 0.78 * share) : viridis(0.94 - 0.84 * share);
}

// Migratetypes: hues that stay apart for colour-blind eyes (after Okabe and Ito).
const TYPES = {
  light: ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#b58900", "#7d5ba6", "#a8997c"],
  dark: ["#ff9350", "#56a8e0", "#3fc79a", "#e79ac4", "#e0b84c", "#b08fd8", "#8f8264"],
};
export const typeColour = (type) => TYPES[isDark() ? "dark" : "light"][Math.min(type, 6)];
