/* base/mt19937.h - the Mersenne Twister, as PyTorch's CPU generator uses it.
 *
 * Source: Matsumoto and Nishimura 1998 [MN98], the authors' mt19937ar.c (init_genrand, genrand_int32).  What
 * PyTorch makes of the words: aten/src/ATen/core/DistributionsHelper.h and native/cpu/DistributionTemplates.h. */
#ifndef BASE_MT19937_H
#define BASE_MT19937_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t word[624];
    int next;        /* words used of this batch of 624 */
    bool has_second; /* the second normal of a pair waits */
    double second;
} Mt19937;

void mt19937_seed(Mt19937 *m, uint32_t seed);
uint32_t mt19937_u32(Mt19937 *m);

/* torch.rand: [0, 1) in steps of 2^-24, from the low 24 bits of one word. */
float mt19937_uniform(Mt19937 *m);

/* torch.randn(n) as the generator's next call.  For n < 16 the numbers are torch's own, bit for bit; for
 * n >= 16 torch uses a vector log, cos and sin of its own, and agrees to 3 ulp. */
void mt19937_normal_fill(Mt19937 *m, float *out, size_t n);

#endif
