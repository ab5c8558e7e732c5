// SPDX-License-Identifier: MIT
/* pagebuddy case: a small machine, a few requests, and every step. */

#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "lang.h"

static int report(const struct case_study *study)
{
	int status = CMD_OK;

	if (study->out_of_memory)
		return cmd_error(CASE_VERB, _("no memory to record the steps")), CMD_FAILED;
	if (study->opt.format == CMD_JSON) {
		if (cmd_print_json(case_json(study)))
			return CMD_FAILED;
	} else if (study->opt.quiet) {
		printf("%s\n%s", study->start_text, study->alloc_text);
		if (study->end_text)
			printf("\n%s", study->end_text);
	} else if (study->opt.step) {
		status = case_page_text(study);
	} else {
		case_print_text(study, stdout, NULL);
	}
	for (size_t i = 0; i < study->nr_actions && !status; i++)
		if (study->act[i].result.outcome != DO_DONE)
			status = CMD_FAILED;
	return status;
}

int cmd_case(int argc, char **argv)
{
	struct case_study *study = calloc(1, sizeof(*study));
	bool done = false;
	int status = cmd_lang(CASE_VERB, NULL);

	if (!study)
		return cmd_error(CASE_VERB, _("no memory")), CMD_FAILED;
	if (!status)
		status = case_parse(study, argc, argv, &done);
	if (!status && !done)
		status = case_make_machine(study);
	if (!status && !done)
		status = case_run(study);
	if (!status && !done)
		status = report(study);
	case_release(study);
	return status;
}
