/* diffusion/segmenter.h - which thing is in each pixel of a picture.
 *
 *   x (N,3,H,W) in [-1, 1] -> logits (N,K,H,W) by a fully convolutional network (diffusion/fcn.h)
 *   label(i, j) = the k of the largest logits(k, i, j), the lowest of equals
 *
 * A folder:
 *   config.json, model.safetensors    the network; "labels" is K
 *   labels.json   {"labels": [{"name": "background", "category": "", "number": 0},
 *                 {"name": "fruit", "category": "fruit", "number": 257} ...]}
 *
 * labels.json names the K labels.  A label whose name is its category stands for all things of that category that
 * have no label of their own.  Categories are numbered from 1 in the order in which they first appear; "number" is what
 * maps in colours show (label_colour.h).
 *
 * The shipped one tells the things of role core of the picture world apart, with the numbers of its label maps
 * (world.h), and knows the others by their category, with 256 more than the category's label. */
#ifndef DIFFUSION_SEGMENTER_H
#define DIFFUSION_SEGMENTER_H

#include "diffusion/fcn.h"
#include "diffusion/world.h"
#include "io/dtype.h"

typedef struct {
    const char *name, *category; /* "" for the background */
    int category_label;          /* 0 for "" */
    int number;                  /* below LABEL_COLOURS */
} SegmentLabel;

typedef struct {
    Fcn net;
    Weights weights;
    int count; /* K */
    SegmentLabel *label;
    int categories;        /* without 0 */
    const char **category; /* (categories): of category label k + 1 */
} Segmenter;

/* The labels for a world: background, its categories, its concepts of role core. */
MUST_CHECK Status segmenter_labels_of(Segmenter *out, const World *world, Arena *arena, Error *err);

/* of (concepts + 1): the label of each label of a world's maps.  STATUS_ARGUMENT when the segmenter has neither a thing's
 * name nor its category. */
MUST_CHECK Status segmenter_world_labels(uint16_t *of, const Segmenter *s, const World *world, Error *err);

/* Reads the folder; the arena keeps everything. */
MUST_CHECK Status segmenter_open(Segmenter *out, const char *folder, Arena *arena, Error *err);

/* Writes the folder; labels.json comes last. */
MUST_CHECK Status segmenter_save(const Segmenter *s, const char *folder, DType dtype, Arena *scratch,
                                 Error *err);

/* label (N,H,W) of planes (N,3,H,W), picture after picture; scratch is given back.  STATUS_NOT_FINITE when a score is
 * no number. */
MUST_CHECK Status segment(uint16_t *label, const Segmenter *s, const float *planes, int N, int H, int W,
                          Arena *scratch, Error *err);

/* For each label its category's, or its number; the arrays may be one. */
void segment_categories(uint16_t *category, const Segmenter *s, const uint16_t *label, size_t count);
void segment_numbers(uint16_t *number, const Segmenter *s, const uint16_t *label, size_t count);

#endif
