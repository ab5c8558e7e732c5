// SPDX-License-Identifier: MIT
/* The .pbt container: what is written is read; what is cut or damaged is told. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include <cmocka.h>

#include "pbt.h"

#define NR_EVENTS 600

struct memory {
	uint8_t *data;
	size_t size, at, step;
};

static long read_memory(void *ctx, void *buffer, size_t size)
{
	struct memory *m = ctx;
	size_t n = m->size - m->at < size ? m->size - m->at : size;

	if (m->step && n > m->step)
		n = m->step;
	memcpy(buffer, m->data + m->at, n);
	m->at += n;
	return (long)n;
}

static const struct pbt_event_def alloc_def = {
	.id = 653,
	.nr_fields = 3,
	.system = "kmem",
	.name = "mm_page_alloc",
	.field = { { "pfn", false }, { "order", false }, { "migratetype", true } },
};

static struct pbt_event event_number(uint64_t i)
{
	/* times go back now and then, as those of two CPUs may */
	return (struct pbt_event){ .ts = 1000000 + 37 * i - (i % 7 == 0) * 100,
				   .id = 653,
				   .cpu = (uint32_t)(i % 3),
				   .pid = (int32_t)(i % 5 ? i : 0) - 1,
				   .value = { i % 11 ? i * 0x10001 : UINT64_MAX, i % 11,
					      (uint64_t) - (int64_t)(i % 4) } };
}

static const uint8_t frames[10] = { 1, 1, 1, 2, 0, 0, 5, 7, 1, 1 };

static void write_all(struct pbt_writer *w)
{
	assert_int_equal(pbt_write_meta(w, "tool=test\nclock=mono\n"), 0);
	assert_int_equal(pbt_write_def(w, &alloc_def), 0);
	assert_int_equal(pbt_write_file(w, PBT_START, 42, "buddyinfo", "Node 0\n", 7), 0);
	assert_int_equal(pbt_write_frames(w, PBT_START, 50, 60, 4096, frames, sizeof(frames)), 0);
	assert_int_equal(pbt_write_task(w, 70, -1, "swapper"), 0);
	for (uint64_t i = 0; i < NR_EVENTS; i++) {
		struct pbt_event event = event_number(i);

		assert_int_equal(pbt_write_event(w, &event), 0);
		if (i % 100 == 99)
			assert_int_equal(pbt_flush(w), 0);
		if (i == NR_EVENTS / 2)
			assert_int_equal(pbt_write_lost(w, event.ts, 2, 17), 0);
	}
	assert_int_equal(pbt_write_end(w, "events=600\n"), 0);
}

static struct memory written(void)
{
	FILE *file = tmpfile();
	struct pbt_writer *w;
	struct memory m = { 0 };

	assert_non_null(file);
	w = pbt_writer_new(fileno(file), 3);
	assert_non_null(w);
	write_all(w);
	assert_int_equal(pbt_writer_free(w), 0);
	m.size = (size_t)lseek(fileno(file), 0, SEEK_END);
	m.data = malloc(m.size);
	assert_non_null(m.data);
	assert_int_equal(pread(fileno(file), m.data, m.size, 0), m.size);
	fclose(file);
	return m;
}

static void check_event(const struct pbt_record *record, uint64_t i)
{
	struct pbt_event expected = event_number(i);

	assert_int_equal(record->event->ts, expected.ts);
	assert_int_equal(record->event->cpu, expected.cpu);
	assert_int_equal(record->event->pid, expected.pid);
	assert_memory_equal(record->event->value, expected.value, 3 * sizeof(uint64_t));
	assert_string_equal(record->def->name, "mm_page_alloc");
	assert_true(record->def->field[2].is_signed);
}

