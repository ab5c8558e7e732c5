/* SPDX-License-Identifier: MIT */
/* What people have in hand of a machine: page_owner, allocinfo, indices, others'
   forms of buddyinfo, and any of it as a file of which nobody says what it is. */
#include <stdlib.h>
#include <string.h>

#include "holders.h"
#include "kind.h"
#include "loose.h"
#include "pasted.h"
#include "readers.h"

static char error[300];

static bool accepted(int status)
{
	if (status)
		fuzz_check_error(error, sizeof(error));
	error[0] = '\0';
	return status == 0;
}

static bool holder_order(const struct pb_holder *first, const struct pb_holder *then)
{
	return first->spoiled > then->spoiled ||
	       (first->spoiled == then->spoiled && first->pages >= then->pages);
}

static void page_owner(const char *text, size_t size)
{
	struct pb_page_owner owner;

	if (!accepted(pb_page_owner_parse(text, size, &owner, error, sizeof(error))))
		return;
	for (size_t i = 1; i < owner.nr_holders; i++)
		fuzz_require(holder_order(&owner.holders[i - 1], &owner.holders[i]));
	fuzz_require(owner.nr_spoiled <= owner.nr_blocks);
	for (size_t i = 0; i < owner.nr_blocks; i++)
		fuzz_require(owner.blocks[i].nr_by <= 3);
	pb_page_owner_free(&owner);
}

static void allocinfo(const char *text, size_t size)
{
	struct pb_allocinfo info;

	if (!accepted(pb_allocinfo_parse(text, size, &info, error, sizeof(error))))
		return;
	for (size_t i = 1; i < info.nr_sites; i++)
		fuzz_require(info.sites[i - 1].bytes >= info.sites[i].bytes);
	pb_allocinfo_free(&info);
}

static void lists(const char *text, size_t size)
{
	struct pb_notes notes = { .nr = 0 };
	struct pb_buddyinfo info;
	struct pb_index index;

	if (accepted(pb_exporter_parse(text, size, &info, &notes, error, sizeof(error))))
		pb_buddyinfo_free(&info);
	fuzz_require(notes.nr <= PB_MAX_NOTES);
	if (accepted(pb_kmem_parse(text, size, &info, error, sizeof(error))))
		pb_buddyinfo_free(&info);
	if (accepted(pb_index_parse(text, size, &index, error, sizeof(error)))) {
		for (size_t i = 0; i < index.nr_zones; i++)
			fuzz_require(index.zones[i].nr_orders <= PB_INDEX_ORDERS);
		pb_index_free(&index);
	}
}

static void as_file(const uint8_t *data, size_t size)
{
	struct pb_snapshot snapshot;
	struct pb_about_machine about = { .mem_kb = 0 };
	struct fuzz_file file;
	enum pb_kind kind;

	fuzz_file(&file, data, size);
	if (accepted(pb_loose_load(file.path, &snapshot, &about, error, sizeof(error))))
		pb_snapshot_free(&snapshot);
	fuzz_require(about.notes.nr <= PB_MAX_NOTES && about.known <= about.lines);
	if (accepted(pb_kind_of_file(file.path, &kind, error, sizeof(error))))
		fuzz_require(pb_kind_name(kind)[0]);
	fuzz_file_drop(&file);
}

/* Cleaned and sorted by file, as a text that was pasted. */
static void pasted(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct pb_pasted parts;

	if (!text)
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	fuzz_require(pb_paste_clean(text, size) <= size);
	if (!pb_pasted_split(text, size, &parts)) {
		for (int i = 0; i < PB_NR_PASTED; i++)
			fuzz_require(!parts.part[i].text || parts.part[i].len < parts.part[i].room);
		fuzz_require(parts.known <= parts.lines);
		pb_pasted_free(&parts);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	error[0] = '\0';
	pb_loose_kind(text, size);
	page_owner(text, size);
	allocinfo(text, size);
	lists(text, size);
	pasted(data, size);
	as_file(data, size);
	return 0;
}
