// SPDX-License-Identifier: MIT
/* Whose rules a run goes by. */

#include <string.h>

#include "internal.h"

/* 6.1.0-57-cloud-amd64 is 6.1, 6.12.95 isn't. */
enum pb_kernel pbr_kernel(const struct pbr_input *input, const struct pbr_settings *settings)
{
	if (settings->kernel >= 0)
		return (enum pb_kernel)settings->kernel;
	for (unsigned int i = 0; i < PB_NR_LINUX; i++) {
		const char *name = pb_kernel_name((enum pb_kernel)i);
		size_t len = strlen(name);

		if (!strncmp(input->kernel, name, len) && input->kernel[len] == '.')
			return (enum pb_kernel)i;
	}
	return PB_LINUX_6_1;
}
