/* io/resize_lines.h - the steps of a separable filter, on lines of samples: io/resize.h and the drawings of
 * diffusion/world_resample.h are made of them. */
#ifndef IO_RESIZE_LINES_H
#define IO_RESIZE_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* out (n) = sum over k < taps of weight[k] * in[k * stride + i]: binary32 products, added in ascending order
 * from +0. */
void resize_weigh(float *out, const float *in, const float *weight, int taps, size_t stride, size_t n);

/* out (count, 4) = R a, G a, B a, 255 a of straight 8-bit pixels: exact. */
void resize_premultiply(float *out, const unsigned char *pixel, size_t count);

/* out (columns, rows, channels) from in (rows, columns, channels), or with `mirror` from its last row up. */
void resize_transpose(float *out, const float *in, size_t rows, size_t columns, size_t channels,
                      bool mirror);

/* The loops whose speed depends on the vector unit (io/resize_lines_isa.c). */
typedef struct {
    void (*weigh)(float *out, const float *in, const float *weight, int taps, size_t stride, size_t n);
    void (*premultiply)(float *out, const unsigned char *pixel, size_t count);
} ResizeLinesTable;

#endif
