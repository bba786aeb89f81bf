#!/bin/sh
# matrix.sh [--table] [NAME...]: is the contract kept everywhere?  Builds the program in many ways, for many
# machines, and asks each build for the golden hashes (`ldm99 golden self`); builds and modes that cannot keep the
# contract must be refused, with the reason.  Without names: every row; a row whose compiler or emulator is not
# installed is skipped with a word.  --table puts the answers on docs/PLATFORMS.md, each in the place of the same
# row's older one.  Ends with "N passed, N failed".
#
# A row is NAME | EXPECTED | BUILD.  Expected are numbers of threads, for each of which all hashes must come out, or
# "refused: SENTENCE": the build or the program must fail and say so.  BUILD is arguments for make, or
# "one file: COMPILER OPTIONS...", which compiles the amalgamation.  The heading before the rows (== PROCESSOR |
# RUNNER) says what they run on and what runs them.
wasi='-D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_GETPID -lwasi-emulated-signal -lwasi-emulated-getpid'
rows() {
    cat <<END
== x86-64, 64 bits, little-endian |
gcc-O2          | 1 2 3 8 | CC=gcc
gcc-O0          | 1 3     | CC=gcc CFLAGS=-O0
gcc-O1          | 1       | one file: gcc -O1
gcc-O3          | 1 3     | CC=gcc CFLAGS=-O3
gcc-Os          | 1 3     | CC=gcc CFLAGS=-Os
gcc-native      | 1 3     | CC=gcc NATIVE=1
gcc-O3-native   | 1 2 3   | CC=gcc CFLAGS=-O3 NATIVE=1
gcc-lto         | 1 3     | CC=gcc CFLAGS='-O2 -flto' AR=gcc-ar
gcc-serial      | 1       | CC=gcc OPENMP=0
gcc-c11         | 1       | one file: gcc -O2 -std=c11
gcc-gnu17       | 1       | one file: gcc -O2 -std=gnu17
gcc-undefined   | 1       | one file: gcc -O1 -fsanitize=undefined -fno-sanitize-recover=all
gcc-address     | 1       | CC=gcc OPENMP=0 SAN=1
gcc-11          | 1       | one file: gcc-11 -O2
gcc-one-file    | 1       | one file: gcc -O2
clang-O2        | 1       | CC=clang OPENMP=0
clang-openmp    | 1 3     | CC=clang OPENMP=1
clang-O0        | 1       | CC=clang OPENMP=0 CFLAGS=-O0
clang-O1        | 1       | one file: clang -O1
clang-O3        | 1       | one file: clang -O3
clang-Os        | 1       | one file: clang -Os
clang-O3-native | 1       | CC=clang OPENMP=0 CFLAGS=-O3 NATIVE=1
clang-16        | 1       | one file: clang-16 -O2
clang-22        | 1       | one file: clang-22 -O2
clang-one-file  | 1       | one file: clang -O2
tcc             | 1       | CC=tcc OPENMP=0
tcc-one-file    | 1       | one file: tcc
musl            | 1       | CC=musl-gcc OPENMP=0 LDFLAGS=-static
musl-Os         | 1       | one file: musl-gcc -Os -static

== x86-64 Windows, 64 bits, little-endian | wine
mingw           | 1       | one file: x86_64-w64-mingw32-gcc -O2 -static -lpthread

== i686 with SSE2, 32 bits, little-endian | $i686
i686            | 1       | CROSS=i686-linux-gnu- OPENMP=0
i686-O0         | 1       | one file: i686-linux-gnu-gcc -O0 -msse2 -mfpmath=sse -static

== aarch64, 64 bits, little-endian | qemu-aarch64
aarch64         | 1       | CROSS=aarch64-linux-gnu- OPENMP=0
aarch64-O3      | 1       | one file: aarch64-linux-gnu-gcc -O3 -static

== armv7 with VFP, 32 bits, little-endian | qemu-arm
armhf           | 1       | CROSS=arm-linux-gnueabihf- OPENMP=0

== armv5 with software floats, 32 bits, little-endian | qemu-arm
armel           | 1       | one file: arm-linux-gnueabi-gcc -O2 -static

== riscv64, 64 bits, little-endian | qemu-riscv64
riscv64         | 1       | CROSS=riscv64-linux-gnu- OPENMP=0
riscv64-clang   | 1       | one file: clang --target=riscv64-linux-gnu -O2 -static

== ppc64le (POWER8), 64 bits, little-endian | qemu-ppc64le
ppc64le         | 1       | CROSS=powerpc64le-linux-gnu- OPENMP=0

== ppc64, 64 bits, big-endian | qemu-ppc64
ppc64           | 1       | one file: powerpc64-linux-gnu-gcc -O2 -static

== ppc, 32 bits, big-endian | qemu-ppc
ppc32           | 1       | CROSS=powerpc-linux-gnu- OPENMP=0

== s390x, 64 bits, big-endian | qemu-s390x
s390x           | 1       | CROSS=s390x-linux-gnu- OPENMP=0
s390x-O3        | 1       | one file: s390x-linux-gnu-gcc -O3 -static

== mips32r2, 32 bits, big-endian | qemu-mips
mips            | 1       | one file: mips-linux-gnu-gcc -O2 -static

== mips32r2, 32 bits, little-endian | qemu-mipsel
mipsel          | 1       | one file: mipsel-linux-gnu-gcc -O2 -static

== mips64r2, 64 bits, big-endian | qemu-mips64
mips64          | 1       | one file: mips64-linux-gnuabi64-gcc -O2 -static

== mips64r2, 64 bits, little-endian | qemu-mips64el
mips64el        | 1       | one file: mips64el-linux-gnuabi64-gcc -O2 -static

== sparc64, 64 bits, big-endian | qemu-sparc64
sparc64         | 1       | one file: sparc64-linux-gnu-gcc -O2 -fno-ivopts -static
sparc64-ivopts  | refused: results differ from the contract | one file: sparc64-linux-gnu-gcc -O2 -static

== hppa, 32 bits, big-endian | qemu-hppa
hppa            | 1       | CROSS=hppa-linux-gnu- OPENMP=0

== alpha, 64 bits, little-endian | qemu-alpha
alpha           | 1       | one file: alpha-linux-gnu-gcc -O2 -mieee -static

== sh4, 32 bits, little-endian | qemu-sh4
sh4             | 1       | one file: sh4-linux-gnu-gcc -O2 -static

== wasm32 (WASI), 32 bits, little-endian | node --no-warnings tests/wasi.mjs
wasm            | 1       | one file: clang --target=wasm32-wasi -O2 -Wl,-z,stack-size=1048576 $wasi

== x86-64, 64 bits, little-endian |
fast-math       | refused: ffast-math        | one file: gcc -O2 -ffast-math
Ofast           | refused: ffast-math        | one file: gcc -Ofast
finite-only     | refused: finite-math-only  | one file: gcc -O2 -ffinite-math-only
fast-math-clang | refused: ffast-math        | one file: clang -O2 -ffast-math
contraction     | refused: contraction       | one file: gcc -O2 -std=gnu99 -mfma -ffp-contract=fast
link-ftz        | refused: subnormal         | CC=gcc OPENMP=0 LDFLAGS=-ffast-math

== x86-64 set to round upward, 64 bits, little-endian | rounding_upward
rounding        | refused: rounding mode     | one file: gcc -O1

== i686 with x87 arithmetic, 32 bits, little-endian |
x87             | refused: FLT_EVAL_METHOD   | one file: i686-linux-gnu-gcc -O2 -mfpmath=387

== m68k with its 80-bit unit, 32 bits, big-endian |
m68k            | refused: FLT_EVAL_METHOD   | one file: m68k-linux-gnu-gcc -O1
END
}

