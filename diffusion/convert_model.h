/* diffusion/convert_model.h - a model from one layout to another: the folder of diffusers and the single file
 * (diffusion/single_names.h).  Only names and axes of length 1 change: the bytes of every tensor stay, unless another
 * dtype is asked for. */
#ifndef DIFFUSION_CONVERT_MODEL_H
#define DIFFUSION_CONVERT_MODEL_H

#include "diffusion/single_file.h"

typedef struct {
    size_t tensors; /* written */
    bool tokenizer; /* the folder has one */
    SingleLayout layout;
} ConvertResult;

/* dtype NULL: each tensor keeps its own.  The folder gets configurations, weights, scheduler, and the tokenizer where
 * there is one; model_index.json comes last. */
MUST_CHECK Status convert_to_folder(ConvertResult *out, const char *path, const char *config_from,
                                    const char *folder, const DType *dtype, Arena *arena, Error *err);

/* layout: SINGLE_V1 or SINGLE_V2, or a negative number for the one that the text encoder's activation says.  The
 * configurations go into the file's metadata, where single_open finds them; the tokenizer and the scheduler but for what
 * it predicts do not. */
MUST_CHECK Status convert_to_single(ConvertResult *out, const char *folder, const char *path, int layout,
                                    const DType *dtype, Arena *arena, Error *err);

#endif
