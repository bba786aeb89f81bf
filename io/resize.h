/* io/resize.h - a picture at another size, shifted by parts of a pixel, mirrored.
 *
 * A separable linear filter (io/resize_weights.h), first along columns, then along rows, in binary32 by
 * the order of the contract's products (taps ascending, panels of 256).  Pixels with alpha are filtered
 * premultiplied: what is transparent has no colour.  Results are rounded to the nearest sample (a half to
 * even). */
#ifndef IO_RESIZE_H
#define IO_RESIZE_H

#include <stdbool.h>

#include "io/image.h"

/* The kernel k(t), t in samples of the input, or of the output where the picture shrinks. */
typedef enum {
    RESIZE_LANCZOS3, /* sinc(t) sinc(t/3), |t| < 3 [Duchon 1979]: sharp, may overshoot at edges */
    RESIZE_CUBIC,    /* Keys 1981 with a = -1/2, |t| < 2 */
    RESIZE_LINEAR,   /* 1 - |t|, |t| < 1 */
    RESIZE_AREA,     /* each output pixel is the mean of what it covers */
    RESIZE_NEAREST   /* the input pixel that its centre lies in: for label maps */
} ResizeFilter;

/* The literal {0} fills the output with the picture, by Lanczos. */
typedef struct {
    ResizeFilter filter;
    /* Where the picture's corners come to lie, in pixels of the output: (left, top) and (left + width,
     * top + height).  width 0: at 0 and the whole width; height likewise.  |left|, |top| <= 2^20; 1 <=
     * width <= 2^20. */
    double left, top, width, height;
    bool mirror; /* left and right exchanged */
    bool clear;  /* beyond the picture is transparent (channels 4) or black; otherwise its edges go on */
} ResizeOptions;

/* A new picture of width x height and the channels of `in`. */
MUST_CHECK Status image_resize(Image *out, const Image *in, int width, int height, ResizeOptions options,
                               Arena *arena, Error *err);

/* The usual preparation for a network with a square or fixed input: scaled by one factor until the
 * picture covers width x height, then cut to the middle. */
MUST_CHECK Status image_cover(Image *out, const Image *in, int width, int height, ResizeFilter filter,
                              Arena *arena, Error *err);

#endif
