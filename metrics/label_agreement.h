/* metrics/label_agreement.h - how well label maps agree with true ones.
 *
 * With n(i, j) pixels of true label i that are given label j, t(i) = sum_j n(i, j):
 *   pixel accuracy   sum_i n(i, i) / sum_i t(i)
 *   thing accuracy   the same without the pixels whose true label is 0, the background [ours]
 *   mean IoU         mean of n(i, i) / (t(i) + sum_j n(j, i) - n(i, i)) over the labels i that occur in the truth
 * Source: Long, Shelhamer and Darrell 2015 [LonS15], section 5 (there the mean is over all labels). */
#ifndef METRICS_LABEL_AGREEMENT_H
#define METRICS_LABEL_AGREEMENT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

typedef struct {
    int labels;
    uint64_t *truth, *given, *both; /* (labels): pixels whose true label is i, that are given i, both */
} LabelAgreement;

/* Counts of nothing yet. */
MUST_CHECK Status label_agreement_begin(LabelAgreement *out, int labels, Arena *arena, Error *err);

/* Adds `count` pixels; labels of `labels` and above are refused with STATUS_ARGUMENT. */
MUST_CHECK Status label_agreement_add(LabelAgreement *a, const uint16_t *truth, const uint16_t *given,
                                      size_t count, Error *err);

/* 0 where there is nothing to divide by. */
double label_pixel_accuracy(const LabelAgreement *a);
double label_thing_accuracy(const LabelAgreement *a);
double label_mean_iou(const LabelAgreement *a);

#endif
