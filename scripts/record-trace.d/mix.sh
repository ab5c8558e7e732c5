# SPDX-License-Identifier: MIT
# The everyday workload: files, directories, processes, a tmpfs, and at last
# more than fits. Sourced by init.sh.

work_files() { # written, read twice, every other one deleted
	mkdir -p /mnt/files
	for i in $(seq "$(n 24)"); do
		dd if=/dev/zero of=/mnt/files/$i bs=64k count=$((i % 7 * 8 + 4)) 2>/dev/null
	done
	cat /mnt/files/* | md5sum >/dev/null
	sync
	cat /mnt/files/* >/dev/null
	rm -f /mnt/files/*[02468]
}

work_directories() { # dentries and inodes: reclaimable slab
	for i in $(seq "$(n 12)"); do
		mkdir -p /mnt/tree/$i
		for j in $(seq "$(n 100)"); do
			echo $j >/mnt/tree/$i/$j
		done
	done
	find /mnt/tree -type f -name '*7' -exec cat {} + >/dev/null
	echo 2 >/proc/sys/vm/drop_caches
	ls -lR /mnt/tree >/dev/null
	rm -rf /mnt/tree/[1-6]
}

work_processes() { # short ones, and pipelines that live for a while
	for i in $(seq "$(n 120)"); do
		/bin/true
		seq 200 | sort -r | md5sum >/dev/null
	done
	for i in $(seq "$(n 16)"); do
		dd if=/dev/zero bs=64k count=16 2>/dev/null | sleep 3 &
	done
	seq "$(n 30000)" | sort -n | awk '{ a[$1] = $1 } END { print length(a) }' >/dev/null
	wait
}

work_tmpfs() { # filled, half of it deleted at random, filled again, emptied
	mount -t tmpfs -o size=60% tmp /tmp
	for i in $(seq "$(n 40)"); do
		dd if=/dev/zero of=/tmp/$i bs=256k count=$((i % 5 + 1)) 2>/dev/null
	done
	rm -f /tmp/*[13579]
	for i in $(seq 101 $((100 + $(n 40)))); do
		dd if=/dev/zero of=/tmp/$i bs=100k count=$((i % 4 + 1)) 2>/dev/null
	done
	umount /tmp
}

work_pressure() { # page cache of more than memory, and anonymous memory against it
	for i in 1 2; do
		dd if=/dev/zero of=/mnt/big.$i bs=1M count=$(n 100) 2>/dev/null
	done
	dd if=/dev/zero of=/dev/null bs=$(n 60)M count=1 2>/dev/null &
	dd if=/mnt/big.1 of=/dev/null bs=256k 2>/dev/null &
	dd if=/dev/zero of=/dev/null bs=$(n 60)M count=2 2>/dev/null &
	seq "$(n 20000)" | sort -r >/dev/null
	wait
	rm -f /mnt/big.*
}

for phase in files directories processes tmpfs pressure; do
	mark "workload $phase"
	work_$phase
done
