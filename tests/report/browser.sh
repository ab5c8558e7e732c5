# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# For scripts that run a test in the browser; sourced after setting `packages` to the
# folder of package.json and `directory` to where node_modules shall be. Ends with status
# 77 and a line that says what is missing, if something is.

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
