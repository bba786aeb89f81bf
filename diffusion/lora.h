/* diffusion/lora.h - low-rank increments of a model's layers (LoRA), from a file to the layers [Hu21].
 *
 *   y = W x + b + s up(down(x)),   s = weight * alpha / rank
 *
 * down takes the layer's input to `rank` numbers (for a convolution: with its kernel, stride and padding), up takes
 * them to the layer's output (1x1).  alpha is the file's; where it has none, alpha is the rank.
 * At run time the increments are added through the networks' hooks, so a model without them again is the same bit for
 * bit; lora_merge adds s up down to the weights instead, which is faster and cannot be undone exactly.
 * Source: Hu et al. 2021 [Hu21], section 4.1; conventions of diffusers 0.27, models/lora.py.  Names:
 * diffusion/lora_name.h; docs/formats/lora.md. */
#ifndef DIFFUSION_LORA_H
#define DIFFUSION_LORA_H

#include "diffusion/lora_name.h"
#include "diffusion/unet_hooks.h"
#include "io/tensor_archive.h"

typedef struct {
    const char *module; /* "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q" */
    bool text;
    Tensor *weight;    /* of the layer: (out,in) or (out,in,k,k) */
    Tensor *down, *up; /* (rank,in), (out,rank); of a convolution (rank,in,k,k), (out,rank,1,1) */
    int rank;
    bool has_alpha; /* the file says it; else it is the rank */
    double alpha;
    float scale; /* weight * alpha / rank */
} LoraLayer;

typedef struct {
    const char *path;
    LoraNaming naming; /* of the file's matrices */
    double weight;
    LoraLayer *layers;
    size_t count;
    const char **unmatched; /* tensors whose layer the model does not have */
    size_t unmatched_count;
} Lora;

/* Reads the file and finds its layers in the networks' weights (NULL: that network is not there).  Refused with
 * STATUS_FORMAT: a tensor that is none of a LoRA's (LoHa, LoKr, DoRA ...), half a pair, shapes that do not fit the
 * layer, an alpha that is no finite number, and a file of which no layer is found. */
MUST_CHECK Status lora_open(Lora *out, const char *path, double weight, const Weights *unet,
                            const Weights *text, Arena *arena, Error *err);

/* Several, added in this order; what UnetHooks.layer_context is for lora_layer. */
typedef struct {
    const Lora *lora;
    int count;
} LoraSet;

/* UnetHooks.layer: y plus the increments of the layer. */
Tensor *lora_layer(void *context, Tape *tape, const Affine *layer, const Conv2dOptions *options, Tensor *x,
                   Tensor *y);

/* W <- W + s up down in the weights of each layer. */
MUST_CHECK Status lora_merge(const Lora *lora, Arena *scratch, Error *err);

#endif
