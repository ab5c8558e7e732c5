/* SPDX-License-Identifier: MIT */
/*
 * What may run beside what, from where, what it waits for, what it holds, at what cost.
 * Every function of pagebuddy.h, linux_user.h and linux.h; tests/build/calls holds it
 * against the headers and against what the tests of concurrency and of interrupts drive.
 *
 * beside   any: every other call that says so, from any thread (pages and blocks named in
 *          a call are the caller's). handle: other handles' calls. rest: no other call in
 *          this pool. pure: looks at no pool.
 * from     irq: interrupt handlers too, where the port's lock and critical section mask
 *          interrupts (the linux_user port's don't: not from signal handlers). A request
 *          must be without PB_GFP_DIRECT_RECLAIM there. task: not from a handler.
 * waits    no: only for the locks under `holds`, for as long as their holders take.
 *          areas: for other CPUs' lists, too, each held for one batch. hooks: as areas,
 *          and, with PB_GFP_DIRECT_RECLAIM, for what reclaim, oom and migrate do.
 *          shared: for the process that is in a PB_POOL_SHARED pool; every call there that
 *          is more than a hit waits so.
 * holds    with interrupts masked where the port masks any. a: a CPU's lists, s: a stripe,
 *          each for a batch of at most 4 blocks (512 on restartable sequences, which mask
 *          nothing), a piece of a span or O(pageblock), and in a pool with a quarantine that
 *          one's lock around it; z: a zone's reserve, O(pageblock);
 *          t: the tunables, O(zones).
 *
 *   function                      beside from waits  holds    cost
 *   pb_alloc_pages                any    irq  hooks  a s z    hit O(1), else O(levels + batch)
 *   pb_alloc_pages_node           any    irq  hooks  a s z    hit O(1), else O(levels + batch)
 *   pb__alloc_pages_node          any    irq  hooks  a s z    hit O(1), else O(levels + batch)
 *   pb_alloc_pages_nodemask       any    irq  hooks  a s z    hit O(1), else O(levels + batch)
 *   pb_request_pages              any    irq  hooks  a s z    hit O(1), else O(levels + batch)
 *   pb_request_pages_as           any    irq  hooks  a s z    hit O(1), else O(levels + batch)
 *   pb_alloc_pages_bulk           any    irq  hooks  a s z    n requests
 *   pb_request_bulk               any    irq  hooks  a s z    n requests
 *   pb_alloc_exact                any    irq  hooks  a s z    a request, O(2^order)
 *   pb_request_exact              any    irq  hooks  a s z    a request, O(2^order)
 *   pb_request_exact_as           any    irq  hooks  a s z    a request, O(2^order)
 *   pb_alloc_contig               any    irq  hooks  a s z    O(log pageblocks + length); at worst O(frames)
 *   pb_request_contig             any    irq  hooks  a s z    O(log pageblocks + length); at worst O(frames)
 *   pb_alloc_at                   any    irq  areas  a s      O(levels)
 *   pb_free_pages                 any    irq  no     a s      hit O(1), else O(batch)
 *   pb_free_pages_as              any    irq  no     a s      hit O(1), else O(batch)
 *   pb_free_pages_cleared         any    irq  no     a s      O(levels); hardened: O(memory)
 *   pb_free_bulk                  any    irq  no     a s      n frees
 *   pb_free_exact                 any    irq  no     a s      n frees
 *   pb_free_exact_as              any    irq  no     a s      n frees
 *   pb_split_page                 any    irq  no     -        O(2^order)
 *   pb_split_page_as              any    irq  no     -        O(2^order)
 *   pb_get_page                   any    irq  no     -        O(1)
 *   pb_get_page_as                any    irq  no     -        O(1)
 *   pb_set_movable                any    irq  no     -        O(1)
 *   pb_put_page                   any    irq  no     a s      as a free
 *   pb_put_page_as                any    irq  no     a s      as a free
 *   pb_page_count                 any    irq  no     -        O(log segments)
 *   pb_page_order                 any    irq  no     -        O(log segments)
 *   pb_page_owner                 any    irq  no     -        O(log segments)
 *   pb_page_node                  any    irq  no     -        O(log segments)
 *   pb_page_zone                  any    irq  no     -        O(log segments)
 *   pb_pageblock_type             any    irq  no     -        O(log segments)
 *   pb_range_is_free              any    irq  no     s        O(blocks)
 *   pb_find_block                 any    irq  no     s        O(log segments + orders)
 *   pb_page_to_pfn                any    irq  no     -        O(log segments)
 *   pb_pfn_to_page                any    irq  no     -        O(log segments)
 *   pb_page_to_index              any    irq  no     -        O(1)
 *   pb_index_to_page              any    irq  no     -        O(1)
 *   pb_page_address               any    irq  no     -        O(log segments)
 *   pb_address_to_page            any    irq  no     -        O(log segments)
 *   pb_get_order                  any    irq  no     -        O(1)
 *   pb_pool_info                  any    irq  no     -        O(1)
 *   pb_zonelist_nodes             any    irq  no     -        O(1)
 *   pb_nr_zones                   any    irq  no     -        O(1)
 *   pb_reserve                    any    task areas  a s z t  O(frames)
 *   pb_online                     any    task areas  a s z t  O(frames)
 *   pb_offline                    any    task areas  a s z t  O(frames), the migrate hook
 *   pb_grow                       any    task areas  a s z t  O(frames)
 *   pb_remove                     any    task no     s z      O(frames)
 *   pb_grow_pieces                any    task no     -        O(spans)
 *   pb_grow_bytes                 any    task no     -        O(spans)
 *   pb_offline_logged             any    task areas  a s z t  O(frames), the migrate hook
 *   pb_compact                    any    task areas  a s      O(frames), the migrate hook
 *   pb_report_free                any    task no     s        O(pageblocks), the report hook
 *   pb_user_report                any    task no     -        a system call
 *   pb_drain                      any    task areas  a s      O(what the lists hold)
 *   pb_pcp_decay                  any    task areas  a s      O(what the lists hold)
 *   pb_free_owner                 any    task no     a s      O(frames)
 *   pb_stats                      any    task no     -        O(pageblocks + CPUs)
 *   pb_zone_stats                 any    task no     -        O(pageblocks + CPUs)
 *   pb_zone_below                 any    irq  no     -        O(stripes)
 *   pb_free_blocks                any    irq  no     -        O(zones * stripes * orders)
 *   pb_numa_stats                 any    task no     -        O(pageblocks + CPUs)
 *   pb_pcp_stats                  any    task no     -        O(pageblocks + CPUs)
 *   pb_buddyinfo                  any    task no     -        O(pageblocks + text)
 *   pb_zoneinfo                   any    task no     -        O(pageblocks + text)
 *   pb_pagetypeinfo               any    task no     s        O(pageblocks + text)
 *   pb_set_min_free_kbytes        any    task areas  a s t    O(zones * CPUs)
 *   pb_set_watermark_scale_factor any    task areas  a s t    O(zones * CPUs)
 *   pb_set_pcp                    any    task areas  a s t    O(zones * CPUs)
 *   pb_set_watermark_boost_factor any    task no     t        O(zones)
 *   pb_boost_done                 any    task no     -        O(zones)
 *   pb_set_owner                  handle task no     -        O(1)
 *   pb_walk                       rest   task no     -        O(what is visited)
 *   pb_walk_free_list             rest   task no     -        O(what is visited)
 *   pb_walk_pcp                   rest   task no     -        O(what is visited)
 *   pb_validate                   rest   task no     -        O(frames)
 *   pb_state_set_zone             rest   task no     a s t    O(block)
 *   pb_state_set_pageblock        rest   task no     a s t    O(block)
 *   pb_state_add_free             rest   task no     a s t    O(block)
 *   pb_state_move_free            rest   task no     a s t    O(1)
 *   pb_state_set_pcp              rest   task no     a s t    O(block)
 *   pb_state_add_pcp              rest   task no     a s t    O(block)
 *   pb_state_set_vmstat           rest   task no     a s t    O(block)
 *   pb_state_set_counters         rest   task no     a s t    O(block)
 *   pb_state_adopt                rest   task no     a s t    O(block)
 *   pb_pool_init                  rest   task no     a s z t  O(frames)
 *   pb_pool_attach                handle task shared a s z t  O(spans); recover: O(frames)
 *   pb_pool_attach_with           handle task shared a s z t  O(spans); recover: O(frames)
 *   pb_pool_destroy               handle task no     -        O(1)
 *   pb_user_pool_create           handle task no     a s z t  O(frames)
 *   pb_user_pool_destroy          handle task no     -        O(1)
 *   pb_user_background_start      handle task no     -        O(1)
 *   pb_user_background_stop       handle task hooks  -        O(1), and the hook it is in
 *   pb_user_percpu_mode           any    task no     -        O(1)
 *   pb_user_set_cpu               pure   task no     -        O(1)
 *   pb_default_pool               any    task no     -        O(1); O(frames) when it is made
 *   pb_set_default_pool           handle task no     -        O(1)
 *   pb_config_init                pure   irq  no     -        O(1); O(regions)
 *   pb_pool_size                  pure   irq  no     -        O(1); O(regions)
 *   pb_strerror                   pure   irq  no     -        O(text)
 *   pb_reason_name                pure   irq  no     -        O(text)
 *   pb_kernel_name                pure   irq  no     -        O(text)
 *   pb_zone_name                  pure   irq  no     -        O(text)
 *   pb_migratetype_name           pure   irq  no     -        O(text)
 *   pb_gfp_name                   pure   irq  no     -        O(text)
 *   pb_extfrag_index              pure   irq  no     -        O(orders)
 *   pb_unusable_index             pure   irq  no     -        O(orders)
 *
 * linux.h's functions are as what they call, on the default pool; where none is set, the
 * first of them is as pb_default_pool(), too.
 *
 *   function                      as
 *   alloc_pages                   pb_request_pages_as
 *   alloc_page                    pb_request_pages_as
 *   alloc_pages_node              pb_request_pages_as
 *   __alloc_pages_node            pb_request_pages_as
 *   __alloc_pages_nodemask        pb_request_pages_as
 *   __alloc_pages                 pb_request_pages_as
 *   __get_free_pages              pb_request_pages_as
 *   __get_free_page               pb_request_pages_as
 *   get_zeroed_page               pb_request_pages_as
 *   alloc_pages_exact             pb_request_exact_as
 *   __free_pages                  pb_free_pages_as
 *   __free_page                   pb_free_pages_as
 *   free_pages                    pb_free_pages_as
 *   free_page                     pb_free_pages_as
 *   free_pages_exact              pb_free_exact_as
 *   split_page                    pb_split_page_as
 *   get_page                      pb_get_page_as
 *   put_page                      pb_put_page_as
 *   page_count                    pb_page_count
 *   page_address                  pb_page_address
 *   virt_to_page                  pb_address_to_page
 *   page_to_pfn                   pb_page_to_pfn
 *   pfn_to_page                   pb_pfn_to_page
 *   page_to_nid                   pb_page_node
 *   page_zonenum                  pb_page_zone
 *   get_order                     pb_get_order
 */
#ifndef PAGEBUDDY_CALLS_H
#define PAGEBUDDY_CALLS_H

#include <pagebuddy/pagebuddy.h>

#endif
