/* diffusion/clip_vision_config.h - what shape a vision encoder has, as transformers' CLIPVisionConfig in config.json.
 *
 * Keys that are absent have the class's defaults (those of openai/clip-vit-base-patch32's vision half); keys that say
 * nothing about the result are passed over, all others are refused by name.  Source: transformers 4.36,
 * models/clip/configuration_clip.py. */
#ifndef DIFFUSION_CLIP_VISION_CONFIG_H
#define DIFFUSION_CLIP_VISION_CONFIG_H

#include "diffusion/clip_layer.h"
#include "io/json.h"

typedef struct {
    int channels;   /* num_channels of the picture, 3 */
    int image_size; /* its side in pixels */
    int patch_size; /* side of a patch; what is left over at the right and lower edge is not seen */
    ClipShape shape;
    int projection_dim;  /* of visual_projection, where the weights have one */
    bool has_projection; /* architectures: CLIPVisionModelWithProjection */
} ClipVisionConfig;

MUST_CHECK Status clip_vision_config_read(ClipVisionConfig *out, const Json *json, const char *name,
                                          Arena *arena, Error *err);

/* The object as transformers writes it; the same members but "architectures" alone, into an object that is open. */
void clip_vision_config_write(JsonWriter *w, const ClipVisionConfig *c);
void clip_vision_config_members(JsonWriter *w, const ClipVisionConfig *c);

/* Patches along one side. */
int clip_vision_grid(const ClipVisionConfig *c);

#endif
