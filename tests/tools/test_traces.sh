#!/bin/sh
# test_traces.sh KMEMSIM ROOT: traces in text. Every spelling of an event is understood, everything else is one line that
# names the place. (That text replays like csv: test_replay.sh.)
kmemsim=$1
root=$2
. "$root/tests/tools/lib.sh"
traces=$root/tests/tools/traces

echo "# the samples"
works "$kmemsim" replay "$traces/sample-all-kmem-events.trace.txt.zst"
prints ': 4240 rows \(1270 alloc, 1073 free, 309 kmalloc, 753 kfree, 443 page_alloc, 392 page_free\)$'
prints '^skipped +1194 events \(833 rss_stat, 361 mm_page_free_batched\)$'
prints '^failures +0$'
works "$kmemsim" replay "$traces/sample-perf-script.txt.zst"
prints ': 2481 rows \(1025 alloc, 426 free, 238 kmalloc, 422 kfree, 304 page_alloc, 66 page_free\)$'
prints '^skipped +519 events \([0-9a-z_, ]*[0-9]+ rss_stat'
works "$kmemsim" replay --json "$traces/sample-perf-script.txt.zst"
prints '"events_skipped": 519,$'
prints '"skipped_by_name": \{.*"rss_stat": [0-9]+.*\},$'
prints '"events_lost": 0,$'

# One story in every dialect. 5 object operations: box, 3000 bytes, box freed unseen and anew, box freed.
story() {
    sed 's/^ *//' <<END
        0 kmem_cache_alloc: call_site=a+0x1/0x2 ptr=00000000000000a1 name=box bytes_req=100 bytes_alloc=104 gfp_flags=GFP_KERNEL node=-1 accounted=true
        0 kmalloc: call_site=b+0x1/0x2 ptr=00000000000000b2 bytes_req=3000 bytes_alloc=4096 gfp_flags=GFP_KERNEL|__GFP_RECLAIMABLE node=0 accounted=false
        1 mm_page_alloc: page=00000000000000cc pfn=0x1234 order=2 migratetype=0 gfp_flags=GFP_KERNEL|__GFP_COMP
        1 mm_page_free_batched: page=00000000000000dd pfn=0x9999 order=0
        1 kfree: call_site=c+0x1/0x2 ptr=0000000000000000
        1 kmem_cache_free: call_site=c+0x1/0x2 ptr=00000000000000ee name=box
        1 kfree: call_site=c+0x1/0x2 ptr=00000000000000ef
        0 kmem_cache_alloc: call_site=a+0x1/0x2 ptr=00000000000000a1 name=box bytes_req=100 bytes_alloc=104 gfp_flags=GFP_KERNEL node=-1 accounted=true
        0 kfree: call_site=c+0x1/0x2 ptr=00000000000000a1
        0 mm_page_free: page=00000000000000cc pfn=0x1234 order=2
        0 mm_page_free: page=00000000000000cd pfn=0x1235 order=0
        1 mm_page_alloc: page=0000000000000000 pfn=0x0 order=9 migratetype=1 gfp_flags=GFP_TRANSHUGE
END
}

