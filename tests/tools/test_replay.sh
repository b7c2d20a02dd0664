#!/bin/sh
# test_replay.sh KMEMSIM ROOT BACKEND: traces replayed; figures against those of real kernels.
kmemsim=$1
root=$2
backend=$3
. "$root/tests/tools/lib.sh"
traces=$root/examples/traces

# Every row of ours is the real kernel's: ops, live objects, requested bytes, pages, peak of pages.
against_kernel() {
    grep "^$1,$backend," "$traces/real-kernels.csv" | cut -d, -f3- >"$work/kernel"
    tail -n +2 "$2" >"$work/ours"
    [ "$(wc -l <"$work/kernel")" -eq 21 ] || fail "$1: the kernel's figures are missing"
    cmp -s "$work/kernel" "$work/ours" && return
    fail "$1 on $backend: pages are not the real kernel's; first rows that differ (kernel, ours):"
    diff "$work/kernel" "$work/ours" | grep '^[<>]' | head -n 4
}

for trace in find-stat fork-exec; do
    works "$kmemsim" replay "$traces/$trace.csv.zst" --caches "$traces/caches.csv" --objects-only \
        --one-cpu --samples 20 --csv
    [ -s "$work/stderr" ] && fail "$trace: $(head -n 1 "$work/stderr")"
    [ "$(head -n 1 "$work/stdout")" = ops,live_objs,req_bytes,pages,peak_pages ] || fail "no csv header"
    cp "$work/stdout" "$work/$trace.csv"
    # the kernels had 64 bits and cache lines of 64 bytes; on SLOB their alignment shows
    { host_is_32 && [ "$backend" = slob ]; } || against_kernel "$trace" "$work/$trace.csv"
    works "$kmemsim" replay "$traces/$trace.csv.zst" --caches "$traces/caches.csv" --objects-only \
        --one-cpu --samples 20 --csv
    cmp "$work/stdout" "$work/$trace.csv" || fail "$trace: a second run prints something else"
done

echo "# everything, on the trace's two CPUs"
works "$kmemsim" replay "$traces/fork-exec.csv.zst" --caches "$traces/caches.csv"
prints "^backend +$backend, 2 CPUs\$"
prints '^trace .*: 302267 rows \(97532 alloc, 77751 free, 5154 kmalloc, 44919 kfree, 37878 page_alloc, 39033 page_free\)$'
prints '^not performed +38729 frees of NULL, 404 of unknown objects, 1198 of unknown pages$'
prints '^added +16984 frees that the trace lacks$'
prints '^events +[0-9]+ performed, [0-9.]+ ns each$'
prints '^page events +order 0: 37869, order 1: 2, order 2: 1, order 3: 6$'
prints '^failures +0$'

echo "# JSON"
works "$kmemsim" replay --json "$traces/fork-exec.csv.zst" --caches "$traces/caches.csv" --one-cpu
for key in events ns_per_event read_ns_per_row peak_req_bytes peak_live_bytes pages peak_pages overhead \
    internal_fragmentation slabs management_bytes failures; do
    prints "\"$key\": [0-9.]+,\$"
done
prints '"page_allocs_by_order": \[[0-9, ]+\]'
prints '"zone": "DMA32", "by_order": \['

echo "# the same events as csv and as text"
# figures FILE [OPTION...]: all that a replay finds but times, and what only text has.
figures() {
    "$kmemsim" replay --json "$@" --caches "$traces/caches.csv" --samples 20 |
        grep -vE '"(trace|ns_per_event|read_seconds|read_ns_per_row|events_skipped|skipped_by_name)"'
}

head=$root/tests/tools/traces/git-ops-head
for options in "" "--objects-only --one-cpu"; do
    # shellcheck disable=SC2086
    figures "$head.csv.zst" $options >"$work/csv"
    # shellcheck disable=SC2086
    figures "$head.trace.txt.zst" $options >"$work/text"
    [ "$(wc -l <"$work/csv")" -gt 60 ] || fail "no figures"
    cmp -s "$work/csv" "$work/text" || fail "text and csv differ: $(diff "$work/csv" "$work/text" | head -n 4)"
done
works "$kmemsim" replay "$head.trace.txt.zst" --objects-only --one-cpu --samples 20 --csv
[ -s "$work/stderr" ] && fail "a good trace: $(head -n 1 "$work/stderr")"

