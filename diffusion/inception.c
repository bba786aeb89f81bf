#include "diffusion/inception.h"

#include <math.h>

#include "nn/activation.h"
#include "nn/batch_norm.h"
#include "nn/concat.h"
#include "nn/conv2d.h"
#include "nn/linear.h"
#include "nn/pool.h"
#include "nn/reduce.h"
#include "nn/reshape.h"

static const float EPS = 0.001f;

/* Blocks whose means over positions are features. */
enum { AFTER_FIRST = 3, AFTER_SECOND = 6, AFTER_6E = 14, AFTER_7C = 17 };

static bool is_convolution(const InceptionRow *row)
{
    return row->kind == ROW_CONV || row->kind == ROW_VALID;
}

/* ---- parameters ---- */

static Tensor *channel_numbers(Weights *w, const char *prefix, const char *name, InitKind init,
                               int channels)
{
    const bool trainable = w->trainable;
    w->trainable = trainable && (name[0] == 'w' || name[0] == 'b'); /* not the statistics */
    Tensor *x = weights_tensor(w, prefix, name, (Init){init, 0.0}, 1, &channels);
    w->trainable = trainable;
    return x;
}

static void load_convolution(InceptionConvolution *c, Weights *w, const char *prefix,
                             const InceptionRow *row, int out, int in)
{
    char text[WEIGHTS_NAME];
    const char *own = row->name[0] != '\0' ? weights_child(text, prefix, "%s", row->name) : prefix;
    char norm[WEIGHTS_NAME];
    weights_child(norm, own, "bn");
    const double fan_in = (double)in * row->kh * row->kw;
    const Init init = {INIT_NORMAL, sqrt(2.0 / fan_in)}; /* [He15]: keeps the size of what a ReLU follows */
    c->weight = weights_tensor(w, own, "conv.weight", init, 4, (const int[]){out, in, row->kh, row->kw});
    c->gamma = channel_numbers(w, norm, "weight", INIT_ONES, out);
    c->beta = channel_numbers(w, norm, "bias", INIT_ZEROS, out);
    c->mean = channel_numbers(w, norm, "running_mean", INIT_ZEROS, out);
    c->variance = channel_numbers(w, norm, "running_var", INIT_ONES, out);
    weights_ignore(w, norm, "num_batches_tracked");
}

/* The rows' convolutions and the channels that come out, from `in`. */
static int load_block(InceptionConvolution **next, Weights *w, const char *prefix,
                      const InceptionBlock *block, int in)
{
    char text[WEIGHTS_NAME];
    const char *own = weights_child(text, prefix, "%s", block->name);
    int out = 0, taken = in, made = in;
    for (const InceptionRow *row = block->row; row->kind != ROW_END; row++) {
        taken = row->from == FROM_INPUT ? in : row->from == FROM_LAST ? made : taken;
        made = is_convolution(row) ? inception_width(block, row) : taken;
        if (is_convolution(row))
            load_convolution((*next)++, w, own, row, made, taken);
        out += row->ends ? made : 0;
    }
    return out;
}

void inception_load(Inception *out, Weights *w, const char *prefix)
{
    InceptionConvolution *next = out->conv;
    int channels = 3;
    for (int i = 0; i < INCEPTION_BLOCKS; i++)
        channels = load_block(&next, w, prefix, &INCEPTION[i], channels);
    out->fc = weights_linear(w, prefix, "fc", INCEPTION_CLASSES, channels);
}

Status inception_open(Inception *out, const char *path, Arena *arena, Error *err)
{
    Weights w = {.arena = NULL};
    Inception net;
    weights_open(&w, arena, path);
    inception_load(&net, &w, "");
    const Status status = weights_finish(&w, err);
    if (status == STATUS_OK)
        *out = net;
    return status;
}

/* ---- running ---- */

typedef struct {
    const InceptionBlock *block;
    const InceptionConvolution *conv; /* of its first row that is one */
} BlockTask;

