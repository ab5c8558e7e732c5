/* SPDX-License-Identifier: MIT */
/*
 * bench-stress: correctness under speed. One thread per CPU and two more allocate
 * and free blocks of random orders, their own and each other's, while another
 * thread moves them between CPUs, interrupts them by signals, and drains the
 * lists under their feet. Every page carries its owner's stamp; at the end no
 * page may be lost and pb_validate() must hold.
 *
 * The stamps are relaxed on purpose: whatever orders one owner's accesses before
 * the next one's must come from the library. ThreadSanitizer sees that by the
 * plain word that each owner writes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <pagebuddy/pagebuddy.h>

#include "backend.h"

#define FIRST_PFN 0x100000ull
#define MAX_THREADS 256
#define SLOTS 1024    /* blocks that change hands */
#define MAX_HELD 4096 /* blocks that one thread keeps */
#define MAX_ORDER 9
#define BULK 16

/* Operations, at the least, from one disturbance to the next. */
#define MIGRATE_EVERY 16
#define DRAIN_EVERY 64

struct held {
	struct pb_page *page;
	unsigned int order;
};

struct worker {
	pthread_t id;
	u64 rng;
	u64 operations;     /* allocations and frees to do */
	u64 done, failures; /* its own; atomic, since the disturbers look */
	struct held held[MAX_HELD];
	unsigned int count;
	u64 pages; /* in held */
} __attribute__((aligned(64)));

static struct options {
	const char *variant;
	u64 operations; /* of all threads together */
	u64 pages;
	u64 seed;
	unsigned int threads;
	unsigned int cpus; /* that the pool is made for */
} options = { .variant = "pagebuddy", .operations = 100000000, .pages = 1 << 16, .seed = 1 };

static struct pb_pool pool;
static struct pb_page *page_zero; /* of frame 0, the others behind it */
static u64 frames;
static u64 *stamps;      /* [frames], atomic; 0: nobody's */
static u32 *content;     /* [frames], plain: its owner's */
static u64 slots[SLOTS]; /* atomic: frame << 8 | order, plus one; 0: empty */
static struct worker *workers;
static unsigned int running; /* atomic */
static u64 signals_seen;     /* atomic */
static cpu_set_t all_cpus;

u64 bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void __attribute__((noreturn)) fail(const char *what, u64 frame, unsigned int order)
{
	fprintf(stderr, "bench-stress: frame %#llx, order %u: %s (--seed %llu)\n",
		(unsigned long long)frame, order, what, (unsigned long long)options.seed);
	_exit(3);
}

static u64 next(struct worker *w)
{
	w->rng = w->rng * 6364136223846793005ull + 1442695040888963407ull;
	return w->rng >> 32;
}

static u64 frame_of(const struct pb_page *page)
{
	return page - page_zero;
}

static u64 stamp_of(u64 frame, unsigned int order)
{
	return (frame << 8 | order) + 1;
}

/* Adds to a count that only this thread changes. */
static void count(u64 *counter, u64 add)
{
	__atomic_store_n(counter, *counter + add, __ATOMIC_RELAXED);
}

static void take(struct worker *w, struct pb_page *page, unsigned int order)
{
	u64 frame = frame_of(page), i;

	if (frame + (1ull << order) > frames || pb_page_to_pfn(&pool, page) % (1ull << order))
		fail("is not a block of this pool", frame, order);
	for (i = 0; i < 1ull << order; i++)
		if (__atomic_exchange_n(&stamps[frame + i], stamp_of(frame, order),
					__ATOMIC_RELAXED))
			fail("was handed out while it has an owner", frame + i, order);
	content[frame] = w - workers;
	count(&w->done, 1);
}

/* Right before the free, which hands the frames on. */
static void untake(struct pb_page *page, unsigned int order)
{
	u64 frame = frame_of(page), i;

	for (i = 0; i < 1ull << order; i++)
		if (__atomic_exchange_n(&stamps[frame + i], 0, __ATOMIC_RELAXED) !=
		    stamp_of(frame, order))
			fail("lost its owner's stamp", frame + i, order);
}

