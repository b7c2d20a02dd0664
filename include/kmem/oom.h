/* SPDX-License-Identifier: MIT */
/*
 * The last word before a panic: functions that are called when a request that must not fail
 * (__GFP_NOFAIL) found nothing though reclaim did all it could. Types, values and behaviour are
 * those of Linux 6.1's <linux/oom.h> and <linux/notifier.h>. There are no processes to kill: when
 * the notifiers free nothing and the reserves are used up, too, the machine panics.
 */
#ifndef KMEM_OOM_H
#define KMEM_OOM_H

#include <kmem/types.h>

KMEM_BEGIN_DECLS

#define NOTIFY_DONE 0x0000	/* nothing to say */
#define NOTIFY_OK 0x0001	/* fine */
#define NOTIFY_STOP_MASK 0x8000	/* the notifiers after this one are not called */
#define NOTIFY_STOP (NOTIFY_OK | NOTIFY_STOP_MASK)

struct notifier_block;

/* @action is 0. @data: an unsigned long, to which the notifier adds the pages it has freed. */
typedef int (*notifier_fn_t)(struct notifier_block *nb, unsigned long action, void *data);

/* A notifier. The caller fills the function and the priority: the highest is called first. */
struct notifier_block {
	notifier_fn_t notifier_call;
	struct notifier_block *next;	/* the library's while it is registered */
	int priority;
};

/**
 * register_oom_notifier - have a function called when a request that must not fail found nothing
 * @nb: filled as said above; must live until unregister_oom_notifier() or shutdown
 *
 * It runs in the thread that needs memory, with no lock of the library held but that of the chain;
 * its own requests never reclaim, and may use the reserves. On the machine that the thread has
 * entered.
 *
 * Return: 0; -EINVAL (reported): no function; -EEXIST: registered already; -EDEADLK (reported): called
 * from a notifier or a shrinker; -ENODEV. Context: may sleep.
 */
KMEM_DECL(int, register_oom_notifier, (struct notifier_block * nb));

/**
 * unregister_oom_notifier - end it; it is not running after the return
 * @nb: a registered one
 *
 * Return: 0; -ENOENT: it is not registered; -EDEADLK (reported) and -ENODEV as above. Context: may sleep.
 */
KMEM_DECL(int, unregister_oom_notifier, (struct notifier_block * nb));

KMEM_END_DECLS

#endif
