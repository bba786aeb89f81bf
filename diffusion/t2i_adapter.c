#include "diffusion/t2i_adapter.h"

#include "diffusion/layer_name.h"
#include "diffusion/res_unit.h"
#include "nn/activation.h"
#include "nn/concat.h"
#include "nn/elementwise.h"
#include "nn/pool.h"
#include "nn/reshape.h"

/* ---- loading ---- */

enum { LIGHT_SHARE = 4 }; /* the light type works in a quarter of the channels */

static void resnets_load(AdapterBlock *b, Weights *w, const char *prefix, int count, int channels,
                         int last_kernel)
{
    char child[WEIGHTS_NAME];
    b->resnets = count;
    b->resnet = layer_array(w, count, sizeof *b->resnet);
    for (int i = 0; b->resnet != NULL && i < count; i++) {
        weights_child(child, prefix, "resnets.%d", i);
        b->resnet[i].conv1 = weights_conv2d(w, child, "block1", channels, channels, 3);
        b->resnet[i].conv2 = weights_conv2d(w, child, "block2", channels, channels, last_kernel);
    }
}

/* Block i of the light type: from the picture's channels, or from those of the feature before. */
static void light_block_load(AdapterBlock *b, Weights *w, const char *prefix, const AdapterConfig *c, int i,
                             int in)
{
    const int out = c->channels[i < c->levels ? i : c->levels - 1], inner = out / LIGHT_SHARE;
    b->halves = i > 0;
    b->in_conv = weights_conv2d(w, prefix, "in_conv", inner, in, 1);
    resnets_load(b, w, prefix, c->num_res_blocks, inner, 3);
    b->out_conv = weights_conv2d(w, prefix, "out_conv", out, inner, 1);
}

static void full_block_load(AdapterBlock *b, Weights *w, const char *prefix, const AdapterConfig *c, int i)
{
    const int out = c->channels[i], in = c->channels[i > 0 ? i - 1 : 0];
    b->halves = c->type == ADAPTER_FULL_XL ? i == 2 : i > 0;
    if (in != out)
        b->in_conv = weights_conv2d(w, prefix, "in_conv", out, in, 1);
    resnets_load(b, w, prefix, c->num_res_blocks, out, 1);
}

void t2i_adapter_load(T2iAdapter *a, const AdapterConfig *config, Weights *w, const char *prefix)
{
    char own[WEIGHTS_NAME], child[WEIGHTS_NAME];
    const AdapterConfig *c = config;
    const int blocks = t2i_adapter_features(c), f = c->downscale_factor,
              unshuffled = c->in_channels * f * f;
    *a = (T2iAdapter){.config = *c};
    weights_child(own, prefix, "adapter");
    if (c->type != ADAPTER_LIGHT)
        a->conv_in = weights_conv2d(w, own, "conv_in", c->channels[0], unshuffled, 3);
    a->block = layer_array(w, blocks, sizeof *a->block);
    for (int i = 0; a->block != NULL && i < blocks; i++) {
        weights_child(child, own, "body.%d", i);
        if (c->type == ADAPTER_LIGHT)
            light_block_load(&a->block[i], w, child, c, i, i > 0 ? c->channels[i - 1] : unshuffled);
        else
            full_block_load(&a->block[i], w, child, c, i);
    }
}

/* ---- running ---- */

/* (N,C,fH,fW) to (N,C*f*f,H,W), channel c*f*f + dy*f + dx; torch.nn.PixelUnshuffle. */
static Tensor *pixel_unshuffle(Tape *tape, Tensor *x, int f)
{
    const int N = x->dim[0], C = x->dim[1], H = x->dim[2] / f, W = x->dim[3] / f;
    const int *const swap = (const int[]){0, 2, 1, 3};
    /* row (n,c,y,dy) of W f-tuples: first dx before the tuple's place, then (dy,dx) before y */
    x = permute(tape, reshape(tape, x, 4, (const int[]){N * C * H, f, W, f}), (const int[]){0, 1, 3, 2});
    x = permute(tape, reshape(tape, x, 4, (const int[]){N * C, H, f * f, W}), swap);
    return reshape(tape, x, 4, (const int[]){N, C * f * f, H, W});
}

static Tensor *conv(Tape *tape, const Affine *layer, Tensor *x)
{
    if (x == NULL)
        return NULL;
    return conv2d(tape, x, layer->weight, layer->bias, conv2d_padding(1, layer->weight->dim[2] / 2));
}

