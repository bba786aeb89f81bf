#include "diffusion/lpips_trunk.h"

#include <stdio.h>

#include "nn/activation.h"
#include "nn/concat.h"
#include "nn/conv2d.h"
#include "nn/elementwise.h"
#include "nn/pool.h"

typedef enum { END, CONV, MAXIMA, FIRE } LayerKind;

/* A row of torchvision's "features". */
typedef struct {
    LayerKind kind;
    int number; /* its place there */
    int out, kernel, stride, pad;
    int inner; /* FIRE: channels of its first convolution */
    bool tap;  /* LPIPS looks at its result */
} Layer;

/* torchvision, models/alexnet.py and models/squeezenet.py (version 1_1). */
static const Layer ALEX[] = {
    {CONV, 0, 64, 11, 4, 2, 0, true},  {MAXIMA, 2, 0, 3, 2, 0, 0, false}, {CONV, 3, 192, 5, 1, 2, 0, true},
    {MAXIMA, 5, 0, 3, 2, 0, 0, false}, {CONV, 6, 384, 3, 1, 1, 0, true},  {CONV, 8, 256, 3, 1, 1, 0, true},
    {CONV, 10, 256, 3, 1, 1, 0, true}, {END, 0, 0, 0, 0, 0, 0, false},
};
static const Layer SQUEEZE[] = {
    {CONV, 0, 64, 3, 2, 0, 0, true},    {MAXIMA, 2, 0, 3, 2, 0, 0, false},
    {FIRE, 3, 128, 0, 0, 0, 16, false}, {FIRE, 4, 128, 0, 0, 0, 16, true},
    {MAXIMA, 5, 0, 3, 2, 0, 0, false},  {FIRE, 6, 256, 0, 0, 0, 32, false},
    {FIRE, 7, 256, 0, 0, 0, 32, true},  {MAXIMA, 8, 0, 3, 2, 0, 0, false},
    {FIRE, 9, 384, 0, 0, 0, 48, true},  {FIRE, 10, 384, 0, 0, 0, 48, true},
    {FIRE, 11, 512, 0, 0, 0, 64, true}, {FIRE, 12, 512, 0, 0, 0, 64, true},
    {END, 0, 0, 0, 0, 0, 0, false},
};

/* Row 12 of SQUEEZE, its end, has no parameters. */
static const Layer *table(LpipsTrunkKind kind)
{
    return kind == LPIPS_ALEX ? ALEX : SQUEEZE;
}

static void load_fire(LpipsTrunk *t, int i, Weights *w, const char *prefix, const char *name, int in)
{
    const Layer *l = &table(t->kind)[i];
    char text[WEIGHTS_NAME];
    const char *own = weights_child(text, prefix, "%s", name);
    t->conv[i] = weights_conv2d(w, own, "squeeze", l->inner, in, 1);
    t->expand1[i] = weights_conv2d(w, own, "expand1x1", l->out / 2, l->inner, 1);
    t->expand3[i] = weights_conv2d(w, own, "expand3x3", l->out / 2, l->inner, 3);
}

void lpips_trunk_load(LpipsTrunk *t, LpipsTrunkKind kind, Weights *w, const char *prefix)
{
    static const int CLASSIFIER[] = {1, 4, 6};
    int in = 3;
    *t = (LpipsTrunk){.kind = kind};
    for (int i = 0; table(kind)[i].kind != END; i++) {
        const Layer *l = &table(kind)[i];
        char name[32];
        snprintf(name, sizeof name, "features.%d", l->number);
        if (l->kind == FIRE)
            load_fire(t, i, w, prefix, name, in);
        else if (l->kind == CONV)
            t->conv[i] = weights_conv2d(w, prefix, name, l->out, in, l->kernel);
        in = l->kind != MAXIMA ? l->out : in;
    }
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "classifier.%d.weight", CLASSIFIER[i]);
        weights_ignore(w, prefix, name);
        snprintf(name, sizeof name, "classifier.%d.bias", CLASSIFIER[i]);
        weights_ignore(w, prefix, name);
    }
}

/* ---- running ---- */

static Tensor *scaled(Tape *tape, Tensor *x)
{
    static const float SHIFT[3] = {-0x1.eb851ep-6f, -0x1.6872bp-4f,
                                   -0x1.810624p-3f}; /* -0.030 -0.088 -0.188 */
    static const float SCALE[3] = {0x1.d4fdf4p-2f, 0x1.cac084p-2f, 0x1.ccccccp-2f}; /* 0.458 0.448 0.450 */
    const int dim[4] = {1, 3, 1, 1};
    Tensor *centred = subtract(tape, x, tape_input(tape, (float *)(size_t)SHIFT, 4, dim, false));
    return divide(tape, centred, tape_input(tape, (float *)(size_t)SCALE, 4, dim, false));
}

static Tensor *convolve(Tape *tape, Tensor *x, const Affine *conv, Conv2dOptions options)
{
    return relu(tape, conv2d(tape, x, conv->weight, conv->bias, options));
}

static Tensor *run_layer(Tape *tape, const LpipsTrunk *t, int i, Tensor *x)
{
    const Layer *l = &table(t->kind)[i];
    if (l->kind == CONV)
        return convolve(tape, x, &t->conv[i], conv2d_padding(l->stride, l->pad));
    if (l->kind == MAXIMA)
        return max_pool2d(
            tape, x,
            (PoolOptions){.kernel = l->kernel, .stride = l->stride, .ceil_mode = t->kind == LPIPS_SQUEEZE});
    Tensor *squeezed = convolve(tape, x, &t->conv[i], conv2d_padding(1, 0));
    Tensor *small = convolve(tape, squeezed, &t->expand1[i], conv2d_padding(1, 0));
    Tensor *large = convolve(tape, squeezed, &t->expand3[i], conv2d_padding(1, 1));
    Tensor *const parts[2] = {small, large};
    return small != NULL && large != NULL ? concat(tape, parts, 2, 1) : NULL;
}

void lpips_trunk(VggTaps *taps, Tape *tape, const LpipsTrunk *t, Tensor *x)
{
    const int least = t->kind == LPIPS_ALEX ? 31 : 17;
    *taps = (VggTaps){.stages = 0};
    if (x != NULL && (x->rank != 4 || x->dim[1] != 3 || x->dim[2] < least || x->dim[3] < least)) {
        tape_fail(tape, STATUS_SHAPE, "LPIPS expects pictures (N,3,H,W) of at least %d x %d", least, least);
        return;
    }
    Tensor *h = x != NULL ? scaled(tape, x) : NULL;
    for (int i = 0; table(t->kind)[i].kind != END; i++) {
        h = run_layer(tape, t, i, h);
        if (table(t->kind)[i].tap)
            taps->stage[taps->stages++] = h;
    }
}

Status lpips_trunk_heads(LpipsHeads *out, const LpipsTrunk *t, const char *path, Arena *arena, Error *err)
{
    int channels[VGG_STAGES], stages = 0;
    for (int i = 0; table(t->kind)[i].kind != END; i++)
        if (table(t->kind)[i].tap)
            channels[stages++] = table(t->kind)[i].out;
    return lpips_heads_read(out, channels, stages, path, arena, err);
}
