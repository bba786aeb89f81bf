/* UNet2DConditionModel: every key of diffusers 0.27's class. */
#include "diffusion/unet.h"

#include "tests/config_keys.h"

enum { H = 6, W = 7, TOKENS = 3 };

static Status run(Sha256 *result, Bytes *written, const Json *json, Arena *arena, Error *err)
{
    UnetConfig c;
    Unet net;
    Weights w = weights_create(arena, 1);
    JsonWriter writer = {.out = written};
    Tape tape = {.arena = arena};
    UnetHooks hooks = {0};
    const float t[1] = {321.5f}, guidance[1] = {6.5f};
    Status status = unet_config_read(&c, json, "config.json", arena, err);
    if (status != STATUS_OK)
        return status;
    unet_config_write(&writer, &c);
    unet_load(&net, &c, &w, "");
    status = weights_finish(&w, err);
    if (status != STATUS_OK)
        return status;
    set_by_name(&w, result);
    hooks.guidance = c.time_cond_proj_dim != 0 ? guidance : NULL;
    Tensor *x = any_tensor(arena, 2, 4, 1, c.in_channels, H, W);
    Tensor *text = any_tensor(arena, 3, 3, 1, TOKENS, c.level[0].cross_attention_dim);
    return hash_result(result, &tape, unet(&tape, &net, x, t, text, &hooks), err);
}

/* All keys of the class, in the order in which it names them, with values under which each of them matters. */
static const char *const BASE[][2] = {
    {"_class_name", "\"UNet2DConditionModel\""},
    {"sample_size", "8"},
    {"in_channels", "3"},
    {"out_channels", "2"},
    {"center_input_sample", "false"},
    {"flip_sin_to_cos", "true"},
    {"freq_shift", "0"},
    {"down_block_types", "[\"DownBlock2D\", \"CrossAttnDownBlock2D\"]"},
    {"mid_block_type", "\"UNetMidBlock2DCrossAttn\""},
    {"up_block_types", "[\"CrossAttnUpBlock2D\", \"UpBlock2D\"]"},
    {"only_cross_attention", "false"},
    {"block_out_channels", "[8, 16]"},
    {"layers_per_block", "1"},
    {"downsample_padding", "1"},
    {"mid_block_scale_factor", "1"},
    {"dropout", "0.0"},
    {"act_fn", "\"silu\""},
    {"norm_num_groups", "4"},
    {"norm_eps", "1e-05"},
    {"cross_attention_dim", "16"},
    {"transformer_layers_per_block", "1"},
    {"reverse_transformer_layers_per_block", "null"},
    {"encoder_hid_dim", "null"},
    {"encoder_hid_dim_type", "null"},
    {"attention_head_dim", "2"},
    {"num_attention_heads", "null"},
    {"dual_cross_attention", "false"},
    {"use_linear_projection", "false"},
    {"class_embed_type", "null"},
    {"addition_embed_type", "null"},
    {"addition_time_embed_dim", "null"},
    {"num_class_embeds", "null"},
    {"upcast_attention", "false"},
    {"resnet_time_scale_shift", "\"default\""},
    {"resnet_skip_time_act", "false"},
    {"resnet_out_scale_factor", "1.0"},
    {"time_embedding_type", "\"positional\""},
    {"time_embedding_dim", "null"},
    {"time_embedding_act_fn", "null"},
    {"timestep_post_act", "null"},
    {"time_cond_proj_dim", "null"},
    {"conv_in_kernel", "3"},
    {"conv_out_kernel", "3"},
    {"projection_class_embeddings_input_dim", "null"},
    {"attention_type", "\"default\""},
    {"class_embeddings_concat", "false"},
    {"mid_block_only_cross_attention", "null"},
    {"cross_attention_norm", "null"},
    {"addition_embed_type_num_heads", "64"},
    {NULL, NULL},
};

