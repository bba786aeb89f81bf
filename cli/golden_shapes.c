/* cli/golden_shapes.c - golden cases of shapes, sizes of pictures, and rows of tables. */
#include "cli/golden_operator.h"
#include "nn/concat.h"
#include "nn/embedding.h"
#include "nn/resample.h"
#include "nn/reshape.h"

static Tensor *run_permute(Tape *tape, Tensor *const *in, const double *v)
{
    return permute(tape, in[0], (const int[4]){(int)v[0], (int)v[1], (int)v[2], (int)v[3]});
}

static TruthTensor *true_permute(Truth *t, TruthTensor *const *in, const double *v)
{
    return truth_permute(t, in[0], (const int[4]){(int)v[0], (int)v[1], (int)v[2], (int)v[3]});
}

static const OperatorCase permute_cases[] = {
    {.name = "channels_last", .shape = {{4, 2, 3, 4, 5}}, .value = {0, 2, 3, 1}},
    {.name = "backwards", .shape = {{4, 2, 3, 4, 5}}, .value = {3, 2, 1, 0}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{4, 1, 2, 3, 6}}, .value = {0, 3, 1, 2}},
    {.name = "one_number", .shape = {{4, 1, 1, 1, 1}}, .value = {0, 3, 1, 2}},
    {.name = "no_numbers", .shape = {{4, 2, 0, 3, 4}}, .value = {0, 2, 3, 1}},
    {.name = "no_such_axis", .label = GOLDEN_INVALID, .shape = {{4, 2, 3, 4, 5}}, .value = {0, 1, 2, 4}},
    {.name = "axis_twice", .label = GOLDEN_INVALID, .shape = {{4, 2, 3, 4, 5}}, .value = {0, 1, 1, 3}},
    {.name = NULL},
};

static Tensor *run_reshape(Tape *tape, Tensor *const *in, const double *v)
{
    return reshape(tape, in[0], (int)v[0], (const int[4]){(int)v[1], (int)v[2], (int)v[3], (int)v[4]});
}

static TruthTensor *true_reshape(Truth *t, TruthTensor *const *in, const double *v)
{
    int dim[4] = {(int)v[1], (int)v[2], (int)v[3], (int)v[4]}, known = 1, open = -1;
    for (int i = 0; i < (int)v[0]; i++)
        if (dim[i] < 0)
            open = i;
        else
            known *= dim[i];
    if (open >= 0)
        dim[open] = (int)truth_count(in[0]) / known;
    return truth_reshape(t, in[0], (int)v[0], dim);
}

static const OperatorCase reshape_cases[] = {
    {.name = "tokens", .shape = {{4, 2, 3, 4, 5}}, .value = {3, 2, 3, 20}},
    {.name = "one_size_open", .shape = {{3, 2, 3, 4}}, .value = {2, -1, 6}},
    {.name = "one_number", .shape = {{1, 1}}, .value = {4, 1, 1, 1, 1}},
    {.name = "no_numbers", .shape = {{3, 2, 0, 4}}, .value = {2, 0, 7}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{2, 3, 6}}, .value = {2, 9, 2}},
    {.name = "counts_differ", .label = GOLDEN_INVALID, .shape = {{2, 3, 4}}, .value = {2, 3, 5}},
    {.name = "two_sizes_open", .label = GOLDEN_INVALID, .shape = {{2, 3, 4}}, .value = {3, -1, -1, 2}},
    {.name = "does_not_divide", .label = GOLDEN_INVALID, .shape = {{2, 3, 4}}, .value = {2, -1, 5}},
    {.name = NULL},
};

static Tensor *run_concat(Tape *tape, Tensor *const *in, const double *value)
{
    return concat(tape, in, 2, (int)value[0]);
}

static TruthTensor *true_concat(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_concat(t, in[0], in[1], (int)value[0]);
}

