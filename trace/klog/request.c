/* SPDX-License-Identifier: MIT */
/*
 * What a headline says of the request, wherever in the line it stands:
 *
 *	order:3, mode:0x2084020(GFP_ATOMIC|__GFP_COMP), nodemask=(null),cpuset=/,mems_allowed=0-1
 *	gfp_mask=0x201da, order=0, oom_score_adj=0
 *
 * and what the form says of the release.
 */
#include <stdlib.h>
#include <string.h>

#include "../gfp_release.h"
#include "clean.h"
#include "internal.h"

#define V(a, b, c) PB_RELEASE(a, b, c)

int klog_type_find(const char *name, size_t len)
{
	for (int type = 0; type < PB_KLOG_TYPES; type++) {
		const char *known = pb_klog_type_name(type);

		if (strlen(known) == len && !memcmp(known, name, len))
			return type;
	}
	return -1;
}

/* "0-1,3": as far as it is a list. */
void klog_nodes(struct pb_klog_nodes *nodes, const char *text)
{
	*nodes = (struct pb_klog_nodes){ .printed = false };
	while (*text >= '0' && *text <= '9') {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (*end == '-' && end[1] >= '0' && end[1] <= '9')
			last = strtoul(end + 1, &end, 10);
		for (unsigned long n = first; n <= last && n < PB_KLOG_NODES; n++)
			nodes->bits[n / 64] |= UINT64_C(1) << n % 64;
		nodes->printed = true;
		if (*end != ',')
			break;
		text = end + 1;
	}
}

static void at_least(struct klog_building *building, uint32_t release)
{
	if (building->lo < release)
		building->lo = release;
}

static void at_most(struct klog_building *building, uint32_t release)
{
	if (!building->hi || building->hi > release)
		building->hi = release;
}

/* "(GFP_KERNEL|__GFP_COMP)" behind the number; a list that is cut is none. */
static void take_names(struct klog_building *building, const char *text)
{
	struct pb_klog_report *report = &building->report;
	const char *end = *text == '(' ? strchr(text, ')') : NULL;

	if (!end)
		return;
	building->has_names = true;
	if ((size_t)(end - text) > sizeof(report->gfp_names))
		return;
	klog_copy(report->gfp_names, sizeof(report->gfp_names), text + 1, (size_t)(end - text) - 1);
}

static void take_gfp(struct klog_building *building, const char *text)
{
	struct pb_klog_report *report = &building->report;
	const char *at = strstr(text, "mode:0x");
	char *end;

	if (!at)
		at = strstr(text, "gfp_mask=0x");
	if (!at)
		return;
	at = strstr(at, "0x");
	report->gfp_number = (uint32_t)strtoul(at, &end, 16);
	report->has_gfp = end > at + 2;
	/* "0x62****(": somebody made digits unreadable; the names tell all */
	if (end > at + 2 && *end == '*' && end[strspn(end, "*")] == '(')
		end += strspn(end, "*");
	/* a number that the text was cut in is known by what should follow it */
	if (*end == '(')
		take_names(building, end);
	if (report->kind == PB_KLOG_SHOW_MEM || !report->has_gfp)
		return;
	if (*end == '(')
		at_least(building, V(4, 6, 0));
	else
		at_most(building, V(4, 5, 255));
}

static void take_order(struct pb_klog_report *report, const char *text)
{
	static const char *const forms[] = { "order:", "order=", "page order " };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const char *at = strstr(text, forms[i]);
		char *end;
		long order;

		if (!at)
			continue;
		at += strlen(forms[i]);
		order = strtol(at, &end, 10);
		if (end == at || order < -1 || order >= 40)
			continue;
		report->has_order = true;
		report->order = (int)order;
		return;
	}
}

/* Which releases print the headline like this. */
static void date_headline(struct klog_building *building, const char *text)
{
	bool oom = building->report.kind == PB_KLOG_OOM;

	if (strstr(text, "failure. order:"))
		at_most(building, V(2, 6, 38));
	if (strstr(text, "oomkilladj="))
		at_most(building, V(2, 6, 29));
	if (strstr(text, "oom_adj="))
		at_most(building, V(2, 6, 38));
	if (strstr(text, "oom_score_adj="))
		at_least(building, V(2, 6, 36));
	if (strstr(text, "nodemask="))
		at_least(building, oom ? V(4, 9, 0) : V(4, 10, 0));
	if (oom && strstr(text, "nodemask="))
		at_most(building, V(4, 20, 255));
	if (!oom && strstr(text, ",cpuset="))
		at_least(building, V(5, 0, 0));
	else if (!oom && strstr(text, "nodemask="))
		at_most(building, V(4, 20, 255));
	if (oom && building->has_names && !strstr(text, "nodemask=") && building->lo < V(4, 9, 0) &&
	    strstr(text, "order=0x") == NULL)
		at_least(building, V(4, 6, 0));
}

/* __GFP_ATOMIC was a bit from 4.4 to 6.2, and reclaim moved in 4.4. */
static void date_number(struct klog_building *building)
{
	const struct pb_klog_report *report = &building->report;
	bool atomic = strstr(report->gfp_names, "GFP_ATOMIC") != NULL;

	if (!report->has_gfp)
		return;
	if (!building->has_names && (report->gfp_number & 0x2400000) == 0x2400000)
		at_least(building, V(4, 4, 0));
	/* without a bit for any reclaim: not of a kernel that has these bits */
	if (!building->has_names && !(report->gfp_number & 0x2400000))
		at_most(building, V(4, 3, 255));
	if (!building->has_names && (report->gfp_number & 0x2080020) == 0x2080020)
		at_least(building, V(4, 4, 0));
	if (building->has_names && atomic && (report->gfp_number & 0xa20) == 0x820)
		at_least(building, V(6, 3, 0));
	if (building->has_names && (report->gfp_number & 0xa20) == 0xa20)
		at_most(building, V(6, 2, 255));
}

void klog_request(struct klog_building *building, const char *text)
{
	struct pb_klog_report *report = &building->report;
	const char *at;

	take_order(report, text);
	take_gfp(building, text);
	at = strstr(text, "nodemask=");
	if (at)
		klog_nodes(&report->nodemask, at + strlen("nodemask="));
	at = strstr(text, "mems_allowed=");
	if (at)
		klog_nodes(&report->mems_allowed, at + strlen("mems_allowed="));
	date_headline(building, text);
	date_number(building);
}
