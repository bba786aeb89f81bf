#!/bin/sh
# fuzz.sh NAME [SECONDS]: runs tests/fuzz_NAME.c under libFuzzer (needs clang), starting from tests/corpus/NAME
# if there is one.
# What it finds is left in build/fuzz/NAME.  Run from the root of the tree.
name=$1
seconds=${2:-60}
made=build/fuzz/$name
corpus=tests/corpus/$name
[ -d "$corpus" ] || corpus=
mkdir -p "$made" || exit 1
clang -g -O1 -std=c99 -ffp-contract=off -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -DARENA_SEPARATE -DISA=base -DISA_LEVELS=1 -I. \
    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
    "tests/fuzz_$name.c" io/*.c base/*.c diffusion/tokenizer*.c -lm -o "build/fuzz/fuzz_$name" &&
    "build/fuzz/fuzz_$name" -max_total_time="$seconds" -max_len=4096 -artifact_prefix="$made/" "$made" $corpus
