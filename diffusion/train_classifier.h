/* diffusion/train_classifier.h - what training a classifier of the picture world minimises.
 *
 * Sample i is a single thing, or a quarter of a scene at the size of the whole (diffusion/picture_quarter.h), with
 * its class c (the concept + 1; 0 for an empty quarter) and the style s of the drawing:
 *
 *     loss_i = class * -log softmax(out.class)_c + style * -log softmax(out.style)_s
 *
 * where an empty quarter has no style.  Of the quarters EMPTY_SHARE are empty ones.  The picture is changed first:
 *   shift  moved by up to so many pixels along both axes; the edge is repeated
 *   soft   with this probability made as small as half and brought back to its size (bilinear), as an
 *          autoencoder makes drawings soft
 *   noise  + a * xi,  a ~ U(0, noise),  xi ~ N(0, I)
 * Held-out pictures are those of the next seed, unchanged.  Streams, all with index i: STREAM_CROPS quarter, shift
 * and size; STREAM_NOISE a, then xi. */
#ifndef DIFFUSION_TRAIN_CLASSIFIER_H
#define DIFFUSION_TRAIN_CLASSIFIER_H

#include "diffusion/trainer.h"
#include "diffusion/vgg.h"
#include "diffusion/world_sample.h"

enum {
    CLASSIFIER_EMPTY_SHARE = 8,
    CLASSIFIER_SHIFT_MAX = 16
}; /* one of 8 quarters is an empty one [ours] */

typedef struct {
    double class_weight, style_weight;
    int shift;
    double soft, noise;
} ClassifierLossOptions;

/* Held-out pictures and how many of them the classifier took for what they are. */
typedef struct {
    int singles, quarters, styles;
    int right_singles, right_quarters, right_styles;
} ClassifierCounts;

typedef struct {
    const Vgg *vgg;
    ClassifierLossOptions options;
    const World *world;
    WorldOptions train, held_out; /* which pictures; no layered scenes */
    uint64_t seed;
    ClassifierCounts counts; /* of the held-out pictures that were run since it was last emptied */
    Arena scratch;           /* one picture; starts empty, with the account of the run */
} ClassifierTraining;

/* Reads {"class", "style", "shift", "soft", "noise"}; absent ones are 0, but "class" 1. */
MUST_CHECK Status classifier_loss_options_read(ClassifierLossOptions *out, const Json *json,
                                               const char *name, Arena *arena, Error *err);

/* Fails unless the network takes the pictures of these options and has the heads "class" and "style" with the
 * world's concepts and styles; then gives both heads their names. */
MUST_CHECK Status classifier_heads_name(VggConfig *config, const World *world, const WorldOptions *options,
                                        Arena *arena, Error *err);

/* The same for the head "style" alone. */
MUST_CHECK Status classifier_style_names(VggConfig *config, const World *world, Arena *arena, Error *err);

/* The label of a style: its number among the styles that are no line drawings; -1: it has none. */
int classifier_style(const World *world, int style);

/* A picture (3,size,size) in [-1,1] with its labels; style -1: none. */
typedef struct {
    float *planes;
    int label, style;
    bool quarter; /* of a scene, no single */
} ClassifierExample;

/* Sample (seed, index) of the options, changed by `change` (NULL: as it is); it lies in the arena. */
MUST_CHECK Status classifier_example(ClassifierExample *out, const World *world,
                                     const WorldOptions *options, const ClassifierLossOptions *change,
                                     uint64_t seed, uint64_t index, Arena *arena, Error *err);

/* The task over *self, which must outlive it. */
TrainTask classifier_training_task(ClassifierTraining *self);

#endif
