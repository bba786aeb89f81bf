#!/bin/sh
# golden_builds.sh [NAME...]: builds the program in many ways and asks each build for the golden hashes
# (`ldm99 golden self`).  Without names: every way whose compiler and emulator are installed; a way that cannot be
# tried is named and skipped.  Ends with "N passed, N failed".
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0
has() { for tool in "$@"; do command -v "$tool" >/dev/null 2>&1 || return 1; done; }

# way NAME "TOOLS" "RUNNER" MAKE-ARGUMENTS...
way() {
    name=$1 tools=$2 runner=$3
    shift 3
    case " $wanted " in "  " | *" $name "*) ;; *) return ;; esac
    # shellcheck disable=SC2086
    has $tools || { echo "$name: skipped, needs $tools"; return; }
    build=build/golden-$name
    if ! make "$@" BUILD="$build" "$build/ldm99" >"build/golden-$name.log" 2>&1; then
        echo "$name: does not build, see build/golden-$name.log"
        failed=$((failed + 1))
        return
    fi
    for threads in 1 2 3; do
        answer=$($runner "$build/ldm99" golden self -t $threads 2>&1)
        if [ $? = 0 ]; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
        fi
        echo "$name, $threads threads: $(printf '%s\n' "$answer" | tail -n 1)"
        case "$runner$*" in qemu* | *OPENMP=0*) break ;; esac # emulation takes minutes
    done
}

wanted="$*"
mkdir -p build
way gcc-O0 gcc "" CFLAGS=-O0
way gcc-O2 gcc ""
way gcc-O3-native gcc "" CFLAGS=-O3 NATIVE=1
way gcc-serial gcc "" OPENMP=0
way clang clang "" CC=clang OPENMP=0
way clang-O3-native clang "" CC=clang OPENMP=0 CFLAGS=-O3 NATIVE=1
way musl musl-gcc "" CC=musl-gcc OPENMP=0 LDFLAGS=-static
way s390x "s390x-linux-gnu-gcc qemu-s390x" qemu-s390x CROSS=s390x-linux-gnu-
way armhf "arm-linux-gnueabihf-gcc qemu-arm" qemu-arm CROSS=arm-linux-gnueabihf-
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
