/* diffusion/unet_config_write.c - the way back: a UnetConfig as diffusers' config.json. */
#include "diffusion/unet_config.h"

/* One number when all levels have the same, else a list. */
static void write_per_level(JsonWriter *w, const char *key, const int *value, int levels)
{
    bool same = true;
    for (int i = 1; i < levels; i++)
        same = same && value[i] == value[0];
    if (same) {
        json_write_int(w, key, value[0]);
        return;
    }
    json_begin_array(w, key);
    for (int i = 0; i < levels; i++)
        json_write_int(w, NULL, value[i]);
    json_end(w);
}

/* The way up gets a list of its own only when it is not the way down read backwards. */
static void write_up_transformer_layers(JsonWriter *w, const UnetConfig *c)
{
    const char *key = "reverse_transformer_layers_per_block";
    bool mirrored = true;
    for (int i = 0; i < c->levels; i++)
        mirrored = mirrored && c->level[i].up_transformer_layers == c->level[i].transformer_layers;
    if (mirrored) {
        json_write_null(w, key);
        return;
    }
    json_begin_array(w, key);
    for (int i = c->levels - 1; i >= 0; i--)
        json_write_int(w, NULL, c->level[i].up_transformer_layers);
    json_end(w);
}

static void write_only_cross_attention(JsonWriter *w, const UnetConfig *c)
{
    const char *key = "only_cross_attention";
    bool same = true;
    for (int i = 1; i < c->levels; i++)
        same = same && c->level[i].only_cross_attention == c->level[0].only_cross_attention;
    if (same) {
        json_write_bool(w, key, c->level[0].only_cross_attention);
        return;
    }
    json_begin_array(w, key);
    for (int i = 0; i < c->levels; i++)
        json_write_bool(w, NULL, c->level[i].only_cross_attention);
    json_end(w);
}

static void write_sample_size(JsonWriter *w, const UnetConfig *c)
{
    if (c->sample_height == 0) {
        json_write_null(w, "sample_size");
    } else if (c->sample_height == c->sample_width) {
        json_write_int(w, "sample_size", c->sample_height);
    } else {
        json_begin_array(w, "sample_size");
        json_write_int(w, NULL, c->sample_height);
        json_write_int(w, NULL, c->sample_width);
        json_end(w);
    }
}

static void write_down_types(JsonWriter *w, const UnetConfig *c)
{
    json_begin_array(w, "down_block_types");
    for (int i = 0; i < c->levels; i++)
        json_write_text(w, NULL, c->level[i].down_attends ? "CrossAttnDownBlock2D" : "DownBlock2D");
    json_end(w);
}

static void write_up_types(JsonWriter *w, const UnetConfig *c)
{
    json_begin_array(w, "up_block_types");
    for (int i = c->levels - 1; i >= 0; i--)
        json_write_text(w, NULL, c->level[i].up_attends ? "CrossAttnUpBlock2D" : "UpBlock2D");
    json_end(w);
}

static void write_mid_type(JsonWriter *w, const UnetConfig *c)
{
    if (c->mid == UNET_MID_NONE)
        json_write_null(w, "mid_block_type");
    else
        json_write_text(w, "mid_block_type",
                        c->mid == UNET_MID_PLAIN ? "UNetMidBlock2D" : "UNetMidBlock2DCrossAttn");
}

/* What each level has of its own, for a ControlNet. */
static void write_levels(JsonWriter *w, const UnetConfig *c)
{
    int heads[UNET_LEVELS], layers[UNET_LEVELS], transformers[UNET_LEVELS], widths[UNET_LEVELS];
    json_begin_array(w, "block_out_channels");
    for (int i = 0; i < c->levels; i++) {
        json_write_int(w, NULL, c->level[i].channels);
        heads[i] = c->level[i].heads;
        layers[i] = c->level[i].layers;
        transformers[i] = c->level[i].transformer_layers;
        widths[i] = c->level[i].cross_attention_dim;
    }
    json_end(w);
    write_per_level(w, "attention_head_dim", heads, c->levels);
    write_per_level(w, "cross_attention_dim", widths, c->levels);
    write_per_level(w, "layers_per_block", layers, c->levels);
    write_per_level(w, "transformer_layers_per_block", transformers, c->levels);
}

