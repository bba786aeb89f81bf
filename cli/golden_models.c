#include "cli/golden_models.h"

#include <string.h>

#include "diffusion/tokenizer_train.h"

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

static Status unet_config(UnetConfig *out, Arena *arena, Error *err)
{
    const Json *json = NULL;
    const Status status = json_parse(&json, unet_json, strlen(unet_json), "golden U-Net", arena, err);
    return status == STATUS_OK ? unet_config_read(out, json, "golden U-Net", arena, err) : status;
}

static Status vae_config(VaeConfig *out, Arena *arena, Error *err)
{
    const Json *json = NULL;
    const Status status = json_parse(&json, vae_json, strlen(vae_json), "golden VAE", arena, err);
    return status == STATUS_OK ? vae_config_read(out, json, "golden VAE", arena, err) : status;
}

static ClipTextConfig text_config(int vocabulary, int positions, int end)
{
    ClipTextConfig config = {.vocab_size = vocabulary, .positions = positions, .eos_token_id = end};
    config.shape = (ClipShape){
        .width = GOLDEN_TEXT_WIDTH, .inner = 32, .layers = 2, .heads = 2, .eps = 1e-5f, .causal = true};
    config.shape.act = ACTIVATION_QUICK_GELU;
    return config;
}

Status golden_unet(Unet *out, Weights *w, Arena *arena, Error *err)
{
    UnetConfig config;
    const Status status = unet_config(&config, arena, err);
    if (status != STATUS_OK)
        return status;
    unet_load(out, &config, w, "");
    return weights_finish(w, err);
}

Status golden_vae(Vae *out, Weights *w, Arena *arena, Error *err)
{
    VaeConfig config;
    const Status status = vae_config(&config, arena, err);
    if (status != STATUS_OK)
        return status;
    vae_load(out, &config, w, "");
    return weights_finish(w, err);
}

void golden_text(ClipText *out, Weights *w)
{
    const ClipTextConfig config = text_config(GOLDEN_VOCABULARY, GOLDEN_TEXT_LENGTH, 21);
    clip_text_load(out, w, &config);
}

Status golden_model(Model *out, Arena *arena, Error *err)
{
    static const char *const captions[] = {"a red apple and a red heart", "a blue heart",
                                           "two hearts and an apple"};
    const TokenizerTrainOptions options = {.vocabulary = 540, .times = 2, .length = 10};
    ModelConfig config = {.scheduler = SCHEDULER_STABLE_DIFFUSION};
    Tokenizer tokenizer;
    Arena scratch = {.account = arena->account};
    Status status = unet_config(&config.unet, arena, err);
    if (status == STATUS_OK)
        status = vae_config(&config.vae, arena, err);
    if (status == STATUS_OK)
        status = tokenizer_train(&tokenizer, captions, 3, options, arena, &scratch, err);
    arena_free(&scratch);
    if (status != STATUS_OK)
        return status;
    config.text = text_config(tokenizer.vocabulary, tokenizer.length, tokenizer.end);
    return model_create(out, &config, &tokenizer, 7, 0, arena, err);
}
