/* diffusion/lpips_trunk.h - AlexNet and SqueezeNet as LPIPS takes them: features of pictures at five and seven places.
 *
 *   x (N,3,H,W) in [-1,1] -> (x - shift) / scale,  shift (-0.030, -0.088, -0.188), scale (0.458, 0.448, 0.450)
 *   alex     five convolutions with ReLU, maxima of 3x3 by steps of 2 before the second and third
 *   squeeze  a convolution of step 2, then eight fire modules (a 1x1 convolution, and what a 1x1 and a 3x3 one make of
 *            it side by side), maxima before the first, third and fifth; these reach over the edge (ceil mode)
 *
 * Names and shapes are those of torchvision's alexnet and squeezenet1_1, whose files load; their classifiers are passed
 * over.  VGG-16 is diffusion/vgg.h.
 * Sources: Krizhevsky 2014 [Kri14]; Iandola and others 2016 [Ian16]; the places and the scaling as
 * richzhang/PerceptualSimilarity, lpips/pretrained_networks.py and lpips.py. */
#ifndef DIFFUSION_LPIPS_TRUNK_H
#define DIFFUSION_LPIPS_TRUNK_H

#include "diffusion/lpips.h"

enum { LPIPS_LAYERS = 12 };

typedef enum { LPIPS_ALEX, LPIPS_SQUEEZE } LpipsTrunkKind;

typedef struct {
    LpipsTrunkKind kind;
    Affine conv[LPIPS_LAYERS]; /* of a layer of the table; of a fire module the first */
    Affine expand1[LPIPS_LAYERS], expand3[LPIPS_LAYERS]; /* fire modules */
} LpipsTrunk;

/* Parameters below `prefix`.  Failures are in w. */
void lpips_trunk_load(LpipsTrunk *t, LpipsTrunkKind kind, Weights *w, const char *prefix);

/* Fills taps->stages and ->stage; the rest of taps is empty.  x smaller than the network takes (alex 31, squeeze 17 pixels) is
 * STATUS_SHAPE on the tape. */
void lpips_trunk(VggTaps *taps, Tape *tape, const LpipsTrunk *t, Tensor *x);

/* As lpips_heads_open, for this network. */
MUST_CHECK Status lpips_trunk_heads(LpipsHeads *out, const LpipsTrunk *t, const char *path, Arena *arena,
                                    Error *err);

#endif
