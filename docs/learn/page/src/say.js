// SPDX-License-Identifier: MIT
// One sentence for each step, in both languages.

import { STEP, TYPES, ZONES } from "./core.js";

const KB = 4;

export function size(pages) {
  const kb = pages * KB;
  if (kb >= 1 << 20 && kb % (1 << 20) === 0) return `${kb / (1 << 20)} GB`;
  return kb >= 1024 && kb % 1024 === 0 ? `${kb / 1024} MB` : `${kb} KB`;
}

export const frames = (pfn, order) => (order ? `${pfn}–${pfn + (1 << order) - 1}` : `${pfn}`);

const outcome_en = {
  "no room": "The machine has no room for more blocks.",
  "nothing left": "Nothing of it is left to free.",
  reused: "It was freed before, and its frames have another owner now. A kernel could not tell, and would take the memory from under that owner.",
  "no frame": "This machine has no such frame.",
  "no cpu": "This machine has no such CPU.",
};
const outcome_zh = {
  "no room": "这台机器放不下更多的块了。",
  "nothing left": "它已经没有什么可以释放的了。",
  reused: "它之前已经释放过，页帧现在属于别人。内核看不出来，会把那位新主人的内存抽走。",
  "no frame": "这台机器没有这个页帧。",
  "no cpu": "这台机器没有这个 CPU。",
};
const reason_en = {
  "order too big": "the order is larger than the largest there is, order 10 (4 MB)",
  "no zone": "no zone may serve these flags",
  watermark: "no zone has enough free pages above its watermark",
  fragmented: "enough pages are free, but there is no block of this order",
  migratetype: "blocks of this order exist only where this type may not go",
};
const reason_zh = {
  "order too big": "阶数超过了最大的 10 阶（4 MB）",
  "no zone": "没有区能满足这些标志",
  watermark: "没有一个区在水位线之上有足够的空闲页",
  fragmented: "空闲页足够，但没有这么大的连续块",
  migratetype: "这么大的块只存在于该类型不能用的地方",
};

const misuse_en = [
  "the page is free: freed twice, or never allocated", "the page was allocated with another order", "the page is inside an allocated block, not its first", "this is no page of the pool",
  "the page is reserved or a hole: never handed out", "the frame is outside the pool", "the frame is not aligned to the block",
];
const misuse_zh = [
  "页是空闲的：释放了两次，或者从未分配", "页是以另一个阶数分配的", "页在一个已分配的块内部，不是它的第一页", "这不是这个内存池的页",
  "页被保留或是空洞：从未交出过", "页帧在内存池之外", "页帧没有按块对齐",
];

export const reasonText = (lang, reason) => (lang === "zh" ? reason_zh : reason_en)[reason] ?? reason;

