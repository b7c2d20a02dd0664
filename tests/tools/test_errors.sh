#!/bin/sh
# Bad input: one line that names file, line and reason; exit status 2; nothing on stdout.
kmemsim=$1
root=$2
. "$root/tests/tools/lib.sh"
traces=$root/examples/traces
header=seq,time_ns,cpu,tid,op,cache,ptr_id,bytes_req,bytes_alloc,order,gfp,node,migratetype
good=1,0,0,1,kmalloc,,1,100,128,,GFP_KERNEL,-1,

# A trace of the header, a good row, and the lines given.
trace() {
    printf '%s\n' "$header" "$good" "$@" >"$work/t.csv"
}

script() {
    printf '%s\n' "$@" >"$work/s.ops"
}

echo "# files"
refuses 'nothere.csv: No such file' "$kmemsim" replay "$work/nothere.csv"
refuses 'Is a directory' "$kmemsim" replay "$work"
: >"$work/empty.csv"
refuses 'empty.csv: an empty file' "$kmemsim" replay "$work/empty.csv"
head -c 1000000 "$traces/find-stat.csv.zst" >"$work/cut.csv.zst"
refuses 'cut.csv.zst:[0-9]+: .*truncated' "$kmemsim" replay "$work/cut.csv.zst"
{
    head -c 100000 "$traces/find-stat.csv.zst"
    echo damage
    tail -c +100008 "$traces/find-stat.csv.zst"
} >"$work/damaged.csv.zst"
refuses 'damaged.csv.zst:[0-9]+: ' "$kmemsim" replay "$work/damaged.csv.zst"

echo "# rows"
printf '%s\n' "seq,wrong,header" "$good" >"$work/t.csv"
refuses 't.csv:1: not the header' "$kmemsim" replay "$work/t.csv"
printf '%s\r\n' "$header" "$good" >"$work/t.csv"
refuses 't.csv:1: lines end in CR LF' "$kmemsim" replay "$work/t.csv"
printf '# tracer: nop\r\n#\r\n' >"$work/t.txt"
refuses 't.txt:1: lines end in CR LF' "$kmemsim" replay "$work/t.txt"
printf '%s\n' "$header" >"$work/t.csv"
refuses 't.csv:1: a header and no rows' "$kmemsim" replay "$work/t.csv"
echo "some words" >"$work/t.csv"
refuses 't.csv:1: no trace' "$kmemsim" replay "$work/t.csv"
trace 'garbage'
refuses 't.csv:3: 1 fields' "$kmemsim" replay "$work/t.csv"
trace '2,0,0,1,kmalloc,,2,100,128,,GFP_KERNEL,-1,,more'
refuses 't.csv:3: more than 13 fields' "$kmemsim" replay "$work/t.csv"
trace '2,0,0,1,realloc,,2,100,128,,GFP_KERNEL,-1,'
refuses "t.csv:3: unknown op 'realloc'" "$kmemsim" replay "$work/t.csv"
trace '2,0,0,1,kmalloc,,2,many,128,,GFP_KERNEL,-1,'
refuses "t.csv:3: bytes_req: 'many'" "$kmemsim" replay "$work/t.csv"
trace '2,0,9999,1,kfree,,1,,,,,,'
refuses "t.csv:3: cpu: '9999'" "$kmemsim" replay "$work/t.csv"
trace '2,0,0,1,kmalloc,,-1,100,128,,GFP_KERNEL,-1,'
refuses "t.csv:3: ptr_id: '-1'" "$kmemsim" replay "$work/t.csv"
trace '2,0,0,1,alloc,,2,100,128,,GFP_KERNEL,-1,'
refuses "t.csv:3: cache: ''" "$kmemsim" replay "$work/t.csv"
trace '2,0,0,1,alloc,box,2,0,128,,GFP_KERNEL,-1,'
refuses "t.csv:3: bytes_req: '0'" "$kmemsim" replay "$work/t.csv"
trace '2,0,0,1,alloc,box,2,5000000,5000000,,GFP_KERNEL,-1,'
refuses "t.csv:3: bytes_req: '5000000'" "$kmemsim" replay "$work/t.csv"
trace '2,0,4000,1,kfree,,1,,,,,,'
refuses 't.csv: cpus=4001: ' "$kmemsim" replay "$work/t.csv"
trace '2,0,0,1,page_alloc,,2,,,11,GFP_KERNEL,,0'
refuses "t.csv:3: order: '11'" "$kmemsim" replay "$work/t.csv"
trace '2,0,0,1,page_alloc,,2,,,0,GFP_KERNEL,,'
refuses "t.csv:3: migratetype: ''" "$kmemsim" replay "$work/t.csv"
trace '2,0,0,1,kmalloc,,2,100,128,,nonsense,-1,'
refuses "t.csv:3: gfp: 'nonsense'" "$kmemsim" replay "$work/t.csv"
printf '%s\n%s\n2,0,0,1,kfr\000ee,,1,,,,,,\n' "$header" "$good" >"$work/t.csv"
refuses 't.csv:3: a NUL byte' "$kmemsim" replay "$work/t.csv"
head -c 2000000 /dev/zero | tr '\0' x >"$work/t.csv"
refuses 't.csv:1: a line longer' "$kmemsim" replay "$work/t.csv"

