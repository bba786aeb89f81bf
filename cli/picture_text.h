/* cli/picture_text.h - what a picture says about how it was made: the `parameters` text that other tools read,
 * and under "ldm99" a JSON object from which it can be made again:
 *
 *     {"program", "version", "contract", "subcommand",
 *      "options": {those of this picture alone, as the command line has them},
 *      "inputs_sha256": {file: hash, of the pictures and networks that were given besides the model},
 *      "resolved": {what "auto" and 0 came to}, "timesteps": [], "sigmas": [], "alpha_bars": [],
 *      "latents_sha256", "model_sha256": {file: hash}, "pixels_sha256"}                                       */
#ifndef CLI_PICTURE_TEXT_H
#define CLI_PICTURE_TEXT_H

#include "cli/picture_request.h"
#include "io/png.h"

enum { PICTURE_TEXTS = 2 };

/* The texts of picture i of a run. */
MUST_CHECK Status picture_texts(PngText texts[PICTURE_TEXTS], const PictureRequest *r, int i,
                                const Image *picture, Arena *arena, Error *err);

/* The members "options", "resolved" and those of given latents, of the object that is open. */
void request_write(JsonWriter *w, PictureRequest *r, const SamplerRun *plan, const Image *picture);

/* SHA-256 of the pixels: rows from the top, channels together. */
void picture_hash(char hex[65], const Image *picture);

#endif
