/* SPDX-License-Identifier: MIT */
/*
 * One table an era: composite names first, as a kernel that prints names tries
 * them; then the single bits. From 5.1 on the tables of gfp_names.c serve.
 */
#include <stdio.h>
#include <string.h>

#include <pagebuddy/pagebuddy.h>

#include "gfp_names.h"
#include "gfp_release.h"
#include "rules/rules.h"

struct flag {
	const char *name;
	uint32_t number;  /* in this era */
	uint32_t meaning; /* PB_GFP_*; 0: none of ours */
};

#define ATOMIC_OLD PB_GFP_HIGH
#define HIGHUSER_MOVABLE PB_GFP_HIGHUSER_MOVABLE

/* The bits whose numbers did not change from 2.6.22 to 5.0. */
#define STEADY                                                                                \
	{ "GFP_DMA", 0x1, PB_GFP_DMA }, { "__GFP_HIGHMEM", 0x2, PB_GFP_HIGHMEM },             \
		{ "GFP_DMA32", 0x4, PB_GFP_DMA32 }, { "__GFP_HIGH", 0x20, PB_GFP_HIGH },      \
		{ "__GFP_IO", 0x40, PB_GFP_IO }, { "__GFP_FS", 0x80, PB_GFP_FS },             \
		{ "__GFP_COLD", 0x100, 0 }, { "__GFP_NOWARN", 0x200, PB_GFP_NOWARN },         \
		{ "__GFP_NOFAIL", 0x800, PB_GFP_NOFAIL },                                     \
		{ "__GFP_NORETRY", 0x1000, PB_GFP_NORETRY },                                  \
		{ "__GFP_COMP", 0x4000, PB_GFP_COMP }, { "__GFP_ZERO", 0x8000, PB_GFP_ZERO }, \
		{ "__GFP_NOMEMALLOC", 0x10000, PB_GFP_NOMEMALLOC },                           \
		{ "__GFP_HARDWALL", 0x20000, PB_GFP_HARDWALL },                               \
	{                                                                                     \
		"__GFP_THISNODE", 0x40000, PB_GFP_THISNODE                                    \
	}

/* Up to 4.3: waiting was one bit. */
#define WAITING                                                                             \
	{ "GFP_USER", 0x200d0, PB_GFP_USER }, { "GFP_KERNEL", 0xd0, PB_GFP_KERNEL },        \
		{ "GFP_NOFS", 0x50, PB_GFP_NOFS }, { "GFP_NOIO", 0x10, PB_GFP_NOIO },       \
		{ "GFP_ATOMIC", 0x20, ATOMIC_OLD }, { "__GFP_WAIT", 0x10, PB_GFP_RECLAIM }, \
	{                                                                                   \
		"__GFP_REPEAT", 0x400, PB_GFP_RETRY_MAYFAIL                                 \
	}

static const struct flag until_2_6_22[] = {
	{ "GFP_HIGHUSER", 0x200d2, PB_GFP_HIGHUSER },
	WAITING,
	STEADY,
	{ "__GFP_NO_GROW", 0x2000, 0 },
	{ NULL, 0, 0 },
};

static const struct flag until_2_6_30[] = {
	{ "GFP_HIGHUSER_MOVABLE", 0x1200d2, HIGHUSER_MOVABLE },
	{ "GFP_HIGHUSER", 0x200d2, PB_GFP_HIGHUSER },
	WAITING,
	STEADY,
	{ "__GFP_RECLAIMABLE", 0x80000, PB_GFP_RECLAIMABLE },
	{ "__GFP_MOVABLE", 0x100000, PB_GFP_MOVABLE },
	{ NULL, 0, 0 },
};

static const struct flag until_4_3[] = {
	{ "GFP_HIGHUSER_MOVABLE", 0x200da, HIGHUSER_MOVABLE },
	{ "GFP_HIGHUSER", 0x200d2, PB_GFP_HIGHUSER },
	WAITING,
	STEADY,
	{ "__GFP_MOVABLE", 0x8, PB_GFP_MOVABLE },
	{ "__GFP_MEMALLOC", 0x2000, PB_GFP_MEMALLOC },
	{ "__GFP_RECLAIMABLE", 0x80000, PB_GFP_RECLAIMABLE },
	{ "__GFP_NOACCOUNT", 0x100000, 0 },
	{ "__GFP_NOTRACK", 0x200000, 0 },
	{ "__GFP_NO_KSWAPD", 0x400000, 0 },
	{ "__GFP_OTHER_NODE", 0x800000, 0 },
	{ "__GFP_WRITE", 0x1000000, PB_GFP_WRITE },
	{ NULL, 0, 0 },
};

