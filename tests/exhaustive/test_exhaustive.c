/* SPDX-License-Identifier: MIT */
/*
 * Every sequence of a few operations on pools of a few frames, with the full
 * check and a plain oracle after each step: what random tests may miss, small
 * cases in the corners, is all here.
 *
 * The tree of sequences is walked depth first. A state is a copy of the
 * metadata (the pool has no pointers in it), so going back is a memcpy. Where
 * all that decides about the future can be seen (blocks, lists and their order:
 * pools without per-CPU lists, and the linux profile), a state that was met
 * before at the same depth is not gone into again.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/pool.h"
#include "test_port.h"

#define FRAMES 16u
#define DEPTH_MAX 16
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHALLOWER 1u
#else
#define SHALLOWER 0u
#endif

struct oracle {
	uint8_t head[FRAMES]; /* order + 1 of the owned block that starts here */
	uint8_t owned[FRAMES];
};

struct search {
	struct tp tp;
	unsigned int frames, max_order, cpus;
	const pb_gfp_t *gfp;
	unsigned int nr_gfp;
	struct oracle oracle;
	unsigned int depth, path_len;
	bool lags;
	bool merge; /* equal states need to be gone into only once */
	char path[DEPTH_MAX][40];
	unsigned char *saved[DEPTH_MAX + 1];
	uint64_t *seen;
	size_t seen_mask, nr_seen;
	unsigned long steps, states;
};

static void fail_path(const struct search *s, const char *what, uint64_t pfn)
{
	fprintf(stderr, "%s (pfn %" PRIu64 ") after:\n", what, pfn);
	for (unsigned int i = 0; i < s->path_len; i++)
		fprintf(stderr, "\t%s\n", s->path[i]);
	tp_require(0, "exhaustive search, depth %u", s->depth);
}

static bool model_has_block(const struct search *s, unsigned int order)
{
	for (unsigned int pfn = 0; pfn + (1u << order) <= s->frames; pfn += 1u << order) {
		bool free = true;

		for (unsigned int i = 0; i < 1u << order; i++)
			free = free && !s->oracle.owned[pfn + i];
		if (free)
			return true;
	}
	return false;
}

static void check_state(struct search *s)
{
	struct tp_frame frames[FRAMES];
	struct pb_error error = { 0 };

	if (pb_validate(&s->tp.pool, &error) != PB_OK)
		fail_path(s, error.text, 0);
	tp_frames(&s->tp, frames, FRAMES);
	for (unsigned int pfn = 0; pfn < s->frames; pfn++) {
		bool owned = frames[pfn].state == PB_BLOCK_ALLOCATED;

		if (owned != s->oracle.owned[pfn])
			fail_path(s, owned ? "owned by nobody's doing" : "owner lost", pfn);
		if (s->oracle.head[pfn] &&
		    (!frames[pfn].head || frames[pfn].order + 1 != s->oracle.head[pfn]))
			fail_path(s, "block changed", pfn);
	}
	if (s->tp.misuse_calls)
		fail_path(s, s->tp.misuse_text, 0);
}

static uint64_t mix(uint64_t hash, uint64_t x)
{
	hash = (hash ^ x) * 0x100000001b3u;
	return hash ^ hash >> 29;
}

static int mix_block(void *ctx, const struct pb_block *block)
{
	uint64_t *hash = ctx;

	*hash = mix(*hash, block->pfn << 32 | (uint64_t)block->order << 24 |
				   (uint64_t)block->state << 16 | (uint64_t)block->list_type << 8 |
				   (uint64_t)block->pageblock_type << 4 | block->movable);
	return 0;
}

static int mix_pfn(void *ctx, uint64_t pfn)
{
	uint64_t *hash = ctx;

	*hash = mix(*hash, pfn);
	return 0;
}

static uint64_t mix_pcp(struct search *s, unsigned int cpu, unsigned int order, int type,
			uint64_t hash)
{
	struct pb_pcp_stat stat;

	if (pb_pcp_stats(&s->tp.pool, 0, cpu, &stat) == PB_OK)
		hash = mix(hash, (uint64_t)stat.free_factor << 32 | (uint32_t)stat.count);
	pb_walk_pcp(&s->tp.pool, cpu, 0, PB_ZONE_NORMAL, order, (enum pb_migratetype)type, mix_pfn,
		    &hash);
	return hash;
}

