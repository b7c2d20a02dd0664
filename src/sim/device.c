/* SPDX-License-Identifier: MIT */
/*
 * Simulated devices: ranges of physical addresses at which functions of the program answer.
 *
 * Devices stand in a tree by address and do not overlap, neither each other nor RAM nor the memory for
 * page tables. An access looks its device up under the lock and calls it without, so that a device
 * may do whatever its program likes; who removes a device sees to it that nobody accesses it.
 */
#include "sim/device.h"

#include "sim/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <kmem/io.h>

typedef unsigned long long ull;

struct device {
	struct rb_node node;
	phys_addr_t start, end;
	const struct machine_device_ops *ops;
	void *arg;
};

static struct device *device_of(struct rb_node *node)
{
	return container_of(node, struct device, node);
}

/* The lowest device that reaches above @phys. */
static struct device *first_above_locked(const struct machine *m, phys_addr_t phys)
{
	struct rb_node *node = m->devices.node;
	struct device *best = NULL;

	while (node) {
		if (device_of(node)->end > phys) {
			best = device_of(node);
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}

static bool is_taken_locked(const struct machine *m, phys_addr_t start, phys_addr_t end)
{
	const struct device *d = first_above_locked(m, start);

	return d && d->start < end;
}

static bool hits_memory(const struct machine *m, phys_addr_t start, phys_addr_t end)
{
	const struct arch_machine *am = &m->pub;

	if (start < am->table_start + am->table_size && end > am->table_start)
		return true;
	for (unsigned int i = 0; i < m->desc.nr_ram; i++)
		if (start < m->desc.ram[i].end && end > m->desc.ram[i].start)
			return true;
	return false;
}

static void insert_locked(struct machine *m, struct device *d)
{
	struct rb_node **link = &m->devices.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = d->start < device_of(parent)->start ? &parent->left : &parent->right;
	}
	rb_insert(&m->devices, &d->node, parent, link, NULL);
}

static int refused(const struct machine *m, int code, phys_addr_t start, uint64_t size,
		   const char *why)
{
	char line[160];

	snprintf(line, sizeof(line), "machine_device_add: 0x%llx bytes at 0x%llx: %s", (ull)size,
		 (ull)start, why);
	arch_log(&m->pub, 3, line);
	return code;
}

static int add(struct machine *m, struct device *d)
{
	bool taken;

	sim_lock(&m->device_lock);
	taken = is_taken_locked(m, d->start, d->end);
	if (!taken)
		insert_locked(m, d);
	sim_unlock(&m->device_lock);
	return taken ? -EBUSY : 0;
}

int machine_device_add(phys_addr_t start, uint64_t size, const struct machine_device_ops *ops,
		       void *arg)
{
	struct arch_cpu *cpu = arch_cpu_current();
	struct machine *m;
	struct device *d;

	if (!cpu)
		return -ENODEV;
	m = machine_of(cpu->machine);
	if (!size || (start | size) & ~PAGE_MASK)
		return refused(m, -EINVAL, start, size, "not whole pages");
	if (start + size < start || start + size > (uint64_t)1 << m->desc.maxphyaddr)
		return refused(m, -EINVAL, start, size, "beyond the machine's physical addresses");
	if (hits_memory(m, start, start + size))
		return refused(m, -EBUSY, start, size, "there is memory");
	d = malloc(sizeof(*d));
	if (!d)
		return refused(m, -ENOMEM, start, size, "no host memory");
	*d = (struct device){.start = start, .end = start + size, .ops = ops, .arg = arg};
	if (!add(m, d))
		return 0;
	free(d);
	return refused(m, -EBUSY, start, size, "there is another device");
}

int machine_device_remove(phys_addr_t start)
{
	struct arch_cpu *cpu = arch_cpu_current();
	struct device *d;
	struct machine *m;

	if (!cpu)
		return -ENODEV;
	m = machine_of(cpu->machine);
	sim_lock(&m->device_lock);
	d = first_above_locked(m, start);
	if (d && d->start != start)
		d = NULL;
	if (d)
		rb_erase(&m->devices, &d->node, NULL);
	sim_unlock(&m->device_lock);
	free(d);
	return d ? 0 : -ENOENT;
}

/* A copy of the device that has all of [@phys, @phys + @size); false: there is none. */
static bool find(const struct arch_machine *am, phys_addr_t phys, unsigned int size,
		 struct device *copy)
{
	struct machine *m = machine_of(am);
	const struct device *d;
	bool found;

	sim_lock(&m->device_lock);
	d = first_above_locked(m, phys);
	found = d && phys >= d->start && d->end - phys >= size;
	if (found)
		*copy = *d;
	sim_unlock(&m->device_lock);
	return found;
}

bool arch_device_read(const struct arch_machine *am, phys_addr_t phys, unsigned int size,
		      uint64_t *value)
{
	struct device d;

	if (!find(am, phys, size, &d))
		return false;
	*value = d.ops && d.ops->read ? d.ops->read(d.arg, phys - d.start, size) : UINT64_MAX;
	return true;
}

bool arch_device_write(const struct arch_machine *am, phys_addr_t phys, unsigned int size,
		       uint64_t value)
{
	struct device d;

	if (!find(am, phys, size, &d))
		return false;
	if (d.ops && d.ops->write)
		d.ops->write(d.arg, phys - d.start, size, value);
	return true;
}

void devices_init(struct machine *m)
{
	arch_spin_init(&m->device_lock, LOCK_RANK_LEAF);
	m->devices.node = NULL;
}

void devices_release(struct machine *m)
{
	while (m->devices.node) {
		struct rb_node *node = m->devices.node;

		rb_erase(&m->devices, node, NULL);
		free(device_of(node));
	}
}
