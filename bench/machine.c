/* SPDX-License-Identifier: MIT */
/* Describes the machine, for those who compare figures of two. */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

/* The text after "key" and a colon in a file, or "". */
static void find_value(const char *path, const char *key, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	char line[4096], *value;

	*text = 0;
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)))
			continue;
		value = strchr(line, ':');
		value = value ? value + 1 : line + strlen(key);
		value += strspn(value, " \t");
		value[strcspn(value, "\n")] = 0;
		snprintf(text, size, "%s", value);
		break;
	}
	if (file)
		fclose(file);
}

static void read_line(const char *path, char *text, size_t size)
{
	find_value(path, "", text, size);
}

/* "32K data, 1024K unified, ..." of CPU 0. */
static void describe_caches(char *text, size_t size)
{
	char path[128], kind[32], bytes[32], level[32];
	size_t at = 0;
	int i;

	*text = 0;
	for (i = 0; i < 8 && at < size; i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/type", i);
		read_line(path, kind, sizeof(kind));
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
		read_line(path, bytes, sizeof(bytes));
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/level", i);
		read_line(path, level, sizeof(level));
		if (!*kind || !strcmp(kind, "Instruction"))
			continue;
		at += snprintf(text + at, size - at, "%sL%.4s %.16s", at ? ", " : "", level, bytes);
	}
}

void machine_describe(struct machine *machine)
{
	struct utsname name;
	char flags[4096], mem[64];

	find_value("/proc/cpuinfo", "model name", machine->cpu, sizeof(machine->cpu));
	if (!*machine->cpu)
		snprintf(machine->cpu, sizeof(machine->cpu), "unknown");
	find_value("/proc/cpuinfo", "flags", flags, sizeof(flags));
	machine->virtual = strstr(flags, "hypervisor") != NULL;
	find_value("/proc/meminfo", "MemTotal", mem, sizeof(mem));
	machine->mem_gib = strtod(mem, NULL) / (1 << 20);
	machine->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	describe_caches(machine->caches, sizeof(machine->caches));
	uname(&name);
	/* without what the builder of the kernel called it */
	snprintf(machine->kernel, sizeof(machine->kernel), "%.16s %.*s %.32s", name.sysname,
		 (int)strcspn(name.release, "-"), name.release, name.machine);
#ifdef __clang__
	snprintf(machine->compiler, sizeof(machine->compiler), "clang %s", __clang_version__);
#else
	snprintf(machine->compiler, sizeof(machine->compiler), "gcc %s", __VERSION__);
#endif
}
