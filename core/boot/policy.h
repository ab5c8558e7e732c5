/* SPDX-License-Identifier: MIT */
/*
 * Which policy a pool follows, and which wings this build has.
 */
#ifndef PB_CORE_BOOT_POLICY_H
#define PB_CORE_BOOT_POLICY_H

#include "base/policy.h"

const struct pb_policy *policy_of(const struct pb_super *super);
/* A bit for each order that has per-CPU lists, in a pool that has any. */
u32 pcp_orders_of(const struct pb_super *super);
extern const struct pb_wings pb_wings;

#endif
