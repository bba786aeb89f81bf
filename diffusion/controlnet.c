#include "diffusion/controlnet.h"

#include <string.h>

#include "base/elementary64.h"
#include "diffusion/layer_name.h"
#include "nn/activation.h"
#include "nn/concat.h"
#include "nn/elementwise.h"
#include "nn/reduce.h"
#include "nn/reshape.h"

/* ---- loading ---- */

/* A convolution that starts at zero ([Zha23], section 3.1; diffusers' zero_module). */
static Affine zero_conv(Weights *w, const char *prefix, const char *name, int out, int in, int kernel)
{
    char own[WEIGHTS_NAME];
    const Init zeros = {INIT_ZEROS, 0.0};
    weights_child(own, prefix, "%s", name);
    return (Affine){.weight =
                        weights_tensor(w, own, "weight", zeros, 4, (const int[]){out, in, kernel, kernel}),
                    .bias = weights_tensor(w, own, "bias", zeros, 1, &out)};
}

static void load_condition(ControlNet *net, Weights *w, const char *prefix)
{
    char own[WEIGHTS_NAME], name[WEIGHTS_NAME];
    const ControlNetConfig *c = &net->config;
    const int *channels = c->embedding_channels, last = c->embedding_levels - 1;
    weights_child(own, prefix, "controlnet_cond_embedding");
    net->cond_in = weights_conv2d(w, own, "conv_in", channels[0], c->conditioning_channels, 3);
    net->cond_block = layer_array(w, 2 * last, sizeof *net->cond_block);
    for (int i = 0; net->cond_block != NULL && i < 2 * last; i++)
        net->cond_block[i] = weights_conv2d(w, own, weights_child(name, "blocks", "%d", i),
                                            channels[(i + 1) / 2], channels[i / 2], 3);
    net->cond_out = zero_conv(w, own, "conv_out", c->unet.level[0].channels, channels[last], 3);
}

/* A 1x1 convolution for each skip connection, with its channels, in the order in which they are made. */
static void load_zeros(ControlNet *net, Weights *w, const char *prefix)
{
    char name[WEIGHTS_NAME];
    const UnetConfig *c = &net->config.unet;
    const int last = c->level[c->levels - 1].channels;
    net->zero = layer_array(w, controlnet_residuals(&net->config), sizeof *net->zero);
    int made = 0;
    for (int i = 0; net->zero != NULL && i < c->levels; i++) {
        const int C = c->level[i].channels, down = i < c->levels - 1;
        const int count = (i == 0) + c->level[i].layers + down; /* level 0 begins with conv_in's */
        for (int k = 0; k < count; k++, made++)
            net->zero[made] =
                zero_conv(w, prefix, weights_child(name, "controlnet_down_blocks", "%d", made), C, C, 1);
    }
    net->zero_mid = zero_conv(w, prefix, "controlnet_mid_block", last, last, 1);
}

void controlnet_load(ControlNet *net, const ControlNetConfig *config, Weights *w, const char *prefix)
{
    *net = (ControlNet){.config = *config};
    unet_encoder_load(&net->encoder, &config->unet, w, prefix);
    load_condition(net, w, prefix);
    load_zeros(net, w, prefix);
}

/* ---- running ---- */

static Tensor *conv3(Tape *tape, const Affine *layer, int stride, Tensor *x)
{
    return conv2d(tape, x, layer->weight, layer->bias, conv2d_padding(stride, 1));
}

/* The picture's channels last to first. */
static Tensor *reversed_channels(Tape *tape, Tensor *x)
{
    Tensor **channel = tape_alloc(tape, (size_t)x->dim[1], sizeof *channel);
    if (channel == NULL)
        return NULL;
    for (int c = 0; c < x->dim[1]; c++)
        channel[x->dim[1] - 1 - c] = slice(tape, x, 1, c, 1);
    return concat(tape, channel, x->dim[1], 1);
}

static Tensor *run_condition(Tape *tape, const void *context, Tensor *const *inputs)
{
    const ControlNet *net = *(const ControlNet *const *)context;
    Tensor *x = net->config.bgr ? reversed_channels(tape, inputs[0]) : inputs[0];
    x = silu(tape, conv3(tape, &net->cond_in, 1, x));
    for (int i = 0; i < 2 * (net->config.embedding_levels - 1); i++)
        x = silu(tape, conv3(tape, &net->cond_block[i], 1 + i % 2, x));
    return tape_named(tape, conv3(tape, &net->cond_out, 1, x), "controlnet_cond_embedding", "");
}

Tensor *controlnet_condition(Tape *tape, const ControlNet *net, Tensor *picture)
{
    char got[64];
    const int channels = net->config.conditioning_channels;
    if (picture == NULL)
        return NULL;
    if (picture->rank != 4 || picture->dim[0] < 1 || picture->dim[1] != channels || picture->dim[2] < 1 ||
        picture->dim[3] < 1)
        return tape_fail(tape, STATUS_SHAPE, "condition of shape %s, the ControlNet expects (N,%d,H,W)",
                         tensor_shape_text(picture, got), channels);
    return run_giving_back(tape, run_condition, &net, sizeof net, &picture, 1);
}

