/* ControlNetModel and T2IAdapter: every key of diffusers 0.27's classes. */
#include "diffusion/controlnet.h"
#include "diffusion/t2i_adapter.h"
#include "tests/config_keys.h"

/* ---- ControlNet ---- */

static Status run_controlnet(Sha256 *result, Bytes *written, const Json *json, Arena *arena, Error *err)
{
    ControlNetConfig c;
    ControlNet net;
    Weights w = weights_create(arena, 1);
    JsonWriter writer = {.out = written};
    Tape tape = {.arena = arena};
    ControlResiduals r;
    const float t[1] = {321.5f};
    Status status = controlnet_config_read(&c, json, "config.json", arena, err);
    if (status != STATUS_OK)
        return status;
    controlnet_config_write(&writer, &c);
    controlnet_load(&net, &c, &w, "");
    status = weights_finish(&w, err);
    if (status != STATUS_OK)
        return status;
    set_by_name(&w, result);
    const int f = controlnet_factor(&c);
    Tensor *x = any_tensor(arena, 2, 4, 1, c.unet.in_channels, 6, 7);
    Tensor *text = any_tensor(arena, 3, 3, 1, 3, c.unet.level[0].cross_attention_dim);
    Tensor *picture = any_tensor(arena, 4, 4, 1, c.conditioning_channels, f * 6, f * 7);
    Tensor *condition = controlnet_condition(&tape, &net, picture);
    if (!controlnet(&r, &tape, &net, x, t, text, condition, (ControlOptions){.scale = 1.0f}))
        return hash_result(result, &tape, NULL, err);
    for (int i = 0; i < r.count; i++)
        hash_numbers(result, r.down[i]->data, tensor_count(r.down[i]));
    return hash_result(result, &tape, r.mid, err);
}

static const char *const CONTROLNET_BASE[][2] = {
    {"_class_name", "\"ControlNetModel\""},
    {"in_channels", "4"},
    {"conditioning_channels", "3"},
    {"flip_sin_to_cos", "true"},
    {"freq_shift", "0"},
    {"down_block_types", "[\"DownBlock2D\", \"CrossAttnDownBlock2D\"]"},
    {"mid_block_type", "\"UNetMidBlock2DCrossAttn\""},
    {"only_cross_attention", "false"},
    {"block_out_channels", "[8, 16]"},
    {"layers_per_block", "1"},
    {"downsample_padding", "1"},
    {"mid_block_scale_factor", "1"},
    {"act_fn", "\"silu\""},
    {"norm_num_groups", "4"},
    {"norm_eps", "1e-05"},
    {"cross_attention_dim", "16"},
    {"transformer_layers_per_block", "1"},
    {"encoder_hid_dim", "null"},
    {"encoder_hid_dim_type", "null"},
    {"attention_head_dim", "2"},
    {"num_attention_heads", "null"},
    {"use_linear_projection", "false"},
    {"class_embed_type", "null"},
    {"addition_embed_type", "null"},
    {"addition_time_embed_dim", "null"},
    {"num_class_embeds", "null"},
    {"upcast_attention", "false"},
    {"resnet_time_scale_shift", "\"default\""},
    {"projection_class_embeddings_input_dim", "null"},
    {"controlnet_conditioning_channel_order", "\"rgb\""},
    {"conditioning_embedding_out_channels", "[4, 6]"},
    {"global_pool_conditions", "false"},
    {"addition_embed_type_num_heads", "64"},
    {NULL, NULL},
};

