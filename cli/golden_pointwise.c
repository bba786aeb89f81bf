/* cli/golden_pointwise.c - golden cases of what works number by number. */
#include "base/elementary.h"
#include "cli/golden_operator.h"
#include "nn/elementwise.h"
#include "nn/geglu.h"

/* ---- two tensors ---- */

static Tensor *run_add(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return add(tape, in[0], in[1]);
}

static Tensor *run_subtract(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return subtract(tape, in[0], in[1]);
}

static Tensor *run_multiply(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return multiply(tape, in[0], in[1]);
}

static Tensor *run_divide(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return divide(tape, in[0], in[1]);
}

static TruthTensor *true_add(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_broadcast(t, in[0], in[1], TRUTH_ADD);
}

static TruthTensor *true_subtract(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_broadcast(t, in[0], in[1], TRUTH_SUBTRACT);
}

static TruthTensor *true_multiply(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_broadcast(t, in[0], in[1], TRUTH_MULTIPLY);
}

static TruthTensor *true_divide(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_broadcast(t, in[0], in[1], TRUTH_DIVIDE);
}

static const OperatorCase binary_cases[] = {
    {.name = "ordinary", .shape = {{2, 5, 7}, {2, 5, 7}}},
    {.name = "channels", .shape = {{4, 2, 3, 4, 5}, {4, 2, 3, 1, 1}}},
    {.name = "rows", .shape = {{3, 2, 4, 6}, {1, 6}}},
    {.name = "both_repeated", .shape = {{3, 2, 1, 4}, {3, 1, 3, 4}}},
    {.name = "one_for_all", .shape = {{2, 3, 4}, {1, 1}}},
    {.name = "one_number", .shape = {{1, 1}, {1, 1}}},
    {.name = "no_numbers", .shape = {{2, 0, 4}, {1, 4}}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{2, 18, 1}, {2, 1, 18}}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{2, 3, 5}, {2, 3, 5}}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{2, 3, 5}, {2, 3, 5}}},
    {.name = "large_and_subnormal", .fill = FILL_SUBNORMAL, .filled = 2, .shape = {{2, 3, 5}, {2, 3, 5}}},
    {.name = "shapes_do_not_fit", .label = GOLDEN_INVALID, .shape = {{2, 3, 5}, {2, 3, 4}}},
    {.name = NULL},
};

/* ---- one tensor ---- */

static Tensor *run_scale(Tape *tape, Tensor *const *in, const double *value)
{
    return scale(tape, in[0], (float)value[0]);
}

static Tensor *run_add_scalar(Tape *tape, Tensor *const *in, const double *value)
{
    return add_scalar(tape, in[0], (float)value[0]);
}

static Tensor *run_clamp(Tape *tape, Tensor *const *in, const double *value)
{
    return clamp(tape, in[0], (float)value[0], (float)value[1]);
}

static Tensor *run_power2(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return power2(tape, in[0]);
}

static Tensor *run_absolute(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return absolute(tape, in[0]);
}

static Tensor *run_geglu(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return geglu(tape, in[0]);
}

static TruthTensor *true_scale(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_times(t, in[0], (double)(float)value[0]);
}

static TruthTensor *true_add_scalar(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_plus(t, in[0], (double)(float)value[0]);
}

static TruthTensor *true_clamp(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_clamp(t, in[0], value[0], value[1]);
}

static TruthTensor *true_power2(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_broadcast(t, in[0], in[0], TRUTH_MULTIPLY);
}

static TruthTensor *true_absolute(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_absolute(t, in[0]);
}

static TruthTensor *true_geglu(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_geglu(t, in[0]);
}

static const OperatorCase scalar_cases[] = {
    {.name = "ordinary", .shape = {{2, 5, 7}}, .value = {0x1.99999ap-2, 0}}, /* 0.4 */
    {.name = "negative", .shape = {{1, 17}}, .value = {-3}},
    {.name = "zero", .fill = FILL_SPECIAL, .shape = {{1, 36}}, .value = {0}},
    {.name = "one_number", .shape = {{1, 1}}, .value = {0x1.99999ap-2}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{1, 17}}, .value = {0x1.99999ap-2}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{1, 17}}, .value = {0x1.99999ap-2}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{1, 36}}, .value = {2}},
    {.name = "no_numbers", .shape = {{1, 0}}, .value = {2}},
    {.name = NULL},
};

