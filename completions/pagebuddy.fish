# SPDX-License-Identifier: MIT
# Completion of pagebuddy for fish: install as vendor_completions.d/pagebuddy.fish

set -l verbs case learn replay explain record show compare report

complete -c pagebuddy -f
complete -c pagebuddy -n "not __fish_seen_subcommand_from $verbs help" -l help -d 'List the verbs'
complete -c pagebuddy -n "not __fish_seen_subcommand_from $verbs help" -l version -d 'Tell the version'

function __pagebuddy_verb --argument-names name text
    complete -c pagebuddy -n "not __fish_seen_subcommand_from case learn replay explain record show compare report help" -a $name -d $text
    complete -c pagebuddy -n "__fish_seen_subcommand_from $name" -l help -d 'List the options'
    complete -c pagebuddy -n "__fish_seen_subcommand_from help" -a $name -d $text
end

# __pagebuddy_option VERB ARGUMENTS-OF-COMPLETE...
function __pagebuddy_option
    complete -c pagebuddy -n "__fish_seen_subcommand_from $argv[1]" $argv[2..]
end

set -l settings 'profile=modern profile=linux kernel= pageblock_order= max_order= watermark_boost= watermark_scale_factor= min_free_kbytes= pcp_high= pcp_batch= mobility=off thp=never memory='
set -l flags 'GFP_KERNEL GFP_ATOMIC GFP_NOWAIT GFP_NOFS GFP_NOIO GFP_USER GFP_HIGHUSER GFP_HIGHUSER_MOVABLE GFP_TRANSHUGE GFP_TRANSHUGE_LIGHT'

__pagebuddy_verb case 'Watch the buddy system serve a request, step by step'
__pagebuddy_option case -s s -l size -x -d 'Request so many bytes'
__pagebuddy_option case -s o -l order -x -d 'Request 2^N pages'
__pagebuddy_option case -s m -l migratetype -x -a 'movable unmovable reclaimable' -d 'Of the request'
__pagebuddy_option case -s z -l zone -x -a 'DMA DMA32 Normal Movable' -d 'Take it from there or below'
__pagebuddy_option case -l profile -x -a 'linux modern' -d 'Who decides'
__pagebuddy_option case -l memory -x -d 'Of the machine'
__pagebuddy_option case -l pcp -d 'With per-CPU lists'
__pagebuddy_option case -l do -x -d 'Actions in this order'
__pagebuddy_option case -l fill -x -d 'Start with so much in use'
__pagebuddy_option case -l buddyinfo -r -F -d 'Start with these free blocks'
__pagebuddy_option case -l scenario -x -a '(pagebuddy case --help --lang en 2>/dev/null | string replace -rf "^Scenarios: (.*)\\.\$" "\$1" | string split ", ")' -d 'Start with one of the lesson'
__pagebuddy_option case -l cpus -x -d 'With per-CPU lists'
__pagebuddy_option case -l cma -x -d 'The highest frames'
__pagebuddy_option case -l step -d 'Wait after each step'
__pagebuddy_option case -l lang -x -a 'en zh' -d 'Of the messages'
__pagebuddy_option case -s q -l quiet -d 'Only buddyinfo'
__pagebuddy_option case -l format -x -a 'text json' -d 'Of the output'

__pagebuddy_verb learn 'The lesson: in a browser, or here'
__pagebuddy_option learn -a '(seq 10)'
__pagebuddy_option learn -s t -l terminal -d 'Here, not in a browser'
__pagebuddy_option learn -l where -d 'Where the page is'
__pagebuddy_option learn -l lang -x -a 'en zh' -d 'Of the lesson'

__pagebuddy_verb replay 'Replay a recorded kernel trace; ask what if'
__pagebuddy_option replay -F
__pagebuddy_option replay -l simulate -d 'The library decides'
__pagebuddy_option replay -l follow -d "Rebuild the kernel's own state"
__pagebuddy_option replay -l pins -d 'Who keeps pageblocks from being whole'
__pagebuddy_option replay -l profile -x -a 'linux modern' -d 'Who decides'
__pagebuddy_option replay -l kernel -x -a '5.4 5.10 6.1 6.12 7.2' -d 'Whose rules the linux profile goes by'
__pagebuddy_option replay -l what-if -x -a $settings -d 'Run a variant beside it'
__pagebuddy_option replay -l memory -x -d 'A machine of this size'
__pagebuddy_option replay -l cpus -x -d 'Virtual CPUs'
__pagebuddy_option replay -l snapshot -r -F -d 'Directory or prefix'
__pagebuddy_option replay -l samples -x -d 'States collected'
__pagebuddy_option replay -l format -x -a 'text json ndjson' -d 'Of the output'
__pagebuddy_option replay -l top -d 'Who allocates'
__pagebuddy_option replay -l task -x -d 'Count only its events'
__pagebuddy_option replay -l from -x -a 'start' -d 'Count only from then on'
__pagebuddy_option replay -l to -x -a 'end' -d 'Count only until then'
__pagebuddy_option replay -l order -x -d 'Count only this order'
__pagebuddy_option replay -l lenient -d 'Malformed lines do not matter'

