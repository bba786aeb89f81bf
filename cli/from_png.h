/* cli/from_png.h - options from what a picture says of how it was made (--from-png).
 *
 * A picture of this program has its options under "ldm99".  Others have "parameters", as stable-diffusion-webui writes
 * it: the prompt, then "Negative prompt: ...", then a line "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1,
 * Size: 512x512, ...", of which these are read: Steps, Sampler, Schedule type, CFG scale, Seed, Size, Clip skip (1 is none
 * left out), Denoising strength where the subcommand has it.  Other keys say what is not an option here. */
#ifndef CLI_FROM_PNG_H
#define CLI_FROM_PNG_H

#include "cli/options.h"

/* STATUS_FORMAT when the picture says nothing, or says what cannot be. */
MUST_CHECK Status options_from_png(const Options *options, const char *path, Arena *arena, Error *err);

/* The same from the text "parameters". */
MUST_CHECK Status options_from_parameters(const Options *options, const char *text, const char *path,
                                          Arena *arena, Error *err);

#endif
