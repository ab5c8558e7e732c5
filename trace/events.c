/* SPDX-License-Identifier: MIT */
/* The names of events and of problems. */
#include <string.h>

#include "trace.h"

static const char *const systems[PB_NR_EVENT_TYPES] = {
	[PB_EV_COMPACT_FREE] = "compaction",
	[PB_EV_COMPACT_BEGIN] = "compaction",
	[PB_EV_COMPACT_END] = "compaction",
	[PB_EV_MARK] = "ftrace",
	[PB_EV_STACK] = "ftrace",
	[PB_EV_CACHE_ADD] = "filemap",
	[PB_EV_CACHE_DELETE] = "filemap",
	[PB_EV_ACTIVATE] = "pagemap",
	[PB_EV_KSWAPD_WAKE] = "vmscan",
	[PB_EV_KSWAPD_SLEEP] = "vmscan",
	[PB_EV_RECLAIM_BEGIN] = "vmscan",
	[PB_EV_RECLAIM_END] = "vmscan",
	[PB_EV_COMPACT_MOVED] = "compaction",
	[PB_EV_ZONE] = "pbwatch",
};

static const char *const names[PB_NR_EVENT_TYPES] = {
	[PB_EV_ALLOC] = "mm_page_alloc",
	[PB_EV_FREE] = "mm_page_free",
	[PB_EV_FREE_BATCHED] = "mm_page_free_batched",
	[PB_EV_ZONE_LOCKED] = "mm_page_alloc_zone_locked",
	[PB_EV_PCPU_DRAIN] = "mm_page_pcpu_drain",
	[PB_EV_EXTFRAG] = "mm_page_alloc_extfrag",
	[PB_EV_COMPACT_FREE] = "mm_compaction_isolate_freepages",
	[PB_EV_COMPACT_BEGIN] = "mm_compaction_begin",
	[PB_EV_COMPACT_END] = "mm_compaction_end",
	[PB_EV_MARK] = "tracing_mark_write",
	[PB_EV_STACK] = "kernel_stack",
	[PB_EV_CACHE_ADD] = "mm_filemap_add_to_page_cache",
	[PB_EV_CACHE_DELETE] = "mm_filemap_delete_from_page_cache",
	[PB_EV_ACTIVATE] = "mm_lru_activate",
	[PB_EV_KSWAPD_WAKE] = "mm_vmscan_kswapd_wake",
	[PB_EV_KSWAPD_SLEEP] = "mm_vmscan_kswapd_sleep",
	[PB_EV_RECLAIM_BEGIN] = "mm_vmscan_direct_reclaim_begin",
	[PB_EV_RECLAIM_END] = "mm_vmscan_direct_reclaim_end",
	[PB_EV_COMPACT_MOVED] = "mm_compaction_migratepages",
	[PB_EV_ZONE] = "pb_zone",
};

/* The same events under the names that they had before 3.3. */
static const struct {
	const char *name;
	enum pb_event_type type;
} old_names[] = {
	{ "mm_page_free_direct", PB_EV_FREE },
	{ "mm_pagevec_free", PB_EV_FREE },
};

static const char *const problems[PB_NR_PROBLEMS] = {
	[PB_BAD_MALFORMED] = "malformed",        [PB_BAD_TRUNCATED] = "truncated",
	[PB_BAD_UNORDERED] = "out of order",     [PB_BAD_ORDER] = "order beyond the machine",
	[PB_BAD_PFN] = "pfn beyond the machine", [PB_BAD_BINARY] = "binary",
	[PB_BAD_STREAM] = "damaged compression",
};

const char *pb_event_name(enum pb_event_type type)
{
	return (unsigned int)type < PB_NR_EVENT_TYPES ? names[type] : "?";
}

const char *pb_event_system(enum pb_event_type type)
{
	return (unsigned int)type < PB_NR_EVENT_TYPES && systems[type] ? systems[type] : "kmem";
}

int pb_event_type_find(const char *name, size_t len)
{
	if (len < 3 || (name[0] != 'm' && name[0] != 't' && name[0] != 'p'))
		return -1;
	for (int type = 0; type < PB_NR_EVENT_TYPES; type++)
		if (strlen(names[type]) == len && memcmp(names[type], name, len) == 0)
			return type;
	for (size_t i = 0; i < sizeof(old_names) / sizeof(old_names[0]); i++)
		if (strlen(old_names[i].name) == len && memcmp(old_names[i].name, name, len) == 0)
			return (int)old_names[i].type;
	return -1;
}

const char *pb_problem_name(enum pb_problem kind)
{
	return (unsigned int)kind < PB_NR_PROBLEMS ? problems[kind] : "?";
}
