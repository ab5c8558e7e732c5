/* SPDX-License-Identifier: MIT */
/* gfp names and numbers, spec 4.1, 4.2 and 13.6. */
#include "gfp_names.h"
#include "support.h"

static uint32_t parse(const char *text, enum pb_gfp_table table)
{
	uint32_t gfp = 0xdead;

	if (!pb_gfp_parse(text, strlen(text), table, &gfp))
		fail_msg("'%s' was refused", text);
	return gfp;
}

static const char *format(uint32_t gfp, enum pb_gfp_table table)
{
	static char text[600];

	size_t len = pb_gfp_format(gfp, table, text, sizeof(text));

	assert_int_equal(len, strlen(text));
	return text;
}

static void test_spec_13_6_examples(void **state)
{
	(void)state;
	assert_string_equal(format(0xcc0, PB_GFP_5_4), "GFP_KERNEL");
	assert_string_equal(format(0xdc0, PB_GFP_5_4), "GFP_KERNEL|__GFP_ZERO");
	assert_string_equal(format(0xa20, PB_GFP_5_4), "GFP_ATOMIC");
	assert_string_equal(format(0x100cca, PB_GFP_5_4), "GFP_HIGHUSER_MOVABLE");
	assert_string_equal(format(0x2cc0, PB_GFP_5_4), "GFP_KERNEL|__GFP_NOWARN");
	assert_string_equal(format(0, PB_GFP_5_4), "none");
}

/* Spec 4.2: masks that changed between the kernels. */
static void test_masks_differ_by_kernel(void **state)
{
	(void)state;
	assert_int_equal(parse("GFP_ATOMIC", PB_GFP_5_4), 0xa20);
	assert_int_equal(parse("GFP_ATOMIC", PB_GFP_6_1), 0xa20);
	assert_int_equal(parse("GFP_ATOMIC", PB_GFP_6_18), 0x820);
	assert_int_equal(parse("GFP_NOWAIT", PB_GFP_6_1), 0x800);
	assert_int_equal(parse("GFP_NOWAIT", PB_GFP_6_18), 0x2800);
	assert_int_equal(parse("GFP_TRANSHUGE_LIGHT", PB_GFP_6_1), 0x1c20ca);
	assert_int_equal(parse("GFP_TRANSHUGE", PB_GFP_6_1), 0x1c24ca);
	assert_int_equal(parse("GFP_KERNEL_ACCOUNT", PB_GFP_5_4), 0x400cc0);
	assert_string_equal(format(0x800, PB_GFP_6_18), "__GFP_KSWAPD_RECLAIM");
	assert_string_equal(format(0x800, PB_GFP_6_1), "GFP_NOWAIT");
	/* as running kernels printed it */
	assert_int_equal(parse("GFP_TRANSHUGE_LIGHT|GFP_NOWAIT|__GFP_NORETRY|__GFP_THISNODE",
			       PB_GFP_6_1),
			 0x1c20ca | 0x800 | 0x10000 | 0x200000);
	assert_int_equal(parse("GFP_KERNEL|__GFP_RECLAIMABLE|__GFP_NOWARN|__GFP_NORETRY|__GFP_COMP",
			       PB_GFP_6_18),
			 0xcc0 | 0x10 | 0x2000 | 0x10000 | 0x40000);
}

static void test_every_value_comes_back(void **state)
{
	struct gen gen = gen_new(test_seed());

	(void)state;
	for (int table = PB_GFP_5_4; table <= PB_GFP_6_18; table++)
		for (int i = 0; i < 20000; i++) {
			uint32_t gfp = (uint32_t)gen_random(&gen, 1u << 28);

			assert_int_equal(parse(format(gfp, (enum pb_gfp_table)table),
					       (enum pb_gfp_table)table),
					 gfp);
		}
}

static void test_what_is_no_list_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"GFP_KER",
		"GFP_KERNEL|",
		"|GFP_KERNEL",
		"GFP_KERNEL||__GFP_ZERO",
		"gfp_kernel",
		"0x",
		"0x123456789",
		"0xfg",
		"GFP_KERNEL __GFP_ZERO",
		"none|0x1",
		"GFP_KERNELX",
		"__GFP_ATOMIC_",
	};
	uint32_t gfp;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (pb_gfp_parse(wrong[i], strlen(wrong[i]), PB_GFP_6_1, &gfp))
			fail_msg("'%s' was taken", wrong[i]);
	/* a name of another kernel only */
	assert_false(pb_gfp_parse("__GFP_NO_OBJ_EXT", 16, PB_GFP_6_1, &gfp));
	assert_false(pb_gfp_parse("__GFP_ATOMIC", 12, PB_GFP_6_18, &gfp));
}

/* Found by test_mutate: the comparison went on behind the NUL of the name. */
static void test_a_nul_in_a_name_is_refused(void **state)
{
	uint32_t gfp;

	(void)state;
	assert_false(pb_gfp_parse("__GFP_NOWARN\0xxxxxxxxxxxxxxxxxxxx", 33, PB_GFP_6_1, &gfp));
}

static void test_buffer_too_small_is_cut_and_counted(void **state)
{
	char text[8];

	(void)state;
	assert_int_equal(pb_gfp_format(0xdc0, PB_GFP_6_1, text, sizeof(text)), 21);
	assert_string_equal(text, "GFP_KER");
	assert_int_equal(pb_gfp_format(0xdc0, PB_GFP_6_1, NULL, 0), 21);
}

/* The order of the names tells 6.18 from 6.1, before any that differs is read. */
static void test_table_is_found_by_the_order_of_names(void **state)
{
	struct pb_gfp_state gfp;
	uint32_t value;

	(void)state;
	pb_gfp_init(&gfp, PB_GFP_AUTO);
	assert_true(pb_gfp_lookup(&gfp, "GFP_KERNEL", 10, &value));
	assert_int_equal(gfp.table, PB_GFP_6_1);
	assert_true(pb_gfp_lookup(&gfp, "GFP_KERNEL|__GFP_ZERO|__GFP_COMP", 32, &value));
	assert_int_equal(gfp.table, PB_GFP_6_18);
	assert_true(pb_gfp_lookup(&gfp, "GFP_ATOMIC", 10, &value));
	assert_int_equal(value, 0x820);

	pb_gfp_init(&gfp, PB_GFP_AUTO);
	assert_true(pb_gfp_lookup(&gfp, "GFP_KERNEL|__GFP_COMP|__GFP_ZERO", 32, &value));
	assert_true(gfp.fixed);
	assert_true(pb_gfp_lookup(&gfp, "GFP_ATOMIC", 10, &value));
	assert_int_equal(value, 0xa20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spec_13_6_examples),
		cmocka_unit_test(test_masks_differ_by_kernel),
		cmocka_unit_test(test_every_value_comes_back),
		cmocka_unit_test(test_what_is_no_list_is_refused),
		cmocka_unit_test(test_a_nul_in_a_name_is_refused),
		cmocka_unit_test(test_buffer_too_small_is_cut_and_counted),
		cmocka_unit_test(test_table_is_found_by_the_order_of_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
