// SPDX-License-Identifier: MIT
/* pagebuddy case: perform the actions, keep what they did. */

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <pagebuddy/linux_user.h>

#include "case.h"
#include "lang.h"

static void look(struct case_study *study, struct case_zones *zones)
{
	zones->nr = 0;
	while (zones->nr < CASE_MAX_ZONES &&
	       !pb_zone_stats(&study->pool, zones->nr, &zones->zone[zones->nr]))
		zones->nr++;
}

static char *buddyinfo(struct case_study *study)
{
	size_t length = pb_buddyinfo(&study->pool, NULL, 0);
	char *text = malloc(length + 1);

	if (text)
		pb_buddyinfo(&study->pool, text, length + 1);
	else
		study->out_of_memory = true;
	return text;
}

/* The frames that an action handed out, before a later one moves or frees them. */
static void keep_frames(struct case_study *study, struct case_act *act)
{
	for (size_t i = 0; i < act->result.nr && act->pfn; i++)
		act->pfn[act->nr_pfn++] = study->machine.block[act->result.first + i].pfn;
}

static void perform(struct case_study *study, size_t i)
{
	struct do_action *action = &study->action[i];
	struct case_act *act = &study->act[i];
	size_t room = action->kind == DO_ALLOC ? action->count : study->machine.nr;

	if (room > study->machine.room)
		room = study->machine.room;
	if (action->kind == DO_ALLOC || action->kind == DO_FREE) {
		act->pfn = calloc(room + 1, sizeof(*act->pfn));
		if (!act->pfn)
			study->out_of_memory = true;
	}
	if (study->out_of_memory)
		return;
	/* Thousands of random requests are a state, not steps. */
	study->now = action->kind == DO_FILL ? NULL : act;
	study->freeing = action->kind == DO_FREE || action->kind == DO_DRAIN;
	act->result = do_perform(&study->machine, i);
	study->now = NULL;
	if (action->kind == DO_ALLOC)
		keep_frames(study, act);
	look(study, &act->after);
}

int case_run(struct case_study *study)
{
	look(study, &study->start);
	study->start_text = buddyinfo(study);
	for (size_t i = 0; i < study->nr_actions && !study->out_of_memory; i++) {
		if (study->requests && study->action[i].kind == DO_FREE && !study->alloc_text)
			study->alloc_text = buddyinfo(study);
		perform(study, i);
	}
	if (study->alloc_text)
		study->end_text = buddyinfo(study);
	else
		study->alloc_text = buddyinfo(study);
	return CMD_OK;
}

void case_release(struct case_study *study)
{
	for (size_t i = 0; study->act && i < study->nr_actions; i++) {
		free(study->act[i].steps.event);
		free(study->act[i].pfn);
		free(study->act[i].misuse);
	}
	free(study->act);
	free(study->action);
	free(study->machine.block);
	free(study->text);
	free(study->placed);
	free(study->start_text);
	free(study->alloc_text);
	free(study->end_text);
	pb_pool_destroy(&study->mover);
	pb_pool_destroy(&study->pool);
	if (study->metadata_bytes)
		munmap(study->metadata, study->metadata_bytes);
	free(study->scenario_words);
	free(study);
}
