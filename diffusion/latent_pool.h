/* diffusion/latent_pool.h - pictures, encoded once, drawn from many times.
 *
 * The denoiser trains on latents; encoding a picture costs about as much as a training step on it, so that
 * a pool of pictures is encoded before the first step.  Both moments are kept: each draw samples the
 * posterior anew. */
#ifndef DIFFUSION_LATENT_POOL_H
#define DIFFUSION_LATENT_POOL_H

#include "diffusion/data_set.h"
#include "diffusion/tokenizer.h"
#include "diffusion/vae.h"

typedef struct {
    int count;
    int channels, height, width; /* of a latent */
    int tokens;                  /* of a caption */
    float *mean, *deviation; /* (count,channels,height,width); posterior N(mean, deviation^2), unscaled */
    int *ids;                /* (count,tokens) */
} LatentPool;

/* Encodes the samples (seed, 0) ... (seed, count-1) of the data with their captions ("" where a picture has none);
 * tokenizer NULL: without. */
MUST_CHECK Status latent_pool_fill(LatentPool *out, const Vae *vae, const Tokenizer *tokenizer,
                                   const DataSet *data, uint64_t seed, int count, DataProgress progress,
                                   void *context, Arena *arena, Error *err);

/* 1 / standard deviation of all means: the scaling_factor with which latents have variance 1 [RomB22,
 * appendix G].  Sums in binary64, latent after latent. */
double latent_pool_scaling_factor(const LatentPool *pool);

/* z of pool entry `j` (channels*height*width numbers): (mean + deviation * xi) * factor, xi from the stream
 * (seed, STREAM_POSTERIOR, index). */
void latent_pool_draw(float *z, const LatentPool *pool, int j, float factor, uint64_t seed, uint64_t index);

#endif
