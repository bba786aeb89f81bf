/* diffusion/train_segmenter.h - what training a segmenter minimises.
 *
 * Sample i: picture x (3,H,W) of the world with the segmenter's label c of each pixel;
 *
 *     loss_i = mean over pixels of -log softmax(fcn(x + s xi))_c,     s ~ U(0, noise), xi ~ N(0, I)
 *
 * The noise keeps the network from leaning on what pictures that went through an autoencoder do not have: exact
 * colours and outlines [ours].  Streams, with index i: STREAM_NOISE, first s, then xi.  Held-out pictures get none. */
#ifndef DIFFUSION_TRAIN_SEGMENTER_H
#define DIFFUSION_TRAIN_SEGMENTER_H

#include "diffusion/segmenter.h"
#include "diffusion/trainer.h"
#include "diffusion/world_sample.h"

typedef struct {
    const Fcn *net;
    double noise;
    const World *world;
    const uint16_t *label_of;     /* of the world's labels: segmenter_world_labels */
    WorldOptions train, held_out; /* with WORLD_MAP_LABELS */
    uint64_t seed;
    Arena scratch; /* one micro-batch of pictures; starts empty, with the account of the run */
} SegmenterTraining;

/* logits (N,K,H,W), labels (N,H,W) in [0, K) -> (N): the mean over a picture's pixels of their cross entropies.
 * Composed of permute, cross_entropy and mean_sample.  Source: Long, Shelhamer and Darrell 2015 [LonS15], section 4.4. */
Tensor *segmentation_loss(Tape *tape, Tensor *logits, const int *labels);

/* Reads {"noise"}; absent: 0. */
MUST_CHECK Status segmenter_noise_read(double *out, const Json *json, const char *name, Arena *arena,
                                       Error *err);

/* The task over *self, which must outlive it.  Held-out pictures are those of the next seed. */
TrainTask segmenter_training_task(SegmenterTraining *self);

#endif