/* One condition for all samples, or one each, as large as the latent. */
static bool condition_fits(Tape *tape, const ControlNet *net, const Tensor *x, const Tensor *c)
{
    char want[64], got[64];
    if (x == NULL || c == NULL || tape->error.status != STATUS_OK)
        return false;
    if (c->rank != 4 || (c->dim[0] != 1 && c->dim[0] != x->dim[0]) ||
        c->dim[1] != net->config.unet.level[0].channels || c->dim[2] != x->dim[2] || c->dim[3] != x->dim[3])
        tape_fail(tape, STATUS_SHAPE,
                  "condition of shape %s for a latent %s: its picture has to be %d times as wide "
                  "and high as the latent",
                  tensor_shape_text(c, got), tensor_shape_text(x, want), controlnet_factor(&net->config));
    return tape->error.status == STATUS_OK;
}

/* x's mean over its pixels, at every pixel. */
static Tensor *pooled(Tape *tape, Tensor *x)
{
    if (x == NULL)
        return NULL;
    const int N = x->dim[0], C = x->dim[1], pixels = x->dim[2] * x->dim[3];
    float *zeros = tape_alloc(tape, tensor_count(x), sizeof *zeros);
    if (zeros == NULL)
        return NULL;
    memset(zeros, 0, tensor_count(x) * sizeof *zeros);
    Tensor *mean = mean_axis(tape, reshape(tape, x, 3, (const int[]){N, C, pixels}), 2);
    mean = reshape(tape, mean, 4, (const int[]){N, C, 1, 1});
    return add(tape, tape_input(tape, zeros, 4, x->dim, false), mean);
}

/* g of residual i of `count`, the middle's being the last: torch.logspace(-1, 0, count) in guess mode. */
static float gain(const ControlNet *net, ControlOptions options, int i, int count)
{
    if (!options.guess_mode || net->config.global_pool_conditions)
        return options.scale;
    const float share = (float)pow_f64(10.0, (double)i / (double)(count - 1) - 1.0);
    return share * options.scale;
}

static Tensor *residual(Tape *tape, const ControlNet *net, const Affine *zero, Tensor *x, float gain)
{
    Tensor *r = conv2d(tape, x, zero->weight, zero->bias, conv2d_padding(1, 0));
    r = scale(tape, r, gain);
    return net->config.global_pool_conditions ? pooled(tape, r) : r;
}

bool controlnet(ControlResiduals *out, Tape *tape, const ControlNet *net, Tensor *x, const float *timesteps,
                Tensor *text, Tensor *condition, ControlOptions options)
{
    const int count = controlnet_residuals(&net->config);
    UnetEncoding e;
    if (!condition_fits(tape, net, x, condition) ||
        !unet_encode(&e, tape, &net->encoder, x, timesteps, text, condition, NULL))
        return false;
    ControlResiduals r = {.down = tape_alloc(tape, (size_t)count, sizeof *r.down), .count = count};
    if (r.down == NULL)
        return false;
    for (int i = 0; i < count; i++)
        r.down[i] = residual(tape, net, &net->zero[i], e.skip[i], gain(net, options, i, count + 1));
    r.mid = residual(tape, net, &net->zero_mid, e.mid, gain(net, options, count, count + 1));
    if (tape->error.status == STATUS_OK)
        *out = r;
    return tape->error.status == STATUS_OK;
}

/* a + b of one shape, not merely of shapes that broadcast. */
static Tensor *added(Tape *tape, Tensor *a, Tensor *b)
{
    char first[64], second[64];
    if (a != NULL && b != NULL && !tensor_same_shape(a, b))
        return tape_fail(tape, STATUS_SHAPE, "residuals %s and %s of two ControlNets in one place",
                         tensor_shape_text(a, first), tensor_shape_text(b, second));
    return add(tape, a, b);
}

bool control_residuals_add(ControlResiduals *sum, Tape *tape, const ControlResiduals *more)
{
    if (tape->error.status != STATUS_OK || sum->count == 0) {
        *sum = tape->error.status == STATUS_OK ? *more : *sum;
        return tape->error.status == STATUS_OK;
    }
    if (sum->count != more->count) {
        tape_fail(tape, STATUS_SHAPE, "ControlNets of %d and of %d residuals for one U-Net", sum->count,
                  more->count);
        return false;
    }
    for (int i = 0; i < sum->count; i++)
        sum->down[i] = added(tape, sum->down[i], more->down[i]);
    sum->mid = added(tape, sum->mid, more->mid);
    return tape->error.status == STATUS_OK;
}

void control_residuals_hook(UnetHooks *hooks, const ControlResiduals *r)
{
    hooks->down_residuals = r->down;
    hooks->down_residual_count = r->count;
    hooks->mid_residual = r->mid;
}
