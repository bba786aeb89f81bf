#include "diffusion/vae_encoder.h"

#include "diffusion/layer_name.h"

static void block_load(VaeDownBlock *b, Weights *w, const char *prefix, const VaeConfig *c, int level)
{
    char own[WEIGHTS_NAME], child[WEIGHTS_NAME];
    const int C = c->channels[level];
    weights_child(own, prefix, "down_blocks.%d", level);
    *b = (VaeDownBlock){.name = layer_name(w, own), .units = c->layers};
    b->unit = layer_array(w, b->units, sizeof *b->unit);
    for (int i = 0; b->unit != NULL && i < b->units; i++)
        res_block_load(&b->unit[i].resnet, w, weights_child(child, own, "resnets.%d", i),
                       vae_resnet_shape(c, i > 0 || level == 0 ? C : c->channels[level - 1], C));
    if (level < c->levels - 1) /* padding 0: right and below only */
        resample_layer_load(&b->down, w, weights_child(child, own, "downsamplers.0"), C, 0);
}

void vae_encoder_load(VaeEncoder *e, Weights *w, const char *prefix, const VaeConfig *c)
{
    const int last = c->channels[c->levels - 1];
    *e = (VaeEncoder){.levels = c->levels, .groups = c->norm_num_groups};
    e->conv_in = weights_conv2d(w, prefix, "conv_in", c->channels[0], c->in_channels, 3);
    e->block = layer_array(w, c->levels, sizeof *e->block);
    for (int i = 0; e->block != NULL && i < c->levels; i++)
        block_load(&e->block[i], w, prefix, c, i);
    vae_mid_load(&e->mid, w, prefix, c);
    e->norm_out = weights_norm(w, prefix, "conv_norm_out", last);
    e->conv_out = weights_conv2d(w, prefix, "conv_out", 2 * c->latent_channels, last, 3);
}

static Tensor *run_block(Tape *tape, const void *context, Tensor *const *inputs)
{
    const VaeDownBlock *b = *(const VaeDownBlock *const *)context;
    Tensor *x = inputs[0];
    for (int i = 0; i < b->units; i++)
        x = res_unit(tape, &b->unit[i], x, NULL, NULL, NULL, NULL);
    if (b->down.conv.weight != NULL)
        x = downsample(tape, &b->down, x, NULL);
    return tape_named(tape, x, b->name, "");
}

Tensor *vae_encoder(Tape *tape, const VaeEncoder *e, Tensor *x)
{
    x = conv2d(tape, x, e->conv_in.weight, e->conv_in.bias, conv2d_padding(1, 1));
    x = tape_named(tape, x, "encoder.conv_in", "");
    for (int i = 0; i < e->levels && x != NULL; i++) {
        const VaeDownBlock *block = &e->block[i];
        x = run_giving_back(tape, run_block, &block, sizeof block, &x, 1);
    }
    x = vae_mid(tape, &e->mid, x);
    return tape_named(tape, vae_output(tape, &e->norm_out, &e->conv_out, e->groups, x), "encoder.conv_out",
                      "");
}
