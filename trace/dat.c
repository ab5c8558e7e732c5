/* SPDX-License-Identifier: MIT */
/*
 * trace.dat, as `trace-cmd record` writes it, through libtracecmd and
 * libtraceevent: the file tells where each field of an event is, so any
 * kernel's layout will do. Each CPU of each ring buffer in it (the top one and
 * those of trace-cmd -B) is a stream of its own.
 *
 * libtracecmd 1.3 may crash on a file that is cut or damaged, so a child tries
 * first. A file cut inside its events is read from a copy that ends in empty
 * pages instead: all events up to the cut are there.
 */
#include <stdio.h>
#include <string.h>

#include "stream.h"

bool pb_is_trace_dat(const void *bytes, size_t len)
{
	return len >= 10 && memcmp(bytes,
				   "\x17\x08"
				   "Dtracing",
				   10) == 0;
}

#ifndef PB_HAVE_TRACECMD

bool pb_reader_has_trace_dat(void)
{
	return false;
}

bool pb_dat_open(struct pb_reader *reader, const char *path, unsigned int file, char *error,
		 size_t size)
{
	(void)reader;
	(void)file;
	snprintf(error, size,
		 "'%s' is trace.dat, which this build can't read (libtracecmd was "
		 "missing); try: trace-cmd report -i '%s' > trace.txt",
		 path, path);
	return false;
}

#else

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <trace-cmd/trace-cmd.h>
#include <traceevent/event-parse.h>

/* Numbers that an event is made of; optional ones stay 0. */
enum {
	D_PFN,
	D_ORDER,
	D_TYPE,
	D_GFP,
	D_REFILL,
	D_FALLBACK_ORDER,
	D_FALLBACK_TYPE,
	D_OWNERSHIP,
	D_END,
	D_COUNT,
	D_DEVICE,
	NR_DAT_FIELDS
};

static const char *const dat_fields[PB_NR_EVENT_TYPES][NR_DAT_FIELDS] = {
	[PB_EV_ALLOC] = { [D_PFN] = "pfn",
			  [D_ORDER] = "order",
			  [D_TYPE] = "migratetype",
			  [D_GFP] = "gfp_flags" },
	[PB_EV_FREE] = { [D_PFN] = "pfn", [D_ORDER] = "order" },
	[PB_EV_FREE_BATCHED] = { [D_PFN] = "pfn" },
	[PB_EV_ZONE_LOCKED] = { [D_PFN] = "pfn",
				[D_ORDER] = "order",
				[D_TYPE] = "migratetype",
				[D_REFILL] = "percpu_refill" },
	[PB_EV_PCPU_DRAIN] = { [D_PFN] = "pfn", [D_ORDER] = "order", [D_TYPE] = "migratetype" },
	[PB_EV_EXTFRAG] = { [D_PFN] = "pfn",
			    [D_ORDER] = "alloc_order",
			    [D_TYPE] = "alloc_migratetype",
			    [D_FALLBACK_ORDER] = "fallback_order",
			    [D_FALLBACK_TYPE] = "fallback_migratetype",
			    [D_OWNERSHIP] = "change_ownership" },
	[PB_EV_COMPACT_FREE] = { [D_PFN] = "start_pfn", [D_END] = "end_pfn", [D_COUNT] = "nr_taken" },
	[PB_EV_COMPACT_BEGIN] = { [D_PFN] = "zone_start", [D_END] = "zone_end" },
	[PB_EV_COMPACT_END] = { [D_PFN] = "zone_start", [D_END] = "zone_end" },
	[PB_EV_COMPACT_MOVED] = { [D_END] = "nr_failed", [D_COUNT] = "nr_migrated" },
	[PB_EV_CACHE_ADD] = { [D_PFN] = "pfn",
			      [D_END] = "i_ino",
			      [D_COUNT] = "index",
			      [D_DEVICE] = "s_dev" },
	[PB_EV_CACHE_DELETE] = { [D_PFN] = "pfn",
				 [D_END] = "i_ino",
				 [D_COUNT] = "index",
				 [D_DEVICE] = "s_dev" },
	[PB_EV_ACTIVATE] = { [D_PFN] = "pfn" },
	[PB_EV_KSWAPD_WAKE] = { [D_ORDER] = "order" },
	[PB_EV_KSWAPD_SLEEP] = { [D_TYPE] = "nid" },
	[PB_EV_RECLAIM_BEGIN] = { [D_ORDER] = "order", [D_GFP] = "gfp_flags" },
	[PB_EV_RECLAIM_END] = { [D_COUNT] = "nr_reclaimed" },
};

