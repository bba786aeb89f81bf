/* diffusion/pipeline_edict.h - a picture changed by two prompts [WalGN23, section 4.3]: to the pair of noise under the one
 * that describes it, and back under the other.
 *
 *   z0 -> x = y = z0 -> EDICT undone under `base` -> (x_T, y_T) -> EDICT under `edit` -> x is the latent of the result
 *
 * With the same prompt twice the picture comes back but for rounding.  Guidance is applied on both ways. */
#ifndef DIFFUSION_PIPELINE_EDICT_H
#define DIFFUSION_PIPELINE_EDICT_H

#include "diffusion/edict.h"
#include "diffusion/model.h"

typedef struct {
    const char *base, *edit; /* prompts, UTF-8; NULL: "" */
    const char *negative;    /* of the guidance; NULL: "" */
    double guidance;         /* w; 1: the network runs under the prompt alone */
    EdictOptions steps;
    const EdictWatch *invert, *generate; /* progress of the two ways; NULL: none */
} EdictEdit;

/* latents (pictures, L, h, w), in place: of pictures before, of the changed ones after.  noise (2, pictures, L, h, w) takes
 * the pair of noise, NULL: not wanted.  The model needs its tokenizer, text encoder, U-Net and scheduler. */
MUST_CHECK Status edict_edit(float *latents, float *noise, const Model *m, int pictures, int height,
                             int width, const EdictEdit *options, Arena *arena, Error *err);

#endif