echo "# options (other forms of traces: test_traces.sh)"
trace
refuses "format: 'xml' is none" "$kmemsim" replay --format xml "$work/t.csv"

echo "# caches file"
refuses 'nothere.csv: No such file' "$kmemsim" replay --caches "$work/nothere.csv" "$work/t.csv"
echo 'trace_name,object_size' >"$work/c.csv"
refuses "c.csv:1: no column 'align'" "$kmemsim" replay --caches "$work/c.csv" "$work/t.csv"
printf 'trace_name,object_size,align,hwcache_align,reclaim_account,ctor\nfilp,184,64,1,0,maybe\n' >"$work/c.csv"
refuses "c.csv:2: ctor: 'maybe'" "$kmemsim" replay --caches "$work/c.csv" "$work/t.csv"
printf 'trace_name,object_size,align,hwcache_align,reclaim_account,ctor\nfilp,184,64\n' >"$work/c.csv"
refuses 'c.csv:2: 3 fields' "$kmemsim" replay --caches "$work/c.csv" "$work/t.csv"
printf 'trace_name,object_size,align,hwcache_align,reclaim_account,ctor\nbox,0,3,0,0,0\n' >"$work/c.csv"
trace '2,0,0,1,alloc,box,2,100,128,,GFP_KERNEL,-1,'
refuses "cache 'box' of 0-byte objects, aligned to 3, cannot" "$kmemsim" replay --caches "$work/c.csv" "$work/t.csv"

echo "# machines"
for command in boot "replay $work/t.csv"; do
    # shellcheck disable=SC2086
    refuses 'machine:1: x86_65: ' "$kmemsim" $command --machine x86_65
    refuses 'machine:1: mem=4K: ' "$kmemsim" $command --machine mem=4K
    refuses 'machine:1: mem=0: ' "$kmemsim" $command --machine mem=0
    refuses 'machine:1: mem=999999999T: ' "$kmemsim" $command --machine mem=999999999T
    refuses 'beyond 46 physical address bits' "$kmemsim" $command --machine mem=100T
    refuses 'machine:1: colour=red: ' "$kmemsim" $command --machine colour=red
    refuses "unknown word 'slab_nomrege'" "$kmemsim" $command --cmdline slab_nomrege
done
printf 'preset=x86_64\ncpus=none\n' >"$work/machine"
refuses 'machine:2: cpus=none: ' "$kmemsim" boot --machine "$work/machine"

echo "# the command line"
refuses 'no command' "$kmemsim"
refuses "option '--jsno'" "$kmemsim" --jsno boot
refuses "option '--sampels'" "$kmemsim" replay --sampels 3 "$work/t.csv"
refuses "option '-x'" "$kmemsim" compare -x "$work/t.csv"
refuses "option '--caches'" "$kmemsim" replay "$work/t.csv" --caches
refuses "option '--csv=1'" "$kmemsim" replay "$work/t.csv" --csv=1
refuses "no command 'bot'" "$kmemsim" bot
refuses 'no file' "$kmemsim" mmu
refuses 't.csv:1: no file of page-walk cases' "$kmemsim" mmu "$work/t.csv"
printf '# libkmem mmu golden 1\n# mode long4 maxphyaddr 40 cases 1\nC 0 perm 80000011 1000 20 500 0\nA r 4 0 0 1000\n' >"$work/t.mmu"
# the file's machine boots, which takes a terabyte of the host's addresses
host_is_32 || refuses 't.mmu:4: an A line belongs behind an E line' "$kmemsim" mmu "$work/t.mmu"
printf '# libkmem mmu golden 1\n# mode long6 maxphyaddr 40 cases 1\n' >"$work/t.mmu"
refuses 't.mmu:2: the mode is legacy32' "$kmemsim" mmu "$work/t.mmu"
refuses 'no address' "$kmemsim" walk
refuses "'here' is no address" "$kmemsim" walk 0 here
refuses "'0x10000000000000000' is no address" "$kmemsim" walk 0x10000000000000000
refuses "'0x100000000': this machine's addresses have 32 bits" "$kmemsim" walk --machine x86_32 0xc0000000 0x100000000
refuses "unexpected word 'now'" "$kmemsim" boot now
refuses 'show nosuch: no such text .*slabinfo' "$kmemsim" boot --show nosuch
refuses 'no trace' "$kmemsim" replay
refuses 'no trace' "$kmemsim" compare
refuses 'one trace at a time' "$kmemsim" replay "$work/t.csv" "$work/t.csv"
refuses "samples: 'x'" "$kmemsim" replay --samples x "$work/t.csv"
refuses 'not both' "$kmemsim" replay --csv --json "$work/t.csv"
refuses "rounds: '0'" "$kmemsim" compare --rounds 0 "$work/t.csv"
refuses 'nothere.csv: No such file' "$kmemsim" compare "$work/nothere.csv"
mkfifo "$work/pipe"
refuses 'pipe: compare reads a trace many times' "$kmemsim" compare "$work/pipe"
refuses 'no script' "$kmemsim" run

