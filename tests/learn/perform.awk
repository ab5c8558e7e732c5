# SPDX-License-Identifier: MIT
#
# A chapter with its commands performed anew: awk -v pagebuddy=PROGRAM [-v all=FILE]
# prints the chapter as it should be. In a block
#
#	```console parts=2-4
#	$ pagebuddy case --size 28K
#	...
#
# what the command says stands under it: all of it, or the parts named, which are
# separated by empty lines; a line `...` is where some are left out. `all` collects
# the whole outputs.

function perform(command,    line, n, shown, gap, i, run) {
	run = command
	sub(/^pagebuddy/, "'" pagebuddy "'", run)
	n = 1
	gap = 0
	while (((run " 2>&1") | getline line) > 0) {
		if (line == "")
			n++
		if (all != "")
			print line > all
		shown = nr_ranges == 0
		for (i = 1; i <= nr_ranges; i++)
			shown = shown || (n >= from[i] && n <= to[i])
		if (shown && gap && line == "") {
			print "..."
			gap = 0
			continue
		}
		if (shown)
			print line
		else
			gap = 1
	}
	close(run " 2>&1")
	if (gap)
		print "..."
}

function ranges(text,    part, n, i, ends) {
	nr_ranges = 0
	if (text !~ /parts=/)
		return
	sub(/.*parts=/, "", text)
	sub(/ .*/, "", text)
	n = split(text, part, ",")
	for (i = 1; i <= n; i++) {
		split(part[i], ends, "-")
		from[i] = ends[1] + 0
		to[i] = (part[i] ~ /-/ ? ends[2] : ends[1]) + 0
	}
	nr_ranges = n
}

/^```/ {
	block = !block
	console = block && /^```console/
	ranges($0)
	skip = 0
	print
	next
}

console && /^\$ pagebuddy / {
	print
	perform(substr($0, 3))
	skip = 1
	next
}

# Parts of a file that belongs to the lesson.
console && /^\$ grep / {
	print
	perform(substr($0, 3))
	skip = 1
	next
}

console && /^[$#] / { skip = 0 }

!skip { print }
