/* diffusion/inception_layers.h - what the blocks of Inception v3 are made of.
 *
 * A block is a list of rows.  A row takes the block's input (FROM_INPUT: a new branch begins), the result of the row
 * before (FROM_LAST), or what the row before took (FROM_FORK), and is either a convolution without bias followed by batch
 * normalisation and ReLU, or a window of 3x3 (maxima, means).  Rows that end a branch (`ends`) are put side by side, in
 * their order, as the block's output.  `width` and `pool` in a block stand for ROW_WIDTH and ROW_POOL in its rows.
 *
 * Sources: Szegedy and others 2016 [Sze16], figures 5 to 7 and table 1; the sizes and the kinds of windows as
 * TensorFlow's graph of 2015-12-05 has them, by toshas/torch-fidelity, feature_extractor_inceptionv3.py. */
#ifndef DIFFUSION_INCEPTION_LAYERS_H
#define DIFFUSION_INCEPTION_LAYERS_H

#include <stdbool.h>

typedef enum {
    ROW_CONV,    /* (kh,kw), padded so that step 1 keeps the size */
    ROW_VALID,   /* the same without padding */
    ROW_MAXIMA,  /* 3x3, step 2, no padding */
    ROW_POOL,    /* 3x3, step 1, padding 1: the block's `pool` */
    ROW_END = -1 /* no more rows */
} RowKind;

typedef enum { FROM_INPUT, FROM_LAST, FROM_FORK } RowFrom;

enum { ROW_WIDTH = -1, INCEPTION_BLOCKS = 18, INCEPTION_CONVOLUTIONS = 94, INCEPTION_PARTS = 6 };

typedef struct {
    const char *name; /* below the block's; "" is the block itself */
    RowKind kind;
    RowFrom from;
    int out, kh, kw, stride;
    bool ends;
} InceptionRow;

typedef enum { POOL_MEANS, POOL_MAXIMA } InceptionPool;

typedef struct {
    const char *name;        /* of the modules: "Mixed_5b" */
    const InceptionRow *row; /* up to ROW_END */
    int width;               /* ROW_WIDTH's channels */
    InceptionPool pool;      /* means do not count the padding */
} InceptionBlock;

extern const InceptionBlock INCEPTION[INCEPTION_BLOCKS];

/* Channels that a convolution of the block makes. */
int inception_width(const InceptionBlock *block, const InceptionRow *row);

#endif
