/* cli/picture_output.h - the pictures of a run as files: each with its texts, and a contact sheet of them. */
#ifndef CLI_PICTURE_OUTPUT_H
#define CLI_PICTURE_OUTPUT_H

#include "cli/picture_request.h"

/* "4x2": columns and rows, room for `pictures`. */
MUST_CHECK Status grid_read(int *columns, const char *text, int pictures, const char *name, Error *err);

/* The sheet's name for -o `pattern`: "x.png" and "x_%d.png" have x_grid.png, a folder has FOLDER/grid.png. */
MUST_CHECK Status grid_name(const char **out, const char *pattern, Arena *arena, Error *err);

/* Writes all pictures to the names of -o `pattern` and tells the result. */
MUST_CHECK Status pictures_write(const PictureRequest *r, const Txt2ImgResult *made, const char *pattern,
                                 Error *err);

MUST_CHECK Status grid_write(const PictureRequest *r, const Txt2ImgResult *made, const char *pattern,
                             int columns, Error *err);

#endif
