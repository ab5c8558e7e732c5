/* SPDX-License-Identifier: MIT */
/*
 * A module as a program: parameters register themselves before main(), which
 * parses key=value arguments as insmod does, and calls init and exit.
 */
#ifndef AP_USER_MODULE_H
#define AP_USER_MODULE_H

#include <stdbool.h>

enum ap_param_type { AP_PARAM_uint, AP_PARAM_int, AP_PARAM_charp, AP_PARAM_bool };

struct ap_param {
	const char *name;
	enum ap_param_type type;
	void *value;
	struct ap_param *next;
};

void ap_param_register(struct ap_param *param);

#define module_param(var, kind, perm)                                              \
	static void __attribute__((constructor)) ap_register_##var(void)           \
	{                                                                          \
		static struct ap_param param = { #var, AP_PARAM_##kind, &var, 0 }; \
		ap_param_register(&param);                                         \
	}                                                                          \
	_Static_assert((perm) <= 0777, "permission bits")

#define AP_UNUSED_TEXT(text) _Static_assert(sizeof(text) > 0, "text")
#define MODULE_PARM_DESC(name, text) AP_UNUSED_TEXT(text)
#define MODULE_LICENSE(text) AP_UNUSED_TEXT(text)
#define MODULE_DESCRIPTION(text) AP_UNUSED_TEXT(text)

#define __init
#define __exit

int ap_module_init(void);
void ap_module_exit(void);

#define module_init(function)      \
	int ap_module_init(void)   \
	{                          \
		return function(); \
	}                          \
	_Static_assert(1, "")
#define module_exit(function)     \
	void ap_module_exit(void) \
	{                         \
		function();       \
	}                         \
	_Static_assert(1, "")

#endif
