/* cli/golden_operators.c - operators, forward and backward (see golden_items.h). */
#include "cli/golden_items.h"
#include "nn/activation.h"
#include "nn/attention.h"
#include "nn/concat.h"
#include "nn/conv2d.h"
#include "nn/conv_transpose2d.h"
#include "nn/elementwise.h"
#include "nn/geglu.h"
#include "nn/group_norm.h"
#include "nn/layer_norm.h"
#include "nn/linear.h"
#include "nn/losses.h"
#include "nn/matmul.h"
#include "nn/pool.h"
#include "nn/reduce.h"
#include "nn/resample.h"
#include "nn/reshape.h"
#include "nn/softmax.h"

/* A tape over the item's arena; gradients go there too. */
static Tape tape_of(Arena *arena)
{
    return (Tape){.arena = arena, .gradients = arena + 1, .recording = true};
}

#define SHAPE(...) ((const int[]){__VA_ARGS__})

static Status products(Sha256 *hash, Arena *arena, Error *err)
{
    Tape t = tape_of(arena);
    Tensor *a = golden_input(&t, 1, 3, SHAPE(2, 33, 300)), *b = golden_input(&t, 2, 3, SHAPE(2, 300, 45));
    Tensor *w = golden_input(&t, 3, 2, SHAPE(50, 45)), *bias = golden_input(&t, 4, 1, SHAPE(50));
    Tensor *y = linear(&t, matmul(&t, a, b, false), w, bias);
    return golden_add_gradients(hash, &t, y, (Tensor *[]){a, b, w, bias}, 4, err);
}

static Status convolution(Sha256 *hash, Arena *arena, const int *x_dim, const int *w_dim,
                          Conv2dOptions options, Error *err)
{
    Tape t = tape_of(arena);
    Tensor *x = golden_input(&t, 5, 4, x_dim), *w = golden_input(&t, 6, 4, w_dim),
           *b = golden_input(&t, 7, 1, w_dim);
    return golden_add_gradients(hash, &t, conv2d(&t, x, w, b, options), (Tensor *[]){x, w, b}, 3, err);
}

static Status convolutions(Sha256 *hash, Arena *arena, Error *err)
{
    const Conv2dOptions down = {.stride = 2, .pad_bottom = 1, .pad_right = 1};
    const Conv2dOptions odd = {.stride = 1, .pad_top = 2, .pad_left = 1, .dilation = 2, .groups = 2};
    Status status =
        convolution(hash, arena, SHAPE(2, 32, 16, 16), SHAPE(24, 32, 3, 3), conv2d_padding(1, 1), err);
    if (status == STATUS_OK)
        status = convolution(hash, arena, SHAPE(3, 20, 13, 17), SHAPE(25, 20, 3, 3), down, err);
    if (status == STATUS_OK)
        status = convolution(hash, arena, SHAPE(1, 6, 9, 10), SHAPE(4, 3, 3, 2), odd, err);
    if (status == STATUS_OK)
        status =
            convolution(hash, arena, SHAPE(2, 40, 8, 8), SHAPE(33, 40, 1, 1), conv2d_padding(1, 0), err);
    if (status == STATUS_OK) /* as many samples as a training step has */
        status = convolution(hash, arena, SHAPE(18, 5, 4, 4), SHAPE(6, 5, 3, 3), conv2d_padding(1, 1), err);
    return status;
}

static Status transposed(Sha256 *hash, Arena *arena, Error *err)
{
    Tape t = tape_of(arena);
    const ConvTranspose2dOptions options = {.conv = conv2d_padding(2, 1)};
    Tensor *x = golden_input(&t, 8, 4, SHAPE(2, 6, 5, 4)), *w = golden_input(&t, 9, 4, SHAPE(6, 7, 4, 4));
    return golden_add_gradients(hash, &t, conv_transpose2d(&t, x, w, NULL, options), (Tensor *[]){x, w}, 2,
                                err);
}

static Status attentions(Sha256 *hash, Arena *arena, Error *err)
{
    Status status = STATUS_OK;
    for (int causal = 0; causal < 2 && status == STATUS_OK; causal++) {
        Tape t = tape_of(arena);
        const int keys = causal ? 70 : 300;
        Tensor *q = golden_input(&t, 10, 3, SHAPE(2, 70, 48)),
               *k = golden_input(&t, 11, 3, SHAPE(2, keys, 48));
        Tensor *v = golden_input(&t, 12, 3, SHAPE(2, keys, 48));
        const AttentionOptions options = {.heads = 4, .causal = causal};
        status =
            golden_add_gradients(hash, &t, attention(&t, q, k, v, options), (Tensor *[]){q, k, v}, 3, err);
    }
    return status;
}

