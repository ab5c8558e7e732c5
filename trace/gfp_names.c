/* SPDX-License-Identifier: MIT */
/*
 * gfp names and numbers of three kernels (spec 4.1, 4.2, 13.6). A kernel prints
 * by walking its table: a name is printed when all its bits are still left,
 *
 *	0x102dc0 by 6.1:  GFP_USER 0x100cc0, left 0x2100; __GFP_NOWARN 0x2000,
 *	                  left 0x100; __GFP_ZERO  ->  GFP_USER|__GFP_NOWARN|__GFP_ZERO
 *
 * so the order of a table is part of it. Values of 6.1 and 6.18 are those that
 * the kernels themselves publish in tracefs (events/kmem/mm_page_alloc/format).
 */
#include <stdio.h>
#include <string.h>

#include "gfp_names.h"

struct name {
	const char *text;
	uint32_t bits;
};

/* What every table begins with. */
#define HEAD(atomic, nowait)                                                              \
	{ "GFP_TRANSHUGE", 0x1c24ca }, { "GFP_TRANSHUGE_LIGHT", 0x1c20ca },               \
		{ "GFP_HIGHUSER_MOVABLE", 0x100cca }, { "GFP_HIGHUSER", 0x100cc2 },       \
		{ "GFP_USER", 0x100cc0 }, { "GFP_KERNEL_ACCOUNT", 0x400cc0 },             \
		{ "GFP_KERNEL", 0xcc0 }, { "GFP_NOFS", 0xc40 }, { "GFP_ATOMIC", atomic }, \
		{ "GFP_NOIO", 0xc00 }, { "GFP_NOWAIT", nowait },                          \
	{                                                                                 \
		"GFP_DMA", 0x1                                                            \
	}

#define MIDDLE                                                                         \
	{ "__GFP_HIGHMEM", 0x2 }, { "GFP_DMA32", 0x4 }, { "__GFP_HIGH", 0x20 },        \
		{ "__GFP_ATOMIC", 0x200 }, { "__GFP_IO", 0x40 }, { "__GFP_FS", 0x80 }, \
		{ "__GFP_NOWARN", 0x2000 }, { "__GFP_RETRY_MAYFAIL", 0x4000 },         \
		{ "__GFP_NOFAIL", 0x8000 }, { "__GFP_NORETRY", 0x10000 },              \
		{ "__GFP_COMP", 0x40000 }, { "__GFP_ZERO", 0x100 },                    \
		{ "__GFP_NOMEMALLOC", 0x80000 }, { "__GFP_MEMALLOC", 0x20000 },        \
		{ "__GFP_HARDWALL", 0x100000 }, { "__GFP_THISNODE", 0x200000 },        \
		{ "__GFP_RECLAIMABLE", 0x10 }, { "__GFP_MOVABLE", 0x8 },               \
		{ "__GFP_ACCOUNT", 0x400000 }, { "__GFP_WRITE", 0x1000 },              \
		{ "__GFP_RECLAIM", 0xc00 }, { "__GFP_DIRECT_RECLAIM", 0x400 },         \
	{                                                                              \
		"__GFP_KSWAPD_RECLAIM", 0x800                                          \
	}

/* Bits whose number depends on the kernel's configuration: known by name only. */
#define CONFIGURED                                                                     \
	{ "__GFP_NOLOCKDEP", 0 }, { "__GFP_SKIP_ZERO", 0 }, { "__GFP_SKIP_KASAN", 0 }, \
		{ "__GFP_SKIP_KASAN_POISON", 0 },                                      \
	{                                                                              \
		"__GFP_SKIP_KASAN_UNPOISON", 0                                         \
	}

static const struct name table_5_4[] = { HEAD(0xa20, 0x800), MIDDLE, CONFIGURED, { NULL, 0 } };

static const struct name table_6_1[] = { HEAD(0xa20, 0x800),
					 MIDDLE,
					 { "__GFP_ZEROTAGS", 0x800000 },
					 CONFIGURED,
					 { NULL, 0 } };

static const struct name table_6_18[] = { HEAD(0x820, 0x2800),
					  { "GFP_DMA32", 0x4 },
					  { "__GFP_RECLAIM", 0xc00 },
					  { "__GFP_DMA", 0x1 },
					  { "__GFP_HIGHMEM", 0x2 },
					  { "__GFP_DMA32", 0x4 },
					  { "__GFP_MOVABLE", 0x8 },
					  { "__GFP_RECLAIMABLE", 0x10 },
					  { "__GFP_HIGH", 0x20 },
					  { "__GFP_IO", 0x40 },
					  { "__GFP_FS", 0x80 },
					  { "__GFP_ZERO", 0x100 },
					  { "__GFP_DIRECT_RECLAIM", 0x400 },
					  { "__GFP_KSWAPD_RECLAIM", 0x800 },
					  { "__GFP_WRITE", 0x1000 },
					  { "__GFP_NOWARN", 0x2000 },
					  { "__GFP_RETRY_MAYFAIL", 0x4000 },
					  { "__GFP_NOFAIL", 0x8000 },
					  { "__GFP_NORETRY", 0x10000 },
					  { "__GFP_MEMALLOC", 0x20000 },
					  { "__GFP_COMP", 0x40000 },
					  { "__GFP_NOMEMALLOC", 0x80000 },
					  { "__GFP_HARDWALL", 0x100000 },
					  { "__GFP_THISNODE", 0x200000 },
					  { "__GFP_ACCOUNT", 0x400000 },
					  { "__GFP_ZEROTAGS", 0x800000 },
					  { "__GFP_NO_OBJ_EXT", 0x1000000 },
					  CONFIGURED,
					  { NULL, 0 } };

