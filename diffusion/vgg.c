#include "diffusion/vgg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "nn/activation.h"
#include "nn/concat.h"
#include "nn/conv2d.h"
#include "nn/elementwise.h"
#include "nn/linear.h"
#include "nn/pool.h"
#include "nn/resample.h"
#include "nn/reshape.h"

/* name.N.weight and name.N.bias. */
static Affine load_layer(Weights *w, const char *prefix, const char *name, int number, double deviation,
                         int rank, const int *dim)
{
    char weight[64], bias[64];
    Affine a;
    snprintf(weight, sizeof weight, "%s.%d.weight", name, number);
    snprintf(bias, sizeof bias, "%s.%d.bias", name, number);
    a.weight = weights_tensor(w, prefix, weight, (Init){INIT_NORMAL, deviation}, rank, dim);
    a.bias = weights_tensor(w, prefix, bias, (Init){INIT_ZEROS, 0.0}, 1, dim);
    return a;
}

/* torchvision numbers convolution, ReLU and maximum one after the other. */
static void load_features(Vgg *vgg, Weights *w, const char *prefix)
{
    const VggConfig *c = &vgg->config;
    int in = c->in_channels, number = 0;
    for (int i = 0; i < c->layers; i++) {
        const int out = c->layer[i];
        if (out == 0) {
            number += 1;
            continue;
        }
        vgg->conv[i] = load_layer(w, prefix, "features", number, sqrt(2.0 / (9.0 * in)), 4,
                                  (const int[]){out, in, 3, 3});
        in = out;
        number += 2;
    }
}

/* torchvision numbers linear, ReLU and dropout one after the other. */
static void load_classifier(Vgg *vgg, Weights *w, const char *prefix)
{
    const VggConfig *c = &vgg->config;
    int in = vgg_channels(c) * c->pooled_size * c->pooled_size;
    for (int i = 0; i <= c->hidden_count; i++) {
        const bool last = i == c->hidden_count;
        const int out = last ? vgg_outputs(c) : c->hidden[i];
        if (last && c->noise_levels > 0)
            in += 1;
        vgg->linear[i] = load_layer(w, prefix, "classifier", 3 * i, last ? 0.01 : sqrt(2.0 / in), 2,
                                    (const int[]){out, in});
        in = out;
    }
}

void vgg_load(Vgg *vgg, const VggConfig *config, Weights *w, const char *prefix)
{
    *vgg = (Vgg){.config = *config};
    load_features(vgg, w, prefix);
    if (config->heads > 0)
        load_classifier(vgg, w, prefix);
}

