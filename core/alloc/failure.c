/* SPDX-License-Identifier: MIT */
/*
 * Why a request failed, as a reason for its caller and as a line for the log.
 */
#include "alloc/page_alloc.h"

#include "base/text.h"

/* Is there any block of at least this order, on whatever list? */
static bool zone_has_any_block(const struct pb_pool *pool, const struct zone *zone,
			       unsigned int order)
{
	for (unsigned int o = order; o <= pool->max_order; o++)
		if (zone_nr_free(pool, zone, o))
			return true;
	return false;
}

enum pb_reason failure_reason(const struct pb_pool *pool, const struct alloc_context *ctx,
			      u64 nr_pages)
{
	unsigned int flags = gfp_to_alloc_flags(pool, ctx->gfp, ctx->order);
	enum pb_reason reason = PB_REASON_NO_ZONE;
	struct wmark_test test;
	struct zone *zone;
	u32 at = 0;

	while ((zone = next_zone(pool, ctx, &at)) != NULL) {
		if (reason == PB_REASON_NO_ZONE)
			reason = PB_REASON_WATERMARK;
		test = request_test(ctx, wmark_pages(zone, PB_WMARK_MIN), flags);
		test.order = 0; /* would it pass if only the sum counted? */
		if (!zone_watermark_ok(pool, zone, &test,
				       zone_free_pages(pool, zone) - (long)(nr_pages - 1)))
			continue;
		if (nr_pages == (u64)1 << ctx->order && zone_has_any_block(pool, zone, ctx->order))
			return PB_REASON_MIGRATETYPE;
		reason = PB_REASON_FRAGMENTED;
	}
	return reason;
}

/* Logs the first, second, fourth, eighth … failure, so that many of them don't flood the log. Not
   inlined, so that the line is on the stack only while it is written. */
NOINLINE void warn_alloc(struct pb_pool *pool, const struct alloc_context *ctx)
{
	unsigned long nth = pb_atomic_add_fetch(&pool->super->vm[VM_ALLOC_FAIL], 1,
						__ATOMIC_RELAXED);
	char buffer[160];
	struct text text = { buffer, sizeof(buffer), 0 };

	if (ctx->gfp & PB_GFP_NOWARN || nth & (nth - 1) || is_plain(pool) || in_hook())
		return;
	text_str(&text, "page allocation failure: order:");
	text_dec(&text, ctx->order, 0);
	text_str(&text, ", mode:");
	text_hex(&text, ctx->gfp);
	text_str(&text, "(");
	text.length += pb_gfp_name(ctx->gfp, buffer + text.length, sizeof(buffer) - text.length);
	text_str(&text, ")");
	pool_log(pool, buffer);
}

void warn_once(struct pb_pool *pool, u32 bit, const char *line)
{
	if (PB_WITH_TEXTS && !is_plain(pool) && !in_hook() &&
	    !(pb_atomic_fetch_or(&pool->super->warned, bit, __ATOMIC_RELAXED) & bit))
		pool_log(pool, line);
}
