/* SPDX-License-Identifier: MIT */
/*
 * A PC. Memory comes from the Multiboot loader, CPUs from the ACPI tables; the console is
 * the first serial port, timers and inter-processor interrupts are the local APICs'. Power
 * goes off as QEMU's PC does it; a real machine's way is in its ACPI tables, too.
 */
#include "../kernel.h"

extern const char kernel_start[], kernel_end[];
extern const char trampoline[], trampoline_end[], exception_entries[];
extern volatile uint32_t starting_cpu;
void timer_entry(void);
_Noreturn void machine_main(uint64_t loader_info);
_Noreturn void machine_secondary(uint32_t cpu);
void machine_timer(void);
_Noreturn void machine_exception(uint32_t vector, uint64_t a, uint64_t b);

#define TRAMPOLINE 0x8000ul
#define TIMER_VECTOR 32
#define SPURIOUS_VECTOR 255

static uint32_t nr_cpus;
static uint32_t apic_ids[MAX_CPUS];
static uint32_t up; /* CPUs that run */
static uint64_t clock_hz, apic_hz;

/* --------------------------------------------------------------------- ports */

static void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static void outw(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}

static uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

#define SERIAL 0x3f8

void machine_putc(char c)
{
	while (!(inb(SERIAL + 5) & 0x20))
		;
	outb(SERIAL, (uint8_t)c);
}

