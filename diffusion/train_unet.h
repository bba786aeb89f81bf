/* diffusion/train_unet.h - what training the denoiser, and the text encoder with it, minimises.
 *
 * Sample i of a run: a picture j of the pool, its latent z0 = scaling_factor * (mean + deviation * xi), a
 * timestep t uniform in 0..T-1, noise e ~ N(0, I); z_t = a_t z0 + s_t e;
 *
 *     loss_i = w(t) * mean (out - target)^2,    out = unet(z_t, t, text(caption))
 *     target = e (epsilon), a_t e - s_t z0 (v_prediction), z0 (sample)
 *     w(t)   = 1, or with min_snr_gamma = g the weights of Hang et al. 2023 [Han23], section 3.4:
 *              min(SNR, g) / SNR (epsilon; 1 where SNR is 0), min(SNR, g) / (SNR + 1) (v_prediction),
 *              min(SNR, g) (sample)
 *
 * With probability `dropout` the caption is the empty one, so that the network learns both halves of
 * classifier-free guidance (Ho and Salimans 2022 [HoS22], algorithm 1).
 *
 * Streams of sample i, all with index i: STREAM_ORDER picture, STREAM_TIME timestep, STREAM_NOISE e,
 * STREAM_POSTERIOR xi, STREAM_DROPOUT caption. */
#ifndef DIFFUSION_TRAIN_UNET_H
#define DIFFUSION_TRAIN_UNET_H

#include "diffusion/clip_text.h"
#include "diffusion/latent_pool.h"
#include "diffusion/schedule.h"
#include "diffusion/trainer.h"
#include "diffusion/unet.h"

typedef struct {
    double dropout;       /* share of empty captions, in [0, 1] */
    double min_snr_gamma; /* 0: all weights are 1 */
} DenoisingLossOptions;

typedef struct {
    const Unet *unet;
    const ClipText *text;
    const Schedule *schedule;
    int prediction; /* PREDICT_EPSILON ... of schedule_config.h */
    DenoisingLossOptions options;
    const LatentPool *train, *held_out;
    float scaling_factor;
    const int *empty; /* ids of the empty caption, as many as the pool's captions have */
    uint64_t seed;
} UnetTraining;

/* Reads {"dropout", "min_snr_gamma"}; absent ones are 0. */
MUST_CHECK Status denoising_loss_options_read(DenoisingLossOptions *out, const Json *json, const char *name,
                                              Arena *arena, Error *err);

/* The task over *self, which must outlive it. */
TrainTask unet_training_task(UnetTraining *self);

/* w(t) as above. */
double denoising_loss_weight(const Schedule *s, int prediction, double min_snr_gamma, int t);

#endif
