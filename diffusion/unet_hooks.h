/* diffusion/unet_hooks.h - everything that may enter a U-Net from outside, in one struct.
 *
 * ControlNet, T2I-Adapter, LoRA, and all that watches or edits attention come in here and nowhere else; a
 * NULL hooks pointer, or a zeroed struct, is the plain network.  The struct and what it points to must live
 * until the gradients have been taken (checkpointed units ask again). */
#ifndef DIFFUSION_UNET_HOOKS_H
#define DIFFUSION_UNET_HOOKS_H

#include "nn/conv2d.h"
#include "nn/tape.h"
#include "weights/weights.h"

typedef struct UnetHooks {
    /* ControlNet [Zha23], diffusers' down_block_additional_residuals and mid_block_additional_residual:
     * added to the skip connections (one each, in the order in which they are made, that of conv_in first)
     * and to the result of the middle block.  NULL: none. */
    Tensor *const *down_residuals;
    int down_residual_count;
    Tensor *mid_residual;

    /* T2I-Adapter [Mou23], diffusers' down_intrablock_additional_residuals: feature i is added in down
     * block i, before the down-sampling in a block with attention, after it in one without; the last skip
     * of the block has it in both cases.  One more than there are blocks goes to the result of the middle
     * block where it is of the same size (full_xl), and nowhere where it is not (light makes it so). */
    Tensor *const *adapter_features;
    int adapter_count;

    /* Guidance-distilled networks (latent consistency models [Luo23], config time_cond_proj_dim): N
     * numbers, the guidance weight w = scale - 1 that each sample is to look as if made
     * with.  NULL: none. */
    const float *guidance;

    /* Low-rank increments (LoRA [Hu21]) and the like: called after each linear and convolution layer inside
     * the residual blocks and transformers with its input x and its result y, returns what takes y's place.
     * A layer is known by its weight.  options is NULL for a linear layer. */
    Tensor *(*layer)(void *context, Tape *tape, const Affine *layer, const Conv2dOptions *options,
                     Tensor *x, Tensor *y);
    void *layer_context;

    /* Attention maps.  wants_map is asked for every attention layer by its name
     * ("down_blocks.0.attentions.1.  transformer_blocks.0.attn2", attn1: pixels, attn2: text) and number of
     * queries (pixels).  Where it says yes, `map` gets the probabilities (N*heads,T,S) as a tensor of the
     * tape and returns what takes their place, usually they themselves; a loss may be computed from them
     * and walked back.  Asking changes no bit.  When the tape does not record, the map is gone after the
     * call: copy what is needed. */
    bool (*wants_map)(void *context, const char *name, int queries);
    Tensor *(*map)(void *context, Tape *tape, const char *name, Tensor *probabilities);
    void *map_context;
} UnetHooks;

/* The layers of the network as the hooks see them: linear and conv2d, then hooks->layer. */
Tensor *hooked_linear(Tape *tape, const UnetHooks *hooks, const Affine *layer, Tensor *x);
Tensor *hooked_conv2d(Tape *tape, const UnetHooks *hooks, const Affine *layer, Tensor *x,
                      Conv2dOptions options);

/* Whether there are as many residuals and features as the network has places for; says in the tape's error
 * when not. */
bool hooks_fit(Tape *tape, const UnetHooks *hooks, int skips, int levels);

/* Whether the probabilities of this attention layer are asked for. */
bool hooks_want_map(const UnetHooks *hooks, const char *name, int queries);

/* The adapter feature i added to x; x itself when there is none. */
Tensor *hooks_add_feature(Tape *tape, const UnetHooks *hooks, int i, Tensor *x);

/* The same for the middle, to which a feature i of another size is not added. */
Tensor *hooks_add_mid_feature(Tape *tape, const UnetHooks *hooks, int i, Tensor *x);

/* The ControlNet residuals added to `count` skips and to the middle. */
void hooks_add_residuals(Tape *tape, const UnetHooks *hooks, Tensor **skip, int count, Tensor **mid);

#endif
