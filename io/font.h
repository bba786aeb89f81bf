/* io/font.h - a small bitmap font for captions: ASCII, every character 6 x 11 pixels with its space.
 *
 * Capitals are 7 pixels high and stand on row 7; tails reach row 9.  Whatever is not ASCII is shown as an
 * empty box, one a character of UTF-8.  Drawn for this project (io/font.c shows the shapes). */
#ifndef IO_FONT_H
#define IO_FONT_H

#include <stdbool.h>
#include <stddef.h>

#include "io/image.h"

enum { FONT_WIDTH = 6, FONT_HEIGHT = 11 };

/* Is the pixel of this byte's shape set?  0 <= column < FONT_WIDTH, 0 <= row < FONT_HEIGHT. */
bool font_pixel(unsigned char byte, int column, int row);

/* Characters in `length` bytes of UTF-8: how many times FONT_WIDTH they are wide. */
int font_characters(const char *text, size_t length);

/* Writes one line with its upper left corner at (x, y), each pixel `scale` x `scale` large, in the colour
 * `ink` (a sample a channel).  What falls outside is left away. */
void font_draw(Image *image, int x, int y, const char *text, size_t length, int scale,
               const unsigned char *ink);

/* The next line of a text that is broken at spaces and newlines, and inside words longer than `columns`
 * >= 1: returns its bytes and moves *text behind it and the spaces that follow.  At the end *text points
 * at '\0'. */
size_t font_line(const char **text, int columns);

/* Lines that the text takes. */
int font_lines(const char *text, int columns);

#endif
