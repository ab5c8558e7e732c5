/* SPDX-License-Identifier: MIT */
/* Without a misuse hook, where there is a process: one line, then abort. */
#include "support/cmocka.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void free_twice(void)
{
	struct pb_region region = { .end_pfn = 4096, .zone = PB_ZONE_NORMAL };
	struct pb_config config;
	struct pb_pool pool = { 0 };
	struct pb_page *page;
	size_t bytes;

	pb_config_init(&config);
	config.regions = &region;
	config.nr_regions = 1;
	if (pb_pool_size(&config, &bytes, NULL))
		_exit(1);
	if (pb_pool_init(&pool, &config, aligned_alloc(64, bytes), bytes, false, NULL, NULL))
		_exit(2);
	page = pb_alloc_pages(&pool, PB_GFP_KERNEL, 0);
	if (pb_free_pages(&pool, page, 0))
		_exit(3);
	pb_free_pages(&pool, page, 0);
	_exit(4); /* still alive */
}

static void test_default_hook_prints_one_line_and_aborts(void **state)
{
	char text[1024] = "";
	int fds[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (!child) {
		dup2(fds[1], STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		free_twice();
	}
	close(fds[1]);
	while (n < sizeof(text) - 1 && (got = read(fds[0], text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_ptr_equal(strstr(text, "pagebuddy: pb_free_pages: page is free: freed twice"), text);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_hook_prints_one_line_and_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
