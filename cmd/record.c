// SPDX-License-Identifier: MIT
/*
 * pagebuddy record: what the kernel's page allocator does, into a .pbt file.
 *
 * Time runs like this: tracing on, snapshot, [command], snapshot, tracing off.
 * Each piece of a snapshot carries its time, so that a reader can tell which
 * events it already contains.
 */
#define _GNU_SOURCE /* pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "options.h"
#include "record.h"

#define DRAIN_MS 50
#define END_MS 3000            /* that a command has to end after a signal */
#define MARGIN_NS 100000000ull /* an event may reach the buffer this much after its time */
#define FLUSH_NS 1000000000ull

struct options {
	const char *output;
	double seconds; /* 0: until Ctrl-C or the end of the command */
	uint64_t pid;
	uint64_t buffer_kb; /* per CPU, 0: choose */
	bool frames;        /* read /proc/kpageflags */
	bool stacks;        /* who called for each allocation */
	char **command;
};

struct recorder {
	struct options options;
	struct rec_tracefs fs;
	struct rec_ring ring;
	struct rec_stacks stacks;
	struct pbt_writer *writer;
	int fd;
	bool full_scan; /* the start snapshot has the frames */
	pid_t child;
	int go;           /* the child waits until this pipe is closed */
	int child_status; /* of waitpid(); -1: it runs */
	bool left;        /* it would not end: it runs on without us */
	uint64_t start, ended, flushed;
	uint64_t lost;         /* events: of the kernel's counters or as told in the buffer */
	uint64_t snapshots[2]; /* ns that they took, at the start and at the end */
};

static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
	stop_signal = number;
}

/* ------------------------------------------------------------------- options */

static const char help[] =
	"Record what the kernel's page allocator does, for replay, explain and report.\n"
	"\n"
	"Usage: pagebuddy record [-o FILE] [-d SECONDS] [-p PID] [-s] [-- COMMAND...]\n"
	"\n"
	"  -o, --output FILE     file to write (default pagebuddy.pbt; -: stdout)\n"
	"  -d, --duration SECS   end after this many seconds; else Ctrl-C ends it\n"
	"  -p, --pid PID         only events of this process and what it forks\n"
	"  -b, --buffer SIZE     trace buffer per CPU (default: up to 32M)\n"
	"  -s, --stacks          with who called for each allocation: then replay and\n"
	"                        report name call sites; events take three times the room\n"
	"      --no-frames       don't read /proc/kpageflags: quicker, but then nobody\n"
	"                        knows which frames were free (replay --follow)\n"
	"      --help            this text\n"
	"\n"
	"With COMMAND, records the whole machine while COMMAND runs; Ctrl-C ends both.\n"
	"At the start and at the end it reads which frames are free, about 0.1 s for a\n"
	"million frames (4 GB). Needs root and a mounted tracefs. man pagebuddy-record\n"
	"has the details, man 5 pbt the format.\n"
	"\n"
	"Where pagebuddy is not installed, record with what is there, and bring the\n"
	"files /tmp/alloc.* to where it is (pagebuddy replay alloc.txt --follow --top):\n"
	"\n"
	"  # first, and in the same root shell as what follows\n"
	"  O=/tmp/alloc T=/sys/kernel/tracing\n"
	"  snap() { for f in buddyinfo zoneinfo pagetypeinfo; do\n"
	"    cat /proc/$f > $O.$f.$1; done; }\n"
	"  mount | grep -q $T || mount -t tracefs nodev $T\n"
	"\n"
	"  # bare tracefs\n"
	"  snap start; echo mono > $T/trace_clock; echo 16384 > $T/buffer_size_kb\n"
	"  cat $T/trace_pipe > $O.txt & for e in $T/events/kmem/mm_page_* \\\n"
	"    $T/events/compaction/mm_compaction_isolate_freepages; do\n"
	"    echo 1 > $e/enable; done\n"
	"  sleep 60; echo 0 > $T/events/enable; snap end; sleep 2; kill $!\n"
	"\n"
	"  # trace-cmd\n"
	"  snap start; trace-cmd record -C mono -b 16384 -o $O.dat \\\n"
	"    -e 'kmem:mm_page_*' -e compaction:mm_compaction_isolate_freepages \\\n"
	"    sleep 60; snap end\n"
	"\n"
	"  # perf; -g adds who called\n"
	"  snap start; perf record -a -g -k CLOCK_MONOTONIC -m 4M -o $O.data \\\n"
	"    -e 'kmem:mm_page_*' -e compaction:mm_compaction_isolate_freepages \\\n"
	"    -- sleep 60; snap end\n"
	"  perf script -i $O.data -F comm,tid,cpu,time,event,ip,sym,trace > $O.txt\n";