/* One kind of event as this file has it. */
struct dat_event {
	struct tep_event *event; /* NULL: not in this file */
	struct tep_format_field *field[NR_DAT_FIELDS];
};

/* One ring buffer; its CPUs' streams share it. */
struct dat_buffer {
	struct tracecmd_input *input;
	struct tep_handle *tep;
	struct pb_text check;
	unsigned int users;
	uint64_t records;
	uint64_t size;             /* bytes of the file */
	unsigned long long offset; /* farthest record */
	struct dat_event events[PB_NR_EVENT_TYPES];
};

struct dat_stream {
	struct pb_stream stream;
	struct dat_buffer *buffer;
	int cpu;
	bool ended;
	bool ours; /* the record before is one of ours: a call chain would be its */
};

bool pb_reader_has_trace_dat(void)
{
	return true;
}

/* ------------------------------------------------------------------ one record */

static int type_of(const struct dat_buffer *d, const struct tep_event *event)
{
	for (int type = 0; type < PB_NR_EVENT_TYPES; type++)
		if (d->events[type].event == event)
			return type;
	return -1;
}

static bool read_field(const struct dat_event *def, int field, const struct tep_record *record,
		       unsigned long long *value)
{
	struct tep_format_field *f = def->field[field];

	*value = 0;
	if (!f)
		return true;
	if (f->offset + f->size > record->size)
		return false;
	return tep_read_number_field(f, record->data, value) == 0;
}

static uint8_t small(unsigned long long value)
{
	return value > UINT8_MAX ? UINT8_MAX : (uint8_t)value;
}

/* What does not fit is seen to be wrong by pb_check_event(). */
static int8_t small_type(unsigned long long value)
{
	int32_t type = (int32_t)value;

	return type < -1 || type > INT8_MAX ? INT8_MAX : (int8_t)type;
}

static bool read_numbers(const struct dat_event *def, const struct tep_record *record,
			 struct pb_event *event)
{
	unsigned long long v[NR_DAT_FIELDS];

	for (int i = 0; i < NR_DAT_FIELDS; i++)
		if (!read_field(def, i, record, &v[i]))
			return false;
	event->pfn = v[D_PFN];
	/* an absent page is all ones, as wide as the recorded machine's long */
	if (def->field[D_PFN] && def->field[D_PFN]->size == 4 && v[D_PFN] == UINT32_MAX)
		event->pfn = PB_NO_PFN;
	event->order = small(v[D_ORDER]);
	event->migratetype = small_type(v[D_TYPE]);
	event->gfp = (uint32_t)v[D_GFP];
	event->percpu_refill = v[D_REFILL] != 0;
	event->fallback_order = small(v[D_FALLBACK_ORDER]);
	event->fallback_migratetype = small_type(v[D_FALLBACK_TYPE]);
	event->change_ownership = v[D_OWNERSHIP] != 0;
	/* the device of a file: 12 bits of major, 20 of minor */
	event->end_pfn = v[D_END] ^ (v[D_DEVICE] >> 20) << 52 ^ (v[D_DEVICE] & 0xfffff) << 40;
	event->count = v[D_COUNT];
	return true;
}

/* kernel_stack: { int size; unsigned long caller[]; }, the last one all ones */
static void read_stack(struct dat_stream *s, const struct tep_event *def,
		       const struct tep_record *record, struct pb_event *event)
{
	struct tep_handle *tep = s->buffer->tep;
	struct tep_format_field *f = tep_find_field((struct tep_event *)def, "caller");
	int size = tep_get_long_size(tep);
	struct pb_chain chain;

	pb_chain_clear(&chain);
	for (int at = f ? f->offset : record->size; at + size <= record->size; at += size) {
		unsigned long long address = tep_read_number(tep, (const char *)record->data + at,
							     size);
		const char *name = tep_find_function(tep, address);

		if (name)
			pb_chain_add(&chain, name, strlen(name));
	}
	event->chain = pb_reader_number(s->stream.reader, &chain);
}

