/* SPDX-License-Identifier: MIT */
/* What a machine has when it is first asked for. */
#ifndef KMEM_LIB_ONCE_H
#define KMEM_LIB_ONCE_H

#include "lib/kernel.h"

/*
 * The structure that the pointer *@at of @k leads to, made by @make(arch) if there is none yet; @make runs
 * under once_lock. NULL: @make returned that, having no memory.
 */
#define kernel_once(k, at, make)                                                                   \
	({                                                                                         \
		__typeof__(*(at)) once_made = __atomic_load_n(at, __ATOMIC_ACQUIRE);               \
                                                                                                   \
		if (!once_made) {                                                                  \
			arch_spin_lock(&(k)->once_lock);                                           \
			once_made = *(at);                                                         \
			if (!once_made) {                                                          \
				once_made = make((k)->arch);                                       \
				__atomic_store_n(at, once_made, __ATOMIC_RELEASE);                 \
			}                                                                          \
			arch_spin_unlock(&(k)->once_lock);                                         \
		}                                                                                  \
		once_made;                                                                         \
	})

#endif