static const OperatorCase clamp_cases[] = {
    {.name = "middle", .shape = {{2, 5, 7}}, .value = {-0.5, 0.75}},
    {.name = "one_number", .shape = {{1, 1}}, .value = {-1, 1}},
    {.name = "no_numbers", .shape = {{2, 0, 3}}, .value = {-1, 1}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{1, 17}}, .value = {0, 1}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{1, 36}}, .value = {-1, 2}},
    {.name = NULL},
};

static const OperatorCase unary_cases[] = {
    {.name = "ordinary", .shape = {{2, 5, 13}}},
    {.name = "one_number", .shape = {{1, 1}}},
    {.name = "no_numbers", .shape = {{2, 0, 3}}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{1, 36}}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{1, 17}}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{1, 17}}},
    {.name = NULL},
};

static const OperatorCase geglu_cases[] = {
    {.name = "ordinary", .shape = {{3, 2, 3, 14}}},
    {.name = "one_number", .shape = {{1, 2}}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{2, 3, 8}}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{2, 3, 8}}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{2, 9, 8}}},
    {.name = "no_rows", .shape = {{2, 0, 4}}},
    {.name = "odd_width", .label = GOLDEN_INVALID, .shape = {{2, 3, 5}}},
    {.name = NULL},
};

const GoldenOperator GOLDEN_POINTWISE[] = {
    {.name = "add",
     .like = "torch.add",
     .input = {"input", "other"},
     .run = run_add,
     .truth = true_add,
     .cases = binary_cases,
     .source = "nn/elementwise.h"},
    {.name = "subtract",
     .like = "torch.sub",
     .input = {"input", "other"},
     .run = run_subtract,
     .truth = true_subtract,
     .cases = binary_cases,
     .source = "nn/elementwise.h"},
    {.name = "multiply",
     .like = "torch.mul",
     .input = {"input", "other"},
     .run = run_multiply,
     .truth = true_multiply,
     .cases = binary_cases,
     .source = "nn/elementwise.h"},
    {.name = "divide",
     .like = "torch.div",
     .input = {"input", "other"},
     .run = run_divide,
     .truth = true_divide,
     .cases = binary_cases,
     .source = "nn/elementwise.h"},
    {.name = "scale",
     .like = "torch.mul(input, factor)",
     .input = {"input"},
     .attribute = {"factor"},
     .run = run_scale,
     .truth = true_scale,
     .cases = scalar_cases,
     .source = "nn/elementwise.h"},
    {.name = "add_scalar",
     .like = "torch.add(input, term)",
     .input = {"input"},
     .attribute = {"term"},
     .run = run_add_scalar,
     .truth = true_add_scalar,
     .cases = scalar_cases,
     .source = "nn/elementwise.h"},
    {.name = "clamp",
     .like = "torch.clamp",
     .input = {"input"},
     .attribute = {"min", "max"},
     .run = run_clamp,
     .truth = true_clamp,
     .cases = clamp_cases,
     .source = "nn/elementwise.h"},
    {.name = "power2",
     .like = "torch.square",
     .input = {"input"},
     .run = run_power2,
     .truth = true_power2,
     .cases = unary_cases,
     .source = "nn/elementwise.h"},
    {.name = "absolute",
     .like = "torch.abs",
     .input = {"input"},
     .run = run_absolute,
     .truth = true_absolute,
     .cases = unary_cases,
     .source = "nn/elementwise.h"},
    {.name = "geglu",
     .like = "a * torch.nn.functional.gelu(b) of the two halves a, b of the last axis",
     .input = {"input"},
     .run = run_geglu,
     .truth = true_geglu,
     .cases = geglu_cases,
     .source = "nn/geglu.h"},
    {.name = NULL},
};
