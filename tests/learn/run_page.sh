#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run_page.sh PAGE PAGEBUDDY SOURCE DIRECTORY: page.mjs with what it needs, or status
# 77 (skipped) with a line that says what is missing.

set -u
page=$1 pagebuddy=$2 source=$3 directory=$4
packages=$source/tests/report

skip()
{
	echo "skipped: $*"
	exit 77
}

: "${PB_CHROMIUM:=/usr/bin/chromium}"
export PB_CHROMIUM
[ -x "$PB_CHROMIUM" ] || skip "no $PB_CHROMIUM (Debian: chromium)"
command -v node >/dev/null && command -v npm >/dev/null || skip "no Node.js with npm"

mkdir -p "$directory"
if ! cmp -s "$packages/package-lock.json" "$directory/node_modules/.fetched"; then
	cp "$packages/package.json" "$packages/package-lock.json" "$packages/.npmrc" "$directory" || exit 1
	(cd "$directory" && npm ci --ignore-scripts --prefer-offline --fetch-retries=1 --loglevel=error) ||
		skip "npm can't fetch the packages of tests/report/package.json"
	cp "$packages/package-lock.json" "$directory/node_modules/.fetched"
fi
if [ ! -s "$page" ]; then
	[ -z "${CI:-}" ] || exit 1
	skip "this build has no page of the lesson"
fi
exec node "$source/tests/learn/page.mjs" "$directory/node_modules" "$page" "$pagebuddy" "$source"