static const OperatorCase concat_cases[] = {
    {.name = "channels", .shape = {{4, 2, 3, 2, 2}, {4, 2, 5, 2, 2}}, .value = {1}},
    {.name = "last_axis", .shape = {{2, 3, 4}, {2, 3, 1}}, .value = {-1}},
    {.name = "odd_widths", .shape = {{3, 2, 3, 7}, {3, 2, 3, 5}}, .value = {2}},
    {.name = "one_number", .shape = {{1, 1}, {1, 1}}, .value = {0}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{2, 2, 9}, {2, 3, 9}}, .value = {0}},
    {.name = "ranks_differ", .label = GOLDEN_INVALID, .shape = {{2, 3, 4}, {1, 4}}, .value = {0}},
    {.name = "one_is_empty", .shape = {{2, 0, 4}, {2, 3, 4}}, .value = {0}},
    {.name = "other_axes_differ", .label = GOLDEN_INVALID, .shape = {{2, 3, 4}, {2, 2, 4}}, .value = {1}},
    {.name = "no_such_axis", .label = GOLDEN_INVALID, .shape = {{2, 3, 4}, {2, 3, 4}}, .value = {2}},
    {.name = NULL},
};

static Tensor *run_slice(Tape *tape, Tensor *const *in, const double *v)
{
    return slice(tape, in[0], (int)v[0], (int)v[1], (int)v[2]);
}

static TruthTensor *true_slice(Truth *t, TruthTensor *const *in, const double *v)
{
    return truth_slice(t, in[0], (int)v[0], (int)v[1], (int)v[2]);
}

static const OperatorCase slice_cases[] = {
    {.name = "middle", .shape = {{3, 2, 7, 3}}, .value = {1, 2, 4}},
    {.name = "last_axis", .shape = {{3, 2, 3, 9}}, .value = {-1, 3, 5}},
    {.name = "samples", .shape = {{3, 5, 2, 3}}, .value = {0, 1, 3}},
    {.name = "one_number", .shape = {{1, 1}}, .value = {0, 0, 1}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{2, 2, 18}}, .value = {1, 1, 16}},
    {.name = "no_such_axis", .label = GOLDEN_INVALID, .shape = {{2, 3, 4}}, .value = {2, 0, 1}},
    {.name = "negative_length", .label = GOLDEN_INVALID, .shape = {{2, 3, 4}}, .value = {1, 2, -1}},
    {.name = "nothing", .shape = {{2, 3, 4}}, .value = {1, 2, 0}},
    {.name = "beyond_the_end", .label = GOLDEN_INVALID, .shape = {{2, 3, 4}}, .value = {1, 2, 3}},
    {.name = NULL},
};

static Tensor *run_embedding(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return embedding(tape, in[0], golden_whole(tape, in[1]), in[1]->rank, in[1]->dim);
}

static TruthTensor *true_embedding(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_embedding(t, in[0], truth_whole(t, in[1]), in[1]->rank, in[1]->dim);
}

/* 12 positions of 5 rows: rows are used several times, and gradients add up. */
static const OperatorCase embedding_cases[] = {
    {.name = "repeated_rows", .shape = {{2, 5, 3}, {2, 2, 6}}, .below = 5},
    {.name = "one_number", .shape = {{2, 1, 1}, {1, 1}}, .below = 1},
    {.name = "one_row", .shape = {{2, 1, 4}, {1, 1}}, .below = 1},
    {.name = "no_positions", .shape = {{2, 5, 3}, {2, 2, 0}}, .below = 5},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{2, 6, 6}, {1, 9}}, .below = 6},
    {.name = "id_negative", .label = GOLDEN_INVALID, .shape = {{2, 5, 3}, {1, 1}}, .below = 0},
    {.name = "id_too_large", .label = GOLDEN_INVALID, .shape = {{2, 5, 3}, {1, 4}}, .below = 6},
    {.name = NULL},
};

/* ---- sizes ---- */

static Tensor *run_nearest(Tape *tape, Tensor *const *in, const double *value)
{
    return nearest(tape, in[0], (int)value[0], (int)value[1]);
}

