/* diffusion/aesthetic_rule.h - a stated rule that takes the place of people's taste.
 *
 * The picture world has no ratings by people, so that what the aesthetic head learns to predict is this number, from 1
 * to 10, of a picture of n pixels (docs/decisions/0014-an-aesthetic-rule.md):
 *
 *   colour    M / 110, at most 1,   M = sqrt(var rg + var yb) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2),
 *                                   rg = R - G,  yb = (R + G) / 2 - B                     [HasS03, metric M3]
 *             (the paper: 0 is not colourful, 109 extremely so)
 *   contrast  sd(Y) / 96, at most 1; Y the grey of image_convert
 *   fill      share / 0.6, at most 1: of the pixels that are unlike all four corners, |dR| + |dG| + |dB| >= 48
 *   score     1 + 9 (0.5 colour + 0.25 contrast + 0.25 fill)                                               [ours]
 *
 * Means and variances are of the pixels (divided by n); their sums are whole numbers, and exact. */
#ifndef DIFFUSION_AESTHETIC_RULE_H
#define DIFFUSION_AESTHETIC_RULE_H

#include "io/image.h"

typedef struct {
    double colour, contrast, fill; /* in [0, 1] */
    double score;                  /* in [1, 10] */
} AestheticRule;

/* A picture with 3 channels; pixels of a picture with 4 count with their colour, whatever their alpha.
 * STATUS_ARGUMENT for other channels. */
MUST_CHECK Status aesthetic_rule(AestheticRule *out, const Image *image, Error *err);

#endif
