/* decode_gradient.c - a picture pulled towards a colour through its latents.
 *
 * loss = mean((picture - colour)^2); its gradient goes through the decoder by ldm_decode_vjp, and the latents step
 * against it, the steepest of them by 0.1.  The loss of every step is printed; the last picture is written.
 *
 *     ./a.out MODEL-FOLDER out.png [STEPS] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ldm99.h"

enum { LARGEST = 1 << 20 };
static float latents[LARGEST], slope[LARGEST], planes[LARGEST], dplanes[LARGEST];
static unsigned char pixels[LARGEST];

static const float COLOUR[3] = {0.9f, 0.2f, -0.6f}; /* orange, each in [-1, 1] */

/* loss, and d loss / d picture in dplanes; n numbers a channel. */
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

static ldm_status optimise(const ldm_model *model, const char *path, int steps, ldm_error *error)
{
    ldm_model_info info;
    ldm_model_get_info(model, &info, sizeof info);
    const int h = 8, w = 8; /* any size: the networks are convolutional */
    const size_t count = (size_t)info.latent_channels * 64, n = 64 * (size_t)(info.factor * info.factor);
    ldm_status status = 3 * n <= LARGEST ? LDM_OK : LDM_SHAPE;
    if (status == LDM_OK)
        status = ldm_noise(latents, count, LDM_PHILOX, 1, error);
    for (int k = 0; k <= steps && status == LDM_OK; k++) {
        status = ldm_decode(planes, model, latents, 1, h, w, error);
        printf("%d %.6f\n", k, loss_of(n));
        if (status == LDM_OK && k < steps)
            status = ldm_decode_vjp(NULL, slope, model, latents, dplanes, 1, h, w, error);
        float steepest = 1e-30f;
        for (size_t i = 0; i < count && k < steps; i++)
            steepest = fabsf(slope[i]) > steepest ? fabsf(slope[i]) : steepest;
        for (size_t i = 0; i < count && k < steps; i++)
            latents[i] -= 0.1f * slope[i] / steepest;
    }
    ldm_picture picture = {w * info.factor, h * info.factor, 3, pixels};
    ldm_picture_from_planes(&picture, planes);
    return status == LDM_OK ? ldm_picture_write(path, &picture, NULL, NULL, error) : status;
}

int main(int argc, char **argv)
{
    ldm_error error = {LDM_OK, ""};
    ldm_model *model = NULL;
    if (argc < 3) {
        fprintf(stderr, "usage: %s MODEL-FOLDER PICTURE.png [STEPS]\n", argv[0]);
        return 2;
    }
    ldm_status status = ldm_model_open(&model, argv[1], LDM_VAE, NULL, &error);
    if (status == LDM_OK)
        status = optimise(model, argv[2], argc > 3 ? atoi(argv[3]) : 10, &error);
    if (status != LDM_OK)
        fprintf(stderr, "%s: %s\n", ldm_status_text(status), error.text);
    ldm_model_close(model);
    return status != LDM_OK;
}