static void give(struct worker *w, struct pb_page *page, unsigned int order)
{
	content[frame_of(page)] = w - workers;
	untake(page, order);
	if (pb_free_pages(&pool, page, order))
		fail("could not be freed", frame_of(page), order);
	count(&w->done, 1);
}

static void release(struct worker *w)
{
	unsigned int i;

	if (!w->count)
		return;
	i = next(w) % w->count;
	w->pages -= 1ull << w->held[i].order;
	give(w, w->held[i].page, w->held[i].order);
	w->held[i] = w->held[--w->count];
}

/* One more block, as long as the thread has not its share; else one less. */
static void allocate(struct worker *w, u64 share)
{
	unsigned int order = __builtin_ctzll(next(w) | 1u << MAX_ORDER);
	struct pb_page *page;

	if (w->count == MAX_HELD || w->pages + (1ull << order) > share) {
		release(w);
		return;
	}
	page = pb_alloc_pages(&pool, PB_GFP_KERNEL, order);
	if (!page) {
		count(&w->failures, 1);
		return;
	}
	take(w, page, order);
	w->held[w->count++] = (struct held){ page, order };
	w->pages += 1ull << order;
}

/* Put one of one's own into a slot; what was there is now one's own, and is freed. */
static void exchange(struct worker *w)
{
	struct held *mine;
	u64 old;

	if (!w->count)
		return;
	mine = &w->held[--w->count];
	w->pages -= 1ull << mine->order;
	/* AcqRel: pairs with itself in the thread that the block goes to. */
	old = __atomic_exchange_n(&slots[next(w) % SLOTS],
				  stamp_of(frame_of(mine->page), mine->order), __ATOMIC_ACQ_REL);
	if (old)
		give(w, &page_zero[(old - 1) >> 8], (old - 1) & 0xff);
}

static void bulk(struct worker *w)
{
	struct pb_page *pages[BULK];
	size_t n, i;

	n = pb_alloc_pages_bulk(&pool, PB_GFP_KERNEL, 0, BULK, pages);
	for (i = 0; i < n; i++)
		take(w, pages[i], 0);
	for (i = 0; i < n; i++)
		untake(pages[i], 0);
	count(&w->done, n);
	if (pb_free_bulk(&pool, 0, n, pages) != n)
		fail("pb_free_bulk() did not free it", frame_of(pages[0]), 0);
}

static void *worker_main(void *arg)
{
	u64 share = options.pages / 2 / options.threads;
	struct worker *w = arg;
	u64 choice;

	while (w->done + w->failures < w->operations) {
		choice = next(w) % 64;
		if (choice < 32)
			allocate(w, share);
		else if (choice < 56)
			release(w);
		else if (choice < 63)
			exchange(w);
		else
			bulk(w);
	}
	while (w->count)
		release(w);
	/* Release: the end is seen by the disturber. */
	__atomic_fetch_sub(&running, 1, __ATOMIC_RELEASE);
	return NULL;
}

static u64 progress(void)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < options.threads; i++)
		sum += __atomic_load_n(&workers[i].done, __ATOMIC_RELAXED) +
		       __atomic_load_n(&workers[i].failures, __ATOMIC_RELAXED);
	return sum;
}

/*
 * Sleeps `ns`, and then until the workers have done `operations` since `*seen`;
 * false when they have ended. Disturbances follow the work and not the clock:
 * on a loaded machine, or in an instrumented build, the workers would do nothing
 * but be disturbed.
 */
static bool pause_for(u64 operations, long ns, u64 *seen)
{
	struct timespec pause = { 0, ns };
	u64 now;

	do {
		nanosleep(&pause, NULL);
		now = progress();
		if (pause.tv_nsec < 1000000)
			pause.tv_nsec *= 2;
	} while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) && now < *seen + operations);
	*seen = now;
	return __atomic_load_n(&running, __ATOMIC_ACQUIRE);
}

static void on_signal(int number)
{
	(void)number;
	__atomic_fetch_add(&signals_seen, 1, __ATOMIC_RELAXED);
}

/* One thread goes to another CPU, or wherever it likes; false if it has ended. */
static void migrate(pthread_t id, u64 random)
{
	int nth = random % (CPU_COUNT(&all_cpus) + 1), cpu;
	cpu_set_t set = all_cpus;

	for (cpu = 0; cpu < CPU_SETSIZE && nth; cpu++) {
		if (!CPU_ISSET(cpu, &all_cpus) || --nth)
			continue;
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
	}
	pthread_setaffinity_np(id, sizeof(set), &set);
}

