/* diffusion/transformer_block.h - one transformer layer of the U-Net; diffusers' BasicTransformerBlock.
 *
 *   x <- x + attn1(norm1(x))            pixels look at pixels (at the text, when only_cross_attention)
 *   x <- x + attn2(norm2(x), text)      pixels look at the text
 *   x <- x + ff(norm3(x)),              ff(x) = W2 (h * gelu(g)), (h, g) = halves of W1 x, h is 4 C wide
 *
 * Source: Rombach et al. 2022 [RomB22]; GEGLU: Shazeer 2020. */
#ifndef DIFFUSION_TRANSFORMER_BLOCK_H
#define DIFFUSION_TRANSFORMER_BLOCK_H

#include "diffusion/attention_layer.h"

typedef struct {
    const char *name;
    Affine norm1, norm2, norm3; /* layer norms */
    AttentionLayer attn1, attn2;
    Affine expand, shrink; /* ff.net.0.proj (8C,C) and ff.net.2 (C,4C) */
    bool only_cross_attention;
} TransformerBlock;

void transformer_block_load(TransformerBlock *b, Weights *w, const char *prefix, int channels, int heads,
                            int cross_attention_dim, bool only_cross_attention);

/* x (N,T,C), text (N,S,cross_attention_dim); returns (N,T,C). */
Tensor *transformer_block(Tape *tape, const TransformerBlock *b, Tensor *x, Tensor *text,
                          const UnetHooks *hooks);

#endif