cd "$(dirname "$0")/.." || exit 1
page=docs/PLATFORMS.md work=build/matrix
sources='base io nn weights diffusion guidance metrics api cli Makefile tests/golden'
answers=$work/answers passed=0 failed=0 table='' wanted=''
unset CC CROSS CFLAGS
for word in "$@"; do
    case $word in --table) table=1 ;; *) wanted="$wanted $word" ;; esac
done
mkdir -p $work && : >$answers
export WINEPREFIX="$PWD/$work/wine" WINEDEBUG=-all

# Most x86-64 systems run 32-bit programs as they are.
i686=qemu-i386
echo 'int main(void) { return 0; }' | i686-linux-gnu-gcc -static -x c - -o $work/i686.probe 2>/dev/null &&
    $work/i686.probe 2>/dev/null && i686=''

for name in $wanted; do
    rows | grep -q "^$name  *|" || { echo "matrix.sh: there is no row $name" >&2; exit 2; }
done

# The commit that last changed the program; "+" when it is not all committed.
# shellcheck disable=SC2086
version=$(git log -1 --abbrev=7 --format=%h -- $sources 2>/dev/null)
# shellcheck disable=SC2086
[ -z "$(git status --porcelain -- $sources 2>/dev/null)" ] || version="$version+"

# The mode is turned by a library that is loaded before the program.
rounding_upward() {
    printf '#include <fenv.h>\n__attribute__((constructor)) static void turn(void) { fesetround(FE_UPWARD); }\n' |
        gcc -shared -fPIC -x c - -lm -o $work/upward.so && LD_PRELOAD=$PWD/$work/upward.so "$@"
}

# The compiler that a row's words name.
compiler() {
    CROSS='' CC=''
    while [ $# -gt 0 ]; do
        case $1 in
        CROSS=*) CROSS=${1#CROSS=} ;;
        CC=*) CC=${1#CC=} ;;
        one) CC=$3; break ;;
        esac
        shift
    done
    CC=$CROSS${CC:-gcc}
    echo "${CC%% *}"
}

# Without LLVM's OpenMP installed, clang knows the flag and cannot link.
clang_openmp() { echo 'int main(void) { return 0; }' | clang -fopenmp -x c - -o /dev/null 2>/dev/null; }

