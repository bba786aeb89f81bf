/* guidance/decoded_loss.h - a loss of the picture that a latent is decoded to, with its gradient. */
#ifndef GUIDANCE_DECODED_LOSS_H
#define GUIDANCE_DECODED_LOSS_H

#include "diffusion/vae.h"
#include "guidance/picture_loss.h"

typedef struct {
    const Vae *vae;
    PictureLoss loss;
    double factor; /* lambda, on the loss and its gradient */
    bool
        checkpoint; /* the decoder's activations are computed again on the way back: less memory, the same bits */
} DecodedLoss;

/* On the tape: z (1,L,h,w), a latent of the U-Net -> (1), not multiplied by the factor; *picture, which may be NULL, is the
 * decoded picture (1,3,H,W). */
Tensor *decoded_loss_on(Tape *tape, const DecodedLoss *d, Tensor *z, Rng *rng, const Tensor **picture);

/* *loss = factor loss(decode(z)), g (L,h,w) its gradient; either may be NULL; `picture` (3,H,W) may be NULL.  clipped: the
 * share of the picture's numbers beyond [-1, 1], through which nothing flows from losses that look at u; may be NULL.
 * z (L,h,w) is rounded to binary32.  Errors: STATUS_NOT_FINITE when the loss is no number. */
MUST_CHECK Status decoded_loss(double *loss, double *g, float *picture, double *clipped, // out
                               const DecodedLoss *d, const double *z, int height, int width, Rng *rng,
                               Arena *scratch, Error *err);

#endif
