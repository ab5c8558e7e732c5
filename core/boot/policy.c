/* SPDX-License-Identifier: MIT */
/*
 * The policy of the modern profile, and the choice between it and the kernels'.
 */
#include "boot/policy.h"

#include "boot/recover.h"
#include "linux/linux_rules.h"
#include "pcp/pcp.h"
#include "range/compact.h"

static const struct pb_policy pb_policy_modern = {
	.name = "modern",
	.urgency.highatomic_gfp = PB_GFP_HIGH,
	.urgency.unboosted_gfp = PB_GFP_HIGH,
	.urgency.high = ALLOC_HIGH | ALLOC_RESERVES,
	.urgency.harder = ALLOC_HARDER | ALLOC_RESERVES,
	.urgency.harder_high = ALLOC_QUARTER,
	.whole_reserve = true,
	.boost_kswapd = true,
	.movable_apart = true,
	.small_pools = true,
	.drains_always = true,
	.merge = MERGE_REWRITE,
	.unreserve_merges = true,
	.pcp_looks_first = true,
	.rmqueue = rmqueue_one,
#if PB_WITH_HIGHATOMIC
	.rmqueue_reserve = rmqueue_reserve,
#endif
#if PB_WITH_PCP
#if PB_WITH_BULK
	.rmqueue_bulk = rmqueue_bulk,
#endif
	.pcp_take = pcp_stack_take,
	.pcp_put = pcp_stack_put,
	.pcp_drain = pcp_stack_drain,
	.pcp_decay = pcp_stack_decay,
	.pcp_set_sizes = pcp_stack_set_sizes,
	.pcp_init = pcp_stack_init,
	.pcp_holds = pcp_stack_holds,
	.pcp_sum = pcp_stack_sum,
	.pcp_count = pcp_stack_count,
#endif
};

const struct pb_policy *policy_of(const struct pb_super *super)
{
#if PB_WITH_LINUX
	if (super->profile == PB_PROFILE_LINUX)
		return &pb_policy_linux[super->kernel];
#else
	(void)super;
#endif
	return &pb_policy_modern;
}

u32 pcp_orders_of(const struct pb_super *super)
{
	const struct pb_policy *rules = policy_of(super);

	if (!rules->pcp_zone_bytes)
		return (1u << super->nr_pcp_orders) - 1;
	if (rules->pcp_single)
		return 1;
	return ((1u << (COSTLY_ORDER + 1)) - 1) | 1u << super->pageblock_order;
}

const struct pb_wings pb_wings = {
#if PB_WITH_RANGE
	.compact = compact_zonelist,
#else
	.compact = NULL,
#endif
#if PB_WITH_SHARED
	.recover = recover_shared,
#endif
};
