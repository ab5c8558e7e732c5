/* SPDX-License-Identifier: MIT */
/*
 * Coroutines and the schedules over them. A run is determined by its choices:
 * at each point, which of the threads that can go on does. trail[] holds the
 * choices of the run; the next run repeats all but the last that has another
 * alternative within the bound.
 */
#include "test_port.h"

#include <pagebuddy/pagebuddy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define STACK_BYTES (256 * 1024)

struct coroutine {
	ucontext_t context;
	char *stack;
	bool ended;
	uint32_t task;         /* pb_platform_task() */
	const uint32_t *waits; /* lock word it needs, or NULL */
};

struct choice {
	uint8_t chosen;           /* thread */
	uint8_t enabled;          /* bit per thread that could go on */
	uint8_t tried;            /* bit per thread already explored here */
	uint8_t previous;         /* thread that ran before */
	unsigned int preemptions; /* before this choice */
};

static struct {
	const struct pb_test_scenario *scenario;
	struct coroutine threads[PB_TEST_THREADS];
	ucontext_t main;
	bool active;
	unsigned int current;
	unsigned int bound;
	struct choice trail[PB_TEST_CHOICES];
	unsigned int depth;  /* choices made in this run */
	unsigned int prefix; /* choices to repeat */
	enum pb_test_verdict verdict;
	unsigned long contended;
} sched;

static uint32_t plain_cpu;
struct pb_test_counts pb_test_counts;

void pb_test_set_cpu(uint32_t cpu)
{
	plain_cpu = cpu;
}

void pb_test_reset_counts(void)
{
	memset(&pb_test_counts, 0, sizeof(pb_test_counts));
}

/* -------------------------------------------------------------- interrupts */

#define RELAXES_MAX 1000 /* of a handler: it waits for what it interrupted */

static struct {
	struct pb_test_interrupt *armed;
	unsigned long places;
	unsigned int depth; /* locks and critical sections that mask */
	bool critical, in_handler;
	unsigned long relaxes;
} interrupts;

void (*pb_test_masked)(bool masked);

void pb_test_interrupt(struct pb_test_interrupt *interrupt)
{
	interrupts.armed = interrupt;
	interrupts.places = 0;
}

/* One of the places where an interrupt may come. */
static void place(void)
{
	struct pb_test_interrupt *armed = interrupts.armed;

	if (!armed || interrupts.depth || interrupts.in_handler || interrupts.places++ != armed->at)
		return;
	interrupts.in_handler = true;
	interrupts.relaxes = 0;
	armed->handler(armed->ctx);
	armed->done = true;
	interrupts.in_handler = false;
}

static void mask(void)
{
	if (sched.active)
		return;
	place();
	if (!interrupts.depth++ && pb_test_masked)
		pb_test_masked(true);
}

static void unmask(void)
{
	if (sched.active)
		return;
	if (!--interrupts.depth && pb_test_masked)
		pb_test_masked(false);
	place();
}

void pb_test_step_aside(struct pb_test_context *before)
{
	*before = (struct pb_test_context){ interrupts.depth, interrupts.critical };
	interrupts.depth = 0;
	interrupts.critical = false;
}

void pb_test_come_back(const struct pb_test_context *before)
{
	interrupts.depth = before->depth;
	interrupts.critical = before->critical;
}

static void check_handler_waits(void)
{
	if (!interrupts.in_handler || ++interrupts.relaxes < RELAXES_MAX)
		return;
	fprintf(stderr, "test port: the handler at place %lu waits for what it interrupted\n",
		interrupts.armed->at);
	abort();
}

/* ---------------------------------------------------------------- schedule */

static uint8_t enabled_threads(void)
{
	uint8_t mask = 0;

	for (unsigned int i = 0; i < sched.scenario->nr_threads; i++) {
		const struct coroutine *thread = &sched.threads[i];

		if (!thread->ended && (!thread->waits || !*thread->waits))
			mask |= (uint8_t)(1u << i);
	}
	return mask;
}

static unsigned int lowest(uint8_t mask)
{
	return (unsigned int)__builtin_ctz(mask);
}

/* Going on with the thread that ran is free; leaving it while it can run costs. */
static unsigned int is_preemption(const struct choice *choice, unsigned int thread)
{
	return thread != choice->previous && (choice->enabled >> choice->previous & 1);
}

