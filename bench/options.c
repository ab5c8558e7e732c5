/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const char *const all_workloads[] = {
	"repeat", "bulk", "rand",    "mixed",    "exch", "cross",
	"churn",  "wave", "longest", "lockhold", "init",
};

static const char *const all_allocators[] = {
	"pagebuddy",
	"pagebuddy-trylock",
	"pagebuddy-nopcp",
	"pagebuddy-linux",
	"mimalloc",
	"jemalloc",
	"tcmalloc",
	"glibc",
	"mmap",
	"harness",
	/* by name only */
	"pagebuddy-cids",
	"pagebuddy-hardened",
	"pagebuddy-quarantine-64",
	"pagebuddy-quarantine-1024",
};

#define BY_NAME_ONLY 4u /* at the end of them */

#define MAX_SEEDS 7u /* to count blocks with: it takes minutes as it is */

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char usage[] =
	"usage: pagebuddy-bench [OPTION]...\n"
	"\n"
	"Measures page allocators beside each other: pagebuddy in its variants, and what\n"
	"else one could use. Without options everything, in a quarter of an hour.\n"
	"\n"
	"  --workload LIST    of repeat,bulk,rand,mixed,exch,cross,churn,wave,longest,\n"
	"                     lockhold,init (default: all)\n"
	"  --orders LIST      default 0,1,3,5,9\n"
	"  --threads LIST     default 1 and one per CPU\n"
	"  --allocators LIST  of pagebuddy,pagebuddy-trylock,pagebuddy-nopcp,\n"
	"                     pagebuddy-linux,mimalloc,jemalloc,tcmalloc,glibc,mmap,\n"
	"                     harness (the loops alone) (default: all of these);\n"
	"                     pagebuddy-cids,pagebuddy-hardened,\n"
	"                     pagebuddy-quarantine-64,pagebuddy-quarantine-1024\n"
	"  --linux PROGRAM    Linux's own allocator too: the user-mode Linux that\n"
	"                     `make bench-linux` builds\n"
	"  --plug FILE        another allocator too: a shared library with the five\n"
	"                     functions of bench/plug.h; may be given 8 times\n"
	"  --quick            under a minute: 3 runs, orders 0 and 9, 512 MiB\n"
	"  --runs N           of which the median is taken (default 7)\n"
	"  --target-ms N      length of a run (default 10)\n"
	"  --pool-mib N       memory to manage (default 4096)\n"
	"  --seed N           of the random workloads (default: PB_SEED, or 1)\n"
	"  --verify           stamp and check every page; the times mean nothing then\n"
	"  --json FILE        write the figures\n"
	"  --tsv FILE         write them for gnuplot, with least and greatest\n"
	"  --workers DIR      where the worker programs are\n"
	"  --help\n";

static void __attribute__((noreturn))
bad(const char *option, const char *text, const char *expected)
{
	fprintf(stderr, "pagebuddy-bench: %s: '%s': expected %s\n", option, text, expected);
	exit(2);
}

static uint64_t number(const char *option, const char *text, uint64_t min, uint64_t max)
{
	char expected[64];
	uint64_t value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || *end || end == text || strchr(text, '-') || value < min || value > max) {
		snprintf(expected, sizeof(expected), "a number from %llu to %llu",
			 (unsigned long long)min, (unsigned long long)max);
		bad(option, text, expected);
	}
	return value;
}

/* The names of a comma-separated list, each of which must be in `known`. */
static unsigned int names(const char *option, char *text, const char **list,
			  const char *const *known, size_t nr_known)
{
	unsigned int n = 0;
	size_t i;
	char *name;

	while ((name = strsep(&text, ","))) {
		for (i = 0; i < nr_known && strcmp(known[i], name); i++)
			;
		if (i == nr_known)
			bad(option, name, "one of the names that --help lists");
		if (n == MAX_LIST)
			bad(option, name, "no more than 32 names");
		list[n++] = known[i];
	}
	return n;
}

static unsigned int numbers(const char *option, char *text, unsigned int *list, uint64_t min,
			    uint64_t max)
{
	unsigned int n = 0;
	char *item;

	while ((item = strsep(&text, ","))) {
		if (n == MAX_LIST)
			bad(option, item, "no more than 32 numbers");
		list[n++] = number(option, item, min, max);
	}
	return n;
}

static unsigned int usable_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
}

static void set_defaults(struct options *o)
{
	const char *seed = getenv("PB_SEED");
	size_t i;

	*o = (struct options){ .runs = 7,
			       .seeds = MAX_SEEDS,
			       .target_ms = 10,
			       .enough_ms = 2000, /* mmap takes seconds for one run */
			       .pages = 1 << 20,
			       .seed = 1 };
	if (seed)
		o->seed = number("PB_SEED", seed, 0, UINT64_MAX);
	for (i = 0; i < COUNT(all_workloads); i++)
		o->workloads[o->nr_workloads++] = all_workloads[i];
	for (i = 0; i < COUNT(all_allocators) - BY_NAME_ONLY; i++)
		o->allocators[o->nr_allocators++] = all_allocators[i];
	o->nr_orders = 5;
	memcpy(o->orders, (unsigned int[]){ 0, 1, 3, 5, 9 }, 5 * sizeof(*o->orders));
	o->threads[o->nr_threads++] = 1;
	if (usable_cpus() > 1)
		o->threads[o->nr_threads++] = usable_cpus();
}

