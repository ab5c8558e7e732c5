# SPDX-License-Identifier: MIT
# One picture a workload: ns a pair by order, a line per allocator with least and
# greatest; mixed, which has no order, as boxes. plots.sh sets tsv, out, workload,
# threads, title and floor.
set terminal pngcairo size 900,560 font "sans,11" noenhanced
set output out
set datafile separator "\t"
set title title
set logscale y
set yrange [0.5:*]
set ylabel "ns a pair (logarithmic)"
set format y "%g"
set grid ytics
set key outside right top
allocators = "pagebuddy pagebuddy-trylock pagebuddy-nopcp pagebuddy-linux linux-6.1-um mimalloc jemalloc tcmalloc glibc mmap"
array colour[10] = [0xb2182b, 0xd6604d, 0xf4a582, 0x8c510a, 0x1a1a1a, 0x2166ac, 0x4393c3, 0x35978f, 0x7b3294, 0x878787]
rows(name) = sprintf("awk -F'\t' '$1 == \"%s\" && $3 == %s && $4 == \"%s\" && $11 != \"nan\"' %s", workload, threads, name, tsv)
present = ""
do for [i = 1:words(allocators)] {
	if (system(rows(word(allocators, i)) . " | wc -l") + 0 > 0) { present = present . " " . i }
}
name(k) = word(allocators, word(present, k) + 0)
colour_of(k) = colour[word(present, k) + 0]
if (workload eq "mixed") {
	set style fill solid 0.7
	set boxwidth 0.7
	set xrange [0.3:words(present) + 0.7]
	set xtics rotate by -30
	set bmargin 6
	do for [k = 1:words(present)] { set xtics add (name(k) k) }
	plot for [k = 1:words(present)] "< " . rows(name(k)) using (k):11 \
		with boxes linecolor rgb colour_of(k) notitle, \
		for [k = 1:words(present)] "< " . rows(name(k)) using (k):11:12:13 \
		with yerrorbars pointtype 0 linecolor rgb "black" notitle, \
		floor with lines dashtype 2 linecolor rgb "gray40" title "floor (lifo pair)"
} else {
	set xrange [-0.5:9.5]
	set xtics (0, 1, 3, 5, 9)
	set xlabel "order"
	plot for [k = 1:words(present)] "< " . rows(name(k)) using 2:11:12:13 \
		with yerrorlines linewidth (name(k) eq "pagebuddy" ? 3 : 1.5) \
		linecolor rgb colour_of(k) pointtype k title name(k), \
		floor with lines dashtype 2 linecolor rgb "gray40" title "floor (lifo pair)"
}
