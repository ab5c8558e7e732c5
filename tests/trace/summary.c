/* SPDX-License-Identifier: MIT */
/*
 * trace-summary FILE...: what the reader makes of a trace (several: merged), a
 * name and a number a line; problems by example. Status 1 if there were any.
 */
#include <inttypes.h>
#include <stdio.h>

#include "trace.h"

static void print(const struct pb_reader *reader, const struct pb_reader_stats *stats)
{
	printf("format %s\nlines %" PRIu64 "\nevents %" PRIu64 "\n", pb_reader_format_name(reader),
	       stats->lines, stats->events);
	for (int i = 0; i < PB_NR_EVENT_TYPES; i++)
		printf("%s %" PRIu64 "\n", pb_event_name((enum pb_event_type)i), stats->by_type[i]);
	printf("other %" PRIu64 "\nlost %" PRIu64 "\noverwritten %" PRIu64 "\nproblems %" PRIu64
	       "\n",
	       stats->other_events, stats->lost, stats->overwritten, stats->problems);
	for (unsigned int i = 0; i < stats->nr_examples; i++)
		printf("%s line %" PRIu64 ": %s: %s: %s\n",
		       pb_reader_path(reader, stats->examples[i].file), stats->examples[i].line,
		       pb_problem_name(stats->examples[i].kind), stats->examples[i].reason,
		       stats->examples[i].text);
}

int main(int argc, char **argv)
{
	struct pb_reader *reader;
	struct pb_event event;
	char error[400];
	uint64_t failures = 0;
	int status;

	reader = pb_reader_open((const char *const *)argv + 1, (size_t)argc - 1, NULL, error,
				sizeof(error));
	if (!reader) {
		fprintf(stderr, "trace-summary: %s\n", error);
		return 2;
	}
	while ((status = pb_reader_next(reader, &event)) > 0)
		failures += event.type == PB_EV_ALLOC && event.pfn == PB_NO_PFN;
	print(reader, pb_reader_stats(reader));
	printf("failures %" PRIu64 "\n", failures);
	if (status < 0)
		fprintf(stderr, "trace-summary: %s\n", pb_reader_error(reader));
	status = status < 0 ? 2 : pb_reader_stats(reader)->problems != 0;
	pb_reader_close(reader);
	return status;
}
