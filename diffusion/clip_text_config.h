/* diffusion/clip_text_config.h - what shape a text encoder has, as
 * transformers' CLIPTextConfig in config.json.
 *
 * Keys that are absent have the class's defaults (those of openai/clip-vit-base-patch32's text half).  Keys
 * that only training or generation looks at are passed over; any other key that is not known is refused by
 * name.  Source: transformers 4.36, models/clip/configuration_clip.py. */
#ifndef DIFFUSION_CLIP_TEXT_CONFIG_H
#define DIFFUSION_CLIP_TEXT_CONFIG_H

#include "diffusion/clip_layer.h"
#include "io/json.h"

typedef struct {
    int vocab_size;
    int positions; /* max_position_embeddings: the longest prompt, 77 */
    ClipShape shape;
    int eos_token_id;               /* 2 is an old mistake in published files and means "the largest id" */
    int bos_token_id, pad_token_id; /* kept for writing */
    int projection_dim;             /* of text_projection, where the weights have one */
    bool has_projection;            /* architectures: CLIPTextModelWithProjection */
} ClipTextConfig;

MUST_CHECK Status clip_text_config_read(ClipTextConfig *out, const Json *json, const char *name,
                                        Arena *arena, Error *err);

/* The object as transformers writes it; the same members but "architectures" alone, into an object that is open. */
void clip_text_config_write(JsonWriter *w, const ClipTextConfig *c);
void clip_text_config_members(JsonWriter *w, const ClipTextConfig *c);

#endif
