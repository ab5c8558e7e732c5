/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "model_port.h"
#include "support/pool.h"

#define MAX_FRAMES 2048u
#define BULK_MAX 64u

struct m_frame {
	uint8_t state;                /* enum pb_block_state (never PCP), or TP_HOLE */
	uint8_t order, head, movable; /* ALLOCATED */
	uint8_t node, zone;
	bool cma;
	bool placed;  /* in a region: it is there, was, or may come */
	bool written; /* its part of the metadata has been in use */
	uint16_t refs;
};

struct model {
	struct tp tp;
	struct m_frame frames[MAX_FRAMES];
	uint32_t end;      /* one past the greatest pfn */
	uint32_t nr_owned; /* blocks */
	bool marks;        /* watermarks are on: requests may fail for them */
	const struct op *op;
	size_t number;
};

static int dump_block(void *ctx, const struct pb_block *block)
{
	(void)ctx;
	fprintf(stderr, " %c%lu/%u", "FpAR"[block->state], (unsigned long)block -> pfn,
		block -> order);
	if (block->state == PB_BLOCK_FREE)
		fprintf(stderr, ":%u,%u", block->list_type, block->pageblock_type);
	return 0;
}

/* What the pool looks like where it went wrong; small pools block by block. */
static void dump(struct model *m)
{
	static char text[8192];
	struct pb_zone_stat zone;

	if (pb_pagetypeinfo(&m->tp.pool, text, sizeof(text)))
		fprintf(stderr, "%s", text);
	for (unsigned int i = 0; pb_zone_stats(&m->tp.pool, i, &zone) == PB_OK; i++)
		fprintf(stderr,
			"node %d zone %d: free %ld pcp %ld isolated %ld min %lu low %lu "
			"boost %lu highatomic %lu isolate %lu\n",
			zone.node, zone.zone, (long)zone.free, (long)zone.pcp, (long)zone.isolated,
			(unsigned long)zone.watermark[PB_WMARK_MIN],
			(unsigned long)zone.watermark[PB_WMARK_LOW], (unsigned long)zone.boost,
			(unsigned long)zone.nr_reserved_highatomic,
			(unsigned long)zone.nr_isolate_pageblock);
	if (m->end <= 1024)
		pb_walk(&m->tp.pool, dump_block, NULL);
	fprintf(stderr, "\noperation %zu (kind %u order %u gfp %#x a %u b %u): ", m->number,
		m->op->kind, m->op->order, m->op->gfp, m->op->a, m->op->b);
}

#define check(m, ok, ...)                            \
	do {                                         \
		if (!(ok)) {                         \
			dump(m);                     \
			tp_require(ok, __VA_ARGS__); \
		}                                    \
	} while (0)

/* ------------------------------------------------------------------ shapes */

static void shape_orders(struct tp *tp, unsigned int max, unsigned int pageblock)
{
	tp->config.max_order = (uint8_t)max;
	tp->config.pageblock_order = (uint8_t)pageblock;
}

static void shape_two_nodes(struct tp *tp)
{
	shape_orders(tp, 5, 3);
	tp_region(tp, 256, 300, 1, PB_ZONE_NORMAL);
	tp_region(tp, 50, 61, 0, PB_ZONE_DMA);
	tp_region(tp, 64, 200, 0, PB_ZONE_NORMAL);
	tp_reserved(tp, 100, 107);
	tp_region(tp, 310, 420, 1, PB_ZONE_NORMAL);
	tp_region(tp, 3, 40, 0, PB_ZONE_DMA);
	tp_reserved(tp, 105, 120);
	tp_region(tp, 448, 512, 1, PB_ZONE_MOVABLE);
}

static void shape_comes(struct tp *tp, uint64_t start, uint64_t end, int node)
{
	tp_region(tp, start, end, node, PB_ZONE_NORMAL);
	tp->regions[tp->config.nr_regions - 1].kind = PB_REGION_HOTPLUG;
}

static bool merges_any(const struct model_config *config)
{
	return config->profile == PB_PROFILE_LINUX &&
	       (config->kernel == PB_LINUX_5_4 || config->kernel == PB_LINUX_5_10);
}

static void shape(struct tp *tp, const struct model_config *config)
{
	switch (config->shape) {
	case 0:
		shape_orders(tp, 3, 3);
		tp_region(tp, 0, 8, 0, PB_ZONE_NORMAL);
		break;
	case 1:
		shape_orders(tp, 4, 3);
		tp_region(tp, 0, 64, 0, PB_ZONE_NORMAL);
		break;
	case 2:
		shape_two_nodes(tp);
		break;
	case 3:
		shape_orders(tp, 10, 9);
		tp_region(tp, 37, 2048, 0, PB_ZONE_NORMAL); /* it begins inside a pageblock */
		break;
	case 4:
		shape_orders(tp, 6, 6);
		tp_region(tp, 5, 700, 0, PB_ZONE_DMA32);
		break;
	case 5:
		shape_orders(tp, 0, 0);
		tp_region(tp, 7, 39, 0, PB_ZONE_NORMAL);
		break;
	case MODEL_SHAPE_CMA:
		shape_orders(tp, 6, 3);
		tp_region(tp, 0, 400, 0, PB_ZONE_NORMAL);
		tp_cma(tp, 64, 128);
		if (!merges_any(config)) /* which need borders between the largest blocks */
			tp_cma(tp, 200, 264);
		break;
	case MODEL_SHAPE_GROWS:
		shape_orders(tp, 5, 3);
		tp_region(tp, 32, 192, 0, PB_ZONE_NORMAL);
		shape_comes(tp, 192, 480, 0);
		shape_comes(tp, 512, 640, 1); /* a node that has no memory yet */
		break;
	default:
		shape_orders(tp, 7, 3);
		tp_region(tp, 0, 1024, 0, PB_ZONE_NORMAL);
		tp_region(tp, 1024, 1536, 0, PB_ZONE_MOVABLE);
		break;
	}
}

