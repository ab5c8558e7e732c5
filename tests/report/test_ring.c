// SPDX-License-Identifier: MIT
/* Format files and ring buffer pages, as tracefs would hand them out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../cmd/record.h"

#define COMMON                                                                         \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"         \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"         \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

static const char free_format[] =
	"name: mm_page_free\nID: 655\nformat:\n" COMMON
	"\tfield:unsigned long pfn;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:int order;\toffset:16;\tsize:4;\tsigned:1;\n"
	"\nprint fmt: \"pfn=0x%lx\tfield:int no;\toffset:0;\tsize:4;\tsigned:1;\", REC->pfn\n";
static const char rename_format[] =
	"name: task_rename\nID: 204\nformat:\n" COMMON
	"\tfield:pid_t pid;\toffset:8;\tsize:4;\tsigned:1;\n"
	"\tfield:char oldcomm[16];\toffset:12;\tsize:16;\tsigned:0;\n"
	"\tfield:char newcomm[16];\toffset:28;\tsize:16;\tsigned:0;\n"
	"\tfield:short oom_score_adj;\toffset:44;\tsize:2;\tsigned:1;\n\nprint fmt: \"\"\n";

static const char alloc_format[] =
	"name: mm_page_alloc\nID: 660\nformat:\n" COMMON
	"\tfield:unsigned long pfn;\toffset:8;\tsize:8;\tsigned:0;\n\nprint fmt: \"\"\n";
static const char stack_format[] =
	"name: kernel_stack\nID: 4\nformat:\n" COMMON
	"\tfield:int size;\toffset:8;\tsize:4;\tsigned:1;\n"
	"\tfield:unsigned long caller[8];\toffset:16;\tsize:64;\tsigned:0;\n\nprint fmt: \"\"\n";

/* Of rec_stacks_init(), which is not called here. */
char *rec_read_file(const char *path, size_t *size)
{
	(void)path;
	(void)size;
	return NULL;
}

int cmd_error(const char *verb, const char *format, ...);
int cmd_error(const char *verb, const char *format, ...)
{
	(void)verb;
	(void)format;
	return 2;
}

static void test_format_of_an_event_and_of_a_task(void **state)
{
	struct rec_format f;

	(void)state;
	assert_true(rec_parse_format(free_format, "kmem", &f));
	assert_string_equal(f.def.name, "mm_page_free");
	assert_int_equal(f.def.id, 655);
	assert_int_equal(f.def.nr_fields, 2);
	assert_string_equal(f.def.field[1].name, "order");
	assert_true(f.def.field[1].is_signed);
	assert_false(f.def.field[0].is_signed);
	assert_int_equal(f.offset[1], 16);
	assert_int_equal(f.min_size, 20);
	assert_int_equal(f.pfn_field, 0);
	assert_true(rec_parse_format(rename_format, "task", &f));
	assert_int_equal(f.comm_offset, 28);
	assert_int_equal(f.comm_pid_offset, 8);
	assert_int_equal(f.def.nr_fields, 0);
	assert_int_equal(f.min_size, 44);
	assert_true(rec_parse_format(stack_format, "ftrace", &f));
	assert_int_equal(f.callers_offset, 16);
	assert_int_equal(f.def.nr_fields, 1);
	assert_string_equal(f.def.field[0].name, "chain");
	assert_false(rec_parse_format("name: x\nformat:\n", "kmem", &f));
	assert_false(rec_parse_format("name: x\nID: 1\nformat:\n", "kmem", &f));
}

/* ------------------------------------------------------------- sub-buffers */

struct page {
	uint8_t data[4096];
	size_t at;
};

static void put(struct page *p, const void *bytes, size_t size)
{
	memcpy(p->data + p->at, bytes, size);
	p->at += size;
}

static void put32(struct page *p, uint32_t v)
{
	put(p, &v, 4);
}

static void begin(struct page *p, uint64_t ts)
{
	memset(p, 0, sizeof(*p));
	memcpy(p->data, &ts, 8);
	p->at = 16;
}

static void put_free(struct page *p, uint32_t delta, uint64_t pfn, int order, int pid)
{
	uint16_t id = 655, zero = 0;

	put32(p, delta << 5 | 5); /* 20 bytes in units of 4 */
	put(p, &id, 2);
	put(p, &zero, 2);
	put32(p, (uint32_t)pid);
	put(p, &pfn, 8);
	put32(p, (uint32_t)order);
}

