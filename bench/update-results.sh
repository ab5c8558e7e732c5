#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Measures everything and writes RESULTS.md. The notes in it are kept.
#
#	update-results.sh [BUILD_DIR] [OPTION OF pagebuddy-bench]...
#
# BUILD_DIR (default: build) holds pagebuddy-bench and, after `make bench-linux`,
# bench/linux/linux-um. The machine should have nothing else to do.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../build}
[ $# -eq 0 ] || shift
[ -x "$build/pagebuddy-bench" ] || {
	echo "update-results: $build has no pagebuddy-bench (make bench builds it)" >&2
	exit 1
}
um=$build/bench/linux/linux-um
[ ! -x "$um" ] || set -- --linux "$um" "$@"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

load=$(cut -d ' ' -f 1 /proc/loadavg)
"$build/pagebuddy-bench" --json "$build/bench/results.json" --tsv "$build/bench/results.tsv" "$@" \
	>"$work/out"
"$build/bench/bench-ranges" >"$work/ranges" || true # its rows say what was missed
sed -n '/<!-- notes -->/,/<!-- end of notes -->/p' "$here/RESULTS.md" >"$work/notes" 2>/dev/null || true
[ -s "$work/notes" ] || printf '<!-- notes -->\n<!-- end of notes -->\n' >"$work/notes"
options=$(printf '%s' "$*" | sed "s|$um|build/bench/linux/linux-um|")
{
	cat <<END
# What was measured

Written by \`bench/update-results.sh\` on $(date -u +%Y-%m-%d) from

    build/pagebuddy-bench ${options:-(no options)}

at commit $(git -C "$here" rev-parse --short=12 HEAD) and a load average of $load beforehand. What is compared with what, and
how, is in [README.md](README.md). Times are in ns; \`xfloor\` is a pair as a multiple of the floor (lifo pair), \`xpeer\` as
a multiple of the fastest peer's; \`min\` and \`max\` are of the pair.

    $(sed -n '1,/^floors/p' "$work/out" | sed '2,$s/^/    /')

## Targets

$(sed -n '/^targets/,$p' "$work/out" | sed 's/^/    /')

Of what works on ranges (\`bench/bench-ranges\`):

$(sed 's/^\(.\)/    \1/' "$work/ranges")

## Notes

END
	cat "$work/notes"
	printf '\n## Tables\n'
	sed -e '1,/^floors/d' -e '/^targets/,$d' "$work/out" | sed 's/^\(.\)/    \1/'
} >"$work/results.md"
cp "$work/results.md" "$here/RESULTS.md"