static void note_region(struct model *m, const struct pb_region *region)
{
	for (uint64_t pfn = region->start_pfn; pfn < region->end_pfn; pfn++) {
		struct m_frame *frame = &m->frames[pfn];

		if (region->kind == PB_REGION_RESERVED) {
			if (frame->state != TP_HOLE)
				frame->state = PB_BLOCK_RESERVED;
			continue;
		}
		if (region->kind == PB_REGION_CMA) {
			frame->cma = true;
			continue;
		}
		*frame = (struct m_frame){ .state = PB_BLOCK_FREE,
					   .node = region->node,
					   .zone = region->zone,
					   .placed = true,
					   .written = true };
		if (region->kind == PB_REGION_HOTPLUG) {
			frame->state = TP_HOLE;
			frame->written = false;
		}
		if (pfn >= m->end)
			m->end = (uint32_t)pfn + 1;
	}
}

static void model_init(struct model *m, const struct model_config *config)
{
	static const uint8_t cpu_node[3] = { 0, 1, 0 };

	memset(m, 0, sizeof(*m));
	tp_start(&m->tp);
	shape(&m->tp, config);
	m->tp.config.profile = config->profile;
	m->tp.config.kernel = config->kernel;
	m->tp.config.flags |= config->flags | MODEL_POOL_FLAGS;
	m->tp.config.quarantine = config->quarantine;
	if (config->flags & PB_POOL_NO_MOBILITY)
		m->tp.config.flags &= ~(uint32_t)PB_POOL_MOBILITY;
	m->tp.config.nr_cpus = config->cpus;
	m->tp.config.nr_stripes = config->stripes;
	m->tp.any_stripes = true;
	m->tp.config.cpu_node = cpu_node;
	for (uint32_t i = 0; i < MAX_FRAMES; i++)
		m->frames[i].state = TP_HOLE;
	for (int kind = PB_REGION_USABLE; kind <= PB_REGION_CMA; kind++)
		for (uint32_t i = 0; i < m->tp.config.nr_regions; i++)
			if (m->tp.regions[i].kind == kind)
				note_region(m, &m->tp.regions[i]);
	tp_build(&m->tp);
	tp_trace(&m->tp, config->traced);
}

/* -------------------------------------------------------------- comparison */

static void compare_frame(struct model *m, const struct tp_frame *got, uint32_t pfn)
{
	const struct m_frame *want = &m->frames[pfn];
	uint8_t state = got->state == PB_BLOCK_PCP ? PB_BLOCK_FREE : got->state;

	check(m, state == want->state, "pfn %u: state %u, expected %u", pfn, got->state,
	      want->state);
	if (state == TP_HOLE)
		return;
	check(m, got->node == want->node && got->zone == want->zone, "pfn %u: node %u zone %u", pfn,
	      got->node, got->zone);
	if (state != PB_BLOCK_ALLOCATED)
		return;
	check(m, got->order == want->order && got->head == want->head,
	      "pfn %u: order %u head %u, expected %u %u", pfn, got->order, got->head, want->order,
	      want->head);
	if (want->head)
		check(m, got->movable == want->movable, "pfn %u: movable %u", pfn, got->movable);
}

static void compare_zone(struct model *m, const struct pb_zone_stat *zone)
{
	uint64_t count[5] = { 0 };

	for (uint32_t pfn = 0; pfn < m->end; pfn++) {
		const struct m_frame *frame = &m->frames[pfn];

		if (frame->state != TP_HOLE && frame->node == zone->node &&
		    frame->zone == zone->zone)
			count[frame->state]++;
	}
	check(m, zone->present == count[0] + count[1] + count[2] + count[3],
	      "node %d zone %d: present %lu", zone->node, zone->zone, (long)zone->present);
	check(m, zone->managed == zone->present - count[PB_BLOCK_RESERVED],
	      "node %d zone %d: managed %lu, reserved %lu", zone->node, zone->zone,
	      (long)zone->managed, (long)count[PB_BLOCK_RESERVED]);
	check(m,
	      (uint64_t)(zone->free + zone->pcp + zone->quarantined + zone->isolated) ==
		      count[PB_BLOCK_FREE],
	      "node %d zone %d: free %ld + pcp %ld + quarantined %ld + isolated %ld, expected %lu",
	      zone->node, zone->zone, (long)zone->free, (long)zone->pcp, (long)zone->quarantined,
	      (long)zone->isolated, (long)count[PB_BLOCK_FREE]);
}

