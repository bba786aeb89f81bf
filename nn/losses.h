/* nn/losses.h - what training minimises: one number a sample.
 *
 * A trainer seeds tape_backward with dy (N) = weight of the sample / number of samples in the whole step, so that a
 * batch and its micro-batches leave the same gradients.
 *
 * Arithmetic: binary32 one operation a step where a formula names binary32 numbers; sum8 over the sample in
 * row-major order; the rest in binary64, rounded once.  n = numbers in a sample, g = dy of the sample.
 *
 *   mse_loss           RN32(sum8_dot(d, d) / n),  d = RN32(x - target)            dx = RN32(2 g / n) * d
 *                                                                                 dtarget = -dx
 *   cross_entropy      log_f32(RN32(S)) - RN32(x_label - m)  (m, e, S of softmax) dx_k = g * RN32(y_k - [k = label])
 *   bce_with_logits    RN32(sum8(t) / n),
 *                      t = (max(x, 0) - x * target) + softplus(-|x|)               dx = RN32(g / n) * (sigmoid(x) - target)
 *   gaussian_kl        RN32(0.5 * sum8(t)),                                       dmean = g * mean
 *                      t = ((mean * mean + exp(logvar)) - 1) - logvar             dlogvar = g * (0.5 * (exp(logvar) - 1))
 *
 * Sources: mse_loss Ho, Jain and Abbeel 2020, "Denoising Diffusion Probabilistic Models", equation (14);
 * cross_entropy and bce_with_logits as torch.nn.functional; gaussian_kl diffusers, models/autoencoders/vae.py,
 * DiagonalGaussianDistribution.kl (its clamp of logvar to [-30, 20] is the caller's: clamp).
 * Derivation: docs/math/losses.md. */
#ifndef NN_LOSSES_H
#define NN_LOSSES_H

#include "nn/tape.h"

/* x, target (N,...) -> (N). */
Tensor *mse_loss(Tape *tape, Tensor *x, Tensor *target);

/* logits (N,K), labels N numbers in [0, K) -> (N).  STATUS_ARGUMENT when a label is not. */
Tensor *cross_entropy(Tape *tape, Tensor *logits, const int *labels);

/* x (N,...), target of the same shape in [0, 1], without gradient -> (N). */
Tensor *bce_with_logits(Tape *tape, Tensor *x, const Tensor *target);

/* KL(N(mean, exp(logvar)) || N(0, 1)), summed over the sample; mean, logvar (N,...) -> (N). */
Tensor *gaussian_kl(Tape *tape, Tensor *mean, Tensor *logvar);

/* Rows of x (...,D) at length 1: x / sqrt(sum8 of the squares), in the steps of elementwise.h and reduce.h. */
Tensor *unit_rows(Tape *tape, Tensor *x);

/* image, text (N,D), rows of length 1; logit_scale one number -> (1): the mean of the cross entropies of the rows
 * and of the columns of exp(logit_scale) * text image^T against its diagonal.
 * Source: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision", figure 3;
 * transformers, models/clip/modeling_clip.py, clip_loss. */
Tensor *contrastive_loss(Tape *tape, Tensor *image, Tensor *text, Tensor *logit_scale);

#endif
