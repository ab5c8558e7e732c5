// SPDX-License-Identifier: MIT
/*
 * What tracefs says about an event, in events/SYSTEM/NAME/format:
 *
 *	name: mm_page_free
 *	ID: 652
 *	format:
 *		field:int common_pid;	offset:4;	size:4;	signed:1;
 *		field:unsigned long pfn;	offset:8;	size:8;	signed:0;
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

struct field {
	char name[PBT_NAME];
	unsigned int offset, size, is_signed;
	bool is_array;
};

/* "field:TYPE NAME;" or "field:TYPE NAME[N];" and its three numbers. */
static bool parse_field(const char *line, struct field *field)
{
	const char *decl = strstr(line, "field:");
	const char *end = decl ? strchr(decl, ';') : NULL;
	const char *start;
	size_t length;

	if (!end || sscanf(end, "; offset:%u; size:%u; signed:%u;", &field->offset, &field->size,
			   &field->is_signed) != 3)
		return false;
	field->is_array = end[-1] == ']' || strncmp(decl, "field:__data_loc", 16) == 0;
	if (end[-1] == ']')
		while (end > decl && *end != '[')
			end--;
	for (start = end; start > decl && start[-1] != ' ' && start[-1] != '*';)
		start--;
	length = (size_t)(end - start);
	if (!length || length >= sizeof(field->name) || field->offset > 4096 || field->size > 4096)
		return false;
	memcpy(field->name, start, length);
	field->name[length] = '\0';
	return true;
}

static void need(struct rec_format *format, unsigned int end)
{
	if (format->min_size < end)
		format->min_size = (uint16_t)end;
}

static void add_field(struct rec_format *format, const struct field *field)
{
	uint32_t f = format->def.nr_fields;

	if (field->is_array || f == PBT_MAX_FIELDS ||
	    !(field->size == 1 || field->size == 2 || field->size == 4 || field->size == 8))
		return;
	memcpy(format->def.field[f].name, field->name, sizeof(field->name));
	format->def.field[f].is_signed = field->is_signed;
	format->offset[f] = (uint16_t)field->offset;
	format->size[f] = (uint8_t)field->size;
	format->def.nr_fields++;
	need(format, field->offset + field->size);
}

/* A task's name is written as a task, not as an event. */
static void task_field(struct rec_format *format, const struct field *field)
{
	if (!strcmp(field->name, "pid") && field->size == 4) {
		format->comm_pid_offset = (uint16_t)field->offset;
	} else if ((!strcmp(field->name, "comm") || !strcmp(field->name, "newcomm")) &&
		   field->size == 16) {
		format->comm_offset = (uint16_t)field->offset;
	} else {
		return;
	}
	need(format, field->offset + field->size);
}

/* The callers behind an event are written as the number of their chain. */
static void stack_field(struct rec_format *format, const struct field *field)
{
	if (strcmp(field->name, "caller"))
		return;
	format->callers_offset = (uint16_t)field->offset;
	strcpy(format->def.field[0].name, "chain");
	format->def.nr_fields = 1;
	need(format, field->offset);
}

/* Which frames an event takes or gives: a snapshot may know of it already. */
static int8_t pfn_field(const struct pbt_event_def *def)
{
	bool takes = strstr(def->name, "isolate_freepages") != NULL;

	if (strcmp(def->system, "kmem") ? !takes : strstr(def->name, "extfrag") != NULL)
		return -1;
	for (uint32_t f = 0; f < def->nr_fields; f++)
		if (!strcmp(def->field[f].name, takes ? "start_pfn" : "pfn"))
			return (int8_t)f;
	return -1;
}

bool rec_parse_format(const char *text, const char *system, struct rec_format *format)
{
	const char *line = text;
	struct field field;
	bool has_pid = false;

	memset(format, 0, sizeof(*format));
	snprintf(format->def.system, sizeof(format->def.system), "%s", system);
	if (sscanf(text, "name: %63s ID: %u", format->def.name, &format->def.id) != 2)
		return false;
	for (; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, "print fmt:", 10))
			break;
		if (strncmp(line, "\tfield:", 7) || !parse_field(line, &field))
			continue;
		if (!strcmp(field.name, "common_pid") && field.size == 4) {
			format->pid_offset = (uint16_t)field.offset;
			need(format, field.offset + 4);
			has_pid = true;
		} else if (!strcmp(system, "task")) {
			task_field(format, &field);
		} else if (!strcmp(system, "ftrace")) {
			stack_field(format, &field);
		} else if (strncmp(field.name, "common_", 7)) {
			add_field(format, &field);
		}
	}
	format->pfn_field = pfn_field(&format->def);
	return has_pid;
}
