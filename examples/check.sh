#!/bin/sh
# check.sh PROGRAM FILE BACKEND: PROGRAM must succeed, say nothing on stderr, and print lines that match the (extended)
# patterns of FILE, in this order, other lines between them allowed. A pattern behind "slab slub|" is for these backends.
set -u
program=$1
backend=$3
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
awk -v backend="$backend" '!match($0, /^[a-z ]+\|/) { print; next }
    index(substr($0, 1, RLENGTH), backend) { print substr($0, RLENGTH + 1) }' "$2" >"$work/expect"
[ -s "$work/expect" ] || exit 99
if ! "$program" >"$work/out" 2>"$work/err" || [ -s "$work/err" ]; then
    echo "$program failed or complained:"
    cat "$work/out" "$work/err"
    exit 1
fi
at=0
while IFS= read -r pattern; do
    found=$(tail -n +$((at + 1)) "$work/out" | grep -nE -m1 -e "$pattern" | cut -d: -f1)
    if [ -z "$found" ]; then
        echo "no line (after line $at) matches: $pattern"
        cat "$work/out"
        exit 1
    fi
    at=$((at + found))
done <"$work/expect"
