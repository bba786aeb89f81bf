/* diffusion/inception.h - Inception v3 as the Fréchet Inception distance takes it.
 *
 *   x (N,3,H,W), (p - 128) / 128 of levels p from 0 to 255, published numbers at 299 x 299 (metrics/inception_input.h)
 *     -> blocks of diffusion/inception_layers.h, every convolution followed by
 *        batch normalisation (stored statistics, eps 0.001) and ReLU                             (N,2048,8,8)
 *     -> mean over positions (N,2048) -> fc (N,1008)
 *
 * Names, shapes and numbers are those of the network that pytorch-fid and torch-fidelity publish
 * (pt_inception-2015-12-05): not torchvision's inception_v3, whose windows and classes differ.  Its auxiliary branch is
 * not there.  No code or weights come with this: the file is the user's.
 * Sources: Szegedy and others 2016 [Sze16]; Heusel and others 2017 [Heu17]. */
#ifndef DIFFUSION_INCEPTION_H
#define DIFFUSION_INCEPTION_H

#include "diffusion/inception_layers.h"
#include "nn/tape.h"
#include "weights/weights.h"

enum { INCEPTION_CLASSES = 1008, INCEPTION_SIZE = 299, INCEPTION_LEAST = 75 };

typedef struct {
    Tensor *weight;       /* (O,C,kh,kw) */
    Tensor *gamma, *beta; /* (O) */
    Tensor *mean, *variance;
} InceptionConvolution;

typedef struct {
    InceptionConvolution conv[INCEPTION_CONVOLUTIONS]; /* of the rows, in their order */
    Affine fc;
} Inception;

/* Maps and what torch-fidelity calls features. */
typedef struct {
    Tensor *maxima[2];       /* (N,64,h,w) and (N,192,h,w): after MaxPool_1 and MaxPool_2 */
    Tensor *pooled[4];       /* (N,64), (N,192), (N,768), (N,2048): means over positions */
    Tensor *logits_unbiased; /* (N,1008): fc without its bias */
    Tensor *logits;
} InceptionTaps;

/* Parameters below `prefix`.  Failures are in w. */
void inception_load(Inception *out, Weights *w, const char *prefix);

/* A file of weights, of any format of io/tensor_archive.h; the arena keeps everything. */
MUST_CHECK Status inception_open(Inception *out, const char *path, Arena *arena, Error *err);

/* Fills taps; blocks are shown to the tape's observer under their names.  STATUS_SHAPE on the tape when x is not
 * (N,3,H,W) with sides of at least INCEPTION_LEAST. */
void inception(InceptionTaps *taps, Tape *tape, const Inception *net, Tensor *x);

#endif
