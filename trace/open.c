/* SPDX-License-Identifier: MIT */
/* Which kind of stream a file is, and a reader of all of them. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "stream.h"

#define MAX_FILES 8192

static bool add_text(struct pb_reader *reader, struct pb_source *source, const char *name,
		     unsigned int file, char *error, size_t size)
{
	struct pb_stream *stream = pb_text_open(source, name, pb_reader_options(reader), error,
						size);

	if (!stream)
		return false;
	stream->file = (uint16_t)file;
	if (!pb_reader_add(reader, stream)) {
		snprintf(error, size, "out of memory");
		stream->ops->close(stream);
		return false;
	}
	return true;
}

/* trace.dat needs to seek, so only a plain file can be one; a pipe is not touched. */
static bool file_is_trace_dat(const char *path)
{
	unsigned char magic[16];
	struct stat st;
	FILE *file;
	size_t n;

	if (strcmp(path, "-") == 0 || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	file = fopen(path, "rbe");
	if (!file)
		return false;
	n = fread(magic, 1, sizeof(magic), file);
	fclose(file);
	return pb_is_trace_dat(magic, n);
}

static bool add_file(struct pb_reader *reader, const char *path, unsigned int file, char *error,
		     size_t size)
{
	enum pb_trace_format format = pb_reader_options(reader)->format;
	struct pb_source *source;

	if (format == PB_FORMAT_TRACE_DAT || (format == PB_FORMAT_AUTO && file_is_trace_dat(path)))
		return pb_dat_open(reader, path, file, error, size);
	source = pb_source_open(path, error, size);
	return source && add_text(reader, source, path, file, error, size);
}

struct pb_reader *pb_reader_open(const char *const *paths, size_t nr_paths,
				 const struct pb_reader_options *options, char *error,
				 size_t error_size)
{
	struct pb_reader *reader;

	if (nr_paths == 0 || nr_paths > MAX_FILES) {
		snprintf(error, error_size, "%zu files, expected 1 to %d", nr_paths, MAX_FILES);
		return NULL;
	}
	reader = pb_reader_new(options, paths, nr_paths, error, error_size);
	if (!reader)
		return NULL;
	for (size_t i = 0; i < nr_paths; i++)
		if (!add_file(reader, paths[i], (unsigned int)i, error, error_size)) {
			pb_reader_close(reader);
			return NULL;
		}
	if (!pb_reader_streams(reader)) {
		snprintf(error, error_size, "'%s' has no CPU", paths[0]);
		pb_reader_close(reader);
		return NULL;
	}
	return reader;
}

struct pb_reader *pb_reader_open_fn(pb_read_fn read, void *ctx, const char *name,
				    const struct pb_reader_options *options, char *error,
				    size_t error_size)
{
	struct pb_reader *reader = pb_reader_new(options, &name, 1, error, error_size);
	struct pb_source *source;

	if (!reader)
		return NULL;
	source = pb_source_open_fn(read, ctx, name, error, error_size);
	if (!source || !add_text(reader, source, name, 0, error, error_size)) {
		pb_reader_close(reader);
		return NULL;
	}
	return reader;
}
