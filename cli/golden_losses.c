/* cli/golden_losses.c - golden cases of sums, means, losses and the embedding of time. */
#include "cli/golden_operator.h"
#include "nn/losses.h"
#include "nn/reduce.h"
#include "nn/time_embedding.h"

/* ---- sums ---- */

static Tensor *run_sum_axis(Tape *tape, Tensor *const *in, const double *value)
{
    return sum_axis(tape, in[0], (int)value[0]);
}

static Tensor *run_mean_axis(Tape *tape, Tensor *const *in, const double *value)
{
    return mean_axis(tape, in[0], (int)value[0]);
}

static Tensor *run_sum_sample(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return sum_sample(tape, in[0]);
}

static Tensor *run_mean_sample(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return mean_sample(tape, in[0]);
}

static Tensor *run_sum_all(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return sum_all(tape, in[0]);
}

static Tensor *run_mean_all(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return mean_all(tape, in[0]);
}

static Tensor *run_unit_rows(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return unit_rows(tape, in[0]);
}

static TruthTensor *true_sum_all(Truth *t, TruthTensor *const *in, const double *value)
{
    const int dim[2] = {1, (int)truth_count(in[0])}, one = 1;
    (void)value;
    return truth_reshape(t, truth_reduce(t, truth_reshape(t, in[0], 2, dim), 1, false), 1, &one);
}

static TruthTensor *true_mean_all(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_times(t, true_sum_all(t, in, value), 1.0 / (double)truth_count(in[0]));
}

static TruthTensor *true_unit_rows(Truth *t, TruthTensor *const *in, const double *value)
{
    const TruthTensor *square = truth_broadcast(t, in[0], in[0], TRUTH_MULTIPLY);
    const TruthTensor *length = truth_function(t, truth_reduce(t, square, -1, false), TRUTH_SQRT);
    (void)value;
    return truth_broadcast(t, in[0], length, TRUTH_DIVIDE);
}

static TruthTensor *true_sum_axis(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_reduce(t, in[0], (int)value[0], false);
}

static TruthTensor *true_mean_axis(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_reduce(t, in[0], (int)value[0], true);
}

static TruthTensor *true_sum_sample(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_reduce_sample(t, in[0], false);
}

static TruthTensor *true_mean_sample(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_reduce_sample(t, in[0], true);
}

static const OperatorCase axis_cases[] = {
    {.name = "ordinary", .shape = {{2, 4, 13}}, .value = {-1}},
    {.name = "first", .shape = {{3, 5, 2, 3}}, .value = {0}},
    {.name = "middle", .shape = {{4, 2, 7, 3, 2}}, .value = {1}},
    {.name = "long", .shape = {{2, 2, 1000}}, .value = {1}},
    {.name = "one_number", .shape = {{1, 1}}, .value = {0}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{2, 9, 2}}, .value = {1}},
    {.name = "no_samples", .shape = {{2, 0, 4}}, .value = {1}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{2, 3, 9}}, .value = {1}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{2, 3, 9}}, .value = {1}},
    {.name = "no_such_axis", .label = GOLDEN_INVALID, .shape = {{2, 4, 5}}, .value = {2}},
    {.name = "empty", .label = GOLDEN_EITHER, .shape = {{2, 4, 0}}, .value = {1}},
    {.name = NULL},
};

static const OperatorCase sample_cases[] = {
    {.name = "ordinary", .shape = {{3, 3, 4, 5}}},
    {.name = "long", .shape = {{4, 2, 3, 16, 16}}},
    {.name = "odd_sizes", .shape = {{4, 3, 1, 5, 7}}},
    {.name = "one_number", .shape = {{1, 1}}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{2, 3, 9}}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{2, 3, 9}}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{2, 9, 2}}},
    {.name = "no_samples", .label = GOLDEN_EITHER, .shape = {{2, 0, 4}}},
    {.name = NULL},
};

static const OperatorCase row_cases[] = {
    {.name = "ordinary", .shape = {{2, 4, 16}}},
    {.name = "odd_width", .shape = {{2, 3, 11}}},
    {.name = "one_number", .shape = {{2, 3, 1}}},
    {.name = "no_rows", .shape = {{2, 0, 4}}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{2, 3, 8}}},
    {.name = "zero_rows", .fill = FILL_ZEROS, .shape = {{2, 2, 4}}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{2, 6, 3}}},
    {.name = NULL},
};

/* ---- losses ---- */

static Tensor *run_mse(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return mse_loss(tape, in[0], in[1]);
}

static Tensor *run_cross_entropy(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return cross_entropy(tape, in[0], golden_whole(tape, in[1]));
}

static Tensor *run_bce(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return bce_with_logits(tape, in[0], in[1]);
}

