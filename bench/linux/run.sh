#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs the workloads inside user-mode Linux and prints the lines of ../worker.h.
#
#	run.sh PROGRAM [PARAMETER=VALUE]...
#
# PROGRAM is what build.sh made; parameters are pb_um_bench's (runs, target_ms,
# mib, orders, workloads). Its memory is a file on a tmpfs, touched as needed.
set -eu

die()
{
	echo "bench-linux: $*" >&2
	exit 1
}

[ $# -ge 1 ] && [ -x "$1" ] || die "usage: run.sh PROGRAM [PARAMETER=VALUE]... (build.sh makes it)"
program=$1
shift
tmpfs=${PB_UM_TMPFS-/dev/shm}
free=$(df -Pk "$tmpfs" 2>/dev/null | awk 'NR == 2 { print $4 }')
[ "${free:-0}" -ge 6500000 ] ||
	die "$tmpfs has ${free:-0} KiB free, 6500000 are needed; name another tmpfs in PB_UM_TMPFS"
available=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
[ "$available" -ge 6500000 ] || die "$available KiB of memory are available, 6500000 are needed"

tmp=$(mktemp -d "$tmpfs/pb-um.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
for parameter; do
	set -- "$@" "pb_um_bench.$parameter"
	shift
done
pin=$(taskset -cp $$ | sed 's|.*: *\([0-9]*\).*|\1|')
HOME=$tmp TMPDIR=$tmp taskset -c "$pin" "$program" mem=6G con0=fd:0,fd:1 con=null umid="pb-um-$$" uml_dir="$tmp/" \
	loglevel=6 "$@" </dev/null >"$tmp/console" 2>&1 || true
sed -n 's/^.*pb-um:\([a-z]*\t\)/\1/p' "$tmp/console" | tr -d '\r'
if ! grep -q 'pb-um:end' "$tmp/console" || grep -q 'pb-um:error' "$tmp/console"; then
	tail -n 15 "$tmp/console" >&2
	die "user-mode Linux did not get to its end; above is what it said last"
fi