/* 4.4 to 5.0: direct and background reclaim are bits of their own, and move. */
#define RECLAIMING(direct, kswapd)                                                               \
	{ "GFP_HIGHUSER_MOVABLE", (direct) | (kswapd) | 0x200ca, HIGHUSER_MOVABLE },             \
		{ "GFP_HIGHUSER", (direct) | (kswapd) | 0x200c2, PB_GFP_HIGHUSER },              \
		{ "GFP_USER", (direct) | (kswapd) | 0x200c0, PB_GFP_USER },                      \
		{ "GFP_KERNEL_ACCOUNT", (direct) | (kswapd) | 0x1000c0, PB_GFP_KERNEL_ACCOUNT }, \
		{ "GFP_KERNEL", (direct) | (kswapd) | 0xc0, PB_GFP_KERNEL },                     \
		{ "GFP_NOFS", (direct) | (kswapd) | 0x40, PB_GFP_NOFS },                         \
		{ "GFP_ATOMIC", (kswapd) | 0x80020, PB_GFP_ATOMIC },                             \
		{ "GFP_NOIO", (direct) | (kswapd), PB_GFP_NOIO },                                \
		{ "GFP_NOWAIT", kswapd, PB_GFP_NOWAIT }, STEADY,                                 \
		{ "__GFP_MOVABLE", 0x8, PB_GFP_MOVABLE },                                        \
		{ "__GFP_RECLAIMABLE", 0x10, PB_GFP_RECLAIMABLE },                               \
		{ "__GFP_MEMALLOC", 0x2000, PB_GFP_MEMALLOC },                                   \
		{ "__GFP_ATOMIC", 0x80000, PB_GFP_ATOMIC_BIT },                                  \
		{ "__GFP_ACCOUNT", 0x100000, PB_GFP_ACCOUNT },                                   \
		{ "__GFP_DIRECT_RECLAIM", direct, PB_GFP_DIRECT_RECLAIM },                       \
	{                                                                                        \
		"__GFP_KSWAPD_RECLAIM", kswapd, PB_GFP_KSWAPD_RECLAIM                            \
	}

static const struct flag until_4_9[] = {
	RECLAIMING(0x400000, 0x2000000),
	{ "__GFP_REPEAT", 0x400, PB_GFP_RETRY_MAYFAIL },
	{ "__GFP_NOTRACK", 0x200000, 0 },
	{ "__GFP_OTHER_NODE", 0x800000, 0 },
	{ "__GFP_WRITE", 0x1000000, PB_GFP_WRITE },
	{ NULL, 0, 0 },
};

static const struct flag until_4_17[] = {
	RECLAIMING(0x400000, 0x1000000),
	{ "__GFP_RETRY_MAYFAIL", 0x400, PB_GFP_RETRY_MAYFAIL },
	{ "__GFP_NOTRACK", 0x200000, 0 },
	{ "__GFP_WRITE", 0x800000, PB_GFP_WRITE },
	{ NULL, 0, 0 },
};

static const struct flag until_5_0[] = {
	RECLAIMING(0x200000, 0x400000),
	{ "__GFP_RETRY_MAYFAIL", 0x400, PB_GFP_RETRY_MAYFAIL },
	{ "__GFP_WRITE", 0x800000, PB_GFP_WRITE },
	{ NULL, 0, 0 },
};

