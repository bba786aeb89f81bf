/* cli/truth_networks.c - the text encoder, the autoencoder and the U-Net in binary64 (see truth_net.h). */
#include "cli/truth_net.h"

static const float VAE_EPS = 1e-6f;

/* ---- text encoder ---- */

static WideTensor *clip_layer_wide(TruthNet *n, const ClipLayer *l, WideTensor *x)
{
    const ClipShape *s = &l->shape;
    WideTensor *h = wide_layer_norm(n, &l->norm1, x, s->eps);
    WideTensor *q = wide_linear(n, &l->q, h), *k = wide_linear(n, &l->k, h);
    h = wide_attention(n, q, k, wide_linear(n, &l->v, h), s->heads, s->causal);
    x = wide_add(n, x, wide_named(n, wide_linear(n, &l->out, h), l->name, "self_attn"));
    h = wide_linear(n, &l->fc1, wide_layer_norm(n, &l->norm2, x, s->eps));
    h = wide_named(n, wide_linear(n, &l->fc2, wide_activate(n, h, s->act)), l->name, "mlp");
    return wide_named(n, wide_add(n, x, h), l->name, "");
}

WideTensor *wide_clip_text(TruthNet *n, const ClipText *text, const int *ids, int N, int T)
{
    int *place = arena_alloc(n->arena, (size_t)N * (size_t)T, sizeof *place);
    if (place == NULL) {
        n->failed = true;
        return NULL;
    }
    for (int i = 0; i < N * T; i++)
        place[i] = i % T;
    WideTensor *tokens = wide_embedding(n, text->token_embedding, ids, N, T);
    WideTensor *x = wide_add(n, tokens, wide_embedding(n, text->position_embedding, place, N, T));
    x = wide_named(n, x, "embeddings", "");
    for (int i = 0; i < text->config.shape.layers; i++)
        x = clip_layer_wide(n, &text->layer[i], x);
    x = wide_layer_norm(n, &text->final_norm, x, text->config.shape.eps);
    return wide_named(n, x, "final_layer_norm", "");
}

/* ---- autoencoder ---- */

static WideTensor *vae_mid_wide(TruthNet *n, const VaeMid *m, WideTensor *x)
{
    x = wide_res_unit(n, &m->unit[0], x, NULL, NULL, NULL);
    if (x != NULL && m->norm.weight != NULL) {
        WideTensor *h = wide_pixels_to_tokens(n, wide_group_norm(n, &m->norm, x, m->groups, VAE_EPS));
        h = wide_tokens_to_pixels(n, wide_attention_layer(n, &m->attention, h, NULL), x->dim[2], x->dim[3]);
        x = wide_add(n, h, x);
    }
    x = wide_res_unit(n, &m->unit[1], x, NULL, NULL, NULL);
    return wide_named(n, x, m->name, "");
}

static WideTensor *vae_out(TruthNet *n, const Affine *norm, const Affine *conv, int groups, WideTensor *x)
{
    WideTensor *h = wide_activate(n, wide_group_norm(n, norm, x, groups, VAE_EPS), ACTIVATION_SILU);
    return wide_conv2d(n, conv, h, conv2d_padding(1, 1));
}

static WideTensor *mixed(TruthNet *n, const Affine *conv, const char *name, WideTensor *x)
{
    if (conv->weight == NULL)
        return x;
    return wide_named(n, wide_conv2d(n, conv, x, conv2d_padding(1, 0)), name, "");
}

WideTensor *wide_vae_decode(TruthNet *n, const Vae *vae, WideTensor *z)
{
    const VaeDecoder *d = &vae->decoder;
    WideTensor *x = mixed(n, &vae->post_quant_conv, "post_quant_conv", z);
    x = wide_named(n, wide_conv2d(n, &d->conv_in, x, conv2d_padding(1, 1)), "decoder.conv_in", "");
    x = vae_mid_wide(n, &d->mid, x);
    for (int i = 0; i < d->levels && x != NULL; i++) {
        const VaeUpBlock *b = &d->block[i];
        for (int k = 0; k < b->units; k++)
            x = wide_res_unit(n, &b->unit[k], x, NULL, NULL, NULL);
        if (x != NULL && b->up.conv.weight != NULL)
            x = wide_upsample(n, &b->up, x, 2 * x->dim[2], 2 * x->dim[3]);
        wide_named(n, x, b->name, "");
    }
    return wide_named(n, vae_out(n, &d->norm_out, &d->conv_out, d->groups, x), "decoder.conv_out", "");
}