static int parse_duration(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	return *end || end == text || !(*seconds > 0) || *seconds > 1e7 ? -1 : 0;
}

static void print_help(void)
{
	fputs(help, stdout);
}

static int set(void *ctx, enum cmd_option option, const char *value)
{
	struct options *o = ctx;
	uint64_t bytes;

	switch (option) {
	case CMD_OPT_OUTPUT:
		o->output = value;
		return *value ? CMD_OK : cmd_error("record", "--output: the name is empty");
	case CMD_OPT_DURATION:
		if (parse_duration(value, &o->seconds))
			return cmd_error("record",
					 "--duration '%s': expected seconds above 0, like 10 "
					 "or 0.5",
					 value);
		return CMD_OK;
	case CMD_OPT_PID:
		if (cmd_parse_u64(value, &o->pid) || !o->pid || o->pid > INT32_MAX)
			return cmd_error("record", "--pid '%s': expected the number of a process",
					 value);
		return CMD_OK;
	case CMD_OPT_BUFFER:
		if (cmd_parse_size(value, &bytes) || bytes < 256 << 10 || bytes > 4ull << 30)
			return cmd_error("record", "--buffer '%s': expected a size from 256K to 4G",
					 value);
		o->buffer_kb = bytes >> 10;
		return CMD_OK;
	case CMD_OPT_STACKS:
		o->stacks = true;
		return CMD_OK;
	default:
		o->frames = false;
		return CMD_OK;
	}
}

/* CMD_GO_ON or the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	struct cmd_call call = { "record", argc, argv, set, o, true, false };
	int words, status;

	*o = (struct options){ .output = "pagebuddy.pbt", .frames = true };
	status = cmd_options(&call, print_help, &words);
	if (status != CMD_GO_ON)
		return status;
	if (words < argc)
		o->command = argv + words;
	if (!strcmp(o->output, "-") && isatty(STDOUT_FILENO))
		return cmd_error("record",
				 "-o -: standard output is a terminal; expected a file or a "
				 "pipe");
	if (!strcmp(o->output, "-") && o->command)
		return cmd_error("record",
				 "-o - and a COMMAND would both write to standard output; "
				 "expected -o FILE");
	return CMD_GO_ON;
}

/* --------------------------------------------------------------- the command */

/* The child of the fork: wait until recording has begun, then run. */
static void run_command(const struct recorder *r, int ready)
{
	char byte;

	close(r->go);
	signal(SIGPIPE, SIG_DFL); /* what we ignore is our own affair */
	while (read(ready, &byte, 1) < 0 && errno == EINTR)
		;
	if (stop_signal)
		_exit(130);
	execvp(r->options.command[0], r->options.command);
	cmd_error("record", "can't run %s: %s", r->options.command[0], strerror(errno));
	_exit(127);
}

static int start_command(struct recorder *r)
{
	int pipes[2];

	if (!r->options.command)
		return 0;
	if (pipe2(pipes, O_CLOEXEC)) {
		cmd_error("record", "can't make a pipe: %s", strerror(errno));
		return -1;
	}
	r->go = pipes[1];
	r->child = fork();
	if (r->child == 0)
		run_command(r, pipes[0]);
	close(pipes[0]);
	if (r->child < 0) {
		cmd_error("record", "can't start %s: %s", r->options.command[0], strerror(errno));
		return -1;
	}
	return 0;
}

static void let_command_go(struct recorder *r)
{
	if (r->go >= 0)
		close(r->go);
	r->go = -1;
}

static bool command_ended(struct recorder *r)
{
	if (r->child <= 0 || r->child_status >= 0)
		return r->child > 0;
	return waitpid(r->child, &r->child_status, WNOHANG) == r->child;
}

