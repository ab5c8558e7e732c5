/* SPDX-License-Identifier: MIT */
#ifndef PB_TRACE_KLOG_CLEAN_H
#define PB_TRACE_KLOG_CLEAN_H

#include <stdbool.h>
#include <stddef.h>

/* Colours, HTML, carriage returns, NULs away; tabs become blanks. The new length. text[len] is 0. */
size_t klog_clean(char *text, size_t len);
/* "=3D" becomes "=". The new length. */
size_t klog_unquote_printable(char *text, size_t len);
/*
 * A line of a log in JSON: the string that is the kernel's line, its escapes undone but for
 * those of newlines, and how long it is; NULL: another line. NUL at its end.
 */
char *klog_json_message(char *line, size_t *len);
/* How long "> ", ">> ", "| " in front is; 0: not quoted. */
size_t klog_quote(const char *text);
size_t klog_width(const char *text, size_t len); /* characters of UTF-8 */
/* Copies what fits, with a NUL; what isn't printable ASCII becomes '?': names go to terminals
   and into JSON. */
void klog_copy(char *to, size_t size, const char *from, size_t len);
bool klog_is_prompt(const char *text); /* "[ops@lab17 ~]$ dmesg" */

#endif
