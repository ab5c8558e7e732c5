#!/bin/bash
# SPDX-License-Identifier: MIT
#
# test_completions.sh PAGEBUDDY COMPLETIONS: every verb and every long option of
# its --help is known to bash, zsh and fish; bash's completes what it should, and
# so does fish's where fish is installed.

set -u
pagebuddy=$1 completions=$2
passed=0 failed=0

check() # NAME STATUS
{
	if [ "$2" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $1"
	fi
}

verbs=$("$pagebuddy" --help | awk '/^  [a-z]/ { print $1 }')
[ -n "$verbs" ]
check 'pagebuddy --help lists verbs' $?

# The part of a completion file that is about a verb.
part() # SHELL VERB
{
	case $1 in
	bash) awk -v verb="$2" '$0 ~ "^\t" verb "\\) echo" { on = 1 } on { print } /;;/ { on = 0 }' \
		"$completions/pagebuddy.bash" ;;
	zsh) awk -v verb="$2" '$0 == "\t" verb ")" { on = 1 } on { print } /;;/ { on = 0 }' \
		"$completions/_pagebuddy" ;;
	fish) grep -E "^__pagebuddy_(option|verb) $2 " "$completions/pagebuddy.fish" |
		sed 's/ -l / --/' ;;
	esac
}

for verb in $verbs; do
	options=$("$pagebuddy" "$verb" --help | grep -E '^ +(-[a-z], )?--' |
		grep -oE -- '--[a-z][a-z-]+' | grep -v -- '--help' | sort -u)
	[ -n "$options" ]
	check "$verb --help lists options" $?
	for shell in bash zsh fish; do
		missing=
		for option in $options; do
			part $shell "$verb" | grep -qE -- "$option([^a-z-]|$)" || missing="$missing $option"
		done
		[ -z "$missing" ]
		check "$shell knows the options of $verb; missing:$missing" $?
	done
done

source "$completions/pagebuddy.bash"
completes() # "WORDS THAT COME" WORD...
{
	local expected=$1
	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_pagebuddy 2>/dev/null
	[ "${COMPREPLY[*]}" = "$expected" ]
	check "bash: $* -> ${COMPREPLY[*]}, expected $expected" $?
}
completes 'replay record report' pagebuddy re
completes 'show' pagebuddy help sh
completes '--phase' pagebuddy show --ph
completes 'start end' pagebuddy show --phase ''
completes 'json' pagebuddy replay x --format = js
completes 'profile=modern profile=linux' pagebuddy report x -w pro
completes '--no-frames' pagebuddy record --no
completes "$completions/_pagebuddy" pagebuddy report "$completions/_"

if command -v zsh >/dev/null; then
	zsh -n "$completions/_pagebuddy"
	check 'zsh reads its file' $?
fi
if command -v fish >/dev/null; then
	got=$(fish -c "source '$completions/pagebuddy.fish'; complete -C 'pagebuddy show --phase '" |
		cut -f1 | sort | tr '\n' ' ')
	[ "$got" = 'end start ' ]
	check "fish: show --phase -> $got" $?
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
