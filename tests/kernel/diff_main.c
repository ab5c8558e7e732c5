// SPDX-License-Identifier: MIT
/* `pagebuddy kernel-diff` alone, to be linked with a core that has a rule wrong. */
#include "../../cmd/cmd.h"

int main(int argc, char **argv)
{
	return cmd_kernel_diff(argc, argv);
}
