/* SPDX-License-Identifier: MIT */
/*
 * The out-of-memory chain: the program's last chance to free something for a request that must not
 * fail. There are no processes, so there is no killer; what the kernel says before it panics is
 * said here too (alloc_pressed.c panics, after the reserves).
 *
 * One request at a time calls the chain (oom_lock): whoever comes second waits a while, not for the
 * lock, since a notifier may wait for something that the second holds; then it looks at the free lists
 * again. oom_rwsem is held to read while notifiers run and to write to change the chain; oom_lock is
 * taken first.
 */
#include "buddy/reclaim.h"

#include "buddy/alloc_report.h"
#include "buddy/buddy.h"
#include "lib/errno.h"

#define OOM_BUSY_MS 10

static unsigned long call_chain(struct reclaim *r)
{
	unsigned int calls, flags = reclaim_begin();
	unsigned long freed = 0;

	down_read(&r->oom_rwsem);
	arch_context()->reading = &r->oom_rwsem;
	calls = context_callback_enter();
	for (struct notifier_block *nb = r->oom_chain; nb; nb = nb->next)
		if (nb->notifier_call(nb, 0, &freed) & NOTIFY_STOP_MASK)
			break;
	context_callback_exit(calls);
	arch_context()->reading = NULL;
	up_read(&r->oom_rwsem);
	reclaim_end(flags);
	return freed;
}

enum oom_result out_of_memory(struct kernel *k, gfp_t gfp, unsigned int order)
{
	struct reclaim *r = k->buddy->reclaim;
	unsigned long freed;

	if (!mutex_trylock(&r->oom_lock)) {
		arch_wait(&r->oom_lock.value, 1, OOM_BUSY_MS);
		return OOM_BUSY;
	}
	freed = call_chain(r);
	mutex_unlock(&r->oom_lock);
	if (!freed)
		return OOM_NOTHING;
	pr_info(k, "out of memory: notifiers freed %lu pages for order:%u, mode:%#x", freed, order,
		gfp);
	return OOM_FREED;
}

/* --- the list --------------------------------------------------------------------------------- */

static bool may_change(struct kernel *k, const char *who)
{
	if (!in_reclaim())
		return true;
	report_bug(k, "%s: called from a shrinker or a notifier", who);
	return false;
}

/* The pointer that points at @nb; NULL: it is not in the chain. */
static struct notifier_block **find_link(struct reclaim *r, const struct notifier_block *nb)
{
	struct notifier_block **link = &r->oom_chain;

	while (*link && *link != nb)
		link = &(*link)->next;
	return *link ? link : NULL;
}

static int chain_add(struct reclaim *r, struct notifier_block *nb)
{
	struct notifier_block **link = &r->oom_chain;

	if (find_link(r, nb))
		return -EEXIST;
	while (*link && (*link)->priority >= nb->priority)
		link = &(*link)->next;
	nb->next = *link;
	*link = nb;
	return 0;
}

int register_oom_notifier(struct notifier_block *nb)
{
	struct kernel *k = arch_kernel();
	int ret;

	if (!k)
		return -ENODEV;
	if (!may_change(k, "register_oom_notifier"))
		return -EDEADLK;
	if (!nb || !nb->notifier_call) {
		report_bug(k, "register_oom_notifier: no function");
		return -EINVAL;
	}
	context_begin_call("register_oom_notifier");
	down_write(&k->buddy->reclaim->oom_rwsem);
	ret = chain_add(k->buddy->reclaim, nb);
	up_write(&k->buddy->reclaim->oom_rwsem);
	context_end_call();
	return ret;
}

int unregister_oom_notifier(struct notifier_block *nb)
{
	struct kernel *k = arch_kernel();
	struct notifier_block **link;

	if (!k)
		return -ENODEV;
	if (!may_change(k, "unregister_oom_notifier"))
		return -EDEADLK;
	context_begin_call("unregister_oom_notifier");
	down_write(&k->buddy->reclaim->oom_rwsem);
	link = nb ? find_link(k->buddy->reclaim, nb) : NULL;
	if (link)
		*link = nb->next;
	up_write(&k->buddy->reclaim->oom_rwsem);
	context_end_call();
	return link ? 0 : -ENOENT;
}
