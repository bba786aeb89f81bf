/* diffusion/vgg.h - the networks of Simonyan and Zisserman 2015 [SimZ15], of any size: classifiers, and features
 * for distances between pictures.
 *
 *   x (N,C,H,W) in [-1,1] -> ((x + 1) / 2 - image_mean) / image_std
 *     -> [3x3 convolution, ReLU] and 2x2 maxima in the order of "features"        (N,D,h,w)
 *     -> averages of pooled_size x pooled_size, one row                           (N,D*p*p)
 *     -> [linear, ReLU] for each of "hidden" -> linear                            (N,outputs)
 *
 * Names, shapes and numbers are those of torchvision's models/vgg.py without batch norm (features.N.weight,
 * classifier.N.weight), so that its files load; its dropout is for training alone and is left out.
 * Created weights: normal with variance 2 / fan in, biases 0 (He et al. 2015 [He15], equation 10), so that deep
 * networks without batch norm train; the last layer has standard deviation 0.01, as torchvision's. */
#ifndef DIFFUSION_VGG_H
#define DIFFUSION_VGG_H

#include "diffusion/vgg_config.h"
#include "nn/tape.h"
#include "weights/weights.h"

typedef struct {
    VggConfig config;
    Affine conv[VGG_LAYERS];       /* at the places of config.layer; empty at maxima */
    Affine linear[VGG_HIDDEN + 1]; /* the hidden ones, then the last */
} Vgg;

/* What a network gives on its way.  Of LPIPS's VGG-16 stages 0 to 4 are relu1_2, 2_2, 3_3, 4_3, 5_3. */
typedef struct {
    int stages;
    Tensor *stage[VGG_STAGES];  /* the last ReLU before each maximum, and at the end */
    Tensor *map;                /* (N,D,h,w): all of "features" */
    Tensor *pooled;             /* (N,D*p*p) */
    Tensor *hidden[VGG_HIDDEN]; /* (N,width), after its activation */
    Tensor *logits;             /* (N,outputs); this and the two above NULL without heads */
} VggTaps;

/* Parameters below `prefix` ("" for a model folder).  Failures are in w. */
void vgg_load(Vgg *vgg, const VggConfig *config, Weights *w, const char *prefix);

/* A folder with config.json and model.safetensors; the arena keeps everything.  Nothing is trainable. */
MUST_CHECK Status vgg_open(Vgg *out, const char *folder, Arena *arena, Error *err);

/* The logits (N,outputs) of x (N,in_channels,H,W), or without heads the map.  level (N): only, and always,
 * with noise_levels.  taps may be NULL; only when it is, and the tape does not record, memory is given back on the
 * way.  STATUS_SHAPE when x has other channels or is too small, STATUS_ARGUMENT when level does not fit. */
Tensor *vgg(Tape *tape, const Vgg *vgg, Tensor *x, const float *level, VggTaps *taps);

/* The part (N,outputs of the head) of logits. */
Tensor *vgg_head_logits(Tape *tape, const Vgg *vgg, Tensor *logits, int head);

/* The largest output of a head in one row of logits, the first one among equals: its number in the head. */
int vgg_best(const VggConfig *config, int head, const float *logits);

/* "stage1" ..., "map", "pooled", "hidden1" ..., "logits"; NULL when there is none of that name. */
Tensor *vgg_tap(const VggTaps *taps, const char *name);

#endif