static Status norms(Sha256 *hash, Arena *arena, Error *err)
{
    Tape t = tape_of(arena);
    Tensor *x = golden_input(&t, 13, 4, SHAPE(3, 12, 5, 7)), *g = golden_input(&t, 14, 1, SHAPE(12));
    Tensor *b = golden_input(&t, 15, 1, SHAPE(12)), *h = golden_input(&t, 16, 1, SHAPE(7));
    Tensor *y = layer_norm(&t, group_norm(&t, x, g, b, 4, 1e-5f), h, h, 1e-5f);
    return golden_add_gradients(hash, &t, y, (Tensor *[]){x, g, b, h}, 4, err);
}

static Status activations(Sha256 *hash, Arena *arena, Error *err)
{
    Status status = STATUS_OK;
    for (int kind = ACTIVATION_SILU; kind <= ACTIVATION_TANH && status == STATUS_OK; kind++) {
        Tape t = tape_of(arena);
        Tensor *x = golden_input(&t, 17, 2, SHAPE(5, 64));
        Tensor *y = softmax(&t, geglu(&t, activate(&t, x, (Activation)kind)));
        status = golden_add_gradients(hash, &t, y, &x, 1, err);
    }
    return status;
}

static Status elementwise_steps(Sha256 *hash, Arena *arena, Error *err)
{
    Tape t = tape_of(arena);
    Tensor *a = golden_input(&t, 18, 4, SHAPE(2, 6, 4, 5)), *b = golden_input(&t, 19, 4, SHAPE(2, 6, 1, 1));
    Tensor *c = golden_input(&t, 20, 1, SHAPE(5));
    Tensor *over = multiply(&t, add(&t, a, b), c), *under = add_scalar(&t, power2(&t, a), 1.0f);
    Tensor *y = exponential(&t, clamp(&t, divide(&t, over, under), -2.0f, 2.0f));
    y = subtract(&t, y, absolute(&t, b));
    y = square_root(&t, add_scalar(&t, absolute(&t, y), 1.0f));
    return golden_add_gradients(hash, &t, logarithm(&t, y), (Tensor *[]){a, b, c}, 3, err);
}

static Status shapes(Sha256 *hash, Arena *arena, Error *err)
{
    Tape t = tape_of(arena);
    Tensor *x = golden_input(&t, 21, 4, SHAPE(2, 6, 4, 6));
    Tensor *up = bilinear(&t, nearest(&t, x, 8, 12), 5, 7), *parts[2] = {up, slice(&t, up, 1, 2, 3)};
    Tensor *y = permute(&t, concat(&t, parts, 2, 1), SHAPE(0, 2, 3, 1));
    y = adaptive_average_pool(&t, y, 3, 4);
    return golden_add_gradients(hash, &t, mean_axis(&t, y, 2), &x, 1, err);
}

static Status loss_functions(Sha256 *hash, Arena *arena, Error *err)
{
    Tape t = tape_of(arena);
    static const int labels[3] = {4, 0, 2};
    Tensor *x = golden_input(&t, 22, 2, SHAPE(3, 5)), *z = golden_input(&t, 23, 2, SHAPE(3, 5));
    Tensor *scale_of = golden_input(&t, 24, 1, SHAPE(1));
    Tensor *y = mse_loss(&t, x, z);
    y = add(&t, y, cross_entropy(&t, x, labels));
    y = add(&t, y, gaussian_kl(&t, x, z));
    y = add(&t, y, contrastive_loss(&t, x, z, scale_of));
    return golden_add_gradients(hash, &t, y, (Tensor *[]){x, z, scale_of}, 3, err);
}

const GoldenItem GOLDEN_OPERATORS[] = {
    {"nn.products", products, "nn/matmul.c, nn/linear.c, nn/gemm*.c"},
    {"nn.conv2d", convolutions, "nn/conv2d*.c, nn/gemm*.c"},
    {"nn.conv_transpose2d", transposed, "nn/conv_transpose2d.c, nn/conv2d*.c"},
    {"nn.attention", attentions, "nn/attention*.c, nn/softmax*.c, nn/gemm*.c"},
    {"nn.norms", norms, "nn/group_norm.c, nn/layer_norm.c, nn/batch_norm.c, nn/norm*.c"},
    {"nn.activations", activations, "nn/activation*.c, nn/geglu.c"},
    {"nn.elementwise", elementwise_steps, "nn/elementwise*.c, nn/broadcast.c"},
    {"nn.shapes", shapes,
     "nn/reshape.c, nn/permute.c, nn/concat.c, nn/resample*.c, nn/*pool.c, nn/embedding.c"},
    {"nn.losses", loss_functions, "nn/losses.c, nn/cross_entropy.c, nn/contrastive.c, nn/softmax*.c"},
    {NULL, NULL, NULL},
};
