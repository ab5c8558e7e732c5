// SPDX-License-Identifier: MIT
// Bundle the lesson into one HTML page without a single address in it: src/, the core
// as WebAssembly, the chapters, their exercises and the scenarios.
//
//	node build.mjs SOURCE_DIR NODE_MODULES WASM LESSON_DIR OUTPUT

import { createRequire } from "node:module";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join, posix, resolve } from "node:path";

const [source, modules, wasm, lesson, output] = process.argv.slice(2).map((path) => resolve(path));
const require = createRequire(join(modules, "package.json"));
const esbuild = require("esbuild");
const { Marked } = await import(require.resolve("marked"));
const chapters = join(lesson, "chapters");

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

// ------------------------------------------------------------------ chapters to HTML

/* A block of commands: each `$ pagebuddy case ...` can be performed on the page. */
function console_block(text) {
  const commands = text.split("\n").filter((line) => /^\$ pagebuddy case /.test(line)).map((line) => line.slice(2));
  const tries = commands
    .map((line) => `<button type="button" class="try" data-case="${escape(line)}"></button>`)
    .join("");
  return `<div class="console"><pre tabindex="0"><code>${escape(text)}</code></pre>${tries}</div>\n`;
}

/* Files beside a chapter are shown at its end; other files are only named. */
function link(files, href, inner) {
  if (/^https?:/.test(href)) return `${inner} (<code>${escape(href)}</code>)`;
  if (!href.includes("/") && existsSync(join(chapters, href)) && !href.endsWith(".md")) {
    files.add(href);
    return `<a href="#" data-file="${escape(href)}">${inner}</a>`;
  }
  const chapter = href.match(/^(\d\d)-[^/]*\.md$/);
  if (chapter) return `<a href="#ch=${Number(chapter[1])}" data-chapter="${Number(chapter[1])}">${inner}</a>`;
  const path = posix.join("docs/learn/chapters", href);
  const named = `<code>${escape(path)}</code>`;
  return inner === path ? named : `${inner} (${named})`;
}

function render(markdown, files) {
  const marked = new Marked({
    renderer: {
      code({ text, lang }) {
        return lang?.startsWith("console") ? console_block(text) : `<pre tabindex="0"><code>${escape(text)}</code></pre>\n`;
      },
      html: () => "", // comments: licence and facts
      link({ href, tokens }) {
        return link(files, href, this.parser.parseInline(tokens));
      },
      table(token) {
        const row = (cells, tag) =>
          `<tr>${cells.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join("")}</tr>`;
        return `<div class="table" tabindex="0"><table><thead>${row(token.header, "th")}</thead><tbody>${token.rows
          .map((cells) => row(cells, "td"))
          .join("")}</tbody></table></div>\n`;
      },
    },
  });
  return marked.parse(markdown);
}

const plain = (html) => html.replace(/<[^>]*>/g, "").replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

function chapter(name) {
  const result = { name, number: Number(name.slice(0, 2)), title: {}, html: {}, files: {} };
  const files = new Set();
  for (const lang of ["en", "zh"]) {
    const html = render(readFileSync(join(chapters, `${name}.${lang}.md`), "utf8"), files);
    const heading = html.match(/<h1>(.*?)<\/h1>/s);
    if (!heading) throw new Error(`${name}.${lang}.md has no heading`);
    result.title[lang] = plain(heading[1]).replace(/^\d+\.\s*/, "");
    result.html[lang] = html;
  }
  for (const file of files) result.files[file] = readFileSync(join(chapters, file), "utf8");
  result.exercises = JSON.parse(readFileSync(join(chapters, `${name}.json`), "utf8")).exercises;
  return result;
}

const names = readdirSync(chapters).filter((file) => file.endsWith(".en.md")).map((file) => basename(file, ".en.md")).sort();
const data = {
  chapters: names.map(chapter),
  scenarios: JSON.parse(readFileSync(join(lesson, "scenarios.json"), "utf8")).scenarios,
  files: Object.fromEntries(
    readdirSync(chapters).filter((file) => file.endsWith(".buddyinfo")).map((file) => [file, readFileSync(join(chapters, file), "utf8")])),
  wasm: readFileSync(wasm).toString("base64"),
};

// ------------------------------------------------------------------------------ page

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
});
const text = (ending) =>
  bundle.outputFiles.filter((file) => file.path.endsWith(ending)).map((file) => file.text).join("\n");

// Functions as replacements: "$&" in the bundle must stay what it is.
const page = readFileSync(join(source, "src/index.html"), "utf8")
  .replace("/* STYLE */", () => text(".css").replaceAll("</", "<\\/"))
  .replace("/* DATA */", () => JSON.stringify(data).replaceAll("<", "\\u003c"))
  .replace("/* SCRIPT */", () => text(".js").replaceAll("</script", "<\\/script"));
if (/\b(src|href)="(?!#|data:)/.test(page.replace(/<script[\s\S]*?<\/script>/g, ""))) throw new Error("the page names something outside of it");
writeFileSync(output, page);
