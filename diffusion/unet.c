#include "diffusion/unet.h"

#include "diffusion/layer_name.h"
#include "diffusion/vjp.h"
#include "nn/activation.h"
#include "nn/group_norm.h"

void unet_load(Unet *net, const UnetConfig *config, Weights *w, const char *prefix)
{
    const UnetConfig *c = config;
    *net = (Unet){.config = *c};
    unet_encoder_load(&net->encoder, c, w, prefix);
    net->up = layer_array(w, c->levels, sizeof *net->up);
    for (int i = 0; net->up != NULL && i < c->levels; i++)
        up_block_load(&net->up[i], w, prefix, c, c->levels - 1 - i);
    net->norm_out = weights_norm(w, prefix, "conv_norm_out", c->level[0].channels);
    net->conv_out =
        weights_conv2d(w, prefix, "conv_out", c->out_channels, c->level[0].channels, c->conv_out_kernel);
}

/* The way up: each block takes its skips from the end of the row. */
static Tensor *decode(Tape *tape, const Unet *net, const UnetEncoding *e, Tensor *text,
                      const UnetHooks *hooks)
{
    const UnetConfig *c = &net->config;
    int left = unet_skip_count(c);
    Tensor *h = e->mid;
    for (int i = 0; i < c->levels; i++) {
        left -= net->up[i].units;
        const Tensor *next = left > 0 ? e->skip[left - 1] : e->skip[0];
        h = up_block(tape, &net->up[i], h, e->skip + left, e->emb, text, hooks, next->dim[2], next->dim[3]);
    }
    return h;
}

typedef struct {
    const Unet *net;
    const float *timesteps;
    const UnetHooks *hooks;
} UnetCall;

enum { X, TEXT, INPUTS };

static Tensor *run_unet(Tape *tape, const void *context, Tensor *const *inputs)
{
    const UnetCall *call = context;
    const Unet *net = call->net;
    const UnetConfig *c = &net->config;
    UnetEncoding e;
    if (!hooks_fit(tape, call->hooks, unet_skip_count(c), c->levels) ||
        !unet_encode(&e, tape, &net->encoder, inputs[X], call->timesteps, inputs[TEXT], NULL, call->hooks))
        return NULL;
    hooks_add_residuals(tape, call->hooks, e.skip, unet_skip_count(c), &e.mid);
    if (tape->error.status != STATUS_OK)
        return NULL;
    Tensor *h = decode(tape, net, &e, inputs[TEXT], call->hooks);
    h = group_norm(tape, h, net->norm_out.weight, net->norm_out.bias, c->norm_num_groups,
                   (float)c->norm_eps);
    h = silu(tape, tape_named(tape, h, "conv_norm_out", ""));
    h = hooked_conv2d(tape, call->hooks, &net->conv_out, h, conv2d_padding(1, c->conv_out_kernel / 2));
    return tape_named(tape, h, "conv_out", "");
}

Tensor *unet(Tape *tape, const Unet *net, Tensor *x, const float *timesteps, Tensor *text,
             const UnetHooks *hooks)
{
    const UnetCall call = {.net = net, .timesteps = timesteps, .hooks = hooks};
    Tensor *const inputs[INPUTS] = {[X] = x, [TEXT] = text};
    return run_giving_back(tape, run_unet, &call, sizeof call, inputs, INPUTS);
}

Status unet_vjp(float *y, float *dx, float *dtext, Tape *tape, const Unet *net, const Tensor *x,
                const float *timesteps, const Tensor *text, const UnetHooks *hooks, const float *dy)
{
    const UnetCall call = {.net = net, .timesteps = timesteps, .hooks = hooks};
    const Tensor *const inputs[INPUTS] = {[X] = x, [TEXT] = text};
    float *const gradients[INPUTS] = {[X] = dx, [TEXT] = dtext};
    return vjp(y, gradients, tape, run_unet, &call, inputs, INPUTS, dy);
}
