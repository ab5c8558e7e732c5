/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "machine.h"

#define STACK_BYTES (128 * 1024)
#define LINE_SHIFT 6
#define PIECES 4

struct line {
	uint64_t sharers; /* a bit a CPU that has it */
	uint64_t free_at; /* ps: when the last transfer is over */
	bool written;     /* the only sharer may write without asking */
};

struct piece {
	const char *start, *end;
	struct line *lines;
};

struct cpu {
	ucontext_t context;
	char *stack;
	uint64_t now;
	bool ended, stopped; /* stopped: at the barrier, or until it is woken */
};

static struct {
	struct cpu cpus[SIM_CPUS];
	ucontext_t main;
	unsigned int n, current, waiting; /* waiting: at the barrier */
	bool running;
	struct sim_cost cost;
	struct sim_counts counts;
	struct piece pieces[PIECES];
	unsigned int nr_pieces;
	void (*body)(void *arg, unsigned int cpu);
	void *arg;
} sim;

static void *zeroed(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap of the simulation");
		exit(1);
	}
	return p;
}

void sim_share(const void *start, size_t bytes)
{
	struct piece *piece = &sim.pieces[sim.nr_pieces++];

	if (sim.nr_pieces > PIECES)
		abort();
	piece->start = start;
	piece->end = piece->start + bytes;
	piece->lines = zeroed(((bytes >> LINE_SHIFT) + 2) * sizeof(struct line));
}

static struct line *find_line(const volatile void *address)
{
	const char *at = (const char *)address;

	for (unsigned int i = 0; i < sim.nr_pieces; i++) {
		const struct piece *piece = &sim.pieces[i];

		if (at >= piece->start && at < piece->end)
			return &piece->lines[((uintptr_t)at >> LINE_SHIFT) -
					     ((uintptr_t)piece->start >> LINE_SHIFT)];
	}
	return NULL;
}

/* Who is furthest behind of those that can go on; of equals the lowest number. */
static unsigned int earliest(void)
{
	unsigned int best = SIM_CPUS;

	for (unsigned int i = 0; i < sim.n; i++) {
		const struct cpu *cpu = &sim.cpus[i];

		if (!cpu->ended && !cpu->stopped &&
		    (best == SIM_CPUS || cpu->now < sim.cpus[best].now))
			best = i;
	}
	return best;
}

static void switch_to(unsigned int next)
{
	struct cpu *self = &sim.cpus[sim.current];

	sim.current = next;
	swapcontext(&self->context, &sim.cpus[next].context);
}

/* Returns when no other CPU's clock is more than `ahead` behind. */
static void let_others(uint64_t ahead)
{
	struct cpu *self = &sim.cpus[sim.current];
	unsigned int next = earliest();

	if (next != sim.current && sim.cpus[next].now + ahead < self->now)
		switch_to(next);
}

static void get_line(struct line *line, bool write)
{
	struct cpu *self = &sim.cpus[sim.current];
	uint64_t bit = 1ull << sim.current;

	let_others(0);
	if (!write && line->sharers && !line->written) {
		sim.counts.transfers++;
		self->now += sim.cost.transfer;
	} else if (line->sharers & ~bit) {
		uint64_t start = line->free_at > self->now ? line->free_at : self->now;

		sim.counts.waited += start - self->now;
		sim.counts.transfers++;
		self->now = start + sim.cost.transfer;
		line->free_at = self->now;
	}
	line->sharers = write ? bit : line->sharers | bit;
	line->written = write;
}

static bool has_line(const struct line *line, bool write)
{
	uint64_t bit = 1ull << sim.current;

	return write ? line->sharers == bit && line->written : line->sharers & bit;
}

void sim_access(const volatile void *address, bool write, bool atomic)
{
	struct line *line = sim.running ? find_line(address) : NULL;

	if (!line)
		return;
	sim.counts.accesses++;
	sim.counts.atomics += atomic;
	sim.cpus[sim.current].now += sim.cost.access + (atomic ? sim.cost.atomic : 0);
	if (has_line(line, write))
		let_others(sim.cost.ahead);
	if (!has_line(line, write)) /* or somebody was before us */
		get_line(line, write);
}

void sim_pause(void)
{
	sim.counts.pauses++;
	sim.cpus[sim.current].now += sim.cost.pause;
	let_others(0);
}

void sim_block(void)
{
	unsigned int next;

	sim.cpus[sim.current].stopped = true;
	next = earliest();
	if (next == SIM_CPUS) {
		fprintf(stderr, "simulation: CPU %u waits, and nobody can wake it\n", sim.current);
		abort();
	}
	switch_to(next);
}

void sim_wake(unsigned int number)
{
	struct cpu *cpu = &sim.cpus[number];
	uint64_t now = sim.cpus[sim.current].now + sim.cost.transfer;

	sim.counts.transfers++;
	cpu->stopped = false;
	cpu->now = cpu->now > now ? cpu->now : now;
}

void sim_barrier(void)
{
	struct cpu *self = &sim.cpus[sim.current];
	uint64_t latest = 0;

	if (++sim.waiting < sim.n) {
		self->stopped = true;
		switch_to(earliest());
		return;
	}
	sim.waiting = 0;
	for (unsigned int i = 0; i < sim.n; i++)
		if (sim.cpus[i].now > latest)
			latest = sim.cpus[i].now;
	for (unsigned int i = 0; i < sim.n; i++) {
		sim.cpus[i].now = latest;
		sim.cpus[i].stopped = false;
	}
}

static void cpu_main(void)
{
	struct cpu *self = &sim.cpus[sim.current];
	unsigned int next;

	sim.body(sim.arg, sim.current);
	self->ended = true;
	next = earliest();
	if (next == SIM_CPUS)
		setcontext(&sim.main);
	sim.current = next;
	setcontext(&sim.cpus[next].context);
}

void sim_run(unsigned int n, const struct sim_cost *cost, void (*body)(void *arg, unsigned int cpu),
	     void *arg)
{
	sim.n = n;
	sim.cost = *cost;
	sim.body = body;
	sim.arg = arg;
	memset(&sim.counts, 0, sizeof(sim.counts));
	for (unsigned int i = 0; i < n; i++) {
		struct cpu *cpu = &sim.cpus[i];

		if (!cpu->stack)
			cpu->stack = zeroed(STACK_BYTES);
		cpu->now = 0;
		cpu->ended = cpu->stopped = false;
		getcontext(&cpu->context);
		cpu->context.uc_stack.ss_sp = cpu->stack;
		cpu->context.uc_stack.ss_size = STACK_BYTES;
		makecontext(&cpu->context, cpu_main, 0);
	}
	for (unsigned int i = 0; i < sim.nr_pieces; i++) {
		const struct piece *piece = &sim.pieces[i];
		size_t lines = (size_t)(piece->end - piece->start) >> LINE_SHIFT;

		for (size_t k = 0; k < lines + 1; k++)
			if (piece->lines[k].free_at)
				piece->lines[k].free_at = 0;
	}
	sim.waiting = 0;
	sim.current = 0;
	sim.running = true;
	swapcontext(&sim.main, &sim.cpus[0].context);
	sim.running = false;
}

unsigned int sim_cpu(void)
{
	return sim.running ? sim.current : 0;
}

uint64_t sim_now(void)
{
	return sim.cpus[sim.current].now;
}

bool sim_running(void)
{
	return sim.running;
}

struct sim_counts sim_counts(void)
{
	return sim.counts;
}
