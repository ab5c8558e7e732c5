// SPDX-License-Identifier: MIT
/*
 * A machine whose free blocks are those of a saved /proc/buddyinfo. Where they lie is
 * not in it: each is beside a block that has an owner. Freestanding.
 */
#include "do.h"

#define LARGEST (UINT64_C(1) << PB_DEFAULT_MAX_ORDER)

uint64_t do_place_room(const uint64_t *nr_free)
{
	uint64_t frames = nr_free[PB_DEFAULT_MAX_ORDER] * LARGEST;

	for (unsigned int o = 0; o < PB_DEFAULT_MAX_ORDER; o++)
		frames += nr_free[o] << (o + 1);
	return (frames + LARGEST - 1) & ~(LARGEST - 1);
}

/* The block at pfn gets an owner that nobody of the text is: `others`. */
static enum do_placed occupy(struct do_machine *machine, uint64_t pfn, unsigned int order)
{
	struct do_block *block = &machine->block[machine->nr];

	if (machine->nr == machine->room)
		return DO_PLACE_NO_ROOM;
	if (pb_alloc_at(machine->pool, pfn, order, PB_GFP_HIGHUSER_MOVABLE))
		return DO_PLACE_REFUSED;
	*block = (struct do_block){ .page = pb_pfn_to_page(machine->pool, pfn),
				    .pfn = pfn,
				    .action = DO_NOBODY,
				    .number = (uint32_t)machine->nr + 1,
				    .order = (uint8_t)order,
				    .held = true };
	machine->nr++;
	return DO_PLACED;
}

/* Largest first; of a pair of buddies the lower is free, the upper has an owner. */
enum do_placed do_place(struct do_machine *machine, uint64_t start, uint64_t end,
			const uint64_t *nr_free)
{
	uint64_t pfn = start + nr_free[PB_DEFAULT_MAX_ORDER] * LARGEST;
	enum do_placed status = DO_PLACED;

	for (unsigned int o = PB_DEFAULT_MAX_ORDER; o-- > 0;) {
		for (uint64_t n = 0; n < nr_free[o] && !status; n++) {
			status = occupy(machine, pfn + (UINT64_C(1) << o), o);
			pfn += UINT64_C(2) << o;
		}
	}
	/* What is left of the last largest block, by pieces as large as they can be. */
	while (pfn < end && !status) {
		unsigned int order = (unsigned int)__builtin_ctzll(pfn);

		status = occupy(machine, pfn, order);
		pfn += UINT64_C(1) << order;
	}
	return status;
}