/*
 * Where it may, the migrator goes first: otherwise it would wait for those whom
 * it disturbs. It never calls the library: a thread that can't be preempted would
 * spin on what a preempted one holds.
 */
static void *migrator_main(void *arg)
{
	struct sched_param param = { .sched_priority = 1 };
	struct worker self = { .rng = options.seed ^ 0x5555 };
	u64 *migrations = arg, seen = 0;

	prctl(PR_SET_TIMERSLACK, 1000);
	/* Not permitted: it disturbs less often, that is all. */
	(void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
	while (pause_for(MIGRATE_EVERY, 20000, &seen)) {
		struct worker *w = &workers[next(&self) % options.threads];

		migrate(w->id, next(&self));
		pthread_kill(w->id, SIGUSR1);
		++*migrations;
	}
	return NULL;
}

/* Until all are done: what a maintenance thread would do, all the time. */
static u64 drain(void)
{
	struct worker self = { .rng = options.seed ^ 0xaaaa };
	struct pb_pool_stat stat;
	u64 drains = 0, seen = 0;

	while (pause_for(DRAIN_EVERY, 50000, &seen)) {
		pb_drain(&pool, next(&self) % 4 ? (int)(next(&self) % options.cpus) : -1);
		pb_pcp_decay(&pool);
		pb_stats(&pool, &stat);
		drains++;
	}
	return drains;
}

static void *map(u64 bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("bench-stress: mmap");
		exit(1);
	}
	return p;
}

/* Requests that are refused are counted. */
static void no_log(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

static void make_pool(void)
{
	struct pb_region region = {
		.start_pfn = FIRST_PFN,
		.end_pfn = FIRST_PFN + options.pages,
		.zone = PB_ZONE_NORMAL,
		.kind = PB_REGION_USABLE,
	};
	struct pb_hooks hooks = { .log = no_log };
	struct pb_pool_info info;
	struct pb_config config;
	struct pb_error error;
	size_t bytes;

	pb_config_init(&config);
	config.regions = &region;
	config.nr_regions = 1;
	config.nr_cpus = options.cpus;
	config.min_free_kbytes = 0;
	if (!strcmp(options.variant, "pagebuddy-trylock"))
		config.flags |= PB_POOL_NO_RSEQ;
	else if (!strcmp(options.variant, "pagebuddy-nopcp"))
		config.flags |= PB_POOL_NO_PCP;
	else if (!strcmp(options.variant, "pagebuddy-linux"))
		config.profile = PB_PROFILE_LINUX;
	if (pb_pool_size(&config, &bytes, &error) ||
	    pb_pool_init(&pool, &config, map(bytes), bytes, true, &hooks, &error)) {
		fprintf(stderr, "bench-stress: %s\n", error.text);
		exit(1);
	}
	(void)pb_pool_info(&pool, &info);
	frames = info.frames;
	page_zero = pb_index_to_page(&pool, 0);
	stamps = map(frames * sizeof(*stamps));
	content = map(frames * sizeof(*content));
}

static u64 number(const char *text, const char *option, u64 min, u64 max)
{
	char *end;
	u64 value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || *end || end == text || strchr(text, '-') || value < min || value > max) {
		fprintf(stderr, "bench-stress: %s: '%s': expected a number from %llu to %llu\n",
			option, text, (unsigned long long)min, (unsigned long long)max);
		exit(2);
	}
	return value;
}

static void set_variant(const char *name)
{
	static const char *const names[] = { "pagebuddy", "pagebuddy-trylock", "pagebuddy-nopcp",
					     "pagebuddy-linux" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(names[i], name)) {
			options.variant = names[i];
			return;
		}
	}
	fprintf(stderr,
		"bench-stress: --variant: '%s': expected pagebuddy, pagebuddy-trylock, "
		"pagebuddy-nopcp or pagebuddy-linux\n",
		name);
	exit(2);
}

