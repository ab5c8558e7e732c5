/* SPDX-License-Identifier: MIT */
/* The texts of /proc: each input through every parser, most of which refuse it. */
#include <stdlib.h>
#include <string.h>

#include "procfs.h"
#include "readers.h"

static char error[300];

/* A refusal has a line, a success has none. */
static bool accepted(int status)
{
	fuzz_require(status == 0 || status == -1);
	if (status)
		fuzz_check_error(error, sizeof(error));
	else
		fuzz_require(!error[0]);
	error[0] = '\0';
	return status == 0;
}

static void check_counters(const struct pb_proc_counters *counters)
{
	for (size_t i = 0; i < counters->nr; i++)
		fuzz_require(memchr(counters->list[i].name, 0, PB_PROC_NAME));
}

static void zoneinfo(const char *text, size_t size)
{
	struct pb_zoneinfo info;

	if (!accepted(pb_zoneinfo_parse(text, size, &info, error, sizeof(error))))
		return;
	for (size_t i = 0; i < info.nr_zones; i++) {
		fuzz_require(info.zones[i].nr_protection <= PB_PROC_ZONES);
		check_counters(&info.zones[i].counters);
	}
	pb_zoneinfo_gfp_table(&info);
	pb_zoneinfo_free(&info);
}

static void buddyinfo(const char *text, size_t size)
{
	struct pb_buddyinfo info;

	if (!accepted(pb_buddyinfo_parse(text, size, &info, error, sizeof(error))))
		return;
	fuzz_require(info.nr_orders <= PB_PROC_ORDERS && info.nr_zones > 0);
	pb_buddyinfo_free(&info);
}

static void pagetypeinfo(const char *text, size_t size)
{
	struct pb_pagetypeinfo info;

	if (accepted(pb_pagetypeinfo_parse(text, size, &info, error, sizeof(error)))) {
		fuzz_require(info.nr_types <= PB_PROC_TYPES && info.nr_orders <= PB_PROC_ORDERS);
		pb_pagetypeinfo_free(&info);
	}
	if (accepted(pb_pagetypeinfo_parse_part(text, size, &info, error, sizeof(error))))
		pb_pagetypeinfo_free(&info);
}

static void others(const char *text, size_t size)
{
	struct pb_proc_counters counters;
	struct pb_frames frames;

	if (accepted(pb_vmstat_parse(text, size, &counters, error, sizeof(error)))) {
		check_counters(&counters);
		pb_counters_free(&counters);
	}
	if (!accepted(pb_frames_parse(text, size, &frames, error, sizeof(error))))
		return;
	for (size_t i = 0; i < frames.nr_runs; i++) {
		fuzz_require(frames.runs[i].pfn < frames.runs[i].end_pfn);
		fuzz_require(frames.runs[i].end_pfn <= frames.end_pfn);
		fuzz_require(!i || frames.runs[i - 1].end_pfn < frames.runs[i].pfn);
	}
	pb_frames_free(&frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	error[0] = '\0';
	zoneinfo(text, size);
	buddyinfo(text, size);
	pagetypeinfo(text, size);
	others(text, size);
	return 0;
}
