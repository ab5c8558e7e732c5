#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run_page.sh PAGE PAGEBUDDY SOURCE DIRECTORY: page.mjs with what it needs, or status
# 77 (skipped) with a line that says what is missing.

set -u
page=$1 pagebuddy=$2 source=$3 directory=$4
packages=$source/tests/report

. "$packages/browser.sh"
if [ ! -s "$page" ]; then
	[ -z "${CI:-}" ] || exit 1
	skip "this build has no page of the lesson"
fi
exec node "$source/tests/learn/page.mjs" "$directory/node_modules" "$page" "$pagebuddy" "$source"
