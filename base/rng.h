/* base/rng.h - random numbers: streams named by their purpose, all derived from one seed.
 *
 * RNG_PHILOX (ours): Philox4x32-10 [Sal11], a function from (seed, stream, block) to four 32-bit words.  The key
 * is the seed, the counter is (64-bit block, 64-bit stream), stream = purpose 2^48 + index.  So no draw depends
 * on what another part of a program drew, on threads or on how a batch is split; index is a sample's number, a
 * training step, whatever tells the draws of one purpose apart.
 *
 * RNG_TORCH: the sequence of torch.manual_seed(seed) on the CPU (base/mt19937.h); one sequence, so purpose and
 * index are ignored, and of the seed the low 32 bits count.
 *
 * The words of a Philox stream are used in order: one for rng_u32 and rng_uniform, two for a pair of normals,
 *   u1 = ((w0 >> 8) + 1) 2^-24,   u2 = (w1 >> 8) 2^-24,   r = sqrt(-2 log u1),   t = 2 pi u2,
 *   r cos t, then r sin t (Box and Muller 1958), each operation rounded to binary32 (contract, section 5).
 * The second normal waits for the next call that wants a normal.  A fill gives what single calls give. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include "base/mt19937.h"

typedef enum { RNG_PHILOX, RNG_TORCH } RngKind;

/* What a stream is for.  The numbers are part of every result: they never change; new ones go to the end. */
typedef enum {
    STREAM_TEST = 0,
    STREAM_INIT = 1,      /* initial weights; index: number of the tensor */
    STREAM_NOISE = 2,     /* starting latents, noise added in training and by stochastic samplers */
    STREAM_TIME = 3,      /* timesteps drawn in training */
    STREAM_DATA = 4,      /* the order of samples, synthetic pictures */
    STREAM_DROPOUT = 5,   /* captions dropped for guidance, dropout */
    STREAM_POSTERIOR = 6, /* samples of the VAE's posterior */
    STREAM_CROPS = 7,     /* crops and flips */
    STREAM_STEP = 8,      /* noise of a guidance method's own steps */
    STREAM_SUBSET = 9,    /* subsets and projections in metrics */
    STREAM_ORDER = 10     /* which picture a training sample shows */
} RngPurpose;

typedef struct Rng {
    RngKind kind;
    uint64_t seed, stream, block; /* Philox: the block that is drawn next */
    uint32_t word[4];             /* the block that is being used */
    int next;                     /* words used of it */
    bool has_second;              /* the second normal of a pair waits */
    float second;
    Mt19937 torch;
} Rng;

/* index < 2^48. */
Rng rng_stream(RngKind kind, uint64_t seed, RngPurpose purpose, uint64_t index);

uint32_t rng_u32(Rng *rng);
float rng_uniform(Rng *rng); /* [0, 1), a multiple of 2^-24 */
float rng_normal(Rng *rng);  /* mean 0, variance 1 */

/* An integer in [0, n), n > 0.  Philox: each equally likely, drawn again where that needs it.  Torch: one word
 * modulo n, as torch.randint does. */
uint32_t rng_below(Rng *rng, uint32_t n);

/* torch: torch.rand(n) and torch.randn(n); note that randn(16) is not two times randn(8). */
void rng_uniform_fill(Rng *rng, float *out, size_t n);
void rng_normal_fill(Rng *rng, float *out, size_t n);

/* The numbers 0..n-1 in random order (Fisher and Yates); torch: torch.randperm(n). */
void rng_permutation(Rng *rng, uint32_t *out, uint32_t n);

/* The generator itself, for its known answers: ten rounds on `counter`, in place. */
void philox4x32(uint32_t counter[4], const uint32_t key[2]);

#endif
