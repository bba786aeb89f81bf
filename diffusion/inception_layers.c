#include "diffusion/inception_layers.h"

#include <stddef.h>

static const InceptionRow STEM_1A[] = {{"", ROW_VALID, FROM_INPUT, 32, 3, 3, 2, true}, {.kind = ROW_END}};
static const InceptionRow STEM_2A[] = {{"", ROW_VALID, FROM_INPUT, 32, 3, 3, 1, true}, {.kind = ROW_END}};
static const InceptionRow STEM_2B[] = {{"", ROW_CONV, FROM_INPUT, 64, 3, 3, 1, true}, {.kind = ROW_END}};
static const InceptionRow STEM_3B[] = {{"", ROW_CONV, FROM_INPUT, 80, 1, 1, 1, true}, {.kind = ROW_END}};
static const InceptionRow STEM_4A[] = {{"", ROW_VALID, FROM_INPUT, 192, 3, 3, 1, true}, {.kind = ROW_END}};
static const InceptionRow MAXIMA[] = {{NULL, ROW_MAXIMA, FROM_INPUT, 0, 3, 3, 2, true}, {.kind = ROW_END}};

/* Figure 5, of 35 x 35 positions; the 5x5 is not taken apart. */
static const InceptionRow BLOCK_A[] = {
    {"branch1x1", ROW_CONV, FROM_INPUT, 64, 1, 1, 1, true},
    {"branch5x5_1", ROW_CONV, FROM_INPUT, 48, 1, 1, 1, false},
    {"branch5x5_2", ROW_CONV, FROM_LAST, 64, 5, 5, 1, true},
    {"branch3x3dbl_1", ROW_CONV, FROM_INPUT, 64, 1, 1, 1, false},
    {"branch3x3dbl_2", ROW_CONV, FROM_LAST, 96, 3, 3, 1, false},
    {"branch3x3dbl_3", ROW_CONV, FROM_LAST, 96, 3, 3, 1, true},
    {NULL, ROW_POOL, FROM_INPUT, 0, 3, 3, 1, false},
    {"branch_pool", ROW_CONV, FROM_LAST, ROW_WIDTH, 1, 1, 1, true},
    {.kind = ROW_END},
};

/* From 35 x 35 to 17 x 17. */
static const InceptionRow BLOCK_B[] = {
    {"branch3x3", ROW_VALID, FROM_INPUT, 384, 3, 3, 2, true},
    {"branch3x3dbl_1", ROW_CONV, FROM_INPUT, 64, 1, 1, 1, false},
    {"branch3x3dbl_2", ROW_CONV, FROM_LAST, 96, 3, 3, 1, false},
    {"branch3x3dbl_3", ROW_VALID, FROM_LAST, 96, 3, 3, 2, true},
    {NULL, ROW_MAXIMA, FROM_INPUT, 0, 3, 3, 2, true},
    {.kind = ROW_END},
};

/* Figure 6, n = 7. */
static const InceptionRow BLOCK_C[] = {
    {"branch1x1", ROW_CONV, FROM_INPUT, 192, 1, 1, 1, true},
    {"branch7x7_1", ROW_CONV, FROM_INPUT, ROW_WIDTH, 1, 1, 1, false},
    {"branch7x7_2", ROW_CONV, FROM_LAST, ROW_WIDTH, 1, 7, 1, false},
    {"branch7x7_3", ROW_CONV, FROM_LAST, 192, 7, 1, 1, true},
    {"branch7x7dbl_1", ROW_CONV, FROM_INPUT, ROW_WIDTH, 1, 1, 1, false},
    {"branch7x7dbl_2", ROW_CONV, FROM_LAST, ROW_WIDTH, 7, 1, 1, false},
    {"branch7x7dbl_3", ROW_CONV, FROM_LAST, ROW_WIDTH, 1, 7, 1, false},
    {"branch7x7dbl_4", ROW_CONV, FROM_LAST, ROW_WIDTH, 7, 1, 1, false},
    {"branch7x7dbl_5", ROW_CONV, FROM_LAST, 192, 1, 7, 1, true},
    {NULL, ROW_POOL, FROM_INPUT, 0, 3, 3, 1, false},
    {"branch_pool", ROW_CONV, FROM_LAST, 192, 1, 1, 1, true},
    {.kind = ROW_END},
};

