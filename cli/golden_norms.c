/* cli/golden_norms.c - golden cases of softmax and the normalisations. */
#include "cli/golden_operator.h"
#include "nn/batch_norm.h"
#include "nn/group_norm.h"
#include "nn/layer_norm.h"
#include "nn/softmax.h"

static Tensor *run_softmax(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return softmax(tape, in[0]);
}

static TruthTensor *true_softmax(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_softmax(t, in[0]);
}

static const OperatorCase softmax_cases[] = {
    {.name = "ordinary", .shape = {{2, 6, 17}}},
    {.name = "long_row", .shape = {{2, 2, 1000}}},
    {.name = "rank_4", .shape = {{4, 2, 3, 2, 5}}},
    {.name = "one_number", .shape = {{2, 4, 1}}},
    {.name = "no_rows", .shape = {{2, 0, 5}}},
    {.name = "equal_numbers", .fill = FILL_ZEROS, .shape = {{2, 2, 8}}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{2, 4, 9}}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{2, 4, 9}}},
    {.name = "minus_infinity", .fill = FILL_MASKED, .shape = {{2, 4, 9}}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{2, 9, 4}}},
    {.name = "empty_row", .label = GOLDEN_EITHER, .shape = {{2, 3, 0}}},
    {.name = NULL},
};

static Tensor *run_group_norm(Tape *tape, Tensor *const *in, const double *value)
{
    return group_norm(tape, in[0], in[1], in[2], (int)value[0], (float)value[1]);
}

static TruthTensor *true_group_norm(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_group_norm(t, in[0], in[1], in[2], (int)value[0], (double)(float)value[1]);
}

/* Deviations of 2^-140 beside an eps of 1e-5 are all eps: leaving it out shows. */
static const OperatorCase group_norm_cases[] = {
    {.name = "ordinary", .shape = {{4, 2, 6, 4, 3}, {1, 6}, {1, 6}}, .value = {3, 1e-5}},
    {.name = "one_group", .shape = {{4, 2, 4, 5, 5}, {1, 4}, {1, 4}}, .value = {1, 1e-6}},
    {.name = "group_per_channel", .shape = {{3, 2, 5, 11}, {1, 5}, {1, 5}}, .value = {5, 1e-5}},
    {.name = "large_group", .shape = {{4, 1, 4, 16, 16}, {1, 4}, {1, 4}}, .value = {1, 1e-5}},
    {.name = "large_eps", .shape = {{3, 1, 4, 6}, {1, 4}, {1, 4}}, .value = {2, 0.5}},
    {.name = "one_number",
     .label = GOLDEN_EITHER,
     .shape = {{2, 1, 1}, {1, 1}, {1, 1}},
     .value = {1, 1e-5}},
    {.name = "one_number_a_sample", .shape = {{3, 2, 1, 1}, {1, 1}, {1, 1}}, .value = {1, 1e-5}},
    {.name = "equal_numbers",
     .fill = FILL_ZEROS,
     .shape = {{3, 1, 4, 3}, {1, 4}, {1, 4}},
     .value = {2, 1e-5}},
    {.name = "subnormal",
     .fill = FILL_SUBNORMAL,
     .shape = {{3, 1, 4, 3}, {1, 4}, {1, 4}},
     .value = {2, 1e-5}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{3, 1, 4, 5}, {1, 4}, {1, 4}}, .value = {2, 1e-5}},
    {.name = "special",
     .fill = FILL_SPECIAL,
     .filled = 1,
     .shape = {{3, 1, 6, 6}, {1, 6}, {1, 6}},
     .value = {6, 1e-5}},
    {.name = "large_weight",
     .fill = FILL_LARGE,
     .filled = 6,
     .shape = {{3, 2, 18, 2}, {1, 18}, {1, 18}},
     .value = {2, 1e-5}},
    {.name = "no_samples", .shape = {{4, 0, 4, 2, 2}, {1, 4}, {1, 4}}, .value = {2, 1e-5}},
    {.name = "groups_do_not_divide",
     .label = GOLDEN_INVALID,
     .shape = {{4, 1, 5, 2, 2}, {1, 5}, {1, 5}},
     .value = {2, 1e-5}},
    {.name = "weight_too_short",
     .label = GOLDEN_INVALID,
     .shape = {{4, 1, 6, 2, 2}, {1, 3}, {1, 6}},
     .value = {2, 1e-5}},
    {.name = NULL},
};

static Tensor *run_layer_norm(Tape *tape, Tensor *const *in, const double *value)
{
    return layer_norm(tape, in[0], in[1], in[2], (float)value[0]);
}

static TruthTensor *true_layer_norm(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_layer_norm(t, in[0], in[1], in[2], (double)(float)value[0]);
}