/* print:  { unsigned long ip; char buf[]; } */
static void read_mark(const struct tep_event *def, const struct tep_record *record,
		      struct pb_event *event)
{
	struct tep_format_field *f = tep_find_field((struct tep_event *)def, "buf");
	size_t len = 0;

	if (!f || f->offset >= record->size)
		return;
	while (len < sizeof(event->mark) - 1 && f->offset + (int)len < record->size) {
		char c = ((const char *)record->data)[f->offset + len];

		if (c == '\0' || c == '\n')
			break;
		event->mark[len++] = c;
	}
	event->mark[len] = '\0';
}

static void count_lost(struct pb_reader *reader, const struct tep_record *record)
{
	if (record->missed_events)
		pb_reader_lost(reader, (unsigned int)record->cpu,
			       record->missed_events > 0 ? (uint64_t)record->missed_events : 0);
}

static void set_comm(struct pb_event *event, const char *comm)
{
	size_t len = strnlen(comm, sizeof(event->comm) - 1);

	memcpy(event->comm, comm, len);
	event->comm[len] = '\0';
}

static enum pb_line read_record(struct dat_stream *s, struct tep_record *record,
				struct pb_event *event)
{
	struct dat_buffer *d = s->buffer;
	struct tep_event *def = tep_find_event_by_record(d->tep, record);
	int type = def ? type_of(d, def) : -1;
	bool after_ours = s->ours;

	s->ours = type >= 0 && type != PB_EV_STACK;
	if (type < 0 || (type == PB_EV_STACK && !after_ours))
		return PB_LINE_OTHER;
	memset(event, 0, sizeof(*event));
	event->type = (uint8_t)type;
	event->time = record->ts;
	event->cpu = (uint16_t)record->cpu;
	event->pid = tep_data_pid(d->tep, record);
	set_comm(event, tep_data_comm_from_pid(d->tep, event->pid));
	event->line = d->records;
	if (type == PB_EV_MARK) {
		read_mark(def, record, event);
		return PB_LINE_EVENT;
	}
	if (type == PB_EV_STACK) {
		read_stack(s, def, record, event);
		return PB_LINE_EVENT;
	}
	if (!read_numbers(&d->events[type], record, event)) {
		d->check.problem = PB_BAD_MALFORMED;
		snprintf(d->check.reason, sizeof(d->check.reason),
			 "record of %d bytes is shorter than its fields", record->size);
		return PB_LINE_BAD;
	}
	return pb_check_event(&d->check, event);
}

static int dat_next(struct pb_stream *stream, struct pb_event *event)
{
	struct dat_stream *s = (struct dat_stream *)stream;
	struct pb_reader_stats *stats = pb_reader_counts(stream->reader);
	struct dat_buffer *d = s->buffer;
	struct tep_record *record;

	while ((record = tracecmd_read_data(d->input, s->cpu))) {
		enum pb_line line;

		d->records++;
		stats->lines++;
		if (record->offset > d->offset)
			d->offset = record->offset;
		count_lost(stream->reader, record);
		line = read_record(s, record, event);
		tracecmd_free_record(record);
		if (line == PB_LINE_EVENT)
			return 1;
		if (line == PB_LINE_BAD)
			pb_reader_problem(stream->reader, d->check.problem, stream->file,
					  d->records, d->check.reason, pb_event_name(event->type),
					  strlen(pb_event_name(event->type)));
		else
			stats->other_events++;
	}
	s->ended = true;
	return 0;
}

static double dat_progress(const struct pb_stream *stream)
{
	const struct dat_stream *s = (const struct dat_stream *)stream;
	const struct dat_buffer *d = s->buffer;

	if (s->ended)
		return 1;
	return d->size ? (double)d->offset / (double)d->size : -1;
}