/* What --quick changes can be changed again by options after it. */
static void set_quick(struct options *o)
{
	o->quick = true;
	o->runs = 3;
	o->seeds = 1;
	o->enough_ms = 250;
	o->target_ms = 3;
	o->pages = 1 << 17;
	o->nr_orders = 2;
	o->orders[0] = 0;
	o->orders[1] = 9;
}

/* The options that take numbers; false: it is another. */
static bool parse_number(struct options *o, int c, char *arg)
{
	switch (c) {
	case 'o':
		o->nr_orders = numbers("--orders", arg, o->orders, 0, 10);
		return true;
	case 't':
		o->nr_threads = numbers("--threads", arg, o->threads, 1, 256);
		return true;
	case 'r':
		o->runs = number("--runs", arg, 1, 101);
		o->seeds = o->runs < MAX_SEEDS ? o->runs : MAX_SEEDS;
		return true;
	case 'm':
		o->target_ms = number("--target-ms", arg, 1, 60000);
		return true;
	case 'p':
		o->pages = number("--pool-mib", arg, 16, 1 << 22) << 8;
		return true;
	case 's':
		o->seed = number("--seed", arg, 0, UINT64_MAX);
		return true;
	default:
		return false;
	}
}

/* The row is called like the file, without its folder and its end. */
static void add_plug(struct options *o, const char *arg)
{
	const char *slash = strrchr(arg, '/'), *name = slash ? slash + 1 : arg;
	struct plug_option *plug = &o->plugs[o->nr_plugs];
	int length = (int)strcspn(name, ".");
	size_t i;

	if (o->nr_plugs == MAX_PLUGS)
		bad("--plug", arg, "no more than 8 of them");
	if (!length || length >= NAME_LEN)
		bad("--plug", arg, "a file whose name has 1 to 31 characters before the dot");
	snprintf(plug->name, sizeof(plug->name), "%.*s", length, name);
	for (i = 0; i < COUNT(all_allocators); i++)
		if (!strcmp(plug->name, all_allocators[i]))
			bad("--plug", arg, "a file that isn't called like another row");
	if (options_plug(o, plug->name) || allocator_is_ours(plug->name))
		bad("--plug", arg, "a file that isn't called like another row");
	plug->path = realpath(arg, NULL);
	if (!plug->path)
		bad("--plug", arg, "a shared library that can be read");
	o->nr_plugs++;
}

/* Whatever --allocators says, plugged ones are wanted: behind the first row. */
static void add_plugged(struct options *o)
{
	unsigned int i, at = o->nr_allocators ? 1 : 0;

	for (i = 0; i < o->nr_plugs; i++, at++) {
		if (o->nr_allocators == MAX_LIST)
			bad("--allocators", o->plugs[i].name, "no more than 32 names");
		memmove(&o->allocators[at + 1], &o->allocators[at],
			(o->nr_allocators - at) * sizeof(*o->allocators));
		o->allocators[at] = o->plugs[i].name;
		o->nr_allocators++;
	}
}

/* The options that name something. */
static bool parse_name(struct options *o, int c, char *arg)
{
	switch (c) {
	case 'w':
		o->nr_workloads = names("--workload", arg, o->workloads, all_workloads,
					COUNT(all_workloads));
		return true;
	case 'a':
		o->nr_allocators = names("--allocators", arg, o->allocators, all_allocators,
					 COUNT(all_allocators));
		return true;
	case 'j':
		o->json = arg;
		return true;
	case 'T':
		o->tsv = arg;
		return true;
	case 'l':
		o->linux_um = arg;
		return true;
	case 'P':
		add_plug(o, arg);
		return true;
	case 'd':
		o->workers = arg;
		return true;
	default:
		return false;
	}
}

static void parse_one(struct options *o, int c, char *arg)
{
	if (parse_number(o, c, arg) || parse_name(o, c, arg))
		return;
	if (c == 'q') {
		set_quick(o);
	} else if (c == 'V') {
		o->verify = true;
		o->seeds = 1;
	} else if (c == 'h') {
		fputs(usage, stdout);
		exit(0);
	} else {
		fputs("pagebuddy-bench: --help lists the options\n", stderr);
		exit(2);
	}
}

void options_parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "workload", 1, NULL, 'w' },  { "allocators", 1, NULL, 'a' },
		{ "orders", 1, NULL, 'o' },    { "threads", 1, NULL, 't' },
		{ "quick", 0, NULL, 'q' },     { "runs", 1, NULL, 'r' },
		{ "target-ms", 1, NULL, 'm' }, { "pool-mib", 1, NULL, 'p' },
		{ "seed", 1, NULL, 's' },      { "verify", 0, NULL, 'V' },
		{ "json", 1, NULL, 'j' },      { "tsv", 1, NULL, 'T' },
		{ "linux", 1, NULL, 'l' },     { "workers", 1, NULL, 'd' },
		{ "plug", 1, NULL, 'P' },      { "help", 0, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	set_defaults(o);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		parse_one(o, c, optarg);
	add_plugged(o);
	if (optind < argc)
		bad("argument", argv[optind], "options only");
}

bool options_wants(const struct options *o, const char *workload)
{
	unsigned int i;

	for (i = 0; i < o->nr_workloads; i++)
		if (!strcmp(o->workloads[i], workload))
			return true;
	return false;
}

bool allocator_is_ours(const char *name)
{
	return !strncmp(name, "pagebuddy", strlen("pagebuddy"));
}

const char *options_plug(const struct options *o, const char *allocator)
{
	unsigned int i;

	for (i = 0; i < o->nr_plugs; i++)
		if (!strcmp(o->plugs[i].name, allocator))
			return o->plugs[i].path;
	return NULL;
}
