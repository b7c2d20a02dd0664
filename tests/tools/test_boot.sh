#!/bin/sh
# boot: summary, texts, JSON; machines as preset, text and file.
kmemsim=$1
root=$2
. "$root/tests/tools/lib.sh"

works "$kmemsim" boot
prints '^backend  sl[aou]b$'
prints '^ +0 +DMA +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+$'
works "$kmemsim" boot --machine "preset=x86_64 mem=512M cpus=4 nodes=2"
prints '^nodes    2$'
prints '^cpus     4$'
prints '^ +1 +DMA32 '
printf '# a file\npreset=x86_64\nmem=512M  nodes=2\ncpus=4\n' >"$work/machine"
cp "$work/stdout" "$work/text"
works "$kmemsim" boot --machine "$work/machine"
cmp "$work/text" "$work/stdout" || fail "the file's machine is not the text's"
for show in buddyinfo zoneinfo slabinfo zones-csv pagetypeinfo vmstat meminfo extfrag_index \
    unusable_index page_tables; do
    works "$kmemsim" boot --machine tiny-8M --show $show
    [ -s "$work/stdout" ] || fail "--show $show printed nothing"
    cp "$work/stdout" "$work/first"
    works "$kmemsim" --machine tiny-8M boot --show $show
    cmp "$work/first" "$work/stdout" || fail "--show $show: two boots differ"
done
works "$kmemsim" boot --show buddyinfo
prints '^Node 0, zone +DMA +[0-9]+'
works "$kmemsim" boot --json
prints '^  "backend": "sl[aou]b",$'
prints '"zone": "DMA32"'
works "$kmemsim" boot --json --show buddyinfo
prints '^  "text": "Node 0, zone'
works "$kmemsim" --help
prints 'replay TRACE'
finish
