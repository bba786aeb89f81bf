/* tests/tiny_control.h - a ControlNet for the U-Net of tests/tiny_unet.h: pictures of two channels, twice as wide and
 * high as the latent. */
#ifndef TESTS_TINY_CONTROL_H
#define TESTS_TINY_CONTROL_H

#include "diffusion/controlnet.h"
#include "tests/tiny_unet.h"

enum { TINY_PICTURE = 2, TINY_SKIPS = 7 };

static const char *const TINY_CONTROL_KEYS =
    "\"_class_name\": \"ControlNetModel\", \"in_channels\": 3, \"block_out_channels\": [4, 6, 8],"
    "\"norm_num_groups\": 2, \"layers_per_block\": [1, 2, 1], \"attention_head_dim\": [1, 2, 4],"
    "\"cross_attention_dim\": 6, \"transformer_layers_per_block\": [1, 2, 1],"
    "\"down_block_types\": [\"DownBlock2D\", \"CrossAttnDownBlock2D\", \"DownBlock2D\"],"
    "\"conditioning_channels\": 2, \"conditioning_embedding_out_channels\": [3, 5]";

typedef struct {
    Arena arena;
    Weights weights;
    ControlNetConfig config;
    ControlNet net;
    Tensor *picture; /* (N,2,2H,2W) */
} TinyControl;

/* `more`: further keys, each with a comma before it.  Created, not scrambled. */
static inline void tiny_control_new(TinyControl *t, const char *more, int N, bool trainable)
{
    char text[2000];
    Error err = {0};
    *t = (TinyControl){0};
    snprintf(text, sizeof text, "{%s%s}", TINY_CONTROL_KEYS, more);
    if (controlnet_config_read(&t->config, json_of(&t->arena, text), "tiny", &t->arena, &err) !=
        STATUS_OK) {
        CHECK(!"the config is read");
        printf("    %s\n", err.text);
        exit(1);
    }
    t->weights = weights_create(&t->arena, 51);
    t->weights.trainable = trainable;
    controlnet_load(&t->net, &t->config, &t->weights, "");
    if (weights_finish(&t->weights, &err) != STATUS_OK) {
        CHECK(!"the ControlNet is made");
        exit(1);
    }
    t->picture = any_tensor(&t->arena, 53, 4, N, TINY_PICTURE, 2 * TINY_H, 2 * TINY_W);
}

#endif
