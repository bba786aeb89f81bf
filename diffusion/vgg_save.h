/* diffusion/vgg_save.h - a VGG as a folder, as vgg_open reads it. */
#ifndef DIFFUSION_VGG_SAVE_H
#define DIFFUSION_VGG_SAVE_H

#include "diffusion/vgg.h"
#include "io/dtype.h"

/* Makes the folder and writes model.safetensors (weights as F32, F16 or BF16), then config.json; one that was
 * there goes first, so that a folder with config.json is whole. */
MUST_CHECK Status vgg_save(const Vgg *vgg, const Weights *weights, const char *folder, DType dtype,
                           Arena *scratch, Error *err);

#endif
