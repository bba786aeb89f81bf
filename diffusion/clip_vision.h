/* diffusion/clip_vision.h - CLIP's vision encoder: a picture as one row of numbers.
 *
 *   patches      conv2d(x, patch_embedding), stride = patch_size, no bias: one row of `width` a patch, row by row
 *   tokens       class_embedding, then the patches; each plus position_embedding of its place
 *   states[0]    pre_layrnorm(tokens)                     (the misspelling is the name in the files)
 *   states[i]    after layer i (diffusion/clip_layer.h), each token sees all
 *   last         states[layers], without a norm
 *   pooled       post_layernorm(last[class token])
 *   embedding    visual_projection pooled, no bias; not of length 1
 *
 * Source: Radford et al. 2021 [Rad21], section 2.4 (the vision transformer of Dosovitskiy et al. 2021 with a norm
 * before the layers); names and results as transformers 4.36, CLIPVisionModelWithProjection. */
#ifndef DIFFUSION_CLIP_VISION_H
#define DIFFUSION_CLIP_VISION_H

#include "diffusion/clip_vision_config.h"

typedef struct {
    ClipVisionConfig config;
    Tensor *class_embedding;    /* (width) */
    Tensor *patch_embedding;    /* (width,channels,patch_size,patch_size) */
    Tensor *position_embedding; /* (1 + grid^2,width) */
    Affine pre_norm, post_norm;
    ClipLayer *layer;   /* (layers) */
    Tensor *projection; /* (projection_dim,width), or NULL */
} ClipVision;

/* Parameters "vision_model...." and, where the file or the config has it, "visual_projection.weight".  Create mode
 * draws as openai/CLIP, model.py, VisionTransformer: class, position and projection N(0, 1/width), the
 * patches as PyTorch's convolution. */
void clip_vision_load(ClipVision *v, Weights *w, const ClipVisionConfig *config);

typedef struct {
    Tensor **states; /* out: room for layers + 1 tensors (N,1 + grid^2,width); NULL: not wanted */
    Tensor *last;    /* out: (N,1 + grid^2,width) */
    Tensor *pooled;  /* out: (N,width) */
} ClipVisionRun;

/* x (N,channels,image_size,image_size), already normalised (diffusion/clip_picture.h); returns the embedding
 * (N,projection_dim), or `pooled` where the model has no projection.  `run` may be NULL.  STATUS_SHAPE on the tape for
 * another shape. */
Tensor *clip_vision(Tape *tape, const ClipVision *v, Tensor *x, ClipVisionRun *run);

#endif
