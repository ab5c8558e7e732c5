/* SPDX-License-Identifier: MIT */
/* The model runs on two ports; this is how each is told the current CPU. */
#ifndef PB_TESTS_MODEL_PORT_H
#define PB_TESTS_MODEL_PORT_H

#include <stdint.h>

#ifdef MODEL_ON_LINUX_USER
#include <pagebuddy/linux_user.h>
/* a thread that pretends to be on another CPU can't use restartable sequences */
#define MODEL_POOL_FLAGS PB_POOL_NO_RSEQ
static inline void model_set_cpu(uint32_t cpu)
{
	pb_user_set_cpu((int)cpu);
}
#else
#include "test_port.h"
#define MODEL_POOL_FLAGS 0
static inline void model_set_cpu(uint32_t cpu)
{
	pb_test_set_cpu(cpu);
}
#endif

#endif
