/* cli/golden_functions.c - golden cases of functions of one number. */
#include "base/elementary.h"
#include "cli/golden_operator.h"
#include "nn/elementwise.h"

/* ---- those that have gradients ---- */

static Tensor *run_silu(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return activate(tape, in[0], ACTIVATION_SILU);
}

static Tensor *run_gelu(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return activate(tape, in[0], ACTIVATION_GELU);
}

static Tensor *run_quick_gelu(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return activate(tape, in[0], ACTIVATION_QUICK_GELU);
}

static Tensor *run_relu(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return activate(tape, in[0], ACTIVATION_RELU);
}

static Tensor *run_sigmoid(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return activate(tape, in[0], ACTIVATION_SIGMOID);
}

static Tensor *run_tanh(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return activate(tape, in[0], ACTIVATION_TANH);
}

static Tensor *run_exponential(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return exponential(tape, in[0]);
}

static Tensor *run_logarithm(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return logarithm(tape, in[0]);
}

static Tensor *run_square_root(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return square_root(tape, in[0]);
}

/* ---- those of base/elementary.h that no operator is ---- */

static Tensor *mapped(Tape *tape, const Tensor *x, void (*array)(float *, const float *, size_t))
{
    Tensor *y = tape_result(tape, x, x->rank, x->dim);
    if (y != NULL)
        array(y->data, x->data, tensor_count(x));
    return y;
}

static Tensor *run_expm1(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return mapped(tape, in[0], expm1_array);
}

static Tensor *run_log1p(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return mapped(tape, in[0], log1p_array);
}

static Tensor *run_sin(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return mapped(tape, in[0], sin_array);
}

static Tensor *run_cos(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return mapped(tape, in[0], cos_array);
}

static Tensor *run_erf(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return mapped(tape, in[0], erf_array);
}

static Tensor *run_softplus(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return mapped(tape, in[0], softplus_array);
}

/* ---- truths ---- */

static TruthTensor *true_silu(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_activate(t, in[0], ACTIVATION_SILU);
}

static TruthTensor *true_gelu(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_activate(t, in[0], ACTIVATION_GELU);
}

static TruthTensor *true_quick_gelu(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_activate(t, in[0], ACTIVATION_QUICK_GELU);
}

static TruthTensor *true_relu(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_activate(t, in[0], ACTIVATION_RELU);
}

static TruthTensor *true_sigmoid(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_activate(t, in[0], ACTIVATION_SIGMOID);
}

static TruthTensor *true_tanh(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_function(t, in[0], TRUTH_TANH);
}

static TruthTensor *true_exponential(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_function(t, in[0], TRUTH_EXP);
}

static TruthTensor *true_logarithm(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_function(t, in[0], TRUTH_LOG);
}

static TruthTensor *true_square_root(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_function(t, in[0], TRUTH_SQRT);
}

static TruthTensor *true_expm1(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_function(t, in[0], TRUTH_EXPM1);
}

static TruthTensor *true_log1p(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_function(t, in[0], TRUTH_LOG1P);
}

static TruthTensor *true_sin(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_function(t, in[0], TRUTH_SIN);
}

static TruthTensor *true_cos(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_function(t, in[0], TRUTH_COS);
}

static TruthTensor *true_erf(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_function(t, in[0], TRUTH_ERF);
}

static TruthTensor *true_softplus(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_softplus(t, in[0]);
}

/* `patterns` goes through all exponents of both signs. */
static const OperatorCase cases[] = {
    {.name = "ordinary", .shape = {{2, 5, 67}}},
    {.name = "one_number", .shape = {{1, 1}}},
    {.name = "no_numbers", .shape = {{2, 0, 3}}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{1, 18}}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{1, 17}}},
    {.name = "patterns", .fill = FILL_PATTERNS, .shape = {{1, 2047}}},
    {.name = NULL},
};

const GoldenOperator GOLDEN_FUNCTIONS[] = {
    {.name = "silu",
     .like = "torch.nn.functional.silu",
     .input = {"input"},
     .run = run_silu,
     .truth = true_silu,
     .cases = cases,
     .source = "nn/activation.h"},
    {.name = "gelu",
     .like = "torch.nn.functional.gelu",
     .input = {"input"},
     .run = run_gelu,
     .truth = true_gelu,
     .cases = cases,
     .source = "nn/activation.h"},
    {.name = "quick_gelu",
     .like = "input * torch.sigmoid(1.702 * input)",
     .input = {"input"},
     .run = run_quick_gelu,
     .truth = true_quick_gelu,
     .cases = cases,
     .source = "nn/activation.h"},
    {.name = "relu",
     .like = "torch.nn.functional.relu",
     .input = {"input"},
     .run = run_relu,
     .truth = true_relu,
     .cases = cases,
     .source = "nn/activation.h"},
    {.name = "sigmoid",
     .like = "torch.sigmoid",
     .input = {"input"},
     .run = run_sigmoid,
     .truth = true_sigmoid,
     .cases = cases,
     .source = "nn/activation.h"},
    {.name = "tanh",
     .like = "torch.tanh",
     .input = {"input"},
     .run = run_tanh,
     .truth = true_tanh,
     .cases = cases,
     .source = "nn/activation.h"},
    {.name = "exponential",
     .like = "torch.exp",
     .input = {"input"},
     .run = run_exponential,
     .truth = true_exponential,
     .cases = cases,
     .source = "nn/elementwise.h"},
    {.name = "logarithm",
     .like = "torch.log",
     .input = {"input"},
     .positive = 1,
     .run = run_logarithm,
     .truth = true_logarithm,
     .cases = cases,
     .source = "nn/elementwise.h"},
    {.name = "square_root",
     .like = "torch.sqrt",
     .input = {"input"},
     .positive = 1,
     .run = run_square_root,
     .truth = true_square_root,
     .cases = cases,
     .source = "nn/elementwise.h"},
    {.name = "expm1",
     .like = "torch.expm1",
     .input = {"input"},
     .fixed = 1,
     .run = run_expm1,
     .truth = true_expm1,
     .cases = cases,
     .source = "base/elementary.h"},
    {.name = "log1p",
     .like = "torch.log1p",
     .input = {"input"},
     .fixed = 1,
     .run = run_log1p,
     .truth = true_log1p,
     .cases = cases,
     .source = "base/elementary.h"},
    {.name = "sin",
     .like = "torch.sin",
     .input = {"input"},
     .fixed = 1,
     .run = run_sin,
     .truth = true_sin,
     .cases = cases,
     .source = "base/elementary.h"},
    {.name = "cos",
     .like = "torch.cos",
     .input = {"input"},
     .fixed = 1,
     .run = run_cos,
     .truth = true_cos,
     .cases = cases,
     .source = "base/elementary.h"},
    {.name = "erf",
     .like = "torch.erf",
     .input = {"input"},
     .fixed = 1,
     .run = run_erf,
     .truth = true_erf,
     .cases = cases,
     .source = "base/elementary.h"},
    {.name = "softplus",
     .like = "torch.nn.functional.softplus",
     .input = {"input"},
     .fixed = 1,
     .run = run_softplus,
     .truth = true_softplus,
     .cases = cases,
     .source = "base/elementary.h"},
    {.name = NULL},
};