# dialect NAME SED-SCRIPT [HEADER...]: lines "CPU EVENT: BODY" of the story become the dialect's.
dialect() {
    echo "## $1"
    name=$1
    script=$2
    shift 2
    {
        [ $# -gt 0 ] && printf '%s\n' "$@"
        story | sed -E "$script"
    } >"$work/$name.txt"
    works "$kmemsim" replay "$work/$name.txt" --samples 1
    [ -s "$work/stderr" ] && fail "$name: $(head -n 1 "$work/stderr")"
    prints ': 11 rows \(2 alloc, 1 free, 1 kmalloc, 3 kfree, 2 page_alloc, 2 page_free\)$'
    prints '^backend .*, 2 CPUs$'
    prints '^not performed +1 frees of NULL, 2 of unknown objects, 1 of unknown pages, 1 allocations that gave NULL$'
    prints '^added +1 frees that the trace lacks$'
    prints '^skipped +1 events \(1 mm_page_free_batched\)$'
    prints '^events +7 performed,'
    prints '^at the end +1 objects, 3000 bytes requested,'
    prints '^page events +order 2: 1$'
    prints '^ +5 +1 +3000 +[0-9]+ +[0-9]+$'
    works "$kmemsim" replay --format "${name%%-*}" "$work/$name.txt"
}

dialect ftrace 's/^(.) /            task-1       [00\1] d..2.    1.000001: /' '# tracer: nop' '#'
dialect ftrace-no-flags 's/^(.) /            task-1       [00\1]    1.000001: /'
dialect ftrace-tgid 's/^(.) /            task-1       (      1) [00\1] .....    1.000001: /'
dialect ftrace-no-tgid 's/^(.) /            task-1       (-------) [00\1] .....    1.000001: /'
dialect ftrace-counter-clock 's/^(.) /            task-1       [00\1] .....         123456: /'
dialect ftrace-odd-task 's/^(.) / my [0] t-5 [x]-7       [00\1] .....    1.000001: /'
dialect ftrace-odder-task 's/^(.) / a-5 [12] b-7         [00\1] .....    1.000001: /'
dialect ftrace-idle 's/^(.) /          <idle>-0       [00\1] ..s1.    1.000001: /'
dialect ftrace-kworker 's/^(.) / kworker\/u4:2-ev-31   [00\1] ..s1.    1.000001: /'
dialect ftrace-module 's/^(.) /            task-1       [00\1] .....    1.000001: /; s/ ptr=/ [ext4] ptr=/'
dialect ftrace-more-fields 's/^(.) /            task-1       [00\1] .....    1.000001: /; s/ ptr=/ new=1 ptr=/; s/$/ more=2/'
dialect ftrace-old-node-events 's/^(.) /            task-1       [00\1] .....    1.000001: /; s/(_alloc|kmalloc): (.*node=0)/\1_node: \2/'
dialect ftrace-old-null 's/^(.) /            task-1       [00\1] .....    1.000001: /; s/0000000000000000/  (null)/; s/pfn=0x([0-9]+)/pfn=\1/; s/ accounted=[a-z]+//; s/ node=[-0-9]+//'
dialect ftrace-cmd 's/^(.) /            task-1     [00\1]     1.000001: /; s/: /:              /2; s/=0000000000000000/=(nil)/; s/=00000000/=0xffff8880/; s/(call_site=)([^ ]*)/(\2) \1\2/' \
    'version = 6' 'CPU 1 is empty' 'cpus=2'
dialect ftrace-cmd-numbers 's/^(.) /            task-1     [00\1] d..1.   1.000001234: /; s/=0000000000000000/=0x0/; s/gfp_flags=GFP_KERNEL$/gfp_flags=0xcc0/; s/gfp_flags=GFP_TRANSHUGE/gfp_flags=none/'
dialect perf 's/^(.) /            task     1 [00\1]     1.000001:            kmem:/; s/=0000000000000000/=(nil)/; s/=00000000/=0xffff8880/; s/page=[^ ]* pfn=(0x[0-9]*[1-9][0-9]*)/page=\1 pfn=\1/'
dialect perf-header 's/^(.) /            task     1 [00\1]     1.000001: kmem:/' '# ========' '# captured on: today' '#' ''
dialect perf-pid-tid 's/^(.) /            task     1\/12 [00\1]     1.000001234: kmem:/'
dialect perf-period 's/^(.) /            task     1 [00\1]     1.000001:          1         kmem:/'
dialect perf-odd-task 's/^(.) /  my [0] t-5 9 [x]     1 [00\1]     1.000001: kmem:/'
dialect perf-odder-task 's/^(.) /  a 5 [12] b     1 [00\1]     1.000001: kmem:/'
dialect perf-chains 's/^(.) (.*)$/task     1 [00\1]     1.000001: kmem:\2\n\tffffffff8782660d kmem_cache_alloc+0xfd ([kernel.kallsyms])\n\t           4005d0 main+0x8 (\/bin\/true)\n/'

echo "# events that are not known, and what was lost"
head='            task-1       [000] .....    0.000001:'
alloc="$head kmalloc: call_site=f+0x1/0x2 ptr=0000000000000abc bytes_req=100 bytes_alloc=128 gfp_flags=GFP_KERNEL node=-1 accounted=false"
text() {
    printf '%s\n' "$@" >"$work/t.txt"
}
text "$alloc" "$head sched_switch: prev_comm=a ==> next_comm=b" "$head kfree <-kvfree" "$head sched_switch: x" \
    "$head <stack trace>" ' => kfree' ' => kvfree'
works "$kmemsim" replay "$work/t.txt"
prints '^skipped +4 events \(2 sched_switch, 2 function names\)$'
text '# entries-in-buffer/entries-written: 200/300   #P:2' "$alloc" 'CPU:1 [LOST 20 EVENTS]' \
    'CPU:0 [3 EVENTS DROPPED]' 'CPU:0 [EVENTS DROPPED]' '##### CPU 1 buffer started ####'
works "$kmemsim" replay "$work/t.txt" --samples 1 --csv
grep -qx "kmemsim: $work/t.txt: the recording lost 124 events, which the figures lack" "$work/stderr" ||
    fail "no word about lost events: $(cat "$work/stderr")"
text "$(echo "$alloc" | sed 's/GFP_KERNEL/GFP_KERNEL|__GFP_NEWEST|0x8000000/')"
works "$kmemsim" replay "$work/t.txt"
grep -q "t.txt:1: GFP word '__GFP_NEWEST' is not Linux 6.1's and is left out" "$work/stderr" || fail "no note"

# bad REASON LINE: behind a good event, the line is refused.
bad() {
    text "$alloc" "$2"
    refuses "t.txt:2: $1" "$kmemsim" replay "$work/t.txt"
}
# wrong REASON SED-SCRIPT: the good event changed like this is refused.
wrong() {
    bad "$1" "$(echo "$alloc" | sed -E "$2")"
}

echo "# broken lines"
bad 'no COMM-TID \[CPU\]: .garbage.' 'garbage'
bad 'no COMM-TID \[CPU\]: .task-1 +\[00.' '            task-1       [00'
bad 'no TIME: behind \[CPU\]: .task-1       \[000\] \.\.\..' '            task-1       [000] ...'
bad 'no TIME: behind \[CPU\]' '            task-1       [000] .....    0.00'
bad 'no TIME: behind \[CPU\]' '            task-1       [000] .....    zero: kfree: call_site=f ptr=0'
bad 'no EVENT: behind the time' '            task-1       [000] .....    0.000001:'
bad 'no EVENT: behind the time' "$head kmall"
bad 'no EVENT: behind the time' "$head kfree call_site=f ptr=0"
bad 'a CPU beyond all machines' '            task-1       [9999] .....    0.000001: kfree: call_site=f ptr=0'
bad 'perf script text in ftrace text' ' task     1 [001]     0.000001: kmem:kfree: call_site=f ptr=(nil)'
bad 'csv in ftrace text' 'seq,time_ns,cpu,tid,op,cache,ptr_id,bytes_req,bytes_alloc,order,gfp,node,migratetype'
bad 'no COMM-TID' '1,0,0,1,kmalloc,,1,100,128,,GFP_KERNEL,-1,'
for field in call_site ptr bytes_req bytes_alloc gfp_flags; do
    wrong "kmalloc: no $field=" "s/ $field=[^ ]*//"
    wrong "kmalloc: '$field' is no key=value" "s/ $field=.*/ $field/"
    wrong "kmalloc: a second $field=" "s/ ($field=[^ ]*)/ \\1 \\1/"
    wrong "kmalloc: $field: '' is wrong" "s/ $field=[^ ]*/ $field=/"
done
wrong "kmalloc: no bytes_alloc=" 's/ bytes_alloc.*//'
wrong "kmalloc: bytes_req: '1o0'" 's/req=100/req=1o0/'
wrong "kmalloc: bytes_req: '-100'" 's/req=100/req=-100/'
wrong "kmalloc: bytes_req: '5000000000'" 's/req=100/req=5000000000/'
wrong "kmalloc: bytes_req: '99999999999999999999'" 's/req=100/req=99999999999999999999/'
wrong "kmalloc: bytes_alloc: '0x80'" 's/alloc=128/alloc=0x80/'
wrong "kmalloc: ptr: '0xabcg'" 's/ptr=[^ ]*/ptr=0xabcg/'
wrong "kmalloc: ptr: '0x'" 's/ptr=[^ ]*/ptr=0x/'
wrong "kmalloc: ptr: '12345678901234567'" 's/ptr=[^ ]*/ptr=12345678901234567/'
wrong "kmalloc: ptr: '\(____ptrval____\)'" 's/ptr=[^ ]*/ptr=(____ptrval____)/'
wrong "kmalloc: gfp_flags: 'nonsense'" 's/GFP_KERNEL/nonsense/'
wrong "kmalloc: node: '-2'" 's/node=-1/node=-2/'
wrong "kmalloc: node: ''" 's/node=-1.*/node=/'
wrong "kmalloc: accounted: 'fals'" 's/accounted=false/accounted=fals/'
wrong "kmalloc: 'damage' is no key=value" 's/ node=/ damage node=/'
wrong "kmalloc: '\[ext4' is no key=value" 's/ ptr=/ [ext4 ptr=/'
bad 'kmem_cache_alloc: no name= .kernels before 6.1' "$(echo "$alloc" | sed 's/kmalloc/kmem_cache_alloc/')"
bad "kmem_cache_alloc: name: ''" "$(echo "$alloc" | sed 's/kmalloc/kmem_cache_alloc/; s/ bytes_req/ name=&/')"
bad "kmem_cache_alloc: bytes_req: '0'" "$(echo "$alloc" | sed 's/kmalloc/kmem_cache_alloc/; s/ bytes_req=100/ name=box bytes_req=0/')"
bad "kmem_cache_alloc: bytes_req: '5000000'" "$(echo "$alloc" | sed 's/kmalloc/kmem_cache_alloc/; s/ bytes_req=100/ name=box bytes_req=5000000/')"
bad 'kmem_cache_free: no name=' "$head kmem_cache_free: call_site=f ptr=0000000000000abc"
bad 'kfree: no ptr=' "$head kfree: call_site=f"
bad 'kfree: no call_site=' "$head kfree:"
page='page=0000000000000ccc pfn=0x123 order=0 migratetype=1 gfp_flags=GFP_KERNEL'
for field in page pfn order migratetype gfp_flags; do
    bad "mm_page_alloc: no $field=" "$head mm_page_alloc: $(echo "$page" | sed "s/$field=[^ ]*//")"
    bad "mm_page_alloc: $field: 'x?-1' is wrong" "$head mm_page_alloc: $(echo "$page" | sed "s/$field=[^ ]*/$field=x-1/")"
done
bad "mm_page_alloc: order: '11'" "$head mm_page_alloc: $(echo "$page" | sed 's/order=0/order=11/')"
bad "mm_page_alloc: migratetype: '6'" "$head mm_page_alloc: $(echo "$page" | sed 's/type=1/type=6/')"
bad "mm_page_free: pfn: '12a'" "$head mm_page_free: page=1 pfn=12a order=0"
bad 'mm_page_free: no order=' "$head mm_page_free: page=1 pfn=0x12"
printf '%s\n%s kfree: call_site=f\000 ptr=0\n' "$alloc" "$head" >"$work/t.txt"
refuses 't.txt:2: a NUL byte' "$kmemsim" replay "$work/t.txt"
printf '%s\n%s sched_wakeup: a\000b\n' "$alloc" "$head" >"$work/t.txt"
refuses 't.txt:2: a NUL byte' "$kmemsim" replay "$work/t.txt"
printf '%s\n%s kfree: call_site=f ptr=00000000000' "$alloc" "$head" >"$work/t.txt"
refuses 't.txt:2: the line has no end: a truncated file' "$kmemsim" replay "$work/t.txt"

echo "# perf script"
phead=' task     1 [000]     0.000001: kmem:'
palloc="${phead}kmalloc: call_site=f+0x1 ptr=0xffff888000000abc bytes_req=100 bytes_alloc=128 gfp_flags=GFP_KERNEL node=-1 accounted=false"
pbad() {
    text "$palloc" "$2"
    refuses "t.txt:2: $1" "$kmemsim" replay "$work/t.txt"
}
pbad 'ftrace text in perf script text' "$alloc"
pbad 'no COMM TID \[CPU\]: .garbage.' 'garbage'
pbad 'no COMM TID \[CPU\]' ' task     1     0.000001: kmem:kfree: call_site=f ptr=(nil)'
pbad 'no TIME: behind' ' task     1 [000]     0.0'
pbad 'no TIME: behind' ' task     1 [000]'
pbad 'no EVENT: behind the time' ' task     1 [000]     0.000001:'
pbad 'no EVENT: behind the time' ' task     1 [000]     0.000001: kmem:kfr'
pbad 'kfree: no ptr=' "${phead}kfree: call_site=f"
pbad 'a CPU beyond all machines' ' task     1 [4096]     0.000001: kmem:kfree: call_site=f ptr=(nil)'
pbad "kfree: ptr: '\(nul\)'" "${phead}kfree: call_site=f ptr=(nul)"

echo "# no event at all; another form than was asked for"
text '# tracer: nop' '#'
refuses 't.txt:2: the end, and no event of the allocators \(0 others\)' "$kmemsim" replay "$work/t.txt"
text '# tracer: nop' "$head rss_stat: mm_id=1" "$head mm_page_free_batched: page=1 pfn=0x1 order=0"
refuses 't.txt:3: the end, and no event of the allocators \(2 others\)' "$kmemsim" replay "$work/t.txt"
text '# a comment' '' 'something else'
refuses 't.txt:3: no trace: neither csv, ftrace nor perf script text' "$kmemsim" replay "$work/t.txt"
text '# a comment'
refuses 't.txt:1: no trace' "$kmemsim" replay "$work/t.txt"
text ' 24)   0.130 us    |    kfree();'
refuses 't.txt:1: no trace' "$kmemsim" replay "$work/t.txt"
text "$alloc"
refuses 't.txt:1: ftrace text in perf script text' "$kmemsim" replay --format perf "$work/t.txt"
refuses 't.txt:1: not the header of a csv trace' "$kmemsim" replay --format csv "$work/t.txt"
text "$palloc"
refuses 't.txt:1: perf script text in ftrace text' "$kmemsim" replay --format ftrace "$work/t.txt"
head -c 40000 "$traces/git-ops-head.trace.txt.zst" >"$work/cut.zst"
refuses 'cut.zst:[0-9]+: the compressed data end too early' "$kmemsim" replay "$work/cut.zst"
: >"$work/empty.txt"
refuses 'empty.txt: an empty file' "$kmemsim" replay "$work/empty.txt"
finish
