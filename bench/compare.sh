#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Is one build of the library slower than another? Both run the same cells by
# turns, and which comes first changes with the round, so that what the machine
# does in the meantime meets both.
#
#	compare.sh [-r ROUNDS] BEFORE AFTER [OPTION OF pagebuddy-bench]...
#
# BEFORE and AFTER are build directories with pagebuddy-bench and its workers.
# ROUNDS is at least 5, which is also the default. Each row shows the median of
# all rounds' medians and the least of all runs, in ns, and the ratios after to
# before of both. A row is slower when both of its ratios are above 1.03: the
# median alone moves with the machine, the least alone with one lucky run. The
# exit status is 1 if a row is.
set -eu

usage()
{
	echo "usage: compare.sh [-r ROUNDS] BEFORE AFTER [OPTION OF pagebuddy-bench]..." >&2
	exit 2
}

rounds=5
while getopts r: option; do
	case $option in
	r) rounds=$OPTARG ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 2 ] || usage
case $rounds in
'' | *[!0-9]*) echo "compare: -r $rounds: expected a number of rounds, 5 or more" >&2; exit 2 ;;
esac
[ "$rounds" -ge 5 ] || { echo "compare: -r $rounds: 5 rounds are the fewest that mean something" >&2; exit 2; }
before=$1 after=$2
shift 2
for build in "$before" "$after"; do
	[ -x "$build/pagebuddy-bench" ] || {
		echo "compare: $build has no pagebuddy-bench (make bench builds it)" >&2
		exit 2
	}
done
[ $# -gt 0 ] || set -- --workload repeat,bulk,rand,mixed --allocators pagebuddy

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# measure BUILD NAME OPTION...: adds the build's rows of this round, NAME in front
measure()
{
	build=$1 name=$2
	shift 2
	"$build/pagebuddy-bench" --tsv "$work/round" "$@" >"$work/out" 2>&1 || {
		cat "$work/out" >&2
		exit 2
	}
	sed "1d; s/^/$name	/" "$work/round" >>"$work/rows"
}

round=0
while [ "$round" -lt "$rounds" ]; do
	if [ $((round % 2)) -eq 0 ]; then
		measure "$before" before "$@"
		measure "$after" after "$@"
	else
		measure "$after" after "$@"
		measure "$before" before "$@"
	fi
	round=$((round + 1))
done

# A row's columns: which, workload, order, threads, allocator, then median, least
# and greatest to allocate, to free, and of a pair.
awk -F '\t' -v rounds="$rounds" '
function median(list,   v, n, i, j, t)
{
	n = split(list, v, " ")
	for (i = 2; i <= n; i++) {
		t = v[i] + 0
		for (j = i - 1; j >= 1 && v[j] + 0 > t; j--)
			v[j + 1] = v[j]
		v[j + 1] = t
	}
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
function note(which, row, what, middle, least,   key)
{
	if (middle == "nan" || middle + 0 <= 0)
		return
	key = row SUBSEP what
	if (!(key in seen)) {
		seen[key] = 1
		keys[++n] = key
	}
	medians[which, key] = medians[which, key] " " middle
	if (!((which, key) in lows) || least + 0 < lows[which, key])
		lows[which, key] = least + 0
}
{
	row = sprintf("%-6s %2d %d %-16s", $2, $3, $4, $5)
	if ($2 == "bulk" || $2 == "rand") {
		note($1, row, "alloc", $6, $7)
		note($1, row, "free", $9, $10)
	} else {
		note($1, row, "pair", $12, $13)
	}
}
END {
	printf "%d rounds by turns; ns, medians of the rounds and least of all runs\n", rounds
	printf "%35s %21s %21s\n", "", "median", "least"
	printf "%-35s %7s %7s %5s %7s %7s %5s\n", " workload, order, threads", "before",
		"after", "ratio", "before", "after", "ratio"
	for (i = 1; i <= n; i++) {
		key = keys[i]
		if (!(("before", key) in lows) || !(("after", key) in lows))
			continue
		split(key, part, SUBSEP)
		a = median(medians["before", key])
		b = median(medians["after", key])
		c = lows["before", key]
		d = lows["after", key]
		bad = b > 1.03 * a && d > 1.03 * c
		slower += bad
		compared++
		printf "%s%s %-5s %7.2f %7.2f %5.3f %7.2f %7.2f %5.3f\n", bad ? "*" : " ",
			part[1], part[2], a, b, b / a, c, d, d / c
	}
	printf "%d rows, %d (*) slower by more than 3 %%\n", compared, slower
	exit slower > 0 || !compared
}' "$work/rows"
