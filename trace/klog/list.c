/* SPDX-License-Identifier: MIT */
/*
 * "Node 0 DMA: 1*4kB (U) 0*8kB 7*16kB (UEM) ... = 15884kB", in whole or in pieces.
 *
 * Markdown eats pairs of asterisks: "54kB 08kB" is 5*4kB 0*8kB. The sizes are
 * known by their position once the first is: a text fits a smallest block of S kB
 * if each entry ends with its S << order and has a count in front of it. Should
 * several S fit, the total decides.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static const struct {
	char letter;
	uint8_t bit;
} letter_bits[] = {
	{ 'U', PB_LETTER_U }, { 'M', PB_LETTER_M }, { 'E', PB_LETTER_E }, { 'R', PB_LETTER_R },
	{ 'C', PB_LETTER_C }, { 'H', PB_LETTER_H }, { 'I', PB_LETTER_I },
};

static const unsigned int first_sizes[] = { 4, 16, 64, 8, 32, 256 };

#define BLOCKS_MAX (UINT64_C(1) << 36) /* what is more is no count */

#define NR(array) (sizeof(array) / sizeof((array)[0]))

static uint8_t letter_bit(char c)
{
	for (size_t i = 0; i < NR(letter_bits); i++)
		if (letter_bits[i].letter == c)
			return letter_bits[i].bit;
	return 0;
}

/* "(UEM)" */
static size_t take_letters(struct klog_list *list, const char *text)
{
	size_t n = 1;
	uint8_t bits = 0, bit;

	while ((bit = letter_bit(text[n])) != 0) {
		bits |= bit;
		n++;
	}
	if (n == 1 || (text[n] != ')' && text[n]))
		return 0;
	if (list->nr)
		list->letters[list->nr - 1] = bits;
	list->any_letters = true;
	return text[n] ? n + 1 : n;
}

/* "5*4kB", "5_4kB", "54kB" */
static size_t take_entry(struct klog_list *list, const char *text)
{
	size_t n = strspn(text, "0123456789"), len = 0;
	char token[KLOG_TOKEN];

	if (!n || n > 20)
		return 0;
	memcpy(token, text, n);
	len = n;
	if (text[n] == '\\')
		n++;
	if (text[n] && strchr("*_x", text[n])) {
		size_t more = strspn(text + n + 1, "0123456789");

		if (!more || len + 1 + more >= sizeof(token))
			return 0;
		token[len++] = '*';
		memcpy(token + len, text + n + 1, more);
		len += more;
		n += 1 + more;
	}
	if (strncmp(text + n, "kB", 2))
		return 0;
	token[len] = '\0';
	if (list->nr < PB_RULE_ORDERS)
		memcpy(list->token[list->nr++], token, len + 1);
	return n + 2;
}

const char *klog_list_feed(struct klog_list *list, const char *text)
{
	for (;;) {
		size_t n;

		text += strspn(text, " ");
		if (*text == '=') {
			list->total_kb = atoll(text + 1 + strspn(text + 1, " "));
			return text + 1;
		}
		n = *text == '(' ? take_letters(list, text) : take_entry(list, text);
		if (!n)
			return NULL;
		text += n;
	}
}

/* The count in front of this size; false: the entry is not of it. */
static bool count_of(const char *token, uint64_t size, uint64_t *count)
{
	const char *star = strchr(token, '*');
	size_t len = strlen(token), n;
	char text[24];

	n = (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)size);
	if (star ? strcmp(star + 1, text) : len <= n || strcmp(token + len - n, text))
		return false;
	n = star ? (size_t)(star - token) : len - n;
	*count = 0;
	for (size_t i = 0; i < n && *count < BLOCKS_MAX; i++)
		*count = *count * 10 + (uint64_t)(token[i] - '0');
	return true;
}

static bool fits(const struct klog_list *list, unsigned int first, bool with_total)
{
	uint64_t sum = 0, count;

	for (unsigned int o = 0; o < list->nr; o++) {
		if (!count_of(list->token[o], (uint64_t)first << o, &count))
			return false;
		sum += count * ((uint64_t)first << o);
	}
	return !with_total || list->total_kb < 0 || sum == (uint64_t)list->total_kb;
}

static unsigned int first_of(const struct klog_list *list)
{
	for (int with_total = 1; with_total >= 0; with_total--)
		for (size_t i = 0; i < NR(first_sizes); i++)
			if (fits(list, first_sizes[i], with_total))
				return first_sizes[i];
	return 0;
}

void klog_list_settle(const struct klog_list *list, struct pb_klog_zone *zone)
{
	unsigned int first = list->nr ? first_of(list) : 0;

	if (!first)
		return;
	zone->has_list = true;
	zone->list_cut = list->total_kb < 0;
	zone->has_letters |= list->any_letters;
	zone->first_kb = first;
	zone->nr_orders = list->nr;
	for (unsigned int o = 0; o < list->nr; o++) {
		count_of(list->token[o], (uint64_t)first << o, &zone->blocks[o]);
		zone->letters[o] = list->letters[o];
	}
}
