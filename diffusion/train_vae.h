/* diffusion/train_vae.h - what training an AutoencoderKL minimises.
 *
 * Picture x (3,H,W) in [-1,1]; posterior N(m, diag v) = encoder(x); z = m + sqrt(v)*xi; x' = decoder(z); d
 * = x' - x:
 *
 *     loss = mse * mean d^2 + l1 * mean |d| + edge * (mean |d_x| + mean |d_y|)
 *          + perceptual * LPIPS(x', x) + kl * KL(m, v) / count(z)
 *
 * d_x, d_y are the differences of d between neighbours to the right and below: errors along outlines, which
 * make pictures look blurred, count twice.  LPIPS (diffusion/lpips.h) is the distance between features of a
 * network that names things; the perceptual loss of Rombach et al. [RomB22], section 3.1.  KL is the sum of Kingma and Welling 2014 [Kin14], appendix B,
 * with the small weight of Rombach et al. 2022 [RomB22], appendix G. */
#ifndef DIFFUSION_TRAIN_VAE_H
#define DIFFUSION_TRAIN_VAE_H

#include "diffusion/config_reader.h"
#include "diffusion/data_set.h"
#include "diffusion/lpips.h"
#include "diffusion/trainer.h"
#include "diffusion/vae.h"

typedef struct {
    double mse, l1, edge, kl, perceptual;
} VaeLossWeights;

typedef struct {
    const Vae *vae;
    VaeLossWeights loss;
    const Vgg *features; /* for the perceptual loss; NULL where its weight is 0 */
    DataSet train,
        held_out; /* held-out samples are those of the next seed: never seen, even where the data are the same */
    uint64_t seed;
    Arena scratch; /* one picture; starts empty, with the account of the run */
} VaeTraining;

/* Reads {"mse", "l1", "edge", "kl", "perceptual"}; absent ones are 0. */
MUST_CHECK Status vae_loss_weights_read(VaeLossWeights *out, const Json *json, const char *name,
                                        Arena *arena, Error *err);

/* The task over *self, which must outlive it. */
TrainTask vae_training_task(VaeTraining *self);

/* Per-sample losses (N) of pictures x (N,3,H,W) with posterior noise xi (N,L,h,w).  features may be NULL when
 * weights->perceptual is 0. */
Tensor *vae_training_loss(Tape *tape, const Vae *vae, const VaeLossWeights *weights, const Vgg *features,
                          Tensor *x, Tensor *xi);

#endif
