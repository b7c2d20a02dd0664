#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""layers.py SOURCE_ROOT CC: the rule of the house, checked on includes and on objects.

The kernel part (src/ without src/sim) is compiled here, freestanding, optimised, without LTO or
sanitizers, whatever the build itself uses. Then:

  includes   a folder includes itself and what lies below it; the kernel part takes from the system
             only headers without code; tools and examples see public headers only
  symbols    an object refers to its own folder and those below, arch_*, eight functions of libc and
             the compiler's helpers
  data       no object holds writable data
"""
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

BELOW = {
    "lib": set(),
    "memblock": {"lib"},
    "buddy": {"lib", "memblock"},
    "common": {"lib", "buddy"},
    "slab": {"lib", "buddy", "common"},
    "slub": {"lib", "buddy", "common"},
    "slob": {"lib", "buddy", "common"},
    "vmalloc": {"lib", "buddy", "common"},
    "boot": {"lib", "memblock", "buddy", "common", "vmalloc"},
}
BACKENDS = ("slab", "slub", "slob")
# What a backend provides and common and boot may call: its contract is src/common/backend.h.
CONTRACT = re.compile(r"^(backend_\w+|kmem_cache_(alloc|alloc_node|free|alloc_bulk|free_bulk)|"
                      r"kmem_(kmalloc|kmalloc_node|kfree|ksize))$")
LIBC = {"memcpy", "memmove", "memset", "memcmp", "strlen", "strcmp", "strncmp", "strchr"}
HELPER = re.compile(r"^__\w*(si2|di2|di3|di4|ti3)$")
SYSTEM = {"stdarg.h", "stddef.h", "stdint.h", "stdbool.h", "limits.h"}
FLAGS = ["-std=gnu17", "-O2", "-ffreestanding", "-fno-stack-protector", "-fno-pic", "-fno-pie",
         "-ftls-model=initial-exec", "-fvisibility=hidden", "-fno-lto", "-fno-sanitize=all"]
WRITABLE = (".data", ".bss", ".tdata", ".tbss")

errors = []


def error(text):
    errors.append(text)


def sources(root, folder, suffixes):
    for where, dirs, files in os.walk(os.path.join(root, folder)):
        dirs.sort()
        for name in sorted(files):
            if name.endswith(suffixes):
                yield os.path.join(where, name)


def includes(path):
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            m = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
            if m:
                yield number, m.group(1) == "<", m.group(2)


def check_kernel_include(root, folder, path, number, system, name):
    where = f"{os.path.relpath(path, root)}:{number}"
    if system:
        if name not in SYSTEM and not name.startswith("kmem/"):
            error(f"{where}: the kernel part may not include <{name}>")
        return
    if name == "arch.h":
        return
    target = name.split("/")[0]
    if "/" not in name or (target != folder and target not in BELOW[folder]):
        error(f'{where}: {folder} may not include "{name}"')


def check_includes(root):
    for folder in sorted(os.listdir(os.path.join(root, "src"))):
        if not os.path.isdir(os.path.join(root, "src", folder)):
            continue
        if folder not in BELOW and folder != "sim":
            error(f"src/{folder}: unknown folder")
            continue
        for path in sources(root, os.path.join("src", folder), (".c", ".h")):
            for number, system, name in includes(path):
                if folder != "sim":
                    check_kernel_include(root, folder, path, number, system, name)
                elif not system and name != "arch.h" and name.split("/")[0] not in ("sim", "lib"):
                    error(f'{os.path.relpath(path, root)}:{number}: the machine may not include "{name}"')
    for folder in ("tools", "examples", "bench"):
        for path in sources(root, folder, (".c", ".h")):
            for number, system, name in includes(path):
                beside = os.path.exists(os.path.join(os.path.dirname(path), name))
                if not system and not beside:
                    error(f'{os.path.relpath(path, root)}:{number}: {folder} may not include "{name}"')


def compile_all(root, cc, out):
    jobs = []
    for folder in BELOW:
        for path in sources(root, os.path.join("src", folder), (".c",)):
            obj = os.path.join(out, os.path.relpath(path, root).replace("/", "-") + ".o")
            jobs.append((folder, path, obj))

    def run(job):
        _, path, obj = job
        return subprocess.run([*cc, *FLAGS, "-I", os.path.join(root, "include"), "-I",
                               os.path.join(root, "src"), "-c", path, "-o", obj],
                              capture_output=True, text=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for job, done in zip(jobs, pool.map(run, jobs)):
            if done.returncode:
                sys.exit(f"{job[1]} does not compile:\n{done.stderr}")
    return jobs


def symbols(obj):
    defined, undefined = set(), set()
    text = subprocess.run(["nm", obj], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        kind, name = line.split()[-2:]
        if kind == "U":
            undefined.add(name)
        elif kind.isupper():
            defined.add(name)
    return defined, undefined


def writable_bytes(obj):
    text = subprocess.run(["objdump", "-h", obj], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        fields = line.split()
        if len(fields) > 2 and fields[0].isdigit() and fields[1].startswith(WRITABLE):
            if int(fields[2], 16):
                yield fields[1], int(fields[2], 16)


def check_objects(root, jobs):
    owners = {}
    table = []
    for folder, path, obj in jobs:
        defined, undefined = symbols(obj)
        for name in defined:
            owners.setdefault(name, set()).add(folder)
        table.append((folder, os.path.relpath(path, root), undefined))
        for section, size in writable_bytes(obj):
            error(f"{os.path.relpath(path, root)}: {size} bytes of mutable data in {section}")
    for folder, path, undefined in table:
        for name in sorted(undefined):
            if name in LIBC or name.startswith("arch_") or HELPER.match(name):
                continue
            if name == "_GLOBAL_OFFSET_TABLE_":
                continue
            owner = owners.get(name, set())
            if folder in owner or owner & BELOW[folder]:
                continue
            if owner & set(BACKENDS) and folder in ("common", "boot", "vmalloc") and CONTRACT.match(name):
                continue
            # The machine implements a part of <kmem/machine.h>; boot may call that part.
            if not owner and folder == "boot" and name.startswith("kmem_machine_"):
                continue
            what = f"of {'/'.join(sorted(owner))}" if owner else "of nobody in the kernel part"
            error(f"{path}: refers to {name} {what}")


def main():
    root, cc = sys.argv[1], sys.argv[2:]
    check_includes(root)
    with tempfile.TemporaryDirectory() as out:
        jobs = compile_all(root, cc, out)
        check_objects(root, jobs)
    for text in errors:
        print(text)
    print(f"layers: {len(jobs)} objects, {len(errors)} errors")
    return 1 if errors or len(jobs) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
