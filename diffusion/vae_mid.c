#include "diffusion/vae_mid.h"

#include "diffusion/layer_name.h"
#include "nn/activation.h"
#include "nn/elementwise.h"
#include "nn/group_norm.h"

static const float VAE_EPS = 1e-6f; /* 0x1.0c6f7ap-20; diffusers' resnet_eps of Encoder and Decoder */

ResBlockShape vae_resnet_shape(const VaeConfig *c, int in, int out)
{
    return (ResBlockShape){
        .in = in, .out = out, .groups = c->norm_num_groups, .eps = VAE_EPS, .scale = 1.0f};
}

Tensor *vae_output(Tape *tape, const Affine *norm, const Affine *conv, int groups, Tensor *x)
{
    x = silu(tape, group_norm(tape, x, norm->weight, norm->bias, groups, VAE_EPS));
    return conv2d(tape, x, conv->weight, conv->bias, conv2d_padding(1, 1));
}

void vae_mid_load(VaeMid *m, Weights *w, const char *prefix, const VaeConfig *c)
{
    char own[WEIGHTS_NAME], child[WEIGHTS_NAME];
    const int C = c->channels[c->levels - 1];
    weights_child(own, prefix, "mid_block");
    *m = (VaeMid){.name = layer_name(w, own), .groups = c->norm_num_groups};
    for (int i = 0; i < 2; i++)
        res_block_load(&m->unit[i].resnet, w, weights_child(child, own, "resnets.%d", i),
                       vae_resnet_shape(c, C, C));
    if (c->mid_block_add_attention) {
        weights_child(child, own, "attentions.0");
        m->norm = weights_norm(w, child, "group_norm", C);
        attention_layer_load_vae(&m->attention, w, child, C);
    }
}

static Tensor *run_attention(Tape *tape, const void *context, Tensor *const *inputs)
{
    const VaeMid *m = *(const VaeMid *const *)context;
    Tensor *x = inputs[0];
    Tensor *h = group_norm(tape, x, m->norm.weight, m->norm.bias, m->groups, VAE_EPS);
    h = attention_layer(tape, &m->attention, pixels_to_tokens(tape, h), NULL, NULL);
    return add(tape, tokens_to_pixels(tape, h, x->dim[2], x->dim[3]), x);
}

Tensor *vae_mid(Tape *tape, const VaeMid *m, Tensor *x)
{
    x = res_unit(tape, &m->unit[0], x, NULL, NULL, NULL, NULL);
    if (x != NULL && m->norm.weight != NULL)
        x = tape_segment(tape, run_attention, &m, sizeof m, &x, 1);
    x = res_unit(tape, &m->unit[1], x, NULL, NULL, NULL, NULL);
    return tape_named(tape, x, m->name, "");
}
