#include "diffusion/vae_config.h"

#include "diffusion/config_reader.h"

/* Far above every published model, and small enough that no product of two overflows. */
enum { CHANNELS = 65536, LAYERS = 256, SAMPLE = 65536 };

static const char *const ACTIVATIONS[] = {"silu", "swish", NULL}; /* two names of one function */

static void read_levels(ConfigReader *r, VaeConfig *c)
{
    const Json *channels = config_get(r, "block_out_channels");
    const size_t count = channels != NULL ? json_count(channels) : 1;
    c->levels = 1;
    c->channels[0] = 64;
    if (channels != NULL && (json_kind(channels) != JSON_ARRAY || count < 1 || count > VAE_LEVELS)) {
        config_refuse(r, "block_out_channels", "expected a list of 1 to %d numbers", VAE_LEVELS);
        return;
    }
    c->levels = (int)count;
    for (int i = 0; channels != NULL && i < c->levels; i++)
        c->channels[i] = config_int_at(r, "block_out_channels", i, c->levels, 64, 1, CHANNELS);
}

/* A list of `levels` times the one block type that there is; absent: a list of one. */
static void read_types(ConfigReader *r, const char *key, int levels, const char *type)
{
    const Json *list = config_get(r, key);
    if (list == NULL && levels == 1)
        return;
    if (json_kind(list) != JSON_ARRAY || json_count(list) != (size_t)levels) {
        config_refuse(r, key, "expected a list of %d block types, one for each of block_out_channels",
                      levels);
        return;
    }
    for (int i = 0; i < levels; i++)
        config_choice_at(r, key, i, (const char *const[]){type, NULL});
}

Status vae_config_read(VaeConfig *out, const Json *json, const char *name, Arena *arena, Error *err)
{
    ConfigReader reader = config_reader(json, name, arena), *r = &reader;
    VaeConfig c = {0};
    config_class(r, "AutoencoderKL");
    read_levels(r, &c);
    read_types(r, "down_block_types", c.levels, "DownEncoderBlock2D");
    read_types(r, "up_block_types", c.levels, "UpDecoderBlock2D");
    c.in_channels = config_int(r, "in_channels", 3, 1, CHANNELS);
    c.out_channels = config_int(r, "out_channels", 3, 1, CHANNELS);
    c.latent_channels = config_int(r, "latent_channels", 4, 1, CHANNELS);
    c.layers = config_int(r, "layers_per_block", 1, 1, LAYERS);
    c.norm_num_groups = config_int(r, "norm_num_groups", 32, 1, CHANNELS);
    c.sample_height = config_int_at(r, "sample_size", 0, 2, 32, 1, SAMPLE);
    c.sample_width = config_int_at(r, "sample_size", 1, 2, 32, 1, SAMPLE);
    c.mid_block_add_attention = config_bool(r, "mid_block_add_attention", true);
    c.use_quant_conv = config_bool(r, "use_quant_conv", true);
    c.use_post_quant_conv = config_bool(r, "use_post_quant_conv", true);
    c.scaling_factor = config_number(r, "scaling_factor", 0.18215, 1e-6, 1e6);
    if (!config_is_null(r, "shift_factor"))
        c.shift_factor = config_number(r, "shift_factor", 0.0, -1e6, 1e6);
    c.force_upcast = config_bool(r, "force_upcast", true);
    config_choice(r, "act_fn", 0, ACTIVATIONS);
    config_only_null(r, "latents_mean");
    config_only_null(r, "latents_std");
    for (int i = 0; i < c.levels; i++)
        if (c.channels[i] % c.norm_num_groups != 0)
            config_refuse(r, "norm_num_groups", "which does not divide %d of block_out_channels",
                          c.channels[i]);
    const Status status = config_finish(r, err);
    if (status == STATUS_OK)
        *out = c;
    return status;
}

static void write_types(JsonWriter *w, const char *key, int levels, const char *type)
{
    json_begin_array(w, key);
    for (int i = 0; i < levels; i++)
        json_write_text(w, NULL, type);
    json_end(w);
}

static void write_sample_size(JsonWriter *w, const VaeConfig *c)
{
    if (c->sample_height == c->sample_width) {
        json_write_int(w, "sample_size", c->sample_height);
        return;
    }
    json_begin_array(w, "sample_size");
    json_write_int(w, NULL, c->sample_height);
    json_write_int(w, NULL, c->sample_width);
    json_end(w);
}

/* Keys that diffusers 0.27 does not know are written only where they say something. */
void vae_config_write(JsonWriter *w, const VaeConfig *c)
{
    json_begin_object(w, NULL);
    json_write_text(w, "_class_name", "AutoencoderKL");
    json_write_text(w, "_diffusers_version", "0.27.2");
    json_write_text(w, "act_fn", "silu");
    json_begin_array(w, "block_out_channels");
    for (int i = 0; i < c->levels; i++)
        json_write_int(w, NULL, c->channels[i]);
    json_end(w);
    write_types(w, "down_block_types", c->levels, "DownEncoderBlock2D");
    json_write_bool(w, "force_upcast", c->force_upcast);
    json_write_int(w, "in_channels", c->in_channels);
    json_write_int(w, "latent_channels", c->latent_channels);
    json_write_null(w, "latents_mean");
    json_write_null(w, "latents_std");
    json_write_int(w, "layers_per_block", c->layers);
    if (!c->mid_block_add_attention)
        json_write_bool(w, "mid_block_add_attention", false);
    json_write_int(w, "norm_num_groups", c->norm_num_groups);
    json_write_int(w, "out_channels", c->out_channels);
    write_sample_size(w, c);
    json_write_number(w, "scaling_factor", c->scaling_factor);
    if (c->shift_factor != 0.0)
        json_write_number(w, "shift_factor", c->shift_factor);
    write_types(w, "up_block_types", c->levels, "UpDecoderBlock2D");
    if (!c->use_post_quant_conv)
        json_write_bool(w, "use_post_quant_conv", false);
    if (!c->use_quant_conv)
        json_write_bool(w, "use_quant_conv", false);
    json_end(w);
}

bool vae_config_same(const VaeConfig *a, const VaeConfig *b)
{
    bool same = a->sample_height == b->sample_height && a->sample_width == b->sample_width &&
                a->in_channels == b->in_channels && a->out_channels == b->out_channels &&
                a->latent_channels == b->latent_channels && a->levels == b->levels &&
                a->layers == b->layers && a->norm_num_groups == b->norm_num_groups &&
                a->mid_block_add_attention == b->mid_block_add_attention &&
                a->use_quant_conv == b->use_quant_conv &&
                a->use_post_quant_conv == b->use_post_quant_conv &&
                a->scaling_factor == b->scaling_factor && a->shift_factor == b->shift_factor &&
                a->force_upcast == b->force_upcast;
    for (int i = 0; same && i < a->levels; i++)
        same = a->channels[i] == b->channels[i];
    return same;
}

int vae_factor(const VaeConfig *c)
{
    return 1 << (c->levels - 1);
}
