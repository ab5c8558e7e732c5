/* SPDX-License-Identifier: MIT */
/*
 * gfp flags of any release, 2.6.22 to today, in terms of the library's bits
 * (PB_GFP_*, the numbers of 6.1). A kernel numbers the flags as it likes:
 *
 *	3.10   0x201da    = GFP_HIGHUSER_MOVABLE|__GFP_COLD
 *	4.19   0x6200ca   = GFP_HIGHUSER_MOVABLE
 *	5.15   0x100cca   = GFP_HIGHUSER_MOVABLE
 *
 * but what a name means has changed little. Releases are PB_RELEASE(a, b, c).
 */
#ifndef PB_TRACE_GFP_RELEASE_H
#define PB_TRACE_GFP_RELEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The meaning of a number that this release printed. */
uint32_t pb_gfp_of_number(uint32_t number, uint32_t release);
/*
 * The meaning of one name; those without one here (__GFP_COLD ...) are 0. False:
 * no release has this name.
 */
bool pb_gfp_of_name(const char *name, size_t len, uint32_t release, uint32_t *gfp);
/* The names that this release has for a number: "GFP_KERNEL|__GFP_COMP". As snprintf(). */
size_t pb_gfp_release_names(uint32_t number, uint32_t release, char *buffer, size_t size);

#endif
