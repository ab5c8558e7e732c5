/* SPDX-License-Identifier: MIT */
/*
 * A RISC-V machine with SBI firmware: QEMU's `virt`, and most boards. Memory, CPUs and the
 * clock's frequency come from the device tree; the console, the timer, the other harts and
 * power come from the firmware (RISC-V SBI specification).
 */
#include <libfdt.h>

#include "../kernel.h"

extern const char kernel_start[], kernel_end[];
extern const uint64_t boot_hart;
void secondary(void);
_Noreturn void machine_main(const void *tree);
_Noreturn void machine_secondary(uint32_t cpu);
void machine_trap(uint64_t cause, uint64_t at);

static uint64_t harts[MAX_CPUS];
static uint32_t nr_cpus;
static uint64_t clock_hz, tick;

/* ----------------------------------------------------------------- firmware */

#define SBI_PUTCHAR 1
#define SBI_TIME 0x54494d45
#define SBI_HSM 0x48534d
#define SBI_SRST 0x53525354

static long sbi(unsigned long extension, unsigned long function, uint64_t x, uint64_t y, uint64_t z)
{
	register uint64_t a0 __asm__("a0") = x;
	register uint64_t a1 __asm__("a1") = y;
	register uint64_t a2 __asm__("a2") = z;
	register unsigned long a6 __asm__("a6") = function;
	register unsigned long a7 __asm__("a7") = extension;

	__asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
	return (long)a0;
}

void machine_putc(char c)
{
	sbi(SBI_PUTCHAR, 0, (unsigned char)c, 0, 0);
}

void machine_off(bool success)
{
	sbi(SBI_SRST, 0, 0, !success, 0);
	for (;;)
		__asm__ volatile("wfi");
}

/* ---------------------------------------------------------------------- CPUs */

uint32_t machine_cpu(void)
{
	uint64_t cpu;

	__asm__ volatile("mv %0, tp" : "=r"(cpu));
	return (uint32_t)cpu;
}

uint32_t machine_nr_cpus(void)
{
	return nr_cpus;
}

void machine_start_cpu(uint32_t cpu)
{
	if (sbi(SBI_HSM, 0, harts[cpu], (uintptr_t)secondary, cpu))
		panic("the firmware does not start a hart");
}

void machine_relax(void)
{
	__asm__ volatile("nop" ::: "memory");
}

#define SSTATUS_SIE 2ul
#define SIE_TIMER 32ul

unsigned long irq_save(void)
{
	unsigned long state;

	__asm__ volatile("csrrc %0, sstatus, %1" : "=r"(state) : "r"(SSTATUS_SIE) : "memory");
	return state & SSTATUS_SIE;
}

void irq_restore(unsigned long state)
{
	__asm__ volatile("csrs sstatus, %0" ::"r"(state) : "memory");
}

void irq_enable(void)
{
	irq_restore(SSTATUS_SIE);
}

/* --------------------------------------------------------------------- clock */

static uint64_t now(void)
{
	uint64_t time;

	__asm__ volatile("rdtime %0" : "=r"(time));
	return time;
}

uint64_t machine_seconds(void)
{
	return now() / clock_hz;
}

void timer_start(unsigned int hz)
{
	tick = clock_hz / hz;
	sbi(SBI_TIME, 0, now() + tick, 0, 0);
	__asm__ volatile("csrs sie, %0" ::"r"(SIE_TIMER));
}

#define CAUSE_TIMER (1ul << 63 | 5)

void machine_trap(uint64_t cause, uint64_t at)
{
	if (cause != CAUSE_TIMER) {
		print("cause "), print_number(cause), print(" at "), print_number(at), print("\n");
		panic("a trap that is not the timer's");
	}
	sbi(SBI_TIME, 0, now() + tick, 0, 0);
	kernel_tick();
}

/* --------------------------------------------------------------- device tree */

/* Debian's libfdt is compiled to check its stack frames. */
extern uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

uintptr_t __stack_chk_guard = 0x5bd1e995cafef00d;

void __stack_chk_fail(void)
{
	panic("a stack frame was overwritten");
}

/* Reads `cells` 32-bit words, big-endian, as one number. */
static uint64_t cells_value(const fdt32_t *at, int cells)
{
	uint64_t value = 0;

	while (cells-- > 0)
		value = value << 32 | fdt32_to_cpu(*at++);
	return value;
}

/* The `reg` property of a node: pairs of address and size, in its parent's cells. */
static void add_reg(struct memory_map *map, const void *tree, int node, int parent,
		    enum pb_region_kind kind)
{
	int a = fdt_address_cells(tree, parent), s = fdt_size_cells(tree, parent), bytes;
	const fdt32_t *reg = fdt_getprop(tree, node, "reg", &bytes);

	if (!reg)
		return;
	for (int i = 0; i + a + s <= bytes / 4; i += a + s) {
		uint64_t start = cells_value(reg + i, a);

		map_add(map, start, start + cells_value(reg + i + a, s), PB_ZONE_DMA32, kind);
	}
}

static bool is_device_type(const void *tree, int node, const char *type)
{
	int bytes;
	const char *is = fdt_getprop(tree, node, "device_type", &bytes);

	return is && fdt_stringlist_contains(is, bytes, type);
}

static void add_memory(struct memory_map *map, const void *tree)
{
	int node, parent;

	fdt_for_each_subnode(node, tree, 0) if (is_device_type(tree, node, "memory"))
		add_reg(map, tree, node, 0, PB_REGION_USABLE);
	parent = fdt_path_offset(tree, "/reserved-memory");
	if (parent >= 0)
		fdt_for_each_subnode(node, tree, parent)
			add_reg(map, tree, node, parent, PB_REGION_RESERVED);
	for (int i = 0; i < fdt_num_mem_rsv(tree); i++) {
		uint64_t start, size;

		if (!fdt_get_mem_rsv(tree, i, &start, &size))
			map_add(map, start, start + size, PB_ZONE_DMA32, PB_REGION_RESERVED);
	}
	map_add(map, (uintptr_t)tree, (uintptr_t)tree + fdt_totalsize(tree), PB_ZONE_DMA32,
		PB_REGION_RESERVED);
	map_add(map, (uintptr_t)kernel_start, (uintptr_t)kernel_end, PB_ZONE_DMA32,
		PB_REGION_RESERVED);
}

/* CPU 0 is the hart that booted. */
static void find_harts(const void *tree)
{
	int cpus = fdt_path_offset(tree, "/cpus"), node, bytes;
	const fdt32_t *value = fdt_getprop(tree, cpus, "timebase-frequency", &bytes);

	if (!value)
		panic("the device tree does not tell the clock's frequency");
	clock_hz = cells_value(value, bytes / 4);
	harts[nr_cpus++] = boot_hart;
	fdt_for_each_subnode(node, tree, cpus)
	{
		if (!is_device_type(tree, node, "cpu") || nr_cpus == MAX_CPUS)
			continue;
		value = fdt_getprop(tree, node, "reg", &bytes);
		if (value && cells_value(value, bytes / 4) != boot_hart)
			harts[nr_cpus++] = cells_value(value, bytes / 4);
	}
}

void machine_main(const void *tree)
{
	static struct memory_map map;
	const char *arguments;

	if (fdt_check_header(tree))
		panic("no device tree");
	find_harts(tree);
	add_memory(&map, tree);
	arguments = fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "bootargs", NULL);
	kernel_main(&map, arguments ? arguments : "");
}

void machine_secondary(uint32_t cpu)
{
	kernel_cpu(cpu);
}
