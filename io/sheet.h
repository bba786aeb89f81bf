/* io/sheet.h - contact sheets: pictures in rows and columns, with captions. */
#ifndef IO_SHEET_H
#define IO_SHEET_H

#include "io/image.h"

typedef struct {
    const Image *image;  /* NULL: an empty place */
    const char *caption; /* below the picture, broken into lines as it needs; NULL: none */
} SheetCell;

/* Everything that is not named is 0 or NULL, and then chosen as written here. */
typedef struct {
    int columns; /* 0: so many that the sheet is about square */
    int zoom;    /* every pixel becomes zoom x zoom; 0: such that the widest picture is 128 at least */
    int letters; /* size of letters, 1 or more; 0: 1, and 2 for pictures of 384 pixels or more (zoomed) */
    int gap;     /* pixels between pictures; 0: 8 */
    const char *title;                /* above everything */
    const char *const *column_titles; /* one a column, above it */
    const char *const *row_titles;    /* one a row, left of it; broken after 20 characters */
} SheetOptions;

/* Black letters on white.  Cells are as wide as the widest picture; pictures stand at the top of their
 * cells, in the middle; with alpha they are laid over white.  STATUS_ARGUMENT: no cells, an option below
 * 0, zoom, letters or gap above 1000, or a sheet beyond the limits of io/image.h. */
MUST_CHECK Status sheet_make(Image *out, const SheetCell *cells, int count, const SheetOptions *options,
                             Arena *arena, Error *err);

#endif
