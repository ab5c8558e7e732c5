// SPDX-License-Identifier: MIT
/* pagebuddy report: all that is known of a trace, as one page for a browser. */

#define _GNU_SOURCE /* memmem */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "note.h"
#include "lang.h"
#include "options.h"
#include "report.h"

#define MARKER "@PAGEBUDDY_DATA@"

struct options {
	const char *file;
	const char *output;
	const char *snapshot;
	const char *title;
	const char *kernel; /* --kernel; NULL: as recorded */
	struct pbr_wish wish;
	const char *variants[REPORT_MAX_VARIANTS];
	unsigned int nr_variants;
	bool no_whatif;
	enum cmd_format format; /* JSON: the page's data alone */
	uint64_t samples, maps, memory, page_size;
};

static const char help[] =
	"Write one self-contained HTML page about a trace: free memory by order over\n"
	"time, fragmentation, failures and fallbacks, a map of pageblocks, who pins\n"
	"them, and what would have been under other settings.\n"
	"\n"
	"Usage: pagebuddy report FILE [-o report.html] [--what-if SETTINGS]...\n"
	"\n"
	"  -o, --output FILE        page to write (default report.html; -: stdout)\n"
	"  -w, --what-if SETTINGS   a variant, as of pagebuddy replay; may be repeated\n"
	"                           (default profile=modern, mobility=off, memory=-10%)\n"
	"      --no-what-if         no variants: quicker\n"
	"      --snapshot WHERE     snapshots of /proc that belong to the trace\n"
	"      --memory SIZE        the machine's memory, where no snapshot tells\n"
	"      --kernel RELEASE     gfp numbers and rules of this release (5.15), not of\n"
	"                           the one that the trace names\n"
	"      --page-size SIZE     bytes of a page (default: as recorded, else 4K)\n"
	"      --samples N          moments on the time line (default 400)\n"
	"      --maps N             moments of the pageblock map (default 60)\n"
	"      --title TEXT         name of the page (default: of the trace)\n"
	"      --task NAME          tell only what this task (or pid) did\n"
	"      --from TIME, --to TIME\n"
	"                           only of this time: +SECONDS from the first event,\n"
	"                           SECONDS of the trace's own clock, start or end\n"
	"      --order N            only of requests of this order, or N-M\n"
	"  -f, --format FORMAT      html, or json: the page's data alone (default html)\n"
	"      --help               this text\n";

static void print_help(void)
{
	fputs(help, stdout);
}

static int set_number(const char *option, const char *text, uint64_t low, uint64_t high,
		      uint64_t *value)
{
	if (cmd_parse_u64(text, value) || *value < low || *value > high)
		return cmd_error("report", "--%s '%s': expected a number from %llu to %llu", option,
				 text, (unsigned long long)low, (unsigned long long)high);
	return CMD_OK;
}

static int set_page_size(struct options *o, const char *text)
{
	if (cmd_parse_size(text, &o->page_size) || o->page_size < 4096 || o->page_size > 1 << 21 ||
	    o->page_size & (o->page_size - 1))
		return cmd_error("report",
				 "--page-size '%s': expected a power of two from 4K to 2M", text);
	return CMD_OK;
}

static int set_memory(struct options *o, const char *text)
{
	if (cmd_parse_size(text, &o->memory) || o->memory < 1 << 20)
		return cmd_error("report",
				 "--memory '%s': expected a size such as 512M, at least 1M", text);
	return CMD_OK;
}

static int add_variant(struct options *o, const char *text)
{
	struct pbr_settings settings;
	char error[200];

	if (o->nr_variants == REPORT_MAX_VARIANTS)
		return cmd_error("report", "--what-if: expected at most %d variants",
				 REPORT_MAX_VARIANTS);
	pbr_settings_init(&settings);
	if (pbr_settings_parse(text, &settings, error, sizeof(error)))
		return cmd_error("report", "--what-if %s", error);
	o->variants[o->nr_variants++] = text;
	return CMD_OK;
}