WideTensor *wide_vae_encode(TruthNet *n, const Vae *vae, WideTensor *x)
{
    const VaeEncoder *e = &vae->encoder;
    x = wide_named(n, wide_conv2d(n, &e->conv_in, x, conv2d_padding(1, 1)), "encoder.conv_in", "");
    for (int i = 0; i < e->levels; i++) {
        const VaeDownBlock *b = &e->block[i];
        for (int k = 0; k < b->units; k++)
            x = wide_res_unit(n, &b->unit[k], x, NULL, NULL, NULL);
        if (b->down.conv.weight != NULL)
            x = wide_downsample(n, &b->down, x);
        wide_named(n, x, b->name, "");
    }
    x = vae_out(n, &e->norm_out, &e->conv_out, e->groups, vae_mid_wide(n, &e->mid, x));
    return mixed(n, &vae->quant_conv, "quant_conv", wide_named(n, x, "encoder.conv_out", ""));
}

/* ---- U-Net ---- */

static WideTensor *embed_time(TruthNet *n, const UnetEncoder *e, const float *timesteps, int N)
{
    const UnetConfig *c = &e->config;
    WideTensor *t =
        wide_time_embedding(n, timesteps, N, c->level[0].channels, c->flip_sin_to_cos, c->freq_shift);
    t = wide_linear(n, &e->time1, wide_named(n, t, "time_proj", ""));
    t = wide_linear(n, &e->time2, wide_activate(n, t, ACTIVATION_SILU));
    return wide_named(n, t, "time_embedding", "");
}

enum { SKIPS = 16 * UNET_LEVELS };

/* The way down, its results for the way up, and the middle. */
static WideTensor *encode(TruthNet *n, const UnetEncoder *e, WideTensor *x, WideTensor *emb,
                          WideTensor *text, WideTensor **skip)
{
    int made = 0;
    WideTensor *h = wide_conv2d(n, &e->conv_in, x, conv2d_padding(1, e->config.conv_in_kernel / 2));
    skip[made++] = h = wide_named(n, h, "conv_in", "");
    for (int i = 0; i < e->config.levels; i++) {
        const DownBlock *b = &e->down[i];
        for (int k = 0; k < b->units && made < SKIPS; k++)
            skip[made++] = h = wide_res_unit(n, &b->unit[k], h, NULL, emb, text);
        if (b->down.conv.weight != NULL && made < SKIPS)
            skip[made++] = h = wide_downsample(n, &b->down, h);
        wide_named(n, h, b->name, "");
    }
    for (int k = 0; k < e->mid.units; k++)
        h = wide_res_unit(n, &e->mid.unit[k], h, NULL, emb, text);
    return e->mid.units > 0 ? wide_named(n, h, e->mid.name, "") : h;
}

WideTensor *wide_unet(TruthNet *n, const Unet *net, WideTensor *x, const float *timesteps, WideTensor *text)
{
    const UnetConfig *c = &net->config;
    WideTensor *skip[SKIPS] = {NULL};
    WideTensor *emb = x != NULL ? embed_time(n, &net->encoder, timesteps, x->dim[0]) : NULL;
    WideTensor *h = encode(n, &net->encoder, x, emb, text, skip);
    int left = unet_skip_count(c);
    for (int i = 0; i < c->levels && left <= SKIPS; i++) {
        const UpBlock *b = &net->up[i];
        for (int k = 0; k < b->units; k++)
            h = wide_res_unit(n, &b->unit[k], h, skip[--left], emb, text);
        WideTensor *next = skip[left > 0 ? left - 1 : 0];
        if (b->up.conv.weight != NULL && next != NULL)
            h = wide_upsample(n, &b->up, h, next->dim[2], next->dim[3]);
        wide_named(n, h, b->name, "");
    }
    h = wide_named(n, wide_group_norm(n, &net->norm_out, h, c->norm_num_groups, (float)c->norm_eps),
                   "conv_norm_out", "");
    h = wide_conv2d(n, &net->conv_out, wide_activate(n, h, ACTIVATION_SILU),
                    conv2d_padding(1, c->conv_out_kernel / 2));
    return wide_named(n, h, "conv_out", "");
}
