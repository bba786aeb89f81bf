/* metrics/recall.h - whether label maps hold what they should: object recall, recall of single labels.
 *
 *   present   the labels with at least `area` of a map's pixels
 *   recall    |required and present| / |required|, each label counting once
 *
 * What else a map holds is free; it is counted beside.  Of the maps of one prompt least, greatest, median and mean say how
 * much is gained by choosing the best of n.
 * Source: the factor graph diffusion models' sampling-based prompt compliance; `area` is not published, 0.001 of the
 * pixels is ours. */
#ifndef METRICS_RECALL_H
#define METRICS_RECALL_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum { RECALL_MARKS = 3 };
extern const double RECALL_MARK[RECALL_MARKS]; /* 0.5, 0.75, 0.9 */

/* Counts over many maps, by label. */
typedef struct {
    int labels;
    double area;
    uint64_t *required, *shown; /* (labels): maps that should hold the label; that also do */
    uint64_t maps,
        others;     /* maps with something required; labels in them, 0 aside, that nobody asked for */
    size_t *pixels; /* (labels): of the map that is looked at */
} LabelRecall;

/* Counts of nothing yet.  STATUS_ARGUMENT unless 0 < area <= 1. */
MUST_CHECK Status label_recall_begin(LabelRecall *out, int labels, double area, Arena *arena, Error *err);

/* Adds a map of `count` pixels, of which required (n) are asked for; its recall.  n 0: NaN, and nothing is counted.
 * Labels of `labels` and above are refused with STATUS_ARGUMENT. */
MUST_CHECK Status label_recall_add(double *recall, LabelRecall *r, const uint16_t *map, size_t count,
                                   const uint16_t *required, int n, Error *err);

/* The mean over the labels that were ever required of shown / required; NaN when there are none. */
double label_recall_mean(const LabelRecall *r);

/* The recalls of one prompt's maps. */
typedef struct {
    int maps;
    double least, greatest, median, mean;
    int above[RECALL_MARKS]; /* maps with at least RECALL_MARK */
} RecallSpread;

/* n at least 1; room (2 n). */
void recall_spread(RecallSpread *out, const double *recall, int n, size_t *room);

#endif
