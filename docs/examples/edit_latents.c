/* edit_latents.c - latents watched and changed between the steps: the right half becomes the mirror of the left one,
 * so that the picture becomes symmetric.
 *
 * What the sampler left is described on stdout before it is changed: its mean, and how far it is from symmetric.
 *
 *     ./a.out MODEL-FOLDER "a house" house.png [STEPS] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ldm99.h"

static float latents[1 << 20];

static int mirror(void *context, const ldm_step *at, float *x)
{
    const int rows = at->images * at->channels * at->height, w = at->width;
    double sum = 0.0, off = 0.0;
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < w / 2; i++) {
            float *left = x + (size_t)r * (size_t)w + i, *right = left + w - 1 - 2 * i;
            sum += (double)*left + (double)*right;
            off += fabs((double)*left - (double)*right);
            *right = *left;
        }
    (void)context;
    printf("%d %.4f %.4f\n", at->call, sum / (rows * (w / 2) * 2), off / (rows * (w / 2)));
    return 0;
}

static ldm_status run(const ldm_model *model, const char *prompt, const char *path, int steps,
                      ldm_error *error)
{
    ldm_model_info info;
    ldm_model_get_info(model, &info, sizeof info);
    const int h = info.latent_height, w = info.latent_width;
    if ((size_t)info.latent_channels * (size_t)h * (size_t)w > sizeof latents / sizeof *latents)
        return LDM_SHAPE;
    ldm_sample_options options;
    ldm_sample_options_default(&options, sizeof options);
    options.prompts = &prompt;
    options.steps = steps;
    options.guidance = 4.0;
    options.latents = mirror;
    ldm_picture picture = {0};
    ldm_status status = ldm_sample(latents, model, &options, error);
    if (status == LDM_OK)
        status = ldm_decode_picture(&picture, model, latents, h, w, NULL, error);
    if (status == LDM_OK)
        status = ldm_picture_write(path, &picture, NULL, NULL, error);
    ldm_free(NULL, picture.pixels);
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
        status = run(model, argv[2], argv[3], argc > 4 ? atoi(argv[4]) : 20, &error);
    if (status != LDM_OK)
        fprintf(stderr, "%s: %s\n", ldm_status_text(status), error.text);
    ldm_model_close(model);
    return status != LDM_OK;
}
