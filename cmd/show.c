// SPDX-License-Identifier: MIT
/* pagebuddy show: this machine's zones, or those of a saved /proc. */

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <pbt.h>
#include <rules/rules.h>

#include "options.h"
#include "show.h"

struct options {
	const char *root;  /* NULL: this machine */
	const char *phase; /* NULL, "start" or "end" */
	enum cmd_format format;
	double interval; /* s, --watch; 0: once */
	uint64_t count;  /* samples, 0: until Ctrl-C */
	uint64_t page_size;
	struct show_ask ask; /* --order and what goes with it */
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static const char help[] =
	"Show zones, orders, migratetypes, watermarks and fragmentation, and say what\n"
	"could fail in each zone and why.\n"
	"\n"
	"Usage: pagebuddy show [--watch[=SECONDS]] [--root DIR] [--format FORMAT]\n"
	"\n"
	"  -w, --watch[=SECS]    draw again every 2 (or SECS) seconds; Ctrl-C ends it\n"
	"  -n, --count N         end after N drawings (with --watch)\n"
	"  -r, --root DIR        read DIR/proc/zoneinfo ... or DIR/zoneinfo ..., as saved\n"
	"                        from another machine; a trace or a .pbt file will do,\n"
	"                        and a single file: buddyinfo, pagetypeinfo, page_owner,\n"
	"                        allocinfo, extfrag_index, node_exporter's text or that\n"
	"                        of crash's kmem -f\n"
	"      --phase PHASE     of a recording: start or end (default end)\n"
	"      --page-size SIZE  of the saved machine (default 4K; live: this machine's)\n"
	"      --order N         would a request of 2^N pages succeed, and if not, by\n"
	"                        which rule, in which zone, and what would help\n"
	"      --gfp FLAGS       of that request: GFP_KERNEL (default), GFP_ATOMIC ...,\n"
	"                        or a number of that kernel (0xcc0)\n"
	"      --kernel RELEASE  its rules, where the files don't name it\n"
	"  -f, --format FORMAT   text (default), json, ndjson, or openmetrics, for\n"
	"                        Prometheus\n"
	"      --help            this text\n"
	"\n"
	"Root sees more: /proc/pagetypeinfo is for root only.\n";

static int parse_interval(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	return *end || end == text || !(*seconds >= 0.1) || *seconds > 86400 ? -1 : 0;
}

static void print_help(void)
{
	fputs(help, stdout);
}

static int set_ask(struct show_ask *ask, enum cmd_option option, const char *value)
{
	uint64_t order;

	if (option == CMD_OPT_GFP) {
		ask->gfp = value;
		return CMD_OK;
	}
	if (option == CMD_OPT_KERNEL) {
		ask->release = pb_release_parse(value);
		if (!ask->release)
			return cmd_error("show",
					 "--kernel '%s': expected a release such as 5.15.41",
					 value);
		return CMD_OK;
	}
	if (cmd_parse_u64(value, &order) || order > PB_MAX_ORDER)
		return cmd_error("show", "--order '%s': expected a number from 0 to %d", value,
				 PB_MAX_ORDER);
	ask->has_order = true;
	ask->order = (unsigned int)order;
	return CMD_OK;
}

static int set(void *ctx, enum cmd_option option, const char *value)
{
	struct options *o = ctx;

	switch (option) {
	case CMD_OPT_ORDER:
	case CMD_OPT_GFP:
	case CMD_OPT_KERNEL:
		return set_ask(&o->ask, option, value);
	case CMD_OPT_WATCH:
		o->interval = 2;
		if (value && parse_interval(value, &o->interval))
			return cmd_error("show", "--watch '%s': expected 0.1 to 86400 seconds",
					 value);
		return CMD_OK;
	case CMD_OPT_COUNT:
		if (cmd_parse_u64(value, &o->count) || !o->count)
			return cmd_error("show", "--count '%s': expected a number above 0", value);
		return CMD_OK;
	case CMD_OPT_ROOT:
		o->root = value;
		return CMD_OK;
	case CMD_OPT_PHASE:
		if (strcmp(value, "start") && strcmp(value, "end"))
			return cmd_error("show", "--phase '%s': expected start or end", value);
		o->phase = value;
		return CMD_OK;
	case CMD_OPT_PAGE_SIZE:
		if (cmd_parse_size(value, &o->page_size) || o->page_size < 4096 ||
		    o->page_size > 1 << 21 || o->page_size & (o->page_size - 1))
			return cmd_error("show",
					 "--page-size '%s': expected a power of two from 4K "
					 "to 2M",
					 value);
		return CMD_OK;
	default:
		if (!strcmp(value, "openmetrics"))
			o->format = CMD_OPENMETRICS;
		else if (cmd_parse_format(value, &o->format))
			return cmd_error(
				"show", "--format '%s': expected text, json, ndjson or openmetrics",
				value);
		return CMD_OK;
	}
}

static int check(const struct options *o)
{
	if (o->root && o->interval)
		return cmd_error("show", "--watch watches this machine; it can't go with --root");
	if (o->phase && !o->root)
		return cmd_error("show", "--phase needs --root");
	if (o->interval && o->format == CMD_OPENMETRICS)
		return cmd_error("show", "--format openmetrics is one look at the machine; it "
					 "can't go with --watch");
	if (o->count && !o->interval)
		return cmd_error("show", "--count needs --watch");
	if ((o->ask.gfp || o->ask.release) && !o->ask.has_order)
		return cmd_error("show", "--gfp and --kernel need --order");
	if (o->ask.has_order && (o->interval || (o->format != CMD_TEXT && o->format != CMD_JSON)))
		return cmd_error("show", "--order asks once, and answers as text or json");
	return CMD_GO_ON;
}

/* CMD_GO_ON or the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	struct cmd_call call = { "show", argc, argv, set, o, false, false };
	int words, status;

	*o = (struct options){ 0 };
	status = cmd_options(&call, print_help, &words);
	if (status != CMD_GO_ON)
		return status;
	if (words < argc)
		return cmd_error("show",
				 "'%s': expected no arguments; --root DIR reads a saved /proc",
				 argv[words]);
	return check(o);
}

/* -------------------------------------------------------------------- reading */

/* 0; 1: it is no .pbt; -1. */
static int load_pbt(const struct options *o, struct pb_snapshot *snapshot,
		    struct show_machine *machine, char *error, size_t size)
{
	enum pbt_phase phase = o->phase && !strcmp(o->phase, "start") ? PBT_START : PBT_STOP;
	struct pbt_about about;
	int rc = o->root ? pbt_snapshot_load(o->root, phase, snapshot, &about, error, size) : 1;

