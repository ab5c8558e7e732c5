/* SPDX-License-Identifier: MIT */
/* The kinds of pool that most tests go through. */
#ifndef PB_TESTS_SUPPORT_VARIANTS_H
#define PB_TESTS_SUPPORT_VARIANTS_H

#include "support/pool.h"

struct variant {
	const char *name;
	enum pb_profile profile;
	uint32_t flags;
};

static const struct variant variants[] = {
	{ "modern", PB_PROFILE_MODERN, PB_POOL_REFCOUNT },
	{ "modern, no pcp", PB_PROFILE_MODERN, PB_POOL_NO_PCP },
	{ "modern, hardened, try-lock", PB_PROFILE_MODERN, PB_POOL_HARDENED | PB_POOL_NO_RSEQ },
	{ "modern, quarantine", PB_PROFILE_MODERN, TP_QUARANTINE | PB_POOL_REFCOUNT },
	{ "linux", PB_PROFILE_LINUX, PB_POOL_REFCOUNT },
	{ "linux, quarantine", PB_PROFILE_LINUX, TP_QUARANTINE },
	{ "linux, no pcp", PB_PROFILE_LINUX, PB_POOL_NO_PCP },
};

#define for_each_variant(v)                      \
	for (const struct variant *v = variants; \
	     v < variants + sizeof(variants) / sizeof(variants[0]); v++)

#endif