echo "# what --trace-out writes is read back with the same counts"
counts='"(trace|ns_per_event|read_seconds|read_ns_per_row|rows|rows_by_op|page_rows_skipped|frees_of_null|frees_of_unknown_objects|frees_of_unknown_pages|implied_frees)"'
there_and_back() {
    input=$1
    shift
    "$kmemsim" replay --json "$input" --trace-out "$work/out.txt" "$@" >"$work/there" ||
        fail "$input: --trace-out"
    "$kmemsim" replay --json "$work/out.txt" --trace-out "$work/again.txt" "$@" >"$work/back" ||
        fail "$input: reading back"
    cmp "$work/out.txt" "$work/again.txt" || fail "$input: the second text differs from the first"
    grep -vE "$counts" "$work/there" >"$work/there.figures"
    grep -vE "$counts" "$work/back" >"$work/back.figures"
    cmp -s "$work/there.figures" "$work/back.figures" ||
        fail "$input: there and back differ: $(diff "$work/there.figures" "$work/back.figures" | head -n 6)"
    [ "$(wc -l <"$work/there.figures")" -gt 50 ] || fail "$input: no figures"
    performed=$(sed -n 's/^ *"events": \([0-9]*\),$/\1/p' "$work/there")
    written=$(grep -vc '^#' "$work/out.txt")
    [ "$performed" = "$written" ] || fail "$input: $performed events performed, $written written"
}
there_and_back "$head.csv.zst" --caches "$traces/caches.csv" --samples 20
there_and_back "$head.csv.zst" --caches "$traces/caches.csv" --samples 20 --objects-only --one-cpu
there_and_back "$traces/fork-exec.csv.zst" --caches "$traces/caches.csv" --samples 20
works "$kmemsim" replay "$work/out.txt" --caches "$traces/caches.csv" --samples 20
[ -s "$work/stderr" ] && fail "our own trace: $(head -n 1 "$work/stderr")"
refuses "trace-out: cannot write" "$kmemsim" replay "$head.csv.zst" --trace-out /nowhere/out.txt

echo "# a small trace by hand: the rules one by one"
cat >"$work/t.csv" <<END
seq,time_ns,cpu,tid,op,cache,ptr_id,bytes_req,bytes_alloc,order,gfp,node,migratetype
1,0,0,1,alloc,box,1,100,104,,GFP_KERNEL,-1,
2,0,0,1,kmalloc,,2,3000,4096,,GFP_KERNEL|__GFP_RECLAIMABLE,-1,
3,0,1,1,page_alloc,,3,,,2,GFP_KERNEL|__GFP_COMP,,0
4,0,1,1,kfree,,0,,,,,,
5,0,1,1,free,box,-1,,,,,,
6,0,1,1,kfree,,9,,,,,,
7,0,0,1,alloc,box,1,100,104,,GFP_KERNEL,-1,
8,0,0,1,kfree,,1,,,,,,
9,0,0,1,page_free,,3,,,2,,,
10,0,0,1,page_free,,77,,,0,,,
END
works "$kmemsim" replay "$work/t.csv" --samples 1
prints '^not performed +1 frees of NULL, 2 of unknown objects, 1 of unknown pages$'
prints '^added +1 frees that the trace lacks$'
prints '^caches +1 \(no caches file: object sizes are the trace.s, alignment 0, no flags\)$'
prints '^events +7 performed,'
prints '^at the peak +2 objects, 3100 bytes requested,'
prints '^at the end +1 objects, 3000 bytes requested,'
prints '^page events +order 2: 1$'
prints '^ +5 +1 +3000 +[0-9]+ +[0-9]+$'
works "$kmemsim" replay "$work/t.csv" --objects-only --samples 1 --csv
prints '^5,1,3000,[0-9]+,[0-9]+$'

echo "# a machine too small says so"
{
    head -n 1 "$work/t.csv"
    i=0
    while [ $i -lt 100 ]; do
        i=$((i + 1))
        echo "$i,0,0,1,kmalloc,,$i,1000000,1048576,,GFP_KERNEL|__GFP_NOWARN,-1,"
    done
} >"$work/big.csv"
works "$kmemsim" replay "$work/big.csv" --machine "preset=x86_64 mem=64M"
prints '^failures +[1-9][0-9]*$'
grep -qE '^kmemsim: .*big.csv: [0-9]+ allocations failed' "$work/stderr" || fail "no word about failures"
finish