	if (rc == 0 && !snapshot->has_zoneinfo && !o->phase) /* cut: the start is there */
		rc = pbt_snapshot_load(o->root, PBT_START, snapshot, &about, error, size);
	if (rc)
		return rc;
	snprintf(machine->kernel, sizeof(machine->kernel), "Linux %s", about.kernel);
	machine->page_size = about.page_size;
	machine->time = about.realtime;
	return 0;
}

/* MemTotal over the managed pages, if that is a size that pages have. */
static void derive_page_size(const struct pb_snapshot *snapshot, uint64_t mem_kb,
			     struct show_machine *machine)
{
	uint64_t managed = 0;

	for (size_t i = 0; i < snapshot->zoneinfo.nr_zones; i++)
		managed += snapshot->zoneinfo.zones[i].managed;
	for (uint64_t kb = 4; managed && kb <= 64; kb *= 2)
		if (mem_kb > managed * kb * 9 / 10 && mem_kb < managed * kb * 11 / 10)
			machine->page_size = kb << 10;
}

static uint64_t count_lines(const char *path)
{
	char error[128];
	size_t length = 0;
	char *text = pb_read_file(path, 64 << 20, &length, error, sizeof(error));
	uint64_t lines = 0;

	for (size_t i = 0; text && i < length; i++)
		lines += text[i] == '\n' || i + 1 == length;
	free(text);
	return lines;
}

/* Why there is nothing to show. Always -1. */
static int say_nothing_there(const char *where, char *error, size_t size)
{
	static const char expected[] = "expected zoneinfo, buddyinfo or pagetypeinfo of /proc, "
				       "best all three";
	struct stat st;

	if (stat(where, &st))
		snprintf(error, size, "%s: %s, and no %s.zoneinfo or the like; %s", where,
			 strerror(errno), where, expected);
	else if (S_ISDIR(st.st_mode))
		snprintf(error, size, "%s: nothing of a machine's memory in this directory; %s",
			 where, expected);
	else if (!count_lines(where))
		snprintf(error, size, "%s is empty; %s", where, expected);
	else
		snprintf(error, size, "%s: 0 of %llu lines understood; %s", where,
			 (unsigned long long)count_lines(where), expected);
	return -1;
}

/* A saved /proc has no phase; a recording has two. */
static int load(const struct options *o, struct pb_snapshot *snapshot, struct show_machine *machine,
		char *error, size_t size)
{
	const char *where = o->root ? o->root : "/proc";
	const char *phases[] = { "end", "start" };
	struct pb_about_machine about = { 0 };
	int rc = load_pbt(o, snapshot, machine, error, size);

	if (rc > 0 && !o->phase) {
		rc = pb_loose_load(where, snapshot, &about, error, size) ? -1 : 1;
		machine->notes = about.notes;
		if (rc > 0 && (snapshot->has_zoneinfo || snapshot->has_buddyinfo)) {
			derive_page_size(snapshot, about.mem_kb, machine);
			if (about.kernel[0])
				snprintf(machine->kernel, sizeof(machine->kernel), "Linux %s",
					 about.kernel);
			return 0;
		}
		pb_snapshot_free(snapshot);
	}
	for (int i = 0; rc > 0 && o->root && i < 2; i++) {
		if (o->phase && strcmp(o->phase, phases[i]))
			continue;
		if (pb_snapshot_load(where, phases[i], snapshot, error, size))
			return -1;
		if (snapshot->has_zoneinfo)
			return 0;
		pb_snapshot_free(snapshot);
	}
	if (rc < 0 || (rc == 0 && snapshot->has_zoneinfo))
		return rc;
	if (about.lines)
		snprintf(error, size,
			 "%s: %u of %u lines understood: nothing of a machine's memory there; "
			 "expected zoneinfo, buddyinfo or pagetypeinfo of /proc, best all three",
			 where, about.known, about.lines);
	else
		say_nothing_there(where, error, size);
	return -1;
}

static void describe(const struct options *o, struct show_machine *machine)
{
	struct utsname uts;
	struct stat st;
	char path[512];

	machine->page_size_assumed = !o->page_size && !machine->page_size && o->root;
	if (o->page_size || !machine->page_size)
		machine->page_size = o->page_size ? o->page_size : 4096;
	if (machine->page_size_assumed)
		pb_note(&machine->notes, "page size assumed: 4 KiB (--page-size tells another)");
	if (!o->root) {
		uname(&uts);
		snprintf(machine->kernel, sizeof(machine->kernel), "Linux %s", uts.release);
		machine->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
		machine->time = time(NULL);
		return;
	}
	snprintf(machine->where, sizeof(machine->where), "%s", o->root);
	if (!machine->time && /* a .pbt says it itself */
	    pb_snapshot_find(o->root, "zoneinfo", o->phase, path, sizeof(path)) && !stat(path, &st))
		machine->time = st.st_mtime;
}

static int read_files(const struct options *o, struct pb_snapshot *snapshot,
		      struct show_machine *machine, char *error, size_t size)
{
	int rc;

