#!/bin/sh
# Every trained file in weights/ is in weights/SHA256SUMS with its hash, every recipe in weights/recipes/list.txt, and
# every row there has its recipe, of which tests/golden/recipes.txt knows the first steps.  With --write the list of hashes is made anew.
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
. tools/recipe_rows.sh
sums=weights/SHA256SUMS
status=0
complain() { [ -z "$2" ] || { printf '%s:\n%s\n' "$1" "$2"; status=1; }; }
after='(when that is meant: the right row in weights/recipes/list.txt, then sh tools/check_weights.sh --write)'

files=$(recipe_rows | while read -r _ _ _ _ folder _; do shipped_files "$folder"; done | sort -u)
if [ "$1" = --write ]; then
    printf '%s\n' "$files" | while read -r file; do
        sha256_of "$file" | sed 's|  weights/|  |'
    done > "$sums"
    echo "weights: $(wc -l < "$sums") hashes in $sums"
    exit 0
fi

complain "recipes without a row in weights/recipes/list.txt, or rows without their recipe" \
    "$( (ls weights/recipes/*.json | sed 's|.*/||'; recipe_rows | awk '{print $3}' | sort -u) | sort | uniq -u)"
complain "a name twice in weights/recipes/list.txt" "$(recipe_rows | awk '{print $1}' | sort | uniq -d)"
complain "folders of weights/ that no row of weights/recipes/list.txt makes" \
    "$( (ls -d weights/*/ | sed 's|weights/||; s|/$||' | grep -vxE 'logs|recipes|world'
         recipe_rows | awk '$5 != "-" {print $5; print $5}' | sed 's|/.*||') | sort | uniq -c | awk '$1 == 1 {print $2}')"
complain "files that $sums does not list, or lists in vain $after" \
    "$( (printf '%s\n' "$files"; sed 's|^[0-9a-f]*  |weights/|' "$sums") | sort | uniq -u)"
complain "files with another hash than $sums says $after" \
    "$(while read -r hash file; do
        [ ! -f "weights/$file" ] || [ "$(sha256_of "weights/$file" | cut -d' ' -f1)" = "$hash" ] || echo "weights/$file"
    done < "$sums")"
complain "recipes of which tests/golden/recipes.txt has no hash, or that have changed since: sh tools/check_recipes.sh build/ldm99 --write NAME" \
    "$(recipe_rows | while read -r name _ recipe _; do
        grep -q "^[0-9a-f]*  $name  $(recipe_print "$recipe")\$" tests/golden/recipes.txt || echo "$name"
    done)"
[ "$status" = 0 ] && echo "weights: $(wc -l < "$sums") files as listed, $(recipe_rows | wc -l) rows of recipes"
exit $status
