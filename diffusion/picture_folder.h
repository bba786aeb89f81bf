/* diffusion/picture_folder.h - a folder of pictures with captions, as other trainers lay it out: what is in it.
 *
 * A folder with metadata.jsonl is Hugging Face's `imagefolder`: one JSON object a line,
 *     {"file_name": "000000.png", "text": "a rose in noto style", ...}
 * file_name below that folder, the caption under the name that is asked for; the things that it should show under "objects", a list of
 * names, or as `data make` writes them ("scene": {"objects": [{"name", "category"}]}); other names are left alone.  A picture may
 * stand in several lines with several captions.  Its order is that of the lines.
 *
 * Any other folder is as kohya's scripts take it: every picture, with its caption in the first line of a file of the
 * same name that ends in .txt or .caption; then the folders below, all in the order of their names' bytes.  A folder
 * called N_NAME has its pictures shown N times in place of once, and NAME is the caption of those that have none.
 *
 * Pictures are .png, .ppm and .pgm.  A picture of another kind (.jpg, .webp ...) is refused by name and not passed over.
 * Hidden files and all other kinds of files are left alone. */
#ifndef DIFFUSION_PICTURE_FOLDER_H
#define DIFFUSION_PICTURE_FOLDER_H

#include "base/arena.h"
#include "base/error.h"

enum { PICTURE_REPEATS_MAX = 1000, PICTURE_FOLDERS_DEEP = 16 };

typedef struct {
    const char *name, *category; /* category "" where none is given */
} PictureThing;

typedef struct {
    const char *name;          /* below the folder, "cats/one.png" */
    const char *path;          /* to open it */
    const char *caption;       /* UTF-8; NULL: it has none */
    int repeats;               /* 1 to PICTURE_REPEATS_MAX */
    const PictureThing *thing; /* (things) that metadata.jsonl names */
    int things;
} PictureEntry;

typedef struct {
    const char *folder;
    PictureEntry *entry;
    size_t count;
} PictureFolder;

/* `column`: the name of the caption in metadata.jsonl, "text" when NULL.  Everything lies in the arena.  Errors name
 * file and line: no picture at all, a line that is no object with a file_name, a caption that is no text, a file_name
 * that leads out of the folder, text that is not UTF-8, a kind of picture that is not read. */
MUST_CHECK Status picture_folder_open(PictureFolder *out, const char *folder, const char *column,
                                      Arena *arena, Error *err);

#endif
