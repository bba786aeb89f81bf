/* make_tiny_model DIR [inpaint]: writes the model of tests/tiny_model.h, for tests/make_cases.py; or one for inpainting,
 * with latents of 4 channels and a U-Net that takes 9, in half precision.  Run by hand. */
#include "tests/tiny_model.h"

static void inpaint_model_new(Model *m, Arena *arena)
{
    ModelConfig config;
    Tokenizer tokenizer;
    tiny_model_parts(&config, &tokenizer, arena);
    config.vae.latent_channels = config.unet.out_channels = 4;
    config.unet.in_channels = 9;
    if (!CHECK(model_create(m, &config, &tokenizer, 71, 0, arena, NULL) == STATUS_OK))
        exit(1);
    scramble(&m->text_weights, 72);
    scramble(&m->unet_weights, 73);
    scramble(&m->vae_weights, 74);
}

int main(int argc, char **argv)
{
    Arena arena = {0}, scratch = {0};
    Error err = {0};
    Model model;
    const bool wide = argc == 3 && strcmp(argv[2], "inpaint") == 0;
    if (argc != 2 && !wide)
        return 2;
    if (wide)
        inpaint_model_new(&model, &arena);
    else
        tiny_model_new(&model, &arena);
    const Status status = model_save(&model, argv[1], wide ? F16 : F32, &scratch, &err);
    if (status != STATUS_OK)
        fprintf(stderr, "make_tiny_model: %s\n", err.text);
    arena_free(&scratch);
    arena_free(&arena);
    return status != STATUS_OK;
}
