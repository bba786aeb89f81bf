/* cli/golden_guidance.c - golden cases of classifier-free guidance and its rescale (diffusion/denoise.h). */
#include "cli/golden_operator.h"
#include "diffusion/denoise.h"

static Tensor *run_guide(Tape *tape, Tensor *const *in, const double *value)
{
    Tensor *y = tape_result(tape, in[0], in[0]->rank, in[0]->dim);
    if (y != NULL)
        guide_classifier_free(y->data, in[0]->data, in[1]->data, tensor_count(y), (float)value[0]);
    return y;
}

/* without + w (with - without) */
static TruthTensor *true_guide(Truth *t, TruthTensor *const *in, const double *value)
{
    const TruthTensor *d = truth_broadcast(t, in[1], in[0], TRUTH_SUBTRACT);
    return truth_broadcast(t, in[0], truth_times(t, d, (double)(float)value[0]), TRUTH_ADD);
}

static Tensor *run_rescale(Tape *tape, Tensor *const *in, const double *value)
{
    Tensor *y = tape_result(tape, in[0], in[0]->rank, in[0]->dim);
    if (y == NULL)
        return NULL;
    for (size_t i = 0; i < tensor_count(y); i++)
        y->data[i] = in[0]->data[i];
    guide_rescale(y->data, in[1]->data, tensor_count(y), (float)value[0]);
    return y;
}

/* The root of the sum of squared distances from the mean: the count cancels. */
static TruthId spread_of(Truth *t, const TruthTensor *x)
{
    const size_t n = truth_count(x);
    const TruthTensor *row = truth_reshape(t, x, 2, (const int[2]){1, (int)n});
    const TruthTensor *d = truth_broadcast(t, row, truth_reduce(t, row, 1, true), TRUTH_SUBTRACT);
    truth_sum_begin(t);
    for (size_t i = 0; d != NULL && i < n; i++)
        truth_sum_multiply_add(t, d->id[i], d->id[i]);
    return truth_unary(t, TRUTH_SQRT, truth_sum_end(t));
}

/* phi out spread(with) / spread(out) + (1 - phi) out */
static TruthTensor *true_rescale(Truth *t, TruthTensor *const *in, const double *value)
{
    const double phi = (double)(float)value[0];
    TruthTensor *y = truth_tensor(t, in[0]->rank, in[0]->dim);
    const TruthId now = spread_of(t, in[0]),
                  factor = truth_binary(t, TRUTH_DIVIDE, spread_of(t, in[1]), now);
    for (size_t i = 0; y != NULL && i < truth_count(y) && !t->failed; i++) {
        const TruthId same = truth_scale(t, truth_binary(t, TRUTH_MULTIPLY, in[0]->id[i], factor), phi);
        y->id[i] = truth_binary(t, TRUTH_ADD, same, truth_scale(t, in[0]->id[i], 1.0 - phi));
    }
    return y;
}

static const OperatorCase guide_cases[] = {
    {.name = "ordinary", .shape = {{4, 1, 4, 6, 6}, {4, 1, 4, 6, 6}}, .value = {7.5}},
    {.name = "scale_1", .shape = {{1, 33}, {1, 33}}, .value = {1}},
    {.name = "negative", .shape = {{1, 17}, {1, 17}}, .value = {-2}},
    {.name = "scale_0", .shape = {{1, 17}, {1, 17}}, .value = {0}},
    {.name = "one_number", .shape = {{1, 1}, {1, 1}}, .value = {7.5}},
    {.name = "no_numbers", .shape = {{2, 0, 3}, {2, 0, 3}}, .value = {7.5}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{1, 17}, {1, 17}}, .value = {7.5}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{1, 36}, {1, 36}}, .value = {7.5}},
    {.name = NULL},
};

static const OperatorCase rescale_cases[] = {
    {.name = "ordinary", .shape = {{4, 1, 4, 6, 6}, {4, 1, 4, 6, 6}}, .value = {0.7}},
    {.name = "whole", .shape = {{1, 33}, {1, 33}}, .value = {1}},
    {.name = "nothing", .shape = {{1, 33}, {1, 33}}, .value = {0}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{1, 17}, {1, 17}}, .value = {0.7}},
    {.name = NULL},
};

const GoldenOperator GOLDEN_GUIDANCE[] = {
    {.name = "guidance",
     .like = "uncond + guidance_scale * (text - uncond)",
     .input = {"uncond", "text"},
     .fixed = 3,
     .attribute = {"guidance_scale"},
     .run = run_guide,
     .truth = true_guide,
     .cases = guide_cases,
     .source = "diffusion/denoise.h, guide_classifier_free"},
    {.name = "guidance_rescale",
     .like = "diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion.rescale_noise_cfg",
     .input = {"noise_cfg", "noise_pred_text"},
     .fixed = 3,
     .attribute = {"guidance_rescale"},
     .run = run_rescale,
     .truth = true_rescale,
     .cases = rescale_cases,
     .source = "diffusion/denoise.h, guide_rescale"},
    {.name = NULL},
};
