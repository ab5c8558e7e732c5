// SPDX-License-Identifier: MIT
/*
 * Who asked: the callers that the kernel writes behind an event, by name.
 *
 *	mm_page_alloc ... | kernel_stack size=9 {ffffffff812b7a10, ffffffff8128b3c4, ...}
 *	/proc/kallsyms: ffffffff8128b300 t do_anonymous_page
 *	-> chain 1, "do_anonymous_page < handle_mm_fault < ..."
 *
 * Each chain is written once, with a number; events have the number.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "record.h"

#define FAR 0x1000000u /* bytes behind a symbol that are not its function's any more */

/* "ffffffff81000000 T name" and, of a module, "\t[module]"; ends *line in a NUL. */
static bool parse_symbol(char *line, struct rec_symbol *symbol)
{
	char *at;

	symbol->address = strtoull(line, &at, 16);
	if (at == line || *at != ' ' || !at[1] || at[2] != ' ' || !strchr("tTwW", at[1]))
		return false;
	symbol->name = at + 3;
	at = strpbrk(symbol->name, "\t \n");
	if (at)
		*at = '\0';
	return symbol->address && *symbol->name;
}

static int by_address(const void *a, const void *b)
{
	const struct rec_symbol *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

bool rec_symbols_parse(struct rec_stacks *stacks, char *text)
{
	size_t room = 0;

	stacks->nr = 0;
	for (char *line = text, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (stacks->nr == room) {
			void *grown;

			room = room ? 2 * room : 4096;
			grown = realloc(stacks->symbols, room * sizeof(*stacks->symbols));
			if (!grown)
				return false;
			stacks->symbols = grown;
		}
		stacks->nr += parse_symbol(line, &stacks->symbols[stacks->nr]);
	}
	if (stacks->nr)
		qsort(stacks->symbols, stacks->nr, sizeof(*stacks->symbols), by_address);
	return true;
}

int rec_stacks_init(struct rec_stacks *stacks)
{
	stacks->text = rec_read_file("/proc/kallsyms", NULL);
	if (!stacks->text || !rec_symbols_parse(stacks, stacks->text) || !stacks->nr) {
		cmd_error("record",
			  "--stacks: /proc/kallsyms has no addresses, so callers would have no "
			  "names (CONFIG_KALLSYMS; sysctl kernel.kptr_restrict)");
		return -1;
	}
	return 0;
}

/* The function around a return address. */
static const char *name_of(const struct rec_stacks *stacks, uint64_t address)
{
	size_t low = 0, high = stacks->nr;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (stacks->symbols[middle].address < address)
			low = middle;
		else
			high = middle;
	}
	if (low == high || stacks->symbols[low].address >= address ||
	    address - stacks->symbols[low].address > FAR)
		return NULL;
	return stacks->symbols[low].name;
}

uint32_t rec_stack_chain(struct rec_stacks *stacks, const uint64_t *callers, size_t nr)
{
	struct pb_chain chain;

	pb_chain_clear(&chain);
	for (size_t i = 0; i < nr; i++) {
		const char *name = name_of(stacks, callers[i]);

		if (name)
			pb_chain_add(&chain, name, strlen(name));
	}
	return chain.depth ? pb_chains_number(&stacks->chains, chain.text) : 0;
}

void rec_stacks_free(struct rec_stacks *stacks)
{
	pb_chains_free(&stacks->chains);
	free(stacks->symbols);
	free(stacks->text);
	memset(stacks, 0, sizeof(*stacks));
}
