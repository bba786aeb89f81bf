#!/bin/sh
# Every piece of C on docs/EMBEDDING.md stands, line by line, in one of docs/examples, which tests build and run; its
# indentation may be another.  Every function that the page names is in api/ldm99.h.
page=docs/EMBEDDING.md
awk '
    { line = $0; sub(/^ +/, "", line) }
    FILENAME != page { code = code line "\n"; next }
    line == "```c" { inside = 1; block = "\n"; first = FNR; next }
    line == "```" && inside {
        inside = 0
        count++
        if (index("\n" code, block) == 0) { printf "%s:%d: is in no example\n", page, first; bad = 1 }
        next
    }
    inside { block = block line "\n" }
    END {
        if (count < 5) { print page ": has hardly any C"; bad = 1 }
        if (!bad) print "snippets: " count ", all in docs/examples"
        exit bad
    }
' page="$page" docs/examples/*.c "$page" || exit 1
for name in $(grep -oE '\bldm_[a-z_]+\b' "$page" | sort -u); do
    grep -qw "$name" api/ldm99.h || { echo "$page: $name is not in api/ldm99.h"; exit 1; }
done
