/* SPDX-License-Identifier: MIT */
/*
 * The door: everything the kernel part may ask of the machine.
 *
 * The kernel part (src/ without src/sim) is freestanding. What it needs beyond the eight mem/str
 * functions stands here, is implemented by src/sim, and by a port to real hardware if there is one.
 *
 *   memory    arch_machine      what the machine consists of: RAM window, memmap, CPUs
 *             arch_host_alloc   private host memory for the kernel part's own structures
 *             arch_map_ram      a second address for pages of RAM
 *             arch_device_read  simulated devices at physical addresses
 *   MMU       arch_mmu_walk     what the simulated x86 makes of an address; its registers
 *             arch_mmu_flush    TLBs forget what was changed in the tables
 *   CPUs      arch_cpu          one simulated CPU; its per-CPU area follows the structure
 *             section           the code that may touch a CPU's per-CPU data (see below)
 *             claim             another thread's right to touch it
 *             slowed CPUs       everybody takes the slow entry: tracing sees every call
 *   threads   arch_context      counters that say whether a thread may sleep
 *             epoch             who may still see what is not published any more (RCU)
 *   locks     arch_spinlock, arch_wait
 *   watchers  arch_poison …     AddressSanitizer and Valgrind learn what is free
 *   messages  arch_report, arch_log, arch_stack_save, arch_symbol
 *
 * CPU sections. Per-CPU data of CPU c is touched only (a) by a thread attached to c, inside a
 * section, or (b) by a thread that has claimed c. Sections do not nest and never cover a call to
 * the page allocator, a zone or node lock, or user code: slow paths leave, work, enter again and
 * revalidate, since the thread may be on another CPU by then.
 *
 *	fast:	cpu = arch_cpu_tryenter();		slow:	cpu = arch_cpu_lock();
 *		if (unlikely(!cpu))				if (!cpu)
 *			return foo_slow(…);				return NULL; (no machine)
 *		…						…
 *		arch_cpu_leave(cpu);				arch_cpu_unlock(cpu);
 *
 * A CPU is owned (one thread attached) or shared (several). The owner enters with one store and one
 * load, no atomic read-modify-write: it announces itself in `busy` and looks at `claim`. Whoever
 * wants the CPU's data from outside sets `claim`, makes the owner's store visible (membarrier) and
 * waits until `busy` is 0. On a shared CPU `claim` stays set, so that everybody takes the slow
 * entry, which is an ordinary lock. A thread that is attached to no CPU points at arch_cpu_none,
 * whose claim is set for ever: the fast path needs no test for it.
 *
 * Nor for a thread that may not sleep: in an atomic context it points at a stand-in, a copy of its
 * CPU's constants whose claim is set. All its calls take slow paths, and there requests that may
 * sleep are found out. What follows from that for the kernel part: arch_cpu_current() and
 * arch_cpu_ptr are good for reading constants alone; only the entries of sections return the CPU
 * itself.
 */
#ifndef KMEM_ARCH_H
#define KMEM_ARCH_H

#include <stdarg.h>

#include <kmem/machine.h>
#include <kmem/types.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define noinline __attribute__((noinline))
#ifndef __always_inline /* glibc's headers define the same word */
#define __always_inline inline __attribute__((always_inline))
#endif
#define arch_barrier() __atomic_signal_fence(__ATOMIC_SEQ_CST)

#define ARCH_CACHE_LINE 64

/* PAGE_MASK for the bits of a 64-bit address; on a 32-bit host PAGE_MASK has only the lower half. */
#define PAGE_MASK_64 (~(uint64_t)(PAGE_SIZE - 1))

/* 64-bit words for __atomic_*(): aligned to their size on every host. (A plain uint64_t in a structure
 * of a 32-bit x86 program may lie across two cache lines, and is then not read and written at once.) */
typedef uint64_t arch_u64 __attribute__((aligned(8)));
typedef int64_t arch_s64 __attribute__((aligned(8)));

struct kernel;
struct mmu_regs;
struct mmu_walk_result;

