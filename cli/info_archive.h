/* cli/info_archive.h - what a file of tensors is, seen from its names and shapes alone: a whole model, a LoRA, or just
 * tensors.  The numbers are not read, so that the size of the file does not matter. */
#ifndef CLI_INFO_ARCHIVE_H
#define CLI_INFO_ARCHIVE_H

#include "cli/result.h"
#include "diffusion/model.h"
#include "io/tensor_archive.h"

/* One line a tensor: name, dtype, shape. */
void info_tensors(Result *r, const TensorArchive *file);

/* What a survey noted of a network's tensors; returns how many. */
size_t info_notes(Result *r, const char *part, const Weights *weights);

/* A model in one file: layout, where its configuration is from, what has no place, what is passed over. */
MUST_CHECK Status info_single(Result *r, const char *path, const char *config_from, Arena *arena,
                              Error *err);

/* A LoRA: naming and layers; with a model, whose weights may be surveyed, which tensors match it and which do not. */
MUST_CHECK Status info_lora(Result *r, const TensorArchive *file, const Model *m, bool list, Arena *arena,
                            Error *err);

#endif
