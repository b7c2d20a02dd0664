#!/bin/sh
# sanitized.sh thread|address SECONDS SOURCE_ROOT BUILD_DIR BACKEND...: the stress programs under a sanitizer, in a
# build of their own in BUILD_DIR, SECONDS long in all.
# Exit status 77: there is no clang that can link with ThreadSanitizer.
set -eu
kind=$1 seconds=$2 root=$3 build=$4
shift 4

case $kind in
thread)
    clang -fsanitize=thread -x c - -o /dev/null 2>/dev/null <<-END || { echo "no clang with ThreadSanitizer here"; exit 77; }
	int main(void) { return 0; }
	END
    export CC=clang TSAN_OPTIONS=halt_on_error=1
    set -- "-Db_sanitize=thread -Db_lundef=false" "$@"
    ;;
address)
    export CC=gcc ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    set -- "-Db_sanitize=address,undefined" "$@"
    ;;
*)
    echo "sanitized.sh: unknown sanitizer '$kind'" >&2
    exit 2
    ;;
esac
unset MALLOC_PERTURB_

options=$1
shift
# shellcheck disable=SC2086 # several options
"$root/scripts/build/configure" "$build" --buildtype=debugoptimized -Dassertions=internal -Dexamples=false $options
programs=""
for backend in "$@"; do
    programs="$programs tests/stress/stress-$backend"
done
# shellcheck disable=SC2086
ninja --quiet -C "$build" $programs
for backend in "$@"; do
    echo "=== $kind, $backend"
    "$build/tests/stress/stress-$backend" --seconds $((seconds / $#))
done