static bool ends_within(struct recorder *r, int ms)
{
	for (; ms > 0 && !command_ended(r); ms -= DRAIN_MS)
		poll(NULL, 0, DRAIN_MS);
	return command_ended(r);
}

/*
 * Recording ended before the command did: by Ctrl-C, or --duration. It is asked
 * to end, twice; what does not want to is left alone.
 */
static void end_command(struct recorder *r)
{
	if (r->child > 0 && !command_ended(r))
		kill(r->child, stop_signal ? stop_signal : SIGTERM);
	let_command_go(r);
	if (r->child <= 0 || ends_within(r, END_MS))
		return;
	kill(r->child, SIGTERM);
	if (ends_within(r, END_MS))
		return;
	r->left = true;
	cmd_error("record", "%s (pid %d) does not end when asked to; it runs on",
		  r->options.command[0], (int)r->child);
}

/* ------------------------------------------------------------------ recording */

static uint64_t default_buffer_kb(void)
{
	char *meminfo = rec_read_file("/proc/meminfo", NULL);
	const char *at = meminfo ? strstr(meminfo, "MemAvailable:") : NULL;
	uint64_t available = at ? strtoull(at + 13, NULL, 10) : 0;
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	uint64_t kb = available / 16 / (uint64_t)(cpus > 0 ? cpus : 1);

	free(meminfo);
	return kb > 32 << 10 ? 32 << 10 : kb < 1024 ? 1024 : kb;
}

static int write_header(struct recorder *r)
{
	struct utsname uts;
	char text[1024];

	uname(&uts);
	snprintf(text, sizeof(text),
		 "tool=pagebuddy %d.%d.%d\nkernel=%s\nhost=%s\nmachine=%s\npage_size=%ld\ncpus=%ld\n"
		 "clock=mono\nrealtime=%lld\npid=%llu\nbuffer_kb_per_cpu=%llu\nmissing_events=%s\n",
		 PB_VERSION_MAJOR, PB_VERSION_MINOR, PB_VERSION_PATCH, uts.release, uts.nodename,
		 uts.machine, sysconf(_SC_PAGESIZE), sysconf(_SC_NPROCESSORS_CONF),
		 (long long)time(NULL), (unsigned long long)r->options.pid,
		 (unsigned long long)r->fs.buffer_kb, r->fs.missing_names);
	if (pbt_write_meta(r->writer, text))
		return -1;
	for (unsigned int i = 0; i < r->fs.nr_formats; i++)
		if (!r->fs.formats[i].comm_offset &&
		    pbt_write_def(r->writer, &r->fs.formats[i].def))
			return -1;
	return rec_snapshot_tasks(r->writer);
}

/* Twice a second, if somebody may be looking. */
static bool progress_due(void)
{
	static uint64_t last;
	uint64_t now = rec_now();

	if (!isatty(STDERR_FILENO) || now - last < 500000000)
		return false;
	last = now;
	return true;
}

static void show_progress(const struct recorder *r)
{
	if (!progress_due())
		return;
	fprintf(stderr, "\r%78s\rrecording: %.0f s, %llu events, %.1f MB; Ctrl-C ends it ", "",
		(double)(rec_now() - r->start) / 1e9, (unsigned long long)r->ring.events,
		(double)pbt_written(r->writer) / 1e6);
	fflush(stderr);
}

static void show_snapshot(const char *which, const struct rec_chunk *chunk)
{
	if (!progress_due())
		return;
	fprintf(stderr, "\r%78s\rsnapshot of the %s: which frames are free, %.1f million so far ",
		"", which, (double)(chunk->pfn + chunk->count) / 1e6);
	fflush(stderr);
}

/* While the start snapshot is taken nothing is written: it comes first. */
static int start_step(void *ctx, const struct rec_chunk *chunk)
{
	struct recorder *r = ctx;

	show_snapshot("start", chunk);
	if (!rec_add_chunk(&r->ring, chunk))
		return -1;
	return r->ring.nr_chunks % 32 == 0 && rec_drain(&r->ring, false) < 0 ? -1 : 0;
}