/* What a machine consists of. Constant from boot to shutdown, but for `kernel`, set once by boot. */
struct arch_machine {
	const struct machine_desc *desc;
	struct kernel *kernel;		/* the kernel part's root */
	char *ram;			/* host window: the byte of physical address p is at ram + p */
	uint64_t ram_size;		/* bytes: end of the highest RAM range */
	char *memmap;			/* host window, zero where never touched: nr_frames × 64 bytes */
	char *pageblocks;		/* host window, zero where never touched: one byte a pageblock */
	uint64_t table_start;		/* physical memory that is no RAM, for page tables: its bytes */
	uint64_t table_size;		/* are at ram + table_start too, and no frame of the memmap */
	kva_t direct_base;		/* what the simulated x86 sees of the byte at ram + 0 */
	kva_t vmalloc_base;		/* and of the byte at vmalloc + 0; on x86_32 boot moves it up, */
	uint64_t vmalloc_size;		/* to where the direct map ends: bytes of the region */
	char *vmalloc;			/* host window of second addresses; NULL: RAM has none here */
	uint64_t vmap_size;		/* bytes of the window: vmalloc, and x86_32's maps behind it */
	uint64_t nr_frames;		/* ram_size / PAGE_SIZE, rounded up */
	char *cpus;			/* CPU i's structure is at cpus + i * cpu_stride */
	size_t cpu_stride;		/* bytes: window of one CPU: struct arch_cpu, then per-CPU data */
	unsigned int nr_cpus;
	unsigned int nr_nodes;
	const struct machine_range *kernel_ram;	/* RAM that the kernel uses: without what the command */
	unsigned int nr_kernel_ram;		/* line hides; ascending, whole pages, with nodes */
	const int *real_node;		/* by node: the one it is a part of (numa=fake); NULL: none is */
	char *vmap_at;			/* vmalloc; where that is NULL, addresses in its place that have no
					   memory: those of the simulated x86 if pointers hold them */
};

/* One simulated CPU. Its per-CPU data starts ARCH_PERCPU_START bytes further on. */
struct arch_cpu {
	uint32_t busy;			/* 1 while the owner is in a section */
	uint32_t claim;			/* not 0: slow entry; ARCH_CLAIM_ATOMIC: a stand-in */
	uint32_t id;
	uint32_t node;
	struct kernel *kernel;		/* NULL in arch_cpu_none */
	const struct arch_machine *machine;
	char *ram;			/* copies of the machine's, for the fast paths */
	uint64_t ram_size;
	char *memmap;
	uint32_t alone;			/* its owner is the machine's only thread (src/sim/cpu.c) */
} __attribute__((aligned(ARCH_CACHE_LINE)));

#define ARCH_PERCPU_START ((size_t)4096)

#define ARCH_CLAIM_ATOMIC 2u

/* The calling thread's CPU; &arch_cpu_none while it has none. The only thread-local variable. */
extern _Thread_local struct arch_cpu *arch_cpu_ptr __attribute__((visibility("hidden")));
extern struct arch_cpu arch_cpu_none __attribute__((visibility("hidden")));

/* --- CPUs ---------------------------------------------------------------------------------- */

/* Enter the CPU's section the fast way; NULL: take the slow entry. */
static __always_inline struct arch_cpu *arch_cpu_tryenter(void)
{
	struct arch_cpu *cpu = arch_cpu_ptr;

#if KMEM_ASSERT_LEVEL >= 2
	/* Inside already. arch_cpu_lock() comes next and reports it. */
	if (!__atomic_load_n(&cpu->claim, __ATOMIC_ACQUIRE) && __atomic_load_n(&cpu->busy, __ATOMIC_RELAXED))
		return NULL;
#endif
	__atomic_store_n(&cpu->busy, 1, __ATOMIC_RELAXED);
	arch_barrier();
	if (unlikely(__atomic_load_n(&cpu->claim, __ATOMIC_ACQUIRE))) {
		__atomic_store_n(&cpu->busy, 0, __ATOMIC_RELEASE);
		return NULL;
	}
	/* Spares the caller's test for NULL its instructions. */
	if (!cpu)
		__builtin_unreachable();
	return cpu;
}

