/* io/svg.h - what every SVG picture is written with: coordinates and texts.
 *
 * Coordinates are pixels rounded to 1/100, written from integers, so that a picture has the same bytes on every
 * machine. */
#ifndef IO_SVG_H
#define IO_SVG_H

#include "base/bytes.h"

/* Writes x rounded to the nearest 1/100 (ties to even): "12.5", "-0.25", "3".  Beyond +-10^6 it writes +-10^6,
 * for NaN 0. */
void svg_number(Bytes *out, double x);

/* "x,y" */
void svg_point(Bytes *out, double x, double y);

/* Writes ` name="x"` */
void svg_attribute(Bytes *out, const char *name, double x);

/* Writes text so that it is not read as markup; bytes that are no UTF-8 or no character of XML become U+FFFD. */
void svg_text(Bytes *out, const char *text);

/* About how many pixels wide a text is in letters of `size` pixels: as in DejaVu Sans, wider than most. */
double svg_text_width(const char *text, int size);

#endif
