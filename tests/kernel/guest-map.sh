# SPDX-License-Identifier: MIT
# Inside the emulated machine: the memory map of every node (as phases of no
# operation), and what the kernel computed from it: watermarks, lowmem reserves
# and per-CPU list sizes, once as of boot and once with today's memory.

pbdiff=/sys/kernel/debug/pbdiff

text() { # NAME FILE
	echo "text $1"
	sed 's/^/|/' "$2"
	echo 'end text'
}

# Frames that came free after the sizes of boot were computed: near which pfn, how many.
late() {
	initrd=$(dmesg | sed -n 's/.*RAMDISK: \[mem 0x0*\([0-9a-f]*\)...-.*/\1/p')
	image=$(sed -n 's/^ *0*\([0-9a-f]*\)...-.* : Kernel code$/\1/p' /proc/iomem)
	[ -n "$initrd" ] && [ -n "$image" ] || return 1
	dmesg | sed -n 's/.*Freeing initrd memory: \([0-9]*\)K/\1/p' |
		while read -r k; do echo "$initrd $((k / 4))"; done
	dmesg | sed -n 's/.*Freeing unused .* memory: \([0-9]*\)K/\1/p' |
		while read -r k; do echo "$image $((k / 4))"; done
}

cpus() {
	for node in /sys/devices/system/node/node[0-9]*; do
		for cpu in "$node"/cpu[0-9]*; do
			[ -e "$cpu" ] && echo "${cpu##*/cpu} ${node##*/node}"
		done
	done
}

echo 1..2
late >late && cpus | sort -n >cpus && cat /proc/zoneinfo >boot &&
	cat /proc/sys/vm/min_free_kbytes >min_free_kbytes
if [ $? = 0 ]; then echo 'ok 1 - sizes of boot'; else echo 'not ok 1 - sizes of boot'; fi

insmod pbdiff.ko || exit 1
# Setting these to what they are makes the kernel compute everything again.
echo 10 >/proc/sys/vm/watermark_scale_factor
cat /proc/sys/vm/lowmem_reserve_ratio >ratio
cat ratio >/proc/sys/vm/lowmem_reserve_ratio
cat /proc/zoneinfo >now
status=0
for node in /sys/devices/system/node/node[0-9]*; do
	node=${node##*/node}
	grep -q "^Node $node, " /proc/buddyinfo || continue
	echo "script ops=1 node=$node" >$pbdiff/run || status=1
	cat $pbdiff/log >>log
done
{
	text late late
	text cpus cpus
	text min_free_kbytes min_free_kbytes
	text zoneinfo-boot boot
	text zoneinfo-now now
} >>log
cat log $pbdiff/end >/dev/ttyS1
if [ $status = 0 ]; then echo 'ok 2 - memory map'; else echo 'not ok 2 - memory map'; fi
