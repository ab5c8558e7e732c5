# SPDX-License-Identifier: MIT
# Inside the emulated machine: the ap module does and refuses what it should.

n=0
tap() { # STATUS NAME
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}
# The lines that the kernel logged since `mark`, without the time, and without what it
# has to say of its clock a second after boot.
mark() { dmesg -c >/dev/null; }
lines() {
	dmesg | sed 's/^\[[^]]*\] //' |
		grep -v '^tsc: \|^clocksource: \|module verification\|out-of-tree module'
}
# Pages in the free lists of every zone; per-CPU lists make it vary a little.
free_pages() {
	awk '{ for (i = 5; i <= NF; i++) { n = $i; for (o = 5; o < i; o++) n *= 2; s += n } } END { print s }' \
		/proc/buddyinfo
}
refused() { # WHAT NAME PARAMETERS...
	what=$1 name=$2
	shift 2
	mark
	before=$(free_pages)
	insmod ap.ko "$@" 2>err
	status=$?
	after=$(free_pages)
	lines | sed 's/^/# /'
	sed 's/^/# /' err
	echo "# pages free: $before before, $after after"
	[ $status != 0 ] && grep -q "$what" err && ! grep -q '^ap ' /proc/modules &&
		[ $((before - after)) -lt 2048 ]
	tap $? "$name"
}

echo 1..15
mark
insmod ap.ko
tap $? 'insmod ap.ko'
lines >log
sed 's/^/# /' log
[ "$(sed -n 1p log)" = 'alloc_pages Allocation succeeded.' ]
tap $? 'insmod logs the allocation'
sed -n 2p log | grep -Eq '^page_address\(allocpages\) = 0xff[0-9a-f]{14}$'
tap $? 'insmod logs the real address'
[ "$(wc -l <log)" = 2 ]
tap $? 'insmod logs nothing else'
mark
rmmod ap
tap $? 'rmmod ap'
lines >log
sed 's/^/# /' log
[ "$(cat log)" = '__free_pages is Release successful!
Prompt : The program exits normally' ]
tap $? 'rmmod logs the release and the end'

mark
insmod ap.ko order=4 count=3 node=1 'gfp=GFP_KERNEL|__GFP_MOVABLE' verbose=1 && rmmod ap
tap $? 'insmod with every parameter'
lines >log
sed 's/^/# /' log
[ "$(grep -c '^ap: pfn 0x[0-9a-f]*, node 1, zone DMA32, migratetype Movable, order 4$' log)" = 3 ]
tap $? 'verbose logs pfn, zone and migratetype of each block'
[ "$(grep -c 'before Node 1, zone    DMA32' log)$(grep -c 'after  Node 1, zone    DMA32' log)" = 22 ]
tap $? 'verbose logs buddyinfo before and after, twice'

refused 'Invalid argument\|invalid parameter' 'order=11 is EINVAL' order=11
refused 'Invalid argument\|invalid parameter' 'an unknown flag is EINVAL' gfp=GFP_KERNL
refused 'Invalid argument\|invalid parameter' 'an offline node is EINVAL' node=5
refused 'Invalid argument\|invalid parameter' 'count=0 is EINVAL' count=0
refused 'Cannot allocate memory\|ut of memory' 'more than there is is ENOMEM, and all is freed' \
	order=10 count=4096 'gfp=GFP_KERNEL|__GFP_NORETRY|__GFP_NOWARN'

mkdir -p /etc
printf 'root:x:0:0::/:/bin/sh\nnobody:x:99:99::/:/bin/sh\n' >/etc/passwd
su nobody -c 'insmod ap.ko' 2>err
status=$?
sed 's/^/# /' err
[ $status != 0 ] && grep -q 'not permitted' err
tap $? 'insmod without privilege is refused'
