/* cli/golden_products.c - golden cases of matmul, linear, the convolutions and attention. */
#include "cli/golden_operator.h"
#include "nn/attention.h"
#include "nn/linear.h"
#include "nn/matmul.h"

/* ---- matmul ---- */

static Tensor *run_matmul(Tape *tape, Tensor *const *in, const double *value)
{
    return matmul(tape, in[0], in[1], value[0] != 0.0);
}

static TruthTensor *true_matmul(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_matmul(t, in[0], in[1], value[0] != 0.0);
}

static const OperatorCase matmul_cases[] = {
    {.name = "ordinary", .shape = {{3, 2, 5, 33}, {3, 2, 33, 7}}},
    {.name = "transposed", .shape = {{2, 9, 40}, {2, 11, 40}}, .value = {1}},
    {.name = "long_sum", .shape = {{2, 3, 700}, {2, 700, 5}}},
    {.name = "panel_edges", .shape = {{2, 2, 513}, {2, 513, 2}}},
    {.name = "one_by_one", .shape = {{2, 1, 1}, {2, 1, 1}}},
    {.name = "no_rows", .shape = {{2, 0, 4}, {2, 4, 3}}},
    {.name = "empty_sum", .shape = {{2, 3, 0}, {2, 0, 2}}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{2, 18, 1}, {2, 1, 18}}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{2, 4, 9}, {2, 9, 3}}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{2, 4, 9}, {2, 9, 3}}},
    {.name = "inner_sizes_differ", .label = GOLDEN_INVALID, .shape = {{2, 3, 4}, {2, 5, 2}}},
    {.name = "batches_differ", .label = GOLDEN_INVALID, .shape = {{3, 2, 3, 4}, {3, 3, 4, 2}}},
    {.name = NULL},
};

/* ---- linear ---- */

static Tensor *run_linear(Tape *tape, Tensor *const *in, const double *value)
{
    (void)value;
    return linear(tape, in[0], in[1], in[2]);
}

static TruthTensor *true_linear(Truth *t, TruthTensor *const *in, const double *value)
{
    (void)value;
    return truth_linear(t, in[0], in[1], in[2]);
}

static const OperatorCase linear_cases[] = {
    {.name = "ordinary", .shape = {{3, 2, 7, 24}, {2, 10, 24}, {1, 10}}},
    {.name = "no_bias", .shape = {{2, 5, 17}, {2, 3, 17}}},
    {.name = "long_sum", .shape = {{2, 2, 600}, {2, 4, 600}, {1, 4}}},
    {.name = "many_samples", .shape = {{3, 9, 3, 8}, {2, 6, 8}, {1, 6}}},
    {.name = "one_number", .shape = {{2, 1, 1}, {2, 1, 1}, {1, 1}}},
    {.name = "no_samples", .shape = {{2, 0, 4}, {2, 3, 4}, {1, 3}}},
    {.name = "subnormal", .fill = FILL_SUBNORMAL, .shape = {{2, 3, 8}, {2, 3, 8}, {1, 3}}},
    {.name = "large", .fill = FILL_LARGE, .shape = {{2, 3, 8}, {2, 3, 8}, {1, 3}}},
    {.name = "special", .fill = FILL_SPECIAL, .shape = {{2, 18, 1}, {2, 3, 1}, {1, 3}}},
    {.name = "widths_differ", .label = GOLDEN_INVALID, .shape = {{2, 3, 4}, {2, 2, 5}, {1, 2}}},
    {.name = "bias_too_long", .label = GOLDEN_INVALID, .shape = {{2, 3, 4}, {2, 2, 4}, {1, 3}}},
    {.name = NULL},
};

/* ---- conv2d ---- */

static Conv2dOptions conv_options(const double *v)
{
    return (Conv2dOptions){.stride = (int)v[0],
                           .pad_top = (int)v[1],
                           .pad_bottom = (int)v[2],
                           .pad_left = (int)v[3],
                           .pad_right = (int)v[4],
                           .dilation = (int)v[5],
                           .groups = (int)v[6]};
}

static Tensor *run_conv2d(Tape *tape, Tensor *const *in, const double *value)
{
    return conv2d(tape, in[0], in[1], in[2], conv_options(value));
}

static TruthTensor *true_conv2d(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_conv2d(t, in[0], in[1], in[2], conv_options(value));
}

