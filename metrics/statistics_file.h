/* metrics/statistics_file.h - the statistics of a set of features as an .npz (docs/formats/statistics.md).
 *
 *   mu (d), sigma (d,d)   binary64: all that files of pytorch-fid have, which are read too; NaN where n < 2 leaves none
 *   n ()                  int64: how many features
 *   recipe (bytes)        UTF-8: how features come from pictures; its first word, up to a '/', is the network's name
 *   shard (2)             int64: which of how many parts of a set, 1 1 for a whole one
 *   sum (d,18), product (d(d+1)/2,18)   int64: the sums without rounding (metrics/feature_sums.h)
 *
 * Members are stored in this order and dated 1980: equal sets make equal files. */
#ifndef METRICS_STATISTICS_FILE_H
#define METRICS_STATISTICS_FILE_H

#include "metrics/feature_sums.h"

typedef struct {
    int64_t count;              /* features; -1: the file does not say */
    FeatureStatistics features; /* mean and covariance NULL where count is 0 or 1 */
    const char *recipe;         /* NULL: the file does not say */
    int shard, shards;          /* shard i of n, 1 <= i <= n */
    bool has_sums;
    FeatureSums sums;
} StatisticsFile;

/* Whether the name ends in ".npz". */
bool is_statistics_file(const char *path);

/* On failure *out is untouched.  STATUS_NOT_FINITE for mu and sigma that are not, where n is not 0 or 1; sums are read only
 * when they are wanted. */
MUST_CHECK Status statistics_file_read(StatisticsFile *out, const char *path, bool want_sums, Arena *arena,
                                       Error *err);

/* All or nothing.  file->features is made anew of the sums, which has_sums says are there. */
MUST_CHECK Status statistics_file_write(const char *path, StatisticsFile *file, Arena *arena, Error *err);

/* to += from, which are called by their names in the error sentences: both have sums and the same recipe, and are parts
 * of as many shards.  STATUS_ARGUMENT or STATUS_SHAPE when not, and *to is as before. */
MUST_CHECK Status statistics_file_join(StatisticsFile *to, const StatisticsFile *from, const char *to_name,
                                       const char *from_name, Error *err);

/* Every shard of `shards` is there once; shards 1: any number of whole sets.  STATUS_ARGUMENT says which is missing or
 * there twice. */
MUST_CHECK Status shards_are_whole(const int *shard, size_t count, int shards, Error *err);

#endif
