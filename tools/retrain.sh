#!/bin/sh
# Makes everything in weights/ again by weights/recipes/list.txt, into FOLDER/NAME, and compares the files with
# weights/SHA256SUMS.  What is finished there stays, what was begun goes on from its saved state: call it again after a stop.
#
#   sh tools/retrain.sh PROGRAM FOLDER [NAME ...]     all rows, or those named (and what is there already)
# RETRAIN_OPTIONS: further options of every run; with --max-train-steps it is a rehearsal, which gives other files.
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
. tools/recipe_rows.sh
export LDM99_WEIGHTS="$PWD/weights" # of this tree, wherever the program lies
program=$1 out=$2
shift 2
wanted=" $* "
asked() { [ "$wanted" = "  " ] || case $wanted in *" $1 "*) true ;; *) false ;; esac }

rows=$(recipe_rows)
hours=$(printf '%s\n' "$rows" | while read -r name _ _ h _; do asked "$name" && [ ! -e "$out/$name.done" ] && echo "$h"; done |
    awk '{h += $1} END {printf "%.1f", h}')
echo "retrain: about $hours hours on one core, into $out"
mkdir -p "$out" || exit 1
printf '%s\n' "$rows" | while read -r name part recipe h folder options; do
    asked "$name" || continue
    [ ! -e "$out/$name.done" ] || { echo "retrain: $name is done"; continue; }
    resume=
    [ ! -e "$out/$name/state.safetensors" ] || resume=--resume
    options=$(printf '%s' "$options" | sed "s|{\([a-z0-9-]*\)}|$out/\1|g")
    steps=$RETRAIN_OPTIONS
    [ "$part" != tokenizer ] || steps=
    echo "retrain: $name, about $h hours $resume"
    # shellcheck disable=SC2086 # options are words
    "$program" train "$part" --recipe "weights/recipes/$recipe" -o "$out/$name" $options $steps $resume </dev/null || exit
    touch "$out/$name.done"
done || exit

echo "retrain: against weights/SHA256SUMS"
printf '%s\n' "$rows" | {
    same=0 other=0 missing=0
    while read -r name _ _ _ folder _; do
        for file in $(shipped_files "$folder"); do
            made=$out/$name/${file#weights/"$folder"/}
            want=$(grep "  ${file#weights/}\$" weights/SHA256SUMS | cut -d' ' -f1)
            if [ ! -e "$made" ]; then
                missing=$((missing + 1))
            elif [ "$(sha256_of "$made" | cut -d' ' -f1)" = "$want" ]; then
                same=$((same + 1))
            else
                echo "another: $made"
                other=$((other + 1))
            fi
        done
    done
    echo "retrain: $same files are the shipped ones, $other are others, $missing were not made"
    [ "$other" = 0 ]
}
