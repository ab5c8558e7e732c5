/* SPDX-License-Identifier: MIT */
/*
 * The linux_user port: what a user process on Linux gets in addition.
 */
#ifndef PAGEBUDDY_LINUX_USER_H
#define PAGEBUDDY_LINUX_USER_H

#include <pagebuddy/pagebuddy.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * From now on this thread counts as running on CPU `cpu`; -1: the real one.
 * For replays and tests with more (or other) CPUs than the machine has. Pools
 * used that way must have PB_POOL_NO_RSEQ.
 */
PB_API void pb_user_set_cpu(int cpu);

/*
 * A pool with metadata in anonymous memory. config->nr_cpus 0, the default, means
 * every CPU of the machine; a thread on a CPU beyond them goes to the zones without
 * lists (no system call, some 100 ns more). `memory_bytes` 0: it only does the
 * bookkeeping ("address-only"); else that many bytes of anonymous memory are
 * mapped, config->linear is set to them, and pfn config->linear_pfn is their
 * first page: every usable region but those of HIGHMEM must lie in there, else
 * PB_EREGION. PB_OK or a negative pb_errno. Free with pb_user_pool_destroy(); any
 * copy of the handle will do, and the others end with it.
 *
 * Fork: a child gets a private copy of the pool as it was (locks are taken
 * around fork, so it is consistent); parent and child don't share frames
 * afterwards. For sharing, map the metadata MAP_SHARED and use PB_POOL_SHARED.
 */
PB_API int pb_user_pool_create(struct pb_pool *pool, struct pb_config *config, size_t memory_bytes,
			       const struct pb_hooks *hooks, struct pb_error *error);
PB_API void pb_user_pool_destroy(struct pb_pool *pool);

/*
 * A thread that is kswapd and kcompactd for a pool: woken when a zone falls below its low
 * watermark (by requests through this handle and copies of it made from now on), or after
 * `period_ms`, it calls the reclaim hook until each zone is above its high one or the hook has
 * freed nothing 16 times in a row, takes back the boost, and compacts (with a migrate hook)
 * until `blocks` blocks of `order` are free (after failures less and less often); once a second
 * idle per-CPU lists decay (pb_pcp_decay()). Hooks must be ready to be called
 * from this thread; the handle's own wake hook is called as well. It takes no signals, ends
 * with pb_user_pool_destroy(), and is not there in a fork's child. PB_OK; PB_EINVAL: no pool,
 * or no such order or number; PB_ENOTSUP; PB_EBUSY: the pool has one; PB_ENOMEM.
 */
struct pb_background {
	uint32_t period_ms; /* 0: 100 */
	unsigned int order; /* order of the blocks to keep */
	uint64_t blocks;    /* 0: keep none */
	/* Every so often pb_report_free() is called, for what was free since the last time; 0:
	   never. Needs PB_POOL_REPORTING and a report hook. report.pages bounds each call. */
	uint32_t report_ms;
	struct pb_report report; /* settled, whatever is said here */
};

PB_API int pb_user_background_start(struct pb_pool *pool, const struct pb_background *what);
/* Ends it, waiting for the hook that it may be in (so not to be called from one), and gives
   the handle its own wake hook back. Nothing if there is none. */
PB_API void pb_user_background_stop(struct pb_pool *pool);

/*
 * A report hook for pools whose memory pb_user_pool_create() has mapped: gives the memory of
 * reported pages back to the system (MADV_DONTNEED). It comes back as zero pages when
 * it is touched, so no reuse hook is needed, and with PB_POOL_CLEARED such a block needs no wiping.
 * Refuses what is not in that mapping, and what is locked in memory. One system call.
 */
PB_API enum pb_reported pb_user_report(void *ctx, struct pb_pool *pool, uint64_t pfn,
				       uint64_t nr_pages);

/* "rseq" or "trylock" or "none": how this pool's per-CPU lists are entered; "rseq-cid": by
   restartable sequences, and by concurrency ids (PB_POOL_CIDS). */
PB_API const char *pb_user_percpu_mode(const struct pb_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
