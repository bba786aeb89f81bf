/* diffusion/dpm_solver.h - the steps of DPM-Solver [Lu22] and DPM-Solver++ [LuZ22], of orders 1 to 3.
 *
 *   kind                   m      linear part   f_1(h)            f_2(h)                 f_3(h)
 *   dpmsolver++            x0     s_t / s_u     a_t (1 - e^-h)    a_t ((e^-h - 1)/h + 1) a_t (1/2 - (e^-h - 1 + h)/h^2)
 *   dpmsolver              eps    a_t / a_u     -s_t (e^h - 1)    -s_t ((e^h - 1)/h - 1) -s_t ((e^h - 1 - h)/h^2 - 1/2)
 *   sde-dpmsolver++        x0     s_t/s_u e^-h  a_t (1 - e^-2h)   a_t (1 - (1 - e^-2h)/(2h))
 *   sde-dpmsolver          eps    a_t / a_u     -2 s_t (e^h - 1)  -2 s_t ((e^h - 1)/h - 1)
 *
 * with h = lambda_t - lambda_u, u the level that the step starts at and t where it ends.  With D_1, D_2 the
 * differences of m that stand for its derivatives by lambda at u, times h and h^2,
 *
 *   x_t = linear part x_u + f_1 m_u + f_2 D_1 + f_3 D_2 (+ sd z)       solver_type heun (and multistep of order 3)
 *   x_t = linear part x_u + f_1 m_u + f_1 / 2 D_1                      midpoint, order 2; sde-dpmsolver: f_1 / 2 too
 *   sd  = s_t sqrt(1 - e^-2h)  or  s_t sqrt(e^2h - 1)                  of the sde kinds
 *
 * At sigma_t = 0, h is infinite and the ++ kinds end at m_u itself (dpm_first). */
#ifndef DIFFUSION_DPM_SOLVER_H
#define DIFFUSION_DPM_SOLVER_H

#include "diffusion/multistep.h"

typedef struct {
    int kind;                            /* ALGORITHM_... */
    double linear, f1, f2, f3, half, sd; /* half: the factor of D_1 under midpoint */
    double h;
} DpmStep;

/* From level u to level t; order 1 is all there is where sigma_t is 0. */
DpmStep dpm_step(const Multistep *m, int kind, int u, int t);

bool dpm_predicts_x0(int kind);
bool dpm_is_sde(int kind);

/* solver_type and algorithm_type as the class takes them; refused by name: a learned variance, an eps kind that ends
 * at sigma 0, and what `sde` (whether the class has the sde kinds) leaves out. */
MUST_CHECK Status dpm_check(SamplerRun *run, bool sde, Error *err);

/* Sampler.plan of the classes with a schedule: that check, then a Multistep with their levels, which is the run's state. */
MUST_CHECK Status dpm_plan(SamplerRun *run, bool sde, SigmaRule rule, Arena *arena, Error *err);

#endif
