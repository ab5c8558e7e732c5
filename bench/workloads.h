/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The workloads, as a template that is compiled once per allocator, so that the
 * allocator is called directly and not through a pointer. The same text runs in
 * user space (worker.c) and inside a user-mode Linux kernel (linux/).
 *
 * The includer defines
 *	W_FN(name)		the name of this instance of a function
 *	W_ALLOC(t, order)	one block, or NULL
 *	W_FREE(t, p, order)	give it back
 *	W_DRAIN(t)		give back what caches hold, before blocks are counted
 *	W_LOCAL(t)		declarations that hoist the allocator's context out
 *				of the loops
 * and, once, before the first inclusion: w_begin(), w_end(), w_cycles(),
 * w_pause().
 *
 * Inside a loop there is nothing but the calls, the bookkeeping that any
 * program has (a handle is stored, a handle is loaded) and, where a choice is
 * random, a multiplicative generator. `make bench` runs the same loops on an
 * allocator that only counts and prints that as the row `harness`.
 */

#ifndef W_COMMON
#define W_COMMON

#define W_CHUNK 64       /* blocks that cross hands over at once, at most */
#define W_AHEAD 8        /* random choices known in advance, to prefetch the handle */
#define W_ORDER_SHIFT 56 /* mixed and wave keep a block's order above its address */
#define W_BUCKETS 256    /* of the latency histogram: 8 to a power of two */

/* What one timed phase measured: its time goes to one of these. */
enum w_phase { W_PHASE_ALLOC, W_PHASE_FREE, W_PHASE_PAIR, W_PHASES };

/* One direction of cross: chunks of handles, written by one thread, read by another. */
struct w_ring {
	u64 head __attribute__((aligned(64))); /* chunks written; the writer's */
	u64 tail __attribute__((aligned(64))); /* chunks read; the reader's */
	u64 chunks __attribute__((aligned(64)));
	u64 chunk;   /* blocks in a chunk, <= W_CHUNK */
	void **slot; /* [chunks * chunk] */
};

/* One thread's share of one run. Nothing here is shared unless it says so. */
struct w_thread {
	void *ctx; /* the allocator's */
	void **h;  /* [cap] handles of live blocks */
	u64 cap;
	u64 rng;              /* never 0 */
	u64 n;                /* blocks, or steps, of a run */
	u64 reps;             /* bulk and rand: how often a run does it */
	u64 pages;            /* this thread's share of memory, in pages */
	unsigned int order;   /* mixed and wave: the greatest order */
	unsigned int percent; /* churn: live */
	void **slots;         /* exch: shared [nr_slots] */
	u64 nr_slots;         /* a power of two */
	unsigned int threads; /* of this run */
	struct w_ring *ring;
	bool writer; /* cross: allocates */
	unsigned int index;
	/* results */
	u64 failures;
	u64 ops[W_PHASES];
	u64 blocks;   /* churn, wave, mixed: blocks of order 9 obtainable */
	u64 possible; /* ... and of order 9 in the free pages */
	u64 hist_alloc[W_BUCKETS], hist_free[W_BUCKETS];
	u64 max_alloc, max_free; /* cycles */
	void *env;               /* the harness's */
};

static inline u64 w_rand(struct w_thread *t)
{
	t->rng = t->rng * 6364136223846793005ull + 1442695040888963407ull;
	return t->rng >> 32;
}

/* A number below n < 2^32. */
static inline u64 w_below(struct w_thread *t, u64 n)
{
	return w_rand(t) * n >> 32;
}

/* Geometric: order 0 half of the time, 1 a quarter ...; the rest goes to max. */
static inline unsigned int w_order(u64 r, unsigned int max)
{
	return __builtin_ctzll(r | 1ull << max);
}

/* The compiler must believe that the block is used. No instruction. */
#define w_use(p) __asm__ volatile("" : "+r"(p))

static inline void *w_pack(void *p, unsigned int order)
{
	return (void *)((unsigned long)p | (unsigned long)order << W_ORDER_SHIFT);
}

static inline void *w_ptr(void *packed)
{
	return (void *)((unsigned long)packed & ((1ul << W_ORDER_SHIFT) - 1));
}

static inline unsigned int w_packed_order(void *packed)
{
	return (unsigned long)packed >> W_ORDER_SHIFT;
}

static inline void w_shuffle(struct w_thread *t, void **h, u64 n)
{
	u64 i, j;
	void *tmp;

	for (i = n; i > 1; i--) {
		j = w_below(t, i);
		tmp = h[i - 1];
		h[i - 1] = h[j];
		h[j] = tmp;
	}
}

