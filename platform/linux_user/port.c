/* SPDX-License-Identifier: MIT */
/*
 * Port to a user process on Linux: futex locks, CPU number from the kernel's
 * rseq area, membarrier to fence another CPU's restartable sequences.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <pagebuddy/linux_user.h>
#include <pagebuddy/pagebuddy.h>
#include <pagebuddy/platform.h>

#include "rseq_area.h"
#include "self.h"

/* --------------------------------------------------------------------- CPU */

static _Thread_local int cpu_override = -1;

void pb_user_set_cpu(int cpu)
{
	cpu_override = cpu;
}

#ifdef PB_RSEQ_AREA
/* As long as the kernel doesn't know it, neither the CPU's number nor the concurrency id is an
   area's: both are -1. */
_Thread_local union pb_own_rseq pb_own_rseq = {
	.words = { [1] = (uint32_t)RSEQ_CPU_ID_UNINITIALIZED, [PB_RSEQ_MM_CID / 4] = UINT32_MAX }
};

_Static_assert(offsetof(struct rseq, cpu_id) == 4, "word 1 is the CPU's number");

/* Where glibc was told not to (glibc.pthread.rseq=0). The area lives as long as
   the thread's stack, which outlives its last moment in the kernel. */
bool pb_platform_rseq_register(void)
{
	struct rseq *own = &pb_own_rseq.area;

	if (__rseq_size || (int)own->cpu_id == RSEQ_CPU_ID_REGISTRATION_FAILED)
		return false;
	if (syscall(SYS_rseq, own, sizeof(pb_own_rseq), 0, RSEQ_SIG)) {
		own->cpu_id = (__u32)RSEQ_CPU_ID_REGISTRATION_FAILED;
		return false;
	}
	return true;
}

static bool rseq_usable(void)
{
	return pb_rseq_live(pb_rseq_area()) || pb_platform_rseq_register();
}

#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE \
	27 /* bytes of the area that the kernel writes; <elf.h> of glibc 2.38 */
#endif

bool pb_platform_cids_available(void)
{
	return getauxval(AT_RSEQ_FEATURE_SIZE) >= PB_RSEQ_MM_CID + sizeof(uint32_t);
}
#endif

uint32_t pb_platform_cpu(void)
{
	int cpu;

	if (cpu_override >= 0)
		return (uint32_t)cpu_override;
#ifdef PB_RSEQ_AREA
	if (rseq_usable())
		return pb_rseq_area()->cpu_id_start;
#endif
	cpu = sched_getcpu();
	return cpu < 0 ? 0 : (uint32_t)cpu;
}

/* The lists' try-lock keeps threads of one CPU apart; signals must stay out. */
unsigned long pb_platform_critical_enter(void)
{
	return 0;
}

void pb_platform_critical_exit(unsigned long state)
{
	(void)state;
}

/* -------------------------------------------------------------------- lock */

/* 0 free, 1 held, 2 held and somebody sleeps. */
static void lock_sleep(_Atomic uint32_t *lock)
{
	while (atomic_exchange_explicit(lock, 2, memory_order_acquire) != 0)
		syscall(SYS_futex, lock, FUTEX_WAIT, 2, NULL, NULL, 0);
}

#define LOCK_SPINS 400 /* longer than most hold times, shorter than a sleep */

void pb_platform_lock(uint32_t *word)
{
	_Atomic uint32_t *lock = (_Atomic uint32_t *)word;

	for (int spin = 0; spin < LOCK_SPINS; spin++) {
		uint32_t free = 0;

		if (atomic_compare_exchange_weak_explicit(lock, &free, 1, memory_order_acquire,
							  memory_order_relaxed))
			return;
#if defined(__x86_64__) || defined(__i386__)
		__builtin_ia32_pause();
#elif defined(__aarch64__)
		__asm__ volatile("yield");
#endif
	}
	lock_sleep(lock);
}

