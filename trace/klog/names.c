/* SPDX-License-Identifier: MIT */
/* What zone types are called in a log. */
#include "internal.h"

const char *pb_klog_type_name(int type)
{
	static const char *const names[PB_KLOG_TYPES] = { "DMA",     "DMA32",   "Normal",
							  "HighMem", "Movable", "Device" };

	return type < 0 || type >= PB_KLOG_TYPES ? "?" : names[type];
}
