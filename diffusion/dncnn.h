/* diffusion/dncnn.h - DnCNN: a network that finds the noise in a picture.
 *
 *   x (N,3,H,W), levels / 256 -> 17 convolutions 3x3 of 64 channels without padding, ReLU after all but the last, batch
 *   normalisation (stored statistics, eps 1e-5) before it in 2 to 16 -> (N,3,H-34,W-34), noise in units of its deviation
 *
 * Names and shapes are those of the PyTorch file that the residual power spectra of [Cor23] are made with (a Sequential: 0.weight,
 * 0.bias, 2.weight, 3.weight ... 47.bias; below "network." or at the top).  The file is the user's.
 * Source: Zhang, Zuo, Chen, Meng and Zhang 2017 [Zha17]; grip-unina/SyntheticImagesAnalysis, denoiser.py. */
#ifndef DIFFUSION_DNCNN_H
#define DIFFUSION_DNCNN_H

#include "nn/tape.h"
#include "weights/weights.h"

enum { DNCNN_LAYERS = 17, DNCNN_CHANNELS = 64, DNCNN_MARGIN = 17 };

typedef struct {
    Affine conv[DNCNN_LAYERS]; /* bias of the first and the last alone */
    Affine norm[DNCNN_LAYERS]; /* of 1 to 15, counted from 0: scale and shift */
    Tensor *mean[DNCNN_LAYERS], *variance[DNCNN_LAYERS];
} DnCnn;

/* Parameters below `prefix`.  Failures are in w. */
void dncnn_load(DnCnn *out, Weights *w, const char *prefix);

/* A file of weights, of any format of io/tensor_archive.h; the arena keeps everything. */
MUST_CHECK Status dncnn_open(DnCnn *out, const char *path, Arena *arena, Error *err);

/* STATUS_SHAPE on the tape when x is not (N,3,H,W) with sides above 2 DNCNN_MARGIN. */
Tensor *dncnn(Tape *tape, const DnCnn *net, Tensor *x);

#endif
