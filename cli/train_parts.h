/* cli/train_parts.h - the parts of a model that `ldm99 train` makes, one file a part. */
#ifndef CLI_TRAIN_PARTS_H
#define CLI_TRAIN_PARTS_H

#include "cli/common.h"
#include "cli/dump.h"
#include "cli/train_run.h"
#include "diffusion/recipe.h"
#include "diffusion/world_sample.h"

typedef struct {
    Command command;
    const char *part, *recipe_path, *output, *world_path, *vae_path, *tokenizer_path, *init_path;
    bool resume;
    Dump dump;
    const TapeWatch *watch; /* the dump's; NULL: nobody */
    RecipeOverrides overrides;
    TrainMeasures measures; /* a part that has any sets them before run_part */
    Recipe recipe;
    World world;
} TrainCommand;

MUST_CHECK Status train_tokenizer_part(TrainCommand *t, Error *err);
MUST_CHECK Status train_vae_part(TrainCommand *t, Error *err);
MUST_CHECK Status train_unet_part(TrainCommand *t, Error *err);
MUST_CHECK Status train_classifier_part(TrainCommand *t, Error *err);
MUST_CHECK Status train_style_noisy_part(TrainCommand *t, Error *err);
MUST_CHECK Status train_clip_part(TrainCommand *t, Error *err);
MUST_CHECK Status train_segmentation_part(TrainCommand *t, Error *err);

/* Reads the recipe's "data": keys of WorldOptions by name, others refused; absent ones keep WORLD_DEFAULTS.
 * The held-out options are the same with split "test"; `pool` and `held_out_pool` are the sizes of latent pools. */
typedef struct {
    WorldOptions train, held_out;
    int pool, held_out_pool, captions, vocabulary, length;
} DataRecipe;

MUST_CHECK Status data_recipe_read(DataRecipe *out, const Recipe *recipe, const World *world, Arena *arena,
                                   Error *err);

/* Writes `config` (a JSON text) as folder/config.json; makes the folder. */
MUST_CHECK Status write_config(const char *folder, const Bytes *config, Arena *scratch, Error *err);

/* Runs the recipe over the task with these weights, saving through `save` and `sheet`. */
MUST_CHECK Status run_part(TrainCommand *t, const TrainTask *task, Weights *const *weights,
                           int weights_count,
                           Status (*save)(void *self, const char *folder, Arena *scratch, Error *err),
                           Status (*sheet)(void *self, const char *path, Arena *scratch, Error *err),
                           void *self, Error *err);

#endif
