/* SPDX-License-Identifier: MIT */
/*
 * pb_validate(): every invariant of docs/INVARIANTS.md marked V.
 *
 * Each check may rely on those before it and on nothing else, so that none reads
 * outside the metadata or runs on without end, whatever the metadata holds:
 *
 *	I1 super block -> I2 segments, I3 zones        (validate_map.c)
 *	   -> I4..I12 trees and page bytes             (validate_frames.c)
 *	   -> I13..I15 per-CPU lists, I43 quarantine   (validate_pcp.c)
 *	   -> I17..I22 free lists                      (validate_lists.c)
 *	   -> I23..I27 counters                        (validate_zone.c)
 *	   -> I36 nodes, I29 locks, I37, I40 counters, I42 runs, I41 list sizes,
 *	      I38 and I39 checksums
 */
#include "inspect/validate.h"

#include "base/seal.h"

int pb_validate(struct pb_pool *pool, struct pb_error *error)
{
	static int (*const checks[])(struct check * c) = {
		check_super,     check_segments, check_zones,          check_frames,
		check_ancestors, check_merged,   check_free_usable,    check_spare_bits,
		check_heads,     check_tails,    check_owned_not_free, check_references,
		check_pcp,       check_lists,    check_totals,         check_nodes,
		check_locks,     check_marks,
	};
	struct check check = { .pool = pool, .error = error };

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (checks[i](&check))
			return PB_ECORRUPT;
	if (each_zone(&check, check_vm_free) || each_zone(&check, check_bounds) ||
	    (PB_WITH_RANGE && each_zone(&check, check_runs)) || each_pcp(&check, check_linux_sizes))
		return PB_ECORRUPT;
	if (!super_sealed(pool->super) || !map_sealed(pool->super))
		return broken(&check, 38, "a checksum of what never changes is wrong");
	return sizes_sealed(pool->super)
		       ? PB_OK
		       : broken(&check, 39, "the checksum of tunables and what follows is wrong");
}