static unsigned int choose(uint8_t enabled)
{
	struct choice *choice = &sched.trail[sched.depth];
	const struct choice *before = sched.depth ? choice - 1 : NULL;

	if (sched.depth < sched.prefix && (enabled >> choice->chosen & 1)) {
		choice->enabled = enabled;
	} else {
		bool stay = before && (enabled >> sched.current & 1);

		choice->chosen = (uint8_t)(stay ? sched.current : lowest(enabled));
		choice->enabled = enabled;
		choice->tried = (uint8_t)(1u << choice->chosen);
		sched.prefix = sched.depth; /* a prefix that doesn't fit ends here */
	}
	choice->previous = (uint8_t)(before ? sched.current : choice->chosen);
	choice->preemptions = before ? before->preemptions + is_preemption(before, before->chosen)
				     : 0;
	sched.depth++;
	return choice->chosen;
}

static void end_run(enum pb_test_verdict verdict)
{
	sched.verdict = verdict;
	swapcontext(&sched.threads[sched.current].context, &sched.main);
}

/*
 * Let the schedule decide who goes on; returns when this thread is chosen. A
 * thread that waits actively (`away`) is no choice while there are others:
 * else the schedule that never preempts would spin for ever.
 */
static void reschedule(bool away)
{
	struct coroutine *self = &sched.threads[sched.current];
	uint8_t enabled = enabled_threads();
	uint8_t others = enabled & (uint8_t) ~(1u << sched.current);
	unsigned int next;

	if (away && others)
		enabled = others;

	if (!enabled) {
		bool all_ended = true;

		for (unsigned int i = 0; i < sched.scenario->nr_threads; i++)
			all_ended = all_ended && sched.threads[i].ended;
		end_run(all_ended ? PB_TEST_OK : PB_TEST_DEADLOCK);
		return;
	}
	if (sched.depth == PB_TEST_CHOICES) {
		end_run(PB_TEST_LIVELOCK);
		return;
	}
	next = choose(enabled);
	if (next == sched.current)
		return;
	sched.current = next;
	swapcontext(&self->context, &sched.threads[next].context);
}

void pb_test_yield(void)
{
	if (sched.active)
		reschedule(false);
}

static void thread_main(void)
{
	unsigned int number = sched.current;

	sched.scenario->thread(sched.scenario->ctx, number);
	sched.threads[number].ended = true;
	reschedule(false);
}

static void start_thread(struct coroutine *thread)
{
	if (!thread->stack)
		thread->stack = malloc(STACK_BYTES);
	if (!thread->stack || getcontext(&thread->context))
		abort();
	thread->context.uc_stack.ss_sp = thread->stack;
	thread->context.uc_stack.ss_size = STACK_BYTES;
	thread->context.uc_link = NULL;
	thread->ended = false;
	thread->task = 0;
	thread->waits = NULL;
	makecontext(&thread->context, thread_main, 0);
}

static enum pb_test_verdict run_once(const struct pb_test_scenario *scenario)
{
	sched.scenario = scenario;
	if (scenario->setup)
		scenario->setup(scenario->ctx);
	sched.depth = 0;
	sched.verdict = PB_TEST_OK;
	for (unsigned int i = 0; i < scenario->nr_threads; i++)
		start_thread(&sched.threads[i]);
	sched.current = 0;
	sched.current = choose(enabled_threads());
	sched.active = true;
	swapcontext(&sched.main, &sched.threads[sched.current].context);
	sched.active = false;
	if (sched.verdict == PB_TEST_OK && scenario->check && !scenario->check(scenario->ctx))
		sched.verdict = PB_TEST_CHECK;
	if (scenario->teardown)
		scenario->teardown(scenario->ctx);
	return sched.verdict;
}

/* Turn the last choice that has an alternative; false: all have been run. */
static bool next_schedule(void)
{
	while (sched.depth) {
		struct choice *choice = &sched.trail[sched.depth - 1];
		uint8_t left = choice->enabled & (uint8_t)~choice->tried;

		while (left) {
			unsigned int thread = lowest(left);

			left &= (uint8_t)(left - 1);
			choice->tried |= (uint8_t)(1u << thread);
			if (choice->preemptions + is_preemption(choice, thread) > sched.bound)
				continue;
			choice->chosen = (uint8_t)thread;
			sched.prefix = sched.depth;
			return true;
		}
		sched.depth--;
	}
	return false;
}

static void write_schedule(char *text, size_t size)
{
	size_t n = sched.depth < size - 1 ? sched.depth : size - 1;

	for (size_t i = 0; i < n; i++)
		text[i] = (char)('A' + sched.trail[i].chosen);
	text[n] = 0;
}

static void note_run(struct pb_test_result *result)
{
	result->runs++;
	if (sched.depth > result->longest)
		result->longest = sched.depth;
	if (result->verdict != PB_TEST_OK)
		write_schedule(result->schedule, sizeof(result->schedule));
}

