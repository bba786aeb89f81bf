#!/bin/sh
# Every source file of the library and of the program stands in docs/READING_ORDER.md once: as `folder/name.c`, or
# as `folder/name.h .c` (any endings, in any order) where files of one name are read together.
# Fails with the names that are missing, named twice, or no longer there.
page=docs/READING_ORDER.md
folders='base io nn weights diffusion guidance metrics api cli'
there=$(for folder in $folders; do ls "$folder"/*.[ch] 2>/dev/null; done | sort)
named=$(grep -oE '^- `[a-z]+/[a-z0-9_]+\.[ch]( \.[ch])*`' "$page" | tr -d '`' | sed 's/^- //' |
    while read -r first rest; do
        printf '%s\n' "$first"
        for ending in $rest; do
            printf '%s\n' "${first%.*}$ending"
        done
    done | sort)
status=0
complain() { [ -z "$2" ] || { printf '%s %s:\n%s\n' "$page" "$1" "$2"; status=1; }; }

complain "names a file twice" "$(printf '%s\n' "$named" | uniq -d)"
complain "does not name" "$(printf '%s\n' "$there" "$named" "$named" | sort | uniq -u)"
complain "names a file that is not there" "$(printf '%s\n' "$there" "$there" "$named" | sort | uniq -u)"
[ "$status" = 0 ] && echo "reading order: $(printf '%s\n' "$there" | wc -l) files, each once"
exit $status
