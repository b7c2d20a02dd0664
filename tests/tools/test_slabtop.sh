#!/bin/sh
# test_slabtop.sh PROGRAM ROOT: procps' slabtop, run on what PROGRAM prints in place of /proc/slabinfo, shows
# our numbers. Needs a private mount over /proc/slabinfo, which not every host allows.
program=$1
root=$2
. "$root/tests/tools/lib.sh"

command -v slabtop >/dev/null || { echo "no slabtop here (package procps)"; exit 77; }
works "$program"
cp "$work/stdout" "$work/slabinfo"
[ "$(wc -l <"$work/slabinfo")" -gt 40 ] || fail "the program shows no caches"
inside='mount --bind "$1" /proc/slabinfo && cat /proc/slabinfo >"$2"'
if ! unshare -m sh -c "$inside" sh "$work/slabinfo" "$work/seen" 2>"$work/why"; then
    if ! unshare -rm sh -c "$inside" sh "$work/slabinfo" "$work/seen" 2>>"$work/why"; then
        echo "no private /proc/slabinfo: $(tr '\n' ' ' <"$work/why")"
        exit 77
    fi
    user=-r
fi
cmp "$work/slabinfo" "$work/seen" || fail "the mount shows something else"

# shellcheck disable=SC2086
unshare ${user:-} -m sh -c 'mount --bind "$1" /proc/slabinfo && slabtop -o -s n' sh "$work/slabinfo" >"$work/top" 2>"$work/stderr" ||
    fail "slabtop: $(cat "$work/stderr")"

# What slabtop makes of a line of slabinfo: objects, active, use, size, slabs, per slab, bytes, name.
awk '$1 ~ /^[0-9#]|slabinfo/ { next }
{
    use = $3 ? int(100 * $2 / $3) : 0
    printf "%d %d %d%% %.2fK %d %d %dK %s\n", $3, $2, use, $4 / 1024, $15, $5, $15 * $6 * 4, $1
}' "$work/slabinfo" | sort >"$work/ours"
awk '/^ *OBJS ACTIVE/ { rows = 1; next } rows { print $1, $2, $3, $4, $5, $6, $7, $8 }' "$work/top" | sort >"$work/theirs"
caches=$(($(wc -l <"$work/slabinfo") - 2))
[ "$(wc -l <"$work/theirs")" -eq $caches ] || fail "slabtop shows $(wc -l <"$work/theirs") of $caches caches"
cmp -s "$work/ours" "$work/theirs" ||
    fail "slabtop's numbers are not ours: $(diff "$work/ours" "$work/theirs" | head -n 6)"

# The sums in its head.
objects=$(awk 'NR > 2 { active += $2; all += $3 } END { print active " / " all }' "$work/slabinfo")
slabs=$(awk 'NR > 2 { active += $14; all += $15 } END { print active " / " all }' "$work/slabinfo")
grep -q "Active / Total Objects (% used) *: $objects (" "$work/top" || fail "objects: $(sed -n 1p "$work/top"), ours $objects"
grep -q "Active / Total Slabs (% used) *: $slabs (" "$work/top" || fail "slabs: $(sed -n 2p "$work/top"), ours $slabs"
head -n 12 "$work/top"
finish
