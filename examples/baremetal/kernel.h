/* SPDX-License-Identifier: MIT */
/*
 * What the kernel of this example and the machine it runs on want of each other.
 * kernel.c and port.c are the same on every machine; riscv64/ and x86_64/ hold the rest.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagebuddy/pagebuddy.h>

#define PAGE_SHIFT 12
#define MAX_CPUS 16
#define MAX_REGIONS 64

/* ------------------------------------------- what a machine tells and can do */

/* The memory map, as the machine's firmware gave it. */
struct memory_map {
	struct pb_region regions[MAX_REGIONS];
	uint32_t nr_regions;
};

/* Adds [start, end), in bytes. A usable piece loses the partial pages at its ends, a
   reserved one covers every page that it touches. */
void map_add(struct memory_map *map, uint64_t start, uint64_t end, uint8_t zone,
	     enum pb_region_kind kind);

uint32_t machine_cpu(void);     /* 0 to machine_nr_cpus() - 1; valid while interrupts are masked */
uint32_t machine_nr_cpus(void); /* at most MAX_CPUS */
unsigned long irq_save(void);   /* mask interrupts; returns what irq_restore() wants back */
void irq_restore(unsigned long state);
void irq_enable(void);
void machine_relax(void);             /* in loops that wait for another CPU */
void machine_start_cpu(uint32_t cpu); /* it enters kernel_cpu(cpu), on a stack of its own */
void timer_start(unsigned int hz);    /* kernel_tick() on this CPU, hz times a second */
uint64_t machine_seconds(void);       /* since some moment in the past */
void machine_putc(char c);
_Noreturn void machine_off(bool success);

/* ------------------------------------------------- what a machine calls */

/* On the first CPU, interrupts masked, with the map of memory. `arguments` is the
   kernel's command line. Does not return. */
_Noreturn void kernel_main(const struct memory_map *map, const char *arguments);
_Noreturn void kernel_cpu(uint32_t cpu);
void kernel_tick(void);
_Noreturn void panic(const char *what);

/* ------------------------------------------------------------------ print.c */

void print(const char *text);
void print_number(uint64_t number);

#endif
