#include "diffusion/unet_config.h"

#include <math.h>
#include <string.h>

#include "diffusion/config_reader.h"

/* Far above every published model, and small enough that no product of two overflows. */
enum { CHANNELS = 65536, LAYERS = 256, SAMPLE = 65536 };

static const char *const DOWN_TYPES[] = {"DownBlock2D", "CrossAttnDownBlock2D", NULL};
static const char *const UP_TYPES[] = {"UpBlock2D", "CrossAttnUpBlock2D", NULL};
static const char *const MID_TYPES[] = {"UNetMidBlock2D", "UNetMidBlock2DCrossAttn", NULL};
static const char *const ACTIVATIONS[] = {"silu", "swish", NULL}; /* two names of one function */

/* The class's defaults for absent lists: Stable Diffusion 1. */
enum { DEFAULT_LEVELS = 4 };
static const int DEFAULT_CHANNELS[DEFAULT_LEVELS] = {320, 640, 1280, 1280};

static int read_levels(ConfigReader *r)
{
    const Json *channels = config_get(r, "block_out_channels");
    if (channels == NULL)
        return DEFAULT_LEVELS;
    const size_t count = json_count(channels);
    if (json_kind(channels) != JSON_ARRAY || count < 1 || count > UNET_LEVELS) {
        config_refuse(r, "block_out_channels", "expected a list of 1 to %d numbers", UNET_LEVELS);
        return 1;
    }
    return (int)count;
}

/* Block i of a list of block types that has `levels` entries; absent: attention everywhere but in the block
 * of the coarsest level. */
static bool block_attends(ConfigReader *r, const char *key, int i, int levels, int coarsest,
                          const char *const *types)
{
    const Json *list = config_get(r, key);
    if (list == NULL && levels == DEFAULT_LEVELS)
        return i != coarsest;
    if (json_kind(list) != JSON_ARRAY || json_count(list) != (size_t)levels) {
        config_refuse(r, key, "expected a list of %d block types, one for each of block_out_channels",
                      levels);
        return false;
    }
    return config_choice_at(r, key, i, types) == 1;
}

/* transformer_layers_per_block read backwards, unless the file gives the way up its own list. */
static int read_up_transformer_layers(ConfigReader *r, int level, int levels)
{
    const char *key = "reverse_transformer_layers_per_block";
    if (config_is_null(r, key))
        return config_int_at(r, "transformer_layers_per_block", level, levels, 1, 1, LAYERS);
    return config_int_at(r, key, levels - 1 - level, levels, 1, 1, LAYERS);
}

static UnetLevel read_level(ConfigReader *r, int i, int levels, bool has_up)
{
    UnetLevel l = {.channels = config_get(r, "block_out_channels") == NULL ? DEFAULT_CHANNELS[i] : 0};
    if (l.channels == 0)
        l.channels = config_int_at(r, "block_out_channels", i, levels, 1, 1, CHANNELS);
    l.layers = config_int_at(r, "layers_per_block", i, levels, 2, 1, LAYERS);
    l.heads = config_int_at(r, "attention_head_dim", i, levels, 8, 1, CHANNELS);
    l.cross_attention_dim = config_int_at(r, "cross_attention_dim", i, levels, 1280, 1, CHANNELS);
    l.transformer_layers = config_int_at(r, "transformer_layers_per_block", i, levels, 1, 1, LAYERS);
    l.only_cross_attention = config_bool_at(r, "only_cross_attention", i, levels, false);
    l.down_attends = block_attends(r, "down_block_types", i, levels, levels - 1, DOWN_TYPES);
    if (has_up) {
        l.up_transformer_layers = read_up_transformer_layers(r, i, levels);
        l.up_attends = block_attends(r, "up_block_types", levels - 1 - i, levels, 0, UP_TYPES);
    }
    return l;
}

/* One number, [height, width], or null. */
static void read_sample_size(ConfigReader *r, UnetConfig *c)
{
    if (config_is_null(r, "sample_size"))
        return;
    c->sample_height = config_int_at(r, "sample_size", 0, 2, 0, 1, SAMPLE);
    c->sample_width = config_int_at(r, "sample_size", 1, 2, 0, 1, SAMPLE);
}

