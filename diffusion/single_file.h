/* diffusion/single_file.h - a whole model in one file, as the programs before diffusers wrote it (.ckpt, .safetensors).
 *
 * The file is looked at through three archives, U-Net, VAE and text encoder, in which its tensors have diffusers' names
 * and shapes; no number is read or copied for that.  OpenCLIP's joined q, k and v are shown as three tensors. */
#ifndef DIFFUSION_SINGLE_FILE_H
#define DIFFUSION_SINGLE_FILE_H

#include "diffusion/single_config.h"

typedef struct {
    TensorArchive file;
    SingleLayout layout;
    ModelConfig config;
    unsigned given; /* parts whose configuration was read from files, MODEL_SCHEDULER among them */
    SingleNames names;
    TensorArchive part[SINGLE_PARTS];
    const char **left; /* tensors that have no place in the model */
    size_t left_count;
    size_t
        passed_over; /* tensors that no picture needs: averages of training, tables that follow from the betas,
                              the last layer of OpenCLIP's tower */
    const char
        *tokenizer; /* folder: that of config_from, or "tokenizer" beside the file; NULL: there is none */
} SingleFile;

/* Names, shapes and places only.  config_from is a model folder in the layout of diffusers (parts may be missing), of
 * which the configurations and the tokenizer are taken; or NULL.  Errors: STATUS_FILE, and STATUS_FORMAT when the
 * file holds no such model. */
MUST_CHECK Status single_open(SingleFile *out, const char *path, const char *config_from, Arena *arena,
                              Error *err);

/* The model itself, like model_open; a tensor that has no place is an error, unless it is only looked at
 * (MODEL_SURVEY). */
MUST_CHECK Status single_model_open(Model *out, const char *path, const char *config_from, unsigned parts,
                                    unsigned trainable, Arena *arena, Error *err);

#endif
