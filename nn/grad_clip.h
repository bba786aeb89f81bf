/* nn/grad_clip.h - the size of all gradients together, and a limit to it.
 *
 *   norm = sqrt(sum over the parameters, in order, of sum8(grad^2))         binary64, exact squares
 *   grad = grad * RN32(most / (norm + 1e-6))   when that factor is below 1, in binary32
 *
 * Source: torch.nn.utils.clip_grad_norm_ (torch/nn/utils/clip_grad.py), norm_type 2.
 * Derivation: docs/math/optimizers.md. */
#ifndef NN_GRAD_CLIP_H
#define NN_GRAD_CLIP_H

#include "nn/tensor.h"

/* Parameters without a gradient count as 0. */
double grad_norm(Tensor *const *parameters, size_t count);

/* Returns the norm before clipping.  most <= 0: only measures.  A norm that is not finite changes nothing: the
 * caller decides what a broken step means. */
double grad_clip(Tensor *const *parameters, size_t count, double most);

#endif