/* Bucket of a latency: 8 to a power of two. */
static inline unsigned int w_bucket(u64 cycles)
{
	unsigned int log;

	if (cycles < 8)
		return cycles;
	log = 63 - __builtin_clzll(cycles);
	log = (log - 2) * 8 + (cycles >> (log - 3) & 7);
	return log < W_BUCKETS ? log : W_BUCKETS - 1;
}
#endif /* W_COMMON */

#ifndef W_TYPES_ONLY

/* repeat: allocate one, free it. */
static void W_FN(repeat)(struct w_thread *t)
{
	unsigned int order = t->order;
	u64 i, n = t->n, failures = 0;
	void *p;
	W_LOCAL(t);

	w_begin(t);
	for (i = 0; i < n; i++) {
		p = W_ALLOC(t, order);
		w_use(p);
		if (__builtin_expect(!p, 0)) {
			failures++;
			continue;
		}
		W_FREE(t, p, order);
	}
	w_end(t, W_PHASE_PAIR);
	t->ops[W_PHASE_PAIR] += n;
	t->failures += failures;
}

static u64 W_FN(fill)(struct w_thread *t)
{
	unsigned int order = t->order;
	u64 i, n = t->n, k = 0;
	void **h = t->h, *p;
	W_LOCAL(t);

	w_begin(t);
	for (i = 0; i < n; i++) {
		p = W_ALLOC(t, order);
		h[k] = p;
		k += p != NULL;
	}
	w_end(t, W_PHASE_ALLOC);
	t->ops[W_PHASE_ALLOC] += n;
	t->failures += n - k;
	return k;
}

static void W_FN(empty)(struct w_thread *t, u64 n)
{
	unsigned int order = t->order;
	void **h = t->h;
	u64 i;
	W_LOCAL(t);

	w_begin(t);
	for (i = 0; i < n; i++)
		W_FREE(t, h[i], order);
	w_end(t, W_PHASE_FREE);
	t->ops[W_PHASE_FREE] += n;
}

/* bulk: allocate many, free them in the same order. */
static void W_FN(bulk)(struct w_thread *t)
{
	u64 rep;

	for (rep = 0; rep < t->reps; rep++)
		W_FN(empty)(t, W_FN(fill)(t));
}

/* rand: allocate all, free them shuffled. */
static void W_FN(rand)(struct w_thread *t)
{
	u64 rep, k;

	for (rep = 0; rep < t->reps; rep++) {
		k = W_FN(fill)(t);
		w_shuffle(t, t->h, k);
		W_FN(empty)(t, k);
	}
}

/* Live blocks of mixed and wave, and the pages in them. */
#ifndef W_HEAP
#define W_HEAP
struct w_heap {
	u64 count;
	u64 pages;
};
#endif

/* One block of a random order into the heap. */
static void W_FN(heap_add)(struct w_thread *t, struct w_heap *heap)
{
	unsigned int order = w_order(w_rand(t), t->order);
	void *p;
	W_LOCAL(t);

	p = W_ALLOC(t, order);
	if (!p) {
		t->failures++;
		return;
	}
	t->h[heap->count++] = w_pack(p, order);
	heap->pages += 1ull << order;
}

/* A random block out of the heap. */
static void W_FN(heap_remove)(struct w_thread *t, struct w_heap *heap)
{
	u64 i = w_below(t, heap->count);
	void *packed = t->h[i];
	W_LOCAL(t);

	t->h[i] = t->h[--heap->count];
	heap->pages -= 1ull << w_packed_order(packed);
	W_FREE(t, w_ptr(packed), w_packed_order(packed));
}

static void W_FN(heap_clear)(struct w_thread *t, struct w_heap *heap)
{
	void *packed;
	W_LOCAL(t);

	while (heap->count) {
		packed = t->h[--heap->count];
		W_FREE(t, w_ptr(packed), w_packed_order(packed));
	}
	heap->pages = 0;
}

/* The steps of mixed. The next choices are known in advance, so that the handle
   is there when it is needed: it is the allocator that is measured. */
