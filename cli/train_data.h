/* cli/train_data.h - what a run draws its samples from: the picture world, or a folder of the user's pictures. */
#ifndef CLI_TRAIN_DATA_H
#define CLI_TRAIN_DATA_H

#include "cli/train_parts.h"
#include "diffusion/latent_pool.h"
#include "diffusion/world_data.h"

typedef struct {
    DataRecipe recipe;
    WorldData world_train, world_held_out;
    PictureData pictures;
    DataSet train, held_out;
} TrainData;

/* True for a folder that is a world, told by its styles.tsv. */
bool is_world_folder(const char *folder, Arena *arena);

/* Reads the recipe's "data" under the command line's, opens what it says, and adds its SHA-256 to the recipe's hash.
 * *out must stay where it is.  Of a folder of pictures: `captions` refuses pictures without one, by name; a pool is no
 * larger than what there is (twice that, mirrored); with nothing held out the run measures nothing. */
MUST_CHECK Status train_data_open(TrainData *out, TrainCommand *t, bool captions, Error *err);

/* Encodes `count` samples of the data with progress on stderr; tokenizer NULL: without captions. */
MUST_CHECK Status fill_pool(LatentPool *out, TrainCommand *t, const Vae *vae, const Tokenizer *tokenizer,
                            const DataSet *data, uint64_t seed, int count, Error *err);

#endif