static const struct name *table_of(enum pb_gfp_table table)
{
	switch (table) {
	case PB_GFP_5_4:
		return table_5_4;
	case PB_GFP_6_18:
		return table_6_18;
	default:
		return table_6_1;
	}
}

/* Leftover bits: "0x1000000". */
static bool parse_hex(const char *text, size_t len, uint32_t *bits)
{
	uint32_t value = 0;

	if (len < 3 || len > 10 || text[0] != '0' || text[1] != 'x')
		return false;
	for (size_t i = 2; i < len; i++) {
		char c = text[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	*bits = value;
	return true;
}

static bool parse_name(const struct name *names, const char *text, size_t len, uint32_t *bits)
{
	for (; names->text; names++)
		if (strlen(names->text) == len && memcmp(names->text, text, len) == 0) {
			*bits = names->bits;
			return true;
		}
	return parse_hex(text, len, bits);
}

bool pb_gfp_parse(const char *text, size_t len, enum pb_gfp_table table, uint32_t *gfp)
{
	const struct name *names = table_of(table);
	const char *end = text + len;
	uint32_t value = 0, bits;

	*gfp = 0;
	if (len == 4 && memcmp(text, "none", 4) == 0)
		return true;
	for (;;) {
		const char *bar = memchr(text, '|', (size_t)(end - text));
		const char *stop = bar ? bar : end;

		if (stop == text || !parse_name(names, text, (size_t)(stop - text), &bits))
			return false;
		value |= bits;
		if (!bar)
			break;
		text = bar + 1;
	}
	*gfp = value;
	return true;
}

/* Append like snprintf() would: count all, write what fits. */
static size_t append(char *buffer, size_t size, size_t at, const char *text)
{
	size_t len = strlen(text);

	if (at < size) {
		size_t room = size - at - 1;

		memcpy(buffer + at, text, len < room ? len : room);
		buffer[at + (len < room ? len : room)] = '\0';
	}
	return at + len;
}

size_t pb_gfp_format(uint32_t gfp, enum pb_gfp_table table, char *buffer, size_t size)
{
	size_t at = 0;
	char hex[12];

	if (size)
		buffer[0] = '\0';
	if (gfp == 0)
		return append(buffer, size, 0, "none");
	for (const struct name *name = table_of(table); name->text && gfp; name++) {
		if (name->bits == 0 || (gfp & name->bits) != name->bits)
			continue;
		at = append(buffer, size, at, at ? "|" : "");
		at = append(buffer, size, at, name->text);
		gfp &= ~name->bits;
	}
	if (gfp) {
		snprintf(hex, sizeof(hex), "0x%x", gfp);
		at = append(buffer, size, at, at ? "|" : "");
		at = append(buffer, size, at, hex);
	}
	return at;
}

/* ------------------------------------------------------- which table, and fast */

void pb_gfp_init(struct pb_gfp_state *state, enum pb_gfp_table table)
{
	memset(state, 0, sizeof(*state));
	state->fixed = table != PB_GFP_AUTO;
	state->table = state->fixed ? table : PB_GFP_6_1;
}

/* Would a kernel with this table have printed just this text? */
static bool round_trip(enum pb_gfp_table table, const char *text, size_t len)
{
	char buffer[PB_GFP_TEXT];
	uint32_t gfp;

	return pb_gfp_parse(text, len, table, &gfp) &&
	       pb_gfp_format(gfp, table, buffer, sizeof(buffer)) == len &&
	       memcmp(buffer, text, len) == 0;
}

static void choose(struct pb_gfp_state *state, const char *text, size_t len)
{
	bool was_6_1, was_6_18;

	if (state->fixed || len >= PB_GFP_TEXT)
		return;
	was_6_1 = round_trip(PB_GFP_6_1, text, len);
	was_6_18 = round_trip(PB_GFP_6_18, text, len);
	if (was_6_1 == was_6_18)
		return;
	state->table = was_6_1 ? PB_GFP_6_1 : PB_GFP_6_18;
	state->fixed = true;
}

void pb_gfp_decimal_pfn(struct pb_gfp_state *state)
{
	if (state->fixed)
		return;
	state->table = PB_GFP_5_4;
	state->fixed = true;
}

bool pb_gfp_lookup(struct pb_gfp_state *state, const char *text, size_t len, uint32_t *gfp)
{
	uint32_t hash = (uint32_t)len;
	struct pb_gfp_slot *slot;

	for (size_t i = 0; i < len; i++)
		hash = hash * 31 + (unsigned char)text[i];
	slot = &state->slots[hash % PB_GFP_SLOTS];
	if (slot->len == len && memcmp(slot->text, text, len) == 0) {
		*gfp = slot->gfp;
		return true;
	}
	if (!state->fixed) {
		choose(state, text, len);
		if (state->fixed)
			memset(state->slots, 0, sizeof(state->slots));
	}
	if (!pb_gfp_parse(text, len, state->table, gfp))
		return false;
	if (len < PB_GFP_TEXT) {
		memcpy(slot->text, text, len);
		slot->len = (uint16_t)len;
		slot->gfp = *gfp;
	}
	return true;
}
