/* diffusion/vae_mid.h - the middle of the VAE's encoder and of its decoder; diffusers' UNetMidBlock2D.
 *
 *   x <- resnet(x);   x <- x + attention over pixels (norm(x)), one head;   x <- resnet(x) */
#ifndef DIFFUSION_VAE_MID_H
#define DIFFUSION_VAE_MID_H

#include "diffusion/attention_layer.h"
#include "diffusion/res_unit.h"
#include "diffusion/vae_config.h"

typedef struct {
    const char *name; /* "decoder.mid_block" */
    ResUnit unit[2];
    Affine norm; /* attentions.0.group_norm; weight is NULL when mid_block_add_attention is false */
    AttentionLayer attention;
    int groups;
} VaeMid;

/* The VAE's residual blocks: no time embedding, eps 1e-6 throughout. */
ResBlockShape vae_resnet_shape(const VaeConfig *c, int in, int out);

/* norm, silu and a 3x3 convolution: how encoder and decoder end. */
Tensor *vae_output(Tape *tape, const Affine *norm, const Affine *conv, int groups, Tensor *x);

void vae_mid_load(VaeMid *m, Weights *w, const char *prefix, const VaeConfig *c);

/* x (N,C,H,W) with C = channels of the coarsest level; returns the same shape. */
Tensor *vae_mid(Tape *tape, const VaeMid *m, Tensor *x);

#endif
