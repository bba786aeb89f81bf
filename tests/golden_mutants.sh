#!/bin/sh
# tests/golden_mutants.sh BUILD - wrong programs, and whether `golden check --against` catches and names each of them.
#
# A mutant is this program with one line of one file changed.  It writes its golden set; the right program's set is held
# against it, once by bounds and once for bits (--strict).  Each line of the table below says what either has to name first;
# "-": nothing, the mutant is within all bounds.  Called by `make golden-mutants`, from the root of the tree.
#
#   name | file | sed | parts that are written (*: all) | first outside its bound | first with other bits
set -u
build=$1
make=${MAKE:-make}
case $build in /*) echo "golden_mutants.sh: a folder below this one, please" && exit 2 ;; esac
tree=$PWD/$build/mutants
set_folder=$tree/set
passed=0 failed=0

table() {
    cat <<'END'
order_of_sums|nn/gemm_isa.c|s/a0 + a_k\[k\], \*restrict b = b0 + b_k\[k\]/a0 + a_k[K - 1 - k], *restrict b = b0 + b_k[K - 1 - k]/|matmul,linear,conv|-|matmul/ordinary/output
exp_one_step_off|base/exp_inline.h|s/return nan_kept(u, float_bits((float)exp_double(limited(u, 0x42d20000u))));/return nan_kept(u, float_bits((float)exp_double(limited(u, 0x42d20000u))) + (x > -80.0f \&\& x < 80.0f));/|matmul,linear,conv,attention,softmax,exponential|-|attention/ordinary/output
eps_forgotten|nn/norm.c|s/sqrt(variance + eps)/sqrt(variance)/|matmul,linear,conv,attention,softmax,group_norm,layer_norm|group_norm/ordinary/output|group_norm/ordinary/output
mean_left_in|nn/layer_norm.c|s/s\.h \/ count, s\.hx/0.0 * s.h, s.hx/|softmax,layer_norm,batch_norm|layer_norm/ordinary/input.grad|layer_norm/ordinary/input.grad
variance_left_in|diffusion/sampler_ddim.c|s/noise_p - sampler_round(run, sd \* sd)/noise_p/|samplers|samplers/ddim_eta_1/step_00|samplers/ddim_eta_1/step_00
nine_rounds|base/rng.c|s/round < 10/round < 9/|random,schedules|random/philox/words|random/philox/words
time_left_out|diffusion/res_block.c|s/h = add(tape, h, time_shift(tape, b, emb, hooks));/(void)time_shift(tape, b, emb, hooks);/|vae_decoder,unet|unet/shipped/down_blocks.0.resnets.0|unet/shipped/down_blocks.0.resnets.0
mean_of_products_left_in|nn/group_norm.c|s/m, gamma + c, mean.h, mean.hx/m, gamma + c, mean.h, 0.0 * mean.hx/|text_encoder,vae_decoder|vae_decoder/gradients/latent.grad|vae_decoder/gradients/latent.grad
END
}

# A copy of the sources and of what was compiled from them: one file is changed in it at a time.
prepare() {
    rm -rf "$tree" && mkdir -p "$tree/$build" || exit 1
    cp -rp Makefile api base cli diffusion guidance io metrics nn tests tools weights "$tree" 2>/dev/null
    for folder in api base cli diffusion guidance io metrics nn weights; do
        [ ! -d "$build/$folder" ] || cp -rp "$build/$folder" "$tree/$build"
    done
    cp -p "$build/libldm99.a" "$build/ldm99" "$tree/$build"
    "$build/ldm99" golden write "$set_folder" -q >/dev/null || exit 1
    "$build/ldm99" golden check "$set_folder" -q || exit 1
}

# What the comparison names first, "-" when it is content.
first_named() {
    "$build/ldm99" golden check "$set_folder" --against "$1" -q $2 >/dev/null 2>"$tree/err"
    code=$?
    [ $code = 0 ] && echo "-" && return
    [ $code = 4 ] || cat "$tree/err" >&2
    sed -n 's/.*the first is //p' "$tree/err"
}

verdict() { # NAME MODE WANTED GOT
    if [ "$3" = "$4" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$1 ($2): named $4, expected $3"
    fi
}

mutate() { # the columns of the table
    cp -p "$2" "$tree/$2.right"
    sed "$3" "$2" >"$tree/$2"
    if cmp -s "$2" "$tree/$2"; then
        verdict "$1" "sed" "another $2" "the same"
        return
    fi
    touch "$tree/before"
    $make -C "$tree" BUILD="$build" "$build/ldm99" >"$tree/log" 2>&1 || cat "$tree/log"
    only=
    [ "$4" = "*" ] || only="--only $4"
    rm -rf "$tree/other"
    "$tree/$build/ldm99" golden write "$tree/other" -q $only >/dev/null || echo "$1: no set"
    bounds=$(first_named "$tree/other" "$only")
    bits=$(first_named "$tree/other" "$only --strict")
    verdict "$1" "bounds" "$5" "$bounds"
    verdict "$1" "bits" "$6" "$bits"
    printf '%-24s %-44s %s\n' "$1" "$bounds" "$bits"
    # as it was: the right file, and the right objects in place of those that were made from the wrong one
    mv "$tree/$2.right" "$tree/$2"
    (cd "$tree/$build" && find . -type f -newer "$tree/before") | while read -r made; do
        cp -p "$build/$made" "$tree/$build/$made"
    done
}

LDM99_WEIGHTS=${LDM99_WEIGHTS:-$PWD/weights}
export LDM99_WEIGHTS
prepare
printf '%-24s %-44s %s\n' "wrong program" "first outside its bound" "first with other bits"
table >"$tree/table"
while IFS='|' read -r name file change part bounds bits; do
    mutate "$name" "$file" "$change" "$part" "$bounds" "$bits"
done <"$tree/table"
rm -rf "$tree"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
