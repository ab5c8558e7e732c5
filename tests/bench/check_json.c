/* SPDX-License-Identifier: MIT */
/*
 * Is what `pagebuddy-bench --json` wrote what it promises? Exactly the promised
 * keys with values of the promised kinds, a row for each workload, and no
 * failure of ours in a workload that has memory for all.
 *
 *	bench-check-json FILE THREADS...
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const char *const ours[] = {
	"pagebuddy",
	"pagebuddy-trylock",
	"pagebuddy-nopcp",
	"pagebuddy-linux",
};
static const char *const timed[] = { "repeat", "bulk", "rand", "mixed", "exch", "cross" };
static const char *const fragmented[] = { "churn 50", "churn 80", "wave", "mixed 0-9",
					  "mixed 0-3" };

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void __attribute__((noreturn, format(printf, 1, 2))) wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* Exactly these keys, "name:kind", kind one of s(tring) i(nteger) r(eal) t(ime or null)
   a(rray) o(bject). */
static void check_object(const json_t *object, const char *where, const char *const *keys, size_t n)
{
	const json_t *value;
	char name[64];
	size_t i, len;
	bool ok;

	if (!json_is_object(object))
		wrong("%s is not an object", where);
	if (json_object_size(object) != n)
		wrong("%s has %zu keys, expected %zu", where, json_object_size(object), n);
	for (i = 0; i < n; i++) {
		len = strcspn(keys[i], ":");
		snprintf(name, sizeof(name), "%.*s", (int)len, keys[i]);
		value = json_object_get(object, name);
		switch (keys[i][len + 1]) {
		case 's':
			ok = json_is_string(value);
			break;
		case 'i':
			ok = json_is_integer(value) && json_integer_value(value) >= 0;
			break;
		case 'r':
			ok = json_is_real(value) && json_real_value(value) > 0;
			break;
		case 't':
			ok = json_is_null(value) ||
			     (json_is_real(value) && json_real_value(value) >= 0);
			break;
		case 'a':
			ok = json_is_array(value) && json_array_size(value);
			break;
		default:
			ok = json_is_object(value);
			break;
		}
		if (!ok)
			wrong("%s: \"%s\" is missing or of the wrong kind", where, name);
	}
}

#define CHECK(object, where, ...)                                         \
	check_object(object, where, (const char *const[]){ __VA_ARGS__ }, \
		     COUNT(((const char *const[]){ __VA_ARGS__ })))

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool is_ours(const char *allocator)
{
	return !strncmp(allocator, "pagebuddy", 9);
}

static void check_rows(const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		CHECK(row, "a row", "workload:s", "order:i", "threads:i", "allocator:s",
		      "ns_alloc:t", "ns_free:t", "ns_pair:r", "failures:i");
		/* Linux checks the watermark before it looks at the CPU's list (README.md). */
		if (!strcmp(text(row, "allocator"), "pagebuddy-linux") &&
		    !strcmp(text(row, "workload"), "rand"))
			continue;
		if (is_ours(text(row, "allocator")) && number(row, "failures"))
			wrong("%s, order %d, threads %d: %s failed %lld times",
			      text(row, "workload"), (int)number(row, "order"),
			      (int)number(row, "threads"), text(row, "allocator"),
			      (long long)number(row, "failures"));
	}
}

static void find_row(const json_t *rows, const char *workload, const char *allocator, int threads)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (!strcmp(text(row, "workload"), workload) &&
		    !strcmp(text(row, "allocator"), allocator) && number(row, "threads") == threads)
			return;
	}
	wrong("no row for %s, %s, threads %d", workload, allocator, threads);
}

static void check_fragments(const json_t *list)
{
	const json_t *f;
	size_t i, k, a;

	json_array_foreach(list, i, f)
	{
		CHECK(f, "a fragmentation", "workload:s", "allocator:s", "blocks:i", "possible:i",
		      "failures:i");
		if (number(f, "blocks") > number(f, "possible"))
			wrong("%s, %s: more blocks than possible", text(f, "workload"),
			      text(f, "allocator"));
	}
	for (k = 0; k < COUNT(fragmented); k++) {
		for (a = 0; a < COUNT(ours); a++) {
			bool found = false;

			json_array_foreach(list, i, f)
				found |= !strcmp(text(f, "workload"), fragmented[k]) &&
					 !strcmp(text(f, "allocator"), ours[a]);
			if (!found)
				wrong("no fragmentation for %s, %s", fragmented[k], ours[a]);
		}
	}
}

int main(int argc, char **argv)
{
	const json_t *rows;
	json_error_t error;
	json_t *root;
	size_t w, a;
	int i;

	if (argc < 3)
		wrong("usage: bench-check-json FILE THREADS...");
	root = json_load_file(argv[1], JSON_REJECT_DUPLICATES, &error);
	if (!root)
		wrong("%s:%d: %s", argv[1], error.line, error.text);
	CHECK(root, "the file", "machine:o", "floors:o", "rows:a", "fragmentation:a",
	      "metadata_bytes_per_page:r", "init_ms:o");
	CHECK(json_object_get(root, "floors"), "floors", "lifo_pair:r", "call_pair:r", "cas:r",
	      "trylock_pair:r", "chase_4mib:r");
	CHECK(json_object_get(root, "init_ms"), "init_ms", "4GiB:r", "64GiB:r", "1TiB:r");
	rows = json_object_get(root, "rows");
	check_rows(rows);
	check_fragments(json_object_get(root, "fragmentation"));
	for (i = 2; i < argc; i++)
		for (w = 0; w < COUNT(timed); w++)
			for (a = 0; a < COUNT(ours); a++)
				if (strcmp(timed[w], "cross") || atoi(argv[i]) % 2 == 0)
					find_row(rows, timed[w], ours[a], atoi(argv[i]));
	printf("%zu rows\n", json_array_size(rows));
	json_decref(root);
	return 0;
}
