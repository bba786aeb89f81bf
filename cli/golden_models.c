#include "cli/golden_models.h"

#include <string.h>

static const char *const unet_json = "{\"sample_size\": 8, \"block_out_channels\": [16, 32], "
                                     "\"layers_per_block\": 1, \"norm_num_groups\": 8,"
                                     " \"down_block_types\": [\"DownBlock2D\", \"CrossAttnDownBlock2D\"],"
                                     " \"up_block_types\": [\"CrossAttnUpBlock2D\", \"UpBlock2D\"],"
                                     " \"attention_head_dim\": 2, \"cross_attention_dim\": 16}";

static const char *const vae_json =
    "{\"sample_size\": 16, \"block_out_channels\": [8, 16, 16], \"layers_per_block\": 1, "
    "\"norm_num_groups\": 4,"
    " \"down_block_types\": [\"DownEncoderBlock2D\", \"DownEncoderBlock2D\", \"DownEncoderBlock2D\"],"
    " \"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\", \"UpDecoderBlock2D\"]}";

Status golden_unet(Unet *out, Weights *w, Arena *arena, Error *err)
{
    const Json *json = NULL;
    UnetConfig config;
    Status status = json_parse(&json, unet_json, strlen(unet_json), "golden U-Net", arena, err);
    if (status == STATUS_OK)
        status = unet_config_read(&config, json, "golden U-Net", arena, err);
    if (status != STATUS_OK)
        return status;
    unet_load(out, &config, w, "");
    return weights_finish(w, err);
}

Status golden_vae(Vae *out, Weights *w, Arena *arena, Error *err)
{
    const Json *json = NULL;
    VaeConfig config;
    Status status = json_parse(&json, vae_json, strlen(vae_json), "golden VAE", arena, err);
    if (status == STATUS_OK)
        status = vae_config_read(&config, json, "golden VAE", arena, err);
    if (status != STATUS_OK)
        return status;
    vae_load(out, &config, w, "");
    return weights_finish(w, err);
}

void golden_text(ClipText *out, Weights *w)
{
    ClipTextConfig config = {
        .vocab_size = GOLDEN_VOCABULARY, .positions = GOLDEN_TEXT_LENGTH, .eos_token_id = 21};
    config.shape = (ClipShape){
        .width = GOLDEN_TEXT_WIDTH, .inner = 32, .layers = 2, .heads = 2, .eps = 1e-5f, .causal = true};
    config.shape.act = ACTIVATION_QUICK_GELU;
    clip_text_load(out, w, &config);
}
