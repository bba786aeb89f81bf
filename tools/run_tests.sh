#!/bin/sh
# run_tests.sh RUNNER TEST...: runs each test program from the project's root and prints one line a program and
# the sum.  RUNNER (may be empty) goes before each command: qemu-s390x, valgrind ...
# TEST_JOBS programs (1 when it is not set) run at a time.
# Fails when a program fails, or says nothing of what it checked.
if [ "$1" = --one ]; then # FOLDER PROGRAM: its output, and "verdict passed failed name" in a file of the folder
    output=$($LDM99_RUN "$3" 2>&1) && verdict=0 || verdict=$?
    printf '%s\n' "$output"
    line=$(printf '%s\n' "$output" | grep -E '[0-9]+ passed, [0-9]+ failed' | tail -n 1)
    good=$(printf '%s' "$line" | sed -n 's/.* \([0-9][0-9]*\) passed.*/\1/p')
    bad=$(printf '%s' "$line" | sed -n 's/.* \([0-9][0-9]*\) failed.*/\1/p')
    [ -n "$good" ] || verdict=silent
    echo "$verdict ${good:-0} ${bad:-0} $(basename "$3")" > "$2/$(basename "$3")"
    exit 0
fi
export LDM99_RUN="$1" # also for tests that run a program
shift
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
printf '%s\n' "$@" | xargs -P "${TEST_JOBS:-1}" -n 1 sh tools/run_tests.sh --one "$work"
cat "$work"/* | awk -v wanted=$# '
    { passed += $2; failed += $3 }
    $1 != "0" { broken = broken " " $4; if ($3 == 0) failed++ }
    END {
        if (NR != wanted) { broken = broken " (" wanted - NR " did not end)"; failed += wanted - NR }
        if (broken != "") print "failing programs:" broken
        print passed + 0 " passed, " failed + 0 " failed"
        exit failed != 0
    }'
