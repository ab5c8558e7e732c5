# SPDX-License-Identifier: MIT
#
# awk -v header=pagebuddy.h -f numbers.awk OUTPUTS CHAPTER: which numbers of the
# chapter's text rest on nothing? Each of two digits or more must be in what the
# chapter's commands say, or in a fact:
#
#	<!-- fact: 28 / 4 = 7 -->	the test works it out: + - * / ^, brackets
#	<!-- fact: PB_DEFAULT_MAX_ORDER = 10 -->	a constant of the public header
#
# Linux's versions, names with digits in them and numbers in code are not claims.

function value(text,    result, command) {
	gsub(/\^/, "**", text)
	if (text !~ /^[-0-9+*\/() ]+$/)
		return "?"
	command = "bash -c 'echo $((" text "))'"
	command | getline result
	close(command)
	return result
}

function constant(name,    line, word) {
	while ((getline line < header) > 0)
		if (split(line, word, " ") >= 3 && word[1] == "#define" && word[2] == name) {
			close(header)
			return word[3]
		}
	close(header)
	return "?"
}

function fact(text,    sides, i, n, parts) {
	sub(/.*<!-- fact: */, "", text)
	sub(/ *-->.*/, "", text)
	split(text, sides, / = /)
	if ((sides[1] ~ /^PB_/ ? constant(sides[1]) : value(sides[1])) != sides[2]) {
		print FILENAME ":" FNR ": not a fact: " text
		wrong++
	}
	allow(text)
}

function allow(text) {
	gsub(/[^0-9]+/, " ", text)
	n = split(text, parts, " ")
	for (i = 1; i <= n; i++)
		known[parts[i]] = 1
}

FNR == 1 { file++ }
file == 1 { allow($0); next }
/<!-- fact:/ { fact($0); next }
/^```/ { block = !block; next }
block { next }
/^<!--/ { next }
{ text[++nr] = $0; where[nr] = FNR; name = FILENAME }

END {
	for (l = 1; l <= nr; l++) {
		line = text[l]
		gsub(/`[^`]*`/, " ", line)              # code
		gsub(/\]\([^)]*\)/, " ", line)          # links
		gsub(/[0-9]+\.[0-9]+/, " ", line)       # versions
		gsub(/[A-Za-z_][A-Za-z_0-9]*/, " ", line) # names
		gsub(/([0-9]) ([0-9][0-9][0-9])/, "&", line)
		while (match(line, /[0-9][0-9,]*[0-9]/)) {
			number = substr(line, RSTART, RLENGTH)
			line = substr(line, RSTART + RLENGTH)
			plain = number
			gsub(/,/, "", plain)
			if (!(plain in known)) {
				print name ":" where[l] ": " number " is in no output and is no fact"
				wrong++
			}
		}
	}
	exit wrong > 0
}