static Tensor *run_kl(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return gaussian_kl(tape, in[0], in[1]);
}

static Tensor *run_contrastive(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return contrastive_loss(tape, in[0], in[1], in[2]);
}

static TruthTensor *true_mse(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_mse_loss(t, in[0], in[1]);
}

static TruthTensor *true_cross_entropy(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_cross_entropy(t, in[0], truth_whole(t, in[1]));
}

static TruthTensor *true_bce(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_bce_with_logits(t, in[0], in[1]);
}

static TruthTensor *true_kl(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_gaussian_kl(t, in[0], in[1]);
}

static TruthTensor *true_contrastive(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_contrastive_loss(t, in[0], in[1], in[2]);
}

/* `bce_with_logits` leaves out the first: its formulas differ at infinity. */
static const OperatorCase pair_cases[] = {
    {.name = "special", .fill = FILL_SPECIAL, .filled = 1, .shape = {{2, 18, 1}, {2, 18, 1}}},
    {.name = "ordinary", .shape = {{2, 4, 9}, {2, 4, 9}}},
    {.name = "pictures", .shape = {{4, 2, 3, 8, 8}, {4, 2, 3, 8, 8}}},
    {.name = "odd_sizes", .shape = {{3, 3, 5, 7}, {3, 3, 5, 7}}},
    {.name = "one_number", .shape = {{2, 1, 1}, {2, 1, 1}}},
    {.name = "no_samples", .shape = {{2, 0, 4}, {2, 0, 4}}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{2, 3, 5}, {2, 3, 5}}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{2, 3, 5}, {2, 3, 5}}},
    {.name = "shapes_differ", .label = GOLDEN_INVALID, .shape = {{2, 3, 4}, {2, 3, 5}}},
    {.name = NULL},
};

static const OperatorCase cross_entropy_cases[] = {
    {.name = "ordinary", .shape = {{2, 5, 7}, {1, 5}}, .below = 7},
    {.name = "many_classes", .shape = {{2, 2, 300}, {1, 2}}, .below = 300},
    {.name = "one_class", .shape = {{2, 3, 1}, {1, 3}}, .below = 1},
    {.name = "no_samples", .shape = {{2, 0, 4}, {1, 0}}, .below = 4},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{2, 3, 5}, {1, 3}}, .below = 5},
    {.name = "large", .fill = FILL_LARGE, .shape = {{2, 3, 5}, {1, 3}}, .below = 5},
    {.name = "minus_infinity", .fill = FILL_MASKED, .shape = {{2, 3, 4}, {1, 3}}, .below = 4},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{2, 9, 4}, {1, 9}}, .below = 4},
    {.name = "label_negative", .label = GOLDEN_INVALID, .shape = {{2, 1, 4}, {1, 1}}, .below = 0},
    {.name = "label_too_large", .label = GOLDEN_INVALID, .shape = {{2, 3, 4}, {1, 3}}, .below = 5},
    {.name = NULL},
};

static const OperatorCase contrastive_cases[] = {
    {.name = "ordinary", .shape = {{2, 4, 6}, {2, 4, 6}, {1, 1}}},
    {.name = "many_pairs", .shape = {{2, 17, 9}, {2, 17, 9}, {1, 1}}},
    {.name = "one_number", .shape = {{2, 1, 1}, {2, 1, 1}, {1, 1}}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .filled = 3, .shape = {{2, 3, 4}, {2, 3, 4}, {1, 1}}},
    {.name = "large", .fill = FILL_LARGE, .filled = 3, .shape = {{2, 3, 4}, {2, 3, 4}, {1, 1}}},
    {.name = "one_pair", .shape = {{2, 1, 6}, {2, 1, 6}, {1, 1}}},
    {.name = "shapes_differ", .label = GOLDEN_INVALID, .shape = {{2, 4, 6}, {2, 3, 6}, {1, 1}}},
    {.name = NULL},
};

/* ---- the embedding of time ---- */

static Tensor *run_time(Tape *tape, Tensor *const *in, const double *value)
{
    return time_embedding(tape, in[0]->data, in[0]->dim[0], (int)value[0], value[1] != 0.0,
                          (float)value[2]);
}

static TruthTensor *true_time(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_time_embedding(t, in[0], (int)value[0], value[1] != 0.0, value[2]);
}

