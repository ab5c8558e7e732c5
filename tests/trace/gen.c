/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gen.h"

/* Tasks may call themselves anything; the kernel keeps 15 bytes. */
static const char *const comms[] = {
	"dd",           "bash",       "kworker/0:1",  "Web Content",     "a-1 [000] x",
	"[khugepaged]", "<idle>",     "x:y: z",       "pool-1-thread-2", "(sd-pam)",
	"-dash-",       "[003] 1.0:", "1234567890 1",
};

/* Values that each of the three tables prints and reads back. */
static const uint32_t gfps[] = {
	0,        0xcc0,    0xdc0,   0x100cca, 0x400cc0, 0xc40,    0x152c4a,
	0x1c20ca, 0x1c24ca, 0x40cc0, 0xc00,    0x100dca, 0x500cc2, 0x2cc0,
};

struct gen gen_new(uint64_t seed)
{
	return (struct gen){ .random = seed * 2 + 1,
			     .time = 1000000000,
			     .cpus = 4,
			     .pfns = 1u << 20 };
}

uint64_t gen_random(struct gen *gen, uint64_t limit)
{
	uint64_t x;

	gen->random = gen->random * 6364136223846793005u + 1442695040888963407u;
	x = gen->random ^ gen->random >> 33;
	x *= 0xff51afd7ed558ccdu;
	return (x ^ x >> 33) % limit;
}

static void gen_extfrag(struct gen *gen, struct pb_event *event)
{
	event->fallback_order = (uint8_t)(event->order + gen_random(gen, 11u - event->order));
	event->fallback_migratetype = (int8_t)gen_random(gen, 4);
	event->change_ownership = (uint8_t)gen_random(gen, 2);
	event->pageblock_order = 9;
}

void gen_event(struct gen *gen, struct pb_event *event)
{
	static const uint8_t types[] = {
		PB_EV_ALLOC,      PB_EV_ALLOC,        PB_EV_ALLOC,        PB_EV_FREE,
		PB_EV_FREE,       PB_EV_FREE_BATCHED, PB_EV_FREE_BATCHED, PB_EV_ZONE_LOCKED,
		PB_EV_PCPU_DRAIN, PB_EV_EXTFRAG,      PB_EV_COMPACT_FREE, PB_EV_MARK,
	};

	memset(event, 0, sizeof(*event));
	gen->time += gen_random(gen, 3) * 1000;
	event->time = gen->time;
	event->type = types[gen_random(gen, sizeof(types))];
	event->cpu = (uint16_t)gen_random(gen, gen->cpus);
	event->pid = (int32_t)gen_random(gen, 100000);
	strcpy(event->comm, comms[gen_random(gen, sizeof(comms) / sizeof(comms[0]))]);
	if (event->type == PB_EV_MARK) {
		snprintf(event->mark, sizeof(event->mark), "pagebuddy: %s-%d [000] 1.5: mark",
			 event->comm, event->pid);
		return;
	}
	event->pfn = 1 + gen_random(gen, gen->pfns - 1);
	if (event->type == PB_EV_COMPACT_FREE) {
		event->end_pfn = event->pfn + 512;
		event->count = gen_random(gen, 512);
		return;
	}
	if (event->type != PB_EV_FREE_BATCHED)
		event->order = (uint8_t)gen_random(gen, 11);
	if (event->type != PB_EV_FREE && event->type != PB_EV_FREE_BATCHED)
		event->migratetype = (int8_t)gen_random(gen, 3);
	if (event->type == PB_EV_ZONE_LOCKED)
		event->percpu_refill = (uint8_t)gen_random(gen, 2);
	if (event->type == PB_EV_EXTFRAG)
		gen_extfrag(gen, event);
	if (event->type != PB_EV_ALLOC)
		return;
	event->gfp = gfps[gen_random(gen, sizeof(gfps) / sizeof(gfps[0]))];
	if (gen_random(gen, 20) == 0)
		event->pfn = PB_NO_PFN;
}

enum pb_gfp_table gen_table(enum gen_format format)
{
	return format == GEN_5_4 ? PB_GFP_5_4 : PB_GFP_6_1;
}

