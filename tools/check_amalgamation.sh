#!/bin/sh
# check_amalgamation.sh FOLDER: compiles FOLDER/ldm99.c alone, with each compiler that is there, and compares: the golden
# hashes with tests/golden, the names that the object shows with ldm99.h, and a picture of an example with that of the
# library in many files.  CC is the compiler; clang and tcc are tried where they are installed.
# Ends with "amalgamation  N passed, N failed".
cd "$(dirname "$0")/.." || exit 1
folder=$1
CC=${CC:-cc}
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT
check=amalgamation
. tools/try.sh
cp "$folder/ldm99.c" "$folder/ldm99.h" docs/examples/prompt_to_png.c "$root" || exit 1

alone() { # alone COMPILER OPTIONS...: in a folder with nothing but the two files
    compiler=$1
    shift
    (cd "$root" && $compiler -std=c99 -ffp-contract=off "$@")
}
items=$(grep -c '^[0-9a-f]\{64\}  ' tests/golden/self.txt)
hashes() { "$root/program" golden self -t 1 | tee /dev/stderr | grep -q "^golden: $items passed, 0 failed"; }

# program COMPILER OPTION: the golden hashes of the program in that file.
program() {
    case $(uname -m) in i?86) x87="-msse2 -mfpmath=sse" ;; *) x87= ;; esac
    # shellcheck disable=SC2086
    try "the program with $1 $2" alone "$1" "$2" $x87 -DLDM99_PROGRAM ldm99.c -lm -o program
    try "golden hashes with $1 $2" hashes
}
program "$CC" -O0
program "$CC" -O2
for other in gcc clang tcc; do
    [ "$other" = "$(basename "$CC")" ] || ! has $other || program $other -O2
done

only_shown() { # every name is in the header, every function of the header is there
    nm -g --defined-only "$root/ldm99.o" | awk '{print $3}' | sort >"$root/names"
    header_functions | sort | diff - "$root/names"
}
pictures() {
    "$root/example" weights/model "a red apple" "$root/one.png" 1 &&
        "$root/program" -p "a red apple" --steps 1 --cfg-scale 4 -s 42 -m weights/model -o "$root/two.png" -q &&
        "$root/program" compare "$root/one.png" "$root/two.png"
}
try "the library" alone "$CC" -O1 -c ldm99.c -o ldm99.o
try "the names it shows" only_shown
try "a program that embeds it" alone "$CC" -O1 prompt_to_png.c ldm99.o -lm -o example
try "the same picture" pictures
try_report
