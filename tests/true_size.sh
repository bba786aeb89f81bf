#!/bin/sh
# A model of Stable Diffusion 1's sizes with random weights (f16, 2 GB on disk) makes a picture of 512x512 inside LIMIT GiB of
# addresses, and `info` reads its files.
#
#   sh tests/true_size.sh PROGRAM RANDOM_MODEL FOLDER [STEPS] [LIMIT]
# FOLDER/model stays for the next run.
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 1
program=$1 maker=$2 folder=$3 steps=${4:-2} limit=${5:-12}
mkdir -p "$folder" || exit 1
[ -e "$folder/model/model_index.json" ] ||
    "$maker" tests/true_size/sd1 weights/model/tokenizer "$folder/model" f16 || exit 1
seconds() { date +%s; }

began=$(seconds)
"$program" info "$folder/model/unet/diffusion_pytorch_model.safetensors" -q >/dev/null || exit 1
echo "info: $(($(seconds) - began)) s"
began=$(seconds)
(
    ulimit -v $((limit * 1024 * 1024)) || exit 1
    "$program" txt2img -m "$folder/model" -p "a red apple" --steps "$steps" -o "$folder/picture.png"
) || { echo "true size: no picture inside $limit GiB"; exit 1; }
echo "true size: 512x512, $steps guided steps in $(($(seconds) - began)) s, inside $limit GiB"