/* Keys from "_class_name" to "encoder_hid_dim_type". */
static void write_first_half(JsonWriter *w, const UnetConfig *c)
{
    int heads[UNET_LEVELS], widths[UNET_LEVELS];
    for (int i = 0; i < c->levels; i++) {
        heads[i] = c->level[i].heads;
        widths[i] = c->level[i].cross_attention_dim;
    }
    json_write_text(w, "_class_name", "UNet2DConditionModel");
    json_write_text(w, "_diffusers_version", "0.27.2");
    json_write_text(w, "act_fn", "silu");
    json_write_null(w, "addition_embed_type");
    json_write_int(w, "addition_embed_type_num_heads", 64);
    json_write_null(w, "addition_time_embed_dim");
    write_per_level(w, "attention_head_dim", heads, c->levels);
    json_write_text(w, "attention_type", "default");
    json_begin_array(w, "block_out_channels");
    for (int i = 0; i < c->levels; i++)
        json_write_int(w, NULL, c->level[i].channels);
    json_end(w);
    json_write_bool(w, "center_input_sample", c->center_input_sample);
    json_write_null(w, "class_embed_type");
    json_write_bool(w, "class_embeddings_concat", false);
    json_write_int(w, "conv_in_kernel", c->conv_in_kernel);
    json_write_int(w, "conv_out_kernel", c->conv_out_kernel);
    write_per_level(w, "cross_attention_dim", widths, c->levels);
    json_write_null(w, "cross_attention_norm");
    write_down_types(w, c);
    json_write_int(w, "downsample_padding", c->downsample_padding);
    json_write_number(w, "dropout", 0.0);
    json_write_bool(w, "dual_cross_attention", false);
    json_write_null(w, "encoder_hid_dim");
    json_write_null(w, "encoder_hid_dim_type");
}

/* Keys from "flip_sin_to_cos" to "use_linear_projection". */
static void write_second_half(JsonWriter *w, const UnetConfig *c)
{
    int layers[UNET_LEVELS], transformers[UNET_LEVELS];
    for (int i = 0; i < c->levels; i++) {
        layers[i] = c->level[i].layers;
        transformers[i] = c->level[i].transformer_layers;
    }
    json_write_bool(w, "flip_sin_to_cos", c->flip_sin_to_cos);
    json_write_number(w, "freq_shift", c->freq_shift);
    json_write_int(w, "in_channels", c->in_channels);
    write_per_level(w, "layers_per_block", layers, c->levels);
    json_write_null(w, "mid_block_only_cross_attention");
    json_write_number(w, "mid_block_scale_factor", c->mid_block_scale_factor);
    write_mid_type(w, c);
    json_write_number(w, "norm_eps", c->norm_eps);
    json_write_int(w, "norm_num_groups", c->norm_num_groups);
    json_write_null(w, "num_attention_heads");
    json_write_null(w, "num_class_embeds");
    write_only_cross_attention(w, c);
    json_write_int(w, "out_channels", c->out_channels);
    json_write_null(w, "projection_class_embeddings_input_dim");
    json_write_number(w, "resnet_out_scale_factor", 1.0);
    json_write_bool(w, "resnet_skip_time_act", false);
    json_write_text(w, "resnet_time_scale_shift", "default");
    write_up_transformer_layers(w, c);
    write_sample_size(w, c);
    if (c->time_cond_proj_dim != 0)
        json_write_int(w, "time_cond_proj_dim", c->time_cond_proj_dim);
    else
        json_write_null(w, "time_cond_proj_dim");
    json_write_null(w, "time_embedding_act_fn");
    json_write_int(w, "time_embedding_dim", c->time_embedding_dim);
    json_write_text(w, "time_embedding_type", "positional");
    json_write_null(w, "timestep_post_act");
    write_per_level(w, "transformer_layers_per_block", transformers, c->levels);
    write_up_types(w, c);
    json_write_bool(w, "upcast_attention", c->upcast_attention);
    json_write_bool(w, "use_linear_projection", c->use_linear_projection);
}

void unet_config_write(JsonWriter *w, const UnetConfig *c)
{
    json_begin_object(w, NULL);
    write_first_half(w, c);
    write_second_half(w, c);
    json_end(w);
}

void unet_config_write_shared(JsonWriter *w, const UnetConfig *c)
{
    static const char *const NULLS[] = {"addition_embed_type",  "addition_time_embed_dim",
                                        "class_embed_type",     "encoder_hid_dim",
                                        "encoder_hid_dim_type", "num_attention_heads",
                                        "num_class_embeds",     "projection_class_embeddings_input_dim"};
    json_write_text(w, "act_fn", "silu");
    for (size_t i = 0; i < sizeof NULLS / sizeof NULLS[0]; i++)
        json_write_null(w, NULLS[i]);
    json_write_int(w, "addition_embed_type_num_heads", 64);
    write_levels(w, c);
    write_down_types(w, c);
    json_write_int(w, "downsample_padding", c->downsample_padding);
    json_write_bool(w, "flip_sin_to_cos", c->flip_sin_to_cos);
    json_write_number(w, "freq_shift", c->freq_shift);
    json_write_int(w, "in_channels", c->in_channels);
    json_write_number(w, "mid_block_scale_factor", c->mid_block_scale_factor);
    write_mid_type(w, c);
    json_write_number(w, "norm_eps", c->norm_eps);
    json_write_int(w, "norm_num_groups", c->norm_num_groups);
    write_only_cross_attention(w, c);
    json_write_text(w, "resnet_time_scale_shift", "default");
    json_write_bool(w, "upcast_attention", c->upcast_attention);
    json_write_bool(w, "use_linear_projection", c->use_linear_projection);
}
