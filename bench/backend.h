/* SPDX-License-Identifier: MIT */
/*
 * An allocator under test, as the worker sees it. Only set-up goes through these
 * pointers; the timed loops are instances of workloads.h that call the allocator
 * directly (backend_end.h makes the two tables).
 */
#ifndef BENCH_BACKEND_H
#define BENCH_BACKEND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t u64;
typedef uint32_t u32;

struct w_thread;

/* Provided by worker.c to the workloads. */
void w_begin(struct w_thread *t);
void w_end(struct w_thread *t, int phase);
void w_pause(void);

static inline u64 w_cycles(void)
{
#if defined(__x86_64__)
	u32 lo, hi;

	/* lfence: the instructions before are over, those after have not begun. */
	__asm__ volatile("lfence; rdtsc; lfence" : "=a"(lo), "=d"(hi)::"memory");
	return (u64)hi << 32 | lo;
#elif defined(__aarch64__)
	u64 value;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value)::"memory");
	return value;
#else
#error "w_cycles() needs this machine's cycle or time counter"
#endif
}

struct bench_ops {
	void (*repeat)(struct w_thread *t);
	void (*bulk)(struct w_thread *t);
	void (*rand)(struct w_thread *t);
	void (*mixed)(struct w_thread *t);
	void (*exch)(struct w_thread *t);
	void (*exch_end)(struct w_thread *t);
	void (*cross)(struct w_thread *t);
	void (*churn)(struct w_thread *t);
	void (*wave)(struct w_thread *t);
	void (*longest)(struct w_thread *t);
};

struct bench_setup {
	const char *variant; /* name of the row */
	u64 pages;           /* memory to manage; allocators that can't run out ignore it */
	unsigned int cpus;
	const char *plug; /* --plug, for backend_plug.c */
	bool verify;
};

struct bench_backend {
	const char *const *variants; /* names of the rows, NULL at the end; NULL: any name */
	const struct bench_ops *ops;
	const struct bench_ops *verified; /* every block stamped and checked */
	/* It manages exactly setup.pages and can run out; NULL: it can't. */
	bool (*finite)(void *ctx);
	/* 0, or -1 with a line on standard error. */
	int (*setup)(const struct bench_setup *setup, void **ctx);
	/* Everything was given back: is it all there? 0, or -1 with a line on standard error. */
	int (*check)(void *ctx);
	/* Bytes of metadata for `pages`, and the time to set up (address-only); may be NULL. */
	int (*metadata)(const struct bench_setup *setup, u64 pages, u64 *bytes, u64 *init_ns);
};

/* The one that this worker was linked with. */
extern const struct bench_backend bench_backend;

/* verify.c: a block was handed out twice, or is not what was allocated. Does not return. */
void verify_failed(const char *what, u64 frame, unsigned int order) __attribute__((noreturn));

u64 bench_now_ns(void);

/* An allocator refused to take a block back: counts as a failure of the row. */
void bench_free_failed(void);

#endif
