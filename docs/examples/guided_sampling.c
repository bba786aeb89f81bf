/* guided_sampling.c - a run that is pulled towards a colour by the gradient of a loss, through decoder and U-Net.
 *
 * At each step the picture that the network expects, x0 = ca x + cb y, is decoded, and loss = mean((picture - colour)^2).
 * Its gradient to the noisy latent x goes back through the decoder to x0, and through the U-Net where y depends on x:
 *
 *     dloss/dx = ca g + cb (dy/dx)^T g,   g = dloss/dx0
 *
 * It moves the noise that the sampler is told of by sigma SCALE dloss/dx: the classifier guidance of Dhariwal and Nichol
 * 2021 with the loss in the place of minus the logarithm of a probability.  The loss at each step is printed.
 *
 *     ./a.out MODEL-FOLDER "a house" house.png [STEPS [SCALE]] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ldm99.h"

enum { LARGEST = 1 << 18 };
static float latents[LARGEST], text[LARGEST], x0[LARGEST], g[LARGEST], back[LARGEST], planes[LARGEST],
    dplanes[LARGEST];

static const float COLOUR[3] = {0.9f, 0.2f, -0.6f}; /* orange, each in [-1, 1] */

typedef struct {
    const ldm_model *model;
    const double *alpha_bar;
    double scale;
    size_t plane; /* pixels of a picture */
    int tokens;
    ldm_error error;
} Guide;

static double loss_of(size_t n)
{
    double loss = 0.0;
    for (size_t i = 0; i < 3 * n; i++) {
        const double off = (double)planes[i] - (double)COLOUR[i / n];
        loss += off * off / (double)(3 * n);
        dplanes[i] = (float)(2.0 * off / (double)(3 * n));
    }
    return loss;
}

/* x0 and noise are linear in input and output: what 1 of the one or the other gives. */
static ldm_status factors(float *ca, float *cb, float *nb, const Guide *s, int t, ldm_error *error)
{
    const float one = 1.0f, zero = 0.0f;
    const ldm_status status = ldm_predictions(ca, NULL, &one, &zero, 1, s->model, t, error);
    return status == LDM_OK ? ldm_predictions(cb, nb, &zero, &one, 1, s->model, t, error) : status;
}

static int pull(void *context, const ldm_step *at, const float *x, float *y)
{
    Guide *s = context;
    const int h = at->height, w = at->width;
    const size_t n = (size_t)at->channels * (size_t)h * (size_t)w;
    const float time = (float)at->time;
    float ca, cb, nb;
    ldm_status status = factors(&ca, &cb, &nb, s, (int)at->time, &s->error);
    if (status == LDM_OK)
        status = ldm_predictions(x0, NULL, x, y, n, s->model, (int)at->time, &s->error);
    if (status == LDM_OK)
        status = ldm_decode(planes, s->model, x0, 1, h, w, &s->error);
    printf("%d %.6f\n", at->call, loss_of(s->plane));
    if (status == LDM_OK)
        status = ldm_decode_vjp(NULL, g, s->model, x0, dplanes, 1, h, w, &s->error);
    if (status == LDM_OK)
        status = ldm_unet_vjp(NULL, back, NULL, s->model, x, &time, text, g, 1, h, w, s->tokens, &s->error);
    if (status != LDM_OK)
        return 1;
    const double sigma = sqrt(1.0 - s->alpha_bar[(int)at->time]);
    for (size_t i = 0; i < n; i++)
        y[i] += (float)(sigma * s->scale) / nb * (ca * g[i] + cb * back[i]);
    return 0;
}

static ldm_status run(const ldm_model *model, const char *prompt, const char *path, int steps, double scale,
                      ldm_error *error)
{
    static double alpha_bar[LARGEST];
    ldm_model_info info;
    ldm_model_get_info(model, &info, sizeof info);
    Guide guide = {model,       alpha_bar,
                   scale,       (size_t)info.picture_height * (size_t)info.picture_width,
                   info.tokens, {LDM_OK, ""}};
    if (3 * guide.plane > LARGEST || info.tokens * info.text_width > LARGEST ||
        info.train_timesteps > LARGEST)
        return LDM_SHAPE;
    ldm_sample_options options;
    ldm_sample_options_default(&options, sizeof options);
    options.prompts = &prompt;
    options.steps = steps;
    options.guidance = 4.0;
    options.guided = pull;
    options.context = &guide;
    ldm_picture picture = {0};
    ldm_status status = ldm_schedule(alpha_bar, model, error);
    if (status == LDM_OK)
        status = ldm_encode_prompt(text, model, prompt, 0, error);
    if (status == LDM_OK)
        status = ldm_sample(latents, model, &options, error);
    if (status == LDM_INTERRUPTED) /* by pull, which knows why */
        *error = guide.error;
    if (status == LDM_OK)
        status = ldm_decode_picture(&picture, model, latents, info.latent_height, info.latent_width, NULL,
                                    error);
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
        fprintf(stderr, "usage: %s MODEL-FOLDER PROMPT PICTURE.png [STEPS [SCALE]]\n", argv[0]);
        return 2;
    }
    ldm_status status = ldm_model_open(&model, argv[1], LDM_ALL, NULL, &error);
    if (status == LDM_OK)
        status = run(model, argv[2], argv[3], argc > 4 ? atoi(argv[4]) : 20,
                     argc > 5 ? atof(argv[5]) : 50.0, &error);
    if (status != LDM_OK)
        fprintf(stderr, "%s: %s\n", ldm_status_text(status), error.text);
    ldm_model_close(model);
    return status != LDM_OK;
}
