// SPDX-License-Identifier: MIT
// The words of this page.

import { machine, pageSize } from "./data.js";
import { $, bytes, element } from "./format.js";

const WORDS = [
  ["order", `A block of order n is 2^n pages: order 0 is ${bytes(pageSize)}, order ${machine.max_order} is ` +
    `${bytes(pageSize * 2 ** machine.max_order)}, the largest.`],
  ["pageblock", `A block of order ${machine.pageblock_order} (${bytes(pageSize * 2 ** machine.pageblock_order)}) whose ` +
    "pages are meant for one migratetype."],
  ["migratetype", "Whether pages can be moved (Movable), be freed on demand (Reclaimable) or neither (Unmovable). Few " +
    "unmovable pages in the wrong place keep many pageblocks from being whole."],
  ["zone", "A part of memory by address: DMA and DMA32 for devices that can't reach all of it, Normal for everything."],
  ["watermark", "How many pages of a zone must stay free: below low the kernel reclaims in the background, below min only " +
    "urgent requests succeed."],
  ["lowmem reserve", "Pages of a lower zone that requests which could use a higher zone may not have."],
  ["fallback", "A request found no block of its migratetype and took one of another. If it claimed the pageblock, the " +
    "rest of the pageblock changed its type too."],
  ["highatomic", "Pageblocks kept for urgent requests of high order."],
  ["CMA", "Pageblocks from which only movable requests are served, so that a device can have the whole range."],
  ["fragmented", "Enough pages are free, but no block is large enough."],
  ["unusable", "The share of free memory that lies in blocks too small for the order: 0 is none of it, 1 is all."],
  ["extfrag index", "Where a request would fail: near 1 it is fragmentation, near 0 a lack of memory."],
  ["compaction", "Moving movable pages so that the free ones come to lie together."],
  ["per-CPU list", "Free pages that a CPU keeps at hand. They are not free to the others, and are counted apart."],
  ["call site", "The first function outside the allocator of the stack that was recorded with a request."],
  ["rebuilt", "Not recorded but followed: the start's state, changed by each event of the trace."],
];

export function setupGlossary() {
  for (const [word, text] of WORDS)
    $("glossary-list").append(element("div", {}, element("dt", {}, word), element("dd", {}, text)));
}
