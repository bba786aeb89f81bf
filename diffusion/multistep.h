/* diffusion/multistep.h - what the solvers in log-SNR have in common: DPM-Solver, DEIS and UniPC.
 *
 *   symbol     here                 what it is (level i of the list, i = 0 .. N)
 *   a_i, s_i   level_a, level_s     1 / sqrt(sigma_i^2 + 1) and sigma_i a_i:  x = a x0 + s eps
 *   lambda_i   level_lambda         log(a_i / s_i) = -log sigma_i
 *   m_i        past[0], past[1] ..  what the network said at level i, made x0 or eps; the newest first
 *
 * In x the probability-flow equation has a linear part that is solved exactly, and an integral of m over lambda in
 * which m is replaced by a polynomial through the remembered m.  So a step is a sum
 *
 *   x <- c_x x + c_0 m_i + c_1 m_(i-1) + c_2 m_(i-2) (+ sd z)         (LinearStep)
 *
 * whose coefficients, binary64 and each rounded once, are all that tells the methods apart.  Products and sums are
 * rounded to binary32, from left to right. */
#ifndef DIFFUSION_MULTISTEP_H
#define DIFFUSION_MULTISTEP_H

#include "diffusion/sigma_table.h"

enum { MULTISTEP_ORDER = 3 };

typedef struct {
    SigmaTable table;
    bool unscaled; /* the state is y = x0 + sigma eps: a = 1, s = sigma */
    bool binary32; /* a, s, lambda and what steps make of them rounded as torch's scalars */
    float *past[MULTISTEP_ORDER + 1]; /* (images, sample) each */
    float *kept;                      /* (images, sample) for a state of before */
    float *noise;                     /* (images, sample) */
    float *scratch;                   /* (2, sample) */
} Multistep;

typedef struct {
    double x, m[MULTISTEP_ORDER + 1], sd;
} LinearStep;

/* Makes the table and the arrays and fills the run: calls, time, sigma. */
MUST_CHECK Status multistep_plan(Multistep *out, SamplerRun *run, SigmaRule rule, SigmaLast last,
                                 Arena *arena, Error *err);

/* The arrays alone, and the check of the order. */
MUST_CHECK Status multistep_make(Multistep *out, const SamplerRun *run, Arena *arena, Error *err);

/* x, rounded where the run wants it (binary32). */
double level_round(const Multistep *m, double x);

double level_a(const Multistep *m, int i);
double level_s(const Multistep *m, int i);
double level_lambda(const Multistep *m, int i); /* infinite where sigma is 0 */

/* How the network's output becomes past[0]. */
typedef enum {
    PAST_X0,               /* x0, limited */
    PAST_EPSILON,          /* eps, from the limited x0 where there is a limit */
    PAST_EPSILON_UNLIMITED /* eps */
} PastKind;

/* Moves the past by one; what is returned is its newest, for the caller to fill. */
float *multistep_newest(Multistep *m);

/* Moves the past by one and makes its newest from x and the network's output at level `call`. */
void multistep_remember(Multistep *m, const SamplerRun *run, int call, const float *x, const float *out,
                        PastKind kind);

/* out = the sum above with `count` of the past, without noise; out may be x, and else must not be of the past. */
void multistep_sum(float *out, const SamplerRun *run, const Multistep *m, const LinearStep *c,
                   const float *x, int count);

/* The call as schedules show it: x, m0, m1, m2, sd. */
SamplerCall multistep_describe(const SamplerRun *run, int call, const LinearStep *c);

/* out = a x0 + s noise at the level of `call`: Sampler.renoise. */
void multistep_renoise(const SamplerRun *run, int call, float *out, const float *x0, const float *noise,
                       size_t n);

/* Errors unless 1 <= solver_order <= 3. */
MUST_CHECK Status multistep_check_order(const SamplerRun *run, Error *err);

#endif
