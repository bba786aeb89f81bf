#include "diffusion/transformer2d.h"

#include "diffusion/layer_name.h"
#include "nn/elementwise.h"
#include "nn/group_norm.h"
#include "nn/reshape.h"

static const float NORM_EPS = 1e-6f; /* 0x1.0c6f7ap-20; Transformer2DModel's own, not norm_eps */

void transformer2d_load(Transformer2d *t, Weights *w, const char *prefix, Transformer2dShape shape)
{
    char child[WEIGHTS_NAME];
    const int C = shape.channels;
    *t = (Transformer2d){.name = layer_name(w, prefix), .shape = shape};
    t->norm = weights_norm(w, prefix, "norm", C);
    t->proj_in = shape.use_linear_projection ? weights_linear(w, prefix, "proj_in", C, C)
                                             : weights_conv2d(w, prefix, "proj_in", C, C, 1);
    t->block = layer_array(w, shape.layers, sizeof *t->block);
    for (int i = 0; t->block != NULL && i < shape.layers; i++)
        transformer_block_load(&t->block[i], w, weights_child(child, prefix, "transformer_blocks.%d", i), C,
                               shape.heads, shape.cross_attention_dim, shape.only_cross_attention);
    t->proj_out = shape.use_linear_projection ? weights_linear(w, prefix, "proj_out", C, C)
                                              : weights_conv2d(w, prefix, "proj_out", C, C, 1);
}

Tensor *pixels_to_tokens(Tape *tape, Tensor *x)
{
    if (x == NULL)
        return NULL;
    const int tokens[3] = {x->dim[0], x->dim[1], x->dim[2] * x->dim[3]};
    return permute(tape, reshape(tape, x, 3, tokens), (const int[3]){0, 2, 1});
}

Tensor *tokens_to_pixels(Tape *tape, Tensor *x, int H, int W)
{
    if (x == NULL)
        return NULL;
    const int pixels[4] = {x->dim[0], x->dim[2], H, W};
    return reshape(tape, permute(tape, x, (const int[3]){0, 2, 1}), 4, pixels);
}

Tensor *transformer2d(Tape *tape, const Transformer2d *t, Tensor *x, Tensor *text, const UnetHooks *hooks)
{
    if (x == NULL)
        return NULL;
    const int H = x->dim[2], W = x->dim[3];
    const bool linear_projection = t->shape.use_linear_projection;
    const Conv2dOptions point = conv2d_padding(1, 0);

    Tensor *h = group_norm(tape, x, t->norm.weight, t->norm.bias, t->shape.groups, NORM_EPS);
    h = linear_projection ? hooked_linear(tape, hooks, &t->proj_in, pixels_to_tokens(tape, h))
                          : pixels_to_tokens(tape, hooked_conv2d(tape, hooks, &t->proj_in, h, point));
    for (int i = 0; i < t->shape.layers; i++)
        h = transformer_block(tape, &t->block[i], h, text, hooks);
    h = linear_projection
            ? tokens_to_pixels(tape, hooked_linear(tape, hooks, &t->proj_out, h), H, W)
            : hooked_conv2d(tape, hooks, &t->proj_out, tokens_to_pixels(tape, h, H, W), point);
    return tape_named(tape, add(tape, h, x), t->name, "");
}
