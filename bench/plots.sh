#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Draws the benchmark's figures.
#
#	plots.sh BUILD_DIR TSV	-> BUILD_DIR/bench/plots/*.png
#
# Measures first if TSV is not there.
set -eu

die()
{
	echo "bench-plots: $*" >&2
	exit 1
}

[ $# -eq 2 ] || die "usage: plots.sh BUILD_DIR TSV"
here=$(cd "$(dirname "$0")" && pwd)
tsv=$2
plots=$1/bench/plots
command -v gnuplot >/dev/null || die "gnuplot is not installed (Debian: gnuplot-nox)"
[ -f "$tsv" ] || "$1/pagebuddy-bench" --tsv "$tsv" --json "${tsv%.tsv}.json"
mkdir -p "$plots"
floor=$(awk -F'\t' 'NR == 2 { print $14 }' "$tsv")
[ -n "$floor" ] || die "$tsv has no rows"

awk -F'\t' 'NR > 1 { print $1, $3 }' "$tsv" | sort -u | while read -r workload threads; do
	name=$workload-$threads
	title="$workload, $threads thread$([ "$threads" = 1 ] || echo s)"
	[ "$workload" != mixed ] || title="$title (orders 0 to 9 together)"
	gnuplot -e "tsv='$tsv'; out='$plots/$name.png'; workload='$workload'; threads='$threads'; \
title='$title'; floor=$floor" "$here/plots.gp" || die "gnuplot failed for $name"
	echo "$plots/$name.png"
done
