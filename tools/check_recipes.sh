#!/bin/sh
# The first 20 steps of every row of weights/recipes/list.txt, in little: two samples a step, a pool of 16 pictures.  Once
# with one thread; once with two and micro-batches of one, stopped after 9 steps and resumed.  Both states must have the hash that
# tests/golden/recipes.txt says (hash, name, and the beginning of the recipe's own hash).  A row's network is drawn, not read (--init is left out); autoencoder, tokenizer
# and CLIP that it stands on are the shipped ones.
#
#   sh tools/check_recipes.sh PROGRAM [NAME ...]       --write as first NAME: the hashes of this build into the list
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
. tools/recipe_rows.sh
export LDM99_WEIGHTS="$PWD/weights" # of this tree, wherever the program lies
program=$1
shift
list=tests/golden/recipes.txt
write=
[ "$1" != --write ] || { write=1; shift; }
wanted=" $* "
asked() { [ "$wanted" = "  " ] || case $wanted in *" $1 "*) true ;; *) false ;; esac }
# shellcheck disable=SC2086 # program and options are words
little='--batch-size 2 --micro-batch 1 --pool 16 --held-out 0 --sample-every 0 --save-every 0 -q'
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# The hash of a run's state, or of a tokenizer's files.  A clip's sample is a whole batch of pairs already.
train() { # FOLDER PART RECIPE OPTIONS...
    to=$work/$1 what=$2 by=weights/recipes/$3
    shift 3
    case $what in
    tokenizer)
        $program train tokenizer --recipe "$by" -o "$to" -q "$@" >/dev/null &&
            cat "$to/vocab.json" "$to/merges.txt" | sha256_of | cut -d' ' -f1 ;;
    clip) $program train clip --recipe "$by" -o "$to" $little --batch-size 1 "$@" | sed -n 's/^state sha256 //p' ;;
    *) $program train "$what" --recipe "$by" -o "$to" $little "$@" | sed -n 's/^state sha256 //p' ;;
    esac
}

check_row() { # NAME PART RECIPE OPTIONS...
    name=$1 part=$2 recipe=$3
    shift 3
    one=$(train "$name-1" "$part" "$recipe" "$@" -t 1 ${steps:+--micro-batch 2 --stop-at 20})
    two=
    if [ -n "$steps" ]; then
        train "$name-2" "$part" "$recipe" "$@" -t 2 --stop-at 9 >/dev/null &&
            two=$(train "$name-2" "$part" "$recipe" "$@" -t 2 --stop-at 20 --resume)
    else
        two=$(train "$name-2" "$part" "$recipe" "$@" -t 2)
    fi
    want=$(sed -n "s/^\([0-9a-f]\{64\}\)  $name  .*/\1/p" "$list" 2>/dev/null)
    [ -z "$write" ] || want=$one
    rm -rf "$work"/*
    [ -n "$one" ] && [ "$one" = "$two" ] && [ "$one" = "$want" ] && return 0
    printf '%s:\n  listed                        %s\n  one thread                    %s\n  two threads and interrupted   %s\n' \
        "$name" "${want:-nothing}" "${one:-no state}" "${two:-no state}"
    return 1
}

places=$(shipped_places)
recipe_rows | {
    good=0 bad=0
    [ -z "$write" ] || cp "$list" "$work.before" 2>/dev/null || : > "$work.before"
    while read -r name part recipe _ _ options; do
        asked "$name" || continue
        steps=1
        [ "$part" != tokenizer ] || steps=
        options=$(printf '%s' "$options" | sed 's|--init {[^}]*}||' | sed "$places")
        # shellcheck disable=SC2086 # options are words
        if check_row "$name" "$part" "$recipe" $options; then
            good=$((good + 1))
            [ -z "$write" ] || { grep -v "  $name  " "$work.before" > "$work.after"
                echo "$want  $name  $(recipe_print "$recipe")" >> "$work.after"; mv "$work.after" "$work.before"; }
            [ -z "$write" ] || sort -k 2 "$work.before" > "$list"
        else
            bad=$((bad + 1))
        fi
    done
    rm -f "$work.before"
    echo "$good passed, $bad failed"
    [ "$bad" = 0 ]
}
