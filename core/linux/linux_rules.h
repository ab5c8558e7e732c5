/* SPDX-License-Identifier: MIT */
/*
 * The policies of the kernels that the linux profile follows.
 */
#ifndef PB_CORE_LINUX_RULES_H
#define PB_CORE_LINUX_RULES_H

#include "base/policy.h"

extern const struct pb_policy pb_policy_linux[PB_NR_LINUX];

#endif
