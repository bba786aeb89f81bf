/* diffusion/data_set.h - pictures with captions by number: what trainers draw from, wherever it comes from.
 *
 * Sample (seed, index) is the same picture and caption on every machine, whoever draws it and in whatever order,
 * so a trainer numbers its samples and keeps nothing.  What there is: the picture world (diffusion/world_data.h),
 * without end, and folders of pictures (diffusion/picture_data.h), whose samples count .. 2 count - 1 are the same
 * pictures once more. */
#ifndef DIFFUSION_DATA_SET_H
#define DIFFUSION_DATA_SET_H

#include <stdbool.h>

#include "base/bytes.h"
#include "io/image.h"

typedef struct {
    Image image;         /* RGB, (size, size) */
    const char *caption; /* NULL: the picture has none */
} DataSample;

typedef struct {
    void *self;
    int size;       /* side of every picture in pixels */
    uint64_t count; /* different samples of one seed; 0: without end */
    /* Everything lies in the arena.  index < 2^48. */
    Status (*sample)(void *self, uint64_t seed, uint64_t index, DataSample *out, Arena *arena, Error *err);
    /* The caption alone, which may cost much less. */
    Status (*caption)(void *self, uint64_t seed, uint64_t index, const char **out, Arena *arena,
                      Error *err);
} DataSet;

/* Told how many of `count` are done; false stops the work with STATUS_INTERRUPTED. */
typedef bool (*DataProgress)(void *context, uint64_t done, uint64_t count);

MUST_CHECK Status data_sample(const DataSet *data, uint64_t seed, uint64_t index, DataSample *out,
                              Arena *arena, Error *err);

/* Samples first .. first+count-1 for a network: x (count,3,size,size) in [-1,1]; scratch holds one picture. */
MUST_CHECK Status data_planes(float *x, const DataSet *data, uint64_t seed, uint64_t first, int count,
                              Arena *scratch, Error *err);

MUST_CHECK Status data_caption(const DataSet *data, uint64_t seed, uint64_t index, const char **out,
                               Arena *arena, Error *err);

/* Appends the captions of samples first .. first+count-1, one a line (white space inside becomes a space): the text
 * on which a tokenizer is trained. */
MUST_CHECK Status data_captions(Bytes *out, const DataSet *data, uint64_t seed, uint64_t first,
                                uint64_t count, Error *err);

/* Those samples as a contact sheet, each with its caption below.  columns 0: chosen by the number. */
MUST_CHECK Status data_contact_sheet(Image *out, const DataSet *data, uint64_t seed, uint64_t first,
                                     int count, int columns, Arena *arena, Error *err);

#endif
