#include "diffusion/unet_blocks.h"

#include "diffusion/layer_name.h"

/* ---- loading ---- */

static ResBlockShape resnet_shape(const UnetConfig *c, int in, int out)
{
    return (ResBlockShape){.in = in,
                           .out = out,
                           .emb = c->time_embedding_dim,
                           .groups = c->norm_num_groups,
                           .eps = (float)c->norm_eps,
                           .scale = 1.0f};
}

static Transformer2dShape transformer_shape(const UnetConfig *c, const UnetLevel *level, int layers)
{
    return (Transformer2dShape){.channels = level->channels,
                                .groups = c->norm_num_groups,
                                .heads = level->heads,
                                .layers = layers,
                                .cross_attention_dim = level->cross_attention_dim,
                                .use_linear_projection = c->use_linear_projection,
                                .only_cross_attention = level->only_cross_attention};
}

void down_block_load(DownBlock *b, Weights *w, const char *prefix, const UnetConfig *c, int level)
{
    char own[WEIGHTS_NAME], child[WEIGHTS_NAME];
    const UnetLevel *l = &c->level[level];
    weights_child(own, prefix, "down_blocks.%d", level);
    *b = (DownBlock){.name = layer_name(w, own), .units = l->layers, .attends = l->down_attends};
    b->unit = layer_array(w, b->units, sizeof *b->unit);
    for (int i = 0; b->unit != NULL && i < b->units; i++) {
        const int in = i > 0 || level == 0 ? l->channels : c->level[level - 1].channels;
        res_block_load(&b->unit[i].resnet, w, weights_child(child, own, "resnets.%d", i),
                       resnet_shape(c, in, l->channels));
        if (l->down_attends)
            transformer2d_load(&b->unit[i].attention, w, weights_child(child, own, "attentions.%d", i),
                               transformer_shape(c, l, l->transformer_layers));
    }
    if (level < c->levels - 1)
        resample_layer_load(&b->down, w, weights_child(child, own, "downsamplers.0"), l->channels,
                            c->downsample_padding);
}

void mid_block_load(MidBlock *b, Weights *w, const char *prefix, const UnetConfig *c)
{
    char own[WEIGHTS_NAME], child[WEIGHTS_NAME];
    const UnetLevel *l = &c->level[c->levels - 1];
    ResBlockShape shape = resnet_shape(c, l->channels, l->channels);
    shape.scale = (float)c->mid_block_scale_factor;
    weights_child(own, prefix, "mid_block");
    *b = (MidBlock){.name = layer_name(w, own)};
    b->units = c->mid == UNET_MID_NONE ? 0 : c->mid == UNET_MID_PLAIN ? 1 : 2;
    for (int i = 0; i < b->units; i++)
        res_block_load(&b->unit[i].resnet, w, weights_child(child, own, "resnets.%d", i), shape);
    if (c->mid == UNET_MID_CROSS_ATTN) {
        Transformer2dShape attention = transformer_shape(c, l, l->transformer_layers);
        attention.only_cross_attention = false; /* the class does not hand it on to the middle */
        transformer2d_load(&b->unit[0].attention, w, weights_child(child, own, "attentions.0"), attention);
    }
}

/* Unit i of the way up takes what comes from below (or from the unit before) and the skip that the way down
 * left: the last one of a level was made by the level above. */
static int up_unit_channels(const UnetConfig *c, int level, int i, int units)
{
    const int own = c->level[level].channels;
    const int below = c->level[level < c->levels - 1 ? level + 1 : level].channels;
    const int above = c->level[level > 0 ? level - 1 : 0].channels;
    return (i == 0 ? below : own) + (i == units - 1 ? above : own);
}

void up_block_load(UpBlock *b, Weights *w, const char *prefix, const UnetConfig *c, int level)
{
    char own[WEIGHTS_NAME], child[WEIGHTS_NAME];
    const UnetLevel *l = &c->level[level];
    weights_child(own, prefix, "up_blocks.%d", c->levels - 1 - level);
    *b = (UpBlock){.name = layer_name(w, own), .units = l->layers + 1};
    b->unit = layer_array(w, b->units, sizeof *b->unit);
    for (int i = 0; b->unit != NULL && i < b->units; i++) {
        res_block_load(&b->unit[i].resnet, w, weights_child(child, own, "resnets.%d", i),
                       resnet_shape(c, up_unit_channels(c, level, i, b->units), l->channels));
        if (l->up_attends)
            transformer2d_load(&b->unit[i].attention, w, weights_child(child, own, "attentions.%d", i),
                               transformer_shape(c, l, l->up_transformer_layers));
    }
    if (level > 0)
        resample_layer_load(&b->up, w, weights_child(child, own, "upsamplers.0"), l->channels, 1);
}

/* ---- running ---- */

int down_block_skips(const DownBlock *b)
{
    return b->units + (b->down.conv.weight != NULL ? 1 : 0);
}

Tensor *down_block(Tape *tape, const DownBlock *b, Tensor *x, Tensor *emb, Tensor *text,
                   const UnetHooks *hooks, int index, Tensor **skip)
{
    int made = 0;
    for (int i = 0; i < b->units; i++) {
        x = res_unit(tape, &b->unit[i], x, NULL, emb, text, hooks);
        if (b->attends && i == b->units - 1)
            x = hooks_add_feature(tape, hooks, index, x);
        skip[made++] = x;
    }
    if (b->down.conv.weight != NULL)
        skip[made++] = downsample(tape, &b->down, x, hooks);
    if (!b->attends)
        skip[made - 1] = hooks_add_feature(tape, hooks, index, skip[made - 1]);
    return tape_named(tape, skip[made - 1], b->name, "");
}

Tensor *mid_block(Tape *tape, const MidBlock *b, Tensor *x, Tensor *emb, Tensor *text,
                  const UnetHooks *hooks)
{
    for (int i = 0; i < b->units; i++)
        x = res_unit(tape, &b->unit[i], x, NULL, emb, text, hooks);
    return b->units > 0 ? tape_named(tape, x, b->name, "") : x;
}

typedef struct {
    const UpBlock *block;
    const UnetHooks *hooks;
    int H, W;
} UpCall;

enum { X, EMB, TEXT, SKIPS }; /* inputs; the skips follow */

static Tensor *run_up_block(Tape *tape, const void *context, Tensor *const *inputs)
{
    const UpCall *call = context;
    const UpBlock *b = call->block;
    Tensor *x = inputs[X];
    for (int i = 0; i < b->units; i++)
        x = res_unit(tape, &b->unit[i], x, inputs[SKIPS + b->units - 1 - i], inputs[EMB], inputs[TEXT],
                     call->hooks);
    if (b->up.conv.weight != NULL)
        x = upsample(tape, &b->up, x, call->H, call->W, call->hooks);
    return tape_named(tape, x, b->name, "");
}

Tensor *up_block(Tape *tape, const UpBlock *b, Tensor *x, Tensor *const *skip, Tensor *emb, Tensor *text,
                 const UnetHooks *hooks, int H, int W)
{
    const UpCall call = {.block = b, .hooks = hooks, .H = H, .W = W};
    Tensor **inputs = tape_alloc(tape, (size_t)(SKIPS + b->units), sizeof *inputs);
    if (x == NULL || inputs == NULL)
        return NULL;
    inputs[X] = x;
    inputs[EMB] = emb;
    inputs[TEXT] = text;
    for (int i = 0; i < b->units; i++)
        inputs[SKIPS + i] = skip[i];
    return run_giving_back(tape, run_up_block, &call, sizeof call, inputs, SKIPS + b->units);
}
