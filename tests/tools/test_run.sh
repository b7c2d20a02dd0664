#!/bin/sh
# test_run.sh KMEMSIM ROOT BACKEND: scripts that the golden runs do not have.
kmemsim=$1
root=$2
backend=$3
. "$root/tests/tools/lib.sh"

echo "# the same script twice prints the same bytes"
script=$root/tests/golden/seq/26-random-caches.ops
works "$kmemsim" run "$script"
cp "$work/stdout" "$work/first"
works "$kmemsim" run "$script"
cmp "$work/first" "$work/stdout" || fail "two runs differ"
[ -s "$work/first" ] || fail "nothing printed"

echo "# small things"
cat >"$work/s.ops" <<END
#SMP 2
# a comment, and one behind an op
kfree o5
kmalloc o1 0 KERNEL   # zero
kfree o1
kmalloc o2 5000000 KERNEL|NOWARN
kfree o2
ksize o2
cache c0 t0 64 0 CTOR
cache c7 seven 128 0 HWCACHE_ALIGN|RECLAIM_ACCOUNT
pages o3 3 KERNEL
fpages o3
fpages o3
drain
geom 100 0 -
geom 100 3 -
ksweep 4194303 4194306
say start
END
works "$kmemsim" run "$work/s.ops"
prints '^free-none o5$'
prints '^kmalloc o1 0 = ZERO_SIZE_PTR$'
prints '^kmalloc o2 5000000 = NULL$'
prints '^free-none o2$'
prints '^ksize o2 = 0$'
prints '^cache c0 name=t0 objsize=64 size='
prints '^cache c7 name=seven objsize=128 size='
prints '^pages o3 3 = zone=DMA32 nid=0 aligned=1 block=[UMR]$'
prints '^free-none o3$'
prints '^drain$'
prints '^geom req=100 reqalign=0 reqflags=- objsize=100 size='
prints '^geom req=100 reqalign=3 reqflags=- NULL$'
prints '^ksweep 4194303 ksize=4194304 where=pages$'
prints '^ksweep 4194305 ksize=0 where=null$'
prints '^ksweep 4194306 ksize=0 where=null$'
[ "$(grep -c ^ksweep "$work/stdout")" -eq 3 ] || fail "ksweep printed other lines too"

echo "# misuse is reported on stderr, and the script goes on"
cat >"$work/s.ops" <<END
cache c0 left 100 0 -
cache c1 right 100 0 -
alloc c0 o1
say start
refree c1 o1
alloc c0 o2
say end
END
works "$kmemsim" run "$work/s.ops"
prints '^alloc c0 o2 = s[01]\+'
if [ "$backend" != slob ]; then
    [ -s "$work/stderr" ] || fail "no report of an object freed to a wrong cache"
fi

echo "# an arena that cannot be leaves the machine as it is; the ops that mean it do nothing"
cat >"$work/s.ops" <<END
arena 1000 DMA32 M
arena 1 HighMem M
pcp 100 15
wmark 1 2 3 4
exhaust 0 NOWARN
print buddy
pages o1 0 KERNEL
arena 1 DMA32 U
pages o2 3 NOWARN
arena 1 DMA32 U
fpages o2
drain
exhaust 10 NOWARN
END
works "$kmemsim" run "$work/s.ops"
cat >"$work/want" <<END
arena zone=DMA32 blocks=1000 = NULL
arena zone=HighMem blocks=1 = NULL
pages o1 0 = zone=DMA32 nid=0 aligned=1 block=U
arena zone=DMA32 blocks=1 order=10 pageblock_order=9 pages=1024
pages o2 3 = zone=DMA32 nid=0 aligned=1 block=U pfn=0
arena zone=DMA32 blocks=1 = NULL
drain
exhaust order=10 gfp=NOWARN n=1 | 0:DMA32 got=1 free=0 pcp=0 min=0 boost=0 highatomic=0
END
cmp "$work/want" "$work/stdout" || { fail "arena"; diff "$work/want" "$work/stdout"; }
finish