/* Names that are in no table above, or only under another name. */
static const struct flag other_names[] = {
	{ "GFP_TRANSHUGE", 0, PB_GFP_TRANSHUGE },
	{ "GFP_TRANSHUGE_LIGHT", 0, PB_GFP_TRANSHUGE_LIGHT },
	{ "GFP_TEMPORARY", 0, PB_GFP_KERNEL | PB_GFP_RECLAIMABLE },
	{ "GFP_NOWAIT", 0, PB_GFP_NOWAIT },
	{ "GFP_KERNEL_ACCOUNT", 0, PB_GFP_KERNEL_ACCOUNT },
	{ "__GFP_RECLAIM", 0, PB_GFP_RECLAIM },
	{ "__GFP_DMA", 0, PB_GFP_DMA },
	{ "__GFP_DMA32", 0, PB_GFP_DMA32 },
	{ "__GFP_KMEMCG", 0, 0 },
	{ "__GFP_NOLOCKDEP", 0, 0 },
	{ "__GFP_ZEROTAGS", 0, 0 },
	{ "__GFP_SKIP_ZERO", 0, 0 },
	{ "__GFP_SKIP_KASAN", 0, 0 },
	{ "__GFP_SKIP_KASAN_POISON", 0, 0 },
	{ "__GFP_SKIP_KASAN_UNPOISON", 0, 0 },
	{ "__GFP_NO_OBJ_EXT", 0, 0 },
	{ NULL, 0, 0 },
};

static const struct {
	uint32_t before; /* release */
	const struct flag *flags;
} eras[] = {
	{ PB_RELEASE(2, 6, 23), until_2_6_22 }, { PB_RELEASE(2, 6, 31), until_2_6_30 },
	{ PB_RELEASE(4, 4, 0), until_4_3 },     { PB_RELEASE(4, 10, 0), until_4_9 },
	{ PB_RELEASE(4, 18, 0), until_4_17 },   { PB_RELEASE(5, 1, 0), until_5_0 },
};

#define NR_ERAS (sizeof(eras) / sizeof(eras[0]))

/* NULL: from 5.1 on, where the library's own numbers hold. */
static const struct flag *flags_of(uint32_t release)
{
	for (size_t i = 0; i < NR_ERAS; i++)
		if (release < eras[i].before)
			return eras[i].flags;
	return NULL;
}

static bool is_single(uint32_t number)
{
	return number && !(number & (number - 1));
}

uint32_t pb_gfp_of_number(uint32_t number, uint32_t release)
{
	const struct flag *flag = flags_of(release);
	uint32_t gfp = 0;

	if (!flag)
		return number;
	for (; flag->name; flag++)
		if (is_single(flag->number) && (number & flag->number))
			gfp |= flag->meaning;
	return gfp;
}

static const struct flag *find(const struct flag *flags, const char *name, size_t len)
{
	for (; flags->name; flags++)
		if (strlen(flags->name) == len && !memcmp(flags->name, name, len))
			return flags;
	return NULL;
}

bool pb_gfp_of_name(const char *name, size_t len, uint32_t release, uint32_t *gfp)
{
	enum pb_gfp_table table = release < PB_RELEASE(6, 3, 0) ? PB_GFP_6_1 : PB_GFP_6_18;
	const struct flag *flags = flags_of(release), *flag;

	*gfp = 0;
	flag = flags ? find(flags, name, len) : NULL;
	if (!flag && !flags && pb_gfp_parse(name, len, table, gfp))
		return true;
	if (!flag)
		flag = find(other_names, name, len);
	/* the name of another time: a backport, or a wrong --kernel */
	for (size_t i = NR_ERAS; !flag && i-- > 0;)
		flag = find(eras[i].flags, name, len);
	if (flag)
		*gfp = flag->meaning;
	return flag || pb_gfp_parse(name, len, PB_GFP_6_18, gfp);
}

size_t pb_gfp_release_names(uint32_t number, uint32_t release, char *buffer, size_t size)
{
	const struct flag *flag = flags_of(release);
	size_t at = 0;

	if (!flag)
		return pb_gfp_format(number,
				     release < PB_RELEASE(5, 5, 0)   ? PB_GFP_5_4
				     : release < PB_RELEASE(6, 3, 0) ? PB_GFP_6_1
								     : PB_GFP_6_18,
				     buffer, size);
	if (size)
		buffer[0] = '\0';
	for (; flag->name; flag++) {
		if ((number & flag->number) != flag->number)
			continue;
		at += (size_t)snprintf(at < size ? buffer + at : NULL, at < size ? size - at : 0,
				       "%s%s", at ? "|" : "", flag->name);
		number &= ~flag->number;
	}
	if (number || !at)
		at += (size_t)snprintf(at < size ? buffer + at : NULL, at < size ? size - at : 0,
				       "%s0x%x", at ? "|" : "", number);
	return at;
}