static const OperatorCase conv2d_cases[] = {
    {.name = "ordinary",
     .shape = {{4, 2, 4, 7, 6}, {4, 5, 4, 3, 3}, {1, 5}},
     .value = {1, 1, 1, 1, 1, 1, 1}},
    {.name = "no_bias", .shape = {{4, 1, 3, 5, 5}, {4, 4, 3, 3, 3}}, .value = {1, 1, 1, 1, 1, 1, 1}},
    {.name = "pointwise",
     .shape = {{4, 2, 20, 4, 5}, {4, 7, 20, 1, 1}, {1, 7}},
     .value = {1, 0, 0, 0, 0, 1, 1}},
    {.name = "long_sum",
     .shape = {{4, 1, 40, 4, 4}, {4, 3, 40, 3, 3}, {1, 3}},
     .value = {1, 1, 1, 1, 1, 1, 1}},
    {.name = "stride_2",
     .shape = {{4, 2, 3, 9, 7}, {4, 4, 3, 3, 3}, {1, 4}},
     .value = {2, 1, 1, 1, 1, 1, 1}},
    {.name = "stride_2_padding_below_right",
     .shape = {{4, 1, 3, 8, 10}, {4, 4, 3, 3, 3}, {1, 4}},
     .value = {2, 0, 1, 0, 1, 1, 1}},
    {.name = "stride_3_kernel_2",
     .shape = {{4, 1, 2, 8, 11}, {4, 3, 2, 2, 2}, {1, 3}},
     .value = {3, 0, 0, 0, 0, 1, 1}},
    {.name = "dilation_2_groups_2",
     .shape = {{4, 2, 6, 8, 9}, {4, 4, 3, 3, 2}, {1, 4}},
     .value = {1, 2, 0, 1, 0, 2, 2}},
    {.name = "depthwise",
     .shape = {{4, 1, 5, 6, 6}, {4, 5, 1, 3, 3}, {1, 5}},
     .value = {1, 1, 1, 1, 1, 1, 5}},
    {.name = "one_pixel",
     .shape = {{4, 1, 1, 1, 1}, {4, 1, 1, 1, 1}, {1, 1}},
     .value = {1, 0, 0, 0, 0, 1, 1}},
    {.name = "kernel_in_padding",
     .shape = {{4, 1, 2, 1, 1}, {4, 2, 2, 3, 3}},
     .value = {1, 1, 1, 1, 1, 1, 1}},
    {.name = "no_samples",
     .shape = {{4, 0, 2, 4, 4}, {4, 3, 2, 3, 3}, {1, 3}},
     .value = {1, 1, 1, 1, 1, 1, 1}},
    {.name = "subnormal",
     .fill = FILL_SUBNORMAL,
     .shape = {{4, 1, 2, 4, 4}, {4, 2, 2, 3, 3}},
     .value = {1, 1, 1, 1, 1, 1, 1}},
    {.name = "large",
     .fill = FILL_LARGE,
     .shape = {{4, 1, 2, 4, 4}, {4, 2, 2, 3, 3}, {1, 2}},
     .value = {1, 1, 1, 1, 1, 1, 1}},
    {.name = "special",
     .fill = FILL_SPECIAL,
     .shape = {{4, 1, 1, 6, 6}, {4, 18, 1, 1, 1}},
     .value = {1, 0, 0, 0, 0, 1, 1}},
    {.name = "channels_differ",
     .label = GOLDEN_INVALID,
     .shape = {{4, 1, 3, 5, 5}, {4, 4, 2, 3, 3}},
     .value = {1, 1, 1, 1, 1, 1, 1}},
    {.name = "kernel_too_large",
     .label = GOLDEN_INVALID,
     .shape = {{4, 1, 2, 2, 2}, {4, 4, 2, 3, 3}},
     .value = {1, 0, 0, 0, 0, 1, 1}},
    {.name = "groups_do_not_divide",
     .label = GOLDEN_INVALID,
     .shape = {{4, 1, 4, 5, 5}, {4, 5, 2, 3, 3}},
     .value = {1, 1, 1, 1, 1, 1, 2}},
    {.name = "bias_too_long",
     .label = GOLDEN_INVALID,
     .shape = {{4, 1, 2, 5, 5}, {4, 4, 2, 3, 3}, {1, 5}},
     .value = {1, 1, 1, 1, 1, 1, 1}},
    {.name = "negative_padding",
     .label = GOLDEN_INVALID,
     .shape = {{4, 1, 2, 5, 5}, {4, 5, 2, 3, 3}},
     .value = {1, -1, 1, 1, 1, 1, 1}},
    {.name = NULL},
};

/* ---- conv_transpose2d ---- */

static ConvTranspose2dOptions spread_options(const double *v)
{
    return (ConvTranspose2dOptions){
        .conv = conv_options(v), .extra_bottom = (int)v[7], .extra_right = (int)v[8]};
}

static Tensor *run_conv_transpose2d(Tape *tape, Tensor *const *in, const double *value)
{
    return conv_transpose2d(tape, in[0], in[1], in[2], spread_options(value));
}

static TruthTensor *true_conv_transpose2d(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_conv_transpose2d(t, in[0], in[1], in[2], spread_options(value));
}

