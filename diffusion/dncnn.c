#include "diffusion/dncnn.h"

#include <math.h>
#include <stdio.h>

#include "nn/activation.h"
#include "nn/batch_norm.h"
#include "nn/conv2d.h"

static const float EPS = 1e-5f;

enum { LAST = DNCNN_LAYERS - 1 };

/* A convolution's place in the Sequential: one and its ReLU, then three a layer. */
static int place(int layer)
{
    return layer == 0 ? 0 : 3 * layer - 1;
}

static Tensor *numbers(Weights *w, const char *prefix, const char *name, InitKind init)
{
    return weights_tensor(w, prefix, name, (Init){init, 0.0}, 1, (const int[]){DNCNN_CHANNELS});
}

static void load_norm(DnCnn *net, int layer, Weights *w, const char *prefix)
{
    char text[WEIGHTS_NAME];
    const char *own = weights_child(text, prefix, "%d", place(layer) + 1);
    net->norm[layer] = (Affine){numbers(w, own, "weight", INIT_ONES), numbers(w, own, "bias", INIT_ZEROS)};
    net->mean[layer] = numbers(w, own, "running_mean", INIT_ZEROS);
    net->variance[layer] = numbers(w, own, "running_var", INIT_ONES);
    weights_ignore(w, own, "num_batches_tracked");
}

void dncnn_load(DnCnn *out, Weights *w, const char *prefix)
{
    *out = (DnCnn){.conv = {{NULL, NULL}}};
    for (int i = 0; i < DNCNN_LAYERS; i++) {
        const int from = i == 0 ? 3 : DNCNN_CHANNELS, to = i == LAST ? 3 : DNCNN_CHANNELS;
        const Init init = {INIT_NORMAL, sqrt(2.0 / (9.0 * to))}; /* as the authors draw */
        char text[WEIGHTS_NAME];
        const char *own = weights_child(text, prefix, "%d", place(i));
        out->conv[i].weight = weights_tensor(w, own, "weight", init, 4, (const int[]){to, from, 3, 3});
        if (i == 0 || i == LAST)
            out->conv[i].bias = weights_tensor(w, own, "bias", (Init){INIT_ZEROS, 0.0}, 1, &to);
        else
            load_norm(out, i, w, prefix);
    }
}

Status dncnn_open(DnCnn *out, const char *path, Arena *arena, Error *err)
{
    Weights w = {.arena = NULL};
    DnCnn net;
    weights_open(&w, arena, path);
    dncnn_load(&net, &w, weights_has(&w, "network", "0.weight") ? "network" : "");
    const Status status = weights_finish(&w, err);
    if (status == STATUS_OK)
        *out = net;
    return status;
}

static Tensor *run_layers(Tape *tape, const void *context, Tensor *const *inputs)
{
    const DnCnn *net = *(const DnCnn *const *)context;
    Tensor *h = inputs[0];
    for (int i = 0; i < DNCNN_LAYERS; i++) {
        h = conv2d(tape, h, net->conv[i].weight, net->conv[i].bias, conv2d_padding(1, 0));
        if (i != 0 && i != LAST)
            h = batch_norm(tape, h, net->norm[i].weight, net->norm[i].bias, net->mean[i], net->variance[i],
                           EPS);
        h = i != LAST ? relu(tape, h) : h;
    }
    return h;
}

Tensor *dncnn(Tape *tape, const DnCnn *net, Tensor *x)
{
    const int least = 2 * DNCNN_MARGIN + 1;
    if (x != NULL && (x->rank != 4 || x->dim[1] != 3 || x->dim[2] < least || x->dim[3] < least))
        return tape_fail(tape, STATUS_SHAPE, "DnCNN expects pictures (N,3,H,W) of at least %d x %d", least,
                         least);
    return tape_segment(tape, run_layers, &net, sizeof net, &x, 1);
}