# taken BEFORE AFTER, two outputs of `times`: seconds of processor time that the commands between them needed.
taken() {
    awk -F '[ms ]+' '
        FNR == 2 { t = 60 * ($1 + $3) + $2 + $4; if (FNR == NR) begun = t }
        END { printf "%.1f", t - begun }' "$@"
}

# built FOLDER WORDS...: makes FOLDER/ldm99.
built() {
    folder=$1
    shift
    mkdir -p "$folder"
    if [ "$1 $2" != "one file:" ]; then
        make "$@" BUILD="$folder" "$folder/ldm99"
        return
    fi
    shift 2
    make amalgamation && compiler=$1 && shift &&
        "$compiler" -std=c99 -ffp-contract=off -DLDM99_PROGRAM build/amalgamation/ldm99.c -lm "$@" -o "$folder/ldm99" ||
        return 1
    [ ! -f "$folder/ldm99.exe" ] || mv "$folder/ldm99.exe" "$folder/ldm99"
}

# keep NAME PROCESSOR BUILD THREADS VERDICT SECONDS
keep() {
    case $5 in verified | refused) passed=$((passed + 1)) ;; *) failed=$((failed + 1)) ;; esac
    echo "| $1 | $2 | \`$3\` | $4 | $5 | $6 | $version |" >>$answers
    [ -z "$table" ] || write_page
}

# run_row PROCESSOR RUNNER NAME EXPECTED BUILD
run_row() {
    processor=$1 runner=$2 name=$3 expected=$4 build=$5 folder=$work/$3 log=$work/$3.log
    eval "set -- $build"
    for tool in "$(compiler "$@")" ${runner%% *}; do
        command -v "$tool" >/dev/null 2>&1 || { echo "$name: skipped, needs $tool"; return; }
    done
    case $build in *CC=clang\ OPENMP=1*) clang_openmp || { echo "$name: skipped, needs libomp"; return; } ;; esac
    begun=$(date +%s)
    built "$folder" "$@" >"$log" 2>&1
    verdict=$? spent=$(($(date +%s) - begun))
    case $expected in
    refused:*)
        sentence=${expected#refused: }
        [ $verdict = 0 ] && { $runner "$folder/ldm99" golden self >>"$log" 2>&1; verdict=$?; }
        if [ $verdict = 0 ]; then verdict="not refused"; elif grep -q "$sentence" "$log"; then verdict=refused; else
            verdict="failed without the reason, see $log"
        fi
        echo "$name: $verdict ($(($(date +%s) - begun)) s)"
        keep "$name" "$processor" "$build" - "$verdict" -
        ;;
    *)
        if [ $verdict != 0 ]; then
            echo "$name: does not build, see $log"
            keep "$name" "$processor" "$build" - "does not build" -
        else
            for threads in $expected; do run_golden; done
        fi
        ;;
    esac
    [ -n "$KEEP" ] || rm -rf "$folder"
}

run_golden() {
    times >$work/begun
    verdict=verified
    $runner "$folder/ldm99" golden self -t "$threads" >>"$log" 2>&1 || verdict="differs: $(tail -n 1 "$log")"
    times >$work/ended
    took=$(taken $work/begun $work/ended)
    echo "$name, threads $threads: $verdict (built in $spent s, ran $took s of processor time)"
    keep "$name" "$processor" "$build" "$threads" "$verdict" "$took"
}

# The page's rows, this run's in the place of their older ones, in the order of the list; what has left the list goes.
write_page() {
    {
        rows | sed -n 's/^\([^ =]*\)  *|.*/name \1/p'
        grep '^| [^ ]* | .*|$' $page | grep -v '^| name |'
        cat $answers
    } |
        awk -F ' [|] ' '
            /^name / { rank[substr($0, 6)] = ++count; next }
            { name = substr($1, 3) }
            name in rank { line[rank[name] * 100 + $4] = $0 }
            END { for (i = 100; i < (count + 1) * 100; i++) if (i in line) print line[i] }' >$work/rows
    awk 'FNR == NR { rows = rows $0 "\n"; next }
        /<!-- rows end -->/ { printf "%s", rows; inside = 0 }
        !inside || /^[|] name / || /^[|]---/ { print }
        /<!-- rows -->/ { inside = 1 }' $work/rows $page >$work/page.md && cp $work/page.md $page
}

rows >$work/list
while IFS='|' read -r first expected build <&3; do
    case $first in
    '') continue ;;
    ==*)
        processor=$(echo "${first#== }" | sed 's/ *$//') runner=$(echo "$expected" | sed 's/^ *//')
        continue
        ;;
    esac
    name=${first%% *}
    case "$wanted " in " " | *" $name "*) ;; *) continue ;; esac
    run_row "$processor" "$runner" "$name" "$(echo "$expected" | sed 's/^ *//;s/ *$//')" "${build# }"
done 3<$work/list
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
