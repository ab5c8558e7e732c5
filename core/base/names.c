/* SPDX-License-Identifier: MIT */
/*
 * Names of zones, migratetypes, reasons and errors.
 */
#include "base/namespace.h"

#include <pagebuddy/pagebuddy.h>

#include "base/options.h"

const char *pb_zone_name(enum pb_zone_type zone)
{
	static const char *const names[] = { "DMA",     "DMA32",   "Normal",
					     "HighMem", "Movable", "Device" };

	return !PB_WITH_TEXTS ? "" : (unsigned int)zone < PB_NR_ZONE_TYPES ? names[zone] : "?";
}

const char *pb_migratetype_name(enum pb_migratetype type)
{
	static const char *const names[] = { "Unmovable",  "Movable", "Reclaimable",
					     "HighAtomic", "CMA",     "Isolate" };

	return !PB_WITH_TEXTS ? "" : (unsigned int)type < PB_MIGRATE_TYPES ? names[type] : "?";
}

const char *pb_reason_name(enum pb_reason reason)
{
	static const char *const names[] = { "none",        "order too big", "no zone",
					     "watermark",   "fragmented",    "migratetype",
					     "bad node id", "bad flags",     "bad range",
					     "no address",  "no pool" };

	return !PB_WITH_TEXTS                                            ? ""
	       : (unsigned int)reason < sizeof(names) / sizeof(names[0]) ? names[reason]
									 : "?";
}

const char *pb_strerror(int code)
{
	static const char *const texts[] = {
		"success",
		"invalid parameter",
		"impossible memory map",
		"not enough memory",
		"too big",
		"no pool of this version",
		"frames are in use",
		"no such pfn, node or zone",
		"misuse by the caller",
		"try again",
		"not supported by this pool",
		"an invariant does not hold",
	};
	unsigned int n = code <= 0 ? 0u - (unsigned int)code : UINT32_MAX;

	return !PB_WITH_TEXTS                         ? ""
	       : n < sizeof(texts) / sizeof(texts[0]) ? texts[n]
						      : "unknown error";
}

const char *pb_kernel_name(enum pb_kernel kernel)
{
	static const char *const names[PB_NR_LINUX] = {
		[PB_LINUX_5_4] = "5.4",   [PB_LINUX_5_10] = "5.10", [PB_LINUX_6_1] = "6.1",
		[PB_LINUX_6_12] = "6.12", [PB_LINUX_7_2] = "7.2",
	};

	return !PB_WITH_TEXTS ? "" : (unsigned int)kernel < PB_NR_LINUX ? names[kernel] : "unknown";
}
