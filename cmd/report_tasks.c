// SPDX-License-Identifier: MIT
/* Tasks by number, as the page names them. */

#include "report.h"

uint32_t report_task(const struct report *report, struct report_tasks *tasks, uint32_t task)
{
	const struct pbr_task *t;

	if (task == PBR_NO_TASK || task >= report->input->nr_tasks || !tasks->number)
		return 0;
	t = &report->input->tasks[task];
	if (!tasks->number[task] && tasks->nr < REPORT_MAX_TASKS) {
		tasks->number[task] = ++tasks->nr;
		/* a name that is no UTF-8 is a name all the same */
		json_t *comm = json_string(t->comm);

		json_array_append_new(tasks->list, json_pack("[i, o]", (int)t->pid,
							     comm ? comm : json_string("?")));
	}
	return tasks->number[task];
}