/* From 17 x 17 to 8 x 8. */
static const InceptionRow BLOCK_D[] = {
    {"branch3x3_1", ROW_CONV, FROM_INPUT, 192, 1, 1, 1, false},
    {"branch3x3_2", ROW_VALID, FROM_LAST, 320, 3, 3, 2, true},
    {"branch7x7x3_1", ROW_CONV, FROM_INPUT, 192, 1, 1, 1, false},
    {"branch7x7x3_2", ROW_CONV, FROM_LAST, 192, 1, 7, 1, false},
    {"branch7x7x3_3", ROW_CONV, FROM_LAST, 192, 7, 1, 1, false},
    {"branch7x7x3_4", ROW_VALID, FROM_LAST, 192, 3, 3, 2, true},
    {NULL, ROW_MAXIMA, FROM_INPUT, 0, 3, 3, 2, true},
    {.kind = ROW_END},
};

/* Figure 7. */
static const InceptionRow BLOCK_E[] = {
    {"branch1x1", ROW_CONV, FROM_INPUT, 320, 1, 1, 1, true},
    {"branch3x3_1", ROW_CONV, FROM_INPUT, 384, 1, 1, 1, false},
    {"branch3x3_2a", ROW_CONV, FROM_LAST, 384, 1, 3, 1, true},
    {"branch3x3_2b", ROW_CONV, FROM_FORK, 384, 3, 1, 1, true},
    {"branch3x3dbl_1", ROW_CONV, FROM_INPUT, 448, 1, 1, 1, false},
    {"branch3x3dbl_2", ROW_CONV, FROM_LAST, 384, 3, 3, 1, false},
    {"branch3x3dbl_3a", ROW_CONV, FROM_LAST, 384, 1, 3, 1, true},
    {"branch3x3dbl_3b", ROW_CONV, FROM_FORK, 384, 3, 1, 1, true},
    {NULL, ROW_POOL, FROM_INPUT, 0, 3, 3, 1, false},
    {"branch_pool", ROW_CONV, FROM_LAST, 192, 1, 1, 1, true},
    {.kind = ROW_END},
};

const InceptionBlock INCEPTION[INCEPTION_BLOCKS] = {
    {"Conv2d_1a_3x3", STEM_1A, 0, POOL_MEANS}, {"Conv2d_2a_3x3", STEM_2A, 0, POOL_MEANS},
    {"Conv2d_2b_3x3", STEM_2B, 0, POOL_MEANS}, {"MaxPool_1", MAXIMA, 0, POOL_MEANS},
    {"Conv2d_3b_1x1", STEM_3B, 0, POOL_MEANS}, {"Conv2d_4a_3x3", STEM_4A, 0, POOL_MEANS},
    {"MaxPool_2", MAXIMA, 0, POOL_MEANS},      {"Mixed_5b", BLOCK_A, 32, POOL_MEANS},
    {"Mixed_5c", BLOCK_A, 64, POOL_MEANS},     {"Mixed_5d", BLOCK_A, 64, POOL_MEANS},
    {"Mixed_6a", BLOCK_B, 0, POOL_MEANS},      {"Mixed_6b", BLOCK_C, 128, POOL_MEANS},
    {"Mixed_6c", BLOCK_C, 160, POOL_MEANS},    {"Mixed_6d", BLOCK_C, 160, POOL_MEANS},
    {"Mixed_6e", BLOCK_C, 192, POOL_MEANS},    {"Mixed_7a", BLOCK_D, 0, POOL_MEANS},
    {"Mixed_7b", BLOCK_E, 0, POOL_MEANS},      {"Mixed_7c", BLOCK_E, 0, POOL_MAXIMA},
};

int inception_width(const InceptionBlock *block, const InceptionRow *row)
{
    return row->out == ROW_WIDTH ? block->width : row->out;
}
