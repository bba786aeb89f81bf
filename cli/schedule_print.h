/* cli/schedule_print.h - a sampler's plan as a table. */
#ifndef CLI_SCHEDULE_PRINT_H
#define CLI_SCHEDULE_PRINT_H

#include "cli/result.h"
#include "diffusion/sampler.h"

/* A line a call, and a member "schedule" of the result: step (from 1), t, t_prev (-1: the image), sigma and
 * alpha_bar at t, then the method's own coefficients. */
void schedule_print(Result *r, const SamplerRun *plan);

#endif
