/* diffusion/fcn.h - a fully convolutional network [LonS15]: a score for each label in every pixel, from the stages of a VGG.
 *
 *   x (N,3,H,W) in [-1, 1] -> VGG features, its stages s_0 (N,c0,H,W), s_1 (half), ... s_n (the coarsest)
 *   y = score_n(relu(head(s_n)))                              head: 3x3 convolution, as fc6 and fc7 there
 *   for k = n-1 ... 0:   y = bilinear(y, size of s_k) + score_k(s_k)          score: 1x1 convolutions
 *
 * So what a thing is comes from the coarse stages and its outline from the fine ones: the paper's skips (figure 3), down
 * to the finest stage, where FCN-8s stops at an eighth of the size.
 *
 * config.json: { "_class_name": "FCN", "labels": 58, "head_channels": 128, "backbone": { "features": [...], ... } }, the
 * backbone a VGG without heads (diffusion/vgg_config.h).  Names: backbone.features.N as torchvision's features,
 * head.weight, score.N.weight ... with bias; docs/decisions/0013-segmentation-network.md has it in PyTorch. */
#ifndef DIFFUSION_FCN_H
#define DIFFUSION_FCN_H

#include "diffusion/vgg.h"

enum { FCN_LABELS = 4096, FCN_HEAD = 16384 };

typedef struct {
    int labels, head_channels;
    VggConfig backbone;
} FcnConfig;

typedef struct {
    FcnConfig config;
    Vgg backbone;
    Affine head, score[VGG_STAGES]; /* score[k] of stage k, the last of the head */
} Fcn;

/* name begins the error sentences.  On failure *out is untouched. */
MUST_CHECK Status fcn_config_read(FcnConfig *out, const Json *json, const char *name, Arena *arena,
                                  Error *err);
void fcn_config_write(JsonWriter *w, const FcnConfig *c);

/* Failures are in w.  Created weights: the backbone's and the head's as vgg_load's, scores with standard deviation 0.01. */
void fcn_load(Fcn *net, const FcnConfig *config, Weights *w, const char *prefix);

/* x (N,in_channels,H,W) -> (N,labels,H,W).  STATUS_SHAPE when x is too small for all stages. */
Tensor *fcn(Tape *tape, const Fcn *net, Tensor *x);

#endif
