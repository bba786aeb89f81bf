/* diffusion/clip_config.h - what shape a whole CLIP has, as transformers' CLIPConfig in config.json: an object each for
 * the text and the vision encoder, and the width of the space in which they meet.
 *
 * As in transformers, "text_config_dict" and "vision_config_dict" of older files count before "text_config" and
 * "vision_config", and projection_dim outside counts, not that inside.  Source: transformers 4.36,
 * models/clip/configuration_clip.py. */
#ifndef DIFFUSION_CLIP_CONFIG_H
#define DIFFUSION_CLIP_CONFIG_H

#include "diffusion/clip_text_config.h"
#include "diffusion/clip_vision_config.h"

typedef struct {
    ClipTextConfig text;
    ClipVisionConfig vision;
    int projection_dim;      /* also in text and vision, with has_projection set */
    double logit_scale_init; /* logit_scale_init_value: where training starts, ln(1 / 0.07) */
} ClipConfig;

MUST_CHECK Status clip_config_read(ClipConfig *out, const Json *json, const char *name, Arena *arena,
                                   Error *err);

/* The object as transformers writes it. */
void clip_config_write(JsonWriter *w, const ClipConfig *c);

#endif
