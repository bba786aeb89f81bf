#include "diffusion/res_block.h"

#include "diffusion/layer_name.h"
#include "nn/activation.h"
#include "nn/elementwise.h"
#include "nn/group_norm.h"
#include "nn/reshape.h"

void res_block_load(ResBlock *b, Weights *w, const char *prefix, ResBlockShape shape)
{
    *b = (ResBlock){.name = layer_name(w, prefix), .shape = shape};
    b->norm1 = weights_norm(w, prefix, "norm1", shape.in);
    b->conv1 = weights_conv2d(w, prefix, "conv1", shape.out, shape.in, 3);
    if (shape.emb != 0)
        b->time = weights_linear(w, prefix, "time_emb_proj", shape.out, shape.emb);
    b->norm2 = weights_norm(w, prefix, "norm2", shape.out);
    b->conv2 = weights_conv2d(w, prefix, "conv2", shape.out, shape.out, 3);
    if (shape.in != shape.out)
        b->shortcut = weights_conv2d(w, prefix, "conv_shortcut", shape.out, shape.in, 1);
}

/* silu(norm(x)) */
static Tensor *activated(Tape *tape, const ResBlock *b, const Affine *norm, Tensor *x)
{
    return silu(tape, group_norm(tape, x, norm->weight, norm->bias, b->shape.groups, b->shape.eps));
}

/* time_emb_proj(silu(emb)) as (N,out,1,1), to be added at every pixel. */
static Tensor *time_shift(Tape *tape, const ResBlock *b, Tensor *emb, const UnetHooks *hooks)
{
    Tensor *shift = hooked_linear(tape, hooks, &b->time, silu(tape, emb));
    if (shift == NULL)
        return NULL;
    return reshape(tape, shift, 4, (const int[4]){shift->dim[0], shift->dim[1], 1, 1});
}

Tensor *res_block(Tape *tape, const ResBlock *b, Tensor *x, Tensor *emb, const UnetHooks *hooks)
{
    const Conv2dOptions same = conv2d_padding(1, 1);

    Tensor *h = hooked_conv2d(tape, hooks, &b->conv1, activated(tape, b, &b->norm1, x), same);
    if (b->shape.emb != 0)
        h = add(tape, h, time_shift(tape, b, emb, hooks));
    h = hooked_conv2d(tape, hooks, &b->conv2, activated(tape, b, &b->norm2, h), same);
    if (b->shortcut.weight != NULL)
        x = hooked_conv2d(tape, hooks, &b->shortcut, x, conv2d_padding(1, 0));
    Tensor *y = add(tape, x, h);
    if (b->shape.scale != 1.0f)
        y = divide(tape, y, tape_input(tape, (float *)&b->shape.scale, 0, NULL, false));
    return tape_named(tape, y, b->name, "");
}
