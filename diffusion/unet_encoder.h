/* diffusion/unet_encoder.h - the way down and the middle of the U-Net, with the time embedding: the half
 * that a ControlNet [Zha23] copies, under the same names. */
#ifndef DIFFUSION_UNET_ENCODER_H
#define DIFFUSION_UNET_ENCODER_H

#include "diffusion/unet_blocks.h"

typedef struct {
    UnetConfig config;
    Affine conv_in;
    Affine time_cond; /* time_embedding.cond_proj, without bias; weight is NULL when the config has none */
    Affine time1, time2; /* time_embedding.linear_1, linear_2 */
    DownBlock *down;     /* config.levels of them */
    MidBlock mid;
} UnetEncoder;

/* What the way up needs; the tensors are the tape's. */
typedef struct {
    Tensor *emb;   /* (N,time_embedding_dim) */
    Tensor *mid;   /* result of the middle block */
    Tensor **skip; /* unet_skip_count of them, in the order in which they were made */
} UnetEncoding;

void unet_encoder_load(UnetEncoder *e, const UnetConfig *c, Weights *w, const char *prefix);

/* Says in the tape's error when x (N,in_channels,H,W) or text (N,S,cross_attention_dim) does not fit the
 * config; text may be NULL only when nothing attends to it. */
bool unet_inputs_fit(Tape *tape, const UnetConfig *c, const Tensor *x, const Tensor *text);

/* timesteps: N numbers, fractions allowed.  hint (N,C0,H,W), or NULL, is added to the result of conv_in
 * (ControlNet's condition).  Of the hooks, adapter features, layers and maps apply.
 * False after a failure. */
bool unet_encode(UnetEncoding *out, Tape *tape, const UnetEncoder *e, Tensor *x, const float *timesteps,
                 Tensor *text, Tensor *hint, const UnetHooks *hooks);

#endif