/* Leave a section that arch_cpu_tryenter() entered. */
static __always_inline void arch_cpu_leave(struct arch_cpu *cpu)
{
	__atomic_store_n(&cpu->busy, 0, __ATOMIC_RELEASE);
}

/* In a section entered the fast way: whether the machine has no other thread, and will have none
 * before the section ends. What threads share may then be changed without locked instructions. */
static __always_inline bool arch_cpu_alone(const struct arch_cpu *cpu)
{
	return likely(__atomic_load_n(&cpu->alone, __ATOMIC_ACQUIRE));
}

/* Enter whatever state the CPU is in, attaching the thread first if need be; may wait for a claim
 * to end. NULL, after a report, when there is no machine. Leave with arch_cpu_unlock(). */
struct arch_cpu *arch_cpu_lock(void);
void arch_cpu_unlock(struct arch_cpu *cpu);

/* Attach the calling thread if it is not; NULL after a report "no machine entered". */
struct arch_cpu *arch_cpu_attach(void);

/* The thread's CPU, attached if need be, outside a section: good for reading its constants. */
static __always_inline struct arch_cpu *arch_cpu_current(void)
{
	struct arch_cpu *cpu = arch_cpu_ptr;

	return likely(cpu != &arch_cpu_none) ? cpu : arch_cpu_attach();
}

/* The entered machine's kernel part, NULL after a report if there is none. */
static __always_inline struct kernel *arch_kernel(void)
{
	struct arch_cpu *cpu = arch_cpu_current();

	return likely(cpu) ? cpu->kernel : NULL;
}

/* CPU @id's structure, 0 … nr_cpus - 1. */
static __always_inline struct arch_cpu *arch_cpu_by_id(const struct arch_machine *am, unsigned int id)
{
	return (struct arch_cpu *)(void *)(am->cpus + id * am->cpu_stride);
}

/* Claim CPU @id: until arch_cpu_unclaim() no thread is in a section of it. May sleep; called with no
 * spin lock held, outside sections; several claims in ascending order. */
struct arch_cpu *arch_cpu_claim(const struct arch_machine *am, unsigned int id);
void arch_cpu_unclaim(struct arch_cpu *cpu);

/* Shut the fast entry on all CPUs, or open it again: every call then takes its slow path, where who
 * wants to see all of them stands. Any thread, outside sections and claims, with no lock held. */
void arch_slow_cpus(const struct arch_machine *am, bool on);

/* Whether this thread's CPU is entered the slow way at the moment, for whatever reason. Code without
 * sections of its own asks before it looks further. */
static __always_inline bool arch_is_slowed(void)
{
	return unlikely(__atomic_load_n(&arch_cpu_ptr->claim, __ATOMIC_RELAXED));
}

/* The lowest CPU >= @from that a thread was ever attached to, or nr_cpus: a CPU that never was used
 * has no per-CPU state to drain. */
unsigned int arch_cpu_next_used(const struct arch_machine *am, unsigned int from);

/* --- contexts ------------------------------------------------------------------------------ */

/* The calling thread's counters (lib/context.c gives them their meaning); all 0 in a new thread. */
struct arch_context {
	unsigned int preempt_count;	/* as Linux packs it */
	bool irqs_disabled;
	unsigned int rcu_depth;		/* read sections; written by arch_epoch_*() alone */
	unsigned int calls;		/* calls on their way whose right to sleep was looked at */
	uint64_t cgroup;		/* its accounting group's number; 0: none */
	unsigned int flags;		/* PF_* of lib/context.h: what its allocations may do */
	unsigned int handlers;		/* it is in functions of the program's under unknown locks: reports,
					   log lines, texts */
	const void *reading;		/* rw_semaphore under which it calls such functions, or NULL */
};

struct arch_context *arch_context(void);

/* To be called after preempt_count or irqs_disabled changed: from 0 to something the thread gets a
 * stand-in for its CPU, from something to 0 it gets its CPU back. */
