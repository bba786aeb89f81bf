/* diffusion/edict.h - sampling that can be undone exactly: coupled latents [WalGN23, sections 4.1 and 4.2].
 *
 * A pair x, y goes from noise to a picture together.  Step k, at timestep t, with u, v = x, y (k even) or y, x (k odd):
 *
 *   u <- A u + B eps(v, t)             each moves by what the network says of the other,
 *   v <- A v + B eps(u, t)             the second by the first's new value
 *   x <- x + (1 - p) (y - x)           mixing: keeps the two together;
 *   y <- y + (1 - p) (x - y)           y with the new x
 *
 *   A = sqrt(abar_q / abar_t),  B = sqrt(1 - abar_q) - sqrt(abar_q (1 - abar_t) / abar_t),  q = t - T/N
 *
 * which is DDIM's step for each.  Every line has an inverse, so every step does.  The mixing leaves what x and y have in
 * common and shrinks x - y by p^2; undone, it lets rounding errors grow by p^-2.  The form above keeps x = y to the bit.
 *
 * Timesteps are k T/N without offset [reference: salesforce/EDICT].  abar_q before the first is the schedule's final one;
 * with abar_0 (set_alpha_to_one false) the last step is A = 1, B = 0 and no network is asked.
 *
 * Everything is computed in binary64, each operation rounded once, left to right; with `single` a state is rounded to
 * binary32 after each of the four lines.  Derivation of the gradient: docs/math/edict.md. */
#ifndef DIFFUSION_EDICT_H
#define DIFFUSION_EDICT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "diffusion/schedule.h"

/* eps(z, t), deterministic.  z, eps, q and g have n numbers each, none of which overlap. */
typedef struct {
    void *context;
    size_t n;
    Status (*predict)(void *context, double *eps, const double *z, double time, Error *err);
    /* The same, and q = (d eps / d z)^T g.  NULL: no gradients. */
    Status (*vjp)(void *context, double *eps, double *q, const double *z, double time, const double *g,
                  Error *err);
} NoiseOracle;

typedef struct {
    int steps;       /* N; divides the schedule's T */
    double strength; /* f in (0, 1]: the first N - int(N f) steps are left out */
    double mix;      /* p in (0, 1]; 1: no mixing */
    bool leapfrog;   /* u, v change roles from step to step; false: u is always x */
    bool single;     /* states are binary32 numbers */
    /* N that does not divide T, as the reference does it: timesteps floor(T/N) apart, and abar at t - T/N between
     * two timesteps weighed the wrong way round, low f + high (1 - f) with f the fraction. */
    bool compat_fraction;
} EdictOptions;

extern const EdictOptions EDICT_DEFAULTS; /* 50 steps, all of them, p 0.93, leapfrog, binary64 */

typedef struct {
    double time;       /* t */
    double scale, add; /* A, B */
} EdictStep;

/* What is run: part of what makes a pair invertible, so it belongs to the pair. */
typedef struct {
    int count;             /* steps that are run */
    const EdictStep *step; /* (count), from noise to picture; k counts from 0 here */
    double mix;
    bool leapfrog, single;
} Edict;

/* The list lies in the arena.  Errors: steps not in 1..T or not dividing T, strength or mix out of range, a schedule
 * that ends without any signal (abar_t = 0). */
MUST_CHECK Status edict_plan(Edict *out, const Schedule *schedule, const EdictOptions *options,
                             Arena *arena, Error *err);

/* p^(-2 count) times the spacing of the state's numbers: how large a rounding error of the picture's pair can get in
 * noise.  Above 0.01 the way back means little. */
double edict_error_growth(const Edict *e);

typedef struct {
    double *x, *y; /* n numbers each */
} EdictPair;

/* Asked after each step; false stops the run with STATUS_INTERRUPTED. */
typedef struct {
    void *context;
    bool (*seen)(void *context, int step, int count, const EdictPair *pair);
} EdictWatch;

/* From noise to a picture, in place.  watch may be NULL.  Errors: STATUS_NOT_FINITE names the step and its half; what
 * the oracle says. */
MUST_CHECK Status edict_generate(const EdictPair *pair, const Edict *e, const NoiseOracle *noise,
                                 const EdictWatch *watch, Arena *scratch, Error *err);

/* The way back: steps count-1 ... 0 undone. */
MUST_CHECK Status edict_invert(const EdictPair *pair, const Edict *e, const NoiseOracle *noise,
                               const EdictWatch *watch, Arena *scratch, Error *err);

/* From the pair of a picture and the gradient of a number L with respect to it, to the pair of noise and the gradient
 * with respect to that; both in place.  Each state is found again by undoing its step, so that the memory does not depend
 * on the number of steps.  When x and y started as one z, dL/dz is the sum of the two. */
MUST_CHECK Status edict_gradient(const EdictPair *pair, const EdictPair *gradient, const Edict *e,
                                 const NoiseOracle *noise, const EdictWatch *watch, Arena *scratch,
                                 Error *err);

/* The mixing, its inverse and its transpose (of a pair of gradients), on n numbers. */
void edict_mix(const EdictPair *pair, const Edict *e, size_t n);
void edict_unmix(const EdictPair *pair, const Edict *e, size_t n);
void edict_mix_transposed(const EdictPair *gradient, const Edict *e, size_t n);

#endif