static const OperatorCase conv_transpose2d_cases[] = {
    {.name = "ordinary",
     .shape = {{4, 2, 4, 3, 4}, {4, 4, 3, 4, 4}, {1, 3}},
     .value = {2, 1, 1, 1, 1, 1, 1}},
    {.name = "stride_1",
     .shape = {{4, 1, 3, 5, 4}, {4, 3, 2, 3, 3}, {1, 2}},
     .value = {1, 1, 1, 1, 1, 1, 1}},
    {.name = "output_padding",
     .shape = {{4, 1, 3, 3, 3}, {4, 3, 2, 3, 3}},
     .value = {2, 1, 1, 1, 1, 1, 1, 1, 1}},
    {.name = "dilation_2_groups_2",
     .shape = {{4, 1, 4, 3, 4}, {4, 4, 3, 2, 3}, {1, 6}},
     .value = {2, 0, 0, 0, 0, 2, 2}},
    {.name = "one_pixel",
     .shape = {{4, 1, 1, 1, 1}, {4, 1, 1, 1, 1}, {1, 1}},
     .value = {1, 0, 0, 0, 0, 1, 1}},
    {.name = "long_sum",
     .shape = {{4, 1, 130, 2, 3}, {4, 130, 2, 4, 4}, {1, 2}},
     .value = {2, 1, 1, 1, 1, 1, 1}},
    {.name = "no_samples",
     .shape = {{4, 0, 2, 3, 3}, {4, 2, 3, 3, 3}, {1, 3}},
     .value = {2, 1, 1, 1, 1, 1, 1}},
    {.name = "subnormal",
     .fill = FILL_SUBNORMAL,
     .shape = {{4, 1, 2, 3, 3}, {4, 2, 2, 3, 3}},
     .value = {2, 1, 1, 1, 1, 1, 1}},
    {.name = "large",
     .fill = FILL_LARGE,
     .shape = {{4, 1, 2, 3, 3}, {4, 2, 2, 3, 3}, {1, 2}},
     .value = {2, 1, 1, 1, 1, 1, 1}},
    {.name = "special",
     .fill = FILL_SPECIAL,
     .shape = {{4, 1, 1, 6, 6}, {4, 1, 18, 1, 1}},
     .value = {1, 0, 0, 0, 0, 1, 1}},
    {.name = "channels_differ",
     .label = GOLDEN_INVALID,
     .shape = {{4, 1, 3, 3, 3}, {4, 4, 2, 3, 3}},
     .value = {2, 1, 1, 1, 1, 1, 1}},
    {.name = "output_padding_not_below_stride",
     .label = GOLDEN_INVALID,
     .shape = {{4, 1, 3, 3, 3}, {4, 3, 2, 3, 3}},
     .value = {2, 1, 1, 1, 1, 1, 1, 2, 2}},
    {.name = "padding_takes_all",
     .label = GOLDEN_INVALID,
     .shape = {{4, 1, 3, 1, 1}, {4, 3, 2, 3, 3}},
     .value = {1, 2, 2, 2, 2, 1, 1}},
    {.name = NULL},
};

/* ---- attention ---- */

static Tensor *run_attention(Tape *tape, Tensor *const *in, const double *value)
{
    const AttentionOptions options = {
        .heads = (int)value[0], .causal = value[1] != 0.0, .scale = (float)value[2], .mask = in[3]};
    return attention(tape, in[0], in[1], in[2], options);
}

static TruthTensor *true_attention(Truth *t, TruthTensor *const *in, const double *value)
{
    return truth_attention(t, in[0], in[1], in[2], in[3], (int)value[0], value[1] != 0.0, value[2]);
}

