/* SPDX-License-Identifier: MIT */
/*
 * Messages and reports. The text is made here, in buffers on the stack, so that a report works when
 * memory is what has run out; who prints it is the machine's business (arch_log, arch_report).
 *
 * A report reads as the kernel's do: the title, who was running, and the way there.
 *
 *	kfree: pointer 0xffff888000123008 is in no slab
 *	CPU: 0 PID: 4711 Comm: replay
 *	Call Trace:
 *	 kfree+0x4b/0x90
 *	 main+0x21/0x40
 *
 * A WARN has a rule above it ("cut here"), a line with its place in the source behind the title,
 * and an end mark.
 */
#include "lib/report.h"

#include "lib/kernel.h"
#include "lib/kfmt.h"
#include "lib/string.h"

#define LINE_MAX_LEN 1024
#define TITLE_MAX_LEN 512
#define TEXT_MAX_LEN 4096
#define STACK_MAX 24

static const struct arch_machine *machine_of(struct kernel *k)
{
	return k ? k->arch : NULL;
}

void pr_log(struct kernel *k, int level, const char *fmt, ...)
{
	char line[LINE_MAX_LEN];
	va_list args;

	va_start(args, fmt);
	kvsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	arch_log(machine_of(k), level, line);
}

void pr_lines(struct kernel *k, int level, char *text)
{
	while (*text) {
		char *end = strchr(text, '\n');

		if (end)
			*end = '\0';
		pr_log(k, level, "%s", text);
		if (!end)
			return;
		text = end + 1;
	}
}

static noinline void put_stack(struct seq_file *m, unsigned int skip)
{
	unsigned long entries[STACK_MAX];
	unsigned int n = arch_stack_save(entries, STACK_MAX, skip);
	char name[128];

	if (!n)
		return;
	seq_puts(m, "Call Trace:\n");
	for (unsigned int i = 0; i < n; i++) {
		arch_symbol(entries[i], name, sizeof(name));
		seq_printf(m, " %s\n", name);
	}
}

noinline void report_put_caller(struct seq_file *m, unsigned int skip)
{
	char comm[32];
	int tid;

	arch_thread_name(comm, sizeof(comm), &tid);
	seq_printf(m, "CPU: %u PID: %d Comm: %s\n", arch_cpu_ptr->id, tid, comm);
	put_stack(m, skip + 2);
}

void report_mark_cut(const struct seq_file *m)
{
	if (m->len >= m->size)
		__builtin_memcpy(m->buf + m->size - 5, "...\n", 5);
}

/* Level with its public callers: the stack starts at whoever reports. */
static noinline void report_line(struct kernel *k, enum machine_report_kind kind, const char *title)
{
	char text[TEXT_MAX_LEN];
	struct seq_file m;

	seq_init_buf(&m, text, sizeof(text));
	seq_printf(&m, "%s\n", title);
	report_put_caller(&m, 2);
	report_mark_cut(&m);
	arch_report(machine_of(k), kind, text);
}

static void put_place(struct seq_file *m, const struct report_place *at, unsigned long caller)
{
	const char *file = at->file;
	char comm[32], name[128];
	int tid;

	while (!strncmp(file, "../", 3))
		file += 3;
	arch_thread_name(comm, sizeof(comm), &tid);
	arch_symbol(caller, name, sizeof(name));
	seq_printf(m, "WARNING: CPU: %u PID: %d at %s:%d %s\n", arch_cpu_ptr->id, tid, file,
		   at->line, name);
}

noinline void report_warn_at(struct kernel *k, const struct report_place *at, const char *fmt, ...)
{
	char title[TITLE_MAX_LEN], text[TEXT_MAX_LEN];
	struct seq_file m;
	va_list args;

	va_start(args, fmt);
	kvsnprintf(title, sizeof(title), fmt, args);
	va_end(args);
	seq_init_buf(&m, text, sizeof(text));
	seq_puts(&m, "------------[ cut here ]------------\n");
	if (!at->silent)
		seq_printf(&m, "%s\n", title);
	put_place(&m, at, (unsigned long)__builtin_return_address(0));
	report_put_caller(&m, 1);
	seq_puts(&m, "---[ end trace 0000000000000000 ]---\n");
	report_mark_cut(&m);
	report_taint(k, TAINT_WARN);
	arch_report_titled(machine_of(k), MACHINE_WARN, title, text);
}

#define DEFINE_REPORT(name, kind)                                  \
	noinline void name(struct kernel *k, const char *fmt, ...) \
	{                                                          \
		char title[TITLE_MAX_LEN];                         \
		va_list args;                                      \
                                                                   \
		va_start(args, fmt);                               \
		kvsnprintf(title, sizeof(title), fmt, args);       \
		va_end(args);                                      \
		report_line(k, kind, title);                       \
	}

DEFINE_REPORT(report_bug, MACHINE_BUG)
DEFINE_REPORT(report_panic, MACHINE_PANIC)

void report_text(struct kernel *k, enum machine_report_kind kind, const char *text)
{
	arch_report(machine_of(k), kind, text);
}

void report_taint(struct kernel *k, enum report_taint taint)
{
	if (k)
		__atomic_fetch_or(&k->taint, 1u << taint, __ATOMIC_RELAXED);
}

void report_put_taint(struct seq_file *m, const struct kernel *k)
{
	static const char letters[] = "GFSRMBUDAWCIOELKXTN";
	uint32_t taint = k ? __atomic_load_n(&k->taint, __ATOMIC_RELAXED) : 0;

	if (!taint) {
		seq_puts(m, "Not tainted");
		return;
	}
	seq_puts(m, "Tainted: G");
	for (unsigned int i = 1; i < sizeof(letters) - 1; i++)
		seq_putc(m, taint >> i & 1 ? letters[i] : ' ');
}

int error_set(struct machine_error *err, int code, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return code;
	err->code = code;
	va_start(args, fmt);
	kvsnprintf(err->reason, sizeof(err->reason), fmt, args);
	va_end(args);
	return code;
}

void kassert_failed(const char *what, const char *file, int line)
{
	char text[LINE_MAX_LEN];

	ksnprintf(text, sizeof(text), "libkmem: %s:%d: assertion failed: %s", file, line, what);
	arch_log(NULL, 0, text);
	arch_trap();
}