static size_t page_text(enum gen_format format, const struct pb_event *event, char *text,
			size_t size)
{
	uint64_t pfn = event->pfn == PB_NO_PFN ? 0 : event->pfn;
	uint64_t page = event->pfn == PB_NO_PFN ? 0 : 0xffffea0000000000u + 64 * pfn;
	int n;

	if (format == GEN_PERF)
		n = snprintf(text, size,
			     pfn ? "page=0x%" PRIx64 " pfn=0x%" PRIx64 : "page=(nil) pfn=0x0", pfn,
			     pfn);
	else if (format == GEN_5_4 && event->pfn == PB_NO_PFN)
		n = snprintf(text, size, "page=          (null) pfn=0");
	else if (format == GEN_5_4)
		n = snprintf(text, size, "page=%016" PRIx64 " pfn=%" PRIu64, page, pfn);
	else
		n = snprintf(text, size, "page=%016" PRIx64 " pfn=0x%" PRIx64, page, pfn);
	return (size_t)n;
}

static int fields(enum gen_format format, const struct pb_event *e, char *text, size_t size)
{
	char page[80], gfp[240];

	page_text(format, e, page, sizeof(page));
	switch (e->type) {
	case PB_EV_ALLOC:
		pb_gfp_format(e->gfp, gen_table(format), gfp, sizeof(gfp));
		return snprintf(text, size, "%s order=%d migratetype=%d gfp_flags=%s", page,
				e->order, e->migratetype, gfp);
	case PB_EV_FREE:
	case PB_EV_FREE_BATCHED:
		return snprintf(text, size, "%s order=%d", page, e->order);
	case PB_EV_ZONE_LOCKED:
		return snprintf(text, size, "%s order=%u migratetype=%d percpu_refill=%d", page,
				e->order, e->migratetype, e->percpu_refill);
	case PB_EV_PCPU_DRAIN:
		return snprintf(text, size, "%s order=%d migratetype=%d", page, e->order,
				e->migratetype);
	case PB_EV_EXTFRAG:
		return snprintf(text, size,
				"%s alloc_order=%d fallback_order=%d pageblock_order=%d "
				"alloc_migratetype=%d fallback_migratetype=%d fragmenting=%d "
				"change_ownership=%d",
				page, e->order, e->fallback_order, e->pageblock_order,
				e->migratetype, e->fallback_migratetype,
				e->fallback_order < e->pageblock_order, e->change_ownership);
	case PB_EV_COMPACT_FREE:
		return snprintf(text, size,
				"range=(0x%" PRIx64 " ~ 0x%" PRIx64
				") nr_scanned=512 nr_taken=%" PRIu64,
				e->pfn, e->end_pfn, e->count);
	default:
		return snprintf(text, size, "%s", e->mark);
	}
}

size_t gen_line(enum gen_format format, const struct pb_event *e, char *line, size_t size)
{
	static const char *const systems[PB_NR_EVENT_TYPES] = { [PB_EV_COMPACT_FREE] = "compaction",
								[PB_EV_MARK] = "ftrace" };
	uint64_t s = e->time / 1000000000, us = e->time / 1000 % 1000000;
	const char *name = pb_event_name(e->type);
	char text[400];
	int n;

	fields(format, e, text, sizeof(text));
	switch (format) {
	case GEN_5_4:
		n = snprintf(line, size,
			     "%16s-%-5d [%03d] d.h1 %5" PRIu64 ".%06" PRIu64 ": %s: %s\n", e->comm,
			     e->pid, e->cpu, s, us, name, text);
		break;
	case GEN_NO_FLAGS:
		n = snprintf(line, size, "%16s-%-7d [%03d] %5" PRIu64 ".%06" PRIu64 ": %s: %s\n",
			     e->comm, e->pid, e->cpu, s, us, name, text);
		break;
	case GEN_TGID:
		n = snprintf(line, size,
			     "%16s-%-7d (%7d) [%03d] d..3. %5" PRIu64 ".%06" PRIu64 ": %s: %s\n",
			     e->comm, e->pid, e->pid, e->cpu, s, us, name, text);
		break;
	case GEN_PERF:
		n = snprintf(line, size,
			     "%16s %5d [%03d] %5" PRIu64 ".%06" PRIu64 ": %16s:%s: %s\n", e->comm,
			     e->pid, e->cpu, s, us, systems[e->type] ? systems[e->type] : "kmem",
			     name, text);
		break;
	default:
		n = snprintf(line, size,
			     "%16s-%-7d [%03d] d..3. %5" PRIu64 ".%06" PRIu64 ": %s: %s\n", e->comm,
			     e->pid, e->cpu, s, us, name, text);
		break;
	}
	return (size_t)n < size ? (size_t)n : size - 1;
}
