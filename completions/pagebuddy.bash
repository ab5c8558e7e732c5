# SPDX-License-Identifier: MIT
# Completion of pagebuddy for bash: install as bash-completion/completions/pagebuddy

_pagebuddy_words()
{
	local IFS=$'\n'
	COMPREPLY+=($(compgen -W "${1// /$'\n'}" -- "$2"))
}

_pagebuddy_files()
{
	local IFS=$'\n'
	compopt -o filenames 2>/dev/null
	COMPREPLY+=($(compgen -f -- "$1"))
}

_pagebuddy_settings='profile=modern profile=linux kernel= pageblock_order= max_order=
watermark_boost= watermark_scale_factor= min_free_kbytes= pcp_high= pcp_batch=
mobility=off thp=never memory='

# What an option takes: VERB OPTION WORD; false if it takes nothing known.
_pagebuddy_value()
{
	case $1:$2 in
	*:--profile) _pagebuddy_words 'linux modern' "$3" ;;
	*:--kernel) _pagebuddy_words '5.4 5.10 6.1 6.12 7.2' "$3" ;;
	report:--format | report:-f) _pagebuddy_words 'html json' "$3" ;;
	show:--format | show:-f) _pagebuddy_words 'text json ndjson openmetrics' "$3" ;;
	replay:--format) _pagebuddy_words 'text json ndjson' "$3" ;;
	*:--format) _pagebuddy_words 'text json' "$3" ;;
	show:--phase) _pagebuddy_words 'start end' "$3" ;;
	case:--migratetype | case:-m) _pagebuddy_words 'movable unmovable reclaimable' "$3" ;;
	case:--scenario)
		_pagebuddy_words "$(pagebuddy case --help --lang en 2>/dev/null |
			sed -n 's/^Scenarios: //p' | tr -d ',.')" "$3" ;;
	*:--lang) _pagebuddy_words 'en zh' "$3" ;;
	case:--buddyinfo) _pagebuddy_files "$3" ;;
	case:--do | case:--fill | case:--cma) ;;
	case:--zone | case:-z) _pagebuddy_words 'DMA DMA32 Normal Movable' "$3" ;;
	explain:--gfp | show:--gfp)
		_pagebuddy_words 'GFP_KERNEL GFP_ATOMIC GFP_NOWAIT GFP_NOFS GFP_NOIO GFP_USER
GFP_HIGHUSER GFP_HIGHUSER_MOVABLE GFP_TRANSHUGE GFP_TRANSHUGE_LIGHT' "$3" ;;
	*:--from | *:--to) _pagebuddy_words 'start end +' "$3" ;;
	*:--task) ;;
	explain:--at) _pagebuddy_words 'start end +' "$3" ;;
	*:--what-if | report:-w)
		compopt -o nospace 2>/dev/null
		_pagebuddy_words "${_pagebuddy_settings//$'\n'/ }" "$3" ;;
	record:--pid | record:-p) _pagebuddy_words "$(cd /proc && echo [0-9]*)" "$3" ;;
	*:--output | record:-o | report:-o | *:--snapshot | *:--root | show:-r) _pagebuddy_files "$3" ;;
	case:--size | case:-s | case:--order | case:-o | *:--memory | *:--cpus | *:--samples | \
	*:--maps | *:--order | *:--failure | *:--duration | record:-d | *:--buffer | record:-b | \
	*:--page-size | *:--title | *:--count | show:-n | *:--top) ;;
	*) return 1 ;;
	esac
}

_pagebuddy_options()
{
	case $1 in
	case) echo '--size --order --migratetype --zone --do --fill --buddyinfo --scenario --memory' \
		'--profile --pcp --cpus --cma --step --quiet --format --lang' ;;
	learn) echo '--terminal --where --lang' ;;
	replay) echo '--simulate --follow --pins --profile --kernel --what-if --memory --cpus --snapshot' \
		'--samples --format --lenient --top --task --from --to --order' ;;
	explain) echo '--verbose --kernel --order --at --gfp --failure --list --memory --snapshot --format' \
		'--task --from --to' ;;
	record) echo '--output --duration --pid --buffer --stacks --no-frames' ;;
	show) echo '--watch --count --root --phase --page-size --order --gfp --kernel --format' ;;
	compare) echo '--top --format' ;;
	report) echo '--output --what-if --no-what-if --snapshot --memory --kernel --page-size --samples' \
		'--maps --title --format --task --from --to --order' ;;
	esac
}

_pagebuddy()
{
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local verb=${COMP_WORDS[1]} i

	COMPREPLY=()
	# --format=json comes as three words
	[[ $word == = ]] && word=
	[[ $previous == = ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}
	if ((COMP_CWORD == 1)); then
		_pagebuddy_words 'case learn replay explain record show compare report help --help --version' "$word"
		return
	fi
	if [[ $verb == help ]]; then
		_pagebuddy_words 'case learn replay explain record show compare report' "$word"
		return
	fi
	if [[ $verb == record ]]; then
		for ((i = 2; i < COMP_CWORD; i++)); do
			if [[ ${COMP_WORDS[i]} == -- ]]; then
				# COMMAND and what belongs to it
				if ((i + 1 == COMP_CWORD)); then
					COMPREPLY=($(compgen -c -- "$word"))
				else
					_pagebuddy_files "$word"
				fi
				return
			fi
		done
	fi
	if ((COMP_CWORD > 2)) && _pagebuddy_value "$verb" "$previous" "$word"; then
		return
	fi
	if [[ $word == -* ]]; then
		_pagebuddy_words "$(_pagebuddy_options "$verb") --help" "$word"
	elif [[ $verb == learn ]]; then
		_pagebuddy_words '1 2 3 4 5 6 7 8 9 10' "$word"
	elif [[ $verb == replay || $verb == explain || $verb == report || $verb == compare ]]; then
		_pagebuddy_files "$word"
	fi
}

complete -F _pagebuddy pagebuddy
