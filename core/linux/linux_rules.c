/* SPDX-License-Identifier: MIT */
/*
 * The kernels that the linux profile follows, one row each. 5.10, 6.1, 6.12 and
 * 7.2 were compared with the running kernel; 5.4 is the description's.
 */
#include "linux/linux_rules.h"


/* clang-format off */
const struct linux_rules linux_rules_of[PB_NR_LINUX] = {
	[PB_LINUX_5_4] = {
		.name = "5.4",
		.urgency.atomic_bit = true,
		.reserve_seen_late = true,
		.boosts_small = true,
		.moves_to_head = true,
		.cma_last = true,
		.urgency.high = ALLOC_HIGH,
		.urgency.harder = ALLOC_QUARTER | ALLOC_RESERVES,
		.merge = LINUX_MERGE_ANY,
		.pcp_sizes = LINUX_PCP_BATCH,
		.pcp_single = true,
		.pcp_round_robin = true,
		.pcp_cached_type = true,
		.pcp_high_batches = 6,
	},
	[PB_LINUX_5_10] = {
		.name = "5.10",
		.urgency.atomic_bit = true,
		.urgency.unboosted_gfp = PB_GFP_ATOMIC_BIT,
		.urgency.high = ALLOC_HIGH,
		.urgency.harder = ALLOC_QUARTER | ALLOC_RESERVES,
		.merge = LINUX_MERGE_ANY,
		.pcp_sizes = LINUX_PCP_BATCH,
		.pcp_single = true,
		.pcp_round_robin = true,
		.pcp_cached_type = true,
		.pcp_high_batches = 6,
	},
	[PB_LINUX_6_1] = {
		.name = "6.1",
		.urgency.highatomic_gfp = PB_GFP_HIGH,
		.urgency.unboosted_gfp = PB_GFP_ATOMIC_BIT,
		.urgency.high = ALLOC_HIGH | ALLOC_RESERVES,
		.urgency.harder = ALLOC_HARDER | ALLOC_RESERVES,
		.urgency.harder_high = ALLOC_QUARTER,
		.merge = LINUX_MERGE_ALIKE,
		.pcp_sizes = LINUX_PCP_FACTOR,
		.pcp_cached_type = true,
	},
	[PB_LINUX_6_12] = {
		.name = "6.12",
		.urgency.highatomic_gfp = PB_GFP_HIGH,
		.urgency.unboosted_gfp = PB_GFP_HIGH,
		.urgency.high = ALLOC_HIGH | ALLOC_RESERVES,
		.urgency.harder = ALLOC_HARDER | ALLOC_RESERVES,
		.urgency.harder_high = ALLOC_QUARTER,
		.list_reserve = true,
		.whole_reserve = true,
		.below_high = true,
		.boost_kswapd = true,
		.movable_apart = true,
		.merge = LINUX_MERGE_REWRITE,
		.lists_follow = true,
		.split_frees = true,
		.pcp_sizes = LINUX_PCP_TUNED,
	},
	[PB_LINUX_7_2] = {
		.name = "7.2",
		.urgency.highatomic_gfp = PB_GFP_HIGH,
		.urgency.unboosted_gfp = PB_GFP_HIGH,
		.urgency.high = ALLOC_HIGH | ALLOC_RESERVES,
		.urgency.harder = ALLOC_HARDER | ALLOC_RESERVES,
		.urgency.harder_high = ALLOC_QUARTER,
		.list_reserve = true,
		.whole_reserve = true,
		.below_high = true,
		.boost_kswapd = true,
		.movable_apart = true,
		.merge = LINUX_MERGE_REWRITE,
		.lists_follow = true,
		.split_frees = true,
		.pcp_sizes = LINUX_PCP_TUNED,
		.pcp_reserves_none = true,
		.pcp_spares_reserve = true,
		.pcp_patient = true,
		.pcp_drain_batches = true,
	},
};
/* clang-format on */

const char *pb_kernel_name(enum pb_kernel kernel)
{
	return (unsigned int)kernel < PB_NR_LINUX ? linux_rules_of[kernel].name : "unknown";
}