static Tensor *run_bilinear(Tape *tape, Tensor *const *in, const double *value)
{
    return bilinear(tape, in[0], (int)value[0], (int)value[1]);
}

static Tensor *run_adaptive(Tape *tape, Tensor *const *in, const double *value)
{
    return adaptive_average_pool(tape, in[0], (int)value[0], (int)value[1]);
}

static TruthTensor *true_nearest(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_nearest(t, in[0], (int)value[0], (int)value[1]);
}

static TruthTensor *true_bilinear(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_bilinear(t, in[0], (int)value[0], (int)value[1]);
}

static TruthTensor *true_adaptive(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_adaptive_average_pool(t, in[0], (int)value[0], (int)value[1]);
}

/* `bilinear` leaves out the first: whether a tap of weight 0 has a part in its sum is nobody's business. */
static const OperatorCase size_cases[] = {
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{4, 1, 1, 6, 6}}, .value = {3, 3}},
    {.name = "twice", .shape = {{4, 2, 3, 4, 3}}, .value = {8, 6}},
    {.name = "odd_sizes", .shape = {{4, 1, 2, 5, 7}}, .value = {8, 9}},
    {.name = "smaller", .shape = {{4, 1, 2, 7, 9}}, .value = {3, 4}},
    {.name = "to_one", .shape = {{4, 2, 2, 3, 3}}, .value = {1, 1}},
    {.name = "from_one", .shape = {{4, 1, 2, 1, 1}}, .value = {3, 2}},
    {.name = "same", .shape = {{4, 1, 2, 3, 4}}, .value = {3, 4}},
    {.name = "one_number", .shape = {{4, 1, 1, 1, 1}}, .value = {1, 1}},
    {.name = "no_samples", .shape = {{4, 0, 2, 3, 4}}, .value = {6, 8}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{4, 1, 1, 4, 5}}, .value = {6, 7}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{4, 1, 1, 4, 5}}, .value = {6, 7}},
    {.name = "size_0", .label = GOLDEN_EITHER, .shape = {{4, 1, 2, 3, 4}}, .value = {0, 4}},
    {.name = "no_pixels", .label = GOLDEN_INVALID, .shape = {{4, 1, 2, 0, 4}}, .value = {3, 4}},
    {.name = NULL},
};

/* ---- windows ---- */

static PoolOptions pool_options(const double *v)
{
    return (PoolOptions){.kernel = (int)v[0],
                         .stride = (int)v[1],
                         .pad = (int)v[2],
                         .ceil_mode = v[3] != 0.0,
                         .count_padding = v[4] != 0.0};
}

static Tensor *run_max_pool(Tape *tape, Tensor *const *in, const double *value)
{
    return max_pool2d(tape, in[0], pool_options(value));
}

static Tensor *run_average_pool(Tape *tape, Tensor *const *in, const double *value)
{
    return average_pool2d(tape, in[0], pool_options(value));
}

static TruthTensor *true_max_pool(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_pool(t, in[0], pool_options(value), false);
}

static TruthTensor *true_average_pool(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_pool(t, in[0], pool_options(value), true);
}