static void compare(struct model *m)
{
	static struct tp_frame frames[MAX_FRAMES];
	struct pb_zone_stat zone;
	struct pb_error error = { 0 };
	int code = pb_validate(&m->tp.pool, &error);

	check(m, code == PB_OK, "pb_validate: %d: %s", code, error.text);
	tp_frames(&m->tp, frames, MAX_FRAMES);
	for (uint32_t pfn = 0; pfn < m->end; pfn++)
		compare_frame(m, &frames[pfn], pfn);
	for (unsigned int i = 0; i < pb_nr_zones(&m->tp.pool); i++) {
		check(m, pb_zone_stats(&m->tp.pool, i, &zone) == PB_OK, "zone %u", i);
		compare_zone(m, &zone);
	}
}

/* --------------------------------------------------------- asking the model */

/* The n-th block that has an owner, or UINT32_MAX. */
static uint32_t nth_owned(const struct model *m, uint32_t n)
{
	if (!m->nr_owned)
		return UINT32_MAX;
	n %= m->nr_owned;
	for (uint32_t pfn = 0; pfn < m->end; pfn++)
		if (m->frames[pfn].state == PB_BLOCK_ALLOCATED && m->frames[pfn].head && !n--)
			return pfn;
	return UINT32_MAX;
}

static bool all_in_state(const struct model *m, uint64_t pfn, uint64_t n, uint8_t state)
{
	if (pfn + n > MAX_FRAMES)
		return false;
	for (uint64_t i = pfn; i < pfn + n; i++)
		if (m->frames[i].state != state)
			return false;
	return true;
}

static bool any_in_state(const struct model *m, uint64_t pfn, uint64_t n, uint8_t state)
{
	for (uint64_t i = pfn; i < pfn + n && i < MAX_FRAMES; i++)
		if (m->frames[i].state == state)
			return true;
	return pfn + n > MAX_FRAMES && state == TP_HOLE;
}

static void set_state(struct model *m, uint64_t pfn, uint64_t n, uint8_t state)
{
	for (uint64_t i = pfn; i < pfn + n; i++) {
		struct m_frame *frame = &m->frames[i];

		*frame = (struct m_frame){ .state = state,
					   .node = frame->node,
					   .zone = frame->zone,
					   .cma = frame->cma,
					   .placed = frame->placed,
					   .written = frame->written };
	}
}

static int highest_zone(const struct model *m, uint32_t gfp)
{
	uint32_t types = m->tp.config.zone_types;
	int zone = PB_ZONE_NORMAL;

	if (gfp & PB_GFP_DMA)
		zone = PB_ZONE_DMA;
	else if (gfp & PB_GFP_DMA32)
		zone = PB_ZONE_DMA32;
	else if (gfp & PB_GFP_HIGHMEM)
		zone = gfp & PB_GFP_MOVABLE ? PB_ZONE_MOVABLE : PB_ZONE_HIGHMEM;
	return types >> zone & 1 ? zone : PB_ZONE_NORMAL;
}

struct request {
	uint32_t gfp, order;
	int node; /* for THISNODE */
	uint64_t mask;
};

static bool frame_allowed(const struct model *m, const struct request *rq, uint32_t pfn)
{
	const struct m_frame *frame = &m->frames[pfn];

	if (frame->cma && (rq->gfp & (PB_GFP_MOVABLE | PB_GFP_RECLAIMABLE)) != PB_GFP_MOVABLE)
		return false;
	return (int)frame->zone <= highest_zone(m, rq->gfp) && (rq->mask >> frame->node & 1) &&
	       (!(rq->gfp & PB_GFP_THISNODE) || frame->node == rq->node);
}

/* Blocks of CMA don't merge with others. */
static bool all_allowed(const struct model *m, const struct request *rq, uint32_t pfn, uint32_t n)
{
	while (n && frame_allowed(m, rq, pfn + n - 1) &&
	       m->frames[pfn + n - 1].cma == m->frames[pfn].cma)
		n--;
	return !n;
}

/* Reserves for atomic requests are not for everyone: leave those zones out. */
static int there_is_one(void *ctx, uint64_t pfn)
{
	(void)ctx;
	(void)pfn;
	return 1;
}

/* linux: a block goes back to the list that it came from (P3), so the reserve's may hold
   one when there is no reserve any more. */
static bool on_reserve_lists(struct model *m, const struct pb_zone_stat *zone)
{
	for (unsigned int order = 0; order <= m->tp.config.max_order; order++)
		if (pb_walk_free_list(&m->tp.pool, zone->node, (enum pb_zone_type)zone->zone, order,
				      PB_MIGRATE_HIGHATOMIC, there_is_one, NULL))
			return true;
	return false;
}

static bool zone_has_reserve(struct model *m, int node, int type)
{
	struct pb_zone_stat zone;

	for (unsigned int i = 0; i < pb_nr_zones(&m->tp.pool); i++)
		if (pb_zone_stats(&m->tp.pool, i, &zone) == PB_OK && zone.node == node &&
		    zone.zone == type)
			return zone.nr_reserved_highatomic || zone.nr_isolate_pageblock ||
			       on_reserve_lists(m, &zone);
	return false;
}

/* ... and its count of free pages may lag behind by a few pages a CPU. */
#define LINUX_LAG 16u

