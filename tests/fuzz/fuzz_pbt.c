/* SPDX-License-Identifier: MIT */
/* The .pbt container, record by record; and its snapshots. */
#include "pack.h"

#include "procfs.h"

static void check_event(const struct pbt_record *record)
{
	fuzz_require(record->def && record->event);
	fuzz_require(record->def->nr_fields <= PBT_MAX_FIELDS);
	fuzz_require(record->event->id == record->def->id);
}

static void check_frames(const struct pbt_record *record)
{
	uint64_t next = record->nr_runs ? record->run[0].pfn : 0;

	for (size_t i = 0; i < record->nr_runs; i++) {
		const struct pbt_run *run = &record->run[i];

		fuzz_require(run->pfn == next && run->count > 0);
		fuzz_require(run->count <= UINT64_MAX - run->pfn);
		next = run->pfn + run->count;
	}
}

static void read_records(const struct packed *packed)
{
	struct fuzz_memory memory = { packed->bytes, packed->size, 0 };
	struct pbt_record record;
	char error[400] = "";
	struct pbt_reader *reader = pbt_reader_new(fuzz_read, &memory, error, sizeof(error));
	int status;

	if (!reader) {
		fuzz_check_error(error, sizeof(error));
		return;
	}
	while ((status = pbt_read(reader, &record)) > 0) {
		if (record.tag == PBT_EVENTS)
			check_event(&record);
		if (record.tag == PBT_FRAMES)
			check_frames(&record);
		if (record.text)
			fuzz_require(record.text[record.text_size] == '\0');
	}
	if (status < 0)
		fuzz_check_error(pbt_reader_error(reader), 400);
	pbt_reader_free(reader);
}

static void read_snapshots(const struct packed *packed, enum pbt_phase phase)
{
	struct pb_snapshot snapshot = { .has_zoneinfo = false };
	struct pbt_about about;
	struct fuzz_file file;
	char error[400] = "";
	int status;

	fuzz_file(&file, packed->bytes, packed->size);
	status = pbt_snapshot_load(file.path, phase, &snapshot, &about, error, sizeof(error));
	if (status < 0)
		fuzz_check_error(error, sizeof(error));
	pb_snapshot_free(&snapshot);
	fuzz_file_drop(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packed packed = pack(data, size);

	read_records(&packed);
	read_snapshots(&packed, PBT_START);
	read_snapshots(&packed, PBT_STOP);
	free(packed.bytes);
	return 0;
}