static const KeyRow CONTROLNET_ROWS[] = {
    {"_class_name", "\"UNet2DConditionModel\"", REFUSED, NULL},
    {"in_channels", "9", CHANGES, NULL},
    {"conditioning_channels", "1", CHANGES, NULL},
    {"conditioning_channels", "0", REFUSED, NULL},
    {"flip_sin_to_cos", "false", CHANGES, NULL},
    {"freq_shift", "1", CHANGES, NULL},
    {"down_block_types", "[\"CrossAttnDownBlock2D\", \"DownBlock2D\"]", CHANGES, NULL},
    {"mid_block_type", "\"UNetMidBlock2D\"", CHANGES, NULL},
    {"mid_block_type", "null", REFUSED, NULL},
    {"only_cross_attention", "true", CHANGES, NULL},
    {"block_out_channels", "[8, 24]", CHANGES, NULL},
    {"layers_per_block", "2", CHANGES, NULL},
    {"downsample_padding", "0", CHANGES, NULL},
    {"mid_block_scale_factor", "1.5", CHANGES, NULL},
    {"act_fn", "\"mish\"", REFUSED, NULL},
    {"norm_num_groups", "2", CHANGES, NULL},
    {"norm_eps", "0.01", CHANGES, NULL},
    {"cross_attention_dim", "20", CHANGES, NULL},
    {"transformer_layers_per_block", "2", CHANGES, NULL},
    {"encoder_hid_dim", "32", REFUSED, NULL},
    {"encoder_hid_dim_type", "\"text_proj\"", REFUSED, NULL},
    {"attention_head_dim", "4", CHANGES, NULL},
    {"num_attention_heads", "2", REFUSED, NULL},
    {"use_linear_projection", "true", CHANGES, NULL},
    {"class_embed_type", "\"identity\"", REFUSED, NULL},
    {"addition_embed_type", "\"text_time\"", REFUSED, NULL},
    {"addition_time_embed_dim", "256", REFUSED, NULL},
    {"num_class_embeds", "10", REFUSED, NULL},
    {"upcast_attention", "true", KEPT, NULL},
    {"resnet_time_scale_shift", "\"scale_shift\"", REFUSED, NULL},
    {"projection_class_embeddings_input_dim", "8", REFUSED, NULL},
    {"controlnet_conditioning_channel_order", "\"bgr\"", CHANGES, NULL},
    {"controlnet_conditioning_channel_order", "\"grb\"", REFUSED, NULL},
    {"conditioning_embedding_out_channels", "[4, 6, 8]", CHANGES, NULL},
    {"conditioning_embedding_out_channels", "[4]", CHANGES, NULL},
    {"conditioning_embedding_out_channels", "[]", REFUSED, NULL},
    {"global_pool_conditions", "true", CHANGES, NULL},
    {"global_pool_conditions", "1", REFUSED, NULL},
    {"addition_embed_type_num_heads", "32", REFUSED, NULL},
    {"time_cond_proj_dim", "8", REFUSED, NULL}, /* a U-Net's alone */
    {"dropout", "0.0", REFUSED, NULL},
    {"sample_size", "64", REFUSED, NULL},
    {"mid_block_only_cross_attention", "false", REFUSED, NULL},
};

/* ---- T2I-Adapter ---- */

static Status run_adapter(Sha256 *result, Bytes *written, const Json *json, Arena *arena, Error *err)
{
    AdapterConfig c;
    T2iAdapter net;
    Weights w = weights_create(arena, 1);
    JsonWriter writer = {.out = written};
    Tape tape = {.arena = arena};
    AdapterFeatures f;
    Status status = t2i_adapter_config_read(&c, json, "config.json", arena, err);
    if (status != STATUS_OK)
        return status;
    t2i_adapter_config_write(&writer, &c);
    t2i_adapter_load(&net, &c, &w, "");
    status = weights_finish(&w, err);
    if (status != STATUS_OK)
        return status;
    set_by_name(&w, result);
    Tensor *picture = any_tensor(arena, 4, 4, 1, c.in_channels, 12, 24);
    if (!t2i_adapter(&f, &tape, &net, picture))
        return hash_result(result, &tape, NULL, err);
    for (int i = 0; i < f.count - 1; i++)
        hash_numbers(result, f.feature[i]->data, tensor_count(f.feature[i]));
    return hash_result(result, &tape, f.feature[f.count - 1], err);
}

static const char *const ADAPTER_BASE[][2] = {
    {"_class_name", "\"T2IAdapter\""},
    {"adapter_type", "\"full_adapter\""},
    {"in_channels", "3"},
    {"channels", "[4, 8, 8]"},
    {"num_res_blocks", "1"},
    {"downscale_factor", "4"},
    {NULL, NULL},
};

static const KeyRow ADAPTER_ROWS[] = {
    {"_class_name", "\"MultiAdapter\"", REFUSED, NULL},
    {"adapter_type", "\"full_adapter_xl\"", CHANGES, NULL},
    {"adapter_type", "\"light_adapter\"", CHANGES, NULL},
    {"adapter_type", "\"style_adapter\"", REFUSED, NULL},
    {"in_channels", "1", CHANGES, NULL},
    {"channels", "[4, 8, 12]", CHANGES, NULL},
    {"channels", "[4, 8, 12, 12]", CHANGES, "\"adapter_type\": \"full_adapter_xl\""},
    {"channels", "[4, 8, 8, 12]", REFUSED, "\"adapter_type\": \"full_adapter_xl\""},
    {"channels", "[4, 2]", REFUSED, "\"adapter_type\": \"light_adapter\""},
    {"channels", "8", REFUSED, NULL},
    {"num_res_blocks", "2", CHANGES, NULL},
    {"num_res_blocks", "0", CHANGES, NULL},
    {"num_res_blocks", "-1", REFUSED, NULL},
    {"downscale_factor", "2", CHANGES, NULL},
    {"downscale_factor", "0", REFUSED, NULL},
};

int main(void)
{
    check_keys(&(KeyTable){CONTROLNET_BASE, run_controlnet, CONTROLNET_ROWS,
                           sizeof CONTROLNET_ROWS / sizeof CONTROLNET_ROWS[0]});
    check_keys(
        &(KeyTable){ADAPTER_BASE, run_adapter, ADAPTER_ROWS, sizeof ADAPTER_ROWS / sizeof ADAPTER_ROWS[0]});
    return check_report("control_keys");
}
