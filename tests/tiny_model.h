/* tests/tiny_model.h - a whole text-to-image model small enough for a test: pictures of 16 x 16 pixels, latents of
 * 2 x 4 x 4, a tokenizer learned from three captions. */
#ifndef TESTS_TINY_MODEL_H
#define TESTS_TINY_MODEL_H

#include "diffusion/model.h"
#include "diffusion/tokenizer_train.h"
#include "tests/net_check.h"

static const char *const TINY_MODEL_UNET =
    "{\"in_channels\": 2, \"out_channels\": 2, \"sample_size\": 4, \"block_out_channels\": [4, 8],"
    "\"norm_num_groups\": 2, \"layers_per_block\": 1, \"attention_head_dim\": 2, \"cross_attention_dim\": "
    "8,"
    "\"down_block_types\": [\"CrossAttnDownBlock2D\", \"DownBlock2D\"],"
    "\"up_block_types\": [\"UpBlock2D\", \"CrossAttnUpBlock2D\"]}";

static const char *const TINY_MODEL_VAE =
    "{\"block_out_channels\": [4, 4, 4], \"norm_num_groups\": 2, \"layers_per_block\": 1, "
    "\"latent_channels\": 2,"
    "\"down_block_types\": [\"DownEncoderBlock2D\", \"DownEncoderBlock2D\", \"DownEncoderBlock2D\"],"
    "\"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\", \"UpDecoderBlock2D\"]}";

static const char *const TINY_MODEL_TEXT =
    "{\"architectures\": [\"CLIPTextModel\"], \"vocab_size\": 600, \"max_position_embeddings\": 12, "
    "\"hidden_size\": 8,"
    "\"intermediate_size\": 16, \"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"eos_token_id\": 2}";

/* Its parts' configurations and its tokenizer. */
static inline void tiny_model_parts(ModelConfig *config, Tokenizer *tokenizer, Arena *arena)
{
    static const char *const CAPTIONS[] = {"a red square and a red circle", "a blue square",
                                           "two blue circles"};
    Arena scratch = {0};
    Error err = {0};
    *config = (ModelConfig){.scheduler = SCHEDULER_STABLE_DIFFUSION};
    Status status = unet_config_read(&config->unet, json_of(arena, TINY_MODEL_UNET), "unet", arena, &err);
    if (status == STATUS_OK)
        status = vae_config_read(&config->vae, json_of(arena, TINY_MODEL_VAE), "vae", arena, &err);
    if (status == STATUS_OK)
        status = clip_text_config_read(&config->text, json_of(arena, TINY_MODEL_TEXT), "text", arena, &err);
    const TokenizerTrainOptions options = {.vocabulary = 600, .times = 2, .length = 12};
    if (status == STATUS_OK)
        status = tokenizer_train(tokenizer, CAPTIONS, 3, options, arena, &scratch, &err);
    arena_free(&scratch);
    if (!CHECK(status == STATUS_OK)) {
        printf("    %s\n", err.text);
        exit(1);
    }
}

static inline void tiny_model_new(Model *m, Arena *arena)
{
    ModelConfig config;
    Tokenizer tokenizer;
    Error err = {0};
    tiny_model_parts(&config, &tokenizer, arena);
    if (!CHECK(model_create(m, &config, &tokenizer, 51, 0, arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        exit(1);
    }
    scramble(&m->text_weights, 52);
    scramble(&m->unet_weights, 53);
    scramble(&m->vae_weights, 54);
}

#endif
