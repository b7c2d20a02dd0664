#!/bin/sh
# reports.sh KMEMSIM FOLDER: what the library says to misuse. Scripts of FOLDER with a NAME.txt: the
# console of a real kernel; ours must be the same when both went through mask.sed. Scripts with a
# NAME.ours: the kernel says nothing there, ours must have a line that matches.
set -u
kmemsim=$1
folder=$2
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
run=0
failed=0

for script in "$folder"/*.ops; do
    name=$(basename "$script" .ops)
    run=$((run + 1))
    "$kmemsim" run "$script" >"$work/out" 2>"$work/err"
    status=$?
    if [ $status -ne 0 ]; then
        echo "not ok $run - $name: exit status $status"
        tail -n 3 "$work/err" | sed 's/^/#   /'
        failed=$((failed + 1))
    elif [ -f "$folder/$name.ours" ]; then
        if grep -q -f "$folder/$name.ours" "$work/err"; then
            echo "ok $run - $name"
        else
            echo "not ok $run - $name: no such report"
            failed=$((failed + 1))
        fi
    else
        sed -E -f "$folder/mask.sed" "$work/err" >"$work/ours"
        sed -E -f "$folder/mask.sed" "$folder/$name.txt" >"$work/kernel"
        if [ -s "$work/kernel" ] && cmp -s "$work/kernel" "$work/ours"; then
            echo "ok $run - $name"
        else
            echo "not ok $run - $name"
            diff "$work/kernel" "$work/ours" | head -n 10 | sed 's/^/#   /'
            failed=$((failed + 1))
        fi
    fi
done
echo "1..$run"
[ $run -gt 0 ] && [ $failed -eq 0 ]
