#!/bin/sh
# matrix.sh [--table] [NAME...]: is the contract kept everywhere?  Builds the program in many ways, for many
# machines, and asks each build for the golden hashes (`ldm99 golden self`); then tries builds and modes that must be
# refused.  Without names: every way; a way whose compiler or emulator is not installed is skipped with a word.
# Answers are kept in build/matrix.tsv, so it can be run in parts; --table writes docs/PLATFORMS.md's table from
# them.  Ends with "N passed, N failed".
cd "$(dirname "$0")/.." || exit 1
answers=build/matrix.tsv
passed=0 failed=0 wanted=
table=
for word in "$@"; do
    case $word in --table) table=1 ;; *) wanted="$wanted $word" ;; esac
done
mkdir -p build && touch $answers

has() { for tool in "$@"; do command -v "$tool" >/dev/null 2>&1 || return 1; done; }
is_wanted() { case "$wanted " in " " | *" $1 "*) return 0 ;; esac; return 1; }

# keep NAME "MACHINE" "BUILD" "RUN" VERDICT SECONDS: takes the place of the same row's older answer.
keep() {
    awk -F '\t' -v name="$1" -v run="$4" '$1 != name || $4 != run' $answers >$answers.new
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$@" >>$answers.new
    mv $answers.new $answers
    if [ "$5" = verified ] || [ "$5" = refused ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    echo "$1, $4: $5 ($6 s)"
}

# way NAME "MACHINE" "TOOLS" "RUNNER" "THREADS" MAKE-ARGUMENTS...: one build, and a row a number of threads.
way() {
    name=$1 machine=$2 tools=$3 runner=$4 threads=$5
    shift 5
    is_wanted "$name" || return
    # shellcheck disable=SC2086
    has $tools || { echo "$name: skipped, needs $tools"; return; }
    folder=build/matrix-$name log=build/matrix-$name.log
    if ! make "$@" BUILD="$folder" "$folder/ldm99" >"$log" 2>&1; then
        keep "$name" "$machine" "$*" "build" "does not build, see $log" 0
        return
    fi
    for count in $threads; do
        begun=$(date +%s)
        if $runner "$folder/ldm99" golden self -t "$count" >>"$log" 2>&1; then verdict=verified; else
            verdict="differs: $(tail -n 1 "$log")"
        fi
        keep "$name" "$machine" "$*" "$count" "$verdict" $(($(date +%s) - begun))
    done
    [ -n "$KEEP" ] || rm -rf "$folder"
}

# stopped NAME "WHAT" "SENTENCE" COMMAND...: the command must fail and say so.
stopped() {
    name=$1 what=$2 sentence=$3 log=build/matrix-$1.log
    shift 3
    is_wanted "$name" || return
    has "$1" || { echo "$name: skipped, needs $1"; return; }
    if "$@" >"$log" 2>&1; then verdict="not refused"; elif grep -q "$sentence" "$log"; then verdict=refused; else
        verdict="failed without the reason, see $log"
    fi
    keep "$name" "refusal" "$what" "-" "$verdict" 0
}

# A program that is built with the given make arguments and then started.
built_and_run() {
    make "$@" BUILD=build/matrix-refused build/matrix-refused/ldm99 && build/matrix-refused/ldm99 golden self
    verdict=$?
    rm -rf build/matrix-refused
    return $verdict
}

# The rounding mode is turned by a library that is loaded before the program.
rounded_upward() {
    printf '#include <fenv.h>\n__attribute__((constructor)) static void turn(void) { fesetround(FE_UPWARD); }\n' |
        gcc -shared -fPIC -x c - -lm -o build/matrix-upward.so &&
        make BUILD=build/matrix-upward build/matrix-upward/ldm99 &&
        LD_PRELOAD=$PWD/build/matrix-upward.so build/matrix-upward/ldm99 golden self
}

x86='x86-64, 64 bits, little-endian'
way gcc-O2 "$x86" gcc "" "1 2 3 8" CC=gcc
way gcc-O0 "$x86" gcc "" "1 3" CC=gcc CFLAGS=-O0
way gcc-O1 "$x86" gcc "" 1 CC=gcc CFLAGS=-O1
way gcc-O3 "$x86" gcc "" "1 3" CC=gcc CFLAGS=-O3
way gcc-Os "$x86" gcc "" "1 3" CC=gcc CFLAGS=-Os
way gcc-native "$x86" gcc "" "1 3" CC=gcc NATIVE=1
way gcc-O3-native "$x86" gcc "" "1 2 3" CC=gcc CFLAGS=-O3 NATIVE=1
way gcc-lto "$x86" gcc "" "1 3" CC=gcc 'CFLAGS=-O2 -flto' AR=gcc-ar
way gcc-serial "$x86" gcc "" 1 CC=gcc OPENMP=0
way gcc-sanitized "$x86" gcc "" 1 CC=gcc OPENMP=0 SAN=1
way gcc-11 "$x86" gcc-11 "" "1 3" CC=gcc-11
way clang-O2 "$x86" clang "" "1 3" CC=clang OPENMP="${CLANG_OPENMP:-0}"
way clang-O0 "$x86" clang "" 1 CC=clang OPENMP=0 CFLAGS=-O0
way clang-O3 "$x86" clang "" 1 CC=clang OPENMP=0 CFLAGS=-O3
way clang-Os "$x86" clang "" 1 CC=clang OPENMP=0 CFLAGS=-Os
way clang-O3-native "$x86" clang "" 1 CC=clang OPENMP=0 CFLAGS=-O3 NATIVE=1
way clang-16 "$x86" clang-16 "" 1 CC=clang-16 OPENMP=0
way tcc "$x86" tcc "" 1 CC=tcc OPENMP=0
way musl "$x86" musl-gcc "" 1 CC=musl-gcc OPENMP=0 LDFLAGS=-static
way musl-Os "$x86" musl-gcc "" 1 CC=musl-gcc OPENMP=0 CFLAGS=-Os LDFLAGS=-static

# cross NAME "MACHINE" PREFIX EMULATOR [MAKE-ARGUMENTS...]
cross() {
    name=$1 about=$2 prefix=$3 emulator=$4
    shift 4
    way "$name" "$about" "${prefix}gcc $emulator" "$emulator" 1 CROSS="$prefix" "$@"
}
cross i686 'i686 with SSE2, 32 bits, little-endian' i686-linux-gnu- qemu-i386
cross i686-O0 'i686 with SSE2, 32 bits, little-endian' i686-linux-gnu- qemu-i386 CFLAGS=-O0
cross aarch64 'aarch64, 64 bits, little-endian' aarch64-linux-gnu- qemu-aarch64
cross aarch64-O3 'aarch64, 64 bits, little-endian' aarch64-linux-gnu- qemu-aarch64 CFLAGS=-O3
cross armhf 'armv7 (VFP), 32 bits, little-endian' arm-linux-gnueabihf- qemu-arm
cross armel 'armv5 (software floats), 32 bits, little-endian' arm-linux-gnueabi- qemu-arm
cross riscv64 'riscv64, 64 bits, little-endian' riscv64-linux-gnu- qemu-riscv64
cross ppc64le 'ppc64le (POWER8), 64 bits, little-endian' powerpc64le-linux-gnu- qemu-ppc64le
cross ppc64 'ppc64, 64 bits, big-endian' powerpc64-linux-gnu- qemu-ppc64
cross ppc32 'ppc, 32 bits, big-endian' powerpc-linux-gnu- qemu-ppc
cross s390x 's390x, 64 bits, big-endian' s390x-linux-gnu- qemu-s390x
cross s390x-O3 's390x, 64 bits, big-endian' s390x-linux-gnu- qemu-s390x CFLAGS=-O3
cross mips 'mips32r2, 32 bits, big-endian' mips-linux-gnu- qemu-mips
cross mips64el 'mips64r2, 64 bits, little-endian' mips64el-linux-gnuabi64- qemu-mips64el
cross sparc64 'sparc64, 64 bits, big-endian' sparc64-linux-gnu- qemu-sparc64
cross hppa 'hppa, 32 bits, big-endian' hppa-linux-gnu- qemu-hppa
cross alpha 'alpha, 64 bits, little-endian' alpha-linux-gnu- qemu-alpha
cross sh4 'sh4, 32 bits, little-endian' sh4-linux-gnu- qemu-sh4
way mingw 'x86-64 Windows, 64 bits, little-endian' "x86_64-w64-mingw32-gcc wine" wine 1 CROSS=x86_64-w64-mingw32- OPENMP=0

one() { "$@" -std=c99 -I. -c base/contract.c -o /dev/null; }
stopped fast-math 'gcc -ffast-math' 'ffast-math' one gcc -O2 -ffast-math
stopped Ofast 'gcc -Ofast' 'ffast-math' one gcc -Ofast
stopped fast-math-clang 'clang -ffast-math' 'ffast-math' one clang -O2 -ffast-math
stopped finite-only 'gcc -ffinite-math-only' 'finite-math-only' one gcc -O2 -ffinite-math-only
stopped x87 'i686 with x87 arithmetic' 'FLT_EVAL_METHOD' one i686-linux-gnu-gcc -mfpmath=387 -mno-sse
stopped m68k 'm68k with its 80-bit unit' 'FLT_EVAL_METHOD' one m68k-linux-gnu-gcc
stopped contraction 'gnu99 with -ffp-contract=fast and FMA' 'contraction' built_and_run OPENMP=0 \
    'CFLAGS=-O2 -std=gnu99 -mfma -ffp-contract=fast'
stopped link-ftz 'linked with -ffast-math (flush to zero)' 'subnormal' built_and_run OPENMP=0 LDFLAGS=-ffast-math
stopped rounding 'rounding mode upward' 'rounding mode' rounded_upward

if [ -n "$table" ]; then
    awk -F '\t' '{ print }' $answers | sort -t "$(printf '\t')" -k2,2 -k1,1 -k4,4n | awk -F '\t' '
        BEGIN { print "| machine | build | threads | verdict |"; print "|---|---|---|---|" }
        { print "| " $2 " | " $3 " | " $4 " | " $5 " |" }' >build/matrix.md
    awk 'FNR == NR { rows = rows $0 "\n"; next }
         /<!-- rows end -->/ { inside = 0 }
         !inside { print }
         /<!-- rows -->/ { printf "%s", rows; inside = 1 }' build/matrix.md docs/PLATFORMS.md >build/PLATFORMS.md &&
        mv build/PLATFORMS.md docs/PLATFORMS.md
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
