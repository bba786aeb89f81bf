/* cli/input_picture.h - a picture file made ready for a run. */
#ifndef CLI_INPUT_PICTURE_H
#define CLI_INPUT_PICTURE_H

#include <stdbool.h>

#include "io/image.h"

/* Reads a PNG or PPM; transparent parts lie over white; `channels` of the result are 1 or 3.  *width and *height are
 * the size that it is scaled to (Lanczos); 0: its own, rounded down to a multiple of `factor`, and written back. */
MUST_CHECK Status input_picture(Image *out, const char *path, int channels, int *width, int *height,
                                int factor, Arena *arena, Error *err);

/* The picture as planes in memory of its own: [-1, 1], or with `unit` [0, 1].  NULL when there is none. */
float *input_planes(const Image *picture, bool unit, Arena *arena);

#endif
