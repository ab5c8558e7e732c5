#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run_browser.sh PAGEBUDDY TRACE DIRECTORY: browser.mjs with what it needs, or
# status 77 (skipped) with a line that says what is missing.

set -u
pagebuddy=$1 trace=$2 directory=$3
source=$(dirname "$0")
packages=$source

. "$packages/browser.sh"

# A build that could not have a page says so; then there is nothing to look at.
if ! "$pagebuddy" report "$trace" -o "$directory/report.html" --no-what-if --maps 2 --samples 2; then
	[ -z "${CI:-}" ] || exit 1
	skip "this build has no report page"
fi
exec node "$source/browser.mjs" "$directory/node_modules" "$pagebuddy" "$trace" "$directory"
