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

/* The fast paths: a hit is two cache lines of code. */
#define FAST __attribute__((aligned(64)))

/* A request that was found to make sense (spec 5, 6, 8). */
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

/* What the request asks of a zone that is to keep `mark`. */
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
/* Fills in the context of a request, or says why the request makes no sense; flags and
   nodes that no request may have are reported as misuse of `call`. */
enum pb_reason prepare_request(const struct pb_pool *pool, struct alloc_context *ctx,
			       const struct pb_request *request, unsigned int order,
			       const struct call *call);
/* ALLOC_NOFRAGMENT, where the first attempt has it (spec 6.8), else 0. */
unsigned int nofragment(const struct pb_pool *pool, const struct zone *preferred);
/* Allocation flags of the first attempt, but for ALLOC_NOFRAGMENT. */
unsigned int first_alloc_flags(const struct alloc_context *ctx);
/* Would the zone's watermark and reserve leave `nr_pages` more to this request? */
bool zone_leaves(const struct pb_pool *pool, const struct alloc_context *ctx,
		 const struct zone *zone, unsigned int alloc_flags, u64 nr_pages);

/* --------------------------------------------------------------- freelist.c */

/* Takes a block of the first zone that keeps its watermark and has one: its first frame,
   or NO_FRAME. With ALLOC_NOFRAGMENT no zone of another node is tried (spec 6.8). */
u32 get_page_from_freelist(struct pb_pool *pool, const struct alloc_context *ctx,
			   unsigned int alloc_flags);
/* The same of up to n blocks at once, which together keep the watermark. Returns how many; 0: ask
   for one. pre: ctx->preferred. */
u32 get_bulk_from_freelist(struct pb_pool *pool, const struct alloc_context *ctx, u32 n,
			   u32 *frames);
/* The first attempt of a request, at the low watermark: without mixing types in the node's own
   zone, then with. pre: ctx->preferred. */
u32 first_attempt(struct pb_pool *pool, const struct alloc_context *ctx);
/* Calls the wake hook for the zone's node, unless the task is in a hook already. */
void wake_reclaim(struct pb_pool *pool, const struct zone *zone, unsigned int order);
/* Takes a block for a movable one's content, from the node or the next, past the per-CPU
   lists: a frame that is nobody's, or NO_FRAME. It waits for nothing. */
u32 take_for_move(struct pb_pool *pool, unsigned int order, int node, const struct call *call);

/* --------------------------------------------------------------- slowpath.c */

/* Goes on after the first attempt has failed: a block's first frame, or NO_FRAME. It calls
   hooks, and may block if the request may. */
u32 alloc_slowpath(struct pb_pool *pool, struct alloc_context *ctx);

/* ---------------------------------------------------------------- failure.c */

/* Warnings that are given once in a pool's life: bits of pb_super.warned. */
#define WARNED_ORDER 0x1u
#define WARNED_OFFLINE 0x2u

/* Why the request got none of so many consecutive pages. */
enum pb_reason failure_reason(const struct pb_pool *pool, const struct alloc_context *ctx,
			      u64 nr_pages);
/* Counts a failed request, and logs it unless the request or the pool says not to. */
void warn_alloc(struct pb_pool *pool, const struct alloc_context *ctx);
/* Logs the line, the first time that this pool has something to say about `bit`. */
void warn_once(struct pb_pool *pool, u32 bit, const char *line);

/* ------------------------------------------------------------- page_alloc.c */

/* Allocates as pb_alloc_pages() does, and says in request->why why not. */
struct pb_page *alloc_here(struct pb_pool *pool, struct pb_request *request, unsigned int order,
			   const struct call *call);
/* Wipes frames [frame, end). False: one of them has no address; some may be wiped. */
bool clear_frames(const struct pb_pool *pool, u32 frame, u32 end);

/* ------------------------------------------------------------------- free.c */

/* Frees a block whose page byte is clear already: onto this CPU's list, or into the zone. */
void free_frames(struct pb_pool *pool, u32 frame, unsigned int order);
/* The same of n blocks, whose array is used up. */
void free_frames_bulk(struct pb_pool *pool, unsigned int order, u32 n, u32 *frames);
/* Drops a reference of a block; returns its frame, to be freed, if nobody owns it now, else
   NO_FRAME. */
u32 release_block(struct pb_pool *pool, struct pb_page *page, unsigned int order,
		  const struct call *call);

#endif
