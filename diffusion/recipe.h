/* diffusion/recipe.h - how a shipped model is made: one JSON file that names everything
 * that decides its bits.
 *
 *     { "_about": "...",
 *       "model": { the config.json of the network(s), diffusers' keys },
 *       "data":  { "size": 64, "singles": 0.5, "scenes": 0.4, "layered": 0.1, ... },
 *       "loss":  { the task's own weights },
 *       "train": { "seed": 1, "max_train_steps": 10000, "batch_size": 16, ... } }
 *
 * Every key is read or refused (diffusion/config_reader.h).  The recipe's hash, with that of everything else that decides
 * the bits (data, models that the run stands on), goes into the saved state, so that a run is never resumed with another
 * recipe. */
#ifndef DIFFUSION_RECIPE_H
#define DIFFUSION_RECIPE_H

#include "diffusion/config_reader.h"
#include "diffusion/trainer.h"

typedef struct {
    const char *path;
    const Json *model, *data, *loss; /* objects, or NULL where the recipe has none */
    TrainOptions train;
    const Json
        *frozen; /* list of the names below which parameters stay as they are (weights_freeze), or NULL */
    bool draw_missing; /* parameters that the initial weights lack are drawn (Weights.draw_missing) */
    uint64_t sample_every, save_every, held_out_every; /* steps; 0: never */
    char hash[65]; /* SHA-256 over the file's bytes, the overrides, and what recipe_add_input added */
} Recipe;

/* What the command line may change; a negative number or NULL leaves the recipe's. */
typedef struct {
    int batch_size, micro_batch;
    double lr;
    int64_t max_train_steps, seed, sample_every, save_every;
    const char *lr_scheduler;
    int64_t lr_warmup_steps;
    int patience, held_out;
} RecipeOverrides;

extern const RecipeOverrides RECIPE_OVERRIDES_NONE;

MUST_CHECK Status recipe_read(Recipe *out, const char *path, const RecipeOverrides *overrides, Arena *arena,
                              Error *err);

/* Adds to the hash: an option that overrides "data", or a thing by its SHA-256. */
void recipe_add_input(Recipe *recipe, const char *name, const char *value);

/* The same with a file's SHA-256. */
MUST_CHECK Status recipe_add_file(Recipe *recipe, const char *name, const char *path, Error *err);

#endif