const en = {
  [STEP.SCAN]: (e) => `Look at list ${e.order} (${size(1 << e.order)}) of ${TYPES[e.migratetype]}: ${e.value ? "a block is free" : "empty"}.`,
  [STEP.TAKE]: (e) => `Take the block at frame ${e.pfn} off list ${e.order}: frame${e.order ? "s" : ""} ${frames(e.pfn, e.order)}, ${size(1 << e.order)}.`,
  [STEP.SPLIT]: (e, modern) => modern ? `Of the block in hand, frame${e.order ? "s" : ""} ${frames(e.pfn, e.order)} ${e.order ? "aren't needed: they go" : "isn't needed: it goes"} to list ${e.order} (${size(1 << e.order)}).` : `Split: the upper half, frame${e.order ? "s" : ""} ${frames(e.pfn, e.order)}, goes to list ${e.order} (${size(1 << e.order)}); the lower half, ${frames(e.pfn & ~(1 << e.order), e.order)}, stays in hand.`,
  [STEP.MERGE]: (e) => `The buddy of ${e.pfn} is ${e.pfn} xor ${1 << e.order} = ${e.pfn ^ (1 << e.order)}, and it is free: both merge into the block at ${e.pfn & ~(1 << e.order)}, order ${e.order + 1}.`,
  [STEP.INSERT]: (e) => (e.order < 10 ? `The buddy of ${e.pfn}, ${e.pfn} xor ${1 << e.order} = ${e.pfn ^ (1 << e.order)}, is not free as one block: merging ends here. ` : "There is no larger order. ") +
    `Block ${e.pfn} goes to the ${e.value ? "tail" : "head"} of list ${e.order} of ${TYPES[e.migratetype]}.`,
  [STEP.STEAL]: (e) => `Fall back: no ${TYPES[e.migratetype]} block is free, so a ${TYPES[e.other]} one is taken, order ${e.order}, at frame ${e.pfn}${e.flag ? "; the pageblock changes hands" : ""}.`,
  [STEP.PAGEBLOCK]: (e) => `The pageblock at frame ${e.pfn} was ${TYPES[e.other]} and is ${TYPES[e.migratetype]} now.`,
  [STEP.REFILL]: (e) => `CPU ${e.cpu}'s list gets ${e.value} block${e.value === 1 ? "" : "s"} of order ${e.order}.`,
  [STEP.DRAIN]: (e) => `CPU ${e.cpu}'s list gives back ${e.value} block${e.value === 1 ? "" : "s"}.`,
  [STEP.BOOST]: (e) => `Types are being mixed: the watermarks are boosted by ${e.value} pages.`,
  [STEP.WMARK]: (e) => `Zone ${ZONES[e.zone]} has ${e.value} free pages: ${e.flag ? `enough is left above the watermark after this request. Search from order ${e.order} up.` : `${e.value >> e.order ? "above the watermark there is not enough, or no block large enough" : "too few"}. Next zone.`}`,
  [STEP.WAKE]: () => "kswapd would be woken here, to free pages in the background.",
  [STEP.MOVED]: (e) => `Compaction moves the block at ${e.pfn} to ${e.value}: its content is copied and its users are told.`,
  before: (a) => (a.number ? `Action ${a.number}: ${a.text}` : `First: fill ${a.percent}% of memory at random`),
  round: (a, pages) => `${a.size / 1024} KB need ${pages} page${pages === 1 ? "" : "s"}; the next power of two is 2^${a.order} = ${1 << a.order}: order ${a.order}.`,
  out: (r, a) => (r.nr === 1 ? `Handed out: frame${a.order ? "s" : ""} ${frames(r.pfns[0], a.order)}, ${size(1 << a.order)}.` : `Handed out: ${r.nr} blocks of order ${a.order}.`),
  fromList: (cpu) => `CPU ${cpu}'s list has one: no list of the zone is touched.`,
  toList: (n) => `${n === 1 ? "It stays" : "They stay"} in the CPU's list, ready for the next request: no list of the zone changes.`,
  failed: (r, a) => `${a.count > 1 ? `${r.nr} of ${a.count} requests succeeded. ` : ""}Failed: ${reason_en[r.reason] ?? r.reason}.`,
  rest: (zone, free, largest, min, order, index) => ` Zone ${zone}: ${free} pages are free (min ${min}), the largest block is of order ${largest}${index >= 0 ? `; the fragmentation index for order ${order} is ${(index / 1000).toFixed(3)}` : ""}.`,
  freed: (r) => `Freed: ${r.nr} block${r.nr === 1 ? "" : "s"}, ${size(r.pages)}.`,
  filled: (r, a) => `Random requests and frees until ${a.percent}% are in use: ${r.nr} blocks, ${r.pages} pages.`,
  compacted: (r) => `${r.moved} block${r.moved === 1 ? " was" : "s were"} moved. ${r.outcome === "done" ? "A block of this order is free." : "No block of this order came free: too little is movable."}`,
  refused: (r) => `The library refuses it and stays as it was: ${misuse_en[r.misuse] ?? "misuse"}.`,
  badSetting: () => "The library refuses this setting.",
  cpu: () => "From here on, requests come from this CPU.",
  drained: () => "The per-CPU lists are empty.",
  set: () => "The watermarks were worked out anew.",
  outcome: (r) => outcome_en[r.outcome],
  start: () => "All of memory is free.",
};

