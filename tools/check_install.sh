#!/bin/sh
# check_install.sh: installs into a scratch folder and looks at it as another program does: the libraries show names
# with ldm_ only, C and C++ programs build against them, they link beside zlib and libpng, and uninstall leaves
# nothing.  CC is the compiler.  Ends with "install  N passed, N failed".
cd "$(dirname "$0")/.." || exit 1
CC=${CC:-cc}
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT
check=install
. tools/try.sh

# only_ldm NM-OPTION FILE: defines some names with ldm_, and no others.  (ld adds _init and _fini to shared objects
# on some machines.)
only_ldm() {
    names=$(nm "$1" --defined-only "$2" | awk 'NF == 3 {print $3}' | grep -vxE '_init|_fini')
    ! echo "$names" | grep -v '^ldm_' && [ "$(echo "$names" | wc -l)" -ge 30 ]
}

# What can be written and outlives a call: the number of threads, and the limit of instruction sets that tests set.
no_state() { size -A "$1" | awk '$1 ~ /^\.(t?data|t?bss)$/ {bytes += $2} END {print bytes, "bytes"; exit bytes > 8}'; }

# Every function that the header promises is there.
all_of_header() {
    for name in $(header_functions); do
        nm -g --defined-only "$1" | grep -q " $name\$" || { echo "$name is missing"; return 1; }
    done
}

try "make install" make install PREFIX=/usr DESTDIR="$root/into"
into=$root/into/usr
for file in bin/ldm99 include/ldm99.h lib/libldm99.a lib/libldm99.so lib/pkgconfig/ldm99.pc share/man/man1/ldm99.1 \
    share/ldm99/model/model_index.json; do
    try "is there" test -s "$into/$file"
done
try "names of the static library" only_ldm -g "$into/lib/libldm99.a"
try "names of the shared library" only_ldm -D "$into/lib/libldm99.so"
try "no state" no_state "$into/lib/libldm99.a"
try "the header's functions" all_of_header "$into/lib/libldm99.a"

flags="-I$into/include" dynamic="-L$into/lib -lldm99" private="-lm"
[ "${OPENMP:-1}" = 1 ] && private="-lm -fopenmp"
if has pkg-config; then
    export PKG_CONFIG_PATH="$into/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root/into"
    try "pkg-config" pkg-config --exists ldm99
    private=$(pkg-config --static --libs-only-other ldm99)\ -lm
else
    echo "skipped: pkg-config is not installed"
fi

# shellcheck disable=SC2086
build() { # build COMPILER OUTPUT SOURCE OPTIONS...
    compiler=$1 output=$2 source=$3
    shift 3
    $compiler $flags -Wall -Wextra -Werror -o "$root/$output" "$source" "$@"
}
runs() { env LD_LIBRARY_PATH="$into/lib" "$root/$1" "$into/share/ldm99/model" 'a red apple' "$root/$1.png" 1; }

for example in docs/examples/*.c; do
    name=$(basename "$example" .c)
    # shellcheck disable=SC2086
    try "shared, $name" build "$CC -std=c99 -pedantic" "$name" "$example" $dynamic -lm -lpthread
done
# shellcheck disable=SC2086
try "static" build "$CC -std=c99 -pedantic" static docs/examples/prompt_to_png.c "$into/lib/libldm99.a" $private
try "the shared program runs" runs prompt_to_png
try "the static program runs" runs static
try "and makes the same picture" cmp "$root/prompt_to_png.png" "$root/static.png"

cat >"$root/cpp.cc" <<'END'
#include <ldm99.h>
int main()
{
    ldm_sample_options o;
    ldm_sample_options_default(&o, sizeof o);
    return ldm_self_test(nullptr) == LDM_OK && o.steps == 50 ? 0 : 1;
}
END
cxx=$(has g++ && echo g++ || { has clang++ && echo clang++; })
if [ -n "$cxx" ]; then
    # shellcheck disable=SC2086
    try "C++" build "$cxx -std=c++11 -pedantic" cpp "$root/cpp.cc" $dynamic
    try "C++ runs" runs cpp
else
    echo "skipped: no C++ compiler"
fi

if printf '#include <stdio.h>\n#include <zlib.h>\n#include <png.h>\n' | $CC -E - >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    try "beside libpng, static" build "$CC -std=c99" beside tools/beside_libpng.c "$into/lib/libldm99.a" -lpng -lz $private
    try "beside libpng runs" runs beside
    # shellcheck disable=SC2086
    try "beside libpng, shared" build "$CC -std=c99" besides tools/beside_libpng.c $dynamic -lpng -lz -lm
    try "beside libpng runs" runs besides
else
    echo "skipped: zlib and libpng are not installed"
fi

try "make uninstall" make uninstall PREFIX=/usr DESTDIR="$root/into"
try "nothing is left" test -z "$(find "$root/into" ! -type d)"
try_report