	memset(machine, 0, sizeof(*machine));
	if (load(o, snapshot, machine, error, size))
		return -1;
	describe(o, machine);
	rc = show_collect(snapshot, machine, error, size);
	if (rc)
		pb_snapshot_free(snapshot);
	return rc;
}

static int read_machine(const struct options *o, struct show_machine *machine, char *error,
			size_t size)
{
	struct pb_snapshot snapshot = { 0 };

	if (read_files(o, &snapshot, machine, error, size))
		return -1;
	pb_snapshot_free(&snapshot);
	show_judge(machine);
	return 0;
}

int show_read(const char *root, struct show_machine *machine, char *error, size_t size)
{
	const struct options o = { .root = root };

	return read_machine(&o, machine, error, size);
}

static int collect(const struct options *o, struct show_machine *machine)
{
	char error[512] = "";

	return read_machine(o, machine, error, sizeof(error)) ? cmd_error("show", "%s", error)
							      : CMD_OK;
}

/* show --order: an answer instead of tables. */
static int answer(const struct options *o, struct show_machine *machine)
{
	struct pb_snapshot snapshot = { 0 };
	char error[512] = "";
	int status;

	if (read_files(o, &snapshot, machine, error, sizeof(error)))
		return cmd_error("show", "%s", error);
	status = show_request(&o->ask, &snapshot, machine);
	pb_snapshot_free(&snapshot);
	return status;
}

/* ------------------------------------------------------------------- printing */

static unsigned int screen_rows(void)
{
	struct winsize size;

	return isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? size.ws_row : 0;
}

static int print(const struct options *o, const struct show_machine *machine)
{
	switch (o->format) {
	case CMD_JSON:
		return show_json(machine);
	case CMD_NDJSON:
		return show_ndjson(machine);
	case CMD_OPENMETRICS:
		return show_metrics(machine);
	default:
		show_text(machine, cmd_colour(stdout), !strcmp(nl_langinfo(CODESET), "UTF-8"),
			  o->interval ? screen_rows() : 0);
		return CMD_OK;
	}
}

static void wait_for(double seconds)
{
	for (int left = (int)(seconds * 1000); left > 0 && !stopped; left -= 100)
		poll(NULL, 0, left < 100 ? left : 100);
}

static int watch(const struct options *o, struct show_machine *machine)
{
	struct sigaction action = { .sa_handler = on_signal };
	bool screen = o->format == CMD_TEXT && isatty(STDOUT_FILENO);
	int status = CMD_OK;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (screen)
		fputs("\033[?1049h\033[?25l", stdout);
	for (uint64_t i = 0; !status && !stopped; i++) {
		if (screen)
			fputs("\033[H\033[2J", stdout);
		else if (i && o->format == CMD_TEXT)
			putchar('\n');
		status = collect(o, machine);
		if (!status)
			status = print(o, machine);
		if (fflush(stdout) || (o->count && i + 1 == o->count))
			break;
		wait_for(o->interval);
	}
	if (screen)
		fputs("\033[?25h\033[?1049l", stdout);
	return status;
}

static int once(struct options *o)
{
	static struct show_machine machine;
	int status = -1;

	o->ask.format = o->format;
	if (o->ask.has_order)
		return answer(o, &machine);
	if (o->root && !o->phase && o->format != CMD_OPENMETRICS)
		status = show_holders(o->root, o->format != CMD_TEXT);
	if (status >= 0)
		return status;
	status = collect(o, &machine);
	return status ? status : print(o, &machine);
}

int show_asked(const struct show_ask *ask)
{
	struct options o = { .root = ask->root, .format = ask->format, .ask = *ask };

	setlocale(LC_CTYPE, "");
	return once(&o);
}

int cmd_show(int argc, char **argv)
{
	static struct show_machine machine;
	struct options o;
	int status = parse_options(argc, argv, &o);

	if (status != CMD_GO_ON)
		return status;
	setlocale(LC_CTYPE, "");
	return o.interval ? watch(&o, &machine) : once(&o);
}
