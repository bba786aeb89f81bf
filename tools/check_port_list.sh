#!/bin/sh
# check_port_list.sh [FILE ARCHIVE]: the lists of C-library functions in docs/PORTING.md are those that the one-file
# library FILE (make amalgamation) and its program ask for, and files are touched in base/file.c, base/folder_list.c and
# io/output.c alone, as ARCHIVE (libldm99.a) shows.  CC is the compiler: gcc or clang.
# Ends with "port_list  N passed, N failed".
cd "$(dirname "$0")/.." || exit 1
one=${1:-build/amalgamation/ldm99.c} archive=${2:-$ARCHIVE}
page=docs/PORTING.md
CC=${CC:-cc}
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT
passed=0 failed=0

# The names in the first column of the table under "<!-- functions of NAME -->".
documented() {
    awk -v mark="<!-- functions of $1 -->" '$0 == mark {on = 1; next} on && /^<!--/ {exit} on && /^\| `/' $page |
        cut -d'|' -f2 | tr -cs 'A-Za-z0-9_' '\n' | grep . | sort -u
}

# What the objects ask of others, by the names of the standards.  Names with __ that are no other name of a
# documented one belong to the compiler (__udivdi3, __stack_chk_fail).
asked() {
    nm -u "$@" | awk '{print $NF}' | sed -E 's/@.*//; s/^_?__errno_location$|^__errno$/errno/; s/^__assert_fail$/assert/
        s/^__isoc[0-9]+_//; s/^__sysv_signal$/signal/; s/^(fopen|fseeko|stat|open|fcntl|readdir)64$/\1/; s/^__(stat|fcntl)_?(time)?64$/\1/' |
        grep -vE '^__|^_GLOBAL_OFFSET_TABLE_$|:$|^$' | sort -u
}

agrees() { # agrees WHAT DOCUMENTED ASKED
    if diff "$2" "$3" >"$root/difference"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "port_list: $1 (< $page, > nm):"
        cat "$root/difference"
    fi
}

# -fno-builtin keeps the compiler from doing a function's work itself; -O1 drops what nobody calls.
cp "$one" api/ldm99.h "$root" || exit 1
compile() { $CC -std=c99 -ffp-contract=off -O1 -fno-builtin -w "$@" -c "$root/ldm99.c"; }
compile -o "$root/library.o" && compile -DLDM99_PROGRAM -o "$root/program.o" || exit 1
documented library >"$root/library"
documented program | sort - "$root/library" >"$root/program"
asked "$root/library.o" >"$root/asked_library"
asked "$root/program.o" >"$root/asked_program"
agrees "functions of the library" "$root/library" "$root/asked_library"
agrees "functions of the program" "$root/program" "$root/asked_program"

files='fopen|fread|fwrite|fseeko|fflush|fclose|rename|remove|stat|getpid|mkdir|strerror|errno'
mkdir "$root/objects" && (cd "$root/objects" && ar x "$OLDPWD/$archive") || exit 1
for object in "$root"/objects/*.o; do
    asked "$object" | grep -xE "$files" >/dev/null && basename "$object" .o
done | sort >"$root/with_files"
printf 'file\nfolder_list\noutput\n' >"$root/should"
agrees "sources that touch files" "$root/should" "$root/with_files"
printf '%-22s %d passed, %d failed\n' port_list $passed $failed
[ $failed = 0 ]
