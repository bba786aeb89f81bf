# tools/recipe_rows.sh - read by the scripts that go through weights/recipes/list.txt, from the root of the tree.

# Every row without remarks: name part recipe hours folder options...
recipe_rows() { sed 's/#.*//' weights/recipes/list.txt | grep -v '^[[:space:]]*$'; }

# A sed script that puts the shipped folder of a row in the place of its {NAME}; of a stage on the way, that of the stage after it.
shipped_places() {
    recipe_rows | awk '{name[NR] = $1; part[NR] = $2; folder[NR] = $5}
        END {
            for (i = 1; i <= NR; i++) {
                f = folder[i]
                for (j = i + 1; f == "-" && j <= NR; j++)
                    if (part[j] == part[i])
                        f = folder[j]
                if (f != "-")
                    printf "s|{%s}|weights/%s|g\n", name[i], f
            }
        }'
}

sha256_of() {
    if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# The beginning of a recipe's hash, by which tests/golden/recipes.txt knows which one it was written for.
recipe_print() { sha256_of "weights/recipes/$1" | cut -c1-12; }

# The files of a shipped folder that training wrote; of the whole model those that its row makes.
shipped_files() { # FOLDER
    case $1 in
    -) ;;
    model) find weights/model -type f ! -path 'weights/model/vae/*' ! -path 'weights/model/tokenizer/*' ;;
    *) find "weights/$1" -type f ;;
    esac | sort
}
