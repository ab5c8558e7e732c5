// SPDX-License-Identifier: MIT
// Bundle src/ and uPlot into one HTML page without a single address in it.
//
//	node build.mjs SOURCE_DIR NODE_MODULES OUTPUT
//
// The page holds one marker, which `pagebuddy report` replaces by its JSON.

import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const [source, modules, output] = process.argv.slice(2).map((path) => resolve(path));
const require = createRequire(join(modules, "package.json"));
const esbuild = require("esbuild");

const MARKER = "@PAGEBUDDY_DATA@";

const bundle = await esbuild.build({
  entryPoints: [join(source, "src/main.js")],
  bundle: true,
  minify: true,
  write: false,
  outdir: "out",
  format: "iife",
  target: ["es2021"],
  charset: "utf8",
  legalComments: "none",
  nodePaths: [modules],
  banner: { js: "/* uPlot: see the notice at the head of this page */" },
});

const text = (ending) =>
  bundle.outputFiles
    .filter((file) => file.path.endsWith(ending))
    .map((file) => file.text)
    .join("\n");
const licence = readFileSync(join(modules, "uplot/LICENSE"), "utf8").trim();
const version = JSON.parse(readFileSync(join(modules, "uplot/package.json"), "utf8")).version;

// Functions as replacements: "$&" in the bundle must stay what it is.
const page = readFileSync(join(source, "src/index.html"), "utf8")
  .replace("<!-- NOTICE -->", () => `<!--\nCharts: uPlot ${version}\n\n${licence}\n-->`)
  .replace("/* STYLE */", () => text(".css").replaceAll("</", "<\\/"))
  .replace("/* SCRIPT */", () => text(".js").replaceAll("</script", "<\\/script"));
if (page.split(MARKER).length !== 2) {
  throw new Error(`the page must hold ${MARKER} exactly once`);
}
writeFileSync(output, page);
