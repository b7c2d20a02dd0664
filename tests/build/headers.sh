#!/bin/sh
# headers.sh INCLUDE_DIR CC...: each public header compiles alone and beside <sys/user.h>, before and behind it, with Linux's names
# and without, in C and (where there is a compiler) in C++, without a warning.
set -u
include=$1
shift
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
units=0
bad=0

try() {
    what=$1
    shift
    units=$((units + 1))
    if ! "$@" -Wall -Wextra -pedantic -Werror -I "$include" -fsyntax-only 2>"$work/err"; then
        echo "$what:"
        head -20 "$work/err"
        bad=$((bad + 1))
    fi
}

# Every kmem/*.h in its own file, so that none sees what another has included.
for path in "$include"/kmem/*.h; do
    header=kmem/${path##*/}
    printf '#include <%s>\n' "$header" >"$work/alone.c"
    printf '#include <%s>\n#include <sys/user.h>\n' "$header" >"$work/before.c"
    printf '#include <sys/user.h>\n#include <%s>\n' "$header" >"$work/behind.c"
    printf '#define KMEM_NO_KERNEL_NAMES\n#include <%s>\n' "$header" >"$work/prefixed.c"
    for unit in alone before behind prefixed; do
        try "$header, $unit, C" "$@" -std=c11 -x c "$work/$unit.c"
        if command -v c++ >"$work/path"; then
            try "$header, $unit, C++" c++ -std=c++11 -x c++ "$work/$unit.c"
        fi
    done
done
echo "headers: $units units, $bad with errors"
[ "$bad" = 0 ] && [ "$units" -ge 40 ]
