/* prompt_to_png.c - a picture from a prompt, with progress.
 *
 *     cc prompt_to_png.c $(pkg-config --cflags --libs ldm99)
 *     ./a.out MODEL-FOLDER "a red apple" apple.png [STEPS] */
#include <stdio.h>
#include <stdlib.h>

#include "ldm99.h"

static int show(void *context, const ldm_step *at)
{
    (void)context;
    fprintf(stderr, "step %d of %d, t = %g\n", at->call + 1, at->calls, at->time);
    return 0; /* anything else stops the run */
}

static ldm_status make(const ldm_model *model, const char *prompt, const char *path, int steps,
                       ldm_error *error)
{
    ldm_model_info info;
    ldm_model_get_info(model, &info, sizeof info);
    const int L = info.latent_channels, h = info.latent_height, w = info.latent_width;
    float *latents = malloc((size_t)L * (size_t)h * (size_t)w * sizeof *latents);
    if (latents == NULL)
        return LDM_MEMORY;

    ldm_sample_options options;
    ldm_sample_options_default(&options, sizeof options);
    options.prompts = &prompt;
    options.steps = steps;
    options.guidance = 4.0;
    options.seed = 42;
    options.progress = show;
    ldm_status status = ldm_sample(latents, model, &options, error);

    ldm_picture picture = {0};
    if (status == LDM_OK)
        status = ldm_decode_picture(&picture, model, latents, h, w, NULL, error);
    if (status == LDM_OK) {
        const char *const texts[] = {"parameters", prompt, NULL};
        status = ldm_picture_write(path, &picture, texts, NULL, error);
    }
    ldm_free(NULL, picture.pixels);
    free(latents);
    return status;
}

int main(int argc, char **argv)
{
    ldm_error error = {LDM_OK, ""};
    ldm_model *model = NULL;
    if (argc < 4) {
        fprintf(stderr, "usage: %s MODEL-FOLDER PROMPT PICTURE.png [STEPS]\n", argv[0]);
        return 2;
    }
    ldm_status status = ldm_model_open(&model, argv[1], LDM_ALL, NULL, &error);
    if (status == LDM_OK)
        status = make(model, argv[2], argv[3], argc > 4 ? atoi(argv[4]) : 20, &error);
    if (status != LDM_OK)
        fprintf(stderr, "%s: %s\n", ldm_status_text(status), error.text);
    ldm_model_close(model);
    return status != LDM_OK;
}
