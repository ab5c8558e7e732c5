/* SPDX-License-Identifier: MIT */
/*
 * Good inputs with random damage: bits, bytes, lines, cuts, splices. Whatever
 * comes of it, the reader ends, counts everything once and stays in its memory
 * (the sanitizer builds look on). PB_SEED repeats a run.
 */
#include "procfs.h"
#include "support.h"

#define ROUNDS 2000

static struct gen random_state;

static size_t below(size_t limit)
{
	return (size_t)gen_random(&random_state, limit ? limit : 1);
}

static void flip_bit(struct blob *blob)
{
	blob->bytes[below(blob->len)] ^= (char)(1u << below(8));
}

static void set_byte(struct blob *blob)
{
	static const char odd[] = {
		'\0', '\n', ' ', '=', ':', '[', ']', '-', '0', '9', 'x', '\xff'
	};

	blob->bytes[below(blob->len)] = odd[below(sizeof(odd))];
}

static void cut_out(struct blob *blob)
{
	size_t at = below(blob->len), n = below(blob->len - at < 64 ? blob->len - at : 64);

	memmove(blob->bytes + at, blob->bytes + at + n, blob->len - at - n);
	blob->len -= n;
}

static void cut_end(struct blob *blob)
{
	blob->len -= below(blob->len / 4);
}

/* Copy a piece over another place. */
static void splice(struct blob *blob)
{
	size_t n = below(blob->len < 200 ? blob->len : 200);

	memmove(blob->bytes + below(blob->len - n), blob->bytes + below(blob->len - n), n);
}

static void repeat_byte(struct blob *blob)
{
	size_t at = below(blob->len), n = below(blob->len - at < 5000 ? blob->len - at : 5000);

	memset(blob->bytes + at, blob->bytes[at], n);
}

static void mutate(struct blob *blob)
{
	static void (*const how[])(struct blob *) = { flip_bit, set_byte, set_byte,   cut_out,
						      cut_end,  splice,   repeat_byte };

	for (size_t n = 1 + below(12); n && blob->len > 16; n--)
		how[below(sizeof(how) / sizeof(how[0]))](blob);
}

static struct blob copy_of(const struct blob *blob)
{
	struct blob copy = { 0 };

	blob_add(&copy, blob->bytes, blob->len);
	return copy;
}

static void check_counts(const struct pb_reader_stats *stats)
{
	uint64_t events = 0, problems = 0;

	for (int i = 0; i < PB_NR_EVENT_TYPES; i++)
		events += stats->by_type[i];
	for (int i = 0; i < PB_NR_PROBLEMS; i++)
		problems += stats->by_problem[i];
	assert_int_equal(stats->events, events);
	assert_int_equal(stats->problems, problems);
	assert_int_equal(stats->nr_examples, problems < PB_NR_EXAMPLES ? problems : PB_NR_EXAMPLES);
	for (unsigned int i = 0; i < stats->nr_examples; i++) {
		assert_true(stats->examples[i].line > 0);
		assert_true(stats->examples[i].reason[0] != '\0');
	}
	assert_true(stats->events + stats->other_events <= stats->lines);
}

static void read_all(const struct blob *blob)
{
	struct pb_reader_options options = { .max_order = 10, .end_pfn = 1u << 20 };
	struct memory memory = { blob->bytes, blob->len, 0, 1 + below(100000) };
	char error[400] = "";
	struct pb_reader *reader = pb_reader_open_fn(memory_read, &memory, "mutant", &options,
						     error, sizeof(error));
	struct pb_event event;
	int status;

	if (!reader) {
		assert_true(error[0] != '\0');
		assert_null(strchr(error, '\n'));
		return;
	}
	while ((status = pb_reader_next(reader, &event)) > 0) {
		assert_true(event.order <= 10 && event.fallback_order <= 10);
		assert_true(event.pfn == PB_NO_PFN || event.pfn < 1u << 20);
		assert_true(event.cpu < PB_MAX_TRACE_CPUS);
		assert_true(event.type < PB_NR_EVENT_TYPES);
		assert_true(strlen(event.comm) < PB_COMM_SIZE && strlen(event.mark) < PB_MARK_SIZE);
	}
	assert_int_equal(status, 0);
	check_counts(pb_reader_stats(reader));
	pb_reader_close(reader);
}

static void test_damaged_traces(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct gen gen = gen_new(below(1000));
		struct blob blob = { 0 }, packed;

		blob_events(&blob, &gen, (enum gen_format)below(GEN_NR_FORMATS),
			    10 + (unsigned int)below(100));
		if (below(5) == 0)
			blob_text(&blob, "CPU:1 [LOST 123 EVENTS]\n");
		mutate(&blob);
		if (below(3) == 0) {
			packed = blob_zstd(&blob);
			if (below(2))
				mutate(&packed);
			read_all(&packed);
			blob_free(&packed);
		}
		read_all(&blob);
		blob_free(&blob);
	}
}

static struct blob sample(const char *name)
{
	char path[400], error[400];
	struct blob blob = { 0 };

	snprintf(path, sizeof(path), "%s/debian-6.1.%s", PB_SAMPLES, name);
	blob.bytes = pb_read_file(path, 1u << 24, &blob.len, error, sizeof(error));
	if (!blob.bytes)
		fail_msg("%s", error);
	return blob;
}

/* Parse with one of them; what failed says why and leaves nothing behind. */
static void parse_mutant(int which, const struct blob *blob)
{
	struct pb_zoneinfo zoneinfo;
	struct pb_buddyinfo buddyinfo;
	struct pb_pagetypeinfo pagetypeinfo;
	struct pb_proc_counters vmstat;
	struct pb_frames frames;
	char error[300] = "";
	int status = 0;

	switch (which) {
	case 0:
		status = pb_zoneinfo_parse(blob->bytes, blob->len, &zoneinfo, error, sizeof(error));
		pb_zoneinfo_free(&zoneinfo);
		break;
	case 1:
		status = pb_buddyinfo_parse(blob->bytes, blob->len, &buddyinfo, error,
					    sizeof(error));
		pb_buddyinfo_free(&buddyinfo);
		break;
	case 2:
		status = pb_pagetypeinfo_parse(blob->bytes, blob->len, &pagetypeinfo, error,
					       sizeof(error));
		pb_pagetypeinfo_free(&pagetypeinfo);
		break;
	case 3:
		status = pb_vmstat_parse(blob->bytes, blob->len, &vmstat, error, sizeof(error));
		pb_counters_free(&vmstat);
		break;
	default:
		status = pb_frames_parse(blob->bytes, blob->len, &frames, error, sizeof(error));
		pb_frames_free(&frames);
		break;
	}
	assert_true(status == 0 || status == -1);
	assert_int_equal(status == -1, error[0] != '\0');
}

static void test_damaged_snapshots(void **state)
{
	static const char *const names[] = { "zoneinfo.end", "buddyinfo.end", "pagetypeinfo.end",
					     "vmstat.end", "free.start" };

	(void)state;
	for (int which = 0; which < 5; which++) {
		struct blob good = sample(names[which]);

		for (int i = 0; i < ROUNDS; i++) {
			struct blob blob = copy_of(&good);

			mutate(&blob);
			parse_mutant(which, &blob);
			blob_free(&blob);
		}
		blob_free(&good);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damaged_traces),
		cmocka_unit_test(test_damaged_snapshots),
	};

	random_state = gen_new(test_seed());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
