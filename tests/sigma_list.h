/* tests/sigma_list.h - a plan's noise levels in the form of the table `sigmas` of diffusers' classes. */
#ifndef TESTS_SIGMA_LIST_H
#define TESTS_SIGMA_LIST_H

#include <string.h>

#include "diffusion/sampler.h"

/* One a call and the last; DPM2's classes have every level but the first twice, and one 0 more.  How many: none for
 * samplers that go by timesteps.  out has room for calls + 4. */
static inline size_t sigma_list(double *out, const SamplerRun *run)
{
    size_t n = 0;
    if (run->sigma == NULL)
        return 0;
    if (run->sampler != &SAMPLER_DPM2 && run->sampler != &SAMPLER_DPM2_A) {
        memcpy(out, run->sigma, (size_t)(run->calls + 1) * sizeof *out);
        return (size_t)run->calls + 1;
    }
    for (int i = 0; i <= run->steps; i++)
        for (int twice = 0; twice < (i == 0 ? 1 : 2); twice++)
            out[n++] = i < run->steps ? run->sigma[2 * i] : 0.0;
    out[n++] = 0.0;
    return n;
}

#endif