void pb_test_explore(const struct pb_test_scenario *scenario, unsigned int bound,
		     unsigned long limit, struct pb_test_result *result)
{
	memset(result, 0, sizeof(*result));
	sched.bound = bound;
	sched.prefix = 0;
	sched.contended = 0;
	do {
		result->verdict = run_once(scenario);
		note_run(result);
		if (result->verdict != PB_TEST_OK)
			break;
		result->complete = !next_schedule();
	} while (!result->complete && result->runs < limit);
	result->contended = sched.contended;
}

void pb_test_replay(const struct pb_test_scenario *scenario, const char *schedule,
		    struct pb_test_result *result)
{
	memset(result, 0, sizeof(*result));
	sched.bound = 0;
	sched.contended = 0;
	sched.prefix = 0;
	for (; schedule[sched.prefix] && sched.prefix < PB_TEST_CHOICES; sched.prefix++)
		sched.trail[sched.prefix].chosen = (uint8_t)(schedule[sched.prefix] - 'A');
	result->verdict = run_once(scenario);
	note_run(result);
	result->contended = sched.contended;
}

/* -------------------------------------------------------------- platform.h */

static uint32_t plain_self, ended;

uint32_t pb_platform_cpu(void)
{
	if (!sched.active)
		return plain_cpu;
	return sched.scenario->cpu ? sched.scenario->cpu[sched.current] : sched.current;
}

/* A thread may lose its CPU between any two of its steps, so both ends yield. */
unsigned long pb_platform_critical_enter(void)
{
	pb_test_counts.criticals++;
	pb_test_yield();
	mask();
	if (!sched.active && interrupts.critical) {
		fprintf(stderr, "test port: critical sections nested\n");
		abort();
	}
	interrupts.critical = !sched.active;
	return 0;
}

void pb_platform_critical_exit(unsigned long state)
{
	(void)state;
	interrupts.critical = false;
	unmask();
	pb_test_yield();
}

void pb_platform_lock(uint32_t *word)
{
	pb_test_counts.locks++;
	if (!sched.active) {
		mask();
		if (*word) {
			fprintf(stderr, "test port: lock %p taken twice\n", (void *)word);
			abort();
		}
		*word = 1;
		return;
	}
	pb_test_yield();
	while (*word) {
		if (*word == sched.current + 1)
			end_run(PB_TEST_LOCKING);
		sched.contended++;
		sched.threads[sched.current].waits = word;
		reschedule(false);
	}
	sched.threads[sched.current].waits = NULL;
	*word = sched.current + 1;
}

void pb_platform_unlock(uint32_t *word)
{
	uint32_t owner = sched.active ? sched.current + 1 : 1;

	pb_test_counts.unlocks++;
	if (*word != owner) {
		fprintf(stderr, "test port: lock %p given back by another: %u\n", (void *)word,
			*word);
		if (!sched.active)
			abort();
		end_run(PB_TEST_LOCKING);
	}
	*word = 0;
	unmask();
	pb_test_yield();
}

/* Coroutines are never in the middle of a restartable sequence. */
void pb_platform_fence_cpu(struct pb_pool *pool, uint32_t cpu)
{
	(void)pool;
	(void)cpu;
	pb_test_counts.fences++;
	pb_test_yield();
}

bool pb_platform_rseq_available(intptr_t *offset)
{
	(void)offset;
	return false;
}

void pb_platform_relax(void)
{
	pb_test_counts.relaxes++;
	check_handler_waits();
	if (sched.active)
		reschedule(true);
}

uint32_t *pb_platform_task(void)
{
	static uint32_t plain_task;

	return sched.active ? &sched.threads[sched.current].task : &plain_task;
}

uint32_t pb_platform_nr_cpus(void)
{
	return 1;
}

uint32_t pb_platform_self(void)
{
	return 2 + (sched.active ? sched.current : plain_self);
}

void pb_test_set_self(uint32_t self)
{
	plain_self = self;
}

void pb_test_end(uint32_t self)
{
	ended = self + 2;
}

bool pb_platform_gone(uint32_t self)
{
	return self == ended;
}

void pb_platform_wait(uint32_t *word, uint32_t value)
{
	(void)word;
	(void)value;
	pb_platform_relax();
}

void pb_platform_wake(uint32_t *word)
{
	(void)word;
}

void pb_platform_misuse(const struct pb_misuse_report *report)
{
	pb_test_counts.misuses++;
	fprintf(stderr, "%s\n", report->text);
	abort();
}

void pb_platform_log(const char *line)
{
	pb_test_counts.logs++;
	if (getenv("PB_TEST_LOG"))
		fprintf(stderr, "%s\n", line);
}