static Tensor *run_block(Tape *tape, const void *context, Tensor *const *inputs)
{
    const AdapterBlock *b = *(const AdapterBlock *const *)context;
    Tensor *x = inputs[0];
    if (b->halves)
        x = average_pool2d(tape, x, (PoolOptions){.kernel = 2, .stride = 2, .ceil_mode = true});
    if (b->in_conv.weight != NULL)
        x = conv(tape, &b->in_conv, x);
    for (int i = 0; i < b->resnets; i++) {
        Tensor *h = conv(tape, &b->resnet[i].conv2, relu(tape, conv(tape, &b->resnet[i].conv1, x)));
        x = add(tape, h, x);
    }
    return b->out_conv.weight != NULL ? conv(tape, &b->out_conv, x) : x;
}

static Tensor *run_start(Tape *tape, const void *context, Tensor *const *inputs)
{
    const T2iAdapter *a = *(const T2iAdapter *const *)context;
    Tensor *x = pixel_unshuffle(tape, inputs[0], a->config.downscale_factor);
    return a->conv_in.weight != NULL ? conv(tape, &a->conv_in, x) : x;
}

static bool picture_fits(Tape *tape, const AdapterConfig *c, const Tensor *x)
{
    char got[64];
    const int f = c->downscale_factor;
    if (x == NULL || tape->error.status != STATUS_OK)
        return false;
    if (x->rank != 4 || x->dim[0] < 1 || x->dim[1] != c->in_channels || x->dim[2] < 1 || x->dim[3] < 1 ||
        x->dim[2] % f != 0 || x->dim[3] % f != 0)
        tape_fail(tape, STATUS_SHAPE,
                  "condition of shape %s, the adapter expects (N,%d,H,W) with sides that %d divides",
                  tensor_shape_text(x, got), c->in_channels, f);
    return tape->error.status == STATUS_OK;
}

bool t2i_adapter(AdapterFeatures *out, Tape *tape, const T2iAdapter *a, Tensor *picture)
{
    AdapterFeatures f = {.count = t2i_adapter_features(&a->config)};
    if (!picture_fits(tape, &a->config, picture))
        return false;
    Tensor *x = run_giving_back(tape, run_start, &a, sizeof a, &picture, 1);
    for (int i = 0; i < f.count && x != NULL; i++) {
        const AdapterBlock *block = &a->block[i];
        x = run_giving_back(tape, run_block, &block, sizeof block, &x, 1);
        f.feature[i] = x;
    }
    if (tape->error.status == STATUS_OK)
        *out = f;
    return tape->error.status == STATUS_OK;
}

bool adapter_features_add(AdapterFeatures *sum, Tape *tape, const AdapterFeatures *more, float weight)
{
    AdapterFeatures f = {.count = more->count};
    char first[64], second[64];
    if (tape->error.status == STATUS_OK && sum->count != 0 && sum->count != more->count)
        tape_fail(tape, STATUS_SHAPE, "adapters of %d and of %d features for one U-Net", sum->count,
                  more->count);
    for (int i = 0; i < f.count && tape->error.status == STATUS_OK; i++) {
        f.feature[i] = scale(tape, more->feature[i], weight);
        if (sum->count != 0 && !tensor_same_shape(sum->feature[i], more->feature[i]))
            tape_fail(tape, STATUS_SHAPE, "features %d of two adapters are %s and %s", i,
                      tensor_shape_text(sum->feature[i], first),
                      tensor_shape_text(more->feature[i], second));
        else if (sum->count != 0)
            f.feature[i] = add(tape, sum->feature[i], f.feature[i]);
    }
    if (tape->error.status == STATUS_OK)
        *sum = f;
    return tape->error.status == STATUS_OK;
}

bool adapter_features_repeat(AdapterFeatures *f, Tape *tape, int times)
{
    Tensor **parts = tape_alloc(tape, (size_t)times, sizeof *parts);
    for (int i = 0; i < f->count && parts != NULL; i++) {
        for (int k = 0; k < times; k++)
            parts[k] = f->feature[i];
        f->feature[i] = concat(tape, parts, times, 0);
    }
    return tape->error.status == STATUS_OK;
}

void adapter_features_hook(UnetHooks *hooks, const AdapterFeatures *f)
{
    hooks->adapter_features = f->feature;
    hooks->adapter_count = f->count;
}
