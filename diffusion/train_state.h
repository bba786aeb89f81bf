/* diffusion/train_state.h - a training run's state as one file, for an exact resume.
 *
 * A safetensors file with, for each parameter, its weight, the optimiser's arrays and its average (F32)
 * under "K.weight.NAME", "K.first.NAME", "K.second.NAME", "K.ema.NAME" (K: which of the trainer's weights),
 * and the metadata step, recipe (SHA-256 of what the run was told), max_train_steps, batch_size, lr and seed.  With an
 * early stop also "K.best.NAME", best_loss, best_step and best_stale. */
#ifndef DIFFUSION_TRAIN_STATE_H
#define DIFFUSION_TRAIN_STATE_H

#include "diffusion/trainer.h"

MUST_CHECK Status train_state_save(const Trainer *t, const char *recipe_hash, const char *path,
                                   Arena *scratch, Error *err);

/* Fails, and leaves the trainer as it was, when the file belongs to another model or another recipe. */
MUST_CHECK Status train_state_load(Trainer *t, const char *recipe_hash, const char *path, Arena *scratch,
                                   Error *err);

#endif
