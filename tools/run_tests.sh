#!/bin/sh
# run_tests.sh RUNNER TEST...: runs each test program from the project's root and prints one line a program and
# the sum.  RUNNER (may be empty) goes before each command: qemu-s390x, valgrind ...
# Fails when a program fails, or says nothing of what it checked.
runner=$1
shift
export LDM99_RUN="$runner" # for tests that run a program
passed=0 failed=0 broken=
for program in "$@"; do
    output=$($runner "$program" 2>&1) && verdict=0 || verdict=$?
    printf '%s\n' "$output"
    line=$(printf '%s\n' "$output" | grep -E '[0-9]+ passed, [0-9]+ failed' | tail -n 1)
    good=$(printf '%s' "$line" | sed -n 's/.* \([0-9][0-9]*\) passed.*/\1/p')
    bad=$(printf '%s' "$line" | sed -n 's/.* \([0-9][0-9]*\) failed.*/\1/p')
    passed=$((passed + ${good:-0}))
    failed=$((failed + ${bad:-0}))
    if [ "$verdict" != 0 ] || [ -z "$good" ]; then
        broken="$broken $(basename "$program")"
        [ "${bad:-0}" != 0 ] || failed=$((failed + 1))
    fi
done
[ -z "$broken" ] || echo "failing programs:$broken"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
