# SPDX-License-Identifier: MIT
# Inside the emulated machine: the phases of the file `phases`, one a line, as
# pbdiff's `run` takes them, each followed by the texts of /proc. The log goes
# to the second serial line.
#
# Lines of another kind: `steps STEPS` for the kind script, `set NAME VALUE`
# for /proc/sys/vm/NAME, `sleep SECONDS` to let kswapd and workers run, `files N`
# for pages that can be moved on node 1: those of a tmpfs, half of N files, `managed N`
# for a zone of node 1 with exactly so many pages.

pbdiff=/sys/kernel/debug/pbdiff
# The texts must show the state that the phase ended with. So nothing may run
# between: not the worker that adds up per-CPU counters, nor kswapd. This shell
# and its children become real-time tasks, and do not sleep before they have them.
echo 86400 >/proc/sys/vm/stat_interval
echo -1 >/proc/sys/kernel/sched_rt_runtime_us
# 6.12 on: a part of each second is the other tasks' all the same.
for runtime in /sys/kernel/debug/sched/*_server/cpu*/runtime; do
	[ ! -e "$runtime" ] || echo 0 >"$runtime"
done
# Nor on another CPU: all that could is here, and waits. kcompactd, woken by requests that
# find no block, would take every CPU's lists away when it has found none either.
wait_on() { # MASK
	for pid in $(pidof kswapd0 kswapd1 kswapd2 kswapd3 kcompactd0 kcompactd1 kcompactd2 kcompactd3); do
		taskset -p "$(printf %x "$1")" "$pid" >/dev/null
	done
}
taskset -p 1 $$ >/dev/null
wait_on 1
sleep 2

text() {
	echo "text $1"
	sed 's/^/|/' "/proc/$1"
	echo 'end text'
}

# They wait for the CPU that the phase is on. After one on another CPU than this
# shell's there are no texts: that one folds its counts when it rests.
phase() {
	case $1 in *cpu=*)
		wait_on $((1 << ${1##*cpu=}))
		echo "$1" >$pbdiff/run || return 1
		cat $pbdiff/log >>log
		wait_on 1
		return
		;;
	esac
	echo "$1" >$pbdiff/run || return 1
	for name in buddyinfo pagetypeinfo zoneinfo; do
		text $name
	done >texts
	cat $pbdiff/log texts >>log
}

files() { # N
	mkdir files && mount -t tmpfs -o mpol=bind:1,size=100% files files || exit 1
	for i in $(seq "$1"); do
		dd if=/dev/zero of=files/$i bs=4k count=$((i % 23 + 1)) 2>/dev/null
	done
	rm -f files/*[02468]
}

echo "1..$((1 + $(grep -vc '^\(steps \|set \|sleep \|files \|managed \|$\)' phases)))"
insmod pbdiff.ko || exit 1
echo 'ok 1 - insmod pbdiff.ko'
echo 1 >$pbdiff/realtime || exit 1
n=1
while read -r line; do
	case $line in
	steps\ *) echo "${line#steps }" >$pbdiff/script || exit 1 ;;
	sleep\ *) sleep "${line#sleep }" ;;
	files\ *) files "${line#files }" ;;
	managed\ *) echo "1 ${line#managed }" >$pbdiff/managed || exit 1 ;;
	'') ;;
	set\ *)
		line=${line#set }
		name=${line%% *}
		# 5.10's name of it
		[ -e "/proc/sys/vm/$name" ] || name=percpu_pagelist_fraction
		echo "${line#* }" >"/proc/sys/vm/$name" || exit 1
		;;
	*)
		n=$((n + 1))
		if phase "$line"; then echo "ok $n - $line"; else echo "not ok $n - $line"; fi
		;;
	esac
done <phases
cat log $pbdiff/end >/dev/ttyS1
