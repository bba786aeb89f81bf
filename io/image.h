/* io/image.h - a picture of 8-bit samples, and its way to and from a network's tensor.
 *
 * Rows lie top first, pixels left first, the samples of a pixel side by side: the sample c at (x, y) is
 * pixels[(y * width + x) * channels + c].  Channels: 1 grey, 3 red green blue, 4 with alpha (not
 * premultiplied; 255 is opaque).  Values are as stored in the file (sRGB by convention); no profile or
 * gamma is ever applied. */
#ifndef IO_IMAGE_H
#define IO_IMAGE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

typedef struct {
    int width, height, channels;
    unsigned char *pixels;
} Image;

enum { IMAGE_SIDE_MAX = 1 << 20, IMAGE_PIXELS_MAX = 1 << 28 }; /* larger pictures are refused */

/* A black (transparent, with alpha) picture.  STATUS_ARGUMENT for sides or channels out of range. */
MUST_CHECK Status image_new(Image *out, int width, int height, int channels, Arena *arena, Error *err);

size_t image_size(const Image *image); /* width * height * channels bytes */

unsigned char *image_at(const Image *image, int x, int y);

/* The same picture with 1, 3 or 4 channels.  Grey from colour is (19595 R + 38470 G + 7471 B + 32768) >> 16
 * (ITU-R BT.601 weights, as Pillow rounds them); alpha is dropped as it is, or set to 255. */
MUST_CHECK Status image_convert(Image *out, const Image *in, int channels, Arena *arena, Error *err);

/* A picture without alpha: each pixel laid over the colour `background` (RGB), rounded to nearest. */
MUST_CHECK Status image_flatten(Image *out, const Image *in, const unsigned char background[3],
                                Arena *arena, Error *err);

/* The part of width x height at (x, y), which must lie inside. */
MUST_CHECK Status image_crop(Image *out, const Image *in, int x, int y, int width, int height, Arena *arena,
                             Error *err);

void image_fill(Image *image, const unsigned char *colour); /* colour: one sample a channel */

/* Copies `part` onto `image` with its upper left corner at (x, y); what falls outside is left away.  A
 * grey part is spread over colours; the alpha of `part` is copied when both have one, and left away
 * otherwise. */
void image_paste(Image *image, const Image *part, int x, int y);

/* The same, but lays the pixels of `part` (4 channels) over those of `image` (3 or 4) by the "over" rule,
 * each sample rounded once to the nearest (a half upwards). */
void image_over(Image *image, const Image *part, int x, int y);

/* The mirror picture, left and right exchanged, in place. */
void image_mirror(Image *image);

/* ---- Tensors: planes (C,H,W) of binary32, C = channels of the picture -------------------------------- */

/* (2 * (p / 255)) - 1, each step rounded to binary32: [-1, 1], as diffusers' image processor. */
void image_to_planes(float *planes, const Image *image);

/* p / 255 in [0, 1]. */
void image_to_unit_planes(float *planes, const Image *image);

/* The way back, into a picture that exists: rint(255 * clamp(x * 0.5 + 0.5, 0, 1)), each step rounded to
 * binary32; NaN gives 0. */
void image_from_planes(Image *image, const float *planes);

#endif
