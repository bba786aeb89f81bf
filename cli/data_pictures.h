/* cli/data_pictures.h - what is in a folder of pictures, for a person to look at before training on it. */
#ifndef CLI_DATA_PICTURES_H
#define CLI_DATA_PICTURES_H

#include "cli/common.h"
#include "diffusion/picture_data.h"

typedef struct {
    Command *command;
    const char *folder, *column;
    PictureData *data; /* must stay where it is */
} DataPictures;

/* Reads every picture, as training would. */
MUST_CHECK Status data_pictures_open(DataPictures *p, const PictureOptions *options, Error *err);

/* How many, the split, and a line a picture; with --json an object. */
MUST_CHECK Status data_pictures_list(const DataPictures *p, Error *err);

#endif
