/* diffusion/world_resample.h - a square drawing at another size.
 *
 * The cubic filter of Keys 1981 [Keys81] with a = -1/2, stretched by cell / side where the drawing shrinks
 * (as Pillow's BICUBIC), on premultiplied colour; outside its cell a drawing is transparent.  Weights are
 * binary64, divided by their sum and rounded once; then binary32: products, sums with the tap ascending
 * from +0, along columns first, then along rows.
 *
 * A filtered pixel is R, G, B, a in 0 .. WORLD_FULL: colour times coverage.  Before filtering these are
 * exact integers; afterwards a pixel with a beyond WORLD_FULL is scaled down to it, and what is left is
 * clamped: a to that range, colours to 0 .. a. */
#ifndef DIFFUSION_WORLD_RESAMPLE_H
#define DIFFUSION_WORLD_RESAMPLE_H

#include <stdbool.h>
#include <stddef.h>

enum { WORLD_FULL = 255 * 255, WORLD_SIDE_MAX = 512 };

/* Floats of scratch that world_resample needs. */
size_t world_resample_scratch(int cell, int side);

/* cell >= 1, 1 <= side <= WORLD_SIDE_MAX.
 *   out      (side, side, 4)
 *   drawing  (cell, cell, 4): RGBA with straight alpha, rows `stride` bytes apart
 *   mirror   exchanges left and right */
void world_resample(float *out, const unsigned char *drawing, size_t stride, int cell, int side,
                    bool mirror, float *scratch);

/* Lays `count` filtered pixels over a canvas (count, 4): canvas <- pixel + canvas * (1 - a /
 * WORLD_FULL). */
void world_over(float *canvas, const float *pixel, size_t count);

/* Lays a canvas over a colour: out (count, 3) <- canvas / 255 + background * (1 - a / WORLD_FULL), rounded
 * to the nearest (a half upwards).  canvas (count, 4): 0 <= colours <= a <= WORLD_FULL. */
void world_flatten(unsigned char *out, const float *canvas, size_t count,
                   const unsigned char background[3]);

/* The loops whose speed depends on the vector unit (world_resample_isa.c). */
typedef struct {
    void (*clamp)(float *pixel, size_t count);
    void (*over)(float *canvas, const float *pixel, size_t count);
    void (*flatten)(unsigned char *out, const float *canvas, size_t count,
                    const unsigned char background[3]);
} WorldResampleTable;

#endif