static void parse(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "variant", 1, NULL, 'v' },  { "operations", 1, NULL, 'o' },
		{ "pool-mib", 1, NULL, 'p' }, { "seed", 1, NULL, 's' },
		{ "threads", 1, NULL, 't' },  { "cpus", 1, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 'v':
			set_variant(optarg);
			break;
		case 'o':
			options.operations = number(optarg, "--operations", 1, 1ull << 50);
			break;
		case 'p':
			options.pages = number(optarg, "--pool-mib", 16, 1 << 20) << 8;
			break;
		case 's':
			options.seed = number(optarg, "--seed", 0, UINT64_MAX);
			break;
		case 't':
			options.threads = number(optarg, "--threads", 1, MAX_THREADS);
			break;
		case 'c':
			options.cpus = number(optarg, "--cpus", 1, PB_MAX_CPUS);
			break;
		default:
			fprintf(stderr, "usage: bench-stress [--variant NAME] [--operations N] "
					"[--pool-mib N] [--seed N]\n                    "
					"[--threads N] [--cpus N (that the pool is made for)]\n");
			exit(2);
		}
	}
}

static void start(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	unsigned int i;

	sigaction(SIGUSR1, &action, NULL);
	workers = map(options.threads * sizeof(*workers));
	running = options.threads;
	for (i = 0; i < options.threads; i++) {
		workers[i].rng = (options.seed * MAX_THREADS + i) * 0x9e3779b97f4a7c15ull | 1;
		workers[i].operations = options.operations / options.threads + 1;
		if (pthread_create(&workers[i].id, NULL, worker_main, &workers[i])) {
			perror("bench-stress: pthread_create");
			exit(1);
		}
	}
}

/* Nothing lost, nothing broken. */
static void check(void)
{
	struct pb_pool_stat stat;
	struct pb_error error;
	u64 i;

	for (i = 0; i < SLOTS; i++)
		if (slots[i])
			give(&workers[0], &page_zero[(slots[i] - 1) >> 8], (slots[i] - 1) & 0xff);
	for (i = 0; i < frames; i++)
		if (stamps[i])
			fail("has an owner although all was freed", i, 0);
	pb_drain(&pool, -1);
	pb_stats(&pool, &stat);
	if ((u64)stat.free != options.pages || stat.pcp) {
		fprintf(stderr, "bench-stress: %lld pages free and %lld in per-CPU lists of %llu\n",
			(long long)stat.free, (long long)stat.pcp,
			(unsigned long long)options.pages);
		exit(4);
	}
	if (pb_validate(&pool, &error)) {
		fprintf(stderr, "bench-stress: pb_validate: %s\n", error.text);
		exit(4);
	}
}

int main(int argc, char **argv)
{
	const char *seed = getenv("PB_SEED");
	u64 begin = bench_now_ns(), migrations = 0, drains, done = 0, failures = 0;
	pthread_t migrator;
	unsigned int i;

	sched_getaffinity(0, sizeof(all_cpus), &all_cpus);
	options.threads = CPU_COUNT(&all_cpus) + 2;
	options.cpus = sysconf(_SC_NPROCESSORS_CONF);
	if (seed)
		options.seed = number(seed, "PB_SEED", 0, UINT64_MAX);
	parse(argc, argv);
	make_pool();
	printf("bench-stress: %s, seed %llu, %u threads, pool for %u CPUs\n", options.variant,
	       (unsigned long long)options.seed, options.threads, options.cpus);
	fflush(stdout);
	start();
	if (pthread_create(&migrator, NULL, migrator_main, &migrations)) {
		perror("bench-stress: pthread_create");
		exit(1);
	}
	drains = drain();
	/* Before the workers: it still names their threads. */
	pthread_join(migrator, NULL);
	for (i = 0; i < options.threads; i++) {
		pthread_join(workers[i].id, NULL);
		done += workers[i].done;
		failures += workers[i].failures;
	}
	check();
	printf("bench-stress: %llu operations, %llu migrations, %llu signals, %llu drains,\n"
	       "bench-stress: %llu allocations refused, %.1f s: no page twice, none lost\n",
	       (unsigned long long)done, (unsigned long long)migrations,
	       (unsigned long long)signals_seen, (unsigned long long)drains,
	       (unsigned long long)failures, (bench_now_ns() - begin) / 1e9);
	return 0;
}
