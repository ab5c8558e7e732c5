/* SPDX-License-Identifier: MIT */
/*
 * One stream of bytes. The first bytes tell how it is packed:
 *
 *	read() -> in[64 KiB] -> plain copy | ZSTD_decompressStream | inflate -> caller
 *
 * Several packed parts one behind the other (as `cat a.zst b.zst` makes) are
 * one stream. A live pipe is passed on as it comes: no read waits for more than
 * the first bytes need.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#ifdef PB_HAVE_ZLIB
#include <zlib.h>
#endif

#include "source.h"

#define IN_SIZE (64u << 10)
#define MAGIC_SIZE 4

enum packing { PLAIN, ZSTD, GZIP };

struct pb_source {
	pb_read_fn read;
	void *ctx;
	int fd;               /* -1: none of ours */
	uint64_t bytes, size; /* packed: read so far, of the whole file */
	uint64_t unpacked;    /* made so far */
	enum packing packing;
	int verdict;   /* END, DAMAGED or CUT once it is known */
	bool ended;    /* of the packed bytes */
	bool in_frame; /* the packed part is not complete */
	size_t in_at, in_len;
	ZSTD_DCtx *zstd;
#ifdef PB_HAVE_ZLIB
	z_stream gzip;
	bool gzip_ready;
#endif
	unsigned char in[IN_SIZE];
};

/* The first bytes of standard input, looked at by pb_source_peek_stdin() and kept. */
static struct {
	unsigned char *bytes;
	size_t at, len;
} peeked;

static long read_fd(void *ctx, void *buffer, size_t size)
{
	const int *fd = ctx;
	ssize_t n;

	do
		n = read(*fd, buffer, size);
	while (n < 0 && errno == EINTR);
	return n;
}

static long read_stdin(void *ctx, void *buffer, size_t size)
{
	size_t left = peeked.len - peeked.at;

	if (!left)
		return read_fd(ctx, buffer, size);
	if (size > left)
		size = left;
	memcpy(buffer, peeked.bytes + peeked.at, size);
	peeked.at += size;
	return (long)size;
}

size_t pb_source_peek_stdin(void *buffer, size_t size)
{
	int fd = STDIN_FILENO;
	long n;

	if (!peeked.bytes) {
		peeked.bytes = malloc(size);
		while (peeked.bytes && peeked.len < size &&
		       (n = read_fd(&fd, peeked.bytes + peeked.len, size - peeked.len)) > 0)
			peeked.len += (size_t)n;
	}
	if (size > peeked.len)
		size = peeked.len;
	if (size)
		memcpy(buffer, peeked.bytes, size);
	return size;
}

/* More packed bytes behind those not used yet: how many, 0 at the end, -1. */
static long fill(struct pb_source *s)
{
	long n;

	if (s->ended)
		return 0;
	if (s->in_at == s->in_len)
		s->in_at = s->in_len = 0;
	n = s->read(s->ctx, s->in + s->in_len, IN_SIZE - s->in_len);
	if (n < 0)
		return PB_SOURCE_IO;
	if (n == 0)
		s->ended = true;
	s->in_len += (size_t)n;
	s->bytes += (uint64_t)n;
	return n;
}

static enum packing packing_of(const unsigned char *in, size_t len)
{
	if (len >= 4 && in[1] == 0xb5 && in[0] == 0x28 && in[2] == 0x2f && in[3] == 0xfd)
		return ZSTD;
	/* zstd's skippable frame: pzstd begins with one */
	if (len >= 4 && (in[0] & 0xf0) == 0x50 && in[1] == 0x2a && in[2] == 0x4d && in[3] == 0x18)
		return ZSTD;
	if (len >= 2 && in[0] == 0x1f && in[1] == 0x8b)
		return GZIP;
	return PLAIN;
}

static bool start_unpacking(struct pb_source *s, const char *name, char *error, size_t size)
{
	if (s->packing == ZSTD) {
		s->zstd = ZSTD_createDCtx();
		if (!s->zstd) {
			snprintf(error, size, "'%s': out of memory", name);
			return false;
		}
	}
	if (s->packing == GZIP) {
#ifdef PB_HAVE_ZLIB
		s->gzip_ready = inflateInit2(&s->gzip, 15 + 16) == Z_OK;
		if (!s->gzip_ready) {
			snprintf(error, size, "'%s': out of memory", name);
			return false;
		}
#else
		snprintf(error, size, "'%s' is gzip, which this build can't read: unpack it first",
			 name);
		return false;
#endif
	}
	return true;
}

static struct pb_source *begin(struct pb_source *s, const char *name, char *error, size_t size)
{
	while (s->in_len < MAGIC_SIZE && !s->ended)
		if (fill(s) < 0) {
			snprintf(error, size, "can't read '%s': %s", name, strerror(errno));
			goto fail;
		}
	s->packing = packing_of(s->in, s->in_len);
	if (!start_unpacking(s, name, error, size))
		goto fail;
	return s;
fail:
	pb_source_close(s);
	return NULL;
}

static const char *not_a_file(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return "a directory";
	if (S_ISBLK(st->st_mode))
		return "a block device";
	if (S_ISSOCK(st->st_mode))
		return "a socket";
	return NULL;
}

