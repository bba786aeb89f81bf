#!/bin/sh
# put_table.sh PAGE TABLE: puts the table between the lines "<!-- table -->" and "<!-- end of table -->" of the page.
set -e
page=$1 table=$2
[ -s "$table" ] && grep -q '^<!-- table -->$' "$page" && grep -q '^<!-- end of table -->$' "$page"
awk -v table="$table" '
    /^<!-- end of table -->$/ { inside = 0 }
    !inside { print }
    /^<!-- table -->$/ { inside = 1; while ((getline line < table) > 0) print line }' "$page" > "$page.new"
mv "$page.new" "$page"
