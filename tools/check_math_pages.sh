#!/bin/sh
# Every name in code letters in docs/math that looks like a function, constant or file of ours still exists; every page
# is in the index; every page that is linked, or named in a header, is there.
status=0
complain() { [ -z "$2" ] || { printf '%s:\n%s\n' "$1" "$2"; status=1; }; }

names=$(cat docs/math/*.md | grep -oE '`[A-Za-z0-9_]*_[A-Za-z0-9_]*`' | tr -d '`' | sort -u)
code=$(cat base/*.[ch] io/*.[ch] nn/*.[ch] weights/*.[ch] diffusion/*.[ch] metrics/*.[ch] tests/*.[ch] | tr -cs 'A-Za-z0-9_' '\n' | sort -u)
complain "docs/math names what the code does not" \
    "$(printf '%s\n' "$names" "$code" "$code" | sort | uniq -u | grep -Fx "$names")"

for file in $(grep -hoE '`(base|nn|diffusion|metrics|tests|io)/[A-Za-z0-9_*./]+`' docs/math/*.md | tr -d '`' | sort -u); do
    ls $file >/dev/null 2>&1 || complain "docs/math names a file that is not there" "$file"
done

for page in docs/math/*.md; do
    page=${page##*/}
    [ "$page" = README.md ] || grep -q "($page)" docs/math/README.md || complain "docs/math/README.md does not list" "$page"
done
for page in $(grep -hoE '\([A-Za-z0-9]+\.md\)' docs/math/*.md | tr -d '()') \
    $(grep -rhoE 'docs/math/[A-Za-z0-9]+\.md' base io nn diffusion metrics tests | sed 's|.*/||'); do
    [ -f "docs/math/$page" ] || complain "docs/math has no page" "$page"
done
[ "$status" = 0 ] && echo "docs/math: $(printf '%s\n' "$names" | wc -l) names, all in the code"
exit $status
