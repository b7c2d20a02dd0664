/* SPDX-License-Identifier: MIT */
/*
 * On private memory a page has one address, so vmalloc() returns the direct-map pointer of a block
 * of consecutive frames, and vfree() gets it back. The area in the vmalloc region exists as ever,
 * with its page tables; what leads from the pointer to it is this tree. Blocks do not overlap.
 */
#include "vmalloc/vmalloc.h"

#include "lib/list.h"

static struct vmap_vm *vm_of(struct rb_node *node)
{
	return container_of(node, struct vmap_vm, by_addr);
}

void direct_add(struct vmalloc *v, struct vmap_vm *vm)
{
	struct rb_node **link, *parent = NULL;

	arch_spin_lock(&v->direct_lock);
	link = &v->direct.node;
	while (*link) {
		parent = *link;
		link = (uintptr_t)vm->vm.addr < (uintptr_t)vm_of(parent)->vm.addr ? &parent->left :
										    &parent->right;
	}
	rb_insert(&v->direct, &vm->by_addr, parent, link, NULL);
	arch_spin_unlock(&v->direct_lock);
}

/* The guard page is not part of the block. */
static bool contains(const struct vmap_vm *vm, const void *addr)
{
	return (uintptr_t)addr - (uintptr_t)vm->vm.addr < vm->vm.size - PAGE_SIZE;
}

static struct vmap_vm *find_locked(struct vmalloc *v, const void *addr)
{
	struct rb_node *node = v->direct.node;

	while (node && !contains(vm_of(node), addr)) {
		bool below = (uintptr_t)addr < (uintptr_t)vm_of(node)->vm.addr;

		node = below ? node->left : node->right;
	}
	return node ? vm_of(node) : NULL;
}

struct vmap_vm *direct_find(struct vmalloc *v, const void *addr)
{
	struct vmap_vm *vm;

	arch_spin_lock(&v->direct_lock);
	vm = find_locked(v, addr);
	arch_spin_unlock(&v->direct_lock);
	return vm;
}

struct vmap_vm *direct_take(struct vmalloc *v, const void *addr)
{
	struct vmap_vm *vm;

	arch_spin_lock(&v->direct_lock);
	vm = find_locked(v, addr);
	if (vm && vm->vm.addr != addr)
		vm = NULL;
	if (vm)
		rb_erase(&v->direct, &vm->by_addr, NULL);
	arch_spin_unlock(&v->direct_lock);
	return vm;
}
