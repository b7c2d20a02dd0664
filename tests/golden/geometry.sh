#!/bin/sh
# geometry.sh KMEMSIM BACKEND FOLDER [32]: what real kernels derived from size, alignment and flags of a cache
# (BACKEND-geometry.csv; 32: BACKEND32-geometry.csv, a 32-bit kernel's) and how large their kmalloc objects were (kmalloc-buckets.csv), line by line.
set -u
kmemsim=$1
backend=$2
folder=$3
bits=${4:-}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
failed=0

# compare NAME: script $work/ops against $work/want
compare() {
    "$kmemsim" run "$work/ops" >"$work/out" 2>"$work/err" || {
        echo "not ok - $1: $(head -n 1 "$work/err")"
        failed=1
        return
    }
    if cmp -s "$work/want" "$work/out"; then
        echo "ok - $1: $(wc -l <"$work/want") lines"
        return
    fi
    line=$(cmp "$work/want" "$work/out" 2>&1 | sed -n 's/.*line \([0-9]*\).*/\1/p' | tail -n 1)
    echo "not ok - $1"
    echo "#   kernel:  $(sed -n "${line:-1}p" "$work/want")"
    echo "#   kmemsim: $(sed -n "${line:-1}p" "$work/out")"
    failed=1
}

gzip -dc "$folder/$backend$bits-geometry.csv.gz" >"$work/geometry.csv" || exit 99
for cpus in $(tail -n +2 "$work/geometry.csv" | cut -d, -f1 | sort -nu); do
    awk -F, -v cpus="$cpus" -v ops="$work/ops" -v want="$work/want" '
        NR == 1 { for (i = 1; i <= NF; i++) name[i] = $i; print "#SMP " cpus >ops; next }
        $1 != cpus { next }
        {
            print "geom", $2, $3, $4 >ops
            line = "geom req=" $2 " reqalign=" $3 " reqflags=" $4
            for (i = 5; i <= NF; i++)
                line = line " " name[i] "=" $i
            print line >want
        }' "$work/geometry.csv"
    compare "geometry, $cpus CPUs"
done

# Both ends of every row; a sweep over all four million sizes says no more.
gzip -dc "$folder/kmalloc-buckets.csv.gz" | awk -F, -v backend="$backend" -v ops="$work/ops" -v want="$work/want" '
    $1 != backend { next }
    {
        for (size = $2; ; size = $3) {
            print "ksweep", size, size >ops
            print "ksweep " size " ksize=" $4 " where=" $5 >want
            if (size == $3)
                break
        }
    }'
compare kmalloc
exit $failed
