/* tests/tiny_clip.h - a CLIP small enough for a test: pictures of 8 x 8 pixels in 4 patches, captions of up to 12
 * tokens, rows of 6 numbers. */
#ifndef TESTS_TINY_CLIP_H
#define TESTS_TINY_CLIP_H

#include "diffusion/clip.h"
#include "diffusion/tokenizer_train.h"
#include "tests/net_check.h"

enum { TINY_CLIP_SIDE = 8, TINY_CLIP_WIDTH = 6 };

static const char *const TINY_CLIP_CONFIG =
    "{\"architectures\": [\"CLIPModel\"], \"model_type\": \"clip\", \"projection_dim\": 6,"
    "\"text_config\": {\"vocab_size\": 600, \"max_position_embeddings\": 12, \"hidden_size\": 8,"
    "\"intermediate_size\": 16, \"num_hidden_layers\": 1, \"num_attention_heads\": 2, \"eos_token_id\": 2},"
    "\"vision_config\": {\"image_size\": 8, \"patch_size\": 4, \"hidden_size\": 12, \"intermediate_size\": "
    "20,"
    "\"num_hidden_layers\": 2, \"num_attention_heads\": 3}}";

static inline void tiny_clip_parts(ClipConfig *config, Tokenizer *tokenizer, Arena *arena)
{
    static const char *const CAPTIONS[] = {"a red square and a half", "a blue green",
                                           "an ivory tile on pink"};
    Arena scratch = {0};
    Error err = {0};
    const TokenizerTrainOptions options = {.vocabulary = 600, .times = 2, .length = 12};
    Status status = clip_config_read(config, json_of(arena, TINY_CLIP_CONFIG), "clip", arena, &err);
    if (status == STATUS_OK)
        status = tokenizer_train(tokenizer, CAPTIONS, 3, options, arena, &scratch, &err);
    arena_free(&scratch);
    if (!CHECK(status == STATUS_OK)) {
        printf("    %s\n", err.text);
        exit(1);
    }
}

static inline void tiny_clip_new(Clip *c, Arena *arena, bool trainable)
{
    ClipConfig config;
    Tokenizer tokenizer;
    Error err = {0};
    tiny_clip_parts(&config, &tokenizer, arena);
    if (!CHECK(clip_create(c, &config, &tokenizer, 61, trainable, arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        exit(1);
    }
    scramble(&c->weights, 62);
}

#endif
