/* diffusion/train_style_noisy.h - what training a classifier of styles from noisy latents minimises.
 *
 * The latents are those of variance-exploding sampling, y = x0 + sigma_l xi, at NOISY_LEVELS levels: sigma_0 .. sigma_19
 * at the times 999, ..., 0 of the schedule (linspace of 20, between its steps by linear interpolation), sigma_20 = 0.
 * Sample i: a latent x0 = scaling_factor * (mean + deviation * xi') of the pool, its style s, a level l uniform in 0..20:
 *
 *     loss_i = w_l * -log softmax(vgg(y, l))_s,      w_l = (l + 1) / 11 where the network is told the level
 *
 * (11 is the mean of l + 1), and 1 where it is not.
 * Source: alexpondaven/particlediffusion, src/train.py and data_generator.py.  Deviations: its latents are those of
 * generations at each level, ours are of drawings with fresh noise; the weights are divided by 11; the network is for
 * latents of 16 x 16: two stages of maxima instead of four, so that 4 x 4 are left as there.
 * Held-out sample i has entry i of its pool and level i mod 21.  Streams, with index i: STREAM_ORDER entry, STREAM_TIME
 * level, STREAM_POSTERIOR xi', STREAM_NOISE xi; held-out ones from the top of the range. */
#ifndef DIFFUSION_TRAIN_STYLE_NOISY_H
#define DIFFUSION_TRAIN_STYLE_NOISY_H

#include "diffusion/latent_pool.h"
#include "diffusion/schedule.h"
#include "diffusion/trainer.h"
#include "diffusion/vgg.h"

enum { NOISY_LEVELS = 21, NOISY_THIRD = NOISY_LEVELS / 3 };

/* The sigmas of the levels. */
void noisy_levels(float sigma[NOISY_LEVELS], const Schedule *schedule);

typedef struct {
    const LatentPool *latents;
    const int *style; /* the label of each entry */
} StylePool;

typedef struct {
    const Vgg *vgg;
    StylePool train, held_out;
    float scaling_factor;
    float sigma[NOISY_LEVELS];
    uint64_t seed;
    /* Held-out samples that were run since it was last emptied, and those rightly named: the noisiest third of the
     * levels, the middle, the clearest. */
    int count[3], right[3];
} StyleNoisyTraining;

/* Fails unless the network takes these latents, has the head "style" alone, and noise_levels 0 or NOISY_LEVELS. */
MUST_CHECK Status style_noisy_check(const VggConfig *config, const LatentPool *latents, Error *err);

/* The task over *self, which must outlive it. */
TrainTask style_noisy_task(StyleNoisyTraining *self);

#endif
