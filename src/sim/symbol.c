/* SPDX-License-Identifier: MIT */
/*
 * Names of code addresses, for the stacks in reports.
 *
 * The dynamic linker knows exported functions only, and a program that links the library statically
 * exports none. So the symbol table of the file on disk is looked at next; it is there unless the
 * program was stripped. Each look maps the file anew and keeps nothing: reports are rare, and a table
 * kept would be one more thing that belongs to the process.
 */
#include "arch.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
	const char *data;
	size_t size;
};

static bool map_file(const char *path, struct file *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p = MAP_FAILED;

	if (fd < 0)
		return false;
	if (!fstat(fd, &st) && st.st_size > 0)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return false;
	*f = (struct file){p, (size_t)st.st_size};
	return true;
}

/* @n entries of @size bytes at @offset, or NULL if the file does not hold them, aligned. */
static const void *part_of(const struct file *f, uint64_t offset, uint64_t n, size_t size)
{
	if (offset > f->size || offset % sizeof(long) || n > (f->size - offset) / size)
		return NULL;
	return f->data + offset;
}

static const ElfW(Shdr) *sections_of(const struct file *f, unsigned int *n)
{
	const ElfW(Ehdr) *elf = part_of(f, 0, 1, sizeof(*elf));

	if (!elf || memcmp(elf->e_ident, ELFMAG, SELFMAG) ||
	    elf->e_ident[EI_CLASS] != (sizeof(long) == 8 ? ELFCLASS64 : ELFCLASS32) ||
	    elf->e_shentsize != sizeof(ElfW(Shdr)))
		return NULL;
	*n = elf->e_shnum;
	return part_of(f, elf->e_shoff, elf->e_shnum, sizeof(ElfW(Shdr)));
}

/* The function in which @addr, an address inside the file, lies. */
static const ElfW(Sym) *find_function(const struct file *f, const ElfW(Shdr) *table, uint64_t addr)
{
	size_t n = table->sh_size / sizeof(ElfW(Sym));
	const ElfW(Sym) *symbols = part_of(f, table->sh_offset, n, sizeof(*symbols));

	for (size_t i = 0; symbols && i < n; i++) {
		if ((symbols[i].st_info & 0xf) == STT_FUNC && addr >= symbols[i].st_value &&
		    addr - symbols[i].st_value < symbols[i].st_size)
			return &symbols[i];
	}
	return NULL;
}

static bool name_from_table(const struct file *f, const ElfW(Shdr) *sections, unsigned int n,
			    const ElfW(Shdr) *table, uint64_t addr, uint64_t ret, char *buf,
			    size_t size)
{
	const ElfW(Sym) *symbol = find_function(f, table, addr);
	const ElfW(Shdr) *strings = table->sh_link < n ? &sections[table->sh_link] : NULL;
	uint64_t at, end;

	if (!symbol || !strings)
		return false;
	at = strings->sh_offset + symbol->st_name;
	end = strings->sh_offset + strings->sh_size;
	if (end > f->size || at >= end || !memchr(f->data + at, 0, end - at))
		return false;
	snprintf(buf, size, "%s+0x%lx/0x%lx", f->data + at, (unsigned long)(ret - symbol->st_value),
		 (unsigned long)symbol->st_size);
	return true;
}

/* From the file that is mapped @bias bytes above its own addresses. */
static bool name_from_file(const char *path, uint64_t bias, uint64_t ret, char *buf, size_t size)
{
	const ElfW(Shdr) *sections;
	unsigned int n = 0;
	struct file f;
	bool found = false;

	if (!map_file(path, &f))
		return false;
	sections = sections_of(&f, &n);
	for (unsigned int i = 0; sections && i < n && !found; i++) {
		if (sections[i].sh_type == SHT_SYMTAB)
			found = name_from_table(&f, sections, n, &sections[i], ret - bias - 1, ret - bias,
						buf, size);
	}
	munmap((void *)(uintptr_t)f.data, f.size);
	return found;
}

/* @ret is a return address and may lie just behind the function that made the call. */
void arch_symbol(unsigned long ret, char *buf, size_t size)
{
	const struct link_map *map = NULL;
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;

	if (dladdr1((void *)(ret - 1), &info, (void **)&symbol, RTLD_DL_SYMENT) && info.dli_sname &&
	    symbol) {
		snprintf(buf, size, "%s+0x%lx/0x%lx", info.dli_sname,
			 ret - (unsigned long)info.dli_saddr, (unsigned long)symbol->st_size);
		return;
	}
	if (dladdr1((void *)(ret - 1), &info, (void **)&map, RTLD_DL_LINKMAP) && map &&
	    name_from_file(*map->l_name ? map->l_name : "/proc/self/exe", map->l_addr, ret, buf, size))
		return;
	snprintf(buf, size, "0x%lx", ret);
}