__pagebuddy_verb explain 'Why a request failed, or would have'
__pagebuddy_option explain -F
__pagebuddy_option explain -l verbose -d 'A log: the arithmetic, the rules, the stack'
__pagebuddy_option explain -l kernel -x -d 'The rules of this release'
__pagebuddy_option explain -l order -x -d 'Of 2^N pages'
__pagebuddy_option explain -l at -x -a 'start end' -d 'Moment'
__pagebuddy_option explain -l gfp -x -a $flags -d 'Flags of the request'
__pagebuddy_option explain -l failure -x -d 'The K-th recorded failure'
__pagebuddy_option explain -l list -d 'List the failures'
__pagebuddy_option explain -l task -x -d 'List only its failures'
__pagebuddy_option explain -l from -x -a 'start' -d 'List only from then on'
__pagebuddy_option explain -l to -x -a 'end' -d 'List only until then'
__pagebuddy_option explain -l memory -x -d 'A machine of this size'
__pagebuddy_option explain -l snapshot -r -F -d 'Directory or prefix'
__pagebuddy_option explain -l format -x -a 'text json' -d 'Of the output'

__pagebuddy_verb record 'Record what this kernel does'
__pagebuddy_option record -s o -l output -r -F -d 'File to write'
__pagebuddy_option record -s d -l duration -x -d 'End after so many seconds'
__pagebuddy_option record -s p -l pid -x -a '(__fish_complete_pids)' -d 'Only this process'
__pagebuddy_option record -s b -l buffer -x -d 'Trace buffer per CPU'
__pagebuddy_option record -s s -l stacks -d 'With the callers of each allocation'
__pagebuddy_option record -l no-frames -d 'Do not read /proc/kpageflags'
__pagebuddy_option record -a '(__fish_complete_subcommand --fcs-skip=2)'

__pagebuddy_verb show "This machine's zones, and what could fail"
__pagebuddy_option show -s w -l watch -d 'Draw again and again'
__pagebuddy_option show -s n -l count -x -d 'End after so many'
__pagebuddy_option show -s r -l root -r -F -d 'A saved /proc, or a recording'
__pagebuddy_option show -l phase -x -a 'start end' -d 'Of a recording'
__pagebuddy_option show -l page-size -x -d 'Of the saved machine'
__pagebuddy_option show -l order -x -d 'Would a request of 2^N pages succeed?'
__pagebuddy_option show -l gfp -x -a $flags -d 'Flags of the request'
__pagebuddy_option show -l kernel -x -d 'The rules of this release'
__pagebuddy_option show -s f -l format -x -a 'text json ndjson openmetrics' -d 'Of the output'

__pagebuddy_verb compare 'Two recordings or snapshots side by side'
__pagebuddy_option compare -F
__pagebuddy_option compare -l top -x -d 'Tasks that differ most'
__pagebuddy_option compare -s f -l format -x -a 'text json' -d 'Of the output'

__pagebuddy_verb report 'One self-contained HTML page about a trace'
__pagebuddy_option report -F
__pagebuddy_option report -s o -l output -r -F -d 'Page to write'
__pagebuddy_option report -s w -l what-if -x -a $settings -d 'A variant'
__pagebuddy_option report -l no-what-if -d 'No variants'
__pagebuddy_option report -l snapshot -r -F -d 'Directory or prefix'
__pagebuddy_option report -l memory -x -d 'Of the machine'
__pagebuddy_option report -l kernel -x -d 'Rules and gfp numbers of this release'
__pagebuddy_option report -l page-size -x -d 'Bytes of a page'
__pagebuddy_option report -l samples -x -d 'Moments on the time line'
__pagebuddy_option report -l maps -x -d 'Moments of the map'
__pagebuddy_option report -l title -x -d 'Of the page'
__pagebuddy_option report -l task -x -d 'Tell only of it'
__pagebuddy_option report -l from -x -a 'start' -d 'Tell only from then on'
__pagebuddy_option report -l to -x -a 'end' -d 'Tell only until then'
__pagebuddy_option report -l order -x -d 'Tell only of it'
__pagebuddy_option report -s f -l format -x -a 'html json' -d 'Of the output'

functions -e __pagebuddy_verb __pagebuddy_option
