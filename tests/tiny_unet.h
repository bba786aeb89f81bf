/* tests/tiny_unet.h - a U-Net small enough for a test, with everything in it that the class has: three levels
 * of different width, depth and heads, blocks with and without attention, odd sizes. */
#ifndef TESTS_TINY_UNET_H
#define TESTS_TINY_UNET_H

#include "diffusion/unet.h"
#include "tests/net_check.h"

enum { TINY_H = 5, TINY_W = 7, TINY_TOKENS = 3, TINY_TEXT = 6, TINY_CHANNELS = 3 };

static const char *const TINY_UNET =
    "{\"in_channels\": 3, \"out_channels\": 3, \"block_out_channels\": [4, 6, 8], \"norm_num_groups\": 2,"
    "\"layers_per_block\": [1, 2, 1], \"attention_head_dim\": [1, 2, 4], \"cross_attention_dim\": 6,"
    "\"transformer_layers_per_block\": [1, 2, 1],"
    "\"down_block_types\": [\"DownBlock2D\", \"CrossAttnDownBlock2D\", \"DownBlock2D\"],"
    "\"up_block_types\": [\"UpBlock2D\", \"CrossAttnUpBlock2D\", \"CrossAttnUpBlock2D\"]}";

typedef struct {
    Arena arena; /* config, parameters and inputs */
    Weights weights;
    UnetConfig config;
    Unet net;
    int N;
    Tensor *x, *text, *dy;
    float timesteps[4];
} TinyUnet;

/* Exits when the network cannot be made: then no test of it means anything. */
static inline void tiny_unet_new(TinyUnet *t, const char *json, int N, bool trainable)
{
    Error err = {0};
    *t = (TinyUnet){.N = N, .timesteps = {901.0f, 17.5f, 0.0f, 499.0f}};
    if (unet_config_read(&t->config, json_of(&t->arena, json), "tiny", &t->arena, &err) != STATUS_OK) {
        CHECK(!"the config is read");
        printf("    %s\n", err.text);
        exit(1);
    }
    t->weights = weights_create(&t->arena, 41);
    t->weights.trainable = trainable;
    unet_load(&t->net, &t->config, &t->weights, "");
    if (weights_finish(&t->weights, &err) != STATUS_OK) {
        CHECK(!"the network is made");
        exit(1);
    }
    scramble(&t->weights, 42);
    t->x = any_tensor(&t->arena, 43, 4, N, t->config.in_channels, TINY_H, TINY_W);
    t->text = any_tensor(&t->arena, 44, 3, N, TINY_TOKENS, TINY_TEXT);
    t->dy = any_tensor(&t->arena, 45, 4, N, t->config.out_channels, TINY_H, TINY_W);
}

/* Sample n of a tensor as a batch of one (no copy). */
static inline Tensor one_sample(const Tensor *x, int n)
{
    Tensor one = *x;
    one.dim[0] = 1;
    one.data = x->data + (size_t)n * tensor_sample(x);
    return one;
}

#endif
