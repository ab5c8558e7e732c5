/* SPDX-License-Identifier: MIT */
/* A pool like the recorded machine, with what was in use when the trace began. */
#ifndef PB_REPLAY_POOL_H
#define PB_REPLAY_POOL_H

#include "internal.h"

struct pbr_pool {
	struct pb_pool pool;
	struct pb_page *pages; /* page of frame 0, the others behind it */
	struct pb_pool_info info;
	void *metadata;
	struct pb_region *regions;
	uint32_t nr_regions;
	unsigned int woken;          /* operations until background reclaim is done; 0: asleep */
	struct pbr_reclaim *reclaim; /* the model of it; NULL: frees come as recorded */
	/* compaction moves pages by it; NULL: nothing moves */
	bool (*move)(void *ctx, struct pb_page *from, struct pb_page *to, unsigned int order);
	bool (*try_compact)(void *ctx, bool background); /* is it to succeed this time? */
	void *move_ctx;
	uint64_t misuses; /* calls that the library refused */
	char first_misuse[256];
	/* the trace hook's; NULL: no hook is set */
	void (*trace)(void *ctx, const struct pb_trace_event *event);
	void *trace_ctx;
};

/* The machine's zones under these settings (memory=…, pageblock_order=…). */
int pbr_zones(const struct pbr_input *input, const struct pbr_settings *settings,
	      struct pbr_run *run, char *error, size_t size);
/*
 * A recorded min_free_kbytes on the run's machine. The kernel makes it from the memory that
 * there is: the root of 16 times that in KB; with huge pages 5 % of it, at most 11
 * pageblocks a zone. What is neither of these somebody has set, and it stays.
 */
int64_t pbr_min_free_here(const struct pbr_input *input, const struct pbr_run *run, int64_t kbytes);
int pbr_pool_make(struct pbr_pool *pool, const struct pbr_input *input,
		  const struct pbr_settings *settings, const struct pbr_run *run, char *error,
		  size_t size);
/* Give what was in use its place; placed(ctx, before, page) for each block. */
void pbr_pool_fill(struct pbr_pool *pool, const struct pbr_input *input,
		   void (*placed)(void *ctx, const struct pbr_before *before, struct pb_page *page,
				  unsigned int order),
		   void *ctx);
void pbr_pool_release(struct pbr_pool *pool);
/* Background reclaim has done its work: boosts are taken back; of how many zones? */
unsigned int pbr_pool_reclaimed(struct pbr_pool *pool);

#endif
