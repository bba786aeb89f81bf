/* diffusion/clip_picture.h - how a picture is made ready for a vision encoder; transformers' CLIPImageProcessor.
 *
 *   1. transparency    laid over white (the processor drops it)
 *   2. size            scaled until it covers size x size, cut to the middle (io/resize.h, image_cover); a picture of
 *                      that size stays as it is
 *   3. u               p / 255, binary32
 *   4. x               (u - mean) / deviation of the channel, each step rounded to binary32
 *
 * Source: transformers 4.36, models/clip/image_processing_clip.py.  It rounds the scaled sides to whole pixels before
 * it cuts, and multiplies by 1/255, so that numbers differ in the last places (docs/DEVIATIONS.md). */
#ifndef DIFFUSION_CLIP_PICTURE_H
#define DIFFUSION_CLIP_PICTURE_H

#include "io/json.h"
#include "io/resize.h"
#include "nn/tape.h"

typedef struct {
    int size;            /* side of the result in pixels */
    ResizeFilter filter; /* "resample", numbered as in Pillow */
    float mean[3], deviation[3];
} ClipPicture;

/* size 224, cubic, and the mean and deviation of openai/CLIP's training pictures (clip.py, _transform). */
extern const ClipPicture CLIP_PICTURE_DEFAULTS;

/* preprocessor_config.json: every key honoured, or refused by name; absent ones are as above. */
MUST_CHECK Status clip_picture_read(ClipPicture *out, const Json *json, const char *name, Arena *arena,
                                    Error *err);
void clip_picture_write(JsonWriter *w, const ClipPicture *p);

/* Steps 1 to 4: planes (3,size,size).  The scratch is given back. */
MUST_CHECK Status clip_picture_planes(float *planes, const ClipPicture *p, const Image *image,
                                      Arena *scratch, Error *err);

/* Step 4 alone on the tape, with the same bits: u (N,3,H,W) in [0, 1], whose gradient it passes on. */
Tensor *clip_picture_normalise(Tape *tape, const ClipPicture *p, Tensor *u);

#endif
