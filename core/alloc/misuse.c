/* SPDX-License-Identifier: MIT */
#include "alloc/misuse.h"
#include "base/frame.h"
#include "block/stripe.h"

#include "base/text.h"
#include "pcp/quarantine.h"

#define MISUSE_TEXT 256
#define NOTHING_FOUND UINT32_MAX
#define QUARANTINE_FOUND (UINT32_MAX - 1)

static const char *const texts[PB_NR_MISUSE] = {
	[PB_MISUSE_DOUBLE_FREE] = "page is free: freed twice, or never allocated",
	[PB_MISUSE_WRONG_ORDER] = "page was allocated with another order",
	[PB_MISUSE_INTERIOR] = "page is inside an allocated block, not its first",
	[PB_MISUSE_FOREIGN] = "pointer is not a page of this pool",
	[PB_MISUSE_UNOWNED] = "page is reserved or a hole: never handed out",
	[PB_MISUSE_BAD_NODE] = "node id out of range",
	[PB_MISUSE_BAD_FLAGS] = "gfp flags contradict each other",
	[PB_MISUSE_REFCOUNT] = "reference count out of range or not kept",
	[PB_MISUSE_HOOK] = "a hook returned what can't be",
	[PB_MISUSE_NOT_CLEARED] = "block is not zero",
};

/* Writes what was passed in: "page 0x7f3a, pfn 0x12, order 3". */
static void text_given(struct text *text, const struct misuse *what)
{
	if (what->page) {
		text_str(text, "page ");
		text_hex(text, (uintptr_t)what->page);
		text_str(text, ", ");
	}
	if (what->pfn != UINT64_MAX) {
		text_str(text, "pfn ");
		text_hex(text, what->pfn);
		text_str(text, ", ");
	}
	if (what->kind == PB_MISUSE_BAD_FLAGS) {
		text_str(text, "gfp ");
		text_hex(text, what->order);
		return;
	}
	if (what->kind == PB_MISUSE_HOOK)
		text_str(text, "blocks offered ");
	else
		text_str(text, what->kind == PB_MISUSE_BAD_NODE ? "node " : "order ");
	text_dec(text, (s64)(int)what->order, 0);
}

static void text_order(struct text *text, const char *words, unsigned int order)
{
	text_str(text, words);
	text_dec(text, order, 0);
}

static void text_foreign(const struct pb_pool *pool, struct text *text)
{
	text_str(text, "its pages are ");
	text_hex(text, (uintptr_t)pool->pages);
	text_str(text, " to ");
	text_hex(text, (uintptr_t)pool->pages + (uintptr_t)(pool->nr_frames - !!pool->nr_frames));
}

static void text_unowned(struct text *text, unsigned int found)
{
	text_str(text,
		 found & PAGE_ABSENT ? "found a hole of the memory map" : "found a reserved frame");
}

/* Says in words what was found instead. */
static void text_found(const struct pb_pool *pool, struct text *text, const struct misuse *what)
{
	switch (what->kind) {
	case PB_MISUSE_DOUBLE_FREE:
		if (what->found == NOTHING_FOUND)
			text_str(text, "found in a per-CPU list or on its way to one");
		else if (what->found == QUARANTINE_FOUND)
			text_str(text, "found in the quarantine");
		else
			text_order(text, "found a free block of order ", what->found);
		break;
	case PB_MISUSE_WRONG_ORDER:
		text_order(text, "found a block of order ", what->found);
		break;
	case PB_MISUSE_INTERIOR:
		text_order(text, "found the inside of a block of order ", what->found);
		break;
	case PB_MISUSE_FOREIGN:
		text_foreign(pool, text);
		break;
	case PB_MISUSE_UNOWNED:
		text_unowned(text, what->found);
		break;
	case PB_MISUSE_BAD_NODE:
		text_order(text, "node ids are below 64, the pool's below ", what->found);
		break;
	case PB_MISUSE_BAD_FLAGS:
		text_str(text, "at most one zone and one mobility can be asked for");
		break;
	case PB_MISUSE_REFCOUNT:
		text_str(text, what->found ? "found 2147483647 further references, the most"
					   : "the pool was made without PB_POOL_REFCOUNT");
		break;
	case PB_MISUSE_NOT_CLEARED:
		text_order(text, "something is in its page number ", what->found);
		break;
	default: /* PB_MISUSE_HOOK */
		text_order(text, "it says that it moved ", what->found);
	}
}

/* "pagebuddy: CALL: TEXT (GIVEN; FOUND; called from 0x1234)" */
static void describe(const struct pb_pool *pool, const struct call *call, const struct misuse *what,
		     struct text *text)
{
	text_str(text, "pagebuddy: ");
	text_str(text, call->name);
	text_str(text, ": ");
	text_str(text, texts[what->kind]);
	text_str(text, " (");
	text_given(text, what);
	text_str(text, "; ");
	text_found(pool, text, what);
	if (call->caller) {
		text_str(text, "; called from ");
		text_hex(text, (uintptr_t)call->caller);
	}
	text_str(text, ")");
}

int report_misuse(const struct pb_pool *pool, const struct call *call, const struct misuse *what)
{
	char buffer[MISUSE_TEXT] = "";
	struct text text = { buffer, sizeof(buffer), 0 };
	struct pb_misuse_report report = { what->kind, what->pfn, what->order, what->found,
					   call->name, buffer,    what->page,  call->caller };

	if (report.found >= QUARANTINE_FOUND)
		report.found = 0;
	if (PB_WITH_TEXTS)
		describe(pool, call, what, &text);
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
		u8 state = load_relaxed(&pool->pages[head].state);

		if (state & PB_PAGE_HEAD && (state & PB_PAGE_ORDER) >= order)
			return head;
	}
	return NO_FRAME;
}

/* Order of the free block that contains a frame without owner, or where else the frame is. */
static unsigned int free_around(const struct pb_pool *pool, u32 frame)
{
	int order = covering_order(pool, frame);

	if (order >= 0)
		return (unsigned int)order;
	return quarantine_has(pool, frame) ? QUARANTINE_FOUND : NOTHING_FOUND;
}

int misuse_page(const struct pb_pool *pool, const struct call *call, const struct pb_page *page,
		unsigned int order)
{
	struct misuse what = { .kind = PB_MISUSE_FOREIGN, .page = page, .pfn = UINT64_MAX };
	u32 frame = page_frame(pool, page);
	u32 head;
	u8 state;

	what.order = order;
	if (frame == NO_FRAME)
		return report_misuse(pool, call, &what);
	what.pfn = frame_to_pfn(pool, frame);
	state = frame_state(pool, frame);
	head = block_head(pool, frame);
	if (state & PB_PAGE_HEAD) {
		what.kind = PB_MISUSE_WRONG_ORDER;
		what.found = state & PB_PAGE_ORDER;
	} else if (state & (PAGE_RESERVED | PAGE_ABSENT)) {
		what.kind = PB_MISUSE_UNOWNED;
		what.found = state;
	} else if (head != NO_FRAME) {
		what.kind = PB_MISUSE_INTERIOR;
		what.found = load_relaxed(&pool->pages[head].state) & PB_PAGE_ORDER;
	} else {
		what.kind = PB_MISUSE_DOUBLE_FREE;
		what.found = free_around(pool, frame);
	}
	return report_misuse(pool, call, &what);
}
