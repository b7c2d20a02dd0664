#!/bin/sh
# PROGRAM...: an object damaged on purpose must be found, and the way there cut down to a few operations.
set -eu
for program; do
	status=0
	out=$("$program" --ops 6000 --run 2000 --sabotage 1) || status=$?
	echo "$out"
	[ "$status" = 3 ] || { echo "status $status: the damage was not seen"; exit 1; }
	left=$(echo "$out" | sed -n 's/^\([0-9]*\) operations are left.*/\1/p')
	[ "$left" -le 6 ] || { echo "$left operations are left of 2000"; exit 1; }
	echo "$out" | grep -q sabotage || { echo "the damage itself is not among them"; exit 1; }
done
