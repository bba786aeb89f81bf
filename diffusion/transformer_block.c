#include "diffusion/transformer_block.h"

#include "diffusion/layer_name.h"
#include "nn/activation.h"
#include "nn/elementwise.h"
#include "nn/geglu.h"
#include "nn/layer_norm.h"

static const float LAYER_NORM_EPS = 1e-5f; /* 0x1.4f8b58p-17; torch.nn.LayerNorm's default */

enum { WIDER = 4 }; /* diffusers' FeedForward: inner width 4 C, twice that for the gate */

void transformer_block_load(TransformerBlock *b, Weights *w, const char *prefix, int channels, int heads,
                            int cross_attention_dim, bool only_cross_attention)
{
    char child[WEIGHTS_NAME];
    const int C = channels;
    *b = (TransformerBlock){.name = layer_name(w, prefix), .only_cross_attention = only_cross_attention};
    b->norm1 = weights_norm(w, prefix, "norm1", C);
    attention_layer_load(&b->attn1, w, weights_child(child, prefix, "attn1"), C,
                         only_cross_attention ? cross_attention_dim : C, heads);
    b->norm2 = weights_norm(w, prefix, "norm2", C);
    attention_layer_load(&b->attn2, w, weights_child(child, prefix, "attn2"), C, cross_attention_dim,
                         heads);
    b->norm3 = weights_norm(w, prefix, "norm3", C);
    b->expand = weights_linear(w, prefix, "ff.net.0.proj", 2 * WIDER * C, C);
    b->shrink = weights_linear(w, prefix, "ff.net.2", C, WIDER * C);
}

static Tensor *normed(Tape *tape, const Affine *norm, Tensor *x)
{
    return layer_norm(tape, x, norm->weight, norm->bias, LAYER_NORM_EPS);
}

Tensor *transformer_block(Tape *tape, const TransformerBlock *b, Tensor *x, Tensor *text,
                          const UnetHooks *hooks)
{
    Tensor *first = b->only_cross_attention ? text : NULL;
    x = add(tape, attention_layer(tape, &b->attn1, normed(tape, &b->norm1, x), first, hooks), x);
    x = add(tape, attention_layer(tape, &b->attn2, normed(tape, &b->norm2, x), text, hooks), x);

    Tensor *h = geglu(tape, hooked_linear(tape, hooks, &b->expand, normed(tape, &b->norm3, x)));
    h = tape_named(tape, hooked_linear(tape, hooks, &b->shrink, h), b->name, "ff");
    return tape_named(tape, add(tape, h, x), b->name, "");
}
