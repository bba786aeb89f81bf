/* diffusion/train_aesthetic.h - what training the aesthetic head minimises.
 *
 * CLIP stays as it is, so that a pool of pictures is embedded once; sample i of a run is entry j of the pool, drawn
 * uniformly from the stream (STREAM_ORDER, i):
 *
 *     loss_i = (weight . row_j + bias - label_j)^2,   label = score of diffusion/aesthetic_rule.h */
#ifndef DIFFUSION_TRAIN_AESTHETIC_H
#define DIFFUSION_TRAIN_AESTHETIC_H

#include "diffusion/aesthetic.h"
#include "diffusion/trainer.h"
#include "diffusion/world_sample.h"

typedef struct {
    int count, width;
    float *row;   /* (count,width) */
    float *label; /* (count) */
} AestheticPool;

/* The pictures (seed, 0) ... (seed, count-1) of the options. */
MUST_CHECK Status aesthetic_pool_fill(AestheticPool *out, const Clip *c, const World *world,
                                      const WorldOptions *options, uint64_t seed, int count, Arena *arena,
                                      Error *err);

typedef struct {
    const Aesthetic *head;
    const AestheticPool *train, *held_out;
    uint64_t seed;
} AestheticTraining;

/* The task over *self, which must outlive it.  Held-out sample i is entry i of the held-out pool. */
TrainTask aesthetic_training_task(AestheticTraining *self);

/* How far the head agrees with the rule over a pool: the correlation of raw scores and labels (Pearson's), 0 where one of
 * them does not vary. */
MUST_CHECK Status aesthetic_correlation(double *out, const Aesthetic *head, const AestheticPool *pool,
                                        Arena *scratch, Error *err);

#endif