echo "# scripts: nothing runs before all of it is understood"
refuses 'nothere.ops: No such file' "$kmemsim" run "$work/nothere.ops"
script 'kmalloc o1 100 KERNEL' 'kmaloc o1 100 KERNEL'
refuses "s.ops:2: unknown op 'kmaloc'" "$kmemsim" run "$work/s.ops"
script 'kmalloc o1 100 KERNEL' 'kmalloc o1 1x KERNEL'
refuses "s.ops:2: kmalloc: '1x' is no number" "$kmemsim" run "$work/s.ops"
script 'kmalloc o1 -5 KERNEL'
refuses 's.ops:1: kmalloc: -5 is out of range' "$kmemsim" run "$work/s.ops"
script 'kmalloc o1 100 KERNAL'
refuses "s.ops:1: kmalloc: unknown GFP word 'KERNAL'" "$kmemsim" run "$work/s.ops"
script 'kmalloc o1 100'
refuses 's.ops:1: kmalloc: too few' "$kmemsim" run "$work/s.ops"
script 'kfree o1 o2'
refuses "s.ops:1: kfree: unexpected 'o2'" "$kmemsim" run "$work/s.ops"
script 'kfree p1'
refuses "s.ops:1: kfree: 'p1'" "$kmemsim" run "$work/s.ops"
script 'kfree o99999999999'
refuses 's.ops:1: kfree: ' "$kmemsim" run "$work/s.ops"
script 'alloc c0 o1'
refuses 's.ops:1: alloc: there is no cache c0' "$kmemsim" run "$work/s.ops"
script 'cache c0 t 64 0 -' 'destroy c0' 'alloc c0 o1'
refuses 's.ops:3: alloc: there is no cache c0' "$kmemsim" run "$work/s.ops"
script 'cache c0 t 64 0 -' 'cache c0 u 64 0 -'
refuses 's.ops:2: cache: c0 exists' "$kmemsim" run "$work/s.ops"
script 'cache c0 t 64 0 SHINY'
refuses "s.ops:1: cache: unknown cache flag 'SHINY'" "$kmemsim" run "$work/s.ops"
script 'pages o1 0 KERNEL' 'kfree o1'
refuses 's.ops:2: kfree: o1 is a block of pages' "$kmemsim" run "$work/s.ops"
script 'kmalloc o1 10 KERNEL' 'fpages o1'
refuses 's.ops:2: fpages: o1 is an object' "$kmemsim" run "$work/s.ops"
script 'print everything'
refuses "s.ops:1: unknown op 'print everything'" "$kmemsim" run "$work/s.ops"
script '#SMP many' 'drain'
refuses "s.ops:1: #SMP: 'many'" "$kmemsim" run "$work/s.ops"
script '#MEM lots' drain
refuses "s.ops:1: #MEM: 'lots'" "$kmemsim" run "$work/s.ops"
script '#ONLY slub64' 'drain'
refuses "s.ops:1: #ONLY: unknown kernel 'slub64'" "$kmemsim" run "$work/s.ops"
script 'kmalloc o1 100 KERNEL' 'drain' 'poke o1 -1 0x141'
refuses "s.ops:3: poke: 321 is no byte" "$kmemsim" run "$work/s.ops"
script 'drain' 'validate c2'
refuses "s.ops:2: " "$kmemsim" run "$work/s.ops"
script 'vmalloc o2 4096 KERNEL'
refuses "s.ops:1: vmalloc: unexpected 'KERNEL'" "$kmemsim" run "$work/s.ops"
script 'arena 2 Elsewhere M'
refuses "s.ops:1: arena: unknown zone 'Elsewhere'" "$kmemsim" run "$work/s.ops"
script 'arena 2 DMA32 X'
refuses "s.ops:1: arena: unknown migratetype 'X'" "$kmemsim" run "$work/s.ops"
script 'arena 0 DMA32 M'
refuses 's.ops:1: arena: 0 blocks are out of range' "$kmemsim" run "$work/s.ops"
for early in 'pcp 100 15' 'wmark 1 2 3 4' 'exhaust 0 KERNEL' 'print buddy'; do
    script "$early" 'arena 2 DMA32 M'
    refuses "s.ops:1: [a-z ]+: there is no arena" "$kmemsim" run "$work/s.ops"
done
script 'arena 2 DMA32 M' 'pcp 0 15'
refuses 's.ops:2: pcp: high or batch is out of range' "$kmemsim" run "$work/s.ops"
script 'arena 2 DMA32 M' 'wmark 1 2 3 4000000000'
refuses 's.ops:2: wmark: 4000000000 is out of range' "$kmemsim" run "$work/s.ops"
finish
