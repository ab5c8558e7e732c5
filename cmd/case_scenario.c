// SPDX-License-Identifier: MIT
/*
 * The lesson's scenarios, docs/learn/scenarios.json, as part of the command:
 * a name, and the options of `pagebuddy case` that make it.
 */

#include <stdlib.h>
#include <string.h>

#include "case.h"

/* The file's bytes, by scenarios.S. */
extern const char case_scenarios_start[], case_scenarios_end[];

/* The array of scenarios; NULL without memory. */
static json_t *scenarios(void)
{
	return json_loadb(case_scenarios_start, (size_t)(case_scenarios_end - case_scenarios_start),
			  0, NULL);
}

char *case_scenario(const char *name)
{
	json_t *list = scenarios(), *scenario;
	char *text = NULL;
	size_t i;

	json_array_foreach(json_object_get(list, "scenarios"), i, scenario)
	{
		const char *found = json_string_value(json_object_get(scenario, "name"));
		const char *words = json_string_value(json_object_get(scenario, "case"));

		if (!text && found && words && !strcmp(found, name))
			text = strdup(words);
	}
	json_decref(list);
	return text;
}

char *case_scenario_names(void)
{
	json_t *list = scenarios(), *scenario;
	char *names = NULL;
	size_t size, i;
	FILE *out = open_memstream(&names, &size);

	if (!out) {
		json_decref(list);
		return NULL;
	}
	json_array_foreach(json_object_get(list, "scenarios"), i, scenario)
	{
		const char *name = json_string_value(json_object_get(scenario, "name"));

		fprintf(out, "%s%s", i ? ", " : "", name ? name : "?");
	}
	json_decref(list);
	fclose(out);
	return names;
}
