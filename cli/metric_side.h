/* cli/metric_side.h - one of the sets that a metric of sets compares: where it is from, and its features. */
#ifndef CLI_METRIC_SIDE_H
#define CLI_METRIC_SIDE_H

#include "cli/picture_features.h"
#include "cli/result.h"
#include "metrics/statistics_file.h"

typedef struct {
    const char *word; /* as typed */
    PictureNames names;
    PictureSizes sizes;
    bool is_file;        /* of statistics: no pictures */
    StatisticsFile file; /* statistics of the features, or what was in the file */
    float *x;            /* (names.count,d) the features themselves, where they were asked for */
} MetricSide;

/* Reads the names of the word's pictures, or the file of statistics. */
MUST_CHECK Status metric_side_open(MetricSide *out, const char *word, Arena *arena, Error *err);

/* The features of the pictures: their sums (file.sums; file.features when there are 2 or more), in constant memory; */
MUST_CHECK Status metric_side_sums(MetricSide *side, const FeatureNetwork *network, Arena *arena,
                                   Arena *scratch, Error *err);

/* or all of them, in side->x. */
MUST_CHECK Status metric_side_features(MetricSide *side, const FeatureNetwork *network, Arena *arena,
                                       Arena *scratch, Error *err);

/* Its line for people and its object, the next of the open array, for programs. */
void metric_side_report(const MetricSide *side, const char *letter, Result *r);

/* A warning: a line, and a text of the open array. */
void metric_warn(Result *r, const char *format, ...) PRINTF_LIKE(2, 3);

/* What should be known of the side before its number is believed, as warnings. */
void metric_side_warn(const MetricSide *side, Result *r);

#endif