static void check_frames(const struct pbt_record *record)
{
	static const struct pbt_run runs[] = { { 4096, 3, 1 }, { 4099, 1, 2 }, { 4100, 2, 0 },
					       { 4102, 1, 5 }, { 4103, 1, 7 }, { 4104, 2, 1 } };

	assert_int_equal(record->nr_runs, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(record->run[i].pfn, runs[i].pfn);
		assert_int_equal(record->run[i].count, runs[i].count);
		assert_int_equal(record->run[i].frame, runs[i].frame);
	}
	assert_int_equal(record->ts, 50);
	assert_int_equal(record->ts_after, 60);
}

static void check_record(const struct pbt_record *record, uint64_t *events)
{
	switch (record->tag) {
	case PBT_FILE:
		assert_string_equal(record->name, "buddyinfo");
		assert_string_equal(record->text, "Node 0\n");
		assert_int_equal(record->ts, 42);
		break;
	case PBT_FRAMES:
		check_frames(record);
		break;
	case PBT_TASK:
		assert_int_equal(record->pid, -1);
		assert_string_equal(record->name, "swapper");
		break;
	case PBT_LOST:
		assert_int_equal(record->cpu, 2);
		assert_int_equal(record->count, 17);
		assert_int_equal(*events, NR_EVENTS / 2 + 1);
		break;
	case PBT_EVENTS:
		check_event(record, (*events)++);
		break;
	default:
		break;
	}
}

static struct pbt_reader *open_memory(struct memory *m, char *error, size_t size)
{
	m->at = 0;
	return pbt_reader_new(read_memory, m, error, size);
}

static void expect_whole(struct memory *m)
{
	char error[200];
	struct pbt_reader *r = open_memory(m, error, sizeof(error));
	struct pbt_record record;
	uint64_t events = 0;
	unsigned int others = 0;
	int rc;

	assert_non_null(r);
	while ((rc = pbt_read(r, &record)) > 0) {
		others += record.tag != PBT_EVENTS;
		check_record(&record, &events);
	}
	assert_int_equal(rc, 0);
	assert_false(pbt_reader_cut(r));
	assert_int_equal(events, NR_EVENTS);
	assert_int_equal(others, 7);
	pbt_reader_free(r);
}

static void test_roundtrip_whatever_the_reads(void **state)
{
	struct memory m = written();

	(void)state;
	for (m.step = 1; m.step < 3000; m.step = m.step * 7 + 1)
		expect_whole(&m);
	free(m.data);
}

static void test_cut_anywhere_keeps_what_came_before(void **state)
{
	struct memory m = written();
	size_t whole = m.size;
	uint64_t most = 0;
	char error[200];

	(void)state;
	for (m.size = PBT_HEADER; m.size < whole; m.size++) {
		struct pbt_reader *r = open_memory(&m, error, sizeof(error));
		struct pbt_record record;
		uint64_t events = 0;
		int rc;

		assert_non_null(r);
		while ((rc = pbt_read(r, &record)) > 0)
			check_record(&record, &events);
		/* cut inside the checksum, all of it has been read */
		assert_int_equal(rc, 0);
		assert_true(pbt_reader_cut(r));
		assert_true(events >= most);
		most = events;
		pbt_reader_free(r);
	}
	assert_int_equal(most, NR_EVENTS);
	free(m.data);
}

static void test_damage_anywhere_is_survived(void **state)
{
	struct memory m = written();
	char error[200];

	(void)state;
	for (size_t at = 0; at < m.size; at++) {
		struct pbt_record record;
		struct pbt_reader *r;
		int rc = -1;

		m.data[at] ^= 0x55;
		r = open_memory(&m, error, sizeof(error));
		while (r && (rc = pbt_read(r, &record)) > 0)
			;
		if (rc < 0 && r)
			assert_true(strlen(pbt_reader_error(r)) > 0);
		/* the stream has a checksum: what goes unseen has changed nothing */
		if (r && rc == 0 && !pbt_reader_cut(r))
			expect_whole(&m);
		pbt_reader_free(r);
		m.data[at] ^= 0x55;
	}
	free(m.data);
}