void machine_off(bool success)
{
	(void)success;
	outw(0x604, 0x2000);
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* ----------------------------------------------------------------- local APIC */

#define APIC 0xfee00000ul
#define APIC_EOI 0xb0
#define APIC_SPURIOUS 0xf0
#define APIC_COMMAND 0x300
#define APIC_COMMAND_TO 0x310
#define APIC_TIMER 0x320
#define APIC_TIMER_START 0x380
#define APIC_TIMER_NOW 0x390
#define APIC_TIMER_DIVIDE 0x3e0

#define COMMAND_INIT 0x4500u
#define COMMAND_STARTUP 0x4600u
#define COMMAND_PENDING 0x1000u
#define TIMER_PERIODIC 0x20000u
#define TIMER_MASKED 0x10000u

static uint32_t apic_read(uint32_t at)
{
	return *(volatile uint32_t *)(APIC + at);
}

static void apic_write(uint32_t at, uint32_t value)
{
	*(volatile uint32_t *)(APIC + at) = value;
}

static void apic_command(uint32_t to, uint32_t command)
{
	apic_write(APIC_COMMAND_TO, to << 24);
	apic_write(APIC_COMMAND, command);
	while (apic_read(APIC_COMMAND) & COMMAND_PENDING)
		machine_relax();
}

/* ---------------------------------------------------------------------- CPUs */

#define MSR_GS_BASE 0xc0000101u

static uint32_t numbers[MAX_CPUS];

static void set_cpu(uint32_t cpu)
{
	uint64_t at = (uint64_t)(uintptr_t)&numbers[cpu];

	numbers[cpu] = cpu;
	__asm__ volatile("wrmsr" ::"c"(MSR_GS_BASE), "a"((uint32_t)at), "d"((uint32_t)(at >> 32)));
}

uint32_t machine_cpu(void)
{
	uint32_t cpu;

	__asm__ volatile("movl %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

uint32_t machine_nr_cpus(void)
{
	return nr_cpus;
}

void machine_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

#define FLAG_INTERRUPTS 0x200ul

unsigned long irq_save(void)
{
	unsigned long flags;

	__asm__ volatile("pushfq; popq %0; cli" : "=r"(flags)::"memory");
	return flags & FLAG_INTERRUPTS;
}

void irq_restore(unsigned long state)
{
	if (state)
		__asm__ volatile("sti" ::: "memory");
}

void irq_enable(void)
{
	irq_restore(FLAG_INTERRUPTS);
}

/* --------------------------------------------------------------------- clock */

static uint64_t now(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

uint64_t machine_seconds(void)
{
	return now() / clock_hz;
}

/* Waits for 1/100 s by the third counter of the old interval timer, which runs at
   1,193,182 Hz on every PC. */
static void wait_10_ms(void)
{
	const uint16_t count = 1193182 / 100;

	outb(0x61, (uint8_t)((inb(0x61) & ~3u) | 1u)); /* gate open, speaker off */
	outb(0x43, 0xb0);                              /* counter 2, both bytes, mode 0 */
	outb(0x42, count & 0xff);
	outb(0x42, count >> 8);
	while (!(inb(0x61) & 0x20))
		;
}

static void measure_clocks(void)
{
	uint64_t before;

	apic_write(APIC_SPURIOUS, 0x100 | SPURIOUS_VECTOR);
	apic_write(APIC_TIMER_DIVIDE, 3); /* by 16 */
	apic_write(APIC_TIMER, TIMER_MASKED);
	apic_write(APIC_TIMER_START, UINT32_MAX);
	before = now();
	wait_10_ms();
	clock_hz = (now() - before) * 100;
	apic_hz = (uint64_t)(UINT32_MAX - apic_read(APIC_TIMER_NOW)) * 100;
}

void timer_start(unsigned int hz)
{
	apic_write(APIC_SPURIOUS, 0x100 | SPURIOUS_VECTOR);
	apic_write(APIC_TIMER_DIVIDE, 3);
	apic_write(APIC_TIMER, TIMER_PERIODIC | TIMER_VECTOR);
	apic_write(APIC_TIMER_START, (uint32_t)(apic_hz / hz));
}

void machine_timer(void)
{
	apic_write(APIC_EOI, 0);
	kernel_tick();
}

/* ---------------------------------------------------------------- interrupts */

struct gate {
	uint16_t low, selector, flags, middle;
	uint32_t high, zero;
};

static struct gate gates[256];

static void set_gate(unsigned int vector, uint64_t entry)
{
	gates[vector] = (struct gate){ .low = (uint16_t)entry,
				       .selector = 8,
				       .flags = 0x8e00, /* present, interrupt gate */
				       .middle = (uint16_t)(entry >> 16),
				       .high = (uint32_t)(entry >> 32) };
}

static void load_gates(void)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) pointer = { sizeof(gates) - 1, (uint64_t)(uintptr_t)gates };

	__asm__ volatile("lidt %0" ::"m"(pointer));
}

static void make_gates(void)
{
	for (unsigned int i = 0; i < 32; i++)
		set_gate(i, (uint64_t)(uintptr_t)exception_entries + i * (uint64_t)32);
	set_gate(TIMER_VECTOR, (uint64_t)(uintptr_t)timer_entry);
	/* the old interrupt controllers would be heard as exceptions */
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

void machine_exception(uint32_t vector, uint64_t a, uint64_t b)
{
	print("exception "), print_number(vector);
	print(", on the stack "), print_number(a), print(" and "), print_number(b), print("\n");
	panic("an exception");
}

/* ----------------------------------------------------------------- other CPUs */

void machine_start_cpu(uint32_t cpu)
{
	for (size_t i = 0; i < (size_t)(trampoline_end - trampoline); i++)
		((volatile char *)TRAMPOLINE)[i] = trampoline[i];
	starting_cpu = cpu;
	apic_command(apic_ids[cpu], COMMAND_INIT);
	wait_10_ms();
	apic_command(apic_ids[cpu], COMMAND_STARTUP | TRAMPOLINE >> 12);
	while (__atomic_load_n(&up, __ATOMIC_ACQUIRE) != cpu)
		machine_relax();
}

void machine_secondary(uint32_t cpu)
{
	set_cpu(cpu);
	load_gates();
	__atomic_store_n(&up, cpu, __ATOMIC_RELEASE);
	kernel_cpu(cpu);
}

/* ------------------------------------------------- ACPI: which CPUs there are */

/* Fields of these tables lie at any address. */
static uint64_t read_at(uint64_t address, unsigned int bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | ((const uint8_t *)(uintptr_t)address)[bytes];
	return value;
}

static bool is_named(uint64_t address, const char *name, unsigned int length)
{
	for (unsigned int i = 0; i < length; i++)
		if (((const char *)(uintptr_t)address)[i] != name[i])
			return false;
	return true;
}

static uint64_t find_table(const char *name)
{
	for (uint64_t at = 0xe0000; at < 0x100000; at += 16) {
		uint64_t root, end;

		if (!is_named(at, "RSD PTR ", 8))
			continue;
		root = read_at(at + 16, 4);
		end = root + read_at(root + 4, 4);
		for (uint64_t entry = root + 36; entry + 4 <= end; entry += 4)
			if (is_named(read_at(entry, 4), name, 4))
				return read_at(entry, 4);
	}
	return 0;
}

#define MADT_LOCAL_APIC 0

/* CPU 0 is the one that booted. */
static void find_cpus(void)
{
	uint32_t self = apic_read(0x20) >> 24;
	uint64_t table = find_table("APIC"), end;

	apic_ids[nr_cpus++] = self;
	if (!table)
		return;
	end = table + read_at(table + 4, 4);
	for (uint64_t at = table + 44; at + 8 <= end && nr_cpus < MAX_CPUS;
	     at += read_at(at + 1, 1)) {
		if (!read_at(at + 1, 1))
			break;
		if (read_at(at, 1) == MADT_LOCAL_APIC && read_at(at + 4, 4) & 1 &&
		    read_at(at + 3, 1) != self)
			apic_ids[nr_cpus++] = (uint32_t)read_at(at + 3, 1);
	}
}

/* ----------------------------------------------------- Multiboot: what memory */

#define INFO_COMMAND_LINE 4u
#define INFO_MAP 64u
#define MAP_AVAILABLE 1

#define DMA_END (16ul << 20)
#define DMA32_END (4ul << 30)

/* A piece that crosses a zone's limit becomes two. We map 4 GiB, so what lies above is
   left alone. */
static void add_memory(struct memory_map *map, uint64_t start, uint64_t end)
{
	if (start < DMA_END)
		map_add(map, start, end < DMA_END ? end : DMA_END, PB_ZONE_DMA, PB_REGION_USABLE);
	if (start < DMA_END)
		start = DMA_END;
	if (end > DMA32_END)
		end = DMA32_END;
	if (start < end)
		map_add(map, start, end, PB_ZONE_DMA32, PB_REGION_USABLE);
}

static void read_map(struct memory_map *map, uint64_t info)
{
	uint64_t at = read_at(info + 48, 4), end = at + read_at(info + 44, 4);

	if (!(read_at(info, 4) & INFO_MAP))
		panic("the boot loader does not tell about memory");
	while (at < end) {
		uint64_t start = read_at(at + 4, 8), size = read_at(at + 12, 8);

		if (read_at(at + 20, 4) == MAP_AVAILABLE)
			add_memory(map, start, start + size);
		at += 4 + read_at(at, 4);
	}
	/* The first MiB holds the firmware's data, the loader's and our trampoline. */
	map_add(map, 0, 1 << 20, PB_ZONE_DMA, PB_REGION_RESERVED);
	map_add(map, (uintptr_t)kernel_start, (uintptr_t)kernel_end, PB_ZONE_DMA,
		PB_REGION_RESERVED);
}

/* The loader puts the file's name in front of the arguments. */
static const char *arguments_of(uint64_t info)
{
	const char *text;

	if (!(read_at(info, 4) & INFO_COMMAND_LINE))
		return "";
	text = (const char *)(uintptr_t)read_at(info + 16, 4);
	while (*text && *text != ' ')
		text++;
	while (*text == ' ')
		text++;
	return text;
}

void machine_main(uint64_t info)
{
	static struct memory_map map;

	set_cpu(0);
	make_gates();
	load_gates();
	find_cpus();
	measure_clocks();
	read_map(&map, info);
	kernel_main(&map, arguments_of(info));
}