/* Free frames in the zone of `pfn` that the request may have. */
static uint32_t free_around(const struct model *m, const struct request *rq, uint32_t pfn)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->end; i++)
		n += m->frames[i].state == PB_BLOCK_FREE && frame_allowed(m, rq, i) &&
		     m->frames[i].node == m->frames[pfn].node &&
		     m->frames[i].zone == m->frames[pfn].zone;
	return n;
}

/* Pages that have to stay free; spec 7.3: Movable zones keep 32 in any case. */
static uint32_t margin(const struct model *m, bool lags, uint8_t zone)
{
	bool keeps = m->tp.config.profile == PB_PROFILE_MODERN ||
		     m->tp.config.kernel == PB_LINUX_6_12 || m->tp.config.kernel == PB_LINUX_7_2;

	return (lags ? LINUX_LAG : 0) + (keeps && zone == PB_ZONE_MOVABLE ? 32 : 0);
}

/* A free block that the request may have, so that it must not fail. */
static bool must_succeed(struct model *m, const struct request *rq)
{
	uint32_t n = 1u << rq->order;
	bool lags = m->tp.config.profile == PB_PROFILE_LINUX &&
		    !(m->tp.config.flags & PB_POOL_NO_PCP);

	/* Linux drains other CPUs' lists only for requests that may wait ... */
	if (lags && !(rq->gfp & PB_GFP_DIRECT_RECLAIM))
		return false;
	if (m->marks || rq->order > m->tp.config.max_order)
		return false;
	for (uint32_t pfn = 0; pfn < m->end; pfn += n)
		if (all_in_state(m, pfn, n, PB_BLOCK_FREE) && all_allowed(m, rq, pfn, n) &&
		    m->frames[pfn].zone == m->frames[pfn + n - 1].zone &&
		    m->frames[pfn].node == m->frames[pfn + n - 1].node &&
		    !zone_has_reserve(m, m->frames[pfn].node, m->frames[pfn].zone) &&
		    free_around(m, rq, pfn) >= n + margin(m, lags, m->frames[pfn].zone))
			return true;
	return false;
}

/* ---------------------------------------------------------------- changing */

static bool gfp_movable(const struct model *m, uint32_t gfp)
{
	return gfp & PB_GFP_MOVABLE && !(m->tp.config.flags & PB_POOL_MOVABLE_EXPLICIT);
}

static void own(struct model *m, uint32_t pfn, unsigned int order, bool movable)
{
	for (uint32_t i = 0; i < 1u << order; i++) {
		struct m_frame *frame = &m->frames[pfn + i];

		check(m, frame->state == PB_BLOCK_FREE, "pfn %u handed out in state %u", pfn + i,
		      frame->state);
		frame->state = PB_BLOCK_ALLOCATED;
		frame->order = (uint8_t)order;
		frame->head = i == 0;
		frame->movable = movable;
		frame->refs = 1;
	}
	m->nr_owned++;
}

static void disown(struct model *m, uint32_t pfn)
{
	set_state(m, pfn, 1u << m->frames[pfn].order, PB_BLOCK_FREE);
	m->nr_owned--;
}

/* The pool gave this page for the request: is that allowed? Then it's owned. */
static void accept(struct model *m, const struct pb_page *page, const struct request *rq)
{
	uint64_t pfn = pb_page_to_pfn(&m->tp.pool, page);

	check(m, pfn < m->end, "pfn %lu is outside the map", (long)pfn);
	check(m, !(pfn & ((1u << rq->order) - 1)), "pfn %lu: not aligned to order %u", (long)pfn,
	      rq->order);
	check(m, frame_allowed(m, rq, (uint32_t)pfn), "pfn %lu: node %u zone %u for gfp %#x",
	      (long)pfn, m->frames[pfn].node, m->frames[pfn].zone, rq->gfp);
	own(m, (uint32_t)pfn, rq->order, gfp_movable(m, rq->gfp));
	check(m, pb_page_order(&m->tp.pool, page) == (int)rq->order, "order of pfn %lu", (long)pfn);
}

static struct pb_page *page_of(struct model *m, uint32_t pfn)
{
	return pb_pfn_to_page(&m->tp.pool, pfn);
}

/* -------------------------------------------------------------- operations */

static void op_alloc(struct model *m)
{
	struct request rq = { m->op->gfp, m->op->order, 0, UINT64_MAX };
	bool must = must_succeed(m, &rq);
	struct pb_page *page;

	rq.gfp &= ~PB_GFP_THISNODE;
	page = pb_alloc_pages(&m->tp.pool, rq.gfp, rq.order);
	if (page)
		accept(m, page, &rq);
	else
		check(m, !must, "order %u gfp %#x failed though a block is free", rq.order, rq.gfp);
}

static void op_alloc_on(struct model *m)
{
	uint64_t mask = m->op->b & 3 ? m->op->b & 3 : 3;
	struct request rq = { m->op->gfp, m->op->order, (int)(m->op->a & 1), mask };
	bool must = must_succeed(m, &rq);
	enum pb_reason why;
	struct pb_page *page = pb_alloc_pages_nodemask(&m->tp.pool, rq.gfp, rq.order, rq.node,
						       mask == 3 ? NULL : &mask, &why);

	if (page)
		accept(m, page, &rq);
	else
		check(m, !must, "order %u gfp %#x failed though a block is free: %s", rq.order,
		      rq.gfp, pb_reason_name(why));
	check(m, (page != NULL) == (why == PB_REASON_NONE), "reason %d", why);
}

