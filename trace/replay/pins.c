// SPDX-License-Identifier: MIT
/* Who holds the pages that keep pageblocks from being whole, and since when. */

#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define KINDS (4 * PBR_ORDERS) /* (migratetype, order) */

struct owners {
	struct pbr_pin_owner *list;
	uint32_t *last_block; /* [nr] 1 + pageblock that it was last seen in */
	uint32_t *last_event; /* [nr] owner word of the block last counted */
	uint32_t nr, room;
	uint32_t *hash; /* 1 + index, or 0 */
	uint32_t hash_size;
};

struct lives {
	uint64_t *ns;
	uint64_t nr, room, alive;
};

struct pinner {
	const struct pbr_input *input;
	struct pbr_world world;
	struct pbr_pins *pins;
	struct owners owners;
	struct lives lives[KINDS];
	uint32_t *spoiled; /* [pageblocks] 1 + index into pins->blocks, or 0 */
	uint32_t nr_pageblocks, block_room, nr_events;
	bool failed;
};

static unsigned int type_of(uint32_t gfp)
{
	return (gfp & (PB_GFP_MOVABLE | PB_GFP_RECLAIMABLE)) >> 3;
}

/* --------------------------------------------------------------- lifetimes */

static void add_life(struct pinner *pinner, const struct pbr_event *born, uint64_t now)
{
	struct lives *lives = &pinner->lives[type_of(born->gfp) * PBR_ORDERS + born->order];

	if (lives->nr == lives->room) {
		uint64_t room = lives->room ? 2 * lives->room : 1024;
		void *grown = realloc(lives->ns, room * sizeof(*lives->ns));

		if (!grown) {
			pinner->failed = true;
			return;
		}
		lives->ns = grown;
		lives->room = room;
	}
	lives->ns[lives->nr++] = now - born->time;
}

