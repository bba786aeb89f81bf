/* diffusion/label_colour.h - label maps as pictures.
 *
 * The colour code of PASCAL VOC, which FG-DM's release uses (DeepakSridhar/fgdm, scripts/color_mapping.py):
 * the nine low bits of a label, lowest first, go to R, G, B, R, G, B ... from the highest bit of each
 * channel down.  Label 0, the background, is black; labels below 512 differ by 32 at
 * least in some channel. */
#ifndef DIFFUSION_LABEL_COLOUR_H
#define DIFFUSION_LABEL_COLOUR_H

#include <stdint.h>

#include "io/image.h"

enum { LABEL_COLOURS = 512 };

/* 0 <= label < 2^24. */
void label_colour(unsigned char rgb[3], unsigned label);

/* Paints a label map (height, width) into an RGB picture of that size. */
void label_paint(Image *out, const uint16_t *label);

#endif
