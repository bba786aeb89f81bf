#include "diffusion/vae_decoder.h"

#include "diffusion/layer_name.h"

/* Block i counts from the coarsest level. */
static void block_load(VaeUpBlock *b, Weights *w, const char *prefix, const VaeConfig *c, int i)
{
    char own[WEIGHTS_NAME], child[WEIGHTS_NAME];
    const int level = c->levels - 1 - i;
    const int C = c->channels[level], below = c->channels[i > 0 ? level + 1 : level];
    weights_child(own, prefix, "up_blocks.%d", i);
    *b = (VaeUpBlock){.name = layer_name(w, own), .units = c->layers + 1};
    b->unit = layer_array(w, b->units, sizeof *b->unit);
    for (int k = 0; b->unit != NULL && k < b->units; k++)
        res_block_load(&b->unit[k].resnet, w, weights_child(child, own, "resnets.%d", k),
                       vae_resnet_shape(c, k == 0 ? below : C, C));
    if (level > 0)
        resample_layer_load(&b->up, w, weights_child(child, own, "upsamplers.0"), C, 1);
}

void vae_decoder_load(VaeDecoder *d, Weights *w, const char *prefix, const VaeConfig *c)
{
    *d = (VaeDecoder){.levels = c->levels, .groups = c->norm_num_groups};
    d->conv_in = weights_conv2d(w, prefix, "conv_in", c->channels[c->levels - 1], c->latent_channels, 3);
    vae_mid_load(&d->mid, w, prefix, c);
    d->block = layer_array(w, c->levels, sizeof *d->block);
    for (int i = 0; d->block != NULL && i < c->levels; i++)
        block_load(&d->block[i], w, prefix, c, i);
    d->norm_out = weights_norm(w, prefix, "conv_norm_out", c->channels[0]);
    d->conv_out = weights_conv2d(w, prefix, "conv_out", c->out_channels, c->channels[0], 3);
}

static Tensor *run_block(Tape *tape, const void *context, Tensor *const *inputs)
{
    const VaeUpBlock *b = *(const VaeUpBlock *const *)context;
    Tensor *x = inputs[0];
    for (int i = 0; i < b->units; i++)
        x = res_unit(tape, &b->unit[i], x, NULL, NULL, NULL, NULL);
    if (x != NULL && b->up.conv.weight != NULL)
        x = upsample(tape, &b->up, x, 2 * x->dim[2], 2 * x->dim[3], NULL);
    return tape_named(tape, x, b->name, "");
}

Tensor *vae_decoder(Tape *tape, const VaeDecoder *d, Tensor *z)
{
    Tensor *x = conv2d(tape, z, d->conv_in.weight, d->conv_in.bias, conv2d_padding(1, 1));
    x = vae_mid(tape, &d->mid, tape_named(tape, x, "decoder.conv_in", ""));
    for (int i = 0; i < d->levels && x != NULL; i++) {
        const VaeUpBlock *block = &d->block[i];
        x = run_giving_back(tape, run_block, &block, sizeof block, &x, 1);
    }
    return tape_named(tape, vae_output(tape, &d->norm_out, &d->conv_out, d->groups, x), "decoder.conv_out",
                      "");
}
