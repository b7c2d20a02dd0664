#!/bin/sh
# walk: entries, leaves of each size, faults, JSON.
kmemsim=$1
root=$2
. "$root/tests/tools/lib.sh"

works "$kmemsim" walk --machine mem=256M 0xffff888000200123
prints '^address  0xffff888000200123$'
prints '^cr3      0x[0-9a-f]+, 4-level paging$'
prints '^pgd +0x[0-9a-f]+888 +0x0000[0-9a-f]+067 +table +P RW US A D$'
prints '^pud +0x[0-9a-f]+000 +0x0000[0-9a-f]+067 +table +P RW US A D$'
prints '^pmd +0x[0-9a-f]+008 +0x80000000002001e3 +2 MiB page +P RW A D PS G NX$'
prints '^physical 0x200123 in a 2 MiB page$'
prints '^TLB      2 MiB page 0xffff888000200000 -> 0x200000, readable W global$'

echo "# leaves of other sizes: the first 2 MiB have a hole, the second GiB has none"
if host_is_32; then
    machine=mem=1G gib=
else
    machine=mem=4G gib=0xffff888040000000
fi
# shellcheck disable=SC2086 # an empty word is none
works "$kmemsim" walk --machine $machine 0xffff888000001000 $gib
prints '^pte +0x[0-9a-f]+008 +0x8000000000001163 +4 KiB page +P RW A D G NX$'
if [ -n "$gib" ]; then
    prints '^pud +0x[0-9a-f]+008 +0x80000000400001e3 +1 GiB page +P RW A D PS G NX$'
    prints '^physical 0x40000000 in a 1 GiB page$'
fi

echo "# faults"
works "$kmemsim" walk 0 0xffffc90000000000 0x1000000000000000
prints '^pgd .* not present'
prints '^page fault, error code 0x0, CR2 0x0000000000000000$'
prints '^page fault, error code 0x0, CR2 0xffffc90000000000$'
prints '^general protection fault: the address is not canonical$'
prints '^TLB      nothing$'

works "$kmemsim" walk --json --machine mem=256M 0xffff888000200123
prints '"kind": "2 MiB page"'
prints '"physical": "0x200123"'
prints '"mode": "4-level"'
prints '"tlb": .*"page": "0xffff888000200000".*"rights": "W global"'
echo "# other paging modes"
works "$kmemsim" walk --machine x86_32 0xc0100000 0xc0800000 0x1000
prints '^cr3      0x[0-9a-f]+, 32-bit paging$'
prints '^pte +0x[0-9a-f]+400 +0x0000000000100163 +4 KiB page +P RW A D G$'
prints '^pgd +0x[0-9a-f]+c08 +0x00000000008001e3 +4 MiB page +P RW A D PS G$'
prints '^TLB      4 MiB page 0x00000000c0800000 -> 0x800000, readable W X global$'
prints '^page fault, error code 0x0, CR2 0x0000000000001000$'
works "$kmemsim" walk --machine x86_32_pae 0xc0800000
prints '^cr3      0x[0-9a-f]+, PAE paging$'
prints '^pgd +0x[0-9a-f]+018 +0x[0-9a-f]+001 +table +P$'
prints '^TLB      2 MiB page 0x00000000c0800000 -> 0x800000, readable W global$'
works "$kmemsim" walk --machine x86_64_la57 0xff11000000100000 ${gib:+0xff11000040000000}
prints '^cr3      0x[0-9a-f]+, 5-level paging$'
prints '^p4d +0x[0-9a-f]+000 +0x[0-9a-f]+067 +table +P RW US A D$'
prints '^TLB      4 KiB page 0xff11000000100000 -> 0x100000, readable W global$'
[ -z "$gib" ] || prints '^TLB      1 GiB page 0xff11000040000000 -> 0x40000000, readable W global$'
finish
