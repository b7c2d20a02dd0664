#!/bin/sh
# install.sh BUILD_DIR CC BACKEND: install into a prefix of its own and be a user of it: compile a C and a C++ program with
# pkg-config, link each against every library, static and shared, run them; look at sonames, versions, man pages.
set -eu
build=$1
cc=$2 # may be several words: ccache gcc
configured=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "install: $*" >&2
    exit 1
}

DESTDIR="$work/root" meson install -C "$build" --no-rebuild --quiet >"$work/log" 2>&1 || {
    cat "$work/log"
    fail "meson install failed"
}
pc=$(find "$work/root" -name kmem-slub.pc)
[ -n "$pc" ] || fail "no kmem-slub.pc"
libdir=${pc%/pkgconfig/*}
export PKG_CONFIG_PATH="$libdir/pkgconfig"
export PKG_CONFIG_SYSROOT_DIR="$work/root"

cat >"$work/user.c" <<'PROGRAM'
#include <kmem/kmem.h>
#include <sys/user.h>
#include <stdio.h>

int main(void)
{
	struct machine *m;
	struct machine_error err;
	struct kmem_cache *c;
	void *p, *q;

	if (machine_boot_text("tiny-8M", &m, &err)) {
		fprintf(stderr, "%s\n", err.reason);
		return 1;
	}
	c = kmem_cache_create("user", 48, 0, 0, NULL);
	p = kmem_cache_alloc(c, GFP_KERNEL);
	q = kmalloc(100, GFP_KERNEL);
	if (!p || !q || ksize(q) < 100)
		return 1;
	kfree(q);
	kmem_cache_free(c, p);
	kmem_cache_destroy(c);
	puts(machine_backend());
	return machine_shutdown(m) != 0;
}
PROGRAM
cp "$work/user.c" "$work/user.cc"
cat >"$work/prefixed.c" <<'PROGRAM'
#define KMEM_NO_KERNEL_NAMES
#include <kmem/kmem.h>

static int kmalloc(void) { return 3; }

int main(void)
{
	struct machine *m;

	if (kmem_machine_boot_text("tiny-8M", &m, NULL))
		return 1;
	kmem_kfree(kmem_kmalloc((size_t)kmalloc(), GFP_KERNEL));
	return kmem_machine_shutdown(m) != 0;
}
PROGRAM

try() {
    what=$1 expect=$2
    shift 2
    "$@" -o "$work/a.out" || fail "$what does not link"
    got=$(LD_LIBRARY_PATH="$libdir" "$work/a.out") || fail "$what does not run"
    [ "$got" = "$expect" ] || fail "$what says '$got', not '$expect'"
}

runs=0
for name in kmem kmem-slab kmem-slub kmem-slob; do
    backend=${name#kmem-}
    [ "$name" = kmem ] && backend=$configured
    # shellcheck disable=SC2046 # words are wanted
    {
        try "C, lib$name.so" "$backend" $cc -Wall -Werror "$work/user.c" $(pkg-config --cflags --libs "$name")
        try "C, lib$name.a" "$backend" $cc -Wall -Werror "$work/user.c" $(pkg-config --cflags "$name") "$libdir/lib$name.a" -pthread
        try "prefixed names, lib$name.so" "" $cc -Wall -Werror "$work/prefixed.c" $(pkg-config --cflags --libs "$name")
        try "C++, lib$name.so" "$backend" $cc -x c++ -Wall -Werror "$work/user.cc" -x none $(pkg-config --cflags --libs "$name")
    }
    objdump -p "$libdir/lib$name.so.0" | grep -q "SONAME *lib$name.so.0$" || fail "lib$name has no soname lib$name.so.0"
    nm -D --defined-only "$libdir/lib$name.so.0" | grep -q 'kmem_kmalloc@@KMEM_0$' || fail "lib$name has no symbol versions"
    runs=$((runs + 1))
done
# The program that the README shows, as it shows it.
readme=$(dirname "$0")/../../README.md
awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$readme" >"$work/readme.c"
# shellcheck disable=SC2046 # words are wanted
try "README's program" "$(sed -n 's/^    \(slub gives .*\)/\1/p' "$readme")" \
    $cc -Wall -Wextra -Werror "$work/readme.c" $(pkg-config --cflags --libs kmem-slub)
for b in slab slub slob; do
    find "$work/root" -path "*/bin/kmemsim-$b" | grep -q . || fail "no kmemsim-$b"
done
for man in man1/kmemsim.1 man7/libkmem.7; do
    find "$work/root" -path "*/$man*" | grep -q . || fail "no $man"
done
echo "install: $runs libraries used by fresh programs"
