/* tests/random_model.c - a model folder of the sizes that configurations say, its numbers drawn from a seed.
 *
 *   random_model CONFIGS TOKENIZER OUTPUT [f16|f32|bf16]
 *
 * CONFIGS holds unet/config.json, vae/config.json, text_encoder/config.json and scheduler/scheduler_config.json, TOKENIZER
 * vocab.json and merges.txt.  For runs at the true size of models whose weights are not at hand: the weights mean nothing,
 * memory and time are real. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "diffusion/model.h"

static const char *below(Arena *arena, const char *folder, const char *name)
{
    const char *path = path_join(arena, folder, name);
    if (path == NULL) {
        fprintf(stderr, "random_model: out of memory\n");
        exit(1);
    }
    return path;
}

static Status read_configs(ModelConfig *c, const char *folder, Arena *arena, Error *err)
{
    const Json *json;
    const char *path = below(arena, folder, "unet/config.json");
    Status status = json_read(&json, path, arena, err);
    if (status == STATUS_OK)
        status = unet_config_read(&c->unet, json, path, arena, err);
    if (status == STATUS_OK)
        status = json_read(&json, path = below(arena, folder, "vae/config.json"), arena, err);
    if (status == STATUS_OK)
        status = vae_config_read(&c->vae, json, path, arena, err);
    if (status == STATUS_OK)
        status = json_read(&json, path = below(arena, folder, "text_encoder/config.json"), arena, err);
    if (status == STATUS_OK)
        status = clip_text_config_read(&c->text, json, path, arena, err);
    return status == STATUS_OK
               ? scheduler_config_read(&c->scheduler,
                                       below(arena, folder, "scheduler/scheduler_config.json"), arena, err)
               : status;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        DType dtype;
    } TYPES[] = {{"f16", F16}, {"f32", F32}, {"bf16", BF16}};
    Arena arena = {0}, scratch = {0};
    Error err = {0};
    ModelConfig config;
    Tokenizer tokenizer;
    Model model;
    const DType *dtype = argc == 4 ? &TYPES[0].dtype : NULL;
    for (size_t i = 0; argc == 5 && i < sizeof TYPES / sizeof TYPES[0]; i++)
        if (strcmp(argv[4], TYPES[i].name) == 0)
            dtype = &TYPES[i].dtype;
    if (dtype == NULL) {
        fprintf(stderr, "usage: random_model CONFIGS TOKENIZER OUTPUT [f16|f32|bf16]\n");
        return 2;
    }
    Status status = read_configs(&config, argv[1], &arena, &err);
    if (status == STATUS_OK)
        status = tokenizer_open(&tokenizer, argv[2], &arena, &err);
    if (status == STATUS_OK)
        status = model_create(&model, &config, &tokenizer, 1, 0, &arena, &err);
    if (status == STATUS_OK)
        status = model_save(&model, argv[3], *dtype, &scratch, &err);
    if (status == STATUS_OK)
        printf(
            "%s: %.1f million parameters\n", argv[3],
            (double)(model.unet_weights.numbers + model.vae_weights.numbers + model.text_weights.numbers) /
                1e6);
    else
        fprintf(stderr, "random_model: %s\n", err.text);
    arena_free(&arena);
    arena_free(&scratch);
    return status == STATUS_OK ? 0 : 1;
}
