/* cli/truth_layers.c - the layers that networks are made of, in binary64 (see truth_net.h). */
#include "cli/truth_net.h"

/* silu(norm(x)) */
static WideTensor *activated(TruthNet *n, const ResBlock *b, const Affine *norm, WideTensor *x)
{
    return wide_activate(n, wide_group_norm(n, norm, x, b->shape.groups, b->shape.eps), ACTIVATION_SILU);
}

WideTensor *wide_res_block(TruthNet *n, const ResBlock *b, WideTensor *x, WideTensor *emb)
{
    const Conv2dOptions same = conv2d_padding(1, 1);
    WideTensor *h = wide_conv2d(n, &b->conv1, activated(n, b, &b->norm1, x), same);
    if (b->shape.emb != 0) {
        WideTensor *shift = wide_linear(n, &b->time, wide_activate(n, emb, ACTIVATION_SILU));
        if (shift != NULL)
            shift = wide_shaped(n, shift, 4, (const int[4]){shift->dim[0], shift->dim[1], 1, 1});
        h = wide_add(n, h, shift);
    }
    h = wide_conv2d(n, &b->conv2, activated(n, b, &b->norm2, h), same);
    if (b->shortcut.weight != NULL)
        x = wide_conv2d(n, &b->shortcut, x, conv2d_padding(1, 0));
    WideTensor *y = wide_add(n, x, h);
    if (b->shape.scale != 1.0f)
        y = wide_divide(n, y, b->shape.scale);
    return wide_named(n, y, b->name, "");
}

WideTensor *wide_attention_layer(TruthNet *n, const AttentionLayer *a, WideTensor *x, WideTensor *text)
{
    WideTensor *over = text != NULL ? text : x;
    WideTensor *q = wide_linear(n, &a->to_q, x), *k = wide_linear(n, &a->to_k, over);
    WideTensor *y = wide_attention(n, q, k, wide_linear(n, &a->to_v, over), a->heads, false);
    return wide_named(n, wide_linear(n, &a->to_out, y), a->name, "");
}

static WideTensor *block_wide(TruthNet *n, const TransformerBlock *b, WideTensor *x, WideTensor *text)
{
    const float eps = 1e-5f;
    WideTensor *h = wide_attention_layer(n, &b->attn1, wide_layer_norm(n, &b->norm1, x, eps),
                                         b->only_cross_attention ? text : NULL);
    x = wide_add(n, h, x);
    x = wide_add(n, wide_attention_layer(n, &b->attn2, wide_layer_norm(n, &b->norm2, x, eps), text), x);
    h = wide_geglu(n, wide_linear(n, &b->expand, wide_layer_norm(n, &b->norm3, x, eps)));
    h = wide_named(n, wide_linear(n, &b->shrink, h), b->name, "ff");
    return wide_named(n, wide_add(n, h, x), b->name, "");
}

WideTensor *wide_pixels_to_tokens(TruthNet *n, WideTensor *x)
{
    if (x == NULL)
        return NULL;
    return wide_transposed(
        n, wide_shaped(n, x, 3, (const int[3]){x->dim[0], x->dim[1], x->dim[2] * x->dim[3]}));
}

WideTensor *wide_tokens_to_pixels(TruthNet *n, WideTensor *x, int H, int W)
{
    if (x == NULL)
        return NULL;
    return wide_shaped(n, wide_transposed(n, x), 4, (const int[4]){x->dim[0], x->dim[2], H, W});
}

static WideTensor *transformer(TruthNet *n, const Transformer2d *t, WideTensor *x, WideTensor *text)
{
    if (x == NULL)
        return NULL;
    const int H = x->dim[2], W = x->dim[3];
    const Conv2dOptions point = conv2d_padding(1, 0);
    const bool is_linear = t->shape.use_linear_projection;
    WideTensor *h = wide_group_norm(n, &t->norm, x, t->shape.groups, 1e-6f);
    h = is_linear ? wide_linear(n, &t->proj_in, wide_pixels_to_tokens(n, h))
                  : wide_pixels_to_tokens(n, wide_conv2d(n, &t->proj_in, h, point));
    for (int i = 0; i < t->shape.layers; i++)
        h = block_wide(n, &t->block[i], h, text);
    h = is_linear ? wide_tokens_to_pixels(n, wide_linear(n, &t->proj_out, h), H, W)
                  : wide_conv2d(n, &t->proj_out, wide_tokens_to_pixels(n, h, H, W), point);
    return wide_named(n, wide_add(n, h, x), t->name, "");
}

WideTensor *wide_res_unit(TruthNet *n, const ResUnit *u, WideTensor *x, WideTensor *skip, WideTensor *emb,
                          WideTensor *text)
{
    if (skip != NULL)
        x = wide_concat(n, x, skip);
    x = wide_res_block(n, &u->resnet, x, emb);
    return u->attention.block != NULL ? transformer(n, &u->attention, x, text) : x;
}

WideTensor *wide_downsample(TruthNet *n, const ResampleLayer *l, WideTensor *x)
{
    const Conv2dOptions half = {
        .stride = 2, .pad_top = l->padding, .pad_left = l->padding, .pad_bottom = 1, .pad_right = 1};
    return wide_named(n, wide_conv2d(n, &l->conv, x, half), l->name, "");
}

WideTensor *wide_upsample(TruthNet *n, const ResampleLayer *l, WideTensor *x, int H, int W)
{
    return wide_named(n, wide_conv2d(n, &l->conv, wide_nearest(n, x, H, W), conv2d_padding(1, 1)), l->name,
                      "");
}
