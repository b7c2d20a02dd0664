#!/bin/sh
# compare: three rows a trace, measured by three programs.
kmemsim=$1
root=$2
. "$root/tests/tools/lib.sh"
traces=$root/examples/traces

works "$kmemsim" compare "$traces/fork-exec.csv.zst" "$traces/find-stat.csv.zst" --rounds 2 \
    --caches "$traces/caches.csv" --objects-only --one-cpu
[ "$(wc -l <"$work/stdout")" -eq 7 ] || fail "$(wc -l <"$work/stdout") lines where a header and six rows should be"
prints '^trace +backend +events +ns/event'
for trace in find-stat fork-exec; do
    for backend in slab slub slob; do
        prints "^$trace +$backend +[1-9][0-9]* +[1-9][0-9.]* +[1-9][0-9.]* +[1-9]"
    done
done

works "$kmemsim" compare --json "$traces/fork-exec.csv.zst" --rounds 1 --caches "$traces/caches.csv"
prints '^  "rounds": 1,$'
for backend in slab slub slob; do
    prints "\"backend\": \"$backend\""
done
[ "$(grep -c '"ns_per_event": [0-9.]*,$' "$work/stdout")" -eq 3 ] || fail "not three times"

head -c 500000 "$traces/find-stat.csv.zst" >"$work/cut.csv.zst"
refuses 'cut.csv.zst:[0-9]+: .*truncated' "$kmemsim" compare "$work/cut.csv.zst"

echo "# alone in a folder it says what it misses"
mkdir "$work/alone"
cp "$kmemsim" "$work/alone/kmemsim"
refuses 'cannot find kmemsim-sl' "$work/alone/kmemsim" compare "$traces/find-stat.csv.zst"
finish
