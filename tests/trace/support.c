/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <inttypes.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>
#ifdef PB_HAVE_ZLIB
#include <zlib.h>
#endif

void blob_add(struct blob *blob, const void *bytes, size_t len)
{
	if (blob->len + len + 1 > blob->room) {
		blob->room = 2 * (blob->len + len) + 4096;
		blob->bytes = realloc(blob->bytes, blob->room);
		assert_non_null(blob->bytes);
	}
	if (len)
		memcpy(blob->bytes + blob->len, bytes, len);
	blob->len += len;
	blob->bytes[blob->len] = '\0';
}

void blob_text(struct blob *blob, const char *text)
{
	blob_add(blob, text, strlen(text));
}

void blob_free(struct blob *blob)
{
	free(blob->bytes);
	memset(blob, 0, sizeof(*blob));
}

void blob_events(struct blob *blob, struct gen *gen, enum gen_format format, unsigned int nr)
{
	struct pb_event event;
	char line[600];

	while (nr--) {
		gen_event(gen, &event);
		blob_add(blob, line, gen_line(format, &event, line, sizeof(line)));
	}
}

struct blob blob_zstd(const struct blob *plain)
{
	size_t room = ZSTD_compressBound(plain->len);
	struct blob packed = { malloc(room), 0, room };

	assert_non_null(packed.bytes);
	packed.len = ZSTD_compress(packed.bytes, room, plain->bytes, plain->len, 1);
	assert_false(ZSTD_isError(packed.len));
	return packed;
}

#ifdef PB_HAVE_ZLIB
struct blob blob_gzip(const struct blob *plain)
{
	z_stream z = { 0 };
	struct blob packed = { NULL, 0, 0 };

	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	packed.room = deflateBound(&z, plain->len) + 64;
	packed.bytes = malloc(packed.room);
	assert_non_null(packed.bytes);
	z.next_in = (unsigned char *)plain->bytes;
	z.avail_in = (uInt)plain->len;
	z.next_out = (unsigned char *)packed.bytes;
	z.avail_out = (uInt)packed.room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	packed.len = z.total_out;
	deflateEnd(&z);
	return packed;
}
#endif

/* ----------------------------------------------------------------------- files */

static char directory[64];

void temp_remove(void)
{
	char command[128];

	if (!directory[0])
		return;
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	if (system(command) != 0)
		fprintf(stderr, "can't remove %s\n", directory);
	directory[0] = '\0';
}

const char *temp_directory(void)
{
	if (!directory[0]) {
		strcpy(directory, "/tmp/pb-trace-XXXXXX");
		assert_non_null(mkdtemp(directory));
		atexit(temp_remove);
	}
	return directory;
}

const char *temp_file(const char *name, const struct blob *blob)
{
	static char paths[8][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % 8];
	FILE *file;

	snprintf(path, PATH_MAX, "%s/%s", temp_directory(), name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(blob->bytes, 1, blob->len, file), blob->len);
	assert_int_equal(fclose(file), 0);
	return path;
}

/* ---------------------------------------------------------------------- memory */

long memory_read(void *ctx, void *buffer, size_t size)
{
	struct memory *memory = ctx;
	size_t n = memory->len - memory->at;

	if (n > size)
		n = size;
	if (n > memory->chunk)
		n = memory->chunk;
	memcpy(buffer, memory->bytes + memory->at, n);
	memory->at += n;
	return (long)n;
}

struct pb_reader *open_blob(struct memory *memory, const struct blob *blob,
			    const struct pb_reader_options *options)
{
	char error[400] = "";
	struct pb_reader *reader;

	*memory = (struct memory){ blob->bytes, blob->len, 0, SIZE_MAX };
	reader = pb_reader_open_fn(memory_read, memory, "memory", options, error, sizeof(error));
	if (!reader)
		fail_msg("open: %s", error);
	return reader;
}

int drain(struct pb_reader *reader)
{
	struct pb_event event;
	int status;

	while ((status = pb_reader_next(reader, &event)) > 0)
		;
	return status;
}

uint64_t test_seed(void)
{
	const char *given = getenv("PB_SEED");
	struct timespec now;
	uint64_t seed;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = given ? strtoull(given, NULL, 0)
		     : (uint64_t)now.tv_sec * 1000003u + (uint64_t)now.tv_nsec;
	printf("PB_SEED=%" PRIu64 "\n", seed);
	return seed;
}

void assert_same_event(const struct pb_event *got, const struct pb_event *expected)
{
	assert_string_equal(pb_event_name(got->type), pb_event_name(expected->type));
	assert_int_equal(got->time, expected->time);
	assert_int_equal(got->cpu, expected->cpu);
	assert_int_equal(got->pid, expected->pid);
	assert_string_equal(got->comm, expected->comm);
	assert_int_equal(got->pfn, expected->pfn);
	assert_int_equal(got->order, expected->order);
	assert_int_equal(got->migratetype, expected->migratetype);
	assert_int_equal(got->gfp, expected->gfp);
	assert_int_equal(got->percpu_refill, expected->percpu_refill);
	assert_int_equal(got->fallback_order, expected->fallback_order);
	assert_int_equal(got->fallback_migratetype, expected->fallback_migratetype);
	assert_int_equal(got->change_ownership, expected->change_ownership);
	assert_int_equal(got->end_pfn, expected->end_pfn);
	assert_int_equal(got->count, expected->count);
	assert_string_equal(got->mark, expected->mark);
}
