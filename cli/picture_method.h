/* cli/picture_method.h - what tells the subcommands that make pictures apart: their own options, the files that they
 * read, and the pipeline that they run.  Everything else they share (cli/picture_request.h). */
#ifndef CLI_PICTURE_METHOD_H
#define CLI_PICTURE_METHOD_H

#include "cli/picture_request.h"

enum { PICTURE_METHOD_OPTIONS = 18 };

typedef struct PictureMethod {
    const char *name;  /* of the subcommand */
    const char *about; /* one sentence */
    bool has_strength; /* leaves out steps */
    /* Its own options; the rows point into *r. */
    void (*table)(PictureRequest *r, Option table[PICTURE_METHOD_OPTIONS]);
    /* Reads its files, noting each with picture_request_input, and sets the size of the pictures.  NULL: none. */
    Status (*read)(PictureRequest *r, Txt2ImgOptions *o, Arena *arena, Error *err);
    Status (*run)(Txt2ImgResult *out, PictureRequest *r, const Txt2ImgOptions *o, Error *err);
} PictureMethod;

extern const PictureMethod METHOD_TXT2IMG, METHOD_IMG2IMG, METHOD_INPAINT, METHOD_CONTROL, METHOD_ADAPTER,
    METHOD_GUIDE;

/* By the subcommand's name; NULL when it makes no pictures in this way. */
const PictureMethod *picture_method_find(const char *name);

#endif
