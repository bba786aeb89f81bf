/* diffusion/unet_denoiser.h - a U-Net under one or two texts, as the denoising loop calls it. */
#ifndef DIFFUSION_UNET_DENOISER_H
#define DIFFUSION_UNET_DENOISER_H

#include "diffusion/denoise.h"
#include "diffusion/unet.h"

/* Asked before each run of the network, on its tape, for what is to enter it: x (rows, channels, h, w) is what the
 * network is about to see, of all conditions, times (rows) and text (rows, tokens, width) likewise.  May set what it
 * likes in *hooks, a copy of the denoiser's.  Failures go to the tape's error. */
typedef void (*UnetSteer)(void *context, Tape *tape, UnetHooks *hooks, Tensor *x, const float *times,
                          Tensor *text, int conditions);

/* All conditions are one batch: condition 0 of all images, then condition 1 of all images.  A large one runs in parts,
 * which changes no bit; with hooks or a watch it runs as a whole. */
typedef struct {
    const Unet *unet;
    int images, conditions;
    int height, width;  /* of the latent */
    const float *extra; /* (images, extra_channels, h, w): behind the latent's channels; NULL: none */
    int extra_channels;
    const float *text;      /* (conditions, images, tokens, cross_attention_dim) */
    int tokens;             /* rows of one text */
    const UnetHooks *hooks; /* of the whole batch; NULL: none */
    UnetSteer steer;        /* NULL: nobody */
    void *steer_context;
    const TapeWatch *watch; /* NULL: nobody */
    Arena *arena;           /* scratch, given back after each call */
} UnetDenoiser;

/* *d must outlive the denoiser. */
Denoiser unet_denoiser(UnetDenoiser *d);

#endif