static void put_buffer(struct dat_buffer *d)
{
	if (--d->users)
		return;
	tracecmd_close(d->input);
	free(d);
}

static void dat_close(struct pb_stream *stream)
{
	put_buffer(((struct dat_stream *)stream)->buffer);
	free(stream);
}

static const struct pb_stream_ops dat_ops = { dat_next, dat_progress, dat_close };

/* --------------------------------------------------------------------- opening */

/* Which events this file has, and where their fields are. */
static int find_events(struct dat_buffer *d)
{
	int found = 0;

	for (int type = 0; type < PB_NR_EVENT_TYPES; type++) {
		struct dat_event *def = &d->events[type];
		const char *name = type == PB_EV_MARK ? "print" : pb_event_name(type);
		const char *system = pb_event_system((enum pb_event_type)type);

		def->event = tep_find_event_by_name(d->tep, system, name);
		for (int i = 0; def->event && i < NR_DAT_FIELDS; i++) {
			if (!dat_fields[type][i])
				continue;
			def->field[i] = tep_find_field(def->event, dat_fields[type][i]);
			if (!def->field[i] && i != D_REFILL)
				def->event = NULL;
		}
		found += def->event && type <= PB_EV_COMPACT_END;
	}
	return found;
}

static bool add_cpu(struct pb_reader *reader, struct dat_buffer *d, int cpu, unsigned int file)
{
	struct dat_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return false;
	s->stream.ops = &dat_ops;
	s->stream.format = "trace.dat";
	s->stream.file = (uint16_t)file;
	s->buffer = d;
	s->cpu = cpu;
	if (!pb_reader_add(reader, &s->stream)) {
		free(s);
		return false;
	}
	d->users++;
	return true;
}

/* Takes `input` over. Kinds of our events in it, or -1: out of memory. */
static int add_buffer(struct pb_reader *reader, struct tracecmd_input *input, unsigned int file,
		      uint64_t size)
{
	const struct pb_reader_options *options = pb_reader_options(reader);
	struct dat_buffer *d = calloc(1, sizeof(*d));
	int found;

	if (!d) {
		tracecmd_close(input);
		return -1;
	}
	d->users = 1;
	d->input = input;
	d->tep = tracecmd_get_tep(input);
	d->size = size;
	d->check.max_order = options->max_order;
	d->check.end_pfn = options->end_pfn;
	found = find_events(d);
	for (int cpu = 0; found >= 0 && cpu < tep_get_cpus(d->tep); cpu++)
		if (!add_cpu(reader, d, cpu, file))
			found = -1;
	put_buffer(d);
	return found;
}

/* ------------------------------------------------------------- cut and damaged */

#define PAGE_SIZE 4096
#define PADDING (1ull << 36) /* more than any trace has left when it is cut */

/*
 * Seconds of CPU time after which reading a file of so many bytes is a loop and not work:
 * one, and one more for each MB, where the steps below take 5 ms. An emulated machine may
 * be many times slower, so it is asked how fast it is.
 */
static time_t cpu_limit(uint64_t size)
{
	const double usual = 0.005;
	volatile uint32_t number = 1;
	clock_t start = clock();
	double slower;

	for (uint32_t i = 0; i < 1000000; i++)
		number = number * 1664525u + 1013904223u + (number >> 16) % 7u;
	slower = (double)(clock() - start) / CLOCKS_PER_SEC / usual;
	if (slower > 2) /* emulated: what the host takes away counts as CPU time, too */
		slower *= 8;
	return (time_t)((1 + (double)(size >> 20)) * (slower > 1 ? slower : 1) + 0.5);
}

/* Open, and read all if `whole`; of the exit status. Only ever in a child. */
static void try_child(int fd, bool whole, uint64_t size)
{
	static const int ends[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGPROF };
	struct itimerval limit = { .it_value = { .tv_sec = cpu_limit(size) } };
	struct tracecmd_input *input;
	int null = open("/dev/null", O_WRONLY);
	sigset_t none;

	/* The caller's handlers and mask are not for these. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		signal(ends[i], SIG_DFL);
	/* libtracecmd complains whatever its log level is */
	if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0)
		dup2(null, STDERR_FILENO);
	setitimer(ITIMER_PROF, &limit, NULL);
	input = tracecmd_open_fd(fd, 0);
	if (!input)
		_exit(1);
	for (int cpu = 0; whole && cpu < tep_get_cpus(tracecmd_get_tep(input)); cpu++) {
		struct tep_record *record;

		while ((record = tracecmd_read_data(input, cpu)))
			tracecmd_free_record(record);
	}
	_exit(0);
}

