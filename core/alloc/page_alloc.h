/* SPDX-License-Identifier: MIT */
/*
 * The allocation path and the free path, as their files share them. page_alloc.c has a
 * picture of the whole.
 */
#ifndef PB_CORE_PAGE_ALLOC_H
#define PB_CORE_PAGE_ALLOC_H

#include "alloc/gfp.h"
#include "alloc/misuse.h"
#include "pcp/pcp.h"

/* A fast path begins a cache line, so that a hit is two lines of code. */
#define FAST __attribute__((aligned(64)))

/* A request after prepare_request() has checked and translated it (spec 5, 6, 8). */
struct alloc_context {
	pb_gfp_t gfp;
	unsigned int order;
	unsigned int migratetype;
	unsigned int highest; /* zone type */
	unsigned int node;    /* preferred node id */
	u32 cpu;
	u64 nodemask;
	struct zone *preferred; /* first zone of the zonelist, or NULL */
	u32 after;              /* position after it, for next_zone(); 0: look for the first */
};

/* The watermark test of this request against `mark`. */
static inline struct wmark_test request_test(const struct alloc_context *ctx, u64 mark,
					     unsigned int alloc_flags)
{
	return (struct wmark_test){
		mark, ctx->order, ctx->highest, alloc_flags, ctx->cpu, ctx->gfp
	};
}

/* ---------------------------------------------------------------- request.c */

/* Next zone of the zonelist from position *at (start at 0), or NULL. */
struct zone *next_zone(const struct pb_pool *pool, const struct alloc_context *ctx, u32 *at);
/* Fill in the context of a request, or return why it can't be served; flags and nodes that no
   request may have are reported as misuse of `call`. */
enum pb_reason prepare_request(const struct pb_pool *pool, struct alloc_context *ctx,
			       const struct pb_request *request, unsigned int order,
			       const struct call *call);
/* ALLOC_NOFRAGMENT, where the first attempt has it (spec 6.8), else 0. */
unsigned int nofragment(const struct pb_pool *pool, const struct zone *preferred);
/* Allocation flags of the first attempt, but for ALLOC_NOFRAGMENT. */
unsigned int first_alloc_flags(const struct alloc_context *ctx);
/* Could this request take `nr_pages` pages and the zone still keep its watermark and reserve? */
bool zone_leaves(const struct pb_pool *pool, const struct alloc_context *ctx,
		 const struct zone *zone, unsigned int alloc_flags, u64 nr_pages);

/* --------------------------------------------------------------- freelist.c */

/* Take a block from the first zone that has one and keeps its watermark: returns its first frame,
   or NO_FRAME. With ALLOC_NOFRAGMENT no zone of another node is tried (spec 6.8). */
u32 get_page_from_freelist(struct pb_pool *pool, const struct alloc_context *ctx,
			   unsigned int alloc_flags);
/* Take up to n blocks from the first zone that would keep its watermark without all of them.
   Returns how many; 0: ask for them one by one. pre: ctx->preferred. */
u32 get_bulk_from_freelist(struct pb_pool *pool, const struct alloc_context *ctx, u32 n,
			   u32 *frames);
/* The first attempt of a request, at the low watermark: first with ALLOC_NOFRAGMENT, if the
   request has it, then without. pre: ctx->preferred. */
u32 first_attempt(struct pb_pool *pool, const struct alloc_context *ctx);
/* Call the wake hook for the zone's node, unless the task is in a hook already. */
void wake_reclaim(struct pb_pool *pool, const struct zone *zone, unsigned int order);
/* Take a block as the target of a move, from the node or the next ones, past the per-CPU lists.
   Returns a frame that is neither free nor owned, or NO_FRAME. It never reclaims. */
u32 take_for_move(struct pb_pool *pool, unsigned int order, int node, const struct call *call);

/* --------------------------------------------------------------- slowpath.c */

/* Go on after the first attempt has failed. Returns a block's first frame, or NO_FRAME. It calls
   hooks, and may block if the request may. */
u32 alloc_slowpath(struct pb_pool *pool, struct alloc_context *ctx);

/* ---------------------------------------------------------------- failure.c */

/* Warnings that are given once in a pool's life: bits of pb_super.warned. */
#define WARNED_ORDER 0x1u
#define WARNED_OFFLINE 0x2u

/* Why no zone could serve the request for so many consecutive pages. */
enum pb_reason failure_reason(const struct pb_pool *pool, const struct alloc_context *ctx,
			      u64 nr_pages);
/* Count a failed request, and log it unless the request or the pool says not to. */
void warn_alloc(struct pb_pool *pool, const struct alloc_context *ctx);
/* Log the line, if it is the first warning of this `bit` in the pool's life. */
void warn_once(struct pb_pool *pool, u32 bit, const char *line);

/* ------------------------------------------------------------- page_alloc.c */

/* Allocate as pb_alloc_pages() does; request->why becomes the reason of a failure. */
struct pb_page *alloc_here(struct pb_pool *pool, struct pb_request *request, unsigned int order,
			   const struct call *call);

/* --------------------------------------------------------------- hand_out.c */

/* Makes frames [frame, end), which are in no list, ready for an owner: calls the reuse hook, and
   wipes them if `gfp` says so. False: one of them has no address; some may be wiped. No lock. */
bool hand_out(struct pb_pool *pool, u32 frame, u32 end, pb_gfp_t gfp);
/* Has it anything to do for such a request? */
static inline bool needs_hand_out(const struct pb_pool *pool, pb_gfp_t gfp)
{
	return gfp & PB_GFP_ZERO || has_marks(pool);
}

/* ------------------------------------------------------------------- free.c */

/* Free a block whose page byte is clear already: onto this CPU's list, or into the zone. */
void free_frames(struct pb_pool *pool, u32 frame, unsigned int order);
/* The same for n blocks; their array is used up. */
void free_frames_bulk(struct pb_pool *pool, unsigned int order, u32 n, u32 *frames);
/* Drop a reference of a block; if it was the last one, return its frame, which the caller must
   free, else NO_FRAME. */
u32 release_block(struct pb_pool *pool, struct pb_page *page, unsigned int order,
		  const struct call *call);

#endif
