/* SPDX-License-Identifier: MIT */
/*
 * The kernels that the linux profile follows, one row each. 5.10, 6.1, 6.12 and
 * 7.2 were compared with the running kernel; 5.4 is the description's.
 */
#include "linux/linux_rules.h"

#include "linux/linux_zone.h"
#include "linux/pcp_linux.h"

/* Members that are the same for all kernels. */
#define LINUX_ALIKE                                                                         \
	.spares_zone_end = true, .keeps_boot_types = true, .reserved_as_movable = true,     \
	.rmqueue = linux_rmqueue_one, .rmqueue_reserve = linux_rmqueue_reserve,             \
	.count_free = linux_count_free, .pcp_zone_bytes = sizeof(struct pcp_linux),         \
	.pcp_take = pcp_linux_take, .pcp_put = pcp_linux_put, .pcp_drain = pcp_linux_drain, \
	.pcp_set_sizes = pcp_linux_set_sizes, .pcp_init = pcp_linux_init,                   \
	.pcp_holds = pcp_linux_holds, .pcp_sum = pcp_linux_sum, .pcp_count = pcp_linux_count

/* clang-format off */
const struct pb_policy pb_policy_linux[PB_NR_LINUX] = {
	[PB_LINUX_5_4] = {
		LINUX_ALIKE,
		.name = "5.4",
		.urgency.atomic_bit = true,
		.reserve_seen_late = true,
		.boosts_small = true,
		.moves_to_head = true,
		.cma_last = true,
		.urgency.high = ALLOC_HIGH,
		.urgency.harder = ALLOC_QUARTER | ALLOC_RESERVES,
		.merge = MERGE_ANY,
		.pcp_sizes = LINUX_PCP_BATCH,
		.pcp_single = true,
		.pcp_round_robin = true,
		.pcp_cached_type = true,
		.pcp_high_batches = 6,
	},
	[PB_LINUX_5_10] = {
		LINUX_ALIKE,
		.name = "5.10",
		.urgency.atomic_bit = true,
		.urgency.unboosted_gfp = PB_GFP_ATOMIC_BIT,
		.urgency.high = ALLOC_HIGH,
		.urgency.harder = ALLOC_QUARTER | ALLOC_RESERVES,
		.merge = MERGE_ANY,
		.pcp_sizes = LINUX_PCP_BATCH,
		.pcp_single = true,
		.pcp_round_robin = true,
		.pcp_cached_type = true,
		.pcp_high_batches = 6,
	},
	[PB_LINUX_6_1] = {
		LINUX_ALIKE,
		.name = "6.1",
		.urgency.highatomic_gfp = PB_GFP_HIGH,
		.urgency.unboosted_gfp = PB_GFP_ATOMIC_BIT,
		.urgency.high = ALLOC_HIGH | ALLOC_RESERVES,
		.urgency.harder = ALLOC_HARDER | ALLOC_RESERVES,
		.urgency.harder_high = ALLOC_QUARTER,
		.merge = MERGE_ALIKE,
		.pcp_sizes = LINUX_PCP_FACTOR,
		.pcp_cached_type = true,
	},
	[PB_LINUX_6_12] = {
		LINUX_ALIKE,
		.name = "6.12",
		.urgency.highatomic_gfp = PB_GFP_HIGH,
		.urgency.unboosted_gfp = PB_GFP_HIGH,
		.urgency.high = ALLOC_HIGH | ALLOC_RESERVES,
		.urgency.harder = ALLOC_HARDER | ALLOC_RESERVES,
		.urgency.harder_high = ALLOC_QUARTER,
		.list_reserve = true,
		.whole_reserve = true,
		.inner_reserve = true,
		.below_high = true,
		.boost_kswapd = true,
		.movable_apart = true,
		.merge = MERGE_REWRITE,
		.lists_follow = true,
		.split_frees = true,
		.pcp_sizes = LINUX_PCP_TUNED,
	},
	[PB_LINUX_7_2] = {
		LINUX_ALIKE,
		.name = "7.2",
		.urgency.highatomic_gfp = PB_GFP_HIGH,
		.urgency.unboosted_gfp = PB_GFP_HIGH,
		.urgency.high = ALLOC_HIGH | ALLOC_RESERVES,
		.urgency.harder = ALLOC_HARDER | ALLOC_RESERVES,
		.urgency.harder_high = ALLOC_QUARTER,
		.list_reserve = true,
		.whole_reserve = true,
		.inner_reserve = true,
		.below_high = true,
		.boost_kswapd = true,
		.movable_apart = true,
		.merge = MERGE_REWRITE,
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