static void op_bulk(struct model *m)
{
	struct request rq = { m->op->gfp & ~PB_GFP_THISNODE, m->op->order, 0, UINT64_MAX };
	struct pb_page *pages[BULK_MAX];
	size_t n = 1 + m->op->a % BULK_MAX;
	size_t got = pb_alloc_pages_bulk(&m->tp.pool, rq.gfp, rq.order, n, pages);

	check(m, got <= n, "bulk gave %zu of %zu", got, n);
	for (size_t i = 0; i < got; i++)
		accept(m, pages[i], &rq);
	if (got < n)
		check(m, !must_succeed(m, &rq), "bulk ended at %zu though a block is free", got);
}

static void op_exact(struct model *m)
{
	struct request rq = { m->op->gfp & ~PB_GFP_THISNODE, 0, 0, UINT64_MAX };
	uint32_t n = 1 + m->op->a % (1u << m->tp.config.max_order);
	bool must;
	struct pb_page *page;

	while (1u << rq.order < n)
		rq.order++;
	must = must_succeed(m, &rq);
	page = pb_alloc_exact(&m->tp.pool, rq.gfp, n);
	if (!page) {
		check(m, !must, "exact %u failed though a block is free", n);
		return;
	}
	rq.order = 0;
	for (uint32_t i = 0; i < n; i++)
		accept(m, page + i, &rq);
}

/* Frames that make up a run, wherever it is: brute force. */
static bool run_exists(const struct model *m, uint64_t n, uint64_t align, uint64_t low,
		       uint64_t high, uint64_t boundary)
{
	for (uint64_t pfn = (low + align - 1) / align * align; pfn + n <= high; pfn += align) {
		if (boundary && pfn / boundary != (pfn + n - 1) / boundary)
			continue;
		if (all_in_state(m, pfn, n, PB_BLOCK_FREE))
			return true;
	}
	return false;
}

static void op_contig(struct model *m)
{
	struct request rq = { m->op->gfp & ~PB_GFP_THISNODE, 0, 0, UINT64_MAX };
	uint64_t n = 1 + m->op->a % 100, align = UINT64_C(1) << m->op->order;
	uint64_t low = m->op->b % (m->end + 8u), high = low + (m->op->b >> 11) % (m->end + 8u) + 1;
	uint64_t boundary = m->op->b & 1 ? 128 : 0;
	struct pb_page *page = pb_alloc_contig(&m->tp.pool, n, align, low, high, boundary, rq.gfp);
	uint64_t pfn;

	if (!page)
		return; /* zones and their borders may forbid; the unit test demands success */
	pfn = pb_page_to_pfn(&m->tp.pool, page);
	check(m, run_exists(m, n, align, low, high, boundary), "no such run, got pfn %lu",
	      (long)pfn);
	check(m, pfn % align == 0 && pfn >= low && pfn + n <= high, "pfn %lu out of bounds",
	      (long)pfn);
	check(m, !boundary || pfn / boundary == (pfn + n - 1) / boundary, "boundary crossed");
	for (uint64_t i = 0; i < n; i++)
		own(m, (uint32_t)(pfn + i), 0, gfp_movable(m, rq.gfp));
}

static void op_claim(struct model *m)
{
	unsigned int order = m->op->order;
	uint32_t pfn = m->op->a % (m->end + 4);
	int code = pb_alloc_at(&m->tp.pool, pfn, order, m->op->gfp);
	bool free = order <= m->tp.config.max_order &&
		    all_in_state(m, pfn, 1u << order, PB_BLOCK_FREE);

	if (order > m->tp.config.max_order || pfn & ((1u << order) - 1)) {
		check(m, code == PB_EINVAL || code == PB_ENODEV, "claim gave %d", code);
		return;
	}
	if (pfn >= m->end || m->frames[pfn].state == TP_HOLE) {
		check(m, code == PB_ENODEV, "claim of a hole gave %d", code);
		return;
	}
	if (free && m->frames[pfn].zone == m->frames[pfn + (1u << order) - 1].zone) {
		check(m, code == PB_OK, "claim of free pfn %u order %u gave %d", pfn, order, code);
		own(m, pfn, order, gfp_movable(m, m->op->gfp));
		return;
	}
	check(m, code == PB_EBUSY || code == PB_ENODEV, "claim gave %d", code);
}

static void free_one(struct model *m, uint32_t pfn, bool put)
{
	struct m_frame *frame = &m->frames[pfn];
	struct pb_page *page = page_of(m, pfn);
	int code = put ? pb_put_page(&m->tp.pool, page)
		       : pb_free_pages(&m->tp.pool, page, frame->order);

	check(m, code == PB_OK, "free of pfn %u order %u gave %d", pfn, frame->order, code);
	if (--frame->refs == 0)
		disown(m, pfn);
	else
		check(m, pb_page_count(&m->tp.pool, page) == frame->refs, "count of pfn %u", pfn);
}

static void op_free(struct model *m)
{
	uint32_t pfn = nth_owned(m, m->op->a);

	if (pfn != UINT32_MAX)
		free_one(m, pfn, m->op->kind == OP_PUT);
}

