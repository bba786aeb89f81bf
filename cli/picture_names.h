/* cli/picture_names.h - the picture files of a set: a folder, or a list. */
#ifndef CLI_PICTURE_NAMES_H
#define CLI_PICTURE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

typedef struct {
    const char *const *path;
    size_t count;
    size_t others; /* files of the folder that are no pictures */
} PictureNames;

/* Whether the name ends in .png, .ppm or .pgm. */
bool is_picture_name(const char *name);

/* The pictures of a folder by their names' bytes, without those of folders in it; or of a text file with one path a line
 * (as the shell would take it; empty lines are left out), in its order.  STATUS_FILE when there are none. */
MUST_CHECK Status picture_names(PictureNames *out, const char *word, Arena *arena, Error *err);

/* Part i of n, 1 <= i <= n: as many as in any other part, or one more; the parts after each other are the whole. */
PictureNames picture_names_part(const PictureNames *names, int i, int n);

#endif
