/* cli/golden_models.h - the small models that the golden items run: true architectures, a few thousand parameters. */
#ifndef CLI_GOLDEN_MODELS_H
#define CLI_GOLDEN_MODELS_H

#include "diffusion/model.h"

enum { GOLDEN_TEXT_WIDTH = 16, GOLDEN_TEXT_LENGTH = 6, GOLDEN_VOCABULARY = 22 };

MUST_CHECK Status golden_unet(Unet *out, Weights *w, Arena *arena, Error *err);
MUST_CHECK Status golden_vae(Vae *out, Weights *w, Arena *arena, Error *err);
void golden_text(ClipText *out, Weights *w); /* check with weights_finish */

/* All of it, with a tokenizer learned from three captions: pictures of 32 x 32, latents of 4 x 8 x 8. */
MUST_CHECK Status golden_model(Model *out, Arena *arena, Error *err);

#endif
