#!/bin/sh
# golden.sh KMEMSIM BACKEND FOLDER [NN...]: every script of FOLDER that has an output of a real kernel for
# BACKEND (NAME.BACKEND.out, or NAME.all.out) must print the same bytes, and no misuse or corruption
# may be reported. The output of a script with #ONLY slub32 is NAME.slub32.out and belongs to slub.
# Scripts NN are left out.
set -u
kmemsim=$1
backend=$2
folder=$3
shift 3
without=" $* "
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
run=0
failed=0

expected_of() {
    for suffix in "$backend" all ${slub32:+slub32}; do
        [ -f "$1.$suffix.out" ] && echo "$1.$suffix.out" && return
    done
}

[ "$backend" = slub ] && slub32=yes || slub32=
for script in "$folder"/*.ops; do
    name=$(basename "$script" .ops)
    want=$(expected_of "$folder/$name")
    [ -n "$want" ] || continue
    case $without in *" ${name%%-*} "*) continue ;; esac
    run=$((run + 1))
    "$kmemsim" run "$script" >"$work/out" 2>"$work/err"
    status=$?
    if [ $status -ne 0 ]; then
        echo "not ok $run - $name: exit status $status"
        sed 's/^/#   /' "$work/err" | head -n 3
        failed=$((failed + 1))
    elif grep -q '^BUG' "$work/err"; then
        echo "not ok $run - $name: $(grep -m 1 '^BUG' "$work/err")"
        failed=$((failed + 1))
    elif cmp -s "$want" "$work/out"; then
        echo "ok $run - $name"
    else
        line=$(cmp "$want" "$work/out" 2>&1 | sed -n 's/.*line \([0-9]*\).*/\1/p' | tail -n 1)
        echo "not ok $run - $name: first difference in line ${line:-?}"
        echo "#   kernel:  $(sed -n "${line:-1}p" "$want")"
        echo "#   kmemsim: $(sed -n "${line:-1}p" "$work/out")"
        failed=$((failed + 1))
    fi
done
echo "1..$run"
[ $run -gt 0 ] && [ $failed -eq 0 ]
