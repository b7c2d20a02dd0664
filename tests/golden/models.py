#!/usr/bin/env python3
"""models.py KMEMSIM BACKEND FOLDER SEED RUNS: small models of the three allocators on CPU 0.

A model takes a cache's geometry as given and says where each object lies, which slabs go back, and
what every list holds. First the models are held against what real kernels answered (the scripts of
FOLDER that use nothing else), so that a wrong model fails too; then RUNS random scripts are
performed by KMEMSIM and the model, on machines of one to four nodes and with words that move orders.
"""
import os
import random
import subprocess
import sys
import tempfile


class Slab:
    """Any backend's: `free` holds the free objects' numbers, the next one first."""

    def __init__(self, name, node, free):
        self.name, self.node, self.free = name, node, free
        self.frozen = False     # SLUB: some CPU's
        self.colour = 0         # SLAB: offset of its first object, bytes


class Cache:
    """An object is a pair of its slab and its number there."""

    def __init__(self, geometry, nodes):
        self.size, self.num = int(geometry['size']), int(geometry['perslab'])
        self.names, self.gone = 0, []
        self.slabs = [0] * nodes
        self.nodes = nodes

    def new_slab(self, node):
        slab = Slab(self.names, node, list(range(self.num)))
        self.names += 1
        self.slabs[node] += 1
        return slab

    def discard(self, slab):
        self.slabs[slab.node] -= 1
        self.gone.append(slab.name)

    def used(self, slab):
        return self.num - len(slab.free)


class SlubCache(Cache):
    """A CPU's slab with a free list of its own, the CPU's partial list, a partial list a node."""

    def __init__(self, geometry, nodes, cpus, words):
        super().__init__(geometry, nodes)
        self.pad = int(geometry['redleft'])
        self.cpu_slabs = int(geometry['cpu_partial_slabs'])
        self.min_partial = int(geometry['min_partial'])
        debug = 0x100 | 0x400 | 0x800 | 0x10000 | 0x200000
        self.debug = int(geometry['flags'], 16) & debug != 0
        self.has_cpu_partial = int(geometry['cpu_partial']) > 0
        self.slab, self.list, self.cpu_partial = None, [], []
        self.partial = [[] for _ in range(nodes)]

    def offset(self, obj):
        return obj[1] * self.size + self.pad

    def alloc(self, node):
        if self.debug:
            return self.alloc_debug(node)
        while not (self.slab and self.slab.node == node and self.list):
            self.find(node)
        return self.slab, self.list.pop(0)

    def alloc_debug(self, node):
        if not self.partial[node]:
            self.partial[node].append(self.new_slab(node))
        slab = self.partial[node][0]
        number = slab.free.pop(0)
        if not slab.free:
            self.partial[node].remove(slab)
        return slab, number

    def find(self, node):
        """One step towards a free list."""
        if self.slab and self.slab.node != node:
            self.deactivate()
        elif self.slab and self.slab.free:
            self.list, self.slab.free = self.slab.free, []
        elif self.slab:
            self.slab.frozen, self.slab = False, None
        elif self.cpu_partial:
            self.slab = self.cpu_partial.pop(0)
        elif self.partial[node]:
            self.refill(self.partial[node])
        else:
            self.slab = self.new_slab(node)
            self.slab.frozen = True

    def refill(self, partial):
        taken = 0
        while partial:
            slab = partial.pop(0)
            slab.frozen = True
            if self.slab:
                self.cpu_partial.insert(0, slab)
                taken += 1
            else:
                self.slab, self.list, slab.free = slab, slab.free, []
            if not self.has_cpu_partial or taken > self.cpu_slabs // 2:
                break

    def wanted(self, slab):
        return len(slab.free) < self.num or len(self.partial[slab.node]) < self.min_partial

    def deactivate(self):
        slab, remote = self.slab, bool(self.slab.free)
        slab.free, slab.frozen = self.list + slab.free, False
        self.slab, self.list = None, []
        if not self.wanted(slab):
            self.discard(slab)
        elif slab.free:
            at = len(self.partial[slab.node]) if remote else 0
            self.partial[slab.node].insert(at, slab)

    def unfreeze(self, slabs):
        for slab in slabs:
            slab.frozen = False
            if self.wanted(slab):
                self.partial[slab.node].append(slab)
            else:
                self.discard(slab)

    def free(self, obj):
        self.free_many(obj[0], [obj[1]])

    def free_many(self, slab, numbers):
        if slab is self.slab:
            self.list = numbers + self.list
            return
        was_full = not slab.free and not slab.frozen
        slab.free = numbers + slab.free
        if slab.frozen:
            return
        if was_full and self.has_cpu_partial and not self.debug:
            self.to_cpu(slab)
            return
        partial = self.partial[slab.node]
        if not self.wanted(slab):
            if not was_full:
                partial.remove(slab)
            self.discard(slab)
        elif was_full:
            partial.append(slab)

    def to_cpu(self, slab):
        slab.frozen = True
        spilled = []
        if len(self.cpu_partial) >= self.cpu_slabs > 0 and self.cpu_partial:
            spilled, self.cpu_partial = self.cpu_partial, []
        self.cpu_partial.insert(0, slab)
        self.unfreeze(spilled)

    def free_bulk(self, objs):
        """From the end, objects of the same slab together if they are near, in reverse."""
        objs = list(objs)
        size = len(objs)
        while size:
            size -= 1
            slab, numbers, same, look = objs[size][0], [objs[size][1]], size, 3
            while size:
                size -= 1
                if objs[size][0] is slab:
                    numbers.append(objs[size][1])
                    same -= 1
                    objs[size], objs[same] = objs[same], objs[size]
                    continue
                look -= 1
                if not look:
                    break
            self.free_many(slab, numbers)
            size = same

    def shrink(self):
        if self.slab:
            self.deactivate()
        spilled, self.cpu_partial = self.cpu_partial, []
        self.unfreeze(spilled)
        for node, slabs in enumerate(self.partial):
            few = [[] for _ in range(33)]
            rest = []
            for slab in slabs:
                if len(slab.free) == self.num:
                    self.discard(slab)
                elif len(slab.free) <= 32:
                    few[len(slab.free)].insert(0, slab)
                else:
                    rest.append(slab)
            self.partial[node] = sum(few, []) + rest
        return int(any(self.slabs))

    def state(self):
        def names(slabs):
            return ' '.join(f's{s.name}:{self.used(s)}/{self.num}' for s in slabs)
        cpu = '-'
        if self.slab:
            # what the CPU took counts as used
            cpu = f's{self.slab.name}:free={len(self.list)},inuse={self.used(self.slab)}'
        text = f'cpu={cpu} cpupartial=[{names(self.cpu_partial)}]'
        for node, slabs in enumerate(self.partial):
            text += (f' node{node} nr_partial={len(slabs)} nr_slabs={self.slabs[node]}'
                     f' total={self.slabs[node] * self.num} partial=[{names(slabs)}]')
        return text

    def active(self):
        return sum(self.slabs) * self.num - sum(len(s.free) for l in self.partial for s in l)