const zh = {
  [STEP.SCAN]: (e) => `查看 ${TYPES[e.migratetype]} 的链表 ${e.order}（${size(1 << e.order)}）：${e.value ? "有空闲块" : "空"}。`,
  [STEP.TAKE]: (e) => `从链表 ${e.order} 取下页帧 ${e.pfn} 处的块：页帧 ${frames(e.pfn, e.order)}，${size(1 << e.order)}。`,
  [STEP.SPLIT]: (e, modern) => modern ? `手里的块中，页帧 ${frames(e.pfn, e.order)} 用不着：放到链表 ${e.order}（${size(1 << e.order)}）。` : `切分：上半块，页帧 ${frames(e.pfn, e.order)}，放到链表 ${e.order}（${size(1 << e.order)}）；下半块 ${frames(e.pfn & ~(1 << e.order), e.order)} 留在手里。`,
  [STEP.MERGE]: (e) => `${e.pfn} 的伙伴是 ${e.pfn} xor ${1 << e.order} = ${e.pfn ^ (1 << e.order)}，它空闲：两块合并成页帧 ${e.pfn & ~(1 << e.order)} 处的 ${e.order + 1} 阶块。`,
  [STEP.INSERT]: (e) => (e.order < 10 ? `${e.pfn} 的伙伴 ${e.pfn} xor ${1 << e.order} = ${e.pfn ^ (1 << e.order)} 不是一整个空闲块：合并到此为止。` : "没有更高的阶了。") +
    `块 ${e.pfn} 放到 ${TYPES[e.migratetype]} 链表 ${e.order} 的${e.value ? "尾" : "头"}部。`,
  [STEP.STEAL]: (e) => `后备：没有空闲的 ${TYPES[e.migratetype]} 块，于是拿一个 ${TYPES[e.other]} 的，${e.order} 阶，在页帧 ${e.pfn}${e.flag ? "；这个页块换了主人" : ""}。`,
  [STEP.PAGEBLOCK]: (e) => `页帧 ${e.pfn} 处的页块由 ${TYPES[e.other]} 变为 ${TYPES[e.migratetype]}。`,
  [STEP.REFILL]: (e) => `CPU ${e.cpu} 的链表补进 ${e.value} 个 ${e.order} 阶的块。`,
  [STEP.DRAIN]: (e) => `CPU ${e.cpu} 的链表还回 ${e.value} 个块。`,
  [STEP.BOOST]: (e) => `类型开始混杂：水位线临时提高 ${e.value} 页。`,
  [STEP.WMARK]: (e) => `${ZONES[e.zone]} 区有 ${e.value} 个空闲页：${e.flag ? `分配之后仍在水位线之上。从 ${e.order} 阶往上找。` : `${e.value >> e.order ? "水位线之上不够，或者没有足够大的块" : "太少"}。换下一个区。`}`,
  [STEP.WAKE]: () => "这里会唤醒 kswapd，在后台释放页。",
  [STEP.MOVED]: (e) => `内存规整把 ${e.pfn} 处的块搬到 ${e.value}：复制内容，并通知使用者。`,
  before: (a) => (a.number ? `操作 ${a.number}：${a.text}` : `首先：随机占用 ${a.percent}% 的内存`),
  round: (a, pages) => `${a.size / 1024} KB 需要 ${pages} 页；不小于它的 2 的幂是 2^${a.order} = ${1 << a.order}：${a.order} 阶。`,
  out: (r, a) => (r.nr === 1 ? `分配到页帧 ${frames(r.pfns[0], a.order)}，${size(1 << a.order)}。` : `分配到 ${r.nr} 个 ${a.order} 阶的块。`),
  fromList: (cpu) => `CPU ${cpu} 的链表里就有：区的链表一条也没动。`,
  toList: (n) => `${n === 1 ? "它" : "它们"}留在 CPU 的链表里，等着下一个申请：区的链表没有变化。`,
  failed: (r, a) => `${a.count > 1 ? `${a.count} 个申请中成功了 ${r.nr} 个。` : ""}失败：${reason_zh[r.reason] ?? r.reason}。`,
  rest: (zone, free, largest, min, order, index) => `${zone} 区空闲 ${free} 页（min ${min}），最大的块是 ${largest} 阶${index >= 0 ? `；${order} 阶的碎片指数是 ${(index / 1000).toFixed(3)}` : ""}。`,
  freed: (r) => `释放了 ${r.nr} 个块，${size(r.pages)}。`,
  filled: (r, a) => `随机申请和释放，直到 ${a.percent}% 的内存在使用：${r.nr} 个块，${r.pages} 页。`,
  compacted: (r) => `搬动了 ${r.moved} 个块。${r.outcome === "done" ? "现在有这么大的空闲块了。" : "没有腾出这么大的块：可移动的太少。"}`,
  refused: (r) => `本库拒绝了，状态保持不变：${misuse_zh[r.misuse] ?? "误用"}。`,
  badSetting: () => "本库拒绝这个设置。",
  cpu: () => "从这里开始，申请来自这个 CPU。",
  drained: () => "每 CPU 链表已经排空。",
  set: () => "水位线重新计算过了。",
  outcome: (r) => outcome_zh[r.outcome],
  start: () => "全部内存空闲。",
};

export const sentences = { en, zh };

/* What a failure rests on: pages, the largest block, the index of zones that could serve it. */
function explain(words, act) {
  const { action, result, zones } = act;
  if (action.order > 10 || !["fragmented", "watermark"].includes(result.reason)) return "";
  return zones
    .filter((zone) => zone.free > 0)
    .map((zone) => words.rest(ZONES[zone.type], zone.free, zone.nr_free.reduce((most, n, o) => (n ? o : most), 0), zone.min + zone.boost, action.order, zone.extfrag[action.order]))
    .join("");
}

/* What act i came to, in one sentence. */
function result(words, act, cpu) {
  const { action, result: r } = act;
  if (r.outcome === "refused") return action.kind === "set" ? words.badSetting() : words.refused(r);
  if (words.outcome(r)) return words.outcome(r);
  switch (action.kind) {
    case "alloc":
      if (r.outcome === "failed") return words.failed(r, action) + explain(words, act);
      return (act.groups.length ? "" : words.fromList(cpu)) + words.out(r, action);
    case "free":
      return words.freed(r) + (act.groups.length ? "" : ` ${words.toList(r.nr)}`);
    case "fill":
      return words.filled(r, action);
    case "compact":
      return words.compacted(r);
    case "drain":
      return words.drained();
    case "cpu":
      return words.cpu();
    default:
      return words.set();
  }
}

/* The sentence of stop k of act i. */
export function sentence(lang, run, i, k) {
  const words = sentences[lang];
  const act = run.acts[i];
  if (!act) return words.start();
  if (k === 0) {
    const a = act.action;
    const round = a.kind === "alloc" && a.size ? ` ${words.round(a, Math.ceil(a.size / 4096))}` : "";
    return words.before(a) + round;
  }
  const now = run.stepAt(i, k);
  return now ? words[now.type](now, run.machine.profile === "modern") : result(words, act, 0);
}