static void W_FN(mixed_steps)(struct w_thread *t, struct w_heap *heap)
{
	u64 low = t->pages * 79 / 100, high = t->pages * 81 / 100;
	u64 next[W_AHEAD], i, r, j, n = t->n, failures = 0;
	u64 count = heap->count, pages = heap->pages;
	unsigned int order, max = t->order;
	void **h = t->h, *p, *packed;
	W_LOCAL(t);

	for (i = 0; i < W_AHEAD; i++)
		next[i] = w_rand(t);
	w_begin(t);
	for (i = 0; i < n; i++) {
		r = next[i % W_AHEAD];
		next[i % W_AHEAD] = w_rand(t);
		__builtin_prefetch(&h[next[i % W_AHEAD] * count >> 32], 1);
		if (pages > high || (pages > low && r & 1)) {
			j = r * count >> 32;
			packed = h[j];
			h[j] = h[--count];
			order = w_packed_order(packed);
			pages -= 1ull << order;
			W_FREE(t, w_ptr(packed), order);
			continue;
		}
		order = w_order(r >> 1, max);
		p = W_ALLOC(t, order);
		if (__builtin_expect(!p, 0)) {
			failures++;
			continue;
		}
		h[count++] = w_pack(p, order);
		pages += 1ull << order;
	}
	w_end(t, W_PHASE_PAIR);
	t->ops[W_PHASE_PAIR] += n / 2;
	t->failures += failures;
	heap->count = count;
	heap->pages = pages;
}

/* How many blocks of order 9 the free memory still gives, of how many it could. */
static void W_FN(count)(struct w_thread *t, u64 live, u64 live_pages)
{
	u64 got = 0, room = t->cap - live;
	void *p;
	W_LOCAL(t);

	t->possible = (t->pages - live_pages) >> 9;
	W_DRAIN(t);
	while (got < room && got < t->possible) {
		p = W_ALLOC(t, 9);
		if (!p)
			break;
		t->h[live + got++] = p;
	}
	t->blocks = got;
	while (got)
		W_FREE(t, t->h[live + --got], 9);
}

/* mixed: 80 % full, allocate or free at random, orders geometric. */
static void W_FN(mixed)(struct w_thread *t)
{
	struct w_heap heap = { 0, 0 };
	u64 tries = 0;

	while (heap.pages < t->pages / 100 * 80 && tries++ < t->pages)
		W_FN(heap_add)(t, &heap);
	W_FN(mixed_steps)(t, &heap);
	if (t->percent)
		W_FN(count)(t, heap.count, heap.pages);
	W_FN(heap_clear)(t, &heap);
}

/* exch: swap a new block into a random slot that all threads share, free what was
   there. The slots are filled before the clock starts. */
static void W_FN(exch)(struct w_thread *t)
{
	u64 next[W_AHEAD], i, r, n = t->n, mask = t->nr_slots - 1, failures = 0;
	unsigned int order = t->order;
	void **slots = t->slots, *p;
	W_LOCAL(t);

	for (i = t->index; i < t->nr_slots; i += t->threads) {
		if (!slots[i])
			slots[i] = W_ALLOC(t, order);
		failures += !slots[i];
	}
	for (i = 0; i < W_AHEAD; i++)
		next[i] = w_rand(t) & mask;
	w_begin(t);
	for (i = 0; i < n; i++) {
		r = next[i % W_AHEAD];
		next[i % W_AHEAD] = w_rand(t) & mask;
		__builtin_prefetch(&slots[next[i % W_AHEAD]], 1);
		p = W_ALLOC(t, order);
		if (__builtin_expect(!p, 0)) {
			failures++;
			continue;
		}
		/* AcqRel: pairs with itself in the other threads; a block's content goes along. */
		p = __atomic_exchange_n(&slots[r], p, __ATOMIC_ACQ_REL);
		if (p)
			W_FREE(t, p, order);
	}
	w_end(t, W_PHASE_PAIR);
	t->ops[W_PHASE_PAIR] += n;
	t->failures += failures;
}

/* After exch: one thread empties the slots. */
static void W_FN(exch_end)(struct w_thread *t)
{
	u64 i;
	W_LOCAL(t);

	for (i = 0; i < t->nr_slots; i++) {
		if (t->slots[i])
			W_FREE(t, t->slots[i], t->order);
		t->slots[i] = NULL;
	}
}

#ifndef W_ONE_CPU /* cross needs two */
static void W_FN(cross_write)(struct w_thread *t)
{
	struct w_ring *ring = t->ring;
	u64 i, head = ring->head, total = t->n / ring->chunk, failures = 0;
	unsigned int order = t->order;
	void **slot;
	W_LOCAL(t);

	for (; total; total--, head++) {
		/* Acquire: pairs with the release of tail in cross_read(). */
		while (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) == ring->chunks)
			w_pause();
		slot = &ring->slot[head % ring->chunks * ring->chunk];
		for (i = 0; i < ring->chunk; i++) {
			slot[i] = W_ALLOC(t, order);
			failures += !slot[i];
		}
		/* Release: pairs with the acquire of head in cross_read(). */
		__atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
	}
	t->failures += failures;
}