static const OperatorCase attention_cases[] = {
    {.name = "ordinary", .shape = {{3, 2, 6, 12}, {3, 2, 9, 12}, {3, 2, 9, 12}}, .value = {3}},
    {.name = "one_head", .shape = {{3, 1, 5, 16}, {3, 1, 7, 16}, {3, 1, 7, 16}}, .value = {1}},
    {.name = "causal", .shape = {{3, 2, 8, 8}, {3, 2, 8, 8}, {3, 2, 8, 8}}, .value = {2, 1}},
    {.name = "scale", .shape = {{3, 1, 4, 6}, {3, 1, 5, 6}, {3, 1, 5, 6}}, .value = {2, 0, 0.25}},
    {.name = "many_keys", .shape = {{3, 1, 3, 8}, {3, 1, 300, 8}, {3, 1, 300, 8}}, .value = {1}},
    {.name = "mask", .shape = {{3, 2, 4, 6}, {3, 2, 5, 6}, {3, 2, 5, 6}, {2, 4, 5}}, .value = {2}},
    {.name = "mask_per_sample",
     .shape = {{3, 2, 3, 4}, {3, 2, 4, 4}, {3, 2, 4, 4}, {3, 2, 3, 4}},
     .value = {1}},
    {.name = "one_key", .shape = {{3, 1, 3, 4}, {3, 1, 1, 4}, {3, 1, 1, 4}}, .value = {2}},
    {.name = "causal_more_keys", .shape = {{3, 1, 5, 6}, {3, 1, 7, 6}, {3, 1, 7, 6}}, .value = {1, 1}},
    {.name = "mask_hides_keys",
     .fill = FILL_MASKED,
     .filled = 8,
     .shape = {{3, 2, 4, 6}, {3, 2, 5, 6}, {3, 2, 5, 6}, {2, 4, 5}},
     .value = {2}},
    {.name = "mask_hides_all_keys",
     .fill = FILL_MASKED,
     .filled = 8,
     .shape = {{3, 1, 3, 4}, {3, 1, 1, 4}, {3, 1, 1, 4}, {2, 3, 1}},
     .value = {2}},
    {.name = "one_number", .shape = {{3, 1, 1, 1}, {3, 1, 1, 1}, {3, 1, 1, 1}}, .value = {1}},
    {.name = "no_samples", .shape = {{3, 0, 3, 4}, {3, 0, 5, 4}, {3, 0, 5, 4}}, .value = {2}},
    {.name = "subnormal",
     .fill = FILL_SUBNORMAL,
     .shape = {{3, 1, 3, 4}, {3, 1, 5, 4}, {3, 1, 5, 4}},
     .value = {2}},
    {.name = "large",
     .fill = FILL_LARGE,
     .shape = {{3, 1, 3, 4}, {3, 1, 5, 4}, {3, 1, 5, 4}},
     .value = {2}},
    {.name = "special_values",
     .fill = FILL_SPECIAL,
     .filled = 4,
     .shape = {{3, 1, 3, 4}, {3, 1, 5, 4}, {3, 1, 5, 4}},
     .value = {2}},
    {.name = "special",
     .fill = FILL_SPECIAL,
     .shape = {{3, 2, 5, 2}, {3, 2, 5, 2}, {3, 2, 5, 2}},
     .value = {1}},
    {.name = "no_keys",
     .label = GOLDEN_EITHER,
     .shape = {{3, 1, 3, 4}, {3, 1, 0, 4}, {3, 1, 0, 4}},
     .value = {2}},
    {.name = "mask_too_short",
     .label = GOLDEN_INVALID,
     .shape = {{3, 1, 4, 8}, {3, 1, 4, 8}, {3, 1, 4, 8}, {2, 4, 3}},
     .value = {2}},
    {.name = "heads_do_not_divide",
     .label = GOLDEN_INVALID,
     .shape = {{3, 1, 4, 7}, {3, 1, 4, 7}, {3, 1, 4, 7}},
     .value = {2}},
    {.name = "widths_differ",
     .label = GOLDEN_INVALID,
     .shape = {{3, 1, 4, 8}, {3, 1, 4, 6}, {3, 1, 4, 8}},
     .value = {2}},
    {.name = NULL},
};

const GoldenOperator GOLDEN_PRODUCTS[] = {
    {.name = "matmul",
     .like = "torch.matmul",
     .input = {"input", "other"},
     .attribute = {"transpose_other"},
     .run = run_matmul,
     .truth = true_matmul,
     .cases = matmul_cases,
     .source = "nn/matmul.h"},
    {.name = "linear",
     .like = "torch.nn.functional.linear",
     .input = {"input", "weight", "bias"},
     .run = run_linear,
     .truth = true_linear,
     .cases = linear_cases,
     .source = "nn/linear.h"},
    {.name = "conv2d",
     .like = "torch.nn.functional.conv2d",
     .input = {"input", "weight", "bias"},
     .attribute = {"stride", "padding_top", "padding_bottom", "padding_left", "padding_right", "dilation",
                   "groups"},
     .run = run_conv2d,
     .truth = true_conv2d,
     .cases = conv2d_cases,
     .source = "nn/conv2d.h"},
    {.name = "conv_transpose2d",
     .like = "torch.nn.functional.conv_transpose2d",
     .input = {"input", "weight", "bias"},
     .attribute = {"stride", "padding_top", "padding_bottom", "padding_left", "padding_right", "dilation",
                   "groups", "output_padding_bottom", "output_padding_right"},
     .run = run_conv_transpose2d,
     .truth = true_conv_transpose2d,
     .cases = conv_transpose2d_cases,
     .source = "nn/conv_transpose2d.h"},
    {.name = "attention",
     .like = "torch.nn.functional.scaled_dot_product_attention",
     .input = {"query", "key", "value", "attn_mask"},
     .fixed = 8,
     .attribute = {"heads", "is_causal", "scale"},
     .run = run_attention,
     .truth = true_attention,
     .cases = attention_cases,
     .source = "nn/attention.h"},
    {.name = NULL},
};