static UnetMid read_mid(ConfigReader *r)
{
    if (config_get(r, "mid_block_type") != NULL && config_is_null(r, "mid_block_type"))
        return UNET_MID_NONE;
    return config_choice(r, "mid_block_type", 1, MID_TYPES) == 1 ? UNET_MID_CROSS_ATTN : UNET_MID_PLAIN;
}

static int read_odd(ConfigReader *r, const char *key)
{
    const int kernel = config_int(r, key, 3, 1, 31);
    if (kernel % 2 == 0)
        config_refuse(r, key, "only odd kernels are supported");
    return kernel;
}

/* What U-Net and ControlNet have in common, and is honoured. */
static void read_common(ConfigReader *r, UnetConfig *c)
{
    c->in_channels = config_int(r, "in_channels", 4, 1, CHANNELS);
    c->mid = read_mid(r);
    c->mid_block_scale_factor = config_number(r, "mid_block_scale_factor", 1.0, 1e-6, 1e6);
    c->norm_num_groups = config_int(r, "norm_num_groups", 32, 1, CHANNELS);
    c->norm_eps = config_number(r, "norm_eps", 1e-5, 0.0, 1.0);
    c->flip_sin_to_cos = config_bool(r, "flip_sin_to_cos", true);
    c->freq_shift = config_number(r, "freq_shift", 0.0, 0.0, 1.0);
    c->use_linear_projection = config_bool(r, "use_linear_projection", false);
    c->upcast_attention = config_bool(r, "upcast_attention", false);
    c->downsample_padding = config_int(r, "downsample_padding", 1, 0, 1);
    config_choice(r, "act_fn", 0, ACTIVATIONS);
    c->conv_in_kernel = 3;
    c->conv_out_kernel = 3;
    c->time_embedding_dim = 4 * c->level[0].channels;
}

/* What only the U-Net has. */
static void read_unet_only(ConfigReader *r, UnetConfig *c)
{
    read_sample_size(r, c);
    c->out_channels = config_int(r, "out_channels", 4, 1, CHANNELS);
    c->center_input_sample = config_bool(r, "center_input_sample", false);
    c->conv_in_kernel = read_odd(r, "conv_in_kernel");
    c->conv_out_kernel = read_odd(r, "conv_out_kernel");
    if (!config_is_null(r, "time_embedding_dim"))
        c->time_embedding_dim = config_int(r, "time_embedding_dim", 0, 1, 4 * CHANNELS);
    if (!config_is_null(r, "time_cond_proj_dim"))
        c->time_cond_proj_dim = config_int(r, "time_cond_proj_dim", 0, 4, CHANNELS);
}

/* Settings of other models of the class (SDXL, Kandinsky, DeepFloyd, GLIGEN, UnCLIP ...): not done here. */
static void refuse_others(ConfigReader *r)
{
    static const char *const ONLY_NULL[] = {"num_attention_heads",
                                            "encoder_hid_dim",
                                            "encoder_hid_dim_type",
                                            "class_embed_type",
                                            "addition_embed_type",
                                            "addition_time_embed_dim",
                                            "num_class_embeds",
                                            "time_embedding_act_fn",
                                            "timestep_post_act",

                                            "projection_class_embeddings_input_dim",
                                            "cross_attention_norm"};
    for (size_t i = 0; i < sizeof ONLY_NULL / sizeof ONLY_NULL[0]; i++)
        config_only_null(r, ONLY_NULL[i]);
    if (!config_is_null(r, "mid_block_only_cross_attention"))
        config_only_bool(r, "mid_block_only_cross_attention", false);
    config_only_bool(r, "dual_cross_attention", false);
    config_only_bool(r, "resnet_skip_time_act", false);
    config_only_bool(r, "class_embeddings_concat", false);
    config_only_number(r, "dropout", 0.0);
    config_only_number(r, "resnet_out_scale_factor", 1.0);
    config_only_number(r, "addition_embed_type_num_heads", 64.0);
    config_only_text(r, "resnet_time_scale_shift", "default");
    config_only_text(r, "time_embedding_type", "positional");
    config_only_text(r, "attention_type", "default");
}