static void W_FN(cross_read)(struct w_thread *t)
{
	struct w_ring *ring = t->ring;
	u64 i, tail = ring->tail, total = t->n / ring->chunk;
	unsigned int order = t->order;
	void **slot;
	W_LOCAL(t);

	for (; total; total--, tail++) {
		/* Acquire: pairs with the release of head in cross_write(). */
		while (__atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) == tail)
			w_pause();
		slot = &ring->slot[tail % ring->chunks * ring->chunk];
		for (i = 0; i < ring->chunk; i++) {
			if (slot[i])
				W_FREE(t, slot[i], order);
		}
		/* Release: pairs with the acquire of tail in cross_write(). */
		__atomic_store_n(&ring->tail, tail + 1, __ATOMIC_RELEASE);
	}
}

/* cross: one thread allocates, another frees. */
static void W_FN(cross)(struct w_thread *t)
{
	w_begin(t);
	if (t->writer)
		W_FN(cross_write)(t);
	else
		W_FN(cross_read)(t);
	w_end(t, W_PHASE_PAIR);
	t->ops[W_PHASE_PAIR] += t->n / t->ring->chunk * t->ring->chunk;
}
#endif

/* churn N: all as order 0, free at random down to N %, then 100 times free and allocate 10 %. */
static void W_FN(churn)(struct w_thread *t)
{
	struct w_heap heap = { 0, 0 };
	u64 i, live, tenth;
	unsigned int round;

	t->order = 0;
	for (i = 0; i < t->pages; i++)
		W_FN(heap_add)(t, &heap);
	live = heap.count * t->percent / 100;
	while (heap.count > live)
		W_FN(heap_remove)(t, &heap);
	tenth = live / 10;
	for (round = 0; round < 100; round++) {
		for (i = 0; i < tenth; i++)
			W_FN(heap_remove)(t, &heap);
		for (i = 0; i < tenth; i++)
			W_FN(heap_add)(t, &heap);
	}
	W_FN(count)(t, heap.count, heap.pages);
	W_FN(heap_clear)(t, &heap);
}

/* wave: 10 times fill to 95 %, free at random to `percent`. */
static void W_FN(wave)(struct w_thread *t)
{
	struct w_heap heap = { 0, 0 };
	unsigned int round;
	u64 tries;

	for (round = 0; round < 10; round++) {
		tries = 0;
		while (heap.pages < t->pages / 100 * 95 && tries++ < 2 * t->pages)
			W_FN(heap_add)(t, &heap);
		while (heap.pages > t->pages / 100 * t->percent)
			W_FN(heap_remove)(t, &heap);
	}
	W_FN(count)(t, heap.count, heap.pages);
	W_FN(heap_clear)(t, &heap);
}

/* mixed, each operation timed: the longest of t->n, and how they are spread. */
static void W_FN(longest)(struct w_thread *t)
{
	u64 i, start, cycles;
	struct w_heap heap = { 0, 0 };
	unsigned int order;
	void *p;
	W_LOCAL(t);

	while (heap.pages < t->pages / 100 * 80)
		W_FN(heap_add)(t, &heap);
	t->failures = 0;
	for (i = 0; i < t->n; i++) {
		if (heap.pages > t->pages / 100 * 81 ||
		    (heap.pages > t->pages / 100 * 79 && w_rand(t) & 1)) {
			u64 j = w_below(t, heap.count);

			p = t->h[j];
			t->h[j] = t->h[--heap.count];
			order = w_packed_order(p);
			heap.pages -= 1ull << order;
			start = w_cycles();
			W_FREE(t, w_ptr(p), order);
			cycles = w_cycles() - start;
			t->hist_free[w_bucket(cycles)]++;
			t->max_free = cycles > t->max_free ? cycles : t->max_free;
			continue;
		}
		order = w_order(w_rand(t), t->order);
		start = w_cycles();
		p = W_ALLOC(t, order);
		cycles = w_cycles() - start;
		t->hist_alloc[w_bucket(cycles)]++;
		t->max_alloc = cycles > t->max_alloc ? cycles : t->max_alloc;
		if (!p) {
			t->failures++;
			continue;
		}
		t->h[heap.count++] = w_pack(p, order);
		heap.pages += 1ull << order;
	}
	W_FN(heap_clear)(t, &heap);
}
#endif /* W_TYPES_ONLY */