static int set(void *ctx, enum cmd_option option, const char *value)
{
	struct options *o = ctx;

	switch (option) {
	case CMD_OPT_OUTPUT:
		o->output = value;
		return *value ? CMD_OK : cmd_error("report", "--output: the name is empty");
	case CMD_OPT_WHAT_IF:
		return add_variant(o, value);
	case CMD_OPT_NO_WHAT_IF:
		o->no_whatif = true;
		return CMD_OK;
	case CMD_OPT_SNAPSHOT:
		o->snapshot = value;
		return CMD_OK;
	case CMD_OPT_MEMORY:
		return set_memory(o, value);
	case CMD_OPT_KERNEL:
		o->kernel = value;
		return pb_release_parse(value)
			       ? CMD_OK
			       : cmd_error("report",
					   "--kernel '%s': expected a release such as 5.15.41",
					   value);
	case CMD_OPT_PAGE_SIZE:
		return set_page_size(o, value);
	case CMD_OPT_SAMPLES:
		return set_number("samples", value, 2, 5000, &o->samples);
	case CMD_OPT_MAPS:
		return set_number("maps", value, 2, 1000, &o->maps);
	case CMD_OPT_TITLE:
		o->title = value;
		return CMD_OK;
	case CMD_OPT_TASK:
		o->wish.task = value;
		return CMD_OK;
	case CMD_OPT_FROM:
		o->wish.from = value;
		return CMD_OK;
	case CMD_OPT_TO:
		o->wish.to = value;
		return CMD_OK;
	case CMD_OPT_ORDER:
		o->wish.orders = value;
		return CMD_OK;
	default:
		o->format = strcmp(value, "json") ? CMD_TEXT : CMD_JSON;
		if (strcmp(value, "json") && strcmp(value, "html"))
			return cmd_error("report", "--format '%s': expected html or json", value);
		return CMD_OK;
	}
}

static void default_variants(struct options *o)
{
	if (o->nr_variants || o->no_whatif)
		return;
	o->variants[o->nr_variants++] = "profile=modern";
	o->variants[o->nr_variants++] = "mobility=off";
	o->variants[o->nr_variants++] = "memory=-10%";
}

/* CMD_GO_ON or the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	struct cmd_call call = { "report", argc, argv, set, o, false, false };
	int words, status;

	*o = (struct options){ .samples = 400, .maps = 60 };
	status = cmd_options(&call, print_help, &words);
	if (status != CMD_GO_ON)
		return status;
	if (words + 1 != argc)
		return cmd_error("report",
				 "expected one FILE, a trace, got %d; see pagebuddy report "
				 "--help",
				 argc - words);
	o->file = argv[words];
	if (!o->output)
		o->output = o->format == CMD_JSON ? "-" : "report.html";
	default_variants(o);
	return CMD_GO_ON;
}

/* ------------------------------------------------------------------ computing */

/* Before minutes are spent on a page that has no place. */
static int check_output(const char *name)
{
	const char *slash = strrchr(name, '/');
	char directory[4096];
	struct stat st;

	if (!strcmp(name, "-"))
		return CMD_OK;
	if (!stat(name, &st) && S_ISDIR(st.st_mode))
		return cmd_error("report", "--output %s is a directory; expected a file", name);
	if (!slash || slash == name)
		return CMD_OK;
	snprintf(directory, sizeof(directory), "%.*s", (int)(slash - name), name);
	if (access(directory, W_OK))
		return cmd_error("report", "can't write %s: %s: %s", name, directory,
				 strerror(errno));
	return CMD_OK;
}

static int compute_whatif(const struct options *o, const struct pbr_collect *collect,
			  struct report *r)
{
	struct pbr_settings baseline, variants[REPORT_MAX_VARIANTS];
	enum pb_kernel kernel;

	if (!o->nr_variants)
		return 0;
	pbr_settings_init(&baseline);
	if (o->kernel && !cmd_parse_kernel(o->kernel, &kernel))
		baseline.kernel = (int)kernel;
	for (unsigned int i = 0; i < o->nr_variants; i++) {
		pbr_settings_init(&variants[i]);
		variants[i].kernel = baseline.kernel;
		if (pbr_settings_parse(o->variants[i], &variants[i], r->whatif_error,
				       sizeof(r->whatif_error)))
			return -1;
	}
	if (pbr_whatif(r->input, &baseline, variants, o->nr_variants,
		       (unsigned int)sysconf(_SC_NPROCESSORS_ONLN), collect, r->runs,
		       r->whatif_error, sizeof(r->whatif_error)))
		return -1;
	r->nr_runs = 1 + o->nr_variants;
	return 0;
}

static int make_filter(const struct options *o, struct report *r)
{
	char error[256];

	r->filtered = o->wish.task || o->wish.from || o->wish.to || o->wish.orders;
	if (r->filtered && pbr_filter_make(r->input, &o->wish, &r->filter, error, sizeof(error)))
		return cmd_error("report", "%s", error);
	return CMD_OK;
}

