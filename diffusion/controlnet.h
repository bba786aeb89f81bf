/* diffusion/controlnet.h - a copy of half a U-Net that steers the whole by a picture; diffusers' ControlNetModel.
 *
 *   c        = conv_out( silu(block_k) ... silu(conv_in(picture)) )     the condition: as large as the latent
 *   s_0..s_n = skip connections of the copied half for conv_in(x) + c, m = result of its middle block
 *   r_i      = g_i zero_i(s_i),   r_mid = g_n+1 zero_mid(m)             1x1 convolutions that start at zero
 *
 * with g_i = scale; in guess mode g_i = 10^(-1 + i/(n+1)) scale, from a tenth to the whole, coarsest last.  The r
 * are added to the U-Net's own skip connections and middle (diffusion/unet_hooks.h), those of several
 * ControlNets summed.  Where the config says global_pool_conditions, r is its mean over the pixels at every
 * pixel, and guess mode changes no g.
 *
 * Pictures are (P,channels,f h,f w) in [0,1], not [-1,1]; f = controlnet_factor; P is 1 (one picture for the whole
 * batch) or N.  Source: Zhang et al. 2023 [Zha23], sections 3.1 and 3.2; what they leave open as in diffusers
 * 0.27, models/controlnet.py and pipelines/controlnet/multicontrolnet.py.  Derivation: docs/math/control.md. */
#ifndef DIFFUSION_CONTROLNET_H
#define DIFFUSION_CONTROLNET_H

#include "diffusion/controlnet_config.h"
#include "diffusion/unet.h"

typedef struct {
    ControlNetConfig config;
    UnetEncoder encoder; /* names and shapes are the U-Net's */
    Affine cond_in, cond_out;
    Affine *cond_block; /* 2 (embedding_levels - 1): one that keeps, one that halves and widens, in turn */
    Affine *zero;       /* controlnet_residuals of them */
    Affine zero_mid;
} ControlNet;

/* Parameters named as in diffusers' files, below `prefix` ("" for a model folder).  Create mode: as PyTorch's
 * defaults, and zero for conv_out of the condition, zero and zero_mid.  Failures are in w; the config's levels
 * must live as long as the network. */
void controlnet_load(ControlNet *net, const ControlNetConfig *config, Weights *w, const char *prefix);

/* Start of training: conv_in, time embedding, way down and middle get the U-Net's numbers, by name.
 * STATUS_SHAPE, naming the first parameter that the U-Net has not in that shape; then nothing is changed. */
MUST_CHECK Status controlnet_copy_unet(const Weights *controlnet, const Weights *unet, Error *err);

/* What is added to the U-Net; the tensors are the tape's. */
typedef struct {
    Tensor **down; /* (count), in the order of the skip connections, that of conv_in first */
    int count;
    Tensor *mid;
} ControlResiduals;

typedef struct {
    float scale; /* conditioning_scale; 1: as trained */
    bool guess_mode;
} ControlOptions;

/* c of the picture: (P,C0,h,w).  It depends on the picture alone: a run needs it once. */
Tensor *controlnet_condition(Tape *tape, const ControlNet *net, Tensor *picture);

/* x (N,in_channels,h,w), N timesteps, text (N,S,cross_attention_dim), condition from controlnet_condition.
 * False after a failure, which is on the tape. */
bool controlnet(ControlResiduals *out, Tape *tape, const ControlNet *net, Tensor *x, const float *timesteps,
                Tensor *text, Tensor *condition, ControlOptions options);

/* sum += more: several ControlNets for one U-Net.  An empty sum (all zero) becomes `more`. */
bool control_residuals_add(ControlResiduals *sum, Tape *tape, const ControlResiduals *more);

/* Lets them enter a U-Net. */
void control_residuals_hook(UnetHooks *hooks, const ControlResiduals *r);

#endif
