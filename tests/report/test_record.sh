#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_record.sh PAGEBUDDY: record what this kernel does for a second and follow
# it; then everything that can be in the way. Skipped (77) without root or tracefs.

set -u
pagebuddy=$(realpath "$1") || exit 1
passed=0 failed=0

skip()
{
	echo "skipped: $*"
	exit 77
}

[ "$(id -u)" = 0 ] || skip 'only root may trace the kernel'
root=$(awk '$3 == "tracefs" { print $2; exit }' /proc/mounts)
mounted=
if [ -z "$root" ]; then
	mount -t tracefs nodev /sys/kernel/tracing 2>/dev/null || skip 'no tracefs, and none can be mounted'
	root=/sys/kernel/tracing mounted=1
fi
trap '[ -z "$mounted" ] || umount "$root"' EXIT
[ -e "$root/events/kmem/mm_page_alloc" ] || skip 'this kernel has no kmem events'
mkdir "$root/instances/pagebuddy-test-$$" 2>/dev/null || skip 'no trace instance can be made'
rmdir "$root/instances/pagebuddy-test-$$"

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"; [ -z "$mounted" ] || umount "$root"' EXIT
on_before=$(cat "$root/tracing_on")

check() # NAME STATUS
{
	if [ "$2" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $1"
		cat "$work/out" 2>/dev/null
	fi
}

# Ours have ended: an instance of a recorder that lives is someone else's.
untouched()
{
	[ "$(cat "$root/tracing_on")" = "$on_before" ] || return 1
	for instance in "$root"/instances/pagebuddy-[0-9]*; do
		[ ! -e "$instance" ] || kill -0 "${instance##*-}" 2>/dev/null ||
			[ ! -e "$instance" ] || return 1
	done
}

# A command that allocates and frees a good deal.
timeout -k 5 1200 "$pagebuddy" record -o "$work/a.pbt" -- dd if=/dev/zero of="$work/zero" bs=1M count=64 \
	>"$work/out" 2>&1
check 'record -- COMMAND' $?
untouched
check 'tracing is as it was' $?
# Where the kernel writes stacks; where it does not, record says so. With the free blocks, as
# a large machine is not believed of few events alone.
if timeout -k 5 1200 "$pagebuddy" record --stacks -o "$work/s.pbt" -- \
	dd if=/dev/zero of="$work/zero" bs=1M count=64 >"$work/out" 2>&1; then
	"$pagebuddy" replay "$work/s.pbt" --top --lenient --format json >"$work/out" 2>&1
	grep -q '"with_callers": [1-9]' "$work/out" && grep -q '"chain": "[a-z_]' "$work/out"
else
	grep -q -- '--stacks: ' "$work/out"
fi
check 'record --stacks' $?
untouched
check 'tracing is as it was after stacks' $?
[ "$(stat -c %a "$work/a.pbt")" = 600 ]
check 'others may not read what was recorded' $?

# The rebuilt end is within 1 % of the kernel's own. Not always: the kernel's memory may
# grow or shrink meanwhile, when the machine is a guest, and then nothing can be said; and
# its per-CPU lists, which its counts leave out, may hold more than 1 % while others free
# much. So one of some recordings must come so near.
managed() { awk '$1 == "managed" { sum += $2 } END { print sum }' /proc/zoneinfo; }
follows() # status 0: within 1 %; 1: not; 2: nothing can be said
{
	before=$(managed)
	"$pagebuddy" record -o "$work/b.pbt" -d 1 >"$work/out" 2>&1
	[ "$(managed)" = "$before" ] || return 2
	"$pagebuddy" replay "$work/b.pbt" --follow --format json >"$work/out" 2>&1
	awk -F'[:,]' '/"difference_percent"/ { found = 1
		if ($2 > 1 || $2 < -1) bad = 1 } END { exit bad || !found }' "$work/out"
}
if [ -r /proc/kpageflags ]; then
	judged=
	for try in 1 2 3 4 5 6; do
		follows
		case $? in
		0) judged=0; break ;;
		1) judged=1 ;;
		esac
	done
	[ -z "$judged" ] || check '--follow is within 1 % of the end snapshot' "$judged"
fi

# A cut file is read as far as it goes.
head -c "$(($(stat -c %s "$work/a.pbt") / 2))" "$work/a.pbt" >"$work/cut.pbt"
"$pagebuddy" replay "$work/cut.pbt" --follow >"$work/out" 2>&1
[ $? -le 1 ]
check 'a cut recording is read' $?

"$pagebuddy" show --root "$work/a.pbt" >"$work/out" 2>&1
grep -q 'Node 0, zone' "$work/out"
check 'show reads a recording' $?

"$pagebuddy" record -o "$work/c.pbt" >"$work/out" 2>&1 &
recorder=$!
sleep 1.5
kill -INT "$recorder"
wait "$recorder"
check 'Ctrl-C ends it cleanly' $?
untouched
check 'tracing is as it was after Ctrl-C' $?

refused() # STATUS TEXT COMMAND...: one line with TEXT, and tracing untouched
{
	status=$1 text=$2
	shift 2
	timeout -k 5 900 "$@" >"$work/stdout" 2>"$work/out"
	[ $? = "$status" ] && grep -qF -- "$text" "$work/out" &&
		[ "$(wc -l <"$work/out")" = 1 ] && untouched
	check "refused: $*" $?
}

refused 2 'No such file or directory' "$pagebuddy" record -o "$work/none/x.pbt" -d 1
refused 2 'there is no process' "$pagebuddy" record -o "$work/x.pbt" -p 4194304
refused 1 'ended with status 1' "$pagebuddy" record --no-frames -o "$work/x.pbt" -- false
refused 1 "can't run" "$pagebuddy" record --no-frames -o "$work/x.pbt" -- /nonexistent
refused 1 'No space left' "$pagebuddy" record --no-frames -o /dev/full -d 0.2
if command -v setpriv >/dev/null; then
	refused 2 'only root may trace' setpriv --reuid 65534 --clear-groups "$pagebuddy" \
		record -d 0.2
fi
# In a mount namespace of its own, with every tracefs taken away.
if unshare -m true 2>/dev/null; then
	refused 2 'tracefs is not mounted' unshare -m sh -c "
		while umount \$(awk '\$3 == \"tracefs\" { print \$2; exit }' /proc/mounts) 2>/dev/null; do :; done
		cd '$work' && exec '$pagebuddy' record -d 0.2"
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
