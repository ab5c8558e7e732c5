// SPDX-License-Identifier: MIT
/* How much one amount is beside another, in a few characters. */

#include "compare.h"

const char *compare_change(double a, double b, char *text, size_t size)
{
	double ratio = a ? b / a : 0;

	if (a == b)
		snprintf(text, size, "same");
	else if (!a)
		snprintf(text, size, "new");
	else if (!b)
		snprintf(text, size, "gone");
	else if (ratio >= 3)
		snprintf(text, size, "x %.*f", ratio < 100 ? 1 : 0, ratio);
	else
		snprintf(text, size, "%+.1f %%", (ratio - 1) * 100);
	return text;
}
