// SPDX-License-Identifier: MIT
/* Which events are told of: --task, --from, --to, --order. */

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Seconds to ns, exactly to the digit: 123.456789 is no round number in binary. */
static bool parse_seconds(const char *text, uint64_t *ns)
{
	uint64_t digits = 0, scale = 1000000000;
	bool point = false;

	if (!*text || strlen(text) > 20)
		return false;
	for (; *text; text++) {
		if (*text == '.' && !point) {
			point = true;
			continue;
		}
		if (*text < '0' || *text > '9' || (point && scale == 1))
			return false;
		digits = digits * 10 + (uint64_t)(*text - '0');
		if (point)
			scale /= 10;
	}
	*ns = digits * scale;
	return true;
}

int pbr_time_parse(const struct pbr_input *input, const char *text, uint64_t *time, char *error,
		   size_t size)
{
	*time = input->end_time;
	if (!strcmp(text, "end"))
		return 0;
	*time = input->start_time;
	if (!strcmp(text, "start"))
		return 0;
	if (!parse_seconds(text + (*text == '+'), time))
		return pbr_error(error, size, "'%s': expected +SECONDS, SECONDS, start or end",
				 text);
	if (*text == '+')
		*time += input->start_time;
	if (*time < input->start_time || *time > input->end_time)
		return pbr_error(error, size,
				 "'%s': the trace goes from %.6f to %.6f (+0 to +%.6f)", text,
				 (double)input->start_time * 1e-9, (double)input->end_time * 1e-9,
				 (double)(input->end_time - input->start_time) * 1e-9);
	return 0;
}

bool pbr_orders_parse(const char *text, unsigned int *low, unsigned int *high)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	*low = *high = (unsigned int)strtoul(text, &end, 10);
	if (*end == '-' && isdigit((unsigned char)end[1]))
		*high = (unsigned int)strtoul(end + 1, &end, 10);
	return !*end && *high >= *low && *high <= PB_MAX_ORDER;
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* A number is a pid, and all else a name. */
bool pbr_task_matches(const char *wanted, int32_t pid, const char *comm)
{
	return is_number(wanted) ? pid == atoi(wanted) : !fnmatch(wanted, comm, 0);
}

static int find_tasks(const struct pbr_input *input, const char *wanted, struct pbr_filter *filter,
		      char *error, size_t size)
{
	bool any = false;

	filter->tasks = calloc(input->nr_tasks + 1u, 1);
	if (!filter->tasks)
		return pbr_error(error, size, "no memory");
	for (uint32_t i = 0; i < input->nr_tasks; i++) {
		filter->tasks[i] = pbr_task_matches(wanted, input->tasks[i].pid,
						    input->tasks[i].comm);
		any |= filter->tasks[i];
	}
	if (!any)
		return pbr_error(error, size, "--task '%s': no event of the trace is of %s", wanted,
				 is_number(wanted) ? "this pid" : "a task of this name");
	return 0;
}

static void describe(const struct pbr_input *input, const struct pbr_wish *wish,
		     struct pbr_filter *filter)
{
	size_t used = 0, size = sizeof(filter->text);
	char *text = filter->text;

	if (wish->task)
		used += (size_t)snprintf(text, size, "task %.60s", wish->task);
	if (wish->orders)
		used += (size_t)snprintf(text + used, size - used, "%sorder %.10s",
					 used ? ", " : "", wish->orders);
	if (wish->from || wish->to)
		snprintf(text + used, size - used, "%s%+.6f s to %+.6f s", used ? ", " : "",
			 (double)(filter->from - input->start_time) * 1e-9,
			 (double)(filter->to - input->start_time) * 1e-9);
}

/* Which option a bad time was of. */
static int take_time(const struct pbr_input *input, const char *option, const char *text,
		     uint64_t *time, char *error, size_t size)
{
	char why[200];

	if (!text || !pbr_time_parse(input, text, time, why, sizeof(why)))
		return 0;
	return pbr_error(error, size, "--%s %s", option, why);
}

int pbr_filter_make(const struct pbr_input *input, const struct pbr_wish *wish,
		    struct pbr_filter *filter, char *error, size_t size)
{
	*filter = (struct pbr_filter){ .from = input->start_time,
				       .to = input->end_time,
				       .order_high = PB_MAX_ORDER };
	if (take_time(input, "from", wish->from, &filter->from, error, size) ||
	    take_time(input, "to", wish->to, &filter->to, error, size))
		return -1;
	if (filter->from > filter->to)
		return pbr_error(error, size, "--from '%s' is later than --to '%s'", wish->from,
				 wish->to ? wish->to : "end");
	if (wish->orders &&
	    !pbr_orders_parse(wish->orders, &filter->order_low, &filter->order_high))
		return pbr_error(error, size,
				 "--order '%s': expected a number from 0 to %d, or two, such as "
				 "4-9",
				 wish->orders, PB_MAX_ORDER);
	if (wish->task && find_tasks(input, wish->task, filter, error, size)) {
		pbr_filter_clear(filter);
		return -1;
	}
	describe(input, wish, filter);
	return 0;
}

void pbr_filter_clear(struct pbr_filter *filter)
{
	free(filter->tasks);
	*filter = (struct pbr_filter){ 0 };
}
