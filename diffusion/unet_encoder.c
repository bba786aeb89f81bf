#include "diffusion/unet_encoder.h"

#include "diffusion/layer_name.h"
#include "nn/activation.h"
#include "nn/elementwise.h"
#include "nn/time_embedding.h"
#include "nn/linear.h"

void unet_encoder_load(UnetEncoder *e, const UnetConfig *c, Weights *w, const char *prefix)
{
    const int first = c->level[0].channels;
    *e = (UnetEncoder){.config = *c};
    e->conv_in = weights_conv2d(w, prefix, "conv_in", first, c->in_channels, c->conv_in_kernel);
    if (c->time_cond_proj_dim != 0)
        e->time_cond =
            weights_linear_no_bias(w, prefix, "time_embedding.cond_proj", first, c->time_cond_proj_dim);
    e->time1 = weights_linear(w, prefix, "time_embedding.linear_1", c->time_embedding_dim, first);
    e->time2 =
        weights_linear(w, prefix, "time_embedding.linear_2", c->time_embedding_dim, c->time_embedding_dim);
    e->down = layer_array(w, c->levels, sizeof *e->down);
    for (int i = 0; e->down != NULL && i < c->levels; i++)
        down_block_load(&e->down[i], w, prefix, c, i);
    mid_block_load(&e->mid, w, prefix, c);
}

/* t + cond_proj(sinusoids of 1000 w), w being the guidance.
 * Source: diffusers, LatentConsistencyModelPipeline.get_guidance_scale_embedding: sines first, shift 1. */
static Tensor *add_guidance(Tape *tape, const UnetEncoder *e, Tensor *t, const UnetHooks *hooks)
{
    if (t == NULL || hooks == NULL || hooks->guidance == NULL)
        return t;
    const int N = t->dim[0], width = e->config.time_cond_proj_dim;
    if (e->time_cond.weight == NULL)
        return tape_fail(tape, STATUS_ARGUMENT,
                         "guidance for a U-Net that was not distilled with guidance");
    float *w = tape_alloc(tape, (size_t)N, sizeof *w);
    if (w == NULL)
        return NULL;
    for (int n = 0; n < N; n++)
        w[n] = 1000.0f * hooks->guidance[n];
    Tensor *embedded = time_embedding(tape, w, N, width, false, 1.0f);
    return add(tape, t, linear(tape, embedded, e->time_cond.weight, NULL));
}

/* emb = linear_2(silu(linear_1(sinusoids of t))), one row a sample. */
static Tensor *embed_time(Tape *tape, const UnetEncoder *e, const float *timesteps, int N,
                          const UnetHooks *hooks)
{
    const UnetConfig *c = &e->config;
    Tensor *t =
        time_embedding(tape, timesteps, N, c->level[0].channels, c->flip_sin_to_cos, (float)c->freq_shift);
    t = add_guidance(tape, e, tape_named(tape, t, "time_proj", ""), hooks);
    t = silu(tape, hooked_linear(tape, hooks, &e->time1, t));
    return tape_named(tape, hooked_linear(tape, hooks, &e->time2, t), "time_embedding", "");
}

static bool text_fits(Tape *tape, const UnetConfig *c, int level, bool attends, const Tensor *x,
                      const Tensor *text)
{
    const int width = c->level[level].cross_attention_dim;
    char got[64];
    if (!attends || tape->error.status != STATUS_OK)
        return true;
    if (text == NULL)
        tape_fail(tape, STATUS_SHAPE, "the U-Net attends to a text of width %d and was given none", width);
    else if (text->rank != 3 || text->dim[0] != x->dim[0] || text->dim[1] < 1 || text->dim[2] != width)
        tape_fail(tape, STATUS_SHAPE, "text of shape %s, the U-Net expects (%d,tokens,%d)",
                  tensor_shape_text(text, got), x->dim[0], width);
    return tape->error.status == STATUS_OK;
}

bool unet_inputs_fit(Tape *tape, const UnetConfig *c, const Tensor *x, const Tensor *text)
{
    char got[64];
    if (x == NULL || tape->error.status != STATUS_OK)
        return false;
    if (x->rank != 4 || x->dim[1] != c->in_channels || x->dim[0] < 1 || x->dim[2] < 1 || x->dim[3] < 1)
        tape_fail(tape, STATUS_SHAPE, "input of shape %s, the U-Net expects (N,%d,H,W)",
                  tensor_shape_text(x, got), c->in_channels);
    for (int i = 0; i < c->levels; i++)
        text_fits(tape, c, i, c->level[i].down_attends || c->level[i].up_attends, x, text);
    text_fits(tape, c, c->levels - 1, c->mid == UNET_MID_CROSS_ATTN, x, text);
    return tape->error.status == STATUS_OK;
}

bool unet_encode(UnetEncoding *out, Tape *tape, const UnetEncoder *e, Tensor *x, const float *timesteps,
                 Tensor *text, Tensor *hint, const UnetHooks *hooks)
{
    const UnetConfig *c = &e->config;
    if (!unet_inputs_fit(tape, c, x, text))
        return false;
    out->skip = tape_alloc(tape, (size_t)unet_skip_count(c), sizeof *out->skip);
    if (out->skip == NULL)
        return false;
    out->emb = embed_time(tape, e, timesteps, x->dim[0], hooks);

    if (c->center_input_sample)
        x = add_scalar(tape, scale(tape, x, 2.0f), -1.0f);
    Tensor *h = hooked_conv2d(tape, hooks, &e->conv_in, x, conv2d_padding(1, c->conv_in_kernel / 2));
    h = tape_named(tape, h, "conv_in", "");
    if (hint != NULL)
        h = add(tape, h, hint);

    int made = 0;
    out->skip[made++] = h;
    for (int i = 0; i < c->levels; i++) {
        h = down_block(tape, &e->down[i], h, out->emb, text, hooks, i, out->skip + made);
        made += down_block_skips(&e->down[i]);
    }
    h = mid_block(tape, &e->mid, h, out->emb, text, hooks);
    out->mid = hooks_add_mid_feature(tape, hooks, c->levels, h);
    return tape->error.status == STATUS_OK;
}
