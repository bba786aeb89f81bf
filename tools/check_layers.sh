#!/bin/sh
# Includes point one way only; no two files share a name; nothing below cli/ prints, exits, reads the
# environment or the clock; only base/arena.c allocates and only base/threads.c knows OpenMP's functions.
status=0
complain() { [ -z "$2" ] || { printf '%s:\n%s\n' "$1" "$2"; status=1; }; }

while read -r folder allowed; do
    [ -n "$(ls "$folder"/*.c "$folder"/*.h 2>/dev/null)" ] || continue
    complain "$folder/ may not include" "$(grep -n '#include "' "$folder"/*.[ch] |
        grep -vE "#include \"($(echo "$folder $allowed" | tr ' ' '|'))/")"
done <<END
base
io base
nn base
weights io nn base
diffusion weights io nn base
guidance diffusion weights io nn base
metrics diffusion weights io nn base
api metrics guidance diffusion weights io nn base
cli api metrics guidance diffusion weights io nn base
tests cli api metrics guidance diffusion weights io nn base
END

library=$(find base io nn weights diffusion guidance metrics api -name '*.[ch]' 2>/dev/null | sort)
words='exit|abort|printf|fprintf|vprintf|puts|putchar|perror|getenv|setenv|time|clock|clock_gettime|gettimeofday'
complain "only cli/ may print, exit, or read the environment or the clock" \
    "$(grep -nE "(^|[^_a-zA-Z0-9.>])($words)[ ]*\(|std(err|out)" $library /dev/null | grep -vE ':[0-9]+: *(/?\*|//)')"
complain "only base/arena.c may allocate" \
    "$(grep -nE '(^|[^_a-zA-Z0-9])(malloc|calloc|realloc|free|strdup)[ ]*\(' $library /dev/null |
        grep -vE '^base/arena\.c:|:[0-9]+: *(/?\*|//)')"
complain "only base/threads.c may name OpenMP's functions" \
    "$(grep -nE 'omp_[a-z]+|omp parallel' $library /dev/null | grep -v '^base/threads\.c:')"
complain "the contract forbids these functions of libm and libc" \
    "$(grep -nE '(^|[^_a-zA-Z0-9.>])(expf?|logf?|sinf?|cosf?|tanhf?|erff?|powf?|log1pf?|expm1f?|fmaf?|fminf?|fmaxf?|qsort|roundf?|strtod|strtof|atof)[ ]*\(' \
        $library cli/*.c /dev/null | grep -vE ':[0-9]+: *(/?\*|//)')"
complain "file name used twice" \
    "$(ls base io nn weights diffusion guidance metrics api cli 2>/dev/null | grep '\.[ch]$' | sort | uniq -d)"
complain "longer than 400 lines" \
    "$(wc -l $library $(ls cli/*.[ch]) | awk '$2 != "total" && $1 > 400 {print $2, $1}')"
[ "$status" = 0 ] && echo "layers: clean"
exit $status