static const OperatorCase layer_norm_cases[] = {
    {.name = "ordinary", .shape = {{3, 2, 5, 24}, {1, 24}, {1, 24}}, .value = {1e-5}},
    {.name = "no_affine", .shape = {{2, 3, 17}}, .value = {1e-5}},
    {.name = "long_row", .shape = {{2, 2, 700}, {1, 700}, {1, 700}}, .value = {1e-5}},
    {.name = "one_number", .shape = {{2, 3, 1}, {1, 1}, {1, 1}}, .value = {1e-5}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{2, 3, 8}}, .value = {1e-5}},
    {.name = "equal_numbers",
     .fill = FILL_ZEROS,
     .filled = 1,
     .shape = {{2, 3, 5}, {1, 5}, {1, 5}},
     .value = {1e-5}},
    {.name = "large_eps", .shape = {{2, 3, 8}, {1, 8}, {1, 8}}, .value = {0.5}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{2, 3, 8}, {1, 8}, {1, 8}}, .value = {1e-5}},
    {.name = "special",
     .fill = FILL_SPECIAL,
     .filled = 1,
     .shape = {{2, 6, 6}, {1, 6}, {1, 6}},
     .value = {1e-5}},
    {.name = "large_weight",
     .fill = FILL_LARGE,
     .filled = 6,
     .shape = {{2, 3, 18}, {1, 18}, {1, 18}},
     .value = {1e-5}},
    {.name = "no_samples", .shape = {{3, 0, 2, 4}, {1, 4}, {1, 4}}, .value = {1e-5}},
    {.name = "empty_rows", .label = GOLDEN_EITHER, .shape = {{2, 3, 0}, {1, 0}, {1, 0}}, .value = {1e-5}},
    {.name = "weight_too_long",
     .label = GOLDEN_INVALID,
     .shape = {{2, 3, 4}, {1, 5}, {1, 4}},
     .value = {1e-5}},
    {.name = NULL},
};

static Tensor *run_batch_norm(Tape *tape, Tensor *const *in, const double *value)
{
    return batch_norm(tape, in[0], in[1], in[2], in[3], in[4], (float)value[0]);
}

static TruthTensor *true_batch_norm(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_batch_norm(t, in[0], in[1], in[2], in[3], in[4], (double)(float)value[0]);
}

static const OperatorCase batch_norm_cases[] = {
    {.name = "ordinary", .shape = {{4, 2, 5, 3, 4}, {1, 5}, {1, 5}, {1, 5}, {1, 5}}, .value = {1e-5}},
    {.name = "one_number", .shape = {{4, 1, 1, 1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, .value = {1e-3}},
    {.name = "large_eps", .shape = {{3, 2, 4, 3}, {1, 4}, {1, 4}, {1, 4}, {1, 4}}, .value = {0.5}},
    {.name = "no_samples", .shape = {{4, 0, 3, 2, 2}, {1, 3}, {1, 3}, {1, 3}, {1, 3}}, .value = {1e-5}},
    {.name = "zero_variance",
     .fill = FILL_ZEROS,
     .filled = 16,
     .shape = {{3, 2, 4, 3}, {1, 4}, {1, 4}, {1, 4}, {1, 4}},
     .value = {1e-5}},
    {.name = "subnormal",
     .fill = FILL_SUBNORMAL,
     .filled = 9,
     .shape = {{3, 1, 4, 3}, {1, 4}, {1, 4}, {1, 4}, {1, 4}},
     .value = {1e-5}},
    {.name = "large",
     .fill = FILL_LARGE,
     .filled = 9,
     .shape = {{3, 1, 4, 3}, {1, 4}, {1, 4}, {1, 4}, {1, 4}},
     .value = {1e-5}},
    {.name = "special",
     .fill = FILL_SPECIAL,
     .filled = 1,
     .shape = {{3, 1, 3, 12}, {1, 3}, {1, 3}, {1, 3}, {1, 3}},
     .value = {1e-5}},
    {.name = "weight_too_long",
     .label = GOLDEN_INVALID,
     .shape = {{4, 1, 3, 2, 2}, {1, 4}, {1, 3}, {1, 3}, {1, 3}},
     .value = {1e-5}},
    {.name = NULL},
};

const GoldenOperator GOLDEN_NORMS[] = {
    {.name = "softmax",
     .like = "torch.softmax(input, -1)",
     .input = {"input"},
     .run = run_softmax,
     .truth = true_softmax,
     .cases = softmax_cases,
     .source = "nn/softmax.h"},
    {.name = "group_norm",
     .like = "torch.nn.functional.group_norm",
     .input = {"input", "weight", "bias"},
     .attribute = {"num_groups", "eps"},
     .run = run_group_norm,
     .truth = true_group_norm,
     .cases = group_norm_cases,
     .source = "nn/group_norm.h"},
    {.name = "layer_norm",
     .like = "torch.nn.functional.layer_norm",
     .input = {"input", "weight", "bias"},
     .attribute = {"eps"},
     .run = run_layer_norm,
     .truth = true_layer_norm,
     .cases = layer_norm_cases,
     .source = "nn/layer_norm.h"},
    {.name = "batch_norm",
     .like = "torch.nn.functional.batch_norm(training=False)",
     .input = {"input", "weight", "bias", "running_mean", "running_var"},
     .fixed = 24,
     .positive = 16,
     .attribute = {"eps"},
     .run = run_batch_norm,
     .truth = true_batch_norm,
     .cases = batch_norm_cases,
     .source = "nn/batch_norm.h"},
    {.name = NULL},
};