/* Read the buffers and write what nothing can come before any more. */
static long drain_and_emit(struct recorder *r)
{
	uint64_t now = rec_now();
	long n = rec_drain(&r->ring, false);

	if (n < 0 || rec_emit(&r->ring, now - MARGIN_NS))
		return -1;
	if (now - r->flushed > FLUSH_NS) {
		r->flushed = now;
		if (pbt_flush(r->writer))
			return -1;
	}
	return n;
}

static int stop_step(void *ctx, const struct rec_chunk *chunk)
{
	struct recorder *r = ctx;

	show_snapshot("end", chunk);
	return chunk->pfn / chunk->count % 32 == 0 && drain_and_emit(r) < 0 ? -1 : 0;
}

static int record_until_end(struct recorder *r)
{
	uint64_t full = (uint64_t)r->fs.buffer_kb << 10;
	uint64_t end = r->options.seconds ? r->start + (uint64_t)(r->options.seconds * 1e9)
					  : UINT64_MAX;

	while (!stop_signal && !command_ended(r)) {
		long n = drain_and_emit(r);
		uint64_t now = rec_now();
		uint64_t left = now < end ? end - now : 0;
		int wait = left / 1000000 < DRAIN_MS ? (int)(left / 1000000) : DRAIN_MS;

		if (n < 0)
			return -1;
		if (!left)
			break;
		show_progress(r);
		if ((uint64_t)n < full / 8) /* else more is waiting already */
			poll(NULL, 0, wait);
	}
	return 0;
}

/* The kernel counts what its buffer could not take. Each hole says how much is missing there, too,
   if it knows. Whoever knows of more is right. */
static uint64_t count_lost(const struct recorder *r)
{
	uint64_t counted = rec_tracefs_lost(&r->fs, &r->ring), told = 0;

	for (unsigned int i = 0; i < r->ring.nr_cpus; i++)
		told += r->ring.cpus[i].lost;
	return counted > told ? counted : told;
}

static int end_recording(struct recorder *r)
{
	char text[512];
	uint64_t begun = rec_now();

	if (r->full_scan && rec_snapshot_frames(r->writer, PBT_STOP, stop_step, r) < 0)
		return -1;
	if (drain_and_emit(r) < 0)
		return -1;
	r->ring.stop = rec_now();
	if (rec_snapshot_files(r->writer, PBT_STOP, true))
		return -1;
	r->ended = rec_now();
	r->snapshots[1] = r->ended - begun;
	if (rec_tracefs_on(&r->fs, false) || rec_drain(&r->ring, true) < 0 ||
	    rec_emit(&r->ring, UINT64_MAX))
		return -1;
	r->lost = count_lost(r);
	snprintf(text, sizeof(text),
		 "events=%llu\ncontained=%llu\nlost=%llu\nholes=%llu\nlate=%llu\n"
		 "malformed=%llu\nstart=%llu\nstop=%llu\n",
		 (unsigned long long)r->ring.events, (unsigned long long)r->ring.contained,
		 (unsigned long long)r->lost, (unsigned long long)r->ring.lost_pages,
		 (unsigned long long)r->ring.late, (unsigned long long)r->ring.malformed,
		 (unsigned long long)r->start, (unsigned long long)r->ring.stop);
	return pbt_write_end(r->writer, text);
}

static int record(struct recorder *r)
{
	int rc;

	if (write_header(r) || rec_tracefs_on(&r->fs, true))
		return -1;
	r->start = r->flushed = rec_now();
	if (rec_snapshot_files(r->writer, PBT_START, false))
		return -1;
	if (r->options.frames) {
		rc = rec_snapshot_frames(r->writer, PBT_START, start_step, r);
		if (rc < 0)
			return -1;
		r->full_scan = rc == 0;
	}
	r->snapshots[0] = rec_now() - r->start;
	if (!stop_signal)
		let_command_go(r);
	if (record_until_end(r))
		return -1;
	return end_recording(r);
}

/* --------------------------------------------------------------------- verb */

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

static int open_output(struct recorder *r)
{
	const char *name = r->options.output;

	/* Who frees what, page by page, is nobody else's business: mode 0600. */
	r->fd = strcmp(name, "-") ? open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)
				  : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (r->fd >= 0)
		r->writer = pbt_writer_new(r->fd, 3);
	if (r->fd < 0 || !r->writer)
		return cmd_error("record", "can't write %s: %s", name, strerror(errno));
	return CMD_OK;
}