struct pb_source *pb_source_open(const char *path, char *error, size_t size)
{
	struct pb_source *s = calloc(1, sizeof(*s));
	struct stat st;

	if (!s) {
		snprintf(error, size, "'%s': out of memory", path);
		return NULL;
	}
	s->fd = -1;
	s->read = read_fd;
	s->ctx = &s->fd;
	if (strcmp(path, "-") == 0) {
		s->read = read_stdin;
		s->fd = dup(STDIN_FILENO);
	} else {
		s->fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (s->fd < 0 || fstat(s->fd, &st) != 0) {
		snprintf(error, size, "can't open '%s': %s; expected a file that can be read", path,
			 strerror(errno));
		pb_source_close(s);
		return NULL;
	}
	if (not_a_file(&st)) {
		snprintf(error, size, "'%s' is %s, expected a file", path, not_a_file(&st));
		pb_source_close(s);
		return NULL;
	}
	if (S_ISREG(st.st_mode))
		s->size = (uint64_t)st.st_size;
	return begin(s, path, error, size);
}

struct pb_source *pb_source_open_fn(pb_read_fn read, void *ctx, const char *name, char *error,
				    size_t size)
{
	struct pb_source *s = calloc(1, sizeof(*s));

	if (!s) {
		snprintf(error, size, "'%s': out of memory", name);
		return NULL;
	}
	s->fd = -1;
	s->read = read;
	s->ctx = ctx;
	return begin(s, name, error, size);
}

/* ------------------------------------------------------------------ unpacking */

static long read_plain(struct pb_source *s, void *buffer, size_t size)
{
	size_t have = s->in_len - s->in_at;

	if (have > size)
		have = size;
	memcpy(buffer, s->in + s->in_at, have);
	s->in_at += have;
	return (long)have;
}

/* One step: bytes made, 0: wants more input, or DAMAGED. */
static long read_zstd(struct pb_source *s, void *buffer, size_t size)
{
	ZSTD_inBuffer in = { s->in, s->in_len, s->in_at };
	ZSTD_outBuffer out = { buffer, size, 0 };
	size_t left;

	/* after a frame zstd would begin the next one, and miss its end */
	if (!s->in_frame && s->in_at == s->in_len)
		return 0;
	left = ZSTD_decompressStream(s->zstd, &out, &in);
	if (ZSTD_isError(left))
		return PB_SOURCE_DAMAGED;
	s->in_frame = left != 0;
	s->in_at = in.pos;
	return (long)out.pos;
}

#ifdef PB_HAVE_ZLIB
static long read_gzip(struct pb_source *s, void *buffer, size_t size)
{
	int status;

	if (!s->in_frame && s->in_at == s->in_len)
		return 0;
	if (!s->in_frame && s->gzip.total_in > 0 && inflateReset(&s->gzip) != Z_OK)
		return PB_SOURCE_DAMAGED;
	s->gzip.next_in = s->in + s->in_at;
	s->gzip.avail_in = (uInt)(s->in_len - s->in_at);
	s->gzip.next_out = buffer;
	s->gzip.avail_out = (uInt)size;
	status = inflate(&s->gzip, Z_NO_FLUSH);
	s->in_at = s->in_len - s->gzip.avail_in;
	s->in_frame = status != Z_STREAM_END;
	if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
		return PB_SOURCE_DAMAGED;
	return (long)(size - s->gzip.avail_out);
}
#endif

static long unpack(struct pb_source *s, void *buffer, size_t size)
{
	switch (s->packing) {
	case ZSTD:
		return read_zstd(s, buffer, size);
#ifdef PB_HAVE_ZLIB
	case GZIP:
		return read_gzip(s, buffer, size);
#endif
	default:
		return read_plain(s, buffer, size);
	}
}

long pb_source_read(struct pb_source *s, void *buffer, size_t size)
{
	if (s->verdict)
		return s->verdict;
	if (size > IN_SIZE)
		size = IN_SIZE;
	for (;;) {
		size_t before = s->in_at;
		long n = unpack(s, buffer, size);

		if (n > 0) {
			s->unpacked += (uint64_t)n;
			if (pb_source_too_dense(s->bytes, s->unpacked))
				return s->verdict = PB_SOURCE_DAMAGED;
			return n;
		}
		if (n < 0)
			return s->verdict = (int)n;
		if (s->in_at != before && s->in_at < s->in_len)
			continue;
		n = fill(s);
		if (n < 0)
			return PB_SOURCE_IO;
		if (n == 0 && s->in_at == s->in_len)
			break;
		if (n == 0 && s->in_at == before)
			return s->verdict = PB_SOURCE_CUT;
	}
	if (s->in_frame)
		return s->verdict = PB_SOURCE_CUT;
	return PB_SOURCE_END;
}

void pb_source_close(struct pb_source *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	ZSTD_freeDCtx(s->zstd);
#ifdef PB_HAVE_ZLIB
	if (s->gzip_ready)
		inflateEnd(&s->gzip);
#endif
	free(s);
}

const char *pb_source_packing(const struct pb_source *s)
{
	return s->packing == ZSTD ? "zstd" : s->packing == GZIP ? "gzip" : "";
}

uint64_t pb_source_bytes(const struct pb_source *s)
{
	return s->bytes;
}

uint64_t pb_source_size(const struct pb_source *s)
{
	return s->size;
}
