/* SPDX-License-Identifier: MIT */
/* A pool made by a 32-bit process and attached by a 64-bit one (or the other way round):
 * shared memory of a mixed system, or a saved image. pagebuddy.h: attach() in "another
 * process"; PB_EFORMAT: "holds no pool of this version". The layout has `long`s, but
 * magic and layout number don't tell the width. Expected: PB_EFORMAT, as for the other
 * byte order (tried: s390x, ppc64). It was: PB_OK without recover, SIGFPE with it.
 *   i686-linux-gnu-gcc -static ... fail-attach-width.c core/... -o w32; ./w32 image
 *   gcc ... fail-attach-width.c -lpagebuddy -o r64; ./r64 image */
#include <pagebuddy/pagebuddy.h>
#include <stdio.h>
static char memory[1 << 20] __attribute__((aligned(64)));
int main(int argc, char **argv)
{
	struct pb_region ram = { 0, 4096, 0, PB_ZONE_NORMAL, PB_REGION_USABLE };
	struct pb_error error = { 0 };
	struct pb_config config;
	struct pb_pool pool;
	FILE *file;

	if (argc < 2)
		return 2;
	if (sizeof(long) == 4) {
		pb_config_init(&config);
		config.regions = &ram, config.nr_regions = 1, config.flags = PB_POOL_SHARED;
		pb_pool_init(&pool, &config, memory, sizeof(memory), true, NULL, NULL);
		file = fopen(argv[1], "w");
		fwrite(memory, 1, sizeof(memory), file);
		return fclose(file);
	}
	file = fopen(argv[1], "r");
	if (!file || fread(memory, 1, sizeof(memory), file) != sizeof(memory))
		return 2;
	printf("attach: %d\n", pb_pool_attach(&pool, memory, sizeof(memory), false, NULL, &error));
	fflush(stdout);
	printf("recover: %d\n", pb_pool_attach(&pool, memory, sizeof(memory), true, NULL, &error));
	return 0;
}
