#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_show.sh PAGEBUDDY SAMPLES: pagebuddy show on saved copies of /proc, made
# from the recorded ones so that each rule is the first to say no.

set -u
pagebuddy=$1 samples=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

check() # NAME STATUS-OF-THE-LAST-COMMAND
{
	if [ "$2" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $1"
		cat "$work/out" 2>/dev/null
	fi
}

# saved NAME FREE "NR_FREE...": a /proc whose zone Normal has these free pages
# and free blocks by order.
saved()
{
	mkdir -p "$work/$1/proc"
	awk -v free="$2" '/^Node/ { normal = /Normal/ }
		normal && /pages free/ { $0 = "  pages free     " free }
		{ print }' "$samples/debian-6.1.zoneinfo.end" >"$work/$1/proc/zoneinfo"
	awk -v blocks="$3" '/Normal/ { n = split(blocks, b, " "); printf "Node 0, zone   Normal"
		for (i = 1; i <= n; i++) printf " %6d", b[i]; print " "; next }
		{ print }' "$samples/debian-6.1.buddyinfo.end" >"$work/$1/proc/buddyinfo"
	awk -v blocks="$3" '/Normal, type/ { n = split(blocks, b, " ")
		printf "Node    0, zone   Normal, type %12s ", $6
		for (i = 1; i <= n; i++) printf "%6d ", ($6 == "Movable" ? b[i] : 0); print ""; next }
		{ print }' "$samples/debian-6.1.pagetypeinfo.end" >"$work/$1/proc/pagetypeinfo"
}

# normal NAME: the row of zone Normal.
normal()
{
	"$pagebuddy" show --root "$work/$1" --format ndjson | grep '"zone":"Normal"' >"$work/out"
}

says() # TEXT...: the row has each of them
{
	for text; do
		grep -qF -- "$text" "$work/out" || return 1
	done
}

min=$(awk '/Normal/ { normal = 1 } normal && $1 == "min" { print $2; exit }' \
	"$samples/debian-6.1.zoneinfo.end")
[ "$min" -gt 100 ] || { echo "no min watermark in the sample"; exit 1; }

saved plenty 26624 "0 0 0 0 0 0 0 0 0 0 26"
normal plenty
says '"first_failing":{"order":null,"rule":"none","verdict":"would_succeed"}' 'Nothing fails'
check 'plenty: nothing fails' $?

saved memory "$min" "$min 0 0 0 0 0 0 0 0 0 0"
normal memory
says '"first_failing":{"order":0,"rule":"out_of_memory","verdict":"watermark"}' 'Even one page' "$min usable pages, and it takes more than $min"
check 'free = min: not even one page' $?

saved above "$((min + 1))" "1 0 0 0 0 0 0 0 0 0 1"
normal above
says '"first_failing":{"order":1,"rule":"watermark","verdict":"watermark"}' 'kswapd is awake'
check 'free = min + 1: one page, not two' $?

# order 5 takes 31 more than one page: the last order that fits is 4
saved mark "$((min + 31))" "1 0 0 0 0 0 0 0 0 0 1"
normal mark
says '"first_failing":{"order":5,"rule":"watermark","verdict":"watermark"}'
check 'free = min + 31: order 5 is the first below the mark' $?

saved fragmented 20000 "16000 2000 0 0 0 0 0 0 0 0 0"
normal fragmented
says '"first_failing":{"order":2,"rule":"fragmentation","verdict":"fragmented"}' 'fragmentation, compaction can help'
check 'small blocks only: fragmentation' $?

saved types 26624 "0 0 0 0 0 0 0 0 0 0 26"
sed -i 's/type      Movable/type   HighAtomic/' "$work/types/proc/pagetypeinfo"
"$pagebuddy" show --root "$work/types" --format ndjson >"$work/out" 2>&1
[ $? = 0 ] || says 'pagetypeinfo'
check 'types out of place: read, or refused by name' $?

# requests for Normal may not take DMA32's reserve
"$pagebuddy" show --root "$work/plenty" --format ndjson | grep '"zone":"DMA"' >"$work/out"
says '"first_failing_from_above":'
check 'requests from above are judged too' $?

for where in "$work/plenty/proc" "$samples/debian-6.1" "$samples/debian-6.1.txt.zst"; do
	"$pagebuddy" show --root "$where" >"$work/out" 2>&1
	says 'Node 0, zone Normal'
	check "show --root $where" $?
done

"$pagebuddy" show --root "$samples/debian-6.1" --phase start --format json >"$work/start"
"$pagebuddy" show --root "$samples/debian-6.1" --phase end --format json >"$work/end"
! cmp -s "$work/start" "$work/end"
check 'start and end of a recording differ' $?

# 80 columns, however the text is written
"$pagebuddy" show --root "$work/plenty" | LC_ALL=C awk '
	{ gsub(/[\200-\277]/, "") } length($0) > 80 { print; wide = 1 } END { exit wide }' >"$work/out"
check 'at most 80 columns' $?
! "$pagebuddy" show --root "$work/plenty" | grep -q "$(printf '\033')"
check 'no colour but on a terminal' $?

# The live machine: one sample is a row for each zone with memory.
"$pagebuddy" show --watch=0.1 --count 3 --format ndjson >"$work/out" 2>&1
[ "$(grep -c '"kind":"show"' "$work/out")" = "$((3 * $("$pagebuddy" show -f ndjson | wc -l)))" ]
check 'watch takes as many samples as asked for' $?

refused() # TEXT ARGUMENT...: status 2 and one line with TEXT
{
	text=$1
	shift
	"$pagebuddy" "$@" >"$work/stdout" 2>"$work/out"
	[ $? = 2 ] && [ "$(wc -l <"$work/out")" = 1 ] && says "$text" && [ ! -s "$work/stdout" ]
	check "refused: $*" $?
}

refused "nothing of a machine's memory in this directory" show --root "$work"
refused "expected start or end" show --root "$work" --phase middle
refused "can't go with --root" show --root "$work" --watch
refused "expected text, json, ndjson or openmetrics" show --format xml
refused "expected 0.1 to 86400" show --watch=0
refused 'power of two' show --root "$work/plenty" --page-size 5000
printf 'Node 0, zone Normal\n  pages free     x\n' >"$work/memory/proc/zoneinfo"
refused 'zoneinfo line 2' show --root "$work/memory"
refused 'expected one FILE' report
refused "expected html or json" report x --format xml
refused "there is no setting 'frobnicate'" report x --what-if frobnicate=1
refused 'expected a number from 2' report x --samples 1
refused 'expected seconds above 0' record -d -1
refused 'expected the number of a process' record -p 0

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
