/* SPDX-License-Identifier: MIT */
/*
 * write-seed dat|pbt FILE: a small good file of a binary format, to begin
 * fuzzing with. The .pbt is written bare, without its zstd frame (pack.h).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zstd.h>

#include "trace/dat_writer.h"

#include "pbt.h"

#define NR_EVENTS 24
#define FRAMES 2048u

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static struct blob make_dat(void)
{
	struct dat_options options = { .cpus = 2, .lost = 3 };
	struct pb_event events[NR_EVENTS] = { 0 };
	struct gen gen = gen_new(1);

	gen.cpus = options.cpus;
	for (int i = 0; i < NR_EVENTS; i++) {
		gen_event(&gen, &events[i]);
		events[i].pid = i + 1;
		gen.time += 1;
	}
	return dat_write(events, NR_EVENTS, &options);
}

static void define(struct pbt_writer *w, uint32_t id, const char *name, const char *fields)
{
	struct pbt_event_def def = { .id = id, .system = "kmem" };
	char copy[200], *rest = copy, *field;

	snprintf(def.name, sizeof(def.name), "%s", name);
	snprintf(copy, sizeof(copy), "%s", fields);
	while ((field = strtok_r(rest, " ", &rest)))
		snprintf(def.field[def.nr_fields++].name, PBT_NAME, "%s", field);
	must(pbt_write_def(w, &def) == 0, "define");
}

static void file(struct pbt_writer *w, enum pbt_phase phase, const char *name, const char *text)
{
	must(pbt_write_file(w, phase, 900, name, text, strlen(text)) == 0, "file");
}

static void files(struct pbt_writer *w, enum pbt_phase phase)
{
	file(w, phase, "zoneinfo",
	     "Node 0, zone   Normal\n  pages free     1024\n        min      10\n"
	     "        low      12\n        high     15\n        spanned  2048\n"
	     "        present  2048\n        managed  2048\n        protection: (0)\n"
	     "      nr_free_pages 1024\n  pagesets\n    cpu: 0\n              count: 0\n"
	     "              high:  0\n              batch: 1\n  vm stats threshold: 1\n"
	     "  node_unreclaimable:  0\n  start_pfn:           0\n");
	file(w, phase, "buddyinfo", "Node 0, zone   Normal 0 0 0 0 0 0 0 0 0 0 1 \n");
}

static void events(struct pbt_writer *w)
{
	for (uint32_t i = 0; i < NR_EVENTS; i++) {
		uint32_t block = 1024 + i / 4 * 8, id = 300 + i % 4;
		struct pbt_event event = { .ts = 1000 + i, .id = id, .cpu = i & 1, .pid = 41 };

		/* Left the lists, allocated, failed, freed. */
		event.value[0] = id == 302 ? UINT64_MAX : block;
		event.value[1] = 3;
		event.value[2] = id == 300 ? 1 : 0xcc0;
		must(pbt_write_event(w, &event) == 0, "event");
	}
	must(pbt_write_lost(w, 1100, 0, 7) == 0, "lost");
}

static struct blob make_pbt(void)
{
	static uint8_t frames[FRAMES];
	FILE *out = tmpfile();
	struct pbt_writer *w = out ? pbt_writer_new(fileno(out), 1) : NULL;
	struct blob packed = { 0 }, bare = { 0 };
	long size;

	must(w != NULL, "writer");
	must(pbt_write_meta(w, "clock=mono\nkernel=6.1\npage_size=4096\ncpus=2\n") == 0, "meta");
	files(w, PBT_START);
	memset(frames, PBT_FRAME_LRU, FRAMES / 2);
	memset(frames + FRAMES / 2, PBT_FRAME_FREE, FRAMES / 2);
	must(pbt_write_frames(w, PBT_START, 900, 950, 0, frames, FRAMES) == 0, "frames");
	define(w, 300, "mm_page_alloc_zone_locked", "pfn order migratetype percpu_refill");
	define(w, 301, "mm_page_alloc", "pfn order gfp_flags migratetype");
	define(w, 302, "mm_page_alloc", "pfn order gfp_flags migratetype");
	define(w, 303, "mm_page_free", "pfn order");
	must(pbt_write_task(w, 1000, 41, "taker") == 0, "task");
	events(w);
	files(w, PBT_STOP);
	must(pbt_write_end(w, "events=24\n") == 0 && pbt_writer_free(w) == 0, "end");

	size = lseek(fileno(out), 0, SEEK_END);
	packed.bytes = malloc((size_t)size);
	bare.bytes = malloc(1u << 20);
	must(packed.bytes && bare.bytes &&
		     pread(fileno(out), packed.bytes, (size_t)size, 0) == size,
	     "read back");
	bare.len = ZSTD_decompress(bare.bytes, 1u << 20, packed.bytes + PBT_HEADER,
				   (size_t)size - PBT_HEADER);
	fclose(out);
	blob_free(&packed);
	must(!ZSTD_isError(bare.len), "unpack");
	return bare;
}

int main(int argc, char **argv)
{
	struct blob blob;
	FILE *out;

	if (argc != 3 || (strcmp(argv[1], "dat") && strcmp(argv[1], "pbt"))) {
		fprintf(stderr, "usage: write-seed dat|pbt FILE\n");
		return 2;
	}
	blob = argv[1][0] == 'd' ? make_dat() : make_pbt();
	out = fopen(argv[2], "wb");
	must(out && fwrite(blob.bytes, 1, blob.len, out) == blob.len && !fclose(out), argv[2]);
	blob_free(&blob);
	return 0;
}