static Tensor *convolve(Tape *tape, const InceptionConvolution *c, const InceptionRow *row, Tensor *x)
{
    const int down = row->kind == ROW_CONV ? row->kh / 2 : 0,
              right = row->kind == ROW_CONV ? row->kw / 2 : 0;
    const Conv2dOptions options = {
        .stride = row->stride, .pad_top = down, .pad_bottom = down, .pad_left = right, .pad_right = right};
    Tensor *h = conv2d(tape, x, c->weight, NULL, options);
    return relu(tape, batch_norm(tape, h, c->gamma, c->beta, c->mean, c->variance, EPS));
}

static Tensor *run_row(Tape *tape, const BlockTask *t, const InceptionConvolution *c,
                       const InceptionRow *row, Tensor *x)
{
    if (is_convolution(row))
        return convolve(tape, c, row, x);
    if (row->kind == ROW_MAXIMA)
        return max_pool2d(tape, x, (PoolOptions){.kernel = 3, .stride = 2});
    const PoolOptions window = {.kernel = 3, .stride = 1, .pad = 1};
    return t->block->pool == POOL_MAXIMA ? max_pool2d(tape, x, window) : average_pool2d(tape, x, window);
}

static Tensor *run_block(Tape *tape, const void *context, Tensor *const *inputs)
{
    const BlockTask *t = context;
    const InceptionConvolution *c = t->conv;
    Tensor *part[INCEPTION_PARTS], *taken = inputs[0], *made = inputs[0];
    int parts = 0;
    for (const InceptionRow *row = t->block->row; row->kind != ROW_END; row++) {
        taken = row->from == FROM_INPUT ? inputs[0] : row->from == FROM_LAST ? made : taken;
        made = run_row(tape, t, c, row, taken);
        c += is_convolution(row);
        if (row->ends)
            part[parts++] = made;
    }
    return parts == 1 ? part[0] : concat(tape, part, parts, 1);
}

static int convolutions(const InceptionBlock *block)
{
    int n = 0;
    for (const InceptionRow *row = block->row; row->kind != ROW_END; row++)
        n += is_convolution(row);
    return n;
}

/* Means over positions: (N,C). */
static Tensor *means(Tape *tape, Tensor *x)
{
    if (x == NULL)
        return NULL;
    Tensor *rows = reshape(tape, x, 3, (const int[]){x->dim[0], x->dim[1], x->dim[2] * x->dim[3]});
    Tensor *mean = mean_axis(tape, rows, 2);
    return mean != NULL ? reshape(tape, mean, 2, (const int[]){x->dim[0], x->dim[1]}) : NULL;
}

void inception(InceptionTaps *taps, Tape *tape, const Inception *net, Tensor *x)
{
    const InceptionConvolution *c = net->conv;
    int features = 0;
    *taps = (InceptionTaps){.logits = NULL};
    if (x != NULL &&
        (x->rank != 4 || x->dim[1] != 3 || x->dim[2] < INCEPTION_LEAST || x->dim[3] < INCEPTION_LEAST)) {
        tape_fail(tape, STATUS_SHAPE, "Inception expects pictures (N,3,H,W) of at least %d x %d",
                  INCEPTION_LEAST, INCEPTION_LEAST);
        return;
    }
    Tensor *h = x;
    for (int i = 0; i < INCEPTION_BLOCKS; i++) {
        const BlockTask task = {&INCEPTION[i], c};
        h = tape_segment(tape, run_block, &task, sizeof task, &h, 1);
        tape_named(tape, h, INCEPTION[i].name, "");
        c += convolutions(&INCEPTION[i]);
        if (i == AFTER_FIRST || i == AFTER_SECOND)
            taps->maxima[i == AFTER_SECOND] = h;
        if (i == AFTER_FIRST || i == AFTER_SECOND || i == AFTER_6E || i == AFTER_7C)
            taps->pooled[features++] = means(tape, h);
    }
    taps->logits_unbiased = linear(tape, taps->pooled[3], net->fc.weight, NULL);
    taps->logits = linear(tape, taps->pooled[3], net->fc.weight, net->fc.bias);
}
