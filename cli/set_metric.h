/* cli/set_metric.h - `ldm99 metric fid|kid|prc|diversity|pr|psd|lpips A B`, `pairwise A`, `clip-score A`, `recall A` and `merge`: what sets of pictures are
 * like. */
#ifndef CLI_SET_METRIC_H
#define CLI_SET_METRIC_H

#include "cli/common.h"

/* The words and options of a run. */
typedef struct {
    Command *command;
    Arena *scratch;
    const char *tap;                        /* of FEATURE_TAPS; not of diversity, which takes three */
    bool gram;                              /* of diversity: the style's rows are "gram" */
    const char *floor, *ceiling;            /* of diversity: further sets, or NULL */
    bool force;                             /* of diversity: sets of other sizes too */
    const char *resize;                     /* of Inception: "tf1" or "half-pixel" */
    const char *plot;                       /* of fid, prc, pairwise, pr, psd: SVG to write, or NULL */
    const char *residual, *norm, *channels; /* of pr: "gauss" ..., "mean" ..., "mean" or "rgb" */
    const char *denoiser;                   /* of pr: file of a DnCNN, in place of `residual`; NULL: none */
    const char *heads;                      /* of lpips: file of linear heads, or NULL */
    double area;                            /* of recall: the share of pixels that is enough */
    int low, high;                          /* of psd: PowerSlopeOptions */
    bool log_bins, toolbox_labels;
    const char *features;     /* the network's folder or file; NULL: the shipped one */
    const char *stats;        /* .npz to write, or NULL */
    const char *shard;        /* "i/n", or NULL */
    int neighbour;            /* of prc */
    int subsets, subset_size; /* of kid */
    bool full;
    int64_t seed;
} SetMetric;

extern const SetMetric SET_METRIC_DEFAULTS;

/* "fid", "kid", "prc", "pairwise", "diversity", "pr", "psd", "lpips", "clip-score", "recall", "merge"; NULL ends them. */
extern const char *const SET_METRICS[];

/* One of them, the first of the command's words; says its result. */
MUST_CHECK Status set_metric_run(const SetMetric *m, Error *err);

#endif
