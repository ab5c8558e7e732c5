/* SPDX-License-Identifier: MIT */
#include "alloc/gfp.h"

#include "base/text.h"
#include "zone/zone.h"

/* The highest zone type by the zone modifiers of the flags (spec 4.3); -1: they contradict. */
static const signed char zone_table[16] = {
	[0] = PB_ZONE_NORMAL,
	[PB_GFP_DMA] = PB_ZONE_DMA,
	[PB_GFP_HIGHMEM] = PB_ZONE_HIGHMEM,
	[PB_GFP_DMA32] = PB_ZONE_DMA32,
	[PB_GFP_MOVABLE] = PB_ZONE_NORMAL,
	[PB_GFP_MOVABLE | PB_GFP_DMA] = PB_ZONE_DMA,
	[PB_GFP_MOVABLE | PB_GFP_HIGHMEM] = PB_ZONE_MOVABLE,
	[PB_GFP_MOVABLE | PB_GFP_DMA32] = PB_ZONE_DMA32,
	[3] = -1,
	[5] = -1,
	[6] = -1,
	[7] = -1,
	[11] = -1,
	[13] = -1,
	[14] = -1,
	[15] = -1,
};

int gfp_zone(const struct pb_pool *pool, pb_gfp_t gfp)
{
	int zone = zone_table[gfp & 15];
	u32 types = pool->super->zone_types;

	if (!PB_WITH_ZONES)
		return zone < 0 ? zone : PB_ZONE_NORMAL;
	if (zone == PB_ZONE_MOVABLE && !(types >> PB_ZONE_MOVABLE & 1))
		zone = PB_ZONE_HIGHMEM;
	if (zone >= 0 && !(types >> zone & 1))
		zone = PB_ZONE_NORMAL;
	return zone;
}

int gfp_migratetype(const struct pb_pool *pool, pb_gfp_t gfp)
{
	unsigned int type = (gfp & (PB_GFP_RECLAIMABLE | PB_GFP_MOVABLE)) >> 3;

	if (type >= PB_MIGRATE_PCPTYPES)
		return -1;
	return has_mobility(pool) ? (int)type : PB_MIGRATE_UNMOVABLE;
}

unsigned int alloc_harder(const struct pb_pool *pool, pb_gfp_t gfp)
{
	return wmark_harder(&policy(pool)->urgency, gfp);
}

/*
 * Spec 4.6 as of 6.18, which 6.1's stable releases follow, or of another kernel
 * (linux-observed, W3, W4). The modern profile's rules are 6.1's.
 */
unsigned int gfp_to_alloc_flags(const struct pb_pool *pool, pb_gfp_t gfp, unsigned int order)
{
	const struct wmark_urgency *urgency = &policy(pool)->urgency;
	unsigned int flags = PB_WMARK_MIN | wmark_flags(urgency, gfp, order);

	if (gfp & PB_GFP_KSWAPD_RECLAIM)
		flags |= ALLOC_KSWAPD;
	if (gfp_migratetype(pool, gfp) == PB_MIGRATE_MOVABLE)
		flags |= ALLOC_CMA;
	return flags;
}

/* Names in the order in which they are matched: combinations before their bits (spec 13.6). */
static const struct {
	pb_gfp_t bits;
	const char *name;
} names[] = {
	{ PB_GFP_TRANSHUGE, "GFP_TRANSHUGE" },
	{ PB_GFP_TRANSHUGE_LIGHT, "GFP_TRANSHUGE_LIGHT" },
	{ PB_GFP_HIGHUSER_MOVABLE, "GFP_HIGHUSER_MOVABLE" },
	{ PB_GFP_HIGHUSER, "GFP_HIGHUSER" },
	{ PB_GFP_USER, "GFP_USER" },
	{ PB_GFP_KERNEL_ACCOUNT, "GFP_KERNEL_ACCOUNT" },
	{ PB_GFP_KERNEL, "GFP_KERNEL" },
	{ PB_GFP_NOFS, "GFP_NOFS" },
	{ PB_GFP_ATOMIC, "GFP_ATOMIC" },
	{ PB_GFP_NOIO, "GFP_NOIO" },
	{ PB_GFP_NOWAIT, "GFP_NOWAIT" },
	{ PB_GFP_DMA, "GFP_DMA" },
	{ PB_GFP_HIGHMEM, "__GFP_HIGHMEM" },
	{ PB_GFP_DMA32, "GFP_DMA32" },
	{ PB_GFP_HIGH, "__GFP_HIGH" },
	{ PB_GFP_ATOMIC_BIT, "__GFP_ATOMIC" },
	{ PB_GFP_IO, "__GFP_IO" },
	{ PB_GFP_FS, "__GFP_FS" },
	{ PB_GFP_NOWARN, "__GFP_NOWARN" },
	{ PB_GFP_RETRY_MAYFAIL, "__GFP_RETRY_MAYFAIL" },
	{ PB_GFP_NOFAIL, "__GFP_NOFAIL" },
	{ PB_GFP_NORETRY, "__GFP_NORETRY" },
	{ PB_GFP_COMP, "__GFP_COMP" },
	{ PB_GFP_ZERO, "__GFP_ZERO" },
	{ PB_GFP_NOMEMALLOC, "__GFP_NOMEMALLOC" },
	{ PB_GFP_MEMALLOC, "__GFP_MEMALLOC" },
	{ PB_GFP_HARDWALL, "__GFP_HARDWALL" },
	{ PB_GFP_THISNODE, "__GFP_THISNODE" },
	{ PB_GFP_RECLAIMABLE, "__GFP_RECLAIMABLE" },
	{ PB_GFP_MOVABLE, "__GFP_MOVABLE" },
	{ PB_GFP_ACCOUNT, "__GFP_ACCOUNT" },
	{ PB_GFP_WRITE, "__GFP_WRITE" },
	{ PB_GFP_RECLAIM, "__GFP_RECLAIM" },
	{ PB_GFP_DIRECT_RECLAIM, "__GFP_DIRECT_RECLAIM" },
	{ PB_GFP_KSWAPD_RECLAIM, "__GFP_KSWAPD_RECLAIM" },
};

size_t pb_gfp_name(pb_gfp_t gfp, char *buffer, size_t size)
{
	struct text text = { buffer, size, 0 };

	if (!gfp)
		text_str(&text, "none");
	for (size_t i = 0; PB_WITH_TEXTS && i < sizeof(names) / sizeof(names[0]) && gfp; i++) {
		if ((gfp & names[i].bits) != names[i].bits)
			continue;
		if (text.length)
			text_char(&text, '|');
		text_str(&text, names[i].name);
		gfp &= ~names[i].bits;
	}
	if (gfp) {
		if (text.length)
			text_char(&text, '|');
		text_hex(&text, gfp);
	}
	return text.length;
}