void arch_context_changed(void);

/* Whether the thread, which is attached, is in an atomic context or a read section. */
static __always_inline bool arch_in_atomic(void)
{
	return __atomic_load_n(&arch_cpu_ptr->claim, __ATOMIC_RELAXED) == ARCH_CLAIM_ATOMIC;
}

/* --- epochs -------------------------------------------------------------------------------- */

/* Begin a read section on the entered machine; sections nest. False: the thread is in one of
 * another machine, and stays in that one. */
bool arch_epoch_enter(void);

/* End it. False: there is none. */
bool arch_epoch_leave(void);

/* Whether the calling thread is in a read section of @am. */
bool arch_epoch_inside(const struct arch_machine *am);

/* Begin an epoch; its number. What was unpublished before is unseen by sections that begin
 * later. */
uint64_t arch_epoch_start(const struct arch_machine *am);

/* Whether all sections that began before @epoch have ended; then what they did happened before. */
bool arch_epoch_passed(const struct arch_machine *am, uint64_t epoch);

/* Sleep until arch_epoch_passed(). Not from inside a section. */
void arch_epoch_wait(const struct arch_machine *am, uint64_t epoch);

/* Stop the process after a failed internal assertion. */
void arch_trap(void) __attribute__((noreturn));

/* --- locks --------------------------------------------------------------------------------- */

/* A lock for short critical sections; waiters spin a little, then sleep in the host. The rank says
 * where it stands in docs/locking.md; a lock may be taken only while all held ones rank lower. Only
 * threads that are attached to the lock's machine may take it, outside sections: a machine's only
 * thread takes a free lock without a locked instruction (src/sim/lock.c). */
struct arch_spinlock {
	uint32_t value;		/* 0 free, 1 held, 2 held and waited for */
	uint32_t rank;
};

void arch_spin_lock_slow(struct arch_spinlock *lock);
void arch_spin_unlock_slow(struct arch_spinlock *lock);

/* Builds with assertions check the ranks. */
#if KMEM_ASSERT_LEVEL >= 2
void arch_rank_take(const struct arch_spinlock *lock);
void arch_rank_note(const struct arch_spinlock *lock);
void arch_rank_drop(const struct arch_spinlock *lock);
#else
#define arch_rank_take(lock) ((void)0) /* before waiting for it */
#define arch_rank_note(lock) ((void)0) /* trylock, which waits for nobody, got it */
#define arch_rank_drop(lock) ((void)0)
#endif

static inline void arch_spin_init(struct arch_spinlock *lock, uint32_t rank)
{
	lock->value = 0;
	lock->rank = rank;
}

#if KMEM_ASSERT_LEVEL >= 2
/* Whether the calling thread is in a section of its CPU. Should another have come to the CPU a moment ago,
 * that one may have written `busy`, but it sets the claim first and does not come and go this often. */
static inline bool arch_cpu_seems_inside(const struct arch_cpu *cpu)
{
	for (int i = 0; i < 4; i++)
		if (__atomic_load_n(&cpu->claim, __ATOMIC_ACQUIRE) ||
		    !__atomic_load_n(&cpu->busy, __ATOMIC_ACQUIRE))
			return false;
	return true;
}
#endif

/* Outside sections: enter one, if the thread is alone in its machine. Else NULL. */
static __always_inline struct arch_cpu *arch_cpu_enter_alone(void)
{
	struct arch_cpu *cpu;

#if KMEM_ASSERT_LEVEL >= 2
	/* Inside already: leaving would end that section too. */
	if (arch_cpu_seems_inside(arch_cpu_ptr))
		arch_trap();
#endif
	cpu = arch_cpu_tryenter();
	if (unlikely(!cpu))
		return NULL;
	if (arch_cpu_alone(cpu))
		return cpu;
	arch_cpu_leave(cpu);
	return NULL;
}

