/* cli/model_files.h - the files of a model folder, and their hashes: what says which model made a picture. */
#ifndef CLI_MODEL_FILES_H
#define CLI_MODEL_FILES_H

#include "base/arena.h"
#include "base/error.h"

typedef struct {
    const char *name; /* below the folder: "unet/config.json" */
    char sha256[65];
} ModelFile;

typedef struct {
    ModelFile *file;
    size_t count;
} ModelFiles;

/* A model in one file is that file alone (its tokenizer is not looked at).
 *
 * The files that opening the folder reads, in the order index, tokenizer, text encoder, U-Net, autoencoder,
 * scheduler; `parts` as in diffusion/model.h. */
MUST_CHECK Status model_files_read(ModelFiles *out, const char *folder, unsigned parts, Arena *arena,
                                   Error *err);

#endif
