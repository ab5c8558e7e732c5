/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without libFuzzer: inputs that are grown, cut, spliced and
 * flipped at random from a handful of seeds. Without coverage it finds less;
 * it needs no special compiler, so it is what ctest runs.
 *
 *	fuzz-map [FILE | DIR]...   the inputs in these files, or
 *	PB_FUZZ_RUNS=n PB_SEED=n fuzz-map
 */
#include "fuzz.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/pool.h"

#define LARGEST 2048
#define CORPUS 64

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RUNS 3000
#else
#define RUNS 12000
#endif

struct input {
	size_t size;
	uint8_t data[LARGEST];
};

/* In a piece of memory of exactly its size, so that a sanitizer sees what reads on. */
static int run_file(const char *name)
{
	FILE *file = fopen(name, "rb");
	struct stat st;
	uint8_t *data;
	size_t size;

	if (!file || fstat(fileno(file), &st)) {
		perror(name);
		return 2;
	}
	data = malloc((size_t)st.st_size + !st.st_size);
	if (!data)
		return 2;
	size = fread(data, 1, (size_t)st.st_size, file);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

/* A child each: the file that ends it is named, and the others are still tried. */
static int run_directory(const char *name)
{
	DIR *directory = opendir(name);
	unsigned int files = 0, failed = 0;
	struct dirent *entry;
	char path[4096];

	while (directory && (entry = readdir(directory))) {
		int status = 1;
		pid_t child;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", name, entry->d_name);
		fflush(NULL);
		child = fork();
		if (!child)
			exit(run_file(path)); /* leaks are looked for at exit */
		waitpid(child, &status, 0);
		files++;
		failed += status != 0;
		if (status)
			printf("%s: fails, status %#x\n", path, (unsigned int)status);
	}
	if (directory)
		closedir(directory);
	printf("%s: %u inputs, %u fail\n", name, files, failed);
	return failed || !files;
}

static int run_argument(const char *name)
{
	struct stat st;

	return stat(name, &st) == 0 && S_ISDIR(st.st_mode) ? run_directory(name) : run_file(name);
}

static void mutate(struct tp_rng *rng, struct input *input, const struct input *other)
{
	for (uint32_t n = 1 + tp_below(rng, 8); n; n--) {
		uint32_t at = input->size ? tp_below(rng, (uint32_t)input->size) : 0;
		size_t length;

		switch (tp_below(rng, 6)) {
		case 0: /* a bit */
			input->data[at] ^= (uint8_t)(1u << tp_below(rng, 8));
			break;
		case 1: /* a byte that likes to break things */
			input->data[at] = "\0\1\2\7\x08\x0f\x10\x7f\x80\xff"[tp_below(rng, 10)];
			break;
		case 2:
			input->data[at] = (uint8_t)tp_random(rng);
			break;
		case 3: /* grow */
			length = 1 + tp_below(rng, 32);
			while (length-- && input->size < LARGEST)
				input->data[input->size++] = (uint8_t)tp_random(rng);
			break;
		case 4: /* cut */
			input->size = at;
			break;
		default: /* splice */
			length = other->size > at ? other->size - at : 0;
			memcpy(input->data + at, other->data + at, length);
			if (at + length > input->size)
				input->size = at + length;
			break;
		}
	}
}

/* The failing input, so that it can be run again by name. */
static void keep(const struct input *input)
{
	const char *name = "fuzz-failure.bin";
	FILE *file = fopen(name, "wb");

	if (file) {
		fwrite(input->data, 1, input->size, file);
		fclose(file);
		printf("the input is in %s\n", name);
	}
}

/* A batch in a child: a crash or hang ends only that. */
static int run_batch(uint64_t seed, unsigned int n)
{
	static struct input corpus[CORPUS], *shared;
	struct tp_rng rng = { seed };
	int status;
	pid_t child;

	if (!shared)
		shared = tp_shared(sizeof(*shared));
	fflush(NULL);
	child = fork();
	if (!child) {
		alarm(1000);
		for (int i = 0; i < CORPUS; i++) {
			corpus[i].size = tp_below(&rng, 256);
			for (size_t k = 0; k < corpus[i].size; k++) /* many zeros: nothing odd */
				corpus[i].data[k] = (uint8_t)(tp_random(&rng) & tp_random(&rng) &
							      (k % 3 ? 255 : 0xf0));
		}
		for (unsigned int i = 0; i < n; i++) {
			struct input *input = &corpus[tp_below(&rng, CORPUS)];

			mutate(&rng, input, &corpus[tp_below(&rng, CORPUS)]);
			*shared = *input;
			LLVMFuzzerTestOneInput(input->data, input->size);
		}
		_exit(0);
	}
	waitpid(child, &status, 0);
	if (!status)
		return 0;
	printf("fails in the batch of seed %" PRIu64 "\n", seed);
	keep(shared);
	return 1;
}

int main(int argc, char **argv)
{
	unsigned long runs = tp_env("PB_FUZZ_RUNS", RUNS);
	uint64_t seed;

	for (int i = 1; i < argc; i++)
		if (run_argument(argv[i]))
			return 2;
	if (argc > 1)
		return 0;
	seed = tp_seed();
	for (unsigned long done = 0; done < runs; done += 1000)
		if (run_batch(seed++, 1000))
			return 1;
	printf("%lu inputs pass\n", runs);
	return 0;
}