class Node:
    def __init__(self, shared, limit):
        self.partial, self.full, self.empty = [], [], []
        self.free, self.colour, self.shared, self.limit = 0, 0, shared, limit


class SlabCache(Cache):
    """SLAB: a CPU's array, for each node a shared one and three lists, alien arrays of 12."""

    def __init__(self, geometry, nodes, cpus, words):
        super().__init__(geometry, nodes)
        value = {k: int(v) for k, v in geometry.items() if v.isdigit()}
        self.colours, self.colour_off = value['colour'], value['colour_off']
        self.limit, self.batch = value['limit'], value['batchcount']
        self.room = value['shared'] * self.batch
        self.array, self.touched = [], 0
        self.node = []
        for n in range(nodes):
            here = cpus // nodes + (n < cpus % nodes)
            self.node.append(Node([] if self.room else None, (1 + here) * self.batch + self.num))
        self.alien = None if 'noaliencache' in words else [[] for _ in range(nodes)]

    def offset(self, obj):
        return obj[0].colour + obj[1] * self.size

    def lists(self, slab):
        node = self.node[slab.node]
        return node.partial, node.full, node.empty

    def unlist(self, slab):
        for slabs in self.lists(slab):
            if slab in slabs:
                slabs.remove(slab)

    def take(self, slab, want):
        got = [(slab, number) for number in slab.free[:want]]
        del slab.free[:want]
        self.unlist(slab)
        node = self.node[slab.node]
        (node.partial if slab.free else node.full).insert(0, slab)
        return got

    def grow(self, nid, want):
        node, slab = self.node[nid], self.new_slab(nid)
        node.colour = node.colour + 1 if node.colour + 1 < self.colours else 0
        slab.colour = node.colour * self.colour_off
        node.free += self.num
        got = self.take(slab, want)
        node.free -= len(got)
        return got

    def from_lists(self, nid, want):
        node, got = self.node[nid], []
        while len(got) < want and (node.partial or node.empty):
            got += self.take((node.partial or node.empty)[0], want - len(got))
        node.free -= len(got)
        return got

    def alloc(self, nid):
        if nid:
            return (self.from_lists(nid, 1) or self.grow(nid, 1))[0]
        if not self.array:
            batch = self.batch if self.touched else min(self.batch, 16)
            shared = self.node[0].shared
            if shared:
                self.array = shared[-batch:]
                del shared[-batch:]
            else:
                self.array = self.from_lists(0, batch) or self.grow(0, batch)
        self.touched = 1
        return self.array.pop()

    def put(self, nid, objs):
        node = self.node[nid]
        for slab, number in objs:
            self.unlist(slab)
            slab.free.insert(0, number)
            if len(slab.free) == self.num:
                node.empty.insert(0, slab)
            else:
                node.partial.append(slab)
        node.free += len(objs)
        while node.free > node.limit and node.empty:
            self.give_back(node)

    def give_back(self, node):
        self.discard(node.empty.pop())
        node.free -= self.num

    def free(self, obj):
        nid = obj[0].node
        if nid and self.alien is None:
            self.put(nid, [obj])
        elif nid:
            if len(self.alien[nid]) >= (12 if self.limit > 1 else 1):
                self.drain_alien(nid)
            self.alien[nid].append(obj)
        else:
            if len(self.array) >= self.limit:
                self.flush()
            self.array.append(obj)

    def free_bulk(self, objs):
        for obj in objs:
            self.free(obj)

    def flush(self):
        shared, batch = self.node[0].shared, self.batch
        room = self.room - len(shared) if self.room else 0
        if room:
            batch = min(batch, room)
            shared += self.array[:batch]
        else:
            self.put(0, self.array[:batch])
        del self.array[:batch]

    def drain_alien(self, nid):
        objs, node = self.alien[nid], self.node[nid]
        if self.room:
            at = len(objs) - min(len(objs), self.room - len(node.shared))
            node.shared += objs[at:]
            del objs[at:]
        self.put(nid, objs)
        self.alien[nid] = []

    def shrink(self):
        self.put(0, self.array)
        self.array = []
        for nid in range(1, self.nodes):
            if self.alien and self.alien[nid]:
                self.drain_alien(nid)
        for nid, node in enumerate(self.node):
            if node.shared:
                self.put(nid, node.shared)
                node.shared = []
        for node in self.node:
            while node.empty:
                self.give_back(node)
        return int(any(node.partial or node.full for node in self.node))

    def state(self):
        def names(slabs, count):
            return ''.join(f' s{s.name}' + (f':{self.used(s)}' if count else '') for s in slabs)
        text = f'ac={len(self.array)}/{self.limit} batch={self.batch} touched={self.touched}'
        for nid, node in enumerate(self.node):
            shared = f'{len(node.shared)}/{self.room}' if self.room else '-1/-1'
            text += (f' node{nid} shared={shared} total_slabs={self.slabs[nid]}'
                     f' free_slabs={len(node.empty)} free_objects={node.free}'
                     f' free_limit={node.limit} colour_next={node.colour}'
                     f' partial=[{names(node.partial, True)} ] full=[{names(node.full, False)} ]'
                     f' free=[{names(node.empty, False)} ]')
        return text

    def active(self):
        return sum(self.slabs) * self.num - sum(node.free for node in self.node)


