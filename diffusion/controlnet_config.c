#include "diffusion/controlnet_config.h"

#include "diffusion/config_reader.h"

enum { CHANNELS = 65536 }; /* far above every published model */

static const char *const ORDERS[] = {"rgb", "bgr", NULL};

/* ControlNetModel's defaults. */
enum { DEFAULT_LEVELS = 4, DEFAULT_PICTURE = 3 };
static const int DEFAULT_CHANNELS[DEFAULT_LEVELS] = {16, 32, 96, 256};

/* What the U-Net has no key for. */
static const char *const OWN[] = {"conditioning_channels", "conditioning_embedding_out_channels",
                                  "controlnet_conditioning_channel_order", "global_pool_conditions", NULL};

/* What only a U-Net has: this class does not know it, and takes the middle for granted. */
static void refuse_foreign(ConfigReader *r)
{
    static const char *const FOREIGN[] = {"dropout",
                                          "reverse_transformer_layers_per_block",
                                          "dual_cross_attention",
                                          "resnet_skip_time_act",
                                          "resnet_out_scale_factor",
                                          "time_embedding_type",
                                          "time_embedding_act_fn",
                                          "timestep_post_act",
                                          "attention_type",
                                          "class_embeddings_concat",
                                          "mid_block_only_cross_attention",
                                          "cross_attention_norm"};
    for (size_t i = 0; i < sizeof FOREIGN / sizeof FOREIGN[0]; i++)
        if (!config_is_null(r, FOREIGN[i]))
            config_refuse(r, FOREIGN[i], "a setting that is not known");
    if (config_get(r, "mid_block_type") != NULL && config_is_null(r, "mid_block_type"))
        config_refuse(r, "mid_block_type", "a ControlNet has a middle");
}

static void read_embedding(ConfigReader *r, ControlNetConfig *c)
{
    const char *key = "conditioning_embedding_out_channels";
    const Json *channels = config_get(r, key);
    const size_t count = channels != NULL ? json_count(channels) : DEFAULT_LEVELS;
    if (channels != NULL && (json_kind(channels) != JSON_ARRAY || count < 1 || count > CONTROLNET_LEVELS)) {
        config_refuse(r, key, "expected a list of 1 to %d numbers", CONTROLNET_LEVELS);
        return;
    }
    c->embedding_levels = (int)count;
    for (int i = 0; i < c->embedding_levels; i++)
        c->embedding_channels[i] = channels != NULL
                                       ? config_int_at(r, key, i, c->embedding_levels, 1, 1, CHANNELS)
                                       : DEFAULT_CHANNELS[i];
}

Status controlnet_config_read(ControlNetConfig *out, const Json *json, const char *name, Arena *arena,
                              Error *err)
{
    ConfigReader reader = config_reader(json, name, arena), *r = &reader;
    ControlNetConfig c = {0};
    refuse_foreign(r);
    read_embedding(r, &c);
    c.conditioning_channels = config_int(r, OWN[0], DEFAULT_PICTURE, 1, CHANNELS);
    c.bgr = config_choice(r, OWN[2], 0, ORDERS) == 1;
    c.global_pool_conditions = config_bool(r, OWN[3], false);
    if (r->error.status != STATUS_OK)
        return error_set(err, r->error.status, "%s", r->error.text);
    const Status status = unet_config_read_controlnet(&c.unet, json, name, OWN, arena, err);
    if (status == STATUS_OK)
        *out = c;
    return status;
}

Status controlnet_config_for(ControlNetConfig *out, const UnetConfig *unet, Arena *arena, Error *err)
{
    ControlNetConfig c = {
        .unet = *unet, .conditioning_channels = DEFAULT_PICTURE, .embedding_levels = DEFAULT_LEVELS};
    UnetConfig *u = &c.unet;
    if (u->mid == UNET_MID_NONE || u->conv_in_kernel != 3 || u->center_input_sample ||
        u->time_embedding_dim != 4 * u->level[0].channels)
        return error_set(err, STATUS_ARGUMENT, "no ControlNet copies a U-Net with %s of its own",
                         u->mid == UNET_MID_NONE  ? "a mid_block_type"
                         : u->conv_in_kernel != 3 ? "a conv_in_kernel"
                         : u->center_input_sample ? "a center_input_sample"
                                                  : "a time_embedding_dim");
    u->level = arena_alloc(arena, (size_t)u->levels, sizeof *u->level);
    if (u->level == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a ControlNet");
    for (int i = 0; i < u->levels; i++) {
        u->level[i] = unet->level[i];
        u->level[i].up_attends = false;
        u->level[i].up_transformer_layers = 0;
    }
    u->sample_height = u->sample_width = u->out_channels = u->time_cond_proj_dim = 0;
    u->conv_out_kernel = 3; /* as the reader leaves it */
    for (int i = 0; i < DEFAULT_LEVELS; i++)
        c.embedding_channels[i] = DEFAULT_CHANNELS[i];
    *out = c;
    return STATUS_OK;
}

void controlnet_config_write(JsonWriter *w, const ControlNetConfig *c)
{
    json_begin_object(w, NULL);
    json_write_text(w, "_class_name", "ControlNetModel");
    json_write_text(w, "_diffusers_version", "0.27.2");
    unet_config_write_shared(w, &c->unet);
    json_write_int(w, OWN[0], c->conditioning_channels);
    json_begin_array(w, OWN[1]);
    for (int i = 0; i < c->embedding_levels; i++)
        json_write_int(w, NULL, c->embedding_channels[i]);
    json_end(w);
    json_write_text(w, OWN[2], ORDERS[c->bgr]);
    json_write_bool(w, OWN[3], c->global_pool_conditions);
    json_end(w);
}

bool controlnet_config_same(const ControlNetConfig *a, const ControlNetConfig *b)
{
    bool same = unet_config_same(&a->unet, &b->unet) &&
                a->conditioning_channels == b->conditioning_channels &&
                a->embedding_levels == b->embedding_levels && a->bgr == b->bgr &&
                a->global_pool_conditions == b->global_pool_conditions;
    for (int i = 0; same && i < a->embedding_levels; i++)
        same = a->embedding_channels[i] == b->embedding_channels[i];
    return same;
}

int controlnet_factor(const ControlNetConfig *c)
{
    return 1 << (c->embedding_levels - 1);
}

int controlnet_residuals(const ControlNetConfig *c)
{
    return unet_skip_count(&c->unet);
}