static uint64_t state_hash(struct search *s)
{
	uint64_t hash = mix(0xcbf29ce484222325u, s->depth);

	pb_walk(&s->tp.pool, mix_block, &hash);
	for (unsigned int order = 0; order <= s->max_order; order++)
		for (int type = 0; type < PB_MIGRATE_CMA; type++) {
			hash = mix(hash, (uint64_t)type);
			pb_walk_free_list(&s->tp.pool, 0, PB_ZONE_NORMAL, order,
					  (enum pb_migratetype)type, mix_pfn, &hash);
			for (unsigned int cpu = 0; cpu < s->cpus && type < PB_MIGRATE_PCPTYPES;
			     cpu++)
				hash = mix_pcp(s, cpu, order, type, hash);
		}
	return hash | 1;
}

/* False: been here. */
static bool is_new(struct search *s)
{
	uint64_t hash;
	size_t at;

	if (!s->merge)
		return true;
	hash = state_hash(s);
	for (at = hash >> 20 & s->seen_mask; s->seen[at]; at = (at + 1) & s->seen_mask)
		if (s->seen[at] == hash)
			return false;
	if (s->nr_seen > s->seen_mask / 2)
		return true; /* table full: go on without remembering */
	s->seen[at] = hash;
	s->nr_seen++;
	return true;
}

static void do_alloc(struct search *s, unsigned int order, pb_gfp_t gfp)
{
	struct pb_page *page = pb_alloc_pages(&s->tp.pool, gfp | PB_GFP_NOWARN, order);
	uint64_t pfn;

	if (!page) {
		/* Linux's count of free pages may lag behind by a few pages a CPU */
		if (!s->lags && model_has_block(s, order))
			fail_path(s, "failed though a block is free", order);
		return;
	}
	pfn = pb_page_to_pfn(&s->tp.pool, page);
	if (pfn + (1u << order) > s->frames || pfn & ((1u << order) - 1))
		fail_path(s, "bad block", pfn);
	for (unsigned int i = 0; i < 1u << order; i++) {
		if (s->oracle.owned[pfn + i])
			fail_path(s, "handed out twice", pfn + i);
		s->oracle.owned[pfn + i] = 1;
	}
	s->oracle.head[pfn] = (uint8_t)(order + 1);
}

static void do_free(struct search *s, unsigned int pfn)
{
	unsigned int order = s->oracle.head[pfn] - 1u;

	if (pb_free_pages(&s->tp.pool, pb_pfn_to_page(&s->tp.pool, pfn), order) != PB_OK)
		fail_path(s, "free refused", pfn);
	s->oracle.head[pfn] = 0;
	memset(&s->oracle.owned[pfn], 0, 1u << order);
}

/* Choice number `n` in this state; false: there is none. */
static bool step(struct search *s, unsigned int n, unsigned int cpu)
{
	char *text = s->path[s->depth];
	unsigned int orders = s->max_order + 1;

	s->path_len = s->depth + 1;
	pb_test_set_cpu(cpu);
	if (n < orders * s->nr_gfp) {
		snprintf(text, sizeof(s->path[0]), "cpu %u: alloc order %u gfp %#x", cpu,
			 n % orders, s->gfp[n / orders]);
		do_alloc(s, n % orders, s->gfp[n / orders]);
		return true;
	}
	n -= orders * s->nr_gfp;
	for (unsigned int pfn = 0; pfn < s->frames; pfn++)
		if (s->oracle.head[pfn] && !n--) {
			snprintf(text, sizeof(s->path[0]), "cpu %u: free pfn %u order %u", cpu, pfn,
				 s->oracle.head[pfn] - 1u);
			do_free(s, pfn);
			return true;
		}
	if (n)
		return false;
	snprintf(text, sizeof(s->path[0]), "drain");
	pb_drain(&s->tp.pool, -1);
	return true;
}

struct level {
	unsigned int choice, cpu;
	struct oracle oracle;
};

static void explore(struct search *s, unsigned int depth)
{
	struct level levels[DEPTH_MAX + 1] = { 0 };

	s->depth = 0;
	memcpy(s->saved[0], s->tp.memory, s->tp.bytes);
	levels[0].oracle = s->oracle;
	for (;;) {
		struct level *level = &levels[s->depth];

		memcpy(s->tp.memory, s->saved[s->depth], s->tp.bytes);
		s->oracle = level->oracle;
		if (s->depth == depth || !step(s, level->choice, level->cpu)) {
			if (!s->depth)
				return;
			s->depth--;
			continue;
		}
		if (++level->cpu == s->cpus) {
			level->cpu = 0;
			level->choice++;
		}
		s->steps++;
		s->depth++;
		if (!is_new(s)) {
			s->depth--;
			continue;
		}
		s->states++;
		check_state(s);
		memcpy(s->saved[s->depth], s->tp.memory, s->tp.bytes);
		levels[s->depth] = (struct level){ .oracle = s->oracle };
	}
}