/* Blocks of one order, from the a-th on. */
static void op_free_bulk(struct model *m)
{
	uint32_t first = nth_owned(m, m->op->a), want = 1 + m->op->b % BULK_MAX;
	struct pb_page *pages[BULK_MAX] = { NULL };
	uint32_t pfns[BULK_MAX], n = 0;

	if (first == UINT32_MAX)
		return;
	for (uint32_t pfn = first; pfn < m->end && n < want; pfn++) {
		const struct m_frame *frame = &m->frames[pfn];

		if (frame->state == PB_BLOCK_ALLOCATED && frame->head && frame->refs == 1 &&
		    frame->order == m->frames[first].order) {
			pfns[n] = pfn;
			pages[n++] = page_of(m, pfn);
		}
	}
	check(m, pb_free_bulk(&m->tp.pool, m->frames[first].order, n, pages) == n, "bulk free");
	while (n--)
		disown(m, pfns[n]);
}

static void op_free_exact(struct model *m)
{
	uint32_t first = nth_owned(m, m->op->a), n = 0, max = 1 + m->op->b % 40;

	if (first == UINT32_MAX)
		return;
	while (n < max && first + n < m->end && page_of(m, first + n) == page_of(m, first) + n &&
	       m->frames[first + n].state == PB_BLOCK_ALLOCATED &&
	       m->frames[first + n].order == 0 && m->frames[first + n].refs == 1)
		n++;
	if (!n)
		return;
	check(m, pb_free_exact(&m->tp.pool, page_of(m, first), n) == PB_OK, "exact free of %u", n);
	for (uint32_t i = 0; i < n; i++)
		disown(m, first + i);
}

static void op_split(struct model *m)
{
	uint32_t pfn = nth_owned(m, m->op->a);
	unsigned int order;

	if (pfn == UINT32_MAX)
		return;
	order = m->frames[pfn].order;
	check(m, pb_split_page(&m->tp.pool, page_of(m, pfn), order) == PB_OK, "split");
	for (uint32_t i = 0; i < 1u << order; i++) {
		m->frames[pfn + i].order = 0;
		m->frames[pfn + i].head = 1;
		if (i)
			m->frames[pfn + i].refs = 1;
	}
	m->nr_owned += (1u << order) - 1;
}

static void op_get(struct model *m)
{
	uint32_t pfn = nth_owned(m, m->op->a);

	if (pfn == UINT32_MAX || !(m->tp.config.flags & PB_POOL_REFCOUNT))
		return;
	check(m, pb_get_page(&m->tp.pool, page_of(m, pfn)) == PB_OK, "get_page");
	m->frames[pfn].refs++;
}

static void op_movable(struct model *m)
{
	uint32_t pfn = nth_owned(m, m->op->a);

	if (pfn == UINT32_MAX)
		return;
	check(m, pb_set_movable(&m->tp.pool, page_of(m, pfn), m->op->b & 1) == PB_OK, "movable");
	for (uint32_t i = 0; i < 1u << m->frames[pfn].order; i++)
		m->frames[pfn + i].movable = m->op->b & 1;
}

static bool same_zone(const struct model *m, uint64_t pfn, uint64_t n)
{
	const struct m_frame *first, *last;

	if (pfn + n > MAX_FRAMES)
		return false;
	first = &m->frames[pfn];
	last = &m->frames[pfn + n - 1];
	return first->zone == last->zone && first->node == last->node;
}

/* Hotplug raises min_free_kbytes to the formula's; back to none. */
static void tune_back(struct model *m)
{
	if (!m->marks)
		check(m, pb_set_min_free_kbytes(&m->tp.pool, 0) == PB_OK, "min_free_kbytes");
}

/* Frames [pfn, pfn + n) go from one state to another, or nothing happens. */
static void op_range(struct model *m, uint64_t pfn, uint64_t n, uint8_t from, uint8_t to,
		     int (*call)(struct pb_pool *, uint64_t, uint64_t))
{
	int code = call(&m->tp.pool, pfn, pfn + n);

	if (m->op->kind == OP_OFFLINE && !same_zone(m, pfn, n))
		check(m, code < 0, "offlining of several zones gave %d", code);
	else if (all_in_state(m, pfn, n, from))
		check(m, code == PB_OK, "range %lu + %lu gave %d", (long)pfn, (long)n, code);
	else if (any_in_state(m, pfn, n, TP_HOLE) || from == PB_BLOCK_FREE)
		check(m, code < 0, "range %lu + %lu gave %d", (long)pfn, (long)n, code);
	if (code != PB_OK)
		return;
	for (uint64_t i = pfn; i < pfn + n; i++) /* what is online already stays so */
		if (m->frames[i].state == from)
			set_state(m, i, 1, to);
	tune_back(m);
}

static void op_hotplug(struct model *m)
{
	uint32_t shift = m->tp.config.pageblock_order;
	uint32_t blocks = (m->end >> shift) + 1;

	if (m->op->kind == OP_RESERVE)
		op_range(m, m->op->a % (m->end + 4), 1 + m->op->b % 40, PB_BLOCK_FREE,
			 PB_BLOCK_RESERVED, pb_reserve);
	else if (m->op->kind == OP_ONLINE)
		op_range(m, m->op->a % (m->end + 4), 1 + m->op->b % 40, PB_BLOCK_RESERVED,
			 PB_BLOCK_FREE, pb_online);
	else
		op_range(m, (uint64_t)(m->op->a % blocks) << shift,
			 (uint64_t)(1 + m->op->b % 3) << shift, PB_BLOCK_FREE, PB_BLOCK_RESERVED,
			 pb_offline);
}

