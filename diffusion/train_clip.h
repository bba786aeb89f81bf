/* diffusion/train_clip.h - what training a CLIP minimises, and how well it tells captions apart.
 *
 * One sample of a run is one batch of `pairs` pictures with their captions (diffusion/pair_batch.h): the loss mixes them,
 * so that the batch of pairs is what cannot be split (docs/decisions/0006).
 *
 *     loss = (cross entropy of the rows + of the columns of exp(logit_scale) text image^T against its diagonal) / 2
 *
 * Source: Radford et al. 2021 [Rad21], section 2.3 and figure 3; the scale of logits is kept within [1, 100] after each
 * step, as section 2.5 bounds it from above.
 *
 * Training batches are of the world's seed `seed`, held-out ones of seed + 1: never seen, even where the drawings are. */
#ifndef DIFFUSION_TRAIN_CLIP_H
#define DIFFUSION_TRAIN_CLIP_H

#include "diffusion/clip.h"
#include "diffusion/pair_batch.h"
#include "diffusion/trainer.h"
#include "diffusion/world_sample.h"

typedef struct {
    int pairs;     /* in a batch */
    int retrieval; /* groups of RETRIEVAL pairs on which the top-1 is measured; 0: none */
} ClipLossOptions;

enum { RETRIEVAL = 32, RETRIEVAL_GROUPS_MAX = 4096 };

typedef struct {
    const Clip *clip;
    const World *world;
    WorldOptions train, held_out;
    ClipLossOptions options;
    uint64_t seed;
    Arena scratch;
} ClipTraining;

/* Reads {"pairs", "retrieval"}; absent ones are 64 and 0, also when json is NULL. */
MUST_CHECK Status clip_loss_options_read(ClipLossOptions *out, const Json *json, const char *name,
                                         Arena *arena, Error *err);

/* The task over *self, which must outlive it. */
TrainTask clip_training_task(ClipTraining *self);

/* What the encoders take of these scenes, in the arena: pictures x (count,3,image_size,image_size), drawn with `size`
 * pixels and made ready as any picture is, and ids (count,length) of the captions. */
MUST_CHECK Status clip_pairs(float **x, int **ids, const Clip *c, const World *world,
                             const WorldScene *scenes, int count, int size, Arena *arena, Error *err);

typedef struct {
    double text;  /* share of pictures whose caption is the nearest of RETRIEVAL captions */
    double image; /* share of captions whose picture is the nearest of RETRIEVAL pictures */
} ClipRetrieval;

/* Over options.retrieval held-out groups (batches 2^20, 2^20 + 1 ... of RETRIEVAL pairs); what is as near as another
 * counts as not found. */
MUST_CHECK Status clip_retrieval(ClipRetrieval *out, ClipTraining *self, Error *err);

/* The same of one group, from rows image and text (n,width); which (n): for each picture the nearest caption, the first of
 * several. */
ClipRetrieval clip_retrieve(int *which, const float *image, const float *text, int n, int width);

/* The scenes of held-out group `group`. */
MUST_CHECK Status clip_retrieval_group(WorldScene scenes[RETRIEVAL], const ClipTraining *self, int group,
                                       Error *err);

#endif
