#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# /init of the guest of scripts/record-trace: trace the workload, bring it out.

/bin/busybox --install -s /bin
export PATH=/bin HOME=/
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tracefs trace /sys/kernel/tracing
mount -t tmpfs -o size=32M out /out
tracing=/sys/kernel/tracing
. /settings

say() {
	echo "record: $*" >/dev/ttyS0
}

give_up() {
	say "failed: $*"
	sleep 1
	poweroff -f
}

# Write into what is there already: a snapshot must not allocate.
keep() { # SOURCE NAME
	dd if="$1" of="/out/$2" bs=64k conv=notrunc 2>/dev/null
}

room() { # NAME BYTES
	dd if=/dev/zero of="/out/$1" bs=1k count=$((($2 + 1023) / 1024)) 2>/dev/null
}

mark() {
	echo "pagebuddy: $*" >"$tracing/trace_marker"
	say "$*"
}

# Until how many blocks this shell goes on asking, whatever it gets: a what-if in which
# its first failure succeeds has to know. 0: it gives them back.
wants() { # COUNT ORDER
	echo "pagebuddy: wants $1 of order $2" >"$tracing/trace_marker"
}

flags() { # start|end: the frames of each zone, in units of 512
	local to=0 skip count
	while read -r skip count; do
		dd if=/proc/kpageflags of="/out/kpageflags.$1" bs=4096 skip="$skip" seek=$to \
			count="$count" conv=notrunc 2>/dev/null
		to=$((to + count))
	done </out/ranges
}

snapshot() { # start|end
	mark "snapshot $1 begins"
	flags "$1"
	for name in zoneinfo buddyinfo pagetypeinfo vmstat; do
		keep /proc/$name "$name.$1"
	done
	mark "snapshot $1 ends"
}

# n COUNT: COUNT scaled, at least 1
n() {
	echo $((($1 * scale + 99) / 100))
}

while read -r module; do
	insmod "/lib/$module.ko" || give_up "module $module does not load"
done </lib/modules
[ ! -e /lib/pbwatch.ko ] || insmod /lib/pbwatch.ko || give_up "pbwatch does not load"
mke2fs -F /dev/vdc >/dev/null 2>&1 && mount -t ext2 /dev/vdc /mnt || give_up "no disk"

thp=always
for pair in $set; do
	name=${pair%%=*} value=${pair#*=}
	[ "$name" != thp ] || { thp=$value; continue; }
	file=/proc/sys/vm/$name
	[ -w "$file" ] || give_up "no setting vm.$name in this kernel"
	case $value in x*) value=$(($(cat "$file") * ${value#x})) ;; esac
	echo "$value" >"$file" 2>/dev/null
	[ "$(cat "$file")" = "$value" ] || give_up "vm.$name does not become $value"
done

awk '/spanned/ { n = $2 } /present/ { present = $2 } /start_pfn/ && present {
	first = int($2 / 512); last = int(($2 + n + 511) / 512)
	print first, last - first; present = 0 }' /proc/zoneinfo >/out/ranges
frames=$(awk '{ n += $2 } END { print n * 512 * 8 }' /out/ranges)
for phase in start end; do
	room "kpageflags.$phase" "$frames"
	for name in zoneinfo buddyinfo pagetypeinfo vmstat; do
		room "$name.$phase" 32768
	done
done

echo 0 >$tracing/tracing_on
# The default clock of 5.10 stands still for a tick at a time in this machine: of two
# CPUs nobody would know which was first.
echo mono >$tracing/trace_clock || say "no clock mono"
echo "$buffer" >$tracing/buffer_size_kb
for event in mm_page_alloc mm_page_free mm_page_free_batched mm_page_alloc_zone_locked \
	mm_page_pcpu_drain mm_page_alloc_extfrag; do
	echo 1 >$tracing/events/kmem/$event/enable || say "no event $event"
done
for event in mm_compaction_begin mm_compaction_end mm_compaction_isolate_freepages \
	mm_compaction_migratepages mm_compaction_try_to_compact_pages mm_compaction_kcompactd_wake; do
	echo 1 >$tracing/events/compaction/$event/enable || say "no event $event"
done
# What reclaim did, and which pages it could have: what a what-if goes by.
for event in vmscan/mm_vmscan_kswapd_wake vmscan/mm_vmscan_kswapd_sleep \
	vmscan/mm_vmscan_direct_reclaim_begin vmscan/mm_vmscan_direct_reclaim_end \
	filemap/mm_filemap_add_to_page_cache filemap/mm_filemap_delete_from_page_cache \
	pagemap/mm_lru_activate; do
	echo 1 >$tracing/events/$event/enable || say "no event $event"
done
[ ! -e $tracing/events/pbwatch ] || echo 1 >$tracing/events/pbwatch/enable
# Written all the same, then dropped: the guest is as slow as with them.
drop() { # EVENT FILTER
	echo "$2" >"$tracing/events/$1/filter" || give_up "no filter of $1"
}
if [ -n "$figures" ]; then
	drop kmem/mm_page_alloc 'pfn == 0xffffffffffffffff'
	drop kmem/mm_page_free 'order > 90'
	drop kmem/mm_page_free_batched 'pfn == 1'
	drop kmem/mm_page_alloc_zone_locked 'order > 90'
	drop kmem/mm_page_pcpu_drain 'order > 90'
	drop filemap/mm_filemap_add_to_page_cache 'pfn == 1'
	drop filemap/mm_filemap_delete_from_page_cache 'pfn == 1'
	drop pagemap/mm_lru_activate 'pfn == 1'
fi
echo 1 >/proc/sys/vm/stat_refresh
echo >$tracing/trace
echo 1 >$tracing/tracing_on
mark "kernel $(uname -r)"
snapshot start
. /workload
snapshot end
echo 0 >$tracing/tracing_on

say "bringing the trace out"
cat $tracing/per_cpu/cpu*/stats | awk '/overrun:|dropped events:/ { n += $NF } END { print n + 0 }' \
	>/out/lost
umount /mnt
cat $tracing/trace | tee /dev/vda | wc -c >/out/bytes
tar -cf /dev/vdb -C /out .
sync
say "done"
sleep 1
poweroff -f
