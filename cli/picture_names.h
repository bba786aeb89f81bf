/* cli/picture_names.h - the pictures of a set: a folder, a list, or the tiles of a sheet. */
#ifndef CLI_PICTURE_NAMES_H
#define CLI_PICTURE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "io/image.h"

typedef struct {
    const char *const *path;
    size_t count;
    size_t others;      /* files of the folder that are no pictures */
    const Image *sheet; /* NULL; or what the pictures are tiles of, whose paths are SHEET#NUMBER, from 0 */
    int tile_width, tile_height;
} PictureNames;

/* Whether the name ends in .png, .ppm or .pgm. */
bool is_picture_name(const char *name);

/* The pictures of a folder by their names' bytes, without those of folders in it; of a text file with one path a line
 * (as the shell would take it; empty lines are left out), in its order; or of a sheet, FILE.png@64 or FILE.png@64x48, row
 * after row: the arena holds it whole.  STATUS_FILE when there are none, STATUS_SHAPE when a sheet is not full of tiles. */
MUST_CHECK Status picture_names(PictureNames *out, const char *word, Arena *arena, Error *err);

/* Picture i, read from its file or cut out of the sheet. */
MUST_CHECK Status picture_open(Image *out, const PictureNames *names, size_t i, Arena *arena, Error *err);

/* Part i of n, 1 <= i <= n: as many as in any other part, or one more; the parts after each other are the whole. */
PictureNames picture_names_part(const PictureNames *names, int i, int n);

#endif