/* Numbers that have to fit each other. */
static void check_fits(ConfigReader *r, const UnetConfig *c)
{
    for (int i = 0; i < c->levels; i++) {
        const UnetLevel *l = &c->level[i];
        const bool middle = i == c->levels - 1 && c->mid == UNET_MID_CROSS_ATTN;
        if (l->channels % c->norm_num_groups != 0)
            config_refuse(r, "norm_num_groups", "which does not divide %d of block_out_channels",
                          l->channels);
        if ((l->down_attends || l->up_attends || middle) && l->channels % l->heads != 0)
            config_refuse(r, "attention_head_dim", "%d heads do not divide %d of block_out_channels",
                          l->heads, l->channels);
    }
    /* The sinusoids' frequencies divide by half the width less the shift. */
    if (c->level[0].channels / 2 - c->freq_shift <= 0.0)
        config_refuse(r, "freq_shift", "too large for a time embedding of width %d", c->level[0].channels);
}

static Status read_config(UnetConfig *out, ConfigReader *r, bool has_up, Arena *arena, Error *err)
{
    UnetConfig c = {.levels = read_levels(r)};
    c.level = arena_alloc(arena, (size_t)c.levels, sizeof *c.level);
    if (c.level == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory to read it", r->name);
    for (int i = 0; i < c.levels; i++)
        c.level[i] = read_level(r, i, c.levels, has_up);
    read_common(r, &c);
    if (has_up)
        read_unet_only(r, &c);
    refuse_others(r);
    if (r->error.status == STATUS_OK)
        check_fits(r, &c);
    const Status status = config_finish(r, err);
    if (status == STATUS_OK)
        *out = c;
    return status;
}

Status unet_config_read(UnetConfig *out, const Json *json, const char *name, Arena *arena, Error *err)
{
    ConfigReader r = config_reader(json, name, arena);
    config_class(&r, "UNet2DConditionModel");
    return read_config(out, &r, true, arena, err);
}

Status unet_config_read_controlnet(UnetConfig *out, const Json *json, const char *name,
                                   const char *const *own, Arena *arena, Error *err)
{
    ConfigReader r = config_reader(json, name, arena);
    config_class(&r, "ControlNetModel");
    for (int i = 0; own[i] != NULL; i++)
        config_get(&r, own[i]);
    return read_config(out, &r, false, arena, err);
}

bool unet_config_same(const UnetConfig *a, const UnetConfig *b)
{
    bool same =
        a->sample_height == b->sample_height && a->sample_width == b->sample_width &&
        a->in_channels == b->in_channels && a->out_channels == b->out_channels &&
        a->conv_in_kernel == b->conv_in_kernel && a->conv_out_kernel == b->conv_out_kernel &&
        a->levels == b->levels && a->mid == b->mid &&
        a->mid_block_scale_factor == b->mid_block_scale_factor &&
        a->norm_num_groups == b->norm_num_groups && a->norm_eps == b->norm_eps &&
        a->time_embedding_dim == b->time_embedding_dim && a->time_cond_proj_dim == b->time_cond_proj_dim &&
        a->flip_sin_to_cos == b->flip_sin_to_cos && a->freq_shift == b->freq_shift &&
        a->center_input_sample == b->center_input_sample &&
        a->use_linear_projection == b->use_linear_projection &&
        a->upcast_attention == b->upcast_attention && a->downsample_padding == b->downsample_padding;
    for (int i = 0; same && i < a->levels; i++) {
        const UnetLevel *p = &a->level[i], *q = &b->level[i];
        same = p->channels == q->channels && p->layers == q->layers && p->heads == q->heads &&
               p->cross_attention_dim == q->cross_attention_dim &&
               p->transformer_layers == q->transformer_layers &&
               p->up_transformer_layers == q->up_transformer_layers && p->down_attends == q->down_attends &&
               p->up_attends == q->up_attends && p->only_cross_attention == q->only_cross_attention;
    }
    return same;
}

int unet_skip_count(const UnetConfig *c)
{
    int count = c->levels; /* conv_in, and a down-sampling in each block but the last */
    for (int i = 0; i < c->levels; i++)
        count += c->level[i].layers;
    return count;
}
