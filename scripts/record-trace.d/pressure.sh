# SPDX-License-Identifier: MIT
# Strong memory pressure and fragmentation, until order-9 requests that may
# not wait (huge pages with defrag=defer: wake kswapd, never reclaim) fail.
# Sourced by init.sh.

huge=/sys/kernel/mm/transparent_hugepage

work_crowd() { # many processes that hold pipes: unmovable pages between movable ones
	for i in $(seq "$(n 60)"); do
		dd if=/dev/zero bs=64k count=64 2>/dev/null | sleep 1000 &
		dd if=/dev/zero of=/mnt/crowd.$i bs=64k count=24 2>/dev/null
	done
}

work_slab() { # inodes and dentries of small files, and their pages
	for i in $(seq "$(n 10)"); do
		mkdir -p /mnt/small/$i
		for j in $(seq 80); do
			echo $j >/mnt/small/$i/$j
		done
	done
}

work_fill() { # the page cache takes the rest, then loses every third file
	for i in $(seq 1 "$(n 90)"); do
		dd if=/dev/zero of=/mnt/fill.$i bs=64k count=$((i % 5 * 16 + 8)) 2>/dev/null
	done
	rm -f /mnt/fill.*[147]
}

work_huge() { # order 9 that may not wait, while kswapd and compaction try
	echo "$thp" >$huge/enabled
	echo defer >$huge/defrag
	for i in $(seq "$(n 4)"); do
		dd if=/dev/zero of=/dev/null bs=24M count=1 2>/dev/null
	done
}

work_hugetlb() { # order 9 that may wait and compact
	wants 24 9
	echo 24 >/proc/sys/vm/nr_hugepages
	wants 0 9
	echo 0 >/proc/sys/vm/nr_hugepages
}

work_forks() {
	for i in $(seq "$(n 80)"); do
		seq 300 | sort -r | md5sum >/dev/null
	done
}

for phase in crowd slab fill huge forks hugetlb; do
	mark "workload $phase"
	work_$phase
done
mark "workload over"
killall sleep
wait
