#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run_browser.sh PAGEBUDDY TRACE DIRECTORY: browser.mjs with what it needs, or
# status 77 (skipped) with a line that says what is missing.

set -u
pagebuddy=$1 trace=$2 directory=$3
source=$(dirname "$0")

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
if ! cmp -s "$source/package-lock.json" "$directory/node_modules/.fetched"; then
	cp "$source/package.json" "$source/package-lock.json" "$source/.npmrc" "$directory" || exit 1
	(cd "$directory" && npm ci --ignore-scripts --prefer-offline --fetch-retries=1 --loglevel=error) ||
		skip "npm can't fetch the packages of tests/report/package.json"
	cp "$source/package-lock.json" "$directory/node_modules/.fetched"
fi

# A build that could not have a page says so; then there is nothing to look at.
if ! "$pagebuddy" report "$trace" -o "$directory/report.html" --no-what-if --maps 2 --samples 2; then
	[ -z "${CI:-}" ] || exit 1
	skip "this build has no report page"
fi
exec node "$source/browser.mjs" "$directory/node_modules" "$pagebuddy" "$trace" "$directory"
