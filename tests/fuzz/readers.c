/* SPDX-License-Identifier: MIT */
/* What the targets of the readers share. */
#include "readers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Noreturn void fuzz_fail(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: %s does not hold\n", file, line, condition);
	abort();
}

void fuzz_check_error(const char *error, size_t size)
{
	size_t length = strnlen(error, size);

	fuzz_require(length > 0 && length < size);
	fuzz_require(!strchr(error, '\n'));
}

long fuzz_read(void *ctx, void *buffer, size_t size)
{
	struct fuzz_memory *memory = ctx;
	size_t left = memory->size - memory->at;
	size_t piece = left ? 1 + memory->bytes[memory->at] * 16u : 0;

	if (piece > left)
		piece = left;
	if (piece > size)
		piece = size;
	memcpy(buffer, memory->bytes + memory->at, piece);
	memory->at += piece;
	return (long)piece;
}

void fuzz_file(struct fuzz_file *file, const uint8_t *data, size_t size)
{
	file->fd = memfd_create("input", MFD_CLOEXEC);
	fuzz_require(file->fd >= 0);
	fuzz_require(write(file->fd, data, size) == (ssize_t)size);
	fuzz_require(lseek(file->fd, 0, SEEK_SET) == 0);
	snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
}

void fuzz_file_drop(struct fuzz_file *file)
{
	close(file->fd);
}

static void check_event(const struct pb_event *event, const struct pb_reader_options *options)
{
	fuzz_require(event->type < PB_NR_EVENT_TYPES);
	fuzz_require(event->cpu < PB_MAX_TRACE_CPUS);
	fuzz_require(event->order <= options->max_order);
	fuzz_require(event->fallback_order <= options->max_order);
	fuzz_require(event->pfn == PB_NO_PFN || event->pfn < options->end_pfn);
	fuzz_require(memchr(event->comm, 0, sizeof(event->comm)));
	fuzz_require(memchr(event->mark, 0, sizeof(event->mark)));
}

void fuzz_drain(struct pb_reader *reader, const struct pb_reader_options *options)
{
	uint64_t by_type[PB_NR_EVENT_TYPES] = { 0 }, events = 0, problems = 0;
	const struct pb_reader_stats *stats;
	struct pb_event event;
	int status;

	while ((status = pb_reader_next(reader, &event)) > 0) {
		check_event(&event, options);
		if (event.type == PB_EV_STACK) { /* belongs to an event that was counted */
			fuzz_require(event.chain <= pb_reader_chains(reader));
			fuzz_require(!event.chain || pb_reader_chain(reader, event.chain)[0]);
			continue;
		}
		by_type[event.type]++;
		events++;
	}
	if (status < 0)
		fuzz_check_error(pb_reader_error(reader), 400);
	stats = pb_reader_stats(reader);
	fuzz_require(stats->events == events);
	fuzz_require(!memcmp(stats->by_type, by_type, sizeof(by_type)));
	for (int i = 0; i < PB_NR_PROBLEMS; i++)
		problems += stats->by_problem[i];
	fuzz_require(stats->problems == problems);
	fuzz_require(stats->nr_examples <= PB_NR_EXAMPLES && stats->nr_examples <= problems);
	fuzz_require(pb_reader_next(reader, &event) <= 0);
	pb_reader_close(reader);
}