struct shape {
	const char *name;
	enum pb_profile profile;
	uint32_t flags;
	uint8_t frames, max_order, pageblock_order, cpus, depth;
	uint8_t nr_gfp;
};

static const pb_gfp_t kinds[] = { PB_GFP_KERNEL, PB_GFP_KERNEL | PB_GFP_MOVABLE, PB_GFP_ATOMIC };

static void run(const struct shape *shape)
{
	static struct search s;
	unsigned long depth = tp_env("PB_EXHAUSTIVE_DEPTH", shape->depth - SHALLOWER);

	memset(&s, 0, sizeof(s));
	tp_start(&s.tp);
	s.tp.config.profile = (uint8_t)shape->profile;
	s.tp.config.flags |= shape->flags;
	s.tp.config.max_order = shape->max_order;
	s.tp.config.pageblock_order = shape->pageblock_order;
	s.tp.config.nr_cpus = shape->cpus;
	tp_region(&s.tp, 0, shape->frames, 0, PB_ZONE_NORMAL);
	tp_build(&s.tp);
	s.frames = shape->frames;
	s.max_order = shape->max_order;
	s.cpus = shape->cpus;
	s.gfp = kinds;
	s.nr_gfp = shape->nr_gfp;
	s.lags = shape->profile == PB_PROFILE_LINUX && !(shape->flags & PB_POOL_NO_PCP);
	s.merge = shape->profile == PB_PROFILE_LINUX || shape->flags & PB_POOL_NO_PCP;
	s.seen_mask = (1u << 22) - 1;
	s.seen = calloc(s.seen_mask + 1, sizeof(*s.seen));
	tp_require(depth <= DEPTH_MAX, "PB_EXHAUSTIVE_DEPTH is at most %d", DEPTH_MAX);
	for (unsigned int i = 0; i <= depth; i++)
		s.saved[i] = malloc(s.tp.bytes);
	explore(&s, (unsigned int)depth);
	printf("%-34s depth %2lu: %9lu steps, %8lu states\n", shape->name, depth, s.steps,
	       s.states);
	fflush(stdout);
	for (unsigned int i = 0; i <= depth; i++)
		free(s.saved[i]);
	free(s.seen);
	tp_drop(&s.tp);
	pb_test_set_cpu(0);
}

int main(void)
{
	static const struct shape shapes[] = {
		{ "8 frames, modern, no pcp", PB_PROFILE_MODERN, PB_POOL_NO_PCP, 8, 3, 3, 1, 14,
		  1 },
		{ "8 frames, linux, no pcp", PB_PROFILE_LINUX, PB_POOL_NO_PCP, 8, 3, 3, 1, 14, 1 },
		{ "8 frames, modern", PB_PROFILE_MODERN, 0, 8, 3, 3, 1, 7, 1 },
		{ "8 frames, linux", PB_PROFILE_LINUX, 0, 8, 3, 3, 1, 12, 1 },
		{ "8 frames, two types, modern, no pcp", PB_PROFILE_MODERN, PB_POOL_NO_PCP, 8, 2, 1,
		  1, 9, 2 },
		{ "8 frames, two types, linux, no pcp", PB_PROFILE_LINUX, PB_POOL_NO_PCP, 8, 2, 1,
		  1, 9, 2 },
		{ "7 frames, three types, linux", PB_PROFILE_LINUX, 0, 7, 2, 1, 1, 7, 3 },
		{ "7 frames, three types, modern", PB_PROFILE_MODERN, 0, 7, 2, 1, 1, 5, 3 },
		{ "4 frames, two CPUs, modern", PB_PROFILE_MODERN, 0, 4, 2, 2, 2, 6, 1 },
		{ "4 frames, two CPUs, linux", PB_PROFILE_LINUX, 0, 4, 2, 2, 2, 10, 1 },
		{ "8 frames, modern, quarantine", PB_PROFILE_MODERN, TP_QUARANTINE | PB_POOL_NO_PCP,
		  8, 3, 3, 1, 8, 1 },
		{ "8 frames, linux, quarantine", PB_PROFILE_LINUX, TP_QUARANTINE, 8, 3, 3, 1, 8,
		  1 },
		{ "12 frames, modern, no pcp", PB_PROFILE_MODERN, PB_POOL_NO_PCP, 12, 3, 2, 1, 9,
		  1 },
	};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		run(&shapes[i]);
	return 0;
}