Status vgg_open(Vgg *out, const char *folder, Arena *arena, Error *err)
{
    const char *config_path = path_join(arena, folder, "config.json");
    const char *path = path_join(arena, folder, "model.safetensors");
    if (config_path == NULL || path == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for a file name", folder);
    const Json *json = NULL;
    VggConfig config;
    Vgg vgg;
    Status status = json_read(&json, config_path, arena, err);
    if (status == STATUS_OK)
        status = vgg_config_read(&config, json, config_path, arena, err);
    if (status != STATUS_OK)
        return status;
    Weights weights = {.arena = NULL};
    weights_open(&weights, arena, path);
    vgg_load(&vgg, &config, &weights, "");
    status = weights_finish(&weights, err);
    if (status == STATUS_OK)
        *out = vgg;
    return status;
}

/* ((x + 1) / 2 - mean) / std as (x - (2 mean - 1)) / (2 std). */
static Tensor *normalised(Tape *tape, const VggConfig *c, Tensor *x)
{
    bool plain = true;
    for (int i = 0; i < c->in_channels; i++)
        plain = plain && c->mean[i] == 0.5 && c->std[i] == 0.5;
    if (plain || x == NULL)
        return x;
    const int dim[4] = {1, c->in_channels, 1, 1};
    float *shift = tape_alloc(tape, (size_t)c->in_channels, sizeof *shift);
    float *size = tape_alloc(tape, (size_t)c->in_channels, sizeof *size);
    if (shift == NULL || size == NULL)
        return NULL;
    for (int i = 0; i < c->in_channels; i++) {
        shift[i] = (float)(2.0 * c->mean[i] - 1.0);
        size[i] = (float)(2.0 * c->std[i]);
    }
    Tensor *centred = subtract(tape, x, tape_input(tape, shift, 4, dim, false));
    return divide(tape, centred, tape_input(tape, size, 4, dim, false));
}

/* A run of convolutions, from the maxima before it to its last ReLU. */
typedef struct {
    const Vgg *vgg;
    int first, end, number; /* layers first <= i < end; torchvision's number of the first */
} Stage;

static Tensor *run_stage(Tape *tape, const void *context, Tensor *const *inputs)
{
    const Stage *s = context;
    Tensor *h = inputs[0];
    int number = s->number;
    for (int i = s->first; i < s->end; i++) {
        char name[32];
        const Affine *conv = &s->vgg->conv[i];
        if (s->vgg->config.layer[i] == 0) {
            h = max_pool2d(tape, h, (PoolOptions){.kernel = 2});
            number += 1;
        } else {
            if (i == 0)
                h = normalised(tape, &s->vgg->config, h);
            h = relu(tape, conv2d(tape, h, conv->weight, conv->bias, conv2d_padding(1, 1)));
            number += 2;
        }
        snprintf(name, sizeof name, "features.%d", number - 1);
        tape_named(tape, h, name, "");
    }
    return h;
}

/* All of "features", stage after stage; maxima at the end belong to no stage. */
static Tensor *run_features(Tape *tape, const Vgg *vgg, Tensor *x, VggTaps *taps)
{
    const VggConfig *c = &vgg->config;
    Tensor *h = x;
    for (int first = 0, number = 0; first < c->layers;) {
        int end = first + 1, next = number + (c->layer[first] > 0 ? 2 : 1);
        for (; end < c->layers && c->layer[end] > 0; end++)
            next += 2;
        const Stage stage = {vgg, first, end, number};
        h = tape_segment(tape, run_stage, &stage, sizeof stage, &h, 1);
        if (c->layer[end - 1] > 0)
            taps->stage[taps->stages++] = h;
        first = end;
        number = next;
    }
    return h;
}

/* level / noise_levels as one more column. */
static Tensor *with_level(Tape *tape, const VggConfig *c, Tensor *h, const float *level)
{
    if (h == NULL || c->noise_levels == 0)
        return h;
    const int N = h->dim[0];
    float *share = tape_alloc(tape, (size_t)N, sizeof *share);
    for (int i = 0; share != NULL && i < N; i++)
        share[i] = level[i] / (float)c->noise_levels;
    if (share == NULL)
        return NULL;
    Tensor *const parts[2] = {h, tape_input(tape, share, 2, (const int[]){N, 1}, false)};
    return concat(tape, parts, 2, 1);
}

static Tensor *run_classifier(Tape *tape, const Vgg *vgg, const float *level, VggTaps *taps)
{
    const VggConfig *c = &vgg->config;
    Tensor *h = taps->map;
    if (h == NULL)
        return NULL;
    const int p = c->pooled_size;
    if (h->dim[2] != p || h->dim[3] != p)
        h = adaptive_average_pool(tape, h, p, p);
    if (h == NULL)
        return NULL;
    h = reshape(tape, h, 2, (const int[]){h->dim[0], h->dim[1] * p * p});
    taps->pooled = tape_named(tape, h, "avgpool", "");
    for (int i = 0; i < c->hidden_count; i++) {
        char name[32];
        h = linear(tape, h, vgg->linear[i].weight, vgg->linear[i].bias);
        if (c->hidden_relu)
            h = relu(tape, h);
        snprintf(name, sizeof name, "classifier.%d", 3 * i + (c->hidden_relu ? 1 : 0));
        taps->hidden[i] = tape_named(tape, h, name, "");
    }
    const Affine *last = &vgg->linear[c->hidden_count];
    h = linear(tape, with_level(tape, c, h, level), last->weight, last->bias);
    return tape_named(tape, h, "logits", "");
}

static bool fits(Tape *tape, const VggConfig *c, const Tensor *x, const float *level)
{
    char got[64];
    if (x == NULL || tape->error.status != STATUS_OK)
        return false;
    if (x->rank != 4 || x->dim[1] != c->in_channels || x->dim[0] < 1)
        tape_fail(tape, STATUS_SHAPE, "picture of shape %s, the VGG expects (N,%d,H,W)",
                  tensor_shape_text(x, got), c->in_channels);
    else if ((level != NULL) != (c->heads > 0 && c->noise_levels > 0))
        tape_fail(tape, STATUS_ARGUMENT, "this VGG %s noise level of each picture",
                  level == NULL ? "wants the" : "takes no");
    return tape->error.status == STATUS_OK;
}

static Tensor *run_all(Tape *tape, const Vgg *vgg, Tensor *x, const float *level, VggTaps *taps)
{
    *taps = (VggTaps){.stages = 0};
    if (!fits(tape, &vgg->config, x, level))
        return NULL;
    taps->map = run_features(tape, vgg, x, taps);
    if (vgg->config.heads == 0)
        return taps->map;
    taps->logits = run_classifier(tape, vgg, level, taps);
    return taps->logits;
}

typedef struct {
    const Vgg *vgg;
    const float *level;
} Whole;

static Tensor *run_whole(Tape *tape, const void *context, Tensor *const *inputs)
{
    const Whole *whole = context;
    VggTaps taps;
    return run_all(tape, whole->vgg, inputs[0], whole->level, &taps);
}

Tensor *vgg(Tape *tape, const Vgg *vgg, Tensor *x, const float *level, VggTaps *taps)
{
    VggTaps none;
    const Whole whole = {vgg, level};
    if (taps == NULL && !tape->recording && !tape->tracing)
        return tape_segment(tape, run_whole, &whole, sizeof whole, &x, 1);
    return run_all(tape, vgg, x, level, taps != NULL ? taps : &none);
}

Tensor *vgg_head_logits(Tape *tape, const Vgg *vgg, Tensor *logits, int head)
{
    return slice(tape, logits, 1, vgg_head_start(&vgg->config, head), vgg->config.head[head].outputs);
}

int vgg_best(const VggConfig *config, int head, const float *logits)
{
    const float *x = logits + vgg_head_start(config, head);
    int best = 0;
    for (int i = 1; i < config->head[head].outputs; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

/* The number behind `word`, from 1 to count; 0 when name is another word. */
static int numbered(const char *name, const char *word, int count)
{
    char text[32];
    for (int i = 1; i <= count; i++) {
        snprintf(text, sizeof text, "%s%d", word, i);
        if (strcmp(name, text) == 0)
            return i;
    }
    return 0;
}

Tensor *vgg_tap(const VggTaps *taps, const char *name)
{
    const int stage = numbered(name, "stage", taps->stages), hidden = numbered(name, "hidden", VGG_HIDDEN);
    if (stage > 0)
        return taps->stage[stage - 1];
    if (hidden > 0)
        return taps->hidden[hidden - 1];
    if (strcmp(name, "map") == 0)
        return taps->map;
    if (strcmp(name, "pooled") == 0)
        return taps->pooled;
    return strcmp(name, "logits") == 0 ? taps->logits : NULL;
}
