/* SPDX-License-Identifier: MIT */
/*
 * What pb_validate() says: the number of the invariant, what is wrong, and where.
 */
#include "inspect/validate.h"

#include "base/text.h"

static void begin_report(struct check *c, struct text *text, unsigned int invariant,
			 const char *what)
{
	c->error->code = PB_ECORRUPT;
	c->error->region = UINT32_MAX;
	*text = (struct text){ c->error->text, sizeof(c->error->text), 0 };
	text_str(text, "I");
	text_dec(text, invariant, 0);
	text_str(text, ": ");
	text_str(text, what);
}

/* "I8: a bit names no block" */
int broken(struct check *c, unsigned int invariant, const char *what)
{
	struct text text;

	if (c->error)
		begin_report(c, &text, invariant, what);
	return PB_ECORRUPT;
}

/* "I9: not aligned to its order (pfn 0x13, order 2)"; pre: I2 holds. */
int broken_block(struct check *c, unsigned int invariant, const char *what, u32 frame,
		 unsigned int order)
{
	struct text text;

	if (!c->error)
		return PB_ECORRUPT;
	begin_report(c, &text, invariant, what);
	text_str(&text, " (pfn ");
	text_hex(&text, frame_to_pfn(c->pool, frame));
	text_str(&text, ", order ");
	text_dec(&text, order, 0);
	text_str(&text, ")");
	return PB_ECORRUPT;
}

/* "I3: start_pfn or spanned pages (zone 1)" */
int broken_at(struct check *c, unsigned int invariant, const char *what, const char *of, u64 number)
{
	struct text text;

	if (!c->error)
		return PB_ECORRUPT;
	begin_report(c, &text, invariant, what);
	text_str(&text, " (");
	text_str(&text, of);
	text_str(&text, " ");
	text_dec(&text, (s64)number, 0);
	text_str(&text, ")");
	return PB_ECORRUPT;
}

/* "I24: managed pages (zone 1: found 5, expected 4)" */
int broken_number(struct check *c, unsigned int invariant, const char *what, struct where at,
		  struct mismatch numbers)
{
	struct text text;

	if (!c->error)
		return PB_ECORRUPT;
	begin_report(c, &text, invariant, what);
	text_str(&text, " (");
	text_str(&text, at.of);
	text_str(&text, " ");
	text_dec(&text, (s64)at.number, 0);
	text_str(&text, ": found ");
	text_dec(&text, (s64)numbers.found, 0);
	text_str(&text, ", expected ");
	text_dec(&text, (s64)numbers.expected, 0);
	text_str(&text, ")");
	return PB_ECORRUPT;
}

int broken_zone(struct check *c, unsigned int invariant, const char *what, const struct zone *zone,
		struct mismatch numbers)
{
	return broken_number(c, invariant, what, AT("zone", zone_number(c->pool, zone)), numbers);
}