/* Change a lock from @from to @to, if the thread is alone in its machine. */
static __always_inline bool arch_spin_alone(struct arch_spinlock *lock, uint32_t from, uint32_t to)
{
	struct arch_cpu *cpu = arch_cpu_enter_alone();
	bool changed = false;

	if (unlikely(!cpu))
		return false;
	if (likely(__atomic_load_n(&lock->value, __ATOMIC_ACQUIRE) == from)) {
		__atomic_store_n(&lock->value, to, __ATOMIC_RELEASE);
		changed = true;
	}
	arch_cpu_leave(cpu);
	return changed;
}

static __always_inline bool arch_spin_swap(struct arch_spinlock *lock)
{
	uint32_t free = 0;

	return __atomic_compare_exchange_n(&lock->value, &free, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static __always_inline void arch_spin_lock(struct arch_spinlock *lock)
{
	arch_rank_take(lock);
	if (unlikely(!arch_spin_alone(lock, 0, 1)) && unlikely(!arch_spin_swap(lock)))
		arch_spin_lock_slow(lock);
}

static __always_inline bool arch_spin_trylock(struct arch_spinlock *lock)
{
	if (unlikely(!arch_spin_alone(lock, 0, 1)) && !arch_spin_swap(lock))
		return false;
	arch_rank_note(lock);
	return true;
}

static __always_inline void arch_spin_unlock(struct arch_spinlock *lock)
{
	arch_rank_drop(lock);
	if (unlikely(!arch_spin_alone(lock, 1, 0)) &&
	    unlikely(__atomic_exchange_n(&lock->value, 0, __ATOMIC_RELEASE) != 1))
		arch_spin_unlock_slow(lock);
}

/* One turn of a wait loop. */
void arch_relax(void);

/* Sleep while *@word is @value, at most @ms milliseconds (0: without end); may return at any time.
 * Outside sections, with no lock held. */
void arch_wait(uint32_t *word, uint32_t value, unsigned int ms);

/* Wake all that sleep on @word, which was changed before. */
void arch_wake(uint32_t *word);

/* Whether the process has no other thread: nobody could wake this one. */
bool arch_alone(void);

/* --- memory -------------------------------------------------------------------------------- */

/* Zeroed private host memory, at least 64-byte aligned; NULL when the host has none. Whatever is not
 * freed is given back at shutdown. Takes no simulated RAM. @am: the machine it belongs to. */
void *arch_host_alloc(const struct arch_machine *am, size_t size);
void arch_host_free(const struct arch_machine *am, void *p, size_t size);

/* Give the host memory behind a range of RAM back; its contents read as zero afterwards. */
void arch_ram_discard(const struct arch_machine *am, uint64_t pfn, uint64_t nr);

/* Whether the host has memory behind all of [@phys, @phys + @size): RAM, what mem= hides included. */
bool arch_is_memory(const struct arch_machine *am, phys_addr_t phys, uint64_t size);

/* Let frames @pfn … appear in the vmalloc window too, at byte @off of it (page-aligned), in place of
 * what was there. 0, or -ENOMEM with the reason in the log: the host gives a process only so many
 * mappings. Any thread, on ranges that are its own. */
int arch_map_ram(const struct arch_machine *am, uint64_t off, uint64_t pfn, uint64_t nr,
		 bool writable);

/* Let nothing appear at @nr pages from @off on: touching them faults. 0 or -ENOMEM, as above. */
int arch_unmap_ram(const struct arch_machine *am, uint64_t off, uint64_t nr);

/* Let the device at @phys answer an access of @size bytes (<kmem/io.h>). False: there is none. */
bool arch_device_read(const struct arch_machine *am, phys_addr_t phys, unsigned int size,
		      uint64_t *value);
bool arch_device_write(const struct arch_machine *am, phys_addr_t phys, unsigned int size,
		       uint64_t value);

/* --- MMU ----------------------------------------------------------------------------------- */

/* Boot: the registers that all CPUs begin with. PAE: the top table is complete by now, its four
 * entries are read here. */
void arch_mmu_set_regs(struct arch_machine *am, const struct mmu_regs *regs);

/* mmu_walk() of <kmem/mmu.h> on @am, by the registers that boot has set. */
int arch_mmu_walk(const struct arch_machine *am, kva_t va, unsigned int access,
		  struct mmu_walk_result *res);

/* Entries for [@start, @end) were changed: no CPU uses an old translation when this returns. Waits
 * for accesses under way on other CPUs. Outside sections and claims; the only locks held are those
 * that nobody takes inside a claim (vmalloc's). On a machine whose CPUs never used their MMUs it
 * costs next to nothing. */
void arch_mmu_flush(const struct arch_machine *am, kva_t start, kva_t end);

/* The same on the calling thread's CPU alone. Any context, outside sections. */
void arch_mmu_flush_local(kva_t start, kva_t end);

/* --- watchers ------------------------------------------------------------------------------ */

/*
 * A build with AddressSanitizer, and one for Valgrind (option `valgrind`) while that runs the
 * program, tells it which memory is free, so that a program's use of it is reported where it
 * happens. In all other builds everything here is nothing.
 *
 * Memory is poisoned as it becomes free, before another thread can get at it, and unpoisoned when
 * it belongs to the caller again. The allocators keep their links in free objects: they read and
 * write these by arch_raw_read() and arch_raw_write(), which leave the place poisoned (for
 * Valgrind: untouchable, as what lies in no object).
 */
#if defined(__SANITIZE_ADDRESS__)
#define ARCH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARCH_ASAN 1
#endif
#endif

#if defined(ARCH_ASAN)
#define arch_watched() true
#elif defined(KMEM_VALGRIND)
/* Whether Valgrind runs this process. */
extern bool arch_on_valgrind __attribute__((visibility("hidden")));
#define arch_watched() unlikely(arch_on_valgrind)
#else
#define arch_watched() false
#endif

void arch_watch_poison(const void *p, size_t size);
void arch_watch_unpoison(const void *p, size_t size);
void arch_watch_object_alloc(const struct arch_machine *am, const void *p, size_t size, bool kept);
void arch_watch_object_free(const struct arch_machine *am, const void *p, size_t size);
void arch_watch_read(void *to, const void *from, size_t size);
void arch_watch_write(void *to, const void *from, size_t size);
void arch_watch_copy(void *to, const void *from, size_t size);
void arch_watch_fill(void *p, int byte, size_t size);

/* Nobody may touch @size bytes at @p: free pages, the objects of a new slab. */
static __always_inline void arch_poison(const void *p, size_t size)
{
	if (arch_watched())
		arch_watch_poison(p, size);
}

/* Everybody may: pages that were handed out. */
static __always_inline void arch_unpoison(const void *p, size_t size)
{
	if (arch_watched())
		arch_watch_unpoison(p, size);
}

/* An object of @am is handed out. Its contents mean nothing yet, unless they were @kept from its
 * last life. */
static __always_inline void arch_object_alloc(const struct arch_machine *am, const void *p,
					      size_t size, bool kept)
{
	if (arch_watched())
		arch_watch_object_alloc(am, p, size, kept);
}

/* It came back. */
static __always_inline void arch_object_free(const struct arch_machine *am, const void *p,
					     size_t size)
{
	if (arch_watched())
		arch_watch_object_free(am, p, size);
}

/* *@at, which may be poisoned. */
#define arch_raw_read(at)                                                   \
	({                                                                  \
		__typeof__(*(at)) arch_value_;                              \
                                                                            \
		if (arch_watched())                                         \
			arch_watch_read(&arch_value_, (at), sizeof(*(at))); \
		else                                                        \
			arch_value_ = *(at);                                \
		arch_value_;                                                \
	})

/* *@at = @value */
#define arch_raw_write(at, value)                                           \
	do {                                                                \
		__typeof__(*(at)) arch_value_ = (value);                    \
                                                                            \
		if (arch_watched())                                         \
			arch_watch_write((at), &arch_value_, sizeof(*(at)));\
		else                                                        \
			*(at) = arch_value_;                                \
	} while (0)

/* Copy and fill memory that may be poisoned or anybody's, for those who look after what is in it;
 * who may touch it afterwards does not change. @size may be large. */
static __always_inline void arch_raw_copy(void *to, const void *from, size_t size)
{
	if (arch_watched())
		arch_watch_copy(to, from, size);
	else
		__builtin_memcpy(to, from, size);
}

static __always_inline void arch_raw_fill(void *p, int byte, size_t size)
{
	if (arch_watched())
		arch_watch_fill(p, byte, size);
	else
		__builtin_memset(p, byte, size);
}

/* --- messages ------------------------------------------------------------------------------ */

/* Hand a finished report to the handler; returns if that wants to go on, aborts otherwise.
 * @am may be NULL: no machine. @text: whole report, title line first. */
void arch_report(const struct arch_machine *am, enum machine_report_kind kind, const char *text);

/* The same for a report whose text, the kernel's, says less than @title. */
void arch_report_titled(const struct arch_machine *am, enum machine_report_kind kind,
			const char *title, const char *text);

/* One line, no newline, to the log sink. */
void arch_log(const struct arch_machine *am, int level, const char *line);

/* Host return addresses of the callers, innermost first, @skip left out. Returns how many. */
unsigned int arch_stack_save(unsigned long *entries, unsigned int max, unsigned int skip);

/* Name of a host code address as symbol+0xoff/0xsize if known, else 0xADDR, into @buf. */
void arch_symbol(unsigned long addr, char *buf, size_t size);

/* Name and number of the calling thread, for report headers ("CPU: 0 PID: 17 Comm: name"). */
void arch_thread_name(char *buf, size_t size, int *tid);

/* --- machine life, used by src/boot only ------------------------------------------------------ */

/* Make windows, CPUs and a copy of @desc with defaults filled in; no thread is attached yet. */
int arch_machine_create(const struct machine_desc *desc, struct arch_machine **out,
			struct machine_error *err);
/* The calling thread is in the early callback of @am's boot: until arch_early_end() it is attached to no
 * machine, nor lets a call attach it. Returns the machine whose callback it was in before, or NULL, for
 * arch_early_end(). */
struct arch_machine *arch_early_begin(struct arch_machine *am);
void arch_early_end(struct arch_machine *before);
/* The machine whose early callback the thread is in, or NULL. */
struct arch_machine *arch_booting(void);
/* Attach the calling thread to CPU 0 of a machine whose kernel root is set (it becomes the thread's
 * entered machine); copies `kernel` into every CPU. */
void arch_machine_attach(struct arch_machine *am);

/*
 * What a fork() does with the kernel part's locks, for machines that go on in the child (src/sim/fork.c,
 * lib/fork.h). By any one thread at a time, attached or not. The first part is what is taken before all
 * CPUs are claimed: mutexes, and spin locks under which a CPU may be waited for. While the second part
 * is taken nobody is in a section or claim.
 *
 * TAKE: false if a lock could not be had for about @ms milliseconds; what has been taken by then is
 * given back by RELEASE. CHILD: the same in the child, where nobody else exists any more.
 */
enum arch_fork_part { ARCH_FORK_FIRST, ARCH_FORK_SECOND };
enum arch_fork_step { ARCH_FORK_TAKE, ARCH_FORK_RELEASE, ARCH_FORK_CHILD };
typedef bool arch_fork_fn(struct kernel *k, enum arch_fork_part part, enum arch_fork_step step,
			  unsigned int ms);

/* Make it known to machine_enter() and to threads that have entered none. @fork NULL: there are no
 * locks. */
void arch_machine_publish(struct arch_machine *am, arch_fork_fn *fork);
/* The machine is about to end: to a child of now on it is lost. Waits for forks under way. */
void arch_machine_no_fork(struct arch_machine *am);
/* Take it off the list and detach all threads. */
void arch_machine_retire(struct arch_machine *am);
/* Unmap and free everything. */
void arch_machine_destroy(struct arch_machine *am);
struct machine *arch_machine_handle(struct arch_machine *am);
/* NULL if @m is no live machine. */
struct arch_machine *arch_machine_from_handle(struct machine *m);

#endif
