/* diffusion/control_files.h - a ControlNet or a T2I-Adapter, opened from the folder in which diffusers keeps it:
 * config.json and diffusion_pytorch_model.safetensors (or that name with ".fp16"). */
#ifndef DIFFUSION_CONTROL_FILES_H
#define DIFFUSION_CONTROL_FILES_H

#include "diffusion/controlnet.h"
#include "diffusion/t2i_adapter.h"

/* The two files; their names lie in the arena. */
typedef struct {
    const char *config, *weights;
} ControlFiles;

MUST_CHECK Status control_files_find(ControlFiles *out, const char *folder, Arena *arena, Error *err);

/* The arena keeps the network.  Strict: a tensor that is missing, too much or misshapen is refused by name. */
MUST_CHECK Status controlnet_open(ControlNet *out, const char *folder, Arena *arena, Error *err);
MUST_CHECK Status t2i_adapter_open(T2iAdapter *out, const char *folder, Arena *arena, Error *err);

#endif
