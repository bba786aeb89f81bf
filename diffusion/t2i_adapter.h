/* diffusion/t2i_adapter.h - a small network that turns a picture into features for the way down of a U-Net;
 * diffusers' T2IAdapter.
 *
 *   u   = picture with blocks of f x f pixels laid into channels        f = downscale_factor
 *   full, full_xl:  h = conv_in(u);  feature_i = block_i(h), which is the next block's h
 *   light:          feature_i = out_conv(resnets(in_conv(.))) of u, then of feature_i-1
 *   resnet:         x + conv2(relu(conv1(x)))
 *
 * Every block but the first halves first by averages of 2 x 2 pixels (at an odd edge of those that are there); in
 * full_xl only block 2 does.  full: 3x3 and 1x1 convolutions, widened by a 1x1 in_conv where the channels differ;
 * light: 3x3 both, in a quarter of the channels.
 *
 * Pictures are (N,in_channels,H,W) in [0,1]; f divides H and W.  The features do not depend on the timestep: a run
 * needs them once.  Source: Mou et al. 2023 [Mou23], section 3.3; what they leave open as in diffusers 0.27,
 * models/adapter.py.  Derivation: docs/math/control.md. */
#ifndef DIFFUSION_T2I_ADAPTER_H
#define DIFFUSION_T2I_ADAPTER_H

#include "diffusion/t2i_adapter_config.h"
#include "diffusion/unet_hooks.h"

typedef struct {
    Affine conv1, conv2; /* block1, block2 */
} AdapterResnet;

typedef struct {
    bool halves;
    Affine in_conv;  /* weight is NULL: there is none */
    Affine out_conv; /* light only */
    AdapterResnet *resnet;
    int resnets;
} AdapterBlock;

typedef struct {
    AdapterConfig config;
    Affine conv_in;      /* full and full_xl */
    AdapterBlock *block; /* t2i_adapter_features of them */
} T2iAdapter;

/* Parameters named as in diffusers' files ("adapter.body.0..."), below `prefix` ("" for a model folder).  Create mode:
 * PyTorch's defaults.  Failures are in w. */
void t2i_adapter_load(T2iAdapter *a, const AdapterConfig *config, Weights *w, const char *prefix);

/* Feature i of each of the N pictures, (N,channels,h,w); the tensors are the tape's. */
typedef struct {
    Tensor *feature[ADAPTER_LEVELS + 1];
    int count;
} AdapterFeatures;

/* False after a failure, which is on the tape. */
bool t2i_adapter(AdapterFeatures *out, Tape *tape, const T2iAdapter *a, Tensor *picture);

/* sum += weight * more: several adapters for one U-Net, or one with its conditioning scale.  An empty sum (all
 * zero) becomes weight * more. */
bool adapter_features_add(AdapterFeatures *sum, Tape *tape, const AdapterFeatures *more, float weight);

/* Each feature `times` over along axis 0, all pictures and then all of them again: for the conditions of guidance. */
bool adapter_features_repeat(AdapterFeatures *f, Tape *tape, int times);

/* Lets them enter a U-Net; f must outlive the hooks. */
void adapter_features_hook(UnetHooks *hooks, const AdapterFeatures *f);

#endif