static void run_world(struct pinner *pinner, uint64_t at)
{
	const struct pbr_input *input = pinner->input;
	uint32_t i = 0;

	for (; i < input->nr_events && input->events[i].time <= at; i++) {
		const struct pbr_event *event = &input->events[i];

		if (event->kind == PBR_FREE) {
			uint32_t frame = pbr_block(pinner->world.geo, event->pfn, event->order);
			uint32_t owner = pinner->world.owner[frame];

			if (owner && input->events[owner - 1].pfn == event->pfn)
				add_life(pinner, &input->events[owner - 1], event->time);
		}
		pbr_world_apply(&pinner->world, i);
	}
	pinner->nr_events = i;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void fill_lifetime(struct pbr_lifetime *life, struct lives *lives, unsigned int kind)
{
	*life = (struct pbr_lifetime){ .migratetype = (uint8_t)(kind / PBR_ORDERS),
				       .order = (uint8_t)(kind % PBR_ORDERS),
				       .freed = lives->nr,
				       .alive = lives->alive };
	if (!lives->nr)
		return;
	qsort(lives->ns, lives->nr, sizeof(*lives->ns), compare_u64);
	life->p50 = lives->ns[lives->nr / 2];
	life->p90 = lives->ns[lives->nr * 9 / 10];
	life->p99 = lives->ns[lives->nr * 99 / 100];
	life->max = lives->ns[lives->nr - 1];
}

static int list_lifetimes(struct pinner *pinner)
{
	struct pbr_pins *pins = pinner->pins;

	pins->lifetimes = calloc(KINDS, sizeof(*pins->lifetimes));
	if (!pins->lifetimes)
		return -1;
	for (unsigned int k = 0; k < KINDS; k++)
		if (pinner->lives[k].nr || pinner->lives[k].alive)
			fill_lifetime(&pins->lifetimes[pins->nr_lifetimes++], &pinner->lives[k], k);
	return 0;
}

/* ------------------------------------------------------------------- owners */

static uint32_t hash_owner(uint32_t name, uint32_t gfp, unsigned int order, unsigned int type)
{
	uint32_t hash = name * 2654435761u;

	hash = (hash ^ gfp) * 2246822519u;
	return ((hash ^ (order << 4 | type)) * 3266489917u) >> 7;
}

static bool grow_owners(struct owners *owners)
{
	uint32_t room = owners->room ? 2 * owners->room : 256;
	void *list = realloc(owners->list, room * sizeof(*owners->list));
	void *block = list ? realloc(owners->last_block, room * sizeof(uint32_t)) : NULL;
	void *event = block ? realloc(owners->last_event, room * sizeof(uint32_t)) : NULL;

	owners->list = list ? list : owners->list;
	owners->last_block = block ? block : owners->last_block;
	owners->last_event = event ? event : owners->last_event;
	if (!event)
		return false;
	owners->room = room;
	free(owners->hash);
	owners->hash_size = 4 * room;
	owners->hash = calloc(owners->hash_size, sizeof(*owners->hash));
	if (!owners->hash)
		return false;
	for (uint32_t i = 0; i < owners->nr; i++) {
		const struct pbr_pin_owner *owner = &owners->list[i];
		uint32_t at = hash_owner(owner->task, owner->gfp, owner->order, owner->migratetype);

		while (owners->hash[at & (owners->hash_size - 1)])
			at++;
		owners->hash[at & (owners->hash_size - 1)] = i + 1;
	}
	return true;
}

/* Index of the owner of this kind, made if it is new; UINT32_MAX: no memory. */
static uint32_t find_owner(struct owners *owners, const struct pbr_pin_owner *key)
{
	uint32_t at = hash_owner(key->task, key->gfp, key->order, key->migratetype), i;

	if (owners->nr == owners->room && !grow_owners(owners))
		return UINT32_MAX;
	for (;; at++) {
		const struct pbr_pin_owner *owner;

		i = owners->hash[at & (owners->hash_size - 1)];
		if (!i)
			break;
		owner = &owners->list[i - 1];
		if (owner->task == key->task && owner->gfp == key->gfp &&
		    owner->order == key->order && owner->migratetype == key->migratetype)
			return i - 1;
	}
	owners->hash[at & (owners->hash_size - 1)] = owners->nr + 1;
	owners->list[owners->nr] = *key;
	owners->last_block[owners->nr] = 0;
	owners->last_event[owners->nr] = 0;
	return owners->nr++;
}

/* Who holds this frame? Pages from before the trace are one owner, by mobility. */
static uint32_t owner_of(struct pinner *pinner, uint32_t frame)
{
	const struct pbr_input *input = pinner->input;
	uint32_t word = pinner->world.owner[frame];
	struct pbr_pin_owner key = { .task = PBR_NO_TASK };

	if (word) {
		const struct pbr_event *event = &input->events[word - 1];

		if (event->task != PBR_NO_TASK)
			key.task = input->tasks[event->task].name;
		key.gfp = event->gfp;
		key.order = event->order;
		key.migratetype = (uint8_t)type_of(event->gfp);
	} else {
		key.migratetype = pinner->world.state[frame] == PBR_USED_LRU ? PB_MIGRATE_MOVABLE
									     : PB_MIGRATE_UNMOVABLE;
	}
	if (key.task != PBR_NO_TASK)
		snprintf(key.comm, sizeof(key.comm), "%s", input->tasks[key.task].comm);
	else
		snprintf(key.comm, sizeof(key.comm), "%s", word ? "(unknown)" : "(before trace)");
	return find_owner(&pinner->owners, &key);
}

static void count_frame(struct pinner *pinner, uint32_t frame, uint32_t i, uint32_t pageblock,
			bool partial, uint32_t *different)
{
	struct owners *owners = &pinner->owners;
	struct pbr_pin_owner *owner = &owners->list[i];
	uint32_t word = pinner->world.owner[frame];

	owner->pages++;
	if (!word || owners->last_event[i] != word) {
		owner->blocks++;
		owners->last_event[i] = word;
		if (word) {
			unsigned int order = pinner->input->events[word - 1].order;

			pinner->lives[owner->migratetype * PBR_ORDERS + order].alive++;
		}
	}
	if (owners->last_block[i] == pageblock + 1)
		return;
	owners->last_block[i] = pageblock + 1;
	owner->pageblocks += partial;
	++*different;
}

static bool in_use(const struct pbr_world *world, uint32_t frame)
{
	return world->state[frame] == PBR_USED || world->state[frame] == PBR_USED_LRU;
}

static void count_owners(struct pinner *pinner, uint32_t pageblock, bool partial)
{
	unsigned int order = pinner->world.pageblock_order;
	uint32_t first = pageblock << order, different = 0, last = UINT32_MAX;

	for (uint32_t frame = first; frame < first + (1u << order); frame++) {
		uint32_t i;

		if (!in_use(&pinner->world, frame))
			continue;
		i = owner_of(pinner, frame);
		if (i == UINT32_MAX) {
			pinner->failed = true;
			return;
		}
		count_frame(pinner, frame, i, pageblock, partial, &different);
		last = i;
	}
	if (partial && different == 1)
		pinner->owners.list[last].sole++;
}

/* ----------------------------------------------------------- spoiled blocks */

static bool add_pin(struct pinner *pinner, struct pbr_pin_block *block, uint32_t word)
{
	const struct pbr_event *event = &pinner->input->events[word - 1];

	for (unsigned int i = 0; i < block->nr_pins; i++)
		if (block->pin[i].pfn == event->pfn)
			return true;
	if (block->nr_pins == 2)
		return false;
	block->pin[block->nr_pins].pfn = event->pfn;
	block->pin[block->nr_pins].time = event->time;
	block->pin[block->nr_pins].task = event->task;
	block->pin[block->nr_pins].gfp = event->gfp;
	block->pin[block->nr_pins].order = event->order;
	block->pin[block->nr_pins].migratetype = (uint8_t)type_of(event->gfp);
	block->nr_pins++;
	return true;
}

/* One or two blocks of known owners, and all the rest, half of it at least, could go away? */
static bool is_spoiled(struct pinner *pinner, uint32_t pageblock, const struct pbr_census *census,
		       struct pbr_pin_block *block)
{
	const struct pbr_world *world = &pinner->world;
	uint32_t first = pageblock << world->pageblock_order;

	if (!census->unmovable || census->hole ||
	    2 * census->unmovable > 1u << world->pageblock_order)
		return false;
	*block = (struct pbr_pin_block){ .pfn = pbr_pfn(world->geo, first),
					 .migratetype = world->block_type[pageblock],
					 .free_pages = census->free,
					 .movable_pages = census->movable };
	for (uint32_t i = first; i < first + (1u << world->pageblock_order); i++) {
		if (world->state[i] != PBR_USED)
			continue;
		if (!world->owner[i] || !add_pin(pinner, block, world->owner[i]))
			return false;
	}
	return true;
}

static void add_spoiled(struct pinner *pinner, uint32_t pageblock,
			const struct pbr_pin_block *block)
{
	struct pbr_pins *pins = pinner->pins;

	if (pins->nr_blocks == pinner->block_room) {
		uint32_t room = pinner->block_room ? 2 * pinner->block_room : 64;
		void *grown = realloc(pins->blocks, room * sizeof(*pins->blocks));

		if (!grown) {
			pinner->failed = true;
			return;
		}
		pins->blocks = grown;
		pinner->block_room = room;
	}
	pins->blocks[pins->nr_blocks++] = *block;
	pinner->spoiled[pageblock] = pins->nr_blocks;
}

static void set_fallback(struct pbr_pin_block *block, const struct pbr_event *event)
{
	block->has_fallback = true;
	block->fallback = (struct pbr_mark){
		.time = event->time,
		.pfn = event->pfn,
		.task = event->task,
		.kind = event->flag ? PBR_MARK_FALLBACK_CLAIM : PBR_MARK_FALLBACK,
		.order = event->order,
		.migratetype = event->migratetype,
		.from_type = event->from_type,
		.from_order = event->from_order,
	};
}

/* The last fallback for a type that may pin, before the first pin was put there. */
static void find_fallbacks(struct pinner *pinner)
{
	const struct pbr_world *world = &pinner->world;

	for (uint32_t i = 0; i < pinner->nr_events; i++) {
		const struct pbr_event *event = &pinner->input->events[i];
		uint32_t block, n = 1;

		if (event->kind != PBR_EXTFRAG || event->migratetype == PB_MIGRATE_MOVABLE)
			continue;
		block = pbr_frame(world->geo, event->pfn) >> world->pageblock_order;
		if (event->from_order > world->pageblock_order)
			n = 1u << (event->from_order - world->pageblock_order);
		for (uint32_t b = block; b < block + n && b < pinner->nr_pageblocks; b++) {
			struct pbr_pin_block *spoiled =
				pinner->spoiled[b] ? &pinner->pins->blocks[pinner->spoiled[b] - 1]
						   : NULL;

			if (spoiled && event->time <= spoiled->pin[0].time)
				set_fallback(spoiled, event);
		}
	}
}

/* -------------------------------------------------------------------- whole */

static void look_at(struct pinner *pinner, uint32_t pageblock)
{
	uint32_t size = 1u << pinner->world.pageblock_order;
	struct pbr_pins *pins = pinner->pins;
	struct pbr_pin_block block;
	struct pbr_census census;
	bool partial;

	pbr_world_census(&pinner->world, pageblock, &census);
	if (census.hole == size)
		return;
	/* A pageblock with a hole can't be whole, whoever frees what. */
	partial = census.free && census.free < size && !census.hole;
	pins->whole_pageblocks += census.free == size;
	pins->partial_pageblocks += partial;
	pins->full_pageblocks += !census.free;
	count_owners(pinner, pageblock, partial);
	if (is_spoiled(pinner, pageblock, &census, &block))
		add_spoiled(pinner, pageblock, &block);
}

static int by_pageblocks(const void *a, const void *b)
{
	const struct pbr_pin_owner *x = a, *y = b;

	if (x->pageblocks != y->pageblocks)
		return x->pageblocks < y->pageblocks ? 1 : -1;
	return (x->pages < y->pages) - (x->pages > y->pages);
}

static int look_at_all(struct pinner *pinner, uint64_t at)
{
	const struct pbr_world *world = &pinner->world;

	pinner->nr_pageblocks = world->geo->nr_frames >> world->pageblock_order;
	pinner->spoiled = calloc((size_t)pinner->nr_pageblocks + 1, sizeof(*pinner->spoiled));
	if (!pinner->spoiled)
		return -1;
	run_world(pinner, at);
	for (uint32_t b = 0; b < pinner->nr_pageblocks && !pinner->failed; b++)
		look_at(pinner, b);
	if (pinner->failed)
		return -1;
	find_fallbacks(pinner);
	pinner->pins->owners = pinner->owners.list;
	pinner->pins->nr_owners = pinner->owners.nr;
	pinner->owners.list = NULL;
	if (pinner->pins->nr_owners)
		qsort(pinner->pins->owners, pinner->pins->nr_owners, sizeof(*pinner->pins->owners),
		      by_pageblocks);
	return list_lifetimes(pinner);
}

int pbr_pins(const struct pbr_input *input, uint64_t at, struct pbr_pins *pins, char *error,
	     size_t size)
{
	struct pinner *pinner = calloc(1, sizeof(*pinner));
	int status = -1;

	*pins = (struct pbr_pins){ .time = at < input->end_time ? at : input->end_time };
	if (pinner) {
		pinner->input = input;
		pinner->pins = pins;
		if (!pbr_world_init(&pinner->world, input))
			status = look_at_all(pinner, at);
		pbr_world_clear(&pinner->world);
		for (unsigned int k = 0; k < KINDS; k++)
			free(pinner->lives[k].ns);
		free(pinner->owners.list);
		free(pinner->owners.last_block);
		free(pinner->owners.last_event);
		free(pinner->owners.hash);
		free(pinner->spoiled);
	}
	free(pinner);
	if (status) {
		pbr_pins_clear(pins);
		pbr_error(error, size, "no memory to tell who pins");
	}
	return status;
}

void pbr_pins_clear(struct pbr_pins *pins)
{
	free(pins->owners);
	free(pins->blocks);
	free(pins->lifetimes);
	*pins = (struct pbr_pins){ 0 };
}
