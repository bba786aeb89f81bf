/* diffusion/world_export.h - samples of the picture world as files that other trainers read.
 *
 *   FOLDER/000000.png ...      the pictures; FOLDER/maps/000000_sketch.png ... their maps
 *   FOLDER/metadata.jsonl      one object a line, as the "imagefolder" of Hugging Face's datasets takes it:
 *     {"file_name": "000000.png", "text": "a rose in noto style", "text_0": ..., "text_1": ...,
 *      "text_2": ..., "sketch_file_name": "maps/000000_sketch.png", ..., "seed": 42, "index": 0,
 *      "scene": {...}}
 * text is the caption of the scene's own level, text_N those of the three levels; scene is what
 * world_record writes.  Every picture has its caption in the PNG text "Description". */
#ifndef DIFFUSION_WORLD_EXPORT_H
#define DIFFUSION_WORLD_EXPORT_H

#include "diffusion/data_set.h"
#include "diffusion/world_sample.h"

typedef struct {
    uint64_t seed, first,
        count;             /* the samples (seed, first) ... (seed, first + count - 1), count <= 999999 */
    DataProgress progress; /* NULL: none */
    void *context;
} WorldExport;

/* Makes the folder if needed.  metadata.jsonl appears when all is done: a folder
 * without it is unfinished. */
MUST_CHECK Status world_export(const char *folder, const World *world, const WorldOptions *options,
                               const WorldExport *what, Arena *scratch, Error *err);

#endif
