/* SPDX-License-Identifier: MIT */
/*
 * Any configuration and memory map: refused with one line that names what is
 * wrong, or a pool that passes the full check and hands out each usable frame
 * exactly as often as it should: once.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "support/pool.h"

#define MAX_BYTES (4u << 20)

static void fill_config(struct tp *tp, struct bytes *in)
{
	uint8_t mode = (uint8_t)take(in, 1);

	tp->config.profile = (uint8_t)take(in, 1) & (mode & 1 ? 255 : 1);
	tp->config.max_order = (uint8_t)take(in, 1) % (mode & 2 ? 255 : 12);
	tp->config.pageblock_order = (uint8_t)take(in, 1);
	if (!(mode & 4) && tp->config.pageblock_order > tp->config.max_order)
		tp->config.pageblock_order = tp->config.max_order;
	tp->config.flags = (uint32_t)take(in, mode & 8 ? 4 : 1);
	tp->config.nr_cpus = 1 + (uint32_t)take(in, 1) % 5;
	tp->config.nr_stripes = mode & 16 ? (uint32_t)take(in, 1) : 0;
	tp->config.zone_types = mode & 32 ? (uint32_t)take(in, 1) : 0x1f;
	tp->config.page_shift = mode & 64 ? (uint8_t)take(in, 1) : 12;
	tp->config.min_free_kbytes = mode & 128 ? (int32_t)take(in, 4) : 0;
}

static void fill_regions(struct tp *tp, struct bytes *in)
{
	uint32_t n = (uint32_t)take(in, 1) % TP_REGIONS;
	uint64_t next = 0; /* most maps don't overlap, or little would be accepted */

	for (uint32_t i = 0; i < n; i++) {
		uint8_t mode = (uint8_t)take(in, 1);
		uint64_t start = mode & 1 ? take(in, 8) : next + take(in, 1);

		tp->regions[i] = (struct pb_region){
			.start_pfn = start,
			.end_pfn = mode & 2 ? take(in, 8) : start + take(in, mode & 4 ? 1 : 2),
			.node = (uint8_t)take(in, 1) & (mode & 8 ? 255 : 3),
			.zone = (uint8_t)(mode & 16 ? take(in, 1) : mode >> 5 & 3),
			.kind = (uint8_t)(mode & 64 ? take(in, 1) : mode >> 7),
		};
		if (tp->regions[i].kind == PB_REGION_CMA && !(mode & 1)) { /* else few make sense */
			tp->regions[i].start_pfn &= ~UINT64_C(15);
			tp->regions[i].end_pfn &= ~UINT64_C(15);
		}
		if (tp->regions[i].kind == PB_REGION_USABLE)
			next = tp->regions[i].end_pfn;
		else if (next > 20)
			tp->regions[i].start_pfn -= 20;
	}
	tp->config.nr_regions = n;
	tp->config.regions = tp->regions;
}

/* Usable, and in no reservation. */
static uint64_t frames_wanted(const struct tp *tp)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < tp->config.nr_regions; i++) {
		const struct pb_region *region = &tp->regions[i];

		if (region->kind != PB_REGION_USABLE)
			continue;
		for (uint64_t pfn = region->start_pfn; pfn < region->end_pfn; pfn++) {
			bool reserved = false;

			for (uint32_t k = 0; k < tp->config.nr_regions; k++)
				reserved = reserved || (tp->regions[k].kind == PB_REGION_RESERVED &&
							pfn >= tp->regions[k].start_pfn &&
							pfn < tp->regions[k].end_pfn);
			n += !reserved;
		}
	}
	return n;
}

static void check_refusal(const struct tp *tp, int code)
{
	size_t length = strnlen(tp->error.text, sizeof(tp->error.text));

	tp_require(code < 0 && tp->error.code == code, "code %d, error %d", code, tp->error.code);
	tp_require(length > 0 && length < sizeof(tp->error.text), "no text for code %d", code);
	tp_require(!strchr(tp->error.text, '\n'), "more than one line: %s", tp->error.text);
	if (code == PB_EREGION)
		tp_require(tp->error.region < tp->config.nr_regions ||
				   tp->error.region == UINT32_MAX,
			   "region %u of %u", tp->error.region, tp->config.nr_regions);
}

static void check_pool(struct tp *tp)
{
	struct pb_pool_stat stat;
	uint64_t want = frames_wanted(tp);

	tp_check(tp, "accepted map");
	pb_stats(&tp->pool, &stat);
	if (tp->config.flags & PB_POOL_ALL_RESERVED)
		want = 0;
	tp_require((uint64_t)stat.free == want && stat.managed == want,
		   "%ld free, %lu managed, %lu usable", (long)stat.free,
		   (unsigned long)stat.managed, (unsigned long)want);
	for (unsigned int order = 0; order <= tp->config.max_order; order++) {
		struct pb_page *page = pb_alloc_pages(&tp->pool, PB_GFP_KERNEL | PB_GFP_NOWARN,
						      order);

		if (page)
			pb_free_pages(&tp->pool, page, order);
	}
	tp_require(!tp->misuse_calls, "%s", tp->misuse_text);
	tp_check(tp, "after use");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tp tp;
	struct bytes in = { data, data + size };
	size_t bytes;
	int code;

	tp_start(&tp);
	fill_config(&tp, &in);
	fill_regions(&tp, &in);
	code = pb_pool_size(&tp.config, &bytes, &tp.error);
	if (code) {
		check_refusal(&tp, code);
		return 0;
	}
	if (bytes > MAX_BYTES)
		return 0;
	code = tp_try(&tp);
	if (code)
		check_refusal(&tp, code);
	else
		check_pool(&tp);
	tp_drop(&tp);
	return 0;
}