/* Whether libtracecmd can read it, found out where a crash does no harm; -1: it would never end. */
static int can_open(int fd, bool whole, uint64_t size)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		try_child(fd, whole, size);
	if (child < 0)
		return 0;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
		return -1;
	return lseek(fd, 0, SEEK_SET) == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Whole pages of the file, and empty ones behind them; -1: can't be made. */
static int padded_copy(int fd, uint64_t size)
{
	static char buffer[1 << 16];
	uint64_t left = size / PAGE_SIZE * PAGE_SIZE;
	int copy = memfd_create("trace.dat", MFD_CLOEXEC);

	while (copy >= 0 && left) {
		ssize_t n = read(fd, buffer, left < sizeof(buffer) ? left : sizeof(buffer));

		if (n <= 0 || write(copy, buffer, (size_t)n) != n)
			break;
		left -= (uint64_t)n;
	}
	if (copy >= 0 && (left || ftruncate(copy, (off_t)(size + PADDING)) != 0 ||
			  lseek(copy, 0, SEEK_SET) != 0)) {
		close(copy);
		return -1;
	}
	return copy;
}

/* A descriptor that libtracecmd can read: the file's, or of a copy; -1: neither. */
static int readable_fd(const char *path, uint64_t *size, bool *cut)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), copy, can;
	struct stat st;

	*cut = false;
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0)
		goto fail;
	*size = (uint64_t)st.st_size;
	can = can_open(fd, false, *size);
	if (can > 0)
		return fd;
	if (can < 0)
		goto fail;
	copy = padded_copy(fd, *size);
	if (copy < 0)
		goto fail;
	if (can_open(copy, true, *size) > 0) {
		*cut = true;
		close(fd);
		return copy;
	}
	close(copy);
fail:
	close(fd);
	return -1;
}

static int add_buffers(struct pb_reader *reader, struct tracecmd_input *input, unsigned int file,
		       uint64_t size)
{
	int buffers = tracecmd_buffer_instances(input);
	int found = add_buffer(reader, input, file, size);

	for (int i = 0; found >= 0 && i < buffers; i++) {
		struct tracecmd_input *buffer = tracecmd_buffer_instance_handle(input, i);
		int more = buffer ? add_buffer(reader, buffer, file, size) : 0;

		found = more < 0 ? -1 : found + more;
	}
	return found;
}

bool pb_dat_open(struct pb_reader *reader, const char *path, unsigned int file, char *error,
		 size_t size)
{
	struct tracecmd_input *input;
	uint64_t bytes = 0;
	bool cut;
	int fd, found;

	tep_set_loglevel(TEP_LOG_NONE);
	tracecmd_set_loglevel(TEP_LOG_NONE);
	if (access(path, R_OK) != 0) {
		snprintf(error, size, "can't open '%s': %s; expected a file that can be read", path,
			 strerror(errno));
		return false;
	}
	fd = readable_fd(path, &bytes, &cut);
	input = fd < 0 ? NULL : tracecmd_open_fd(fd, 0);
	if (!input) {
		snprintf(error, size,
			 "'%s' is a trace.dat that is damaged or cut; expected what "
			 "trace-cmd record writes",
			 path);
		return false;
	}
	pb_reader_counts(reader)->bytes += bytes;
	if (cut)
		pb_reader_problem(reader, PB_BAD_TRUNCATED, file, 0,
				  "the file ends before its last event", "", 0);
	found = add_buffers(reader, input, file, bytes);
	if (found < 0)
		snprintf(error, size, "out of memory");
	if (found == 0)
		snprintf(error, size,
			 "'%s' knows no event of the page allocator; expected "
			 "trace-cmd record -e kmem",
			 path);
	return found > 0;
}

#endif
