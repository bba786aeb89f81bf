#include "diffusion/lpips.h"

#include <float.h>
#include <stdio.h>

#include "nn/elementwise.h"
#include "nn/reduce.h"

static const float EPS = 0x1.b7cdfep-34f; /* 1e-10 */

/* Below this square a length counts as this, so that its root has a slope; any number whose root is far
 * below EPS does. */
static const float LEAST_SQUARE = 0x1p-100f;

static const char *head_name(char text[32], int stage)
{
    snprintf(text, 32, "lin%d.model.1.weight", stage);
    return text;
}

/* Channels of the last convolution of a stage. */
static int stage_channels(const VggConfig *c, int stage)
{
    int channels = 0;
    for (int i = 0; i < c->layers && stage >= 0; i++) {
        if (c->layer[i] == 0)
            stage--;
        else
            channels = c->layer[i];
    }
    return channels;
}

Status lpips_heads_read(LpipsHeads *out, const int *channels, int stages, const char *path, Arena *arena,
                        Error *err)
{
    LpipsHeads heads = {.stages = stages};
    Weights w = {.arena = NULL};
    char name[32];
    weights_open(&w, arena, path);
    for (int i = 0; i < heads.stages; i++) {
        const int dim[4] = {1, channels[i], 1, 1};
        heads.weight[i] = weights_tensor(&w, "", head_name(name, i), (Init){INIT_ONES, 0.0}, 4, dim);
        snprintf(name, sizeof name, "lins.%d.model.1.weight", i); /* a second name of the same */
        weights_ignore(&w, "", name);
    }
    const Status status = weights_finish(&w, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < heads.stages; i++)
        for (size_t k = 0; k < tensor_count(heads.weight[i]); k++)
            if (!(heads.weight[i]->data[k] >= 0.0f && heads.weight[i]->data[k] <= FLT_MAX))
                return error_set(err, STATUS_FORMAT, "%s: %s has a weight that is not at least 0", path,
                                 head_name(name, i));
    *out = heads;
    return STATUS_OK;
}

Status lpips_heads_open(LpipsHeads *out, const Vgg *vgg, const char *path, Arena *arena, Error *err)
{
    const int stages = vgg_stages(&vgg->config);
    int channels[VGG_STAGES];
    for (int i = 0; i < stages; i++)
        channels[i] = stage_channels(&vgg->config, i);
    return lpips_heads_read(out, channels, stages, path, arena, err);
}

static Tensor *unit_channels(Tape *tape, Tensor *f)
{
    Tensor *square = clamp(tape, sum_axis(tape, power2(tape, f), 1), LEAST_SQUARE, FLT_MAX);
    return divide(tape, f, add_scalar(tape, square_root(tape, square), EPS));
}

Tensor *lpips_between(Tape *tape, const LpipsHeads *heads, const VggTaps *x, const VggTaps *y,
                      Tensor **layer)
{
    Tensor *sum = NULL;
    if (tape->error.status != STATUS_OK)
        return NULL;
    if (x->stages != y->stages || (heads != NULL && heads->stages != x->stages))
        return tape_fail(tape, STATUS_SHAPE, "LPIPS of features from %d and %d stages", x->stages,
                         y->stages);
    for (int i = 0; i < x->stages; i++) {
        char name[32];
        if (x->stage[i] != NULL && y->stage[i] != NULL && !tensor_same_shape(x->stage[i], y->stage[i]))
            return tape_fail(tape, STATUS_SHAPE, "LPIPS of pictures of two sizes");
        Tensor *f = unit_channels(tape, x->stage[i]);
        Tensor *g = unit_channels(tape, y->stage[i]);
        Tensor *d = power2(tape, subtract(tape, f, g));
        if (heads != NULL && heads->weight[i] != NULL)
            d = multiply(tape, d, heads->weight[i]);
        snprintf(name, sizeof name, "layer.%d", i);
        d = tape_named(tape, mean_sample(tape, sum_axis(tape, d, 1)), name, "");
        if (layer != NULL)
            layer[i] = d;
        sum = i == 0 ? d : add(tape, sum, d);
    }
    return sum;
}

Tensor *lpips(Tape *tape, const Vgg *network, const LpipsHeads *heads, Tensor *x, Tensor *y)
{
    VggTaps of_x, of_y;
    if (x == NULL || y == NULL)
        return NULL;
    if (!tensor_same_shape(x, y))
        return tape_fail(tape, STATUS_SHAPE, "LPIPS of pictures of two sizes");
    if (network->config.noise_levels != 0)
        return tape_fail(tape, STATUS_ARGUMENT, "LPIPS wants a VGG of pictures without noise levels");
    vgg(tape, network, x, NULL, &of_x);
    vgg(tape, network, y, NULL, &of_y);
    return lpips_between(tape, heads, &of_x, &of_y, NULL);
}