static const OperatorCase pool_cases[] = {
    {.name = "halves", .shape = {{4, 2, 3, 6, 8}}, .value = {2, 2}},
    {.name = "overlapping", .shape = {{4, 1, 2, 7, 8}}, .value = {3, 2, 1}},
    {.name = "ceil_mode", .shape = {{4, 1, 2, 7, 6}}, .value = {3, 2, 0, 1}},
    {.name = "ceil_mode_padding", .shape = {{4, 1, 2, 6, 5}}, .value = {3, 2, 1, 1}},
    {.name = "count_include_pad", .shape = {{4, 1, 2, 5, 5}}, .value = {3, 2, 1, 0, 1}},
    {.name = "whole_picture", .shape = {{4, 2, 2, 3, 3}}, .value = {3, 3}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{4, 1, 2, 6, 6}}, .value = {2, 2}},
    {.name = "gaps", .shape = {{4, 1, 2, 8, 7}}, .value = {2, 3}},
    {.name = "one_number", .shape = {{4, 1, 1, 1, 1}}, .value = {1, 1}},
    {.name = "no_samples", .shape = {{4, 0, 2, 4, 4}}, .value = {2, 2}},
    {.name = "equal_numbers", .fill = FILL_ZEROS, .shape = {{4, 1, 1, 4, 4}}, .value = {2, 2}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{4, 1, 1, 4, 5}}, .value = {2, 1}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{4, 1, 1, 4, 5}}, .value = {2, 1}},
    {.name = "no_kernel", .label = GOLDEN_INVALID, .shape = {{4, 1, 2, 3, 3}}, .value = {0, 1}},
    {.name = "kernel_too_large", .label = GOLDEN_INVALID, .shape = {{4, 1, 2, 3, 3}}, .value = {4, 1}},
    {.name = "too_much_padding", .label = GOLDEN_INVALID, .shape = {{4, 1, 2, 5, 5}}, .value = {2, 1, 2}},
    {.name = NULL},
};

const GoldenOperator GOLDEN_SHAPES[] = {
    {.name = "reshape",
     .like = "torch.reshape",
     .input = {"input"},
     .attribute = {"rank", "size0", "size1", "size2", "size3"},
     .run = run_reshape,
     .truth = true_reshape,
     .cases = reshape_cases,
     .source = "nn/reshape.h"},
    {.name = "permute",
     .like = "torch.permute",
     .input = {"input"},
     .attribute = {"dim0", "dim1", "dim2", "dim3"},
     .run = run_permute,
     .truth = true_permute,
     .cases = permute_cases,
     .source = "nn/reshape.h"},
    {.name = "concat",
     .like = "torch.cat",
     .input = {"first", "second"},
     .attribute = {"dim"},
     .run = run_concat,
     .truth = true_concat,
     .cases = concat_cases,
     .source = "nn/concat.h"},
    {.name = "slice",
     .like = "torch.narrow",
     .input = {"input"},
     .attribute = {"dim", "start", "length"},
     .run = run_slice,
     .truth = true_slice,
     .cases = slice_cases,
     .source = "nn/concat.h"},
    {.name = "embedding",
     .like = "torch.nn.functional.embedding",
     .input = {"weight", "input"},
     .whole = 2,
     .run = run_embedding,
     .truth = true_embedding,
     .cases = embedding_cases,
     .source = "nn/embedding.h"},
    {.name = "nearest",
     .like = "torch.nn.functional.interpolate(mode='nearest')",
     .input = {"input"},
     .attribute = {"height", "width"},
     .run = run_nearest,
     .truth = true_nearest,
     .cases = size_cases,
     .source = "nn/resample.h"},
    {.name = "bilinear",
     .like = "torch.nn.functional.interpolate(mode='bilinear', align_corners=False)",
     .input = {"input"},
     .attribute = {"height", "width"},
     .run = run_bilinear,
     .truth = true_bilinear,
     .cases = size_cases + 1,
     .source = "nn/resample.h"},
    {.name = "adaptive_average_pool",
     .like = "torch.nn.functional.adaptive_avg_pool2d",
     .input = {"input"},
     .attribute = {"height", "width"},
     .run = run_adaptive,
     .truth = true_adaptive,
     .cases = size_cases,
     .source = "nn/resample.h"},
    {.name = "max_pool2d",
     .like = "torch.nn.functional.max_pool2d",
     .input = {"input"},
     .attribute = {"kernel_size", "stride", "padding", "ceil_mode"},
     .run = run_max_pool,
     .truth = true_max_pool,
     .cases = pool_cases,
     .source = "nn/pool.h"},
    {.name = "average_pool2d",
     .like = "torch.nn.functional.avg_pool2d",
     .input = {"input"},
     .attribute = {"kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"},
     .run = run_average_pool,
     .truth = true_average_pool,
     .cases = pool_cases,
     .source = "nn/pool.h"},
    {.name = NULL},
};