static void put_rename(struct page *p, uint32_t delta, uint32_t pid, const char *comm)
{
	uint8_t body[48] = { 204 };

	memcpy(body + 8, &pid, 4);
	memcpy(body + 28, comm, strlen(comm));
	put32(p, delta << 5); /* type_len 0: its length follows */
	put32(p, sizeof(body) + 4);
	put(p, body, sizeof(body));
}

static void put_alloc(struct page *p, uint32_t delta, uint64_t pfn)
{
	uint16_t id = 660, zero = 0;

	put32(p, delta << 5 | 4);
	put(p, &id, 2);
	put(p, &zero, 2);
	put32(p, 7);
	put(p, &pfn, 8);
}

static void put_stack(struct page *p, const uint64_t *callers, uint32_t nr)
{
	uint8_t body[16] = { 4 };

	body[4] = 7; /* pid */
	memcpy(body + 8, &nr, 4);
	put32(p, (uint32_t)(sizeof(body) + 8 * nr) / 4);
	put(p, body, sizeof(body));
	put(p, callers, 8 * nr);
}

struct fixture {
	struct rec_ring ring;
	struct rec_format formats[4];
	struct rec_stacks stacks;
	int writing[2]; /* ends of the pipes that stand for trace_pipe_raw */
	FILE *file;
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	assert_true(rec_parse_format(free_format, "kmem", &f->formats[0]));
	assert_true(rec_parse_format(rename_format, "task", &f->formats[1]));
	f->file = tmpfile();
	f->ring.writer = pbt_writer_new(fileno(f->file), 1);
	assert_int_equal(pbt_write_def(f->ring.writer, &f->formats[0].def), 0);
	assert_true(rec_parse_format(alloc_format, "kmem", &f->formats[2]));
	assert_true(rec_parse_format(stack_format, "ftrace", &f->formats[3]));
	assert_int_equal(pbt_write_def(f->ring.writer, &f->formats[2].def), 0);
	assert_int_equal(pbt_write_def(f->ring.writer, &f->formats[3].def), 0);
	f->ring.formats = f->formats;
	f->ring.nr_formats = 4;
	f->ring.head = 16;
	f->ring.subbuf = sizeof(((struct page *)0)->data);
	f->ring.nr_cpus = 2;
	f->ring.cpus = calloc(2, sizeof(*f->ring.cpus));
	for (unsigned int i = 0; i < 2; i++) {
		int ends[2];

		assert_int_equal(pipe(ends), 0);
		f->ring.cpus[i].cpu = i;
		f->ring.cpus[i].fd = ends[0];
		f->ring.cpus[i].tail = &f->ring.cpus[i].head;
		f->writing[i] = ends[1];
	}
}

static void hand_out(struct fixture *f, unsigned int cpu, struct page *p, uint64_t flags)
{
	uint64_t commit = (p->at - 16) | flags;

	memcpy(p->data + 8, &commit, 8);
	assert_int_equal(write(f->writing[cpu], p->data, sizeof(p->data)), sizeof(p->data));
}

static long read_file(void *ctx, void *buffer, size_t size)
{
	return (long)fread(buffer, 1, size, ctx);
}

/* All that was written, as one line of text an event. */
static void expect(struct fixture *f, const char *expected)
{
	char text[2048] = "", error[200];
	struct pbt_reader *r;
	struct pbt_record k;

	assert_int_equal(pbt_writer_free(f->ring.writer), 0);
	rewind(f->file);
	r = pbt_reader_new(read_file, f->file, error, sizeof(error));
	assert_non_null(r);
	while (pbt_read(r, &k) > 0) {
		size_t n = strlen(text);

		if (k.tag == PBT_EVENTS)
			snprintf(text + n, sizeof(text) - n, "%llu cpu%u %d %#llx/%lld\n",
				 (unsigned long long)k.ts, k.event->cpu, k.event->pid,
				 (unsigned long long)k.event->value[0],
				 (long long)k.event->value[1]);
		else if (k.tag == PBT_CHAIN)
			snprintf(text + n, sizeof(text) - n, "chain %llu %s\n",
				 (unsigned long long)k.count, k.name);
		else if (k.tag == PBT_TASK)
			snprintf(text + n, sizeof(text) - n, "%llu task %d %s\n",
				 (unsigned long long)k.ts, k.pid, k.name);
		else if (k.tag == PBT_LOST)
			snprintf(text + n, sizeof(text) - n, "%llu lost %llu of cpu%u\n",
				 (unsigned long long)k.ts, (unsigned long long)k.count, k.cpu);
	}
	assert_string_equal(text, expected);
	pbt_reader_free(r);
	rec_ring_free(&f->ring);
	rec_stacks_free(&f->stacks);
	fclose(f->file);
}

