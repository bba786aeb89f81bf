/* cli/train_parts.h - the parts of a model that `ldm99 train` makes, one file a part. */
#ifndef CLI_TRAIN_PARTS_H
#define CLI_TRAIN_PARTS_H

#include "cli/common.h"
#include "cli/dump.h"
#include "cli/train_run.h"
#include "diffusion/picture_data.h"
#include "diffusion/recipe.h"
#include "diffusion/world_sample.h"

/* What the command line changes in the recipe's "data"; a negative number or NULL leaves the recipe's. */
typedef struct {
    int size, pool;
    bool mirror; /* false leaves the recipe's */
    double held_out_share;
    const char *fit, *caption_column;
} DataOverrides;

extern const DataOverrides DATA_OVERRIDES_NONE;

typedef struct {
    Command command;
    bool noise_aware; /* --noise-aware */
    const char *part, *recipe_path, *output, *data_path, *vae_path, *tokenizer_path, *init_path;
    const char *clip_path, *features_path;
    bool resume;
    uint64_t stop_at; /* pause after that step; 0: never */
    DataOverrides data;
    Dump dump;
    const TapeWatch *watch; /* the dump's; NULL: nobody */
    RecipeOverrides overrides;
    TrainMeasures measures; /* a part that has any sets them before run_part */
    Recipe recipe;
    bool pictures; /* data_path is a folder of pictures (cli/train_data.h): there is no world */
    World world;
} TrainCommand;

MUST_CHECK Status train_tokenizer_part(TrainCommand *t, Error *err);
MUST_CHECK Status train_vae_part(TrainCommand *t, Error *err);
MUST_CHECK Status train_unet_part(TrainCommand *t, Error *err);
MUST_CHECK Status train_classifier_part(TrainCommand *t, Error *err);
MUST_CHECK Status train_style_noisy_part(TrainCommand *t, Error *err);
MUST_CHECK Status train_clip_part(TrainCommand *t, Error *err);
MUST_CHECK Status train_aesthetic_part(TrainCommand *t, Error *err);
MUST_CHECK Status train_segmentation_part(TrainCommand *t, Error *err);

/* Reads the recipe's "data": keys of WorldOptions by name, and of PictureOptions ("size", "fit", "mirror",
 * "held_out_share", "caption_column"), others refused; absent ones keep WORLD_DEFAULTS and PICTURE_DEFAULTS, so that a
 * recipe serves both.  The world's held-out options are the same with split "test"; `pool` and `held_out_pool` are the
 * sizes of latent pools.  world NULL: there is none, and what is said of it is not looked at more closely. */
typedef struct {
    WorldOptions train, held_out;
    PictureOptions pictures;
    const char *caption_column;
    int pool, held_out_pool, captions, vocabulary, length;
} DataRecipe;

MUST_CHECK Status data_recipe_read(DataRecipe *out, const Recipe *recipe, const World *world, Arena *arena,
                                   Error *err);

/* What a run stands on is part of what decides its bits: adds a file's SHA-256 to the recipe's hash; a tokenizer's. */
MUST_CHECK Status add_input(TrainCommand *t, const char *folder, const char *file, Error *err);
MUST_CHECK Status add_tokenizer(TrainCommand *t, const char *folder, Error *err);

/* The trainable weights of a part: those in the folder of --init, whose SHA-256 then belongs to the recipe's hash, or
 * drawn ones.  weights_finish names a tensor that the file has not, has too much, or has in another shape. */
MUST_CHECK Status begin_weights(Weights *out, TrainCommand *t, const char *file, Error *err);

/* Writes `config` (a JSON text) as folder/config.json; makes the folder. */
MUST_CHECK Status write_config(const char *folder, const Bytes *config, Arena *scratch, Error *err);

/* Runs the recipe over the task with these weights, saving through `save` and `sheet`. */
MUST_CHECK Status run_part(TrainCommand *t, const TrainTask *task, Weights *const *weights,
                           int weights_count,
                           Status (*save)(void *self, const char *folder, Arena *scratch, Error *err),
                           Status (*sheet)(void *self, const char *path, Arena *scratch, Error *err),
                           void *self, Error *err);

#endif
