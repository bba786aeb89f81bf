/* The full loops whose sums diffusers publishes, by every sampler whose class is among them: with diffusers' bits, and
 * in binary64 as far as that agrees.  DDIM's and DDPM's are in their own tests. */
#include "tests/published_loops.h"

int main(void)
{
    for (int k = 0; SAMPLERS[k] != NULL; k++)
        if (SAMPLERS[k] != &SAMPLER_DDIM && SAMPLERS[k] != &SAMPLER_DDPM && SAMPLERS[k] != &SAMPLER_PC) {
            published_loops(SAMPLERS[k], true, 1.1e-6);
            published_loops(SAMPLERS[k], false, 2e-3);
        }
    return check_report("samplers_published");
}
