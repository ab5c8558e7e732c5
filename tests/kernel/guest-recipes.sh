# SPDX-License-Identifier: MIT
# Inside the emulated machine: each recipe of `pagebuddy record --help`, and
# record itself, followed by what pagebuddy makes of the files.

n=0
result() # STATUS NAME
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		echo "not ok $n - $2"
		sed 's/^/# /' out 2>/dev/null | tail -n 15
	fi
}

# For a recipe's "sleep 60": some files, some processes.
cat >work.sh <<'END'
for i in 1 2 3 4 5 6; do
	dd if=/dev/zero of=/tmp/work bs=64k count=$((i * 24)) 2>/dev/null
	rm /tmp/work
	sh -c 'ls -lR /sys/devices >/dev/null'
done
sleep 1
END

# The number of a field, from the indented JSON.
field() # NAME FILE
{
	sed -n "s/^ *\"$1\": \\(-*[0-9.]*\\),*$/\\1/p" "$2" | head -n 1
}

# Followed, it is near the end snapshot, and most of what was done is in it.
good() # TRACE
{
	pagebuddy replay "$1" --follow --top --lenient --format json >json 2>out || return 1
	cp json out
	[ "$(field allocations json)" -gt 2000 ] && [ "$(field frees json)" -gt 2000 ] &&
		[ "$(field lost_events json)" = 0 ] && grep -q '"from_snapshot": true' json &&
		awk -v percent="$(field difference_percent json)" \
			'BEGIN { exit !(percent != "" && percent < 5 && percent > -5) }'
}

# All files are memory here: what is done with goes.
tar -xf tools.tar -C / && rm tools.tar || exit 1
export PATH="/tools:$PATH"
mkdir -p /sys/kernel/tracing
mount -t tracefs nodev /sys/kernel/tracing || exit 1

recipes=
for recipe in tracefs trace-cmd perf; do
	[ -r "$recipe.sh" ] && recipes="$recipes $recipe"
done
set -- $recipes
echo "1..$(($# + 8))"
for recipe; do
	sed 's/sleep 60/sh work.sh/' first.sh "$recipe.sh" >run.sh
	rm -f /tmp/alloc.*
	case $recipe in
	trace-cmd) file=/tmp/alloc.dat ;;
	*) file=/tmp/alloc.txt ;;
	esac
	sh run.sh >out 2>&1 && good "$file" &&
		{ [ "$recipe" != perf ] || [ "$(field with_callers json)" -gt 1000 ]; }
	result $? "recipe $recipe, followed to its end"
done

# Who called, in ftrace's own words.
callers() # TRACE
{
	pagebuddy replay "$1" --top --lenient --format json >json 2>out || return 1
	cp json out
	[ "$(field with_callers json)" -gt 1000 ] && grep -q '"function": "[a-z_]*' json &&
		grep -q '"chain": "[^"]* < ' json && ! grep -q '"function": "__alloc_pages' json
}
T=/sys/kernel/tracing
echo 1 >$T/options/stacktrace && echo 1 >$T/events/kmem/mm_page_alloc/enable
rm -f /tmp/alloc.*
cat $T/trace_pipe >stacks.txt &
dd if=/dev/zero of=/tmp/work bs=64k count=200 2>/dev/null
rm /tmp/work
echo 0 >$T/events/kmem/mm_page_alloc/enable
sleep 2
kill $!
echo 0 >$T/options/stacktrace
callers stacks.txt
result $? 'call sites of options/stacktrace'

rm -f /tmp/work stacks.*

pagebuddy record -o a.pbt -- sh work.sh >out 2>&1 && good a.pbt
result $? 'record -- COMMAND'

pagebuddy record --stacks -o s.pbt -- sh work.sh >out 2>&1 && good s.pbt && callers s.pbt
result $? 'record --stacks, and its call sites'
rm -f s.pbt

mkdir -p /dev/pts && mount -t devpts devpts /dev/pts
script -q -c 'pagebuddy record -o b.pbt -d 3' out </dev/null >/dev/null 2>&1
tr '\r' '\n' <out | grep -q '^recording: [0-9]* s, [0-9]* events, .* MB; Ctrl-C ends it'
result $? 'record shows a live count'

pagebuddy record -o c.pbt -- sleep 1000 >out 2>&1 &
sleep 4
kill -INT $!
wait $! && grep -q 'c.pbt: [0-9]* events' out && ! pidof sleep >/dev/null
result $? 'SIGINT ends record and its command'

pagebuddy record -o d.pbt -- sh -c 'trap "" INT TERM; while :; do sleep 1; done' >out 2>&1 &
sleep 4
kill -INT $!
wait $! && grep -q 'does not end when asked to' out && grep -q 'd.pbt: [0-9]* events' out
result $? 'a command that ignores signals is left alone'

# While the recorder sleeps its buffer runs over.
pagebuddy record --no-frames -b 256K -o e.pbt -- sh -c \
	'kill -STOP $PPID; dd if=/dev/zero of=/tmp/w bs=64k count=400 2>/dev/null; kill -CONT $PPID' >out 2>&1
lost=$(sed -n 's/.*: \([0-9]*\) events were lost.*/\1/p' out)
pagebuddy replay e.pbt --follow --lenient --format json >json 2>&1
echo "record lost '$lost', replay '$(field lost_events json)'" >>out
[ "${lost:-0}" -gt 1000 ] && [ "$lost" = "$(field lost_events json)" ]
result $? 'record and replay tell of as many lost events'
rm -f /tmp/w

pagebuddy show --format openmetrics >out 2>&1 && grep -q '^pagebuddy_seen_timestamp_seconds' out &&
	grep -q '^# EOF$' out
result $? 'show --format openmetrics of the live machine'
