#!/bin/sh
# uaf.sh asan|valgrind PROGRAM SOURCE: every use after free is reported at its line, and nothing else is.
# Exit status 77: there is no Valgrind, or it is too old for the compiler's debug information.
set -u
tool=$1 program=$2 source=$3
failed=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT

case $tool in
asan)
    complaint='ERROR: AddressSanitizer: use-after-poison' # of memory that its owner has poisoned
    where='^ *#0 '
    cases=$(sed -n 's,.*/\* bad: \(.*\) \*/$,\1,p' "$source")
    run() { ASAN_OPTIONS=detect_leaks=0:abort_on_error=0:exitcode=9 "$program" "$1"; }
    ;;
valgrind)
    command -v valgrind >/dev/null || { echo "no valgrind here"; exit 77; }
    if valgrind -q "$program" 2>&1 | grep -q "debuginfo reader"; then
        echo "valgrind cannot read this compiler's debug information (try -gdwarf-4)"
        exit 77
    fi
    complaint='Invalid (read|write) of size'
    where=' at 0x'
    cases='cache ctor kmalloc page' # each takes its time
    run() { valgrind -q --error-exitcode=9 --max-stackframe=4000000 "$program" "$1"; }
    ;;
*)
    echo "uaf.sh: unknown tool '$tool'" >&2
    exit 2
    ;;
esac

wrong() {
    echo "$tool, $1: $2"
    sed 's/^/  | /' "$out"
    failed=1
}

for name in $cases; do
    line=$(grep -n "bad: $name \*/" "$source" | cut -d: -f1)
    run "$name" >"$out" 2>&1
    status=$?
    [ $status -eq 9 ] || wrong "$name" "exit status $status"
    grep -Eq "$complaint" "$out" || wrong "$name" "no '$complaint'"
    # Where it happened stands first: in the program, not in a function of libkmem.
    first=$(grep "$where" "$out" | head -n 1)
    case $first in
    *"$(basename "$source"):$line"*) ;;
    *) wrong "$name" "not at line $line, but:$first" ;;
    esac
done

run clean >"$out" 2>&1 || wrong clean "exit status $?"
[ -s "$out" ] && wrong clean "something was said"
exit $failed
