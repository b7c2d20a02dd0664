# What the shell tests of kmemsim share. A test gets the program and the project's root; it ends with `finish`.
set -u
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

# Whether $kmemsim is a 32-bit program (byte 4 of an ELF file says it): it has no room for large machines.
host_is_32() {
    [ "$(od -An -tu1 -j4 -N1 "$kmemsim" | tr -d ' ')" = 1 ]
}

finish() {
    [ $failures -eq 0 ] && echo "all is well"
    [ $failures -eq 0 ]
    exit
}

# refuses PATTERN COMMAND...: exit status 2, nothing on stdout, one line on stderr that matches.
refuses() {
    pattern=$1
    shift
    "$@" >"$work/stdout" 2>"$work/stderr"
    status=$?
    lines=$(wc -l <"$work/stderr")
    if [ $status -ne 2 ] || [ -s "$work/stdout" ] || [ "$lines" -ne 1 ] ||
        ! grep -qE -e "^kmemsim: .*($pattern)" "$work/stderr"; then
        fail "$* (expected: $pattern)"
        echo "  status $status, stdout $(wc -c <"$work/stdout") bytes, stderr:"
        head -n 5 "$work/stderr" | sed 's/^/  | /'
    fi
}

# works COMMAND...: exit status 0; stdout in $work/stdout, stderr in $work/stderr.
works() {
    "$@" >"$work/stdout" 2>"$work/stderr"
    status=$?
    [ $status -eq 0 ] && return
    fail "$*: exit status $status"
    head -n 5 "$work/stderr" | sed 's/^/  | /'
}

# prints PATTERN: a line of the last command's stdout matches.
prints() {
    grep -qE -e "$1" "$work/stdout" && return
    fail "no line of the output matches: $1"
    head -n 20 "$work/stdout" | sed 's/^/  | /'
}
