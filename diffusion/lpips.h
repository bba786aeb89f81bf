/* diffusion/lpips.h - how different two pictures look: distances between the features of a VGG.
 *
 * For each stage l of the network (diffusion/vgg.h) with features f, g (N,C,h,w) of the two pictures:
 *
 *     f^ = f / (|f| + 1e-10),  |f| over the channels of a position
 *     d_l = mean over positions of sum_c w_lc (f^_c - g^_c)^2
 *     d   = sum_l d_l                                                                   one number a pair
 *
 * w are the published linear heads (LPIPS), or 1 where none are given.  A position without any active feature
 * sends no gradient back.
 * Source: Zhang, Isola, Efros, Shechtman and Wang 2018 [ZhaIE18], section 3; the released code
 * (richzhang/PerceptualSimilarity, lpips/lpips.py, class LPIPS, and normalize_tensor of lpips/__init__.py).
 * Its shift and scale of the input are image_mean (0.485, 0.456, 0.406) and image_std (0.229, 0.224, 0.225)
 * of the network's configuration. */
#ifndef DIFFUSION_LPIPS_H
#define DIFFUSION_LPIPS_H

#include "diffusion/vgg.h"

typedef struct {
    int stages;
    Tensor *weight[VGG_STAGES]; /* (1,C,1,1), not below 0; NULL: all 1 */
} LpipsHeads;

/* The published heads for this network: lin0.model.1.weight ... (1,C,1,1), one a stage, from a safetensors
 * file (lpips/weights/v0.1).  STATUS_FORMAT when a weight is below 0 or no number. */
MUST_CHECK Status lpips_heads_open(LpipsHeads *out, const Vgg *vgg, const char *path, Arena *arena,
                                   Error *err);

/* The same for features of `stages` stages, channels[i] of them in stage i. */
MUST_CHECK Status lpips_heads_read(LpipsHeads *out, const int *channels, int stages, const char *path,
                                   Arena *arena, Error *err);

/* Distances (N) of features: those of one network, for pictures of one size.  heads may be NULL.
 * layer (stages), or NULL: the d_l (N). */
Tensor *lpips_between(Tape *tape, const LpipsHeads *heads, const VggTaps *x, const VggTaps *y,
                      Tensor **layer);

/* Distances (N) of pictures x and y (N,3,H,W) in [-1,1]. */
Tensor *lpips(Tape *tape, const Vgg *vgg, const LpipsHeads *heads, Tensor *x, Tensor *y);

#endif
