#!/bin/sh
# check.sh PROGRAM PATTERN...: PROGRAM must succeed, say nothing on stderr, and print lines in this order that
# match the (extended) patterns, one each, other lines between them allowed.
set -u
program=$1
shift
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
if ! "$program" >"$work/out" 2>"$work/err" || [ -s "$work/err" ]; then
    echo "$program failed or complained:"
    cat "$work/out" "$work/err"
    exit 1
fi
at=0
for pattern; do
    found=$(tail -n +$((at + 1)) "$work/out" | grep -nE -m1 -e "$pattern" | cut -d: -f1)
    if [ -z "$found" ]; then
        echo "no line (after line $at) matches: $pattern"
        cat "$work/out"
        exit 1
    fi
    at=$((at + found))
done