static int setup(struct recorder *r)
{
	uint64_t kb = r->options.buffer_kb ? r->options.buffer_kb : default_buffer_kb();

	if (rec_tracefs_open(&r->fs) || rec_tracefs_setup(&r->fs, kb))
		return -1;
	if (r->options.buffer_kb && r->fs.buffer_kb < r->options.buffer_kb)
		cmd_error("record", "the kernel grants only %llu KB of trace buffer a CPU",
			  (unsigned long long)r->fs.buffer_kb);
	if (r->fs.missing)
		cmd_error("record", "this kernel has no event %s; replay knows less without",
			  r->fs.missing_names);
	if (r->options.pid && rec_tracefs_pid(&r->fs, (int)r->options.pid))
		return -1;
	if (r->options.stacks && (rec_stacks_init(&r->stacks) || rec_tracefs_stacks(&r->fs)))
		return -1;
	r->ring.stacks = r->options.stacks ? &r->stacks : NULL;
	return rec_tracefs_ring(&r->fs, &r->ring);
}

static void summary(const struct recorder *r, unsigned int cpus, uint64_t bytes)
{
	FILE *out = strcmp(r->options.output, "-") ? stdout : stderr;

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%78s\r", "");
	fprintf(out,
		"%s: %llu events of %u CPUs in %.1f s, %.1f MB (snapshots: %.1f s and %.1f s)\n",
		r->options.output, (unsigned long long)r->ring.events, cpus,
		(double)(r->ended - r->start) / 1e9, (double)bytes / 1e6,
		(double)r->snapshots[0] / 1e9, (double)r->snapshots[1] / 1e9);
	if (r->lost)
		cmd_error("record",
			  "%llu events were lost: replay will be off by as much; a larger "
			  "--buffer than %llu KB helps",
			  (unsigned long long)r->lost, (unsigned long long)r->fs.buffer_kb);
}

/* What the command's end means for ours. */
static int command_status(const struct recorder *r)
{
	if (r->child <= 0 || r->left)
		return CMD_OK;
	if (WIFSIGNALED(r->child_status)) {
		if (!stop_signal && !r->options.seconds)
			cmd_error("record", "%s was ended by signal %d", r->options.command[0],
				  WTERMSIG(r->child_status));
		return stop_signal || r->options.seconds ? CMD_OK : CMD_FAILED;
	}
	if (WEXITSTATUS(r->child_status) == 0)
		return CMD_OK;
	if (WEXITSTATUS(r->child_status) != 127)
		cmd_error("record", "%s ended with status %d", r->options.command[0],
			  WEXITSTATUS(r->child_status));
	return CMD_FAILED;
}

/* Take everything down, in whatever state it is. */
static int finish(struct recorder *r, int status)
{
	uint64_t bytes = 0;
	unsigned int cpus = r->ring.nr_cpus;
	bool recorded = status == CMD_OK;

	end_command(r);
	rec_ring_free(&r->ring);
	rec_stacks_free(&r->stacks);
	rec_tracefs_close(&r->fs);
	if (r->writer)
		bytes = pbt_written(r->writer);
	if (pbt_writer_free(r->writer) && recorded) {
		status = CMD_FAILED;
		cmd_error("record", "can't write %s: %s", r->options.output, strerror(errno));
	}
	if (r->fd >= 0 && close(r->fd) && status == CMD_OK) {
		status = CMD_FAILED;
		cmd_error("record", "can't write %s: %s", r->options.output, strerror(errno));
	}
	if (status == CMD_OK) {
		summary(r, cpus, bytes);
		status = command_status(r);
	}
	return status;
}

int cmd_record(int argc, char **argv)
{
	struct recorder r = { .fd = -1, .go = -1, .child_status = -1 };
	int status = parse_options(argc, argv, &r.options);

	if (status >= 0)
		return status;
	catch_signals();
	if (setup(&r) || start_command(&r))
		return finish(&r, CMD_USAGE);
	if (open_output(&r))
		return finish(&r, CMD_USAGE);
	r.ring.writer = r.writer;
	if (record(&r)) {
		cmd_error("record", "recording %s failed: %s", r.options.output, strerror(errno));
		return finish(&r, CMD_FAILED);
	}
	return finish(&r, CMD_OK);
}
