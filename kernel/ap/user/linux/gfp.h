/* SPDX-License-Identifier: MIT */
#include <pagebuddy/linux.h>
