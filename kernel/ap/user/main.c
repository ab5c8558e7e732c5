// SPDX-License-Identifier: MIT
/* insmod and rmmod for a module that was compiled as a program. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/module.h>
#include <pagebuddy/linux.h>

static struct ap_param *params;

void ap_param_register(struct ap_param *param)
{
	param->next = params;
	params = param;
}

static int parse_bool(const char *text, bool *value)
{
	if (!strcmp(text, "1") || !strcmp(text, "y") || !strcmp(text, "Y") || !strcmp(text, "on"))
		*value = true;
	else if (!strcmp(text, "0") || !strcmp(text, "n") || !strcmp(text, "N") ||
		 !strcmp(text, "off"))
		*value = false;
	else
		return -EINVAL;
	return 0;
}

static int parse_number(const char *text, long long low, long long high, long long *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 0);
	if (errno || end == text || *end || *value < low || *value > high)
		return -EINVAL;
	return 0;
}

static int set_param(const struct ap_param *param, const char *text)
{
	long long number;
	int err;

	switch (param->type) {
	case AP_PARAM_bool:
		return parse_bool(text ? text : "1", param->value);
	case AP_PARAM_charp:
		*(const char **)param->value = text;
		return text ? 0 : -EINVAL;
	case AP_PARAM_uint:
		err = text ? parse_number(text, 0, UINT_MAX, &number) : -EINVAL;
		if (!err)
			*(unsigned int *)param->value = (unsigned int)number;
		return err;
	case AP_PARAM_int:
		err = text ? parse_number(text, INT_MIN, INT_MAX, &number) : -EINVAL;
		if (!err)
			*(int *)param->value = (int)number;
		return err;
	}
	return -EINVAL;
}

/* One key=value argument. Like the kernel, an unknown key is only warned of. */
static int parse_argument(char *argument)
{
	char *value = strchr(argument, '=');
	struct ap_param *param;

	if (value)
		*value++ = '\0';
	for (param = params; param; param = param->next)
		if (!strcmp(param->name, argument))
			break;
	if (!param) {
		fprintf(stderr, "ap: unknown parameter '%s' ignored\n", argument);
		return 0;
	}
	if (set_param(param, value)) {
		fprintf(stderr, "ap: `%s' invalid for parameter `%s'\n", value ? value : "",
			argument);
		return -EINVAL;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int err = 0, i;

	if (!pb_default_pool()) {
		fprintf(stderr, "ap-user: no memory for the default pool\n");
		return 1;
	}
	for (i = 1; !err && i < argc; i++)
		err = parse_argument(argv[i]);
	if (!err)
		err = ap_module_init();
	if (err) {
		fprintf(stderr, "ap-user: could not insert module ap: %s\n", strerror(-err));
		return 1;
	}
	ap_module_exit();
	return 0;
}