static void drain(struct fixture *f)
{
	close(f->writing[0]); /* the end of the pipe stands for "no more now" */
	close(f->writing[1]);
	assert_true(rec_drain(&f->ring, true) > 0);
}

static void test_cpus_are_merged_by_time(void **state)
{
	struct fixture f;
	struct page p;

	(void)state;
	setup(&f);
	begin(&p, 1000);
	put_free(&p, 0, 0x10, 0, 7);
	put_free(&p, 50, 0x11, 1, 7);
	put_rename(&p, 10, 7, "sixteen-letters!");
	hand_out(&f, 0, &p, 0);
	begin(&p, 2000);
	put_free(&p, 0, 0x12, -1, 7);
	hand_out(&f, 0, &p, 0);
	begin(&p, 1020);
	put_free(&p, 0, 0x20, 2, -1);
	put_free(&p, 5000, 0x21, 3, 9);
	hand_out(&f, 1, &p, 0);
	drain(&f);
	assert_int_equal(rec_emit(&f.ring, 2000), 0);
	assert_int_equal(f.ring.events, 3); /* those at 2000 and 6020 wait */
	assert_int_equal(rec_emit(&f.ring, UINT64_MAX), 0);
	assert_int_equal(f.ring.events, 5);
	expect(&f, "1000 cpu0 7 0x10/0\n1020 cpu1 -1 0x20/2\n1050 cpu0 7 0x11/1\n"
		   "1060 task 7 sixteen-letters!\n2000 cpu0 7 0x12/-1\n6020 cpu1 9 0x21/3\n");
}

static void test_times_beyond_27_bits_and_padding(void **state)
{
	struct fixture f;
	struct page p;

	(void)state;
	setup(&f);
	begin(&p, 1ull << 60);
	put32(&p, 5u << 5 | 30); /* extended: 3 * 2^27 + 5 */
	put32(&p, 3);
	put_free(&p, 1, 0x1, 0, 1);
	put32(&p, 1u << 5 | 29); /* discarded, 8 bytes long */
	put32(&p, 8);
	put32(&p, 0);
	put32(&p, 9u << 5 | 31); /* absolute, below bit 59 */
	put32(&p, 4);
	put_free(&p, 0, 0x2, 0, 1);
	put32(&p, 29); /* the rest is padding */
	put_free(&p, 0, 0x3, 0, 1);
	hand_out(&f, 0, &p, 0);
	drain(&f);
	assert_int_equal(rec_emit(&f.ring, UINT64_MAX), 0);
	assert_int_equal(f.ring.malformed, 0);
	expect(&f, "1152921505009500166 cpu0 1 0x1/0\n1152921505143717897 cpu0 1 0x2/0\n");
}

static void test_lost_events_are_reported(void **state)
{
	struct fixture f;
	struct page p;
	uint64_t lost = 321;

	(void)state;
	setup(&f);
	begin(&p, 500);
	put_free(&p, 0, 0x1, 0, 1);
	memcpy(p.data + p.at, &lost, 8);
	hand_out(&f, 0, &p, 3ull << 30);
	begin(&p, 600);
	put_free(&p, 0, 0x2, 0, 1);
	hand_out(&f, 0, &p, 1ull << 31);
	drain(&f);
	assert_int_equal(rec_emit(&f.ring, UINT64_MAX), 0);
	assert_int_equal(f.ring.lost_pages, 2);
	expect(&f,
	       "500 lost 321 of cpu0\n500 cpu0 1 0x1/0\n600 lost 0 of cpu0\n600 cpu0 1 0x2/0\n");
}

static void test_events_that_the_snapshot_contains_are_left_out(void **state)
{
	const struct rec_chunk chunks[] = { { 0x1000, 0x1000, 1000, 2000 },
					    { 0x2000, 0x1000, 3000, 4000 } };
	struct fixture f;
	struct page p;

	(void)state;
	setup(&f);
	for (int i = 0; i < 2; i++)
		assert_true(rec_add_chunk(&f.ring, &chunks[i]));
	f.ring.stop = 5000;
	begin(&p, 900);
	put_free(&p, 0, 0x1000, 0, 1);   /* 900: before its frame was looked at */
	put_free(&p, 599, 0x1800, 0, 1); /* 1499: half of the chunk is looked at by 1500 */
	put_free(&p, 1, 0x1800, 0, 1);   /* 1500: counts */
	put_free(&p, 0, 0x0fff, 0, 1);   /* of no chunk: counts */
	put_free(&p, 0, UINT64_MAX, 0, 1);
	put_free(&p, 1500, 0x2000, 0, 1); /* 3000 */
	put_free(&p, 0, 0x2fff, 0, 1);    /* 3000: contained */
	put_free(&p, 2000, 0x2fff, 0, 1); /* 5000 */
	put_free(&p, 1, 0x2fff, 0, 1);    /* 5001: behind the end snapshot */
	hand_out(&f, 0, &p, 0);
	drain(&f);
	assert_int_equal(rec_emit(&f.ring, UINT64_MAX), 0);
	assert_int_equal(f.ring.contained, 3);
	expect(&f,
	       "1500 cpu0 1 0x1800/0\n1500 cpu0 1 0xfff/0\n"
	       "1500 cpu0 1 0xffffffffffffffff/0\n3000 cpu0 1 0x2000/0\n5000 cpu0 1 0x2fff/0\n");
}

