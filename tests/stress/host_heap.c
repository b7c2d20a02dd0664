/* SPDX-License-Identifier: MIT */
/*
 * fork() and AddressSanitizer's heap. The C library takes its heap's locks around a fork(), and so does
 * AddressSanitizer since LLVM 17; that of gcc 12 and of older clangs does not. If another thread is in
 * malloc() or free() at that moment, the child has their locks held for ever, of the quarantine say, and
 * hangs in its first call that needs them, which is no fault of the library's.
 *
 * So in such builds the calls of this program, the library's among them, come by here (--wrap), and a
 * fork() waits until none is under way, with what C libraries do: a handler that runs after all others
 * and therefore with the library's locks held. No other thread is kept from anything but the heap.
 *
 * What threads do in the sanitizer's heap when they begin and end cannot be wrapped: host_threads_lock()
 * keeps that and fork() apart.
 */
#include "stress.h"

#ifdef HEAP_IS_WRAPPED

static pthread_rwlock_t heap = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t threads = PTHREAD_MUTEX_INITIALIZER;

void *__real_malloc(size_t size);
void *__real_calloc(size_t nr, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t nr, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
void __wrap_free(void *p);

#define WRAP(name, parameters, arguments)          \
	void *__wrap_##name parameters             \
	{                                          \
		void *ret;                         \
                                                   \
		pthread_rwlock_rdlock(&heap);      \
		ret = __real_##name arguments;     \
		pthread_rwlock_unlock(&heap);      \
		return ret;                        \
	}

WRAP(malloc, (size_t size), (size))
WRAP(calloc, (size_t nr, size_t size), (nr, size))
WRAP(realloc, (void *p, size_t size), (p, size))
WRAP(aligned_alloc, (size_t align, size_t size), (align, size))

void __wrap_free(void *p)
{
	pthread_rwlock_rdlock(&heap);
	__real_free(p);
	pthread_rwlock_unlock(&heap);
}

static void before_fork(void)
{
	pthread_rwlock_wrlock(&heap);
}

static void after_fork(void)
{
	pthread_rwlock_unlock(&heap);
}

/* Its holder was another thread by its number. */
static void after_fork_in_child(void)
{
	heap = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
}

/* Before the library has handlers: the first is called last. */
void host_heap_init(void)
{
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

void host_threads_lock(void)
{
	pthread_mutex_lock(&threads);
}

void host_threads_unlock(void)
{
	pthread_mutex_unlock(&threads);
}

#else

void host_heap_init(void)
{
}

void host_threads_lock(void)
{
}

void host_threads_unlock(void)
{
}

#endif
