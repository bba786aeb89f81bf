#!/bin/sh
# Every key like [RomB22] in the code and on the pages stands in docs/SOURCES.md, once, in order; and every key there is
# used somewhere.
export LC_ALL=C
page=docs/SOURCES.md
status=0
complain() { [ -z "$2" ] || { printf '%s:\n%s\n' "$1" "$2"; status=1; }; }

listed=$(grep -oE '^\| [A-Z][A-Za-z]+[0-9]{2} \|' "$page" | tr -d '| ')
cited=$(find . -path ./build -prune -o -path ./.git -prune -o \( -name '*.[ch]' -o -name '*.md' \) ! -path "./$page" -print |
    xargs grep -hoE '\[[A-Z][A-Za-z]+[0-9]{2}(\]|,)' | tr -d '[],' | grep -vx BF16 | sort -u)
complain "$page has a key twice" "$(printf '%s\n' "$listed" | sort | uniq -d)"
complain "$page is not in alphabetical order" \
    "$(printf '%s\n' "$listed" | sort -c 2>&1)"
complain "$page does not have" "$(printf '%s\n' "$cited" "$listed" "$listed" | sort | uniq -u)"
complain "$page has what nothing cites" "$(printf '%s\n' "$listed" "$cited" "$cited" | sort | uniq -u)"
[ "$status" = 0 ] && echo "sources: $(printf '%s\n' "$listed" | wc -l) keys, all cited"
exit $status
