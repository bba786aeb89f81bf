/* diffusion/picture_data.h - the pictures of a folder, made ready for a network, as two data sets
 * (diffusion/data_set.h): those to train on and those held out.
 *
 * A picture becomes `size` x `size` pixels of RGB: what is transparent is laid over white, then
 *   cover     scaled by one factor until it covers the square, cut to the middle (image_cover)
 *   contain   scaled by one factor until it lies within (sides in whole pixels), in the middle of white
 *   stretch   scaled to the square
 * by Lanczos in the arithmetic of io/resize.h; a picture of that size already is taken as it is.
 *
 * What is held out: the pictures in a folder "test" or "validation" of the first level, where there is one; else those
 * whose file has a SHA-256 of which the first 8 bytes, as a fraction of 2^64, are below the share: the same picture under
 * two names is on one side, and more pictures in the folder change nothing for those that were there.  With two pictures
 * or more at least one is held out (the least hash) and one is trained on (the greatest).
 *
 * Training samples: with n pictures, counted with their repeats, samples e n .. e n + n - 1 of a seed are all of them in
 * an order of their own (stream STREAM_DATA, index e).  Mirrored pictures: half of them in an even round, the others in an
 * odd one (STREAM_CROPS, index of the picture).  Held-out samples come in the folder's order, never mirrored. */
#ifndef DIFFUSION_PICTURE_DATA_H
#define DIFFUSION_PICTURE_DATA_H

#include "diffusion/data_set.h"
#include "diffusion/picture_folder.h"

typedef enum { FIT_COVER, FIT_CONTAIN, FIT_STRETCH } PictureFit;
extern const char *const PICTURE_FIT_WORDS[]; /* ends with NULL */

enum { PICTURE_SIZE_MIN = 8, PICTURE_SIZE_MAX = 2048 };

typedef struct {
    int size; /* pixels */
    PictureFit fit;
    bool mirror;
    double held_out; /* share, in [0, 1); 0: none */
    size_t keep; /* bytes: ready pictures stay in memory when all take no more, else they are read anew */
    DataProgress progress; /* of the first reading of all pictures; NULL: none */
    void *context;
} PictureOptions;

/* 64 pixels, cover, not mirrored, a tenth held out, 512 MiB. */
extern const PictureOptions PICTURE_DEFAULTS;

typedef struct {
    struct PictureData *data;
    uint32_t *entry; /* of the folder, repeats as often as they count */
    uint32_t count;
    bool shuffle;
    uint32_t *order; /* of round `round` of `seed`, when `ordered` */
    bool ordered;
    uint64_t seed, round;
} PictureList;

typedef struct PictureData {
    PictureFolder folder;
    PictureOptions options;
    unsigned char (*hash)[32]; /* SHA-256 of each file */
    unsigned char *pixels;     /* (count, size, size, 3), or NULL */
    PictureList train, held_out;
    char fingerprint[65]; /* SHA-256 over names, captions, repeats and files */
} PictureData;

/* Reads every picture once, so that no bad one turns up later: the error names the first and counts the others. */
MUST_CHECK Status picture_data_open(PictureData *out, const PictureFolder *folder,
                                    const PictureOptions *options, Arena *arena, Error *err);

/* Over *data, which must outlive them. */
DataSet picture_train_set(PictureData *data);
DataSet picture_held_out_set(PictureData *data); /* count 0 and no sample when nothing is held out */

#endif