static int compute(const struct options *o, struct report *r)
{
	const struct pbr_source source = { .path = o->file,
					   .snapshot = o->snapshot,
					   .memory = o->memory,
					   .release = o->kernel ? pb_release_parse(o->kernel) : 0,
					   .progress = cmd_progress };
	struct pbr_collect collect = { .samples = (uint32_t)o->samples,
				       .maps = (uint32_t)o->maps,
				       .marks = true,
				       .progress = cmd_progress };
	/* a variant needs enough samples for its minimum and median, and no map */
	struct pbr_collect sparse = { .samples = 200, .progress = cmd_progress };
	char error[512];

	if (pbr_load(&source, &r->input, error, sizeof(error)))
		return cmd_error("report", "%s", error);
	cmd_note_input("report", r->input, true);
	if (make_filter(o, r))
		return CMD_USAGE;
	collect.filter = sparse.filter = r->filtered ? &r->filter : NULL;
	if (pbr_follow(r->input, &collect, &r->follow, error, sizeof(error)))
		return cmd_error("report", "%s", error);
	r->has_pins = !pbr_pins(r->input, r->filtered ? r->filter.to : UINT64_MAX, &r->pins,
				r->pins_error, sizeof(r->pins_error));
	if (pbr_top(r->input, collect.filter, &r->top, error, sizeof(error)))
		return cmd_error("report", "%s", error);
	if (compute_whatif(o, &sparse, r))
		cmd_error("report", "no what-if table: %s", r->whatif_error);
	return CMD_OK;
}

static void clear(struct report *r)
{
	for (unsigned int i = 0; i < r->nr_runs; i++)
		pbr_run_clear(&r->runs[i]);
	if (r->has_pins)
		pbr_pins_clear(&r->pins);
	pbr_run_clear(&r->follow);
	pbr_top_clear(&r->top);
	pbr_filter_clear(&r->filter);
	pbr_unload(r->input);
}

/* -------------------------------------------------------------------- writing */

/* In a page, "</" could end the element that the JSON is in. */
static int dump_escaped(const char *text, size_t size, void *file)
{
	size_t start = 0;

	for (size_t i = 0; i < size; i++) {
		if (text[i] != '<')
			continue;
		fwrite(text + start, 1, i - start, file);
		fputs("\\u003c", file);
		start = i + 1;
	}
	fwrite(text + start, 1, size - start, file);
	return ferror((FILE *)file) ? -1 : 0;
}

static int write_page(const json_t *json, FILE *file)
{
	const char *page = pb_report_page, *end = page + pb_report_page_size;
	const char *marker = memmem(page, pb_report_page_size, MARKER, strlen(MARKER));

	if (!marker)
		return -1;
	fwrite(page, 1, (size_t)(marker - page), file);
	if (json_dump_callback(json, dump_escaped, file, JSON_COMPACT | JSON_REAL_PRECISION(9)))
		return -1;
	marker += strlen(MARKER);
	fwrite(marker, 1, (size_t)(end - marker), file);
	return ferror(file) ? -1 : 0;
}

static bool has_page(void)
{
	return &pb_report_page_size && pb_report_page_size;
}

static int no_page(void)
{
	return cmd_error(
		"report",
		"this build has no report page: Node.js with npm, and the npm "
		"packages of report/package.json, were not to be had when it was built; install "
		"nodejs and npm and build again (--format json works without)");
}

static int write_report(const struct options *o, const struct report *r)
{
	bool to_stdout = !strcmp(o->output, "-");
	json_t *json = report_json(r);
	FILE *file = to_stdout ? stdout : fopen(o->output, "w");
	int rc = -1;

	if (json && file && o->format == CMD_JSON) {
		rc = json_dumpf(json, file, JSON_COMPACT | JSON_REAL_PRECISION(9));
		fputc('\n', file);
	} else if (json && file) {
		rc = write_page(json, file);
	}
	json_decref(json);
	if (file && !to_stdout && (ferror(file) | fclose(file)))
		rc = -1;
	if (rc) {
		cmd_error("report", "can't write %s: %s", o->output,
			  json ? strerror(errno) : "no memory");
		return CMD_FAILED;
	}
	return CMD_OK;
}

static void summary(const struct options *o, const struct report *r)
{
	const unsigned long long events = r->input->nr_events, failures = r->follow.failures,
				 fallbacks = r->follow.fallbacks;

	printf(ngettext("%s: %llu event, ", "%s: %llu events, ", events), o->output, events);
	printf(ngettext("%llu failure, ", "%llu failures, ", failures), failures);
	printf(ngettext("%llu fallback\n", "%llu fallbacks\n", fallbacks), fallbacks);
}

int cmd_report(int argc, char **argv)
{
	struct report r = { 0 };
	struct options o;
	int status = parse_options(argc, argv, &o);

	if (status != CMD_GO_ON)
		return status;
	if (o.format != CMD_JSON && !has_page())
		return no_page();
	if (check_output(o.output))
		return CMD_USAGE;
	status = compute(&o, &r);
	if (!status) {
		r.page_size = o.page_size ? o.page_size : r.input->page_size;
		r.page_size = r.page_size ? r.page_size : 4096;
		r.title = o.title ? o.title : r.input->name;
		status = write_report(&o, &r);
	}
	if (!status && strcmp(o.output, "-"))
		summary(&o, &r);
	clear(&r);
	return status;
}