static bool may_grow(const struct model *m)
{
	for (uint32_t i = 0; i < m->tp.config.nr_regions; i++)
		if (m->tp.regions[i].kind == PB_REGION_HOTPLUG)
			return true;
	return false;
}

/* What pb_grow() of [start, end) has to say; *obstacle: the first span that is in the way. */
static int expect_grow(const struct model *m, uint64_t start, uint64_t end, uint64_t *obstacle)
{
	uint32_t span = 1u << m->tp.config.max_order;

	if (!may_grow(m))
		return PB_ENOTSUP;
	for (uint64_t pfn = start; pfn < end; pfn += span) {
		*obstacle = pfn;
		if (pfn >= MAX_FRAMES || !m->frames[pfn].placed)
			return PB_ENODEV;
		if (m->frames[pfn].state != TP_HOLE)
			return PB_EBUSY;
	}
	*obstacle = UINT64_MAX;
	return PB_OK;
}

/* The same of pb_remove(); *obstacle: the first such frame. */
static int expect_remove(const struct model *m, uint64_t start, uint64_t end, uint64_t *obstacle)
{
	if (!may_grow(m))
		return PB_ENOTSUP;
	for (uint64_t pfn = start; pfn < end; pfn++) {
		*obstacle = pfn;
		if (pfn >= MAX_FRAMES || m->frames[pfn].state == TP_HOLE)
			return PB_ENODEV;
		if (m->frames[pfn].state != PB_BLOCK_RESERVED)
			return PB_EBUSY;
	}
	*obstacle = UINT64_MAX;
	return PB_OK;
}

/* Start of the a-th span, the pool's end and one behind it among them; where the operation's order
   has the second bit, of the next one from there on whose frames are all in this state. */
static uint64_t some_span(const struct model *m, uint8_t state)
{
	uint32_t shift = m->tp.config.max_order, spans = (m->end >> shift) + 2;
	uint32_t first = m->op->a % spans;

	for (uint32_t i = 0; i < spans && m->op->order & 2; i++) {
		uint64_t start = (uint64_t)((first + i) % spans) << shift;

		if (all_in_state(m, start, 1u << shift, state) && m->frames[start].placed)
			return start;
	}
	return (uint64_t)first << shift;
}

static void op_grow(struct model *m)
{
	uint32_t shift = m->tp.config.max_order;
	uint64_t start = some_span(m, TP_HOLE);
	uint64_t end = start + ((uint64_t)(1 + m->op->b % 4) << shift);
	uint64_t obstacle = UINT64_MAX, found = UINT64_MAX;
	int want = expect_grow(m, start, end, &obstacle), code;
	bool zeroed = m->op->order & 1;

	for (uint64_t pfn = start; pfn < end && pfn < MAX_FRAMES; pfn++)
		zeroed &= !m->frames[pfn].written;
	code = pb_grow(&m->tp.pool, start, end, zeroed, &found);
	check(m, code == want && found == obstacle,
	      "grow %lu to %lu gave %d at %ld, expected %d at %ld", (long)start, (long)end, code,
	      (long)found, want, (long)obstacle);
	if (code != PB_OK)
		return;
	set_state(m, start, end - start, PB_BLOCK_FREE);
	for (uint64_t pfn = start; pfn < end; pfn++)
		m->frames[pfn].written = true;
	tune_back(m);
}

static void op_remove(struct model *m)
{
	uint32_t shift = m->tp.config.max_order;
	uint64_t start = some_span(m, m->op->order & 1 ? PB_BLOCK_FREE : PB_BLOCK_RESERVED);
	uint64_t n = (uint64_t)(1 + m->op->b % 3) << shift;
	uint64_t obstacle = UINT64_MAX, found = UINT64_MAX;
	int want, code;

	if (m->op->order & 1 && may_grow(m) && all_in_state(m, start, n, PB_BLOCK_FREE) &&
	    same_zone(m, start, n))
		op_range(m, start, n, PB_BLOCK_FREE, PB_BLOCK_RESERVED, pb_offline);
	want = expect_remove(m, start, start + n, &obstacle);
	code = pb_remove(&m->tp.pool, start, start + n, &found);
	check(m, code == want && found == obstacle,
	      "remove %lu + %lu gave %d at %ld, expected %d at %ld", (long)start, (long)n, code,
	      (long)found, want, (long)obstacle);
	if (code == PB_OK)
		set_state(m, start, n, TP_HOLE);
}

static void op_misuse(struct model *m)
{
	uint32_t pfn = m->op->a % m->end;
	const struct m_frame *frame = &m->frames[pfn];
	struct pb_page *page = page_of(m, pfn);
	unsigned int calls = m->tp.misuse_calls;

	if (!page ||
	    (frame->state == PB_BLOCK_ALLOCATED && frame->head && frame->order == m->op->order))
		return;
	check(m, pb_free_pages(&m->tp.pool, page, m->op->order) == PB_EMISUSE, "pfn %u order %u",
	      pfn, m->op->order);
	check(m, m->tp.misuse_calls == calls + 1, "no report");
	m->tp.misuse_calls = 0;
}