class Slob:
    """The heap of a machine: three lists of pages; a page's free blocks are [byte, length]."""

    def __init__(self):
        self.lists, self.names, self.gone = [[], [], []], 0, []

    def list_for(self, size):
        return self.lists[0 if size < 256 else 1 if size < 1024 else 2]

    @staticmethod
    def carve(page, length, align, offset):
        """The first place where the byte @offset further on is aligned; None: there is none."""
        for i, (start, room) in enumerate(page.free):
            at = -(-(start + offset) // align) * align - offset
            if at + length <= start + room:
                rest = [[start, at - start], [at + length, start + room - at - length]]
                page.free[i:i + 1] = [block for block in rest if block[1]]
                return at
        return None

    def alloc(self, size, align, offset):
        length, pages = size + size % 2, self.list_for(size)
        for i, page in enumerate(pages):
            if sum(block[1] for block in page.free) < length:
                continue
            at = self.carve(page, length, align, offset)
            if at is None:
                continue
            if page.free:
                pages[:] = pages[i:] + pages[:i]
            else:
                pages.remove(page)
            return page, at, size
        page = Slab(self.names, 0, [[0, 4096]])
        self.names += 1
        at = self.carve(page, length, align, offset)
        if page.free:
            pages.insert(0, page)
        return page, at, size

    def free(self, obj):
        page, at, size = obj
        if not page.free:
            self.list_for(size).insert(0, page)
        joined = []
        for start, length in sorted(page.free + [[at, size + size % 2]]):
            if joined and sum(joined[-1]) == start:
                joined[-1][1] += length
            else:
                joined.append([start, length])
        page.free = joined
        if joined == [[0, 4096]]:
            for pages in self.lists:
                if page in pages:
                    pages.remove(page)
            self.gone.append(page.name)

    def state(self):
        text = []
        for name, pages in zip(('small', 'medium', 'large'), self.lists):
            blocks = [','.join(f'{at}:{length}' for at, length in page.free) for page in pages]
            units = [sum(length for _, length in page.free) // 2 for page in pages]
            text.append(f'{name}=[ ' + ''.join(
                f's{p.name}:{u}{{{b}}} ' for p, u, b in zip(pages, units, blocks)) + ']')
        return ' '.join(text)


class SlobCache:
    def __init__(self, heap, geometry):
        self.heap, self.size, self.align = heap, int(geometry['size']), int(geometry['align'])
        self.gone = []

    def alloc(self, node):
        return self.heap.alloc(self.size, self.align, 0)

    @staticmethod
    def offset(obj):
        return obj[1]

    def free(self, obj):
        self.heap.free(obj)

    def free_bulk(self, objs):
        for obj in objs:
            self.free(obj)

    @staticmethod
    def shrink():
        return 0


MODELS = {'slub': SlubCache, 'slab': SlabCache}


def kmalloc(heap, op, objects, lines):
    """SLOB's: a header of 8 bytes. False: it takes whole pages."""
    size = int(op[2])
    if not 0 < size < 4088:
        return False
    align = size if size > 8 and not size & (size - 1) else 8
    objects[int(op[1][1:])] = page, at, _ = heap.alloc(size + 8, align, 8)
    lines.append(f'kmalloc {op[1]} {size} = s{page.name}+{at + 8} ksize={size + size % 2}')
    return True


def perform(backend, script, output, words):
    """What the script prints; None: it uses what there is no model of."""
    nodes = cpus = 1
    caches, objects, lines, heap = {}, {}, [], Slob()
    for line in script:
        op = line.split()
        if not op or op[0] == '#':
            continue
        if op[0] == '#SMP':
            cpus = int(op[1])
        elif op[0] == '#NUMA':
            nodes = int(op[1])
        elif op[0] == 'cache':
            made = next(l for l in output if l.startswith(f'cache {op[1]} name={op[2]} '))
            if op[1] in caches or op[5].find('TYPESAFE') >= 0:
                return None
            geometry = dict(word.split('=') for word in made.split()[3:])
            if backend != 'slob':
                caches[op[1]] = MODELS[backend](geometry, nodes, cpus, words)
            elif int(geometry['size']) >= 4096 or nodes > 1:
                return None
            else:
                caches[op[1]] = SlobCache(heap, geometry)
            lines.append(made)
        elif op[0] in ('alloc', 'allocn', 'balloc'):
            if op[0] == 'alloc' and nodes > 1:
                return None
            cache = caches[op[1]]
            number = int(op[2][1:])
            for i in range(int(op[3]) if op[0] == 'balloc' else 1):
                objects[number + i] = obj = cache.alloc(int(op[3]) if op[0] == 'allocn' else 0)
                place = f'o{number + i} = s{obj[0].name}+{cache.offset(obj)}'
                if op[0] == 'balloc' and not i:
                    lines.append(f'balloc {op[1]} n={op[3]} ret={op[3]}')
                lines.append(f'  {place}' if op[0] == 'balloc' else f'alloc {op[1]} {place}')
            if op[0] == 'allocn':
                lines[-1] += f' nid={op[3]}'
        elif op[0] == 'free':
            caches[op[1]].free(objects.pop(int(op[2][1:])))
        elif op[0] == 'bfree':
            first = int(op[2][1:])
            caches[op[1]].free_bulk([objects.pop(first + i) for i in range(int(op[3]))])
            lines.append(f'bfree {op[1]} n={op[3]}')
        elif op[0] == 'shrink':
            lines.append(f'shrink {op[1]} = {caches[op[1]].shrink()}')
        elif op[0] == 'kmalloc' and backend == 'slob' and kmalloc(heap, op, objects, lines):
            pass
        elif op[0] == 'kfree' and backend == 'slob':
            heap.free(objects.pop(int(op[1][1:])))
        elif op[:2] == ['print', 'state'] and backend == 'slob':
            lines.append(f'state slob {heap.state()}')
        elif op[:2] == ['print', 'cache'] and backend == 'slob':
            lines.append(f'cache {op[2]} ')
        elif op[:2] == ['print', 'state']:
            lines.append(f'state {op[2]} {caches[op[2]].state()}')
        elif op[:2] == ['print', 'cache']:
            cache = caches[op[2]]
            lines.append(f'active_objs={cache.active()} num_objs={sum(cache.slabs) * cache.num} ')
        else:
            return None
        for name, cache in [*caches.items(), ('slob', heap)]:
            lines += [f'  slabfree {name} s{slab}' for slab in sorted(cache.gone)]
            cache.gone = []
    return lines


def difference(lines, output):
    output = [line for line in output if not line.startswith('  ctor')]
    for model, line in zip(lines, output):
        if model != line and not (model.endswith(' ') and model in line):
            return f'model:   {model}\n#   printed: {line}'
    return None if len(lines) == len(output) else f'{len(lines)} lines, printed {len(output)}'


def draw(rand, backend):
    """A script, and words for the command line."""
    nodes = rand.choice([1, 1, 2, 3, 4]) if backend != 'slob' else 1
    flags = ['-', '-', 'HWCACHE_ALIGN', 'CTOR', 'RECLAIM_ACCOUNT', 'RED_ZONE|POISON']
    script = [f'#NUMA {nodes}']
    if backend != 'slob':
        script.append(f'#SMP {nodes * rand.choice([1, 2, 4])}')
    live, n = [], 0
    script.append(f'cache c0 t0 {rand.choice([16, 64, 100, 192, 300, 512, 704, 1000, 2048, 4000])} '
                  f'{rand.choice([0, 0, 64])} {rand.choice(flags)}')
    for _ in range(rand.choice([60, 200])):
        what = rand.random()
        if what < .45:
            for _ in range(rand.choice([1, 2, 8, 40])):
                where = f' {rand.randrange(nodes)}'
                script.append(f'allocn c0 o{n}{where}' if nodes > 1 else f'alloc c0 o{n}')
                live.append(n)
                n += 1
        elif what < .85:
            for _ in range(min(len(live), rand.choice([1, 2, 8, 45]))):
                at = rand.randrange(len(live)) if rand.random() < .7 else -1
                script.append(f'free c0 o{live.pop(at)}')
        elif what < .9 and nodes == 1:
            count = rand.randrange(1, 50)
            script += [f'balloc c0 o{n} {count}', f'bfree c0 o{n} {count}']
            n += count
        elif what < .93 and backend == 'slob':
            script.append(f'kmalloc o{n} {rand.randrange(1, 2000)} KERNEL')
            script += [f'kfree o{n}'] * rand.randrange(2)
            n += 1
        elif what < .93:
            script.append('shrink c0')
        else:
            script += ['print state c0', 'print cache c0']
    order = rand.randrange(4)
    words = {
        'slub': ['', f'slub_max_order={order}', f'slub_min_objects={rand.choice([2, 30])}'],
        'slab': ['', f'slab_max_order={order}', 'noaliencache'],
        'slob': [''],
    }
    return script, rand.choice(words[backend])


def golden(backend, folder):
    """The model against real kernels. How many scripts it covers."""
    covered = 0
    for name in sorted(os.listdir(folder)):
        want = os.path.join(folder, name[:-4] + f'.{backend}.out')
        if not name.endswith('.ops') or not os.path.exists(want):
            continue
        with open(os.path.join(folder, name)) as f, open(want) as g:
            script, output = f.read().splitlines(), g.read().splitlines()
        lines = perform(backend, script, output, '')
        bad = lines and difference(lines, output)
        if bad:
            sys.exit(f'the model is not the kernel in {name}:\n#   {bad}')
        covered += lines is not None
    return covered


def main():
    kmemsim, backend, folder, seed, runs = sys.argv[1:]
    covered = golden(backend, folder)
    print(f'{covered} golden scripts are as the model has them')
    if covered < 15:
        sys.exit('the golden scripts are missing')
    rand = random.Random(int(seed))
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, 'script.ops')
        for run in range(int(runs)):
            script, words = draw(rand, backend)
            with open(path, 'w') as f:
                f.write('\n'.join(script) + '\n')
            done = subprocess.run([kmemsim, 'run', path] + (['--cmdline', words] if words else []),
                                  capture_output=True, text=True)
            output = done.stdout.splitlines()
            bad = done.stderr[:500] if done.returncode else \
                difference(perform(backend, script, output, words), output)
            if bad:
                sys.exit(f'run {run} of seed {seed}, "{words}":\n#   {bad}')
    print(f'{runs} random scripts, seed {seed}: no difference')


main()
