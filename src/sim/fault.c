/* SPDX-License-Identifier: MIT */
/*
 * Accesses of the program to addresses of a machine where nothing is: a guard page, an area that was
 * purged, a hole of the RAM map. The host sends SIGSEGV; a program that wants to know more asks for a
 * report in the kernel's words. The handler makes it and hands the signal on to whoever had it before,
 * so the process ends as it would have, or a debugger or sanitizer takes over.
 *
 * It looks at the machine that the thread has entered and takes no lock. The signal comes out of the
 * program's own access, not out of the library, so the report handler may do what it does elsewhere.
 */
#include "sim/process.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

static struct {
	pthread_mutex_t mutex;
	bool on;
	struct sigaction before;	/* whose the signal was */
} faults = {.mutex = PTHREAD_MUTEX_INITIALIZER};

#define FAULT_WRITE 1
#define FAULT_READ 0
#define FAULT_UNKNOWN (-1)

/* The host's own error code, where it has Intel's. */
static int kind_of(const void *context)
{
#if (defined(__x86_64__) || defined(__i386__)) && defined(REG_ERR)
	const ucontext_t *uc = context;

	return uc->uc_mcontext.gregs[REG_ERR] & X86_PF_WRITE ? FAULT_WRITE : FAULT_READ;
#else
	return FAULT_UNKNOWN;
#endif
}

/* What the simulated x86 calls @addr; false: it is no address of @m. */
static bool kva_of(const struct machine *m, const char *addr, kva_t *kva)
{
	const struct arch_machine *am = &m->pub;

	if ((uint64_t)(addr - am->ram) < am->ram_size)
		*kva = am->direct_base + (uint64_t)(addr - am->ram);
	else if (am->vmalloc && (uint64_t)(addr - am->vmalloc) < am->vmap_size)
		*kva = am->vmalloc_base + (uint64_t)(addr - am->vmalloc);
	else
		return false;
	return true;
}

static void report(const struct machine *m, kva_t kva, int kind)
{
	static const char *const names[] = {"read", "write"};
	char text[320];

	snprintf(text, sizeof(text),
		 "BUG: unable to handle page fault for address: %016llx\n"
		 "#PF: supervisor %s access in kernel mode\n"
		 "#PF: error_code(0x%04x) - not-present page\n",
		 (unsigned long long)kva, kind < 0 ? "data" : names[kind],
		 kind == FAULT_WRITE ? X86_PF_WRITE : 0u);
	arch_report(&m->pub, MACHINE_BUG, text);
}

/* The signal goes to whoever had it before. */
static void hand_on(int signal, siginfo_t *info, void *context)
{
	if (faults.before.sa_flags & SA_SIGINFO) {
		faults.before.sa_sigaction(signal, info, context);
		return;
	}
	if (faults.before.sa_handler != SIG_DFL && faults.before.sa_handler != SIG_IGN) {
		faults.before.sa_handler(signal);
		return;
	}
	/* The access comes again and ends the process. */
	sigaction(SIGSEGV, &faults.before, NULL);
}

static void handle(int signal, siginfo_t *info, void *context)
{
	int error = errno;
	const struct arch_cpu *cpu = arch_cpu_ptr;
	kva_t kva;

	if (cpu->machine && kva_of(machine_of(cpu->machine), info->si_addr, &kva))
		report(machine_of(cpu->machine), kva, kind_of(context));
	errno = error;
	hand_on(signal, info, context);
}

void faults_lock(void)
{
	pthread_mutex_lock(&faults.mutex);
}

void faults_unlock(void)
{
	pthread_mutex_unlock(&faults.mutex);
}

int machine_report_faults(bool on)
{
	struct sigaction ours = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_NODEFER};
	int ret = 0;

	pthread_mutex_lock(&faults.mutex);
	if (on != faults.on)
		ret = on ? sigaction(SIGSEGV, &ours, &faults.before) :
			   sigaction(SIGSEGV, &faults.before, NULL);
	if (ret)
		ret = -errno;
	else
		faults.on = on;
	pthread_mutex_unlock(&faults.mutex);
	return ret;
}
