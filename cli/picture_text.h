/* cli/picture_text.h - what a picture says about how it was made: the `parameters` text that other tools read,
 * and under "ldm99" a JSON object from which it can be made again. */
#ifndef CLI_PICTURE_TEXT_H
#define CLI_PICTURE_TEXT_H

#include "diffusion/pipeline_txt2img.h"
#include "io/png.h"

enum { PICTURE_TEXTS = 2 };

/* The texts of picture i of a run with these options on the model in `folder`. */
MUST_CHECK Status picture_texts(PngText texts[PICTURE_TEXTS], const Model *model, const char *folder,
                                const Txt2ImgOptions *options, int i, int width, int height, Arena *arena,
                                Error *err);

#endif