/* A stream with these plain bytes, as another writer could make it. */
static struct memory packed(const void *plain, size_t size)
{
	struct memory m = { malloc(PBT_HEADER + ZSTD_compressBound(size)), 0, 0, 0 };
	static const uint8_t header[PBT_HEADER] = { 0x7f, 'P', 'B', 'T', PBT_MAJOR, 9 };

	assert_non_null(m.data);
	memcpy(m.data, header, PBT_HEADER);
	m.size = PBT_HEADER +
		 ZSTD_compress(m.data + PBT_HEADER, ZSTD_compressBound(size), plain, size, 1);
	return m;
}

static void expect_error(const void *plain, size_t size, const char *text)
{
	struct memory m = packed(plain, size);
	char error[200];
	struct pbt_reader *r = open_memory(&m, error, sizeof(error));
	struct pbt_record record;
	int rc;

	assert_non_null(r);
	while ((rc = pbt_read(r, &record)) > 0)
		;
	assert_int_equal(rc, -1);
	assert_non_null(strstr(pbt_reader_error(r), text));
	assert_int_equal(pbt_read(r, &record), -1);
	pbt_reader_free(r);
	free(m.data);
}

static void test_nonsense_is_refused_by_name(void **state)
{
	(void)state;
	expect_error("E\x03\x05\x01\x00", 5, "undefined kind");
	expect_error("T\x01\x80", 3, "malformed");
	expect_error("F\x03\x00\x00\x7f", 5, "malformed");
	expect_error("P\x06\x00\x00\x00\x00\x02\x19", 8, "a run of 3 frames");
	expect_error("E\xff\xff\xff\xff\x7f", 6, "bytes, at most");
	expect_error("D\x09\x01\x01k\x03"
		     "abc\x20\x00",
		     11, "32 fields");
}

static void test_unknown_sections_are_skipped(void **state)
{
	struct memory m = packed("?\x03"
				 "abcM\x04k=v\n",
				 11);
	char error[200];
	struct pbt_reader *r = open_memory(&m, error, sizeof(error));
	struct pbt_record record;

	(void)state;
	assert_non_null(r);
	assert_int_equal(pbt_read(r, &record), 1);
	assert_int_equal(record.tag, PBT_META);
	assert_string_equal(record.text, "k=v\n");
	assert_int_equal(pbt_read(r, &record), 0);
	pbt_reader_free(r);
	free(m.data);
}

static void test_other_files_and_versions_are_refused(void **state)
{
	uint8_t bytes[PBT_HEADER] = { 0x7f, 'P', 'B', 'T', PBT_MAJOR + 1, 0 };
	struct memory m = { bytes, sizeof(bytes), 0, 0 };
	char error[200];

	(void)state;
	assert_null(open_memory(&m, error, sizeof(error)));
	assert_non_null(strstr(error, "version 2.0"));
	m.size = 5;
	assert_null(open_memory(&m, error, sizeof(error)));
	assert_string_equal(error, "cut inside the header");
	bytes[0] = '#';
	assert_null(open_memory(&m, error, sizeof(error)));
	assert_string_equal(error, "not a .pbt file");
}

static void test_a_full_disk_is_told(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct pbt_writer *w;

	(void)state;
	if (!full)
		skip();
	w = pbt_writer_new(fileno(full), 1);
	assert_non_null(w);
	assert_int_equal(pbt_write_meta(w, "a=b\n"), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(pbt_writer_free(w), -1);
	assert_int_equal(errno, ENOSPC);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roundtrip_whatever_the_reads),
		cmocka_unit_test(test_cut_anywhere_keeps_what_came_before),
		cmocka_unit_test(test_damage_anywhere_is_survived),
		cmocka_unit_test(test_nonsense_is_refused_by_name),
		cmocka_unit_test(test_unknown_sections_are_skipped),
		cmocka_unit_test(test_other_files_and_versions_are_refused),
		cmocka_unit_test(test_a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