/* Each chain is written once; a stack goes with its event, or is left out with it. */
static void test_stacks_are_written_as_chains(void **state)
{
	static const char symbols[] = "ffff1000 T __alloc_pages\nffff3000 t outer\n"
				      "ffff4000 d not_a_function\nffff2000 T asker\t[module]\n";
	const uint64_t one[] = { 0xffff1010, 0xffff2010, 0xffff3000, 0xffff3020, UINT64_MAX, 5 };
	const uint64_t two[] = { 0xffff1010, 0xffff3020 };
	const uint64_t none[] = { 0x10, 0xffff1010 };
	struct rec_chunk chunk = { 0x9000, 0x10, 5000, 6000 };
	struct fixture f;
	struct page p;

	(void)state;
	setup(&f);
	f.stacks.text = strdup(symbols);
	assert_true(rec_symbols_parse(&f.stacks, f.stacks.text));
	assert_int_equal(f.stacks.nr, 3);
	f.ring.stacks = &f.stacks;
	assert_true(rec_add_chunk(&f.ring, &chunk));
	f.ring.formats = f.formats;
	f.formats[2].pfn_field = 0;
	begin(&p, 1000);
	put_alloc(&p, 0, 1);
	put_stack(&p, one, 6); /* a return address of ffff3000 is asker's last */
	put_alloc(&p, 10, 2);
	put_stack(&p, two, 2);
	put_alloc(&p, 10, 0x9000); /* the snapshot has it */
	put_stack(&p, two, 2);
	put_stack(&p, two, 2); /* of no event */
	put_alloc(&p, 10, 3);
	put_stack(&p, none, 2);
	put_alloc(&p, 10, 4);
	put_stack(&p, one, 6);
	hand_out(&f, 0, &p, 0);
	drain(&f);
	assert_int_equal(rec_emit(&f.ring, UINT64_MAX), 0);
	assert_int_equal(f.ring.malformed, 0);
	assert_int_equal(f.ring.events, 4);
	expect(&f, "1000 cpu0 7 0x1/0\nchain 1 asker < asker < outer\n1000 cpu0 7 0x1/0\n"
		   "1010 cpu0 7 0x2/0\nchain 2 outer\n1010 cpu0 7 0x2/0\n1030 cpu0 7 0x3/0\n"
		   "1040 cpu0 7 0x4/0\n1040 cpu0 7 0x1/0\n");
}

static void test_random_pages_are_survived(void **state)
{
	const char *given = getenv("PB_SEED");
	unsigned int seed = given ? (unsigned int)strtoul(given, NULL, 10) : (unsigned int)getpid();

	(void)state;
	print_message("PB_SEED=%u\n", seed);
	srand(seed);
	for (int round = 0; round < 300; round++) {
		struct fixture f;
		struct page p;

		setup(&f);
		begin(&p, (uint64_t)rand() << 20);
		while (p.at < sizeof(p.data))
			p.data[p.at++] = (uint8_t)(rand() % 4 ? rand() : 655 & 255);
		hand_out(&f, 0, &p, (uint64_t)(rand() & 7) << 29);
		drain(&f);
		assert_int_equal(rec_emit(&f.ring, UINT64_MAX), 0);
		assert_int_equal(pbt_writer_free(f.ring.writer), 0);
		rec_ring_free(&f.ring);
		fclose(f.file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format_of_an_event_and_of_a_task),
		cmocka_unit_test(test_cpus_are_merged_by_time),
		cmocka_unit_test(test_times_beyond_27_bits_and_padding),
		cmocka_unit_test(test_lost_events_are_reported),
		cmocka_unit_test(test_events_that_the_snapshot_contains_are_left_out),
		cmocka_unit_test(test_stacks_are_written_as_chains),
		cmocka_unit_test(test_random_pages_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