void pb_platform_unlock(uint32_t *word)
{
	_Atomic uint32_t *lock = (_Atomic uint32_t *)word;

	if (atomic_exchange_explicit(lock, 0, memory_order_release) == 2)
		syscall(SYS_futex, lock, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* ------------------------------------------------- who, and is he still there */

/*
 *	31     22 21              0
 *	 start    thread id            of one thread, below 2^31
 *
 * start: its start time in clock ticks modulo 511, plus 1, so that a thread which
 * comes to have the same id later is told apart, but for one in 511; 0 where there
 * is no /proc. All processes of a pool must be in one pid namespace.
 */
#define ID_BITS 22
#define ID_MASK ((1u << ID_BITS) - 1)

static _Thread_local uint32_t self;

void pb_user_forget_self(void)
{
	self = 0;
}

/* State and start time of a thread from its stat file. False: there is none. */
static bool read_stat(const char *path, char *state, unsigned long long *start)
{
	char text[512];
	const char *after;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	after = strrchr(text, ')'); /* the name before it may hold anything */
	return after && sscanf(after + 1,
			       " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d "
			       "%*d %*d %*d %*d %llu",
			       state, start) == 2;
}

static pthread_once_t self_once = PTHREAD_ONCE_INIT;

/* Here, too: a static link may leave out the file with fork's other handlers. */
static void register_self(void)
{
	pthread_atfork(NULL, NULL, pb_user_forget_self);
}

uint32_t pb_platform_self(void)
{
	unsigned long long start;
	char state;

	if (self)
		return self;
	pthread_once(&self_once, register_self);
	self = (uint32_t)syscall(SYS_gettid) & ID_MASK;
	if (read_stat("/proc/thread-self/stat", &state, &start))
		self |= (uint32_t)(start % 511 + 1) << ID_BITS;
	else
		self |= self == 1 ? 2 : 0; /* 1 means something else to the core */
	return self;
}

/* For who has no file descriptor left: a zombie has no program any more. Of others'
   processes that isn't told. */
static bool has_no_program(uint32_t id)
{
	char path[32], program[4];

	snprintf(path, sizeof(path), "/proc/%u/exe", id);
	return readlink(path, program, sizeof(program)) < 0 && errno == ENOENT &&
	       !access("/proc/self/stat", F_OK);
}

bool pb_platform_gone(uint32_t who)
{
	unsigned long long start;
	char path[32], state;

	snprintf(path, sizeof(path), "/proc/%u/stat", who & ID_MASK);
	if (read_stat(path, &state, &start))
		return state == 'Z' || state == 'X' ||
		       (who >> ID_BITS && who >> ID_BITS != start % 511 + 1);
	return has_no_program(who & ID_MASK) || (kill((pid_t)(who & ID_MASK), 0) && errno == ESRCH);
}

#define WAIT_NS 10000000 /* then it is asked whether the owner lives */

void pb_platform_wait(uint32_t *word, uint32_t value)
{
	const struct timespec timeout = { 0, WAIT_NS };

	for (int spin = 0; spin < LOCK_SPINS; spin++) {
		if (__atomic_load_n(word, __ATOMIC_RELAXED) != value)
			return;
#if defined(__x86_64__) || defined(__i386__)
		__builtin_ia32_pause();
#endif
	}
	syscall(SYS_futex, word, FUTEX_WAIT, value, &timeout, NULL, 0);
}

void pb_platform_wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void pb_platform_relax(void)
{
	sched_yield();
}

/* --------------------------------------------------- restartable sequences */

static bool membarrier_ready;

#ifdef PB_RSEQ_AREA
/*
 * The kernel reads the descriptor of a thread's last sequence when the thread is next
 * preempted, however long ago that was. So whatever has the sequences in it, this
 * library or a plugin that was linked with it, must stay mapped: dlclose() is to
 * leave it there. (Weak: a static program has no dlopen(), and can't be unloaded.)
 */
extern void *dlopen(const char *file, int mode) __attribute__((weak));
extern int dladdr(const void *address, Dl_info *info) __attribute__((weak));

/* The program itself is never unloaded. It isn't opened again either: dlopen() takes
   memory, and this may be a fork's child, in which not every malloc() works. */
static bool is_program(const Dl_info *info)
{
	Dl_info program;

	return dladdr((const void *)getauxval(AT_PHDR), &program) &&
	       program.dli_fbase == info->dli_fbase;
}

static void stay_loaded(void)
{
	Dl_info info;

	if (dlopen && dladdr && dladdr((const void *)(uintptr_t)pb_platform_lock, &info) &&
	    info.dli_fname && !is_program(&info))
		(void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

static pthread_once_t membarrier_once = PTHREAD_ONCE_INIT;

static void register_membarrier(void)
{
	stay_loaded();
	membarrier_ready = !syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ,
				    0, 0);
}

bool pb_platform_rseq_available(intptr_t *offset)
{
	if (getenv("PAGEBUDDY_NO_RSEQ") || !rseq_usable())
		return false;
	pthread_once(&membarrier_once, register_membarrier);
	*offset = (char *)pb_rseq_area() - (char *)__builtin_thread_pointer();
	return membarrier_ready;
}
#else
bool pb_platform_rseq_available(intptr_t *offset)
{
	(void)offset;
	return false;
}
#endif

static bool fence(unsigned int flags, uint32_t cpu)
{
	return !syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, flags, cpu);
}

/*
 * A child inherits the registration, but not if a thread of its parent was about
 * to register: then it may have got the memory that says so, and not the
 * registration, which the kernel copies earlier in fork.
 */
static bool fence_registered_anew(void)
{
	return !syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0) &&
	       fence(0, 0);
}

void pb_platform_fence_cpu(struct pb_pool *pool, uint32_t cpu)
{
	(void)pool;
	if (!membarrier_ready || (cpu != PB_EVERY_CPU && fence(MEMBARRIER_CMD_FLAG_CPU, cpu)))
		return;
	if (!fence(0, 0) && !fence_registered_anew()) {
		perror("pagebuddy: membarrier");
		abort();
	}
}

/* --------------------------------------------------------------------- tasks */

static _Thread_local uint32_t task_word;

uint32_t *pb_platform_task(void)
{
	return &task_word;
}

uint32_t pb_platform_nr_cpus(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	return cpus < 1 ? 1 : cpus > PB_MAX_CPUS ? PB_MAX_CPUS : (uint32_t)cpus;
}

/* ------------------------------------------------------------------ reports */

void pb_platform_misuse(const struct pb_misuse_report *report)
{
	fprintf(stderr, "%s\n", report->text);
	abort();
}

void pb_platform_log(const char *line)
{
	fprintf(stderr, "pagebuddy: %s\n", line);
}
