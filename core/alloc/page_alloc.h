/* SPDX-License-Identifier: MIT */
/*
 * Requests: from gfp flags to a block and back. The layer that callers meet.
 */
#ifndef PB_CORE_PAGE_ALLOC_H
#define PB_CORE_PAGE_ALLOC_H

#include "alloc/gfp.h"
#include "alloc/misuse.h"
#include "pcp/pcp.h"

/* A request on its way (spec 5, 6, 8). */
struct alloc_context {
	pb_gfp_t gfp;
	unsigned int order;
	unsigned int migratetype;
	unsigned int highest; /* zone type */
	unsigned int node;    /* preferred node id */
	u32 cpu;
	u64 nodemask;
	struct zone *preferred; /* first zone of the zonelist, or NULL */
};

/* Next zone of the zonelist from position *at (start at 0), or NULL. */
struct zone *next_zone(const struct pb_pool *pool, const struct alloc_context *ctx, u32 *at);

/* The context of a request that was found to make sense, or why it doesn't; flags and
   nodes that no request may have are reported as misuse of `call`. */
enum pb_reason prepare_request(const struct pb_pool *pool, struct alloc_context *ctx,
			       const struct pb_request *request, unsigned int order,
			       const struct call *call);
/* Allocation flags of the first attempt, but for ALLOC_NOFRAGMENT. */
unsigned int first_alloc_flags(const struct alloc_context *ctx);
/* Would the zone's watermark and reserve leave `nr_pages` more to this request? */
bool may_take(const struct pb_pool *pool, const struct alloc_context *ctx, const struct zone *zone,
	      unsigned int alloc_flags, u64 nr_pages);
/* Why it got none of so many consecutive pages. */
enum pb_reason failure_reason(const struct pb_pool *pool, const struct alloc_context *ctx,
			      u64 nr_pages);
/* Wipe [frame, end); false: one of them has no address, and some may be wiped. */
bool clear_frames(const struct pb_pool *pool, u32 frame, u32 end);

/* A block for a movable one's content, from the node or the next, past the per-CPU lists;
   and one is given back so. They wait for nothing. */
struct pb_page *alloc_for_move(struct pb_pool *pool, unsigned int order, int node,
			       const struct call *call);
void free_moved(struct pb_pool *pool, struct pb_page *page, unsigned int order,
		const struct call *call);

/* Free a block whose page byte is already clear: per-CPU list or zone. */
void free_frames(struct pb_pool *pool, u32 frame, unsigned int order);

#endif
