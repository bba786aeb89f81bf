/* nn/time_embedding.h - the sinusoidal embedding of a timestep.
 *
 * With half = floor(width / 2) and for i < half
 *   f_i = exp(RN32(RN32(RN32(-ln 10000) * i) / (half - freq_shift)))    in binary32, step by step as diffusers
 *         does it: what the networks were trained with; t magnifies a last bit of f_i a thousandfold
 *   a_i = RN32(t * f_i)
 *   row = (sin a_0 .. sin a_{half-1}, cos a_0 .. cos a_{half-1}), or cosines first when flip_sin_to_cos;
 * an odd width ends with a 0.
 * Source: diffusers, models/embeddings.py, get_timestep_embedding (max_period 10000, scale 1); Vaswani et al. 2017,
 * "Attention Is All You Need", section 3.5.
 * Derivation: docs/math/embeddings.md. */
#ifndef NN_TIME_EMBEDDING_H
#define NN_TIME_EMBEDDING_H

#include "nn/tape.h"

/* out (N,width) from timesteps (N). */
void time_embedding_forward(float *out, const float *timesteps, int N, int width, bool flip_sin_to_cos,
                            float freq_shift);

/* (N,width), without gradient.  freq_shift is 0 in Stable Diffusion and 1 in DDPM; STATUS_ARGUMENT when width is
 * below 2 or half - freq_shift is not above 0. */
Tensor *time_embedding(Tape *tape, const float *timesteps, int N, int width, bool flip_sin_to_cos,
                       float freq_shift);

#endif
