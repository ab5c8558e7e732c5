/* SPDX-License-Identifier: MIT */
#include "misuse.h"

#include "text.h"

static const char *const texts[PB_NR_MISUSE] = {
	[PB_MISUSE_DOUBLE_FREE] = "page is free: freed twice, or never allocated",
	[PB_MISUSE_WRONG_ORDER] = "page was allocated with another order",
	[PB_MISUSE_INTERIOR] = "page is inside an allocated block, not its first",
	[PB_MISUSE_FOREIGN] = "pointer is not a page of this pool",
	[PB_MISUSE_UNOWNED] = "page is reserved or a hole: never handed out",
	[PB_MISUSE_RANGE] = "pfn or address is outside the pool",
	[PB_MISUSE_UNALIGNED] = "pfn or address is not aligned to the block",
	[PB_MISUSE_BAD_NODE] = "node id out of range",
	[PB_MISUSE_BAD_FLAGS] = "gfp flags contradict each other",
	[PB_MISUSE_REFCOUNT] = "reference count out of range or not kept",
	[PB_MISUSE_CORRUPT] = "metadata contradict each other",
};

/* "pagebuddy: CALL: TEXT (pfn 0x12, order 3, found 0)" */
int misuse(const struct pb_pool *pool, enum pb_misuse kind, const char *call, u64 pfn,
	   unsigned int order, unsigned int found)
{
	char buffer[160];
	struct text text = { buffer, sizeof(buffer), 0 };
	struct pb_misuse_report report = { kind, pfn, order, found, call, buffer };

	text_str(&text, "pagebuddy: ");
	text_str(&text, call);
	text_str(&text, ": ");
	text_str(&text, texts[kind]);
	text_str(&text, " (");
	if (pfn != UINT64_MAX) {
		text_str(&text, "pfn ");
		text_hex(&text, pfn);
		text_str(&text, ", ");
	}
	text_str(&text, kind == PB_MISUSE_BAD_FLAGS ? "gfp " :
			kind == PB_MISUSE_BAD_NODE  ? "node " : "order ");
	text_dec(&text, (s64)(int)order, 0);
	text_str(&text, ", found ");
	text_dec(&text, found, 0);
	text_str(&text, ")");
	if (pool->hooks.misuse)
		pool->hooks.misuse(pool->hooks.ctx, &report);
	else
		pb_platform_misuse(&report);
	return PB_EMISUSE;
}

u32 block_head(const struct pb_pool *pool, u32 frame)
{
	for (unsigned int order = 0; order <= pool->max_order; order++) {
		u32 head = frame & ~((1u << order) - 1);
		u8 word = load_relaxed(&pool->pages[head].word);

		if (word & PB_PAGE_HEAD && (word & PB_PAGE_ORDER) >= order)
			return head;
	}
	return NO_FRAME;
}

int misuse_page(const struct pb_pool *pool, const struct pb_page *page, unsigned int order,
		const char *call)
{
	u32 frame = page_frame(pool, page);
	enum pb_misuse kind = PB_MISUSE_DOUBLE_FREE;
	unsigned int found = 0;
	u32 head;
	u8 word;

	if (frame == NO_FRAME)
		return misuse(pool, PB_MISUSE_FOREIGN, call, UINT64_MAX, order, 0);
	word = load_relaxed(&page->word);
	head = block_head(pool, frame);
	if (word & PB_PAGE_HEAD) {
		kind = PB_MISUSE_WRONG_ORDER;
		found = word & PB_PAGE_ORDER;
	} else if (word & (PAGE_RESERVED | PAGE_ABSENT)) {
		kind = PB_MISUSE_UNOWNED;
		found = word;
	} else if (head != NO_FRAME) {
		kind = PB_MISUSE_INTERIOR;
		found = load_relaxed(&pool->pages[head].word) & PB_PAGE_ORDER;
	} else {
		int covering = tree_covering(span_tree(pool, frame), pool->max_order,
					     span_offset(pool, frame));

		found = covering < 0 ? 0 : (unsigned int)covering;
	}
	return misuse(pool, kind, call, frame_to_pfn(pool, frame), order, found);
}