static const OperatorCase time_cases[] = {
    {.name = "ordinary", .shape = {{1, 6}}, .value = {32, 1, 0}, .below = 1000},
    {.name = "ddpm", .shape = {{1, 4}}, .value = {16, 0, 1}, .below = 1000},
    {.name = "one_timestep", .shape = {{1, 1}}, .value = {2, 1, 0}, .below = 1000},
    {.name = "zero", .shape = {{1, 1}}, .value = {8, 1, 0}, .below = 1},
    {.name = "no_timesteps", .shape = {{1, 0}}, .value = {8, 1, 0}, .below = 1000},
    {.name = "large", .shape = {{1, 5}}, .value = {8, 0, 0}, .below = 16777216},
    {.name = "width_0", .label = GOLDEN_EITHER, .shape = {{1, 3}}, .value = {0, 0, 0}, .below = 1000},
    {.name = "shift_takes_all", .label = GOLDEN_EITHER, .shape = {{1, 3}}, .value = {2, 0, 1}, .below = 9},
    {.name = "odd_width", .shape = {{1, 3}}, .value = {7, 0, 0}, .below = 1000},
    {.name = "width_1", .label = GOLDEN_EITHER, .shape = {{1, 3}}, .value = {1, 0, 0}, .below = 1000},
    {.name = NULL},
};

const GoldenOperator GOLDEN_LOSSES[] = {
    {.name = "sum_axis",
     .like = "torch.sum(input, dim, keepdim=True)",
     .input = {"input"},
     .attribute = {"dim"},
     .run = run_sum_axis,
     .truth = true_sum_axis,
     .cases = axis_cases,
     .source = "nn/reduce.h"},
    {.name = "mean_axis",
     .like = "torch.mean(input, dim, keepdim=True)",
     .input = {"input"},
     .attribute = {"dim"},
     .run = run_mean_axis,
     .truth = true_mean_axis,
     .cases = axis_cases,
     .source = "nn/reduce.h"},
    {.name = "sum_sample",
     .like = "torch.sum(input.flatten(1), 1)",
     .input = {"input"},
     .run = run_sum_sample,
     .truth = true_sum_sample,
     .cases = sample_cases,
     .source = "nn/reduce.h"},
    {.name = "mean_sample",
     .like = "torch.mean(input.flatten(1), 1)",
     .input = {"input"},
     .run = run_mean_sample,
     .truth = true_mean_sample,
     .cases = sample_cases,
     .source = "nn/reduce.h"},
    {.name = "sum_all",
     .like = "torch.sum(input).reshape(1)",
     .input = {"input"},
     .run = run_sum_all,
     .truth = true_sum_all,
     .cases = sample_cases,
     .source = "nn/reduce.h"},
    {.name = "mean_all",
     .like = "torch.mean(input).reshape(1)",
     .input = {"input"},
     .run = run_mean_all,
     .truth = true_mean_all,
     .cases = sample_cases,
     .source = "nn/reduce.h"},
    {.name = "unit_rows",
     .like = "input / input.norm(dim=-1, keepdim=True)",
     .input = {"input"},
     .run = run_unit_rows,
     .truth = true_unit_rows,
     .cases = row_cases,
     .source = "nn/losses.h"},
    {.name = "mse_loss",
     .like = "torch.nn.functional.mse_loss(reduction='none'), mean of each sample",
     .input = {"input", "target"},
     .run = run_mse,
     .truth = true_mse,
     .cases = pair_cases,
     .source = "nn/losses.h"},
    {.name = "cross_entropy",
     .like = "torch.nn.functional.cross_entropy(reduction='none')",
     .input = {"input", "target"},
     .whole = 2,
     .run = run_cross_entropy,
     .truth = true_cross_entropy,
     .cases = cross_entropy_cases,
     .source = "nn/losses.h"},
    {.name = "bce_with_logits",
     .like = "torch.nn.functional.binary_cross_entropy_with_logits(reduction='none'), mean of each sample",
     .input = {"input", "target"},
     .fixed = 2,
     .run = run_bce,
     .truth = true_bce,
     .cases = pair_cases + 1,
     .source = "nn/losses.h"},
    {.name = "gaussian_kl",
     .like = "0.5 * (mean**2 + torch.exp(logvar) - 1 - logvar), sum of each sample",
     .input = {"mean", "logvar"},
     .run = run_kl,
     .truth = true_kl,
     .cases = pair_cases,
     .source = "nn/losses.h"},
    {.name = "contrastive_loss",
     .input = {"image", "text", "logit_scale"},
     .run = run_contrastive,
     .truth = true_contrastive,
     .cases = contrastive_cases,
     .source = "nn/losses.h"},
    {.name = "time_embedding",
     .like = "diffusers.models.embeddings.get_timestep_embedding",
     .input = {"timesteps"},
     .whole = 1,
     .attribute = {"embedding_dim", "flip_sin_to_cos", "downscale_freq_shift"},
     .run = run_time,
     .truth = true_time,
     .cases = time_cases,
     .source = "nn/time_embedding.h"},
    {.name = NULL},
};
