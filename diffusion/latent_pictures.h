/* diffusion/latent_pictures.h - from pictures to the latents that the U-Net works on, and back: the autoencoder with
 * its scaling, one picture after the other, so that memory does not grow with their number. */
#ifndef DIFFUSION_LATENT_PICTURES_H
#define DIFFUSION_LATENT_PICTURES_H

#include "base/rng.h"
#include "diffusion/model.h"
#include "io/image.h"

/* Pictures as the encoder takes them. */
typedef struct {
    const float *planes; /* (count, 3, height, width) in [-1, 1] */
    int count;
    int height, width; /* multiples of the VAE's factor */
} PicturePlanes;

/* Whether the model can encode them, and whether there is one or `wanted`.  STATUS_ARGUMENT, STATUS_SHAPE. */
MUST_CHECK Status pictures_check(const PicturePlanes *in, const Model *m, int wanted, Error *err);

/* out (count, L, h, w) = ((mean or sample of the posterior) - shift) * scale, of picture k modulo in->count.  rng
 * (count): the sample of latent k takes L h w normals from rng[k]; NULL: the mean.  A picture that stands for all
 * is encoded once.
 * Errors: STATUS_SHAPE for sides that do not fit; STATUS_NOT_FINITE names the picture. */
MUST_CHECK Status encode_pictures(float *out, int count, const Model *m, const PicturePlanes *in, Rng *rng,
                                  Arena *arena, Error *err);

/* The pictures of count latents (count, L, h, w): RGB of the VAE's three channels.
 * STATUS_NOT_FINITE when the decoder makes infinities or NaNs of a latent. */
MUST_CHECK Status decode_latents(Image *out, const Model *m, const float *latents, int count, int height,
                                 int width, Arena *arena, Error *err);

#endif
