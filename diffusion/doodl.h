/* diffusion/doodl.h - the update of the noise in direct optimisation of diffusion latents [WalGEN23, section 4].
 *
 * g is the gradient of the loss with respect to the pair x, y of noise (diffusion/edict.h):
 *
 *   1  g <- -g / 2 each; tied: both their mean, so -(g_x + g_y) / 4
 *   2  every number of g to [-c, c]
 *   3  b <- g at first, then b <- mu b + g; the step is b, or with Nesterov's rule g + mu b
 *   4  x <- x + step_x + kappa xi, y <- y + step_y + kappa xi, with one xi ~ N(0, I) for both
 *   5  tied: both their mean
 *   6  renormalised: each of the length n0
 *
 * There is no learning rate: the loss carries a factor, which acts before the limit of 2.  The 1/2 of line 1 is part of the
 * published step size.  Everything is binary64, left to right, sums by sum8_double. */
#ifndef DIFFUSION_DOODL_H
#define DIFFUSION_DOODL_H

#include "diffusion/edict.h"

typedef struct {
    double clip;      /* c > 0; HUGE_VAL: no limit */
    double momentum;  /* mu in [0, 1) */
    double perturb;   /* kappa >= 0 */
    bool nesterov;    /* the authors tried it and left it out */
    bool tied;        /* x and y stay equal */
    bool renormalise; /* the noise keeps its length */
} DoodlUpdate;

extern const DoodlUpdate DOODL_UPDATE; /* c 1e-3, mu 0.9, kappa 1e-4, tied, renormalised */

typedef struct {
    DoodlUpdate options;
    size_t n;
    int updates;    /* done so far */
    double length;  /* n0 */
    double *b;      /* (2 n): of x, then of y */
    double clipped; /* share of g that line 2 changed in the last update */
} Doodl;

/* n0 is the length of pair.x.  Errors: an option out of range, noise of length 0 that is to keep it. */
MUST_CHECK Status doodl_begin(Doodl *out, const EdictPair *pair, size_t n, const DoodlUpdate *options,
                              Arena *arena, Error *err);

/* One update in place; g (overwritten) is the gradient.  xi (n) may be NULL when kappa is 0.  STATUS_NOT_FINITE, and
 * nothing is changed, when g holds something that is no number. */
MUST_CHECK Status doodl_update(Doodl *d, const EdictPair *pair, const EdictPair *g, const double *xi,
                               Error *err);

#endif