static const KeyRow ROWS[] = {
    {"_class_name", "\"UNet2DModel\"", REFUSED, NULL},
    {"sample_size", "[8, 16]", KEPT, NULL},
    {"sample_size", "null", KEPT, NULL},
    {"sample_size", "\"large\"", REFUSED, NULL},
    {"in_channels", "9", CHANGES, NULL},
    {"out_channels", "4", CHANGES, NULL},
    {"center_input_sample", "true", CHANGES, NULL},
    {"flip_sin_to_cos", "false", CHANGES, NULL},
    {"freq_shift", "1", CHANGES, NULL},
    {"down_block_types", "[\"CrossAttnDownBlock2D\", \"DownBlock2D\"]", CHANGES, NULL},
    {"down_block_types", "[\"DownBlock2D\", \"SimpleCrossAttnDownBlock2D\"]", REFUSED, NULL},
    {"mid_block_type", "\"UNetMidBlock2D\"", CHANGES, NULL},
    {"mid_block_type", "null", CHANGES, NULL},
    {"mid_block_type", "\"UNetMidBlock2DSimpleCrossAttn\"", REFUSED, NULL},
    {"up_block_types", "[\"UpBlock2D\", \"CrossAttnUpBlock2D\"]", CHANGES, NULL},
    {"up_block_types", "[\"CrossAttnUpBlock2D\", \"ResnetUpsampleBlock2D\"]", REFUSED, NULL},
    {"only_cross_attention", "true", CHANGES, "\"cross_attention_dim\": 24"},
    {"only_cross_attention", "[false, true]", CHANGES, NULL},
    {"block_out_channels", "[8, 24]", CHANGES, NULL},
    {"layers_per_block", "2", CHANGES, NULL},
    {"layers_per_block", "[1, 2]", CHANGES, NULL},
    {"downsample_padding", "0", CHANGES, NULL},
    {"mid_block_scale_factor", "1.5", CHANGES, NULL},
    {"dropout", "0.1", REFUSED, NULL},
    {"act_fn", "\"swish\"", SAME, NULL},
    {"act_fn", "\"gelu\"", REFUSED, NULL},
    {"norm_num_groups", "2", CHANGES, NULL},
    {"norm_num_groups", "3", REFUSED, NULL},
    {"norm_num_groups", "null", REFUSED, NULL},
    {"norm_eps", "0.01", CHANGES, NULL},
    {"cross_attention_dim", "20", CHANGES, NULL},
    {"cross_attention_dim", "[16, 16]", SAME, NULL},
    {"transformer_layers_per_block", "2", CHANGES, NULL},
    {"transformer_layers_per_block", "[[1, 1], [1, 1]]", REFUSED, NULL},
    {"reverse_transformer_layers_per_block", "[3, 1]", CHANGES, NULL},
    {"encoder_hid_dim", "32", REFUSED, NULL},
    {"encoder_hid_dim_type", "\"text_proj\"", REFUSED, NULL},
    {"attention_head_dim", "4", CHANGES, NULL}, /* the number of heads */
    {"attention_head_dim", "[2, 8]", CHANGES, NULL},
    {"attention_head_dim", "[8, 2]", KEPT, NULL}, /* level 0 does not attend */
    {"attention_head_dim", "3", REFUSED, NULL},
    {"num_attention_heads", "2", REFUSED, NULL},
    {"dual_cross_attention", "true", REFUSED, NULL},
    {"use_linear_projection", "true", CHANGES, NULL},
    {"class_embed_type", "\"timestep\"", REFUSED, NULL},
    {"addition_embed_type", "\"text\"", REFUSED, NULL},
    {"addition_time_embed_dim", "256", REFUSED, NULL},
    {"num_class_embeds", "10", REFUSED, NULL},
    {"upcast_attention", "true", KEPT, NULL}, /* everything is binary32 */
    {"resnet_time_scale_shift", "\"scale_shift\"", REFUSED, NULL},
    {"resnet_skip_time_act", "true", REFUSED, NULL},
    {"resnet_out_scale_factor", "2.0", REFUSED, NULL},
    {"time_embedding_type", "\"fourier\"", REFUSED, NULL},
    {"time_embedding_dim", "20", CHANGES, NULL},
    {"time_embedding_act_fn", "\"silu\"", REFUSED, NULL},
    {"timestep_post_act", "\"silu\"", REFUSED, NULL},
    {"time_cond_proj_dim", "8", CHANGES, NULL},
    {"conv_in_kernel", "1", CHANGES, NULL},
    {"conv_in_kernel", "2", REFUSED, NULL},
    {"conv_out_kernel", "5", CHANGES, NULL},
    {"projection_class_embeddings_input_dim", "8", REFUSED, NULL},
    {"attention_type", "\"gated\"", REFUSED, NULL},
    {"class_embeddings_concat", "true", REFUSED, NULL},
    {"mid_block_only_cross_attention", "true", REFUSED, NULL},
    {"mid_block_only_cross_attention", "false", SAME, NULL},
    {"cross_attention_norm", "\"group_norm\"", REFUSED, NULL},
    {"addition_embed_type_num_heads", "32", REFUSED, NULL},
};

int main(void)
{
    check_keys(&(KeyTable){BASE, run, ROWS, sizeof ROWS / sizeof ROWS[0]});
    return check_report("unet_keys");
}
