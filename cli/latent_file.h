/* cli/latent_file.h - latents as .npy files: (count, L, h, w), binary32. */
#ifndef CLI_LATENT_FILE_H
#define CLI_LATENT_FILE_H

#include "diffusion/pipeline_txt2img.h"

MUST_CHECK Status latent_file_write(const char *path, const float *latents, const uint64_t dim[4],
                                    Arena *arena, Error *err);

/* Reads (count, L, h, w) or (L, h, w) of any float kind; fails when L is not `channels`. */
MUST_CHECK Status latent_file_load(float **latents, int dim[4], const char *path, int channels,
                                   Arena *arena, Error *err);

/* The same as the starting noise of a run: sets o->latents, images, width and height; of latent `which` alone when
 * that is not negative. */
MUST_CHECK Status latent_file_read(Txt2ImgOptions *o, const char *path, int which, const Model *model,
                                   Arena *arena, Error *err);

#endif
