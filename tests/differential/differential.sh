#!/bin/sh
# OPS RUN PROGRAM...: the programs' digests must be equal, and each program must agree with its model.
set -eu
ops=$1
run=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
first=
for program; do
	out=$work/$(basename "$program")
	start=$(date +%s)
	"$program" --ops "$ops" --run "$run" --seed 0x5eed >"$out" || {
		cat "$out"
		exit 1
	}
	sed -n 's/^# //p' "$out"
	echo "  $(($(date +%s) - start)) s, seed 0x5eed"
	grep -v '^#' "$out" >"$out.digests"
	if [ -z "$first" ]; then
		first=$out.digests
		cat "$first"
	elif ! cmp -s "$first" "$out.digests"; then
		echo "$(basename "$program") differs from $(basename "$first" .digests):"
		diff "$first" "$out.digests"
		exit 1
	fi
done