static void op_tune(struct model *m)
{
	switch (m->op->kind) {
	case OP_DRAIN:
		pb_drain(&m->tp.pool, m->op->a & 4 ? -1 : (int)(m->op->a & 3));
		break;
	case OP_TICK:
		pb_pcp_decay(&m->tp.pool);
		break;
	case OP_SET_PCP:
		check(m, pb_set_pcp(&m->tp.pool, m->op->a, m->op->b) == PB_OK, "set_pcp");
		break;
	case OP_MARKS:
		m->marks = m->op->a != 0;
		check(m, pb_set_min_free_kbytes(&m->tp.pool, (int32_t)m->op->a) == PB_OK,
		      "set_min_free_kbytes");
		break;
	default:
		check(m, pb_compact(&m->tp.pool, PB_NO_NODE, m->op->order, 1) == PB_ENOTSUP,
		      "compaction without a migrate hook");
	}
}

static void op_recover(struct model *m)
{
	pb_pool_destroy(&m->tp.pool);
	memset(&m->tp.pool, 0, sizeof(m->tp.pool));
	check(m,
	      pb_pool_attach(&m->tp.pool, m->tp.memory, m->tp.bytes, m->op->a & 1, &m->tp.hooks,
			     &m->tp.error) == PB_OK,
	      "attach: %s", m->tp.error.text);
}

/* What a relay hands on: whole pageblocks, or the largest or least that go by the depot; where there
   is none, of the orders that Linux has lists for, too. */
static unsigned int relay_order(struct model *m)
{
	unsigned int order = m->tp.config.pageblock_order;
	struct pb_pcp_stat depot;

	if (pb_pcp_stats(&m->tp.pool, 0, m->tp.config.nr_cpus, &depot) != PB_OK && m->op->b & 12)
		order = m->op->b >> 4 & 3;
	else if (order > 5 && m->op->b & 3)
		order = m->op->b & 1 ? 5 : order - 1;
	return order < m->tp.config.max_order ? order : m->tp.config.max_order;
}

/* One CPU frees what another allocates, so often that the lists' batches are at their longest, and
   that blocks go by the depot. */
static void op_relay(struct model *m)
{
	uint32_t cpus = m->tp.config.nr_cpus, taker = m->op->cpu % cpus;
	struct request rq = { m->op->gfp & ~PB_GFP_THISNODE, relay_order(m), 0, UINT64_MAX };

	for (unsigned int round = 0; round < 20; round++) {
		struct pb_page *pages[BULK_MAX];
		size_t got;

		model_set_cpu(taker);
		got = pb_alloc_pages_bulk(&m->tp.pool, rq.gfp, rq.order, 1 + m->op->a % BULK_MAX,
					  pages);
		for (size_t i = 0; i < got; i++)
			accept(m, pages[i], &rq);
		model_set_cpu((taker + 1) % cpus);
		for (size_t i = 0; i < got; i++) {
			disown(m, (uint32_t)pb_page_to_pfn(&m->tp.pool, pages[i]));
			check(m, pb_free_pages(&m->tp.pool, pages[i], rq.order) == PB_OK, "relay");
		}
	}
}

static void (*const operations[NR_OPS])(struct model *m) = {
	[OP_ALLOC] = op_alloc,
	[OP_ALLOC_ON] = op_alloc_on,
	[OP_BULK] = op_bulk,
	[OP_EXACT] = op_exact,
	[OP_CONTIG] = op_contig,
	[OP_CLAIM] = op_claim,
	[OP_FREE] = op_free,
	[OP_FREE_BULK] = op_free_bulk,
	[OP_FREE_EXACT] = op_free_exact,
	[OP_SPLIT] = op_split,
	[OP_GET] = op_get,
	[OP_PUT] = op_free,
	[OP_MOVABLE] = op_movable,
	[OP_RESERVE] = op_hotplug,
	[OP_ONLINE] = op_hotplug,
	[OP_OFFLINE] = op_hotplug,
	[OP_DRAIN] = op_tune,
	[OP_TICK] = op_tune,
	[OP_SET_PCP] = op_tune,
	[OP_MARKS] = op_tune,
	[OP_MISUSE] = op_misuse,
	[OP_COMPACT] = op_tune,
	[OP_RELAY] = op_relay,
	[OP_GROW] = op_grow,
	[OP_REMOVE] = op_remove,
	[OP_RECOVER] = op_recover,
};

static void give_everything_back(struct model *m)
{
	uint32_t pfn;

	while ((pfn = nth_owned(m, 0)) != UINT32_MAX)
		free_one(m, pfn, false);
	pb_drain(&m->tp.pool, -1);
	compare(m);
}

void model_run(const struct model_config *config, const struct op *ops, size_t n)
{
	static const struct op last = { .kind = NR_OPS };
	static struct model m;

	model_init(&m, config);
	for (m.number = 0; m.number < n; m.number++) {
		m.op = &ops[m.number];
		model_set_cpu(m.op->cpu);
		operations[m.op->kind](&m);
		check(&m, m.tp.misuse_calls == 0, "misuse reported: %s", m.tp.misuse_text);
		compare(&m);
	}
	m.op = &last;
	give_everything_back(&m);
	model_set_cpu(0);
	tp_drop(&m.tp);
}
