#include "diffusion/resample_layer.h"

#include "diffusion/layer_name.h"
#include "nn/resample.h"

void resample_layer_load(ResampleLayer *l, Weights *w, const char *prefix, int channels, int padding)
{
    *l = (ResampleLayer){.name = layer_name(w, prefix), .padding = padding};
    l->conv = weights_conv2d(w, prefix, "conv", channels, channels, 3);
}

Tensor *downsample(Tape *tape, const ResampleLayer *l, Tensor *x, const UnetHooks *hooks)
{
    const int before = l->padding;
    const Conv2dOptions half = {
        .stride = 2, .pad_top = before, .pad_left = before, .pad_bottom = 1, .pad_right = 1};
    return tape_named(tape, hooked_conv2d(tape, hooks, &l->conv, x, half), l->name, "");
}

typedef struct {
    const ResampleLayer *layer;
    const UnetHooks *hooks;
    int H, W;
} Upsampling;

static Tensor *run_upsample(Tape *tape, const void *context, Tensor *const *inputs)
{
    const Upsampling *u = context;
    Tensor *wide = nearest(tape, inputs[0], u->H, u->W);
    return hooked_conv2d(tape, u->hooks, &u->layer->conv, wide, conv2d_padding(1, 1));
}

Tensor *upsample(Tape *tape, const ResampleLayer *l, Tensor *x, int H, int W, const UnetHooks *hooks)
{
    if (x == NULL)
        return NULL;
    const Upsampling u = {.layer = l, .hooks = hooks, .H = H, .W = W};
    Tensor *y = tape_segment(tape, run_upsample, &u, sizeof u, &x, 1);
    return tape_named(tape, y, l->name, "");
}
