/* diffusion/controlnet_config.h - what shape a ControlNet has, as diffusers' ControlNetModel writes it to
 * config.json.
 *
 * Every key of that class is either honoured or refused by name; keys that are absent have the class's
 * defaults.  Source: diffusers 0.27, models/controlnet.py. */
#ifndef DIFFUSION_CONTROLNET_CONFIG_H
#define DIFFUSION_CONTROLNET_CONFIG_H

#include "diffusion/unet_config.h"

enum { CONTROLNET_LEVELS = 16 }; /* of the condition's embedding; more are refused */

typedef struct {
    UnetConfig unet;           /* the half that it shares; what only a way up has is 0 */
    int conditioning_channels; /* of the condition picture */
    int embedding_levels;
    int embedding_channels[CONTROLNET_LEVELS]; /* conditioning_embedding_out_channels, finest first */
    bool bgr; /* controlnet_conditioning_channel_order: the picture's channels come reversed */
    bool global_pool_conditions; /* residuals are their means over the pixels */
} ControlNetConfig;

/* name begins the error sentences.  On failure *out is untouched. */
MUST_CHECK Status controlnet_config_read(ControlNetConfig *out, const Json *json, const char *name,
                                         Arena *arena, Error *err);

/* A ControlNet for this U-Net: its half, and the class's defaults for the rest (three channels, levels 16, 32, 96
 * and 256: pictures 8 times the latent).  STATUS_ARGUMENT for a U-Net that the class cannot copy: without a middle,
 * or with a conv_in_kernel, a center_input_sample or a time_embedding_dim of its own. */
MUST_CHECK Status controlnet_config_for(ControlNetConfig *out, const UnetConfig *unet, Arena *arena,
                                        Error *err);

/* The whole object, so that diffusers loads what we save. */
void controlnet_config_write(JsonWriter *w, const ControlNetConfig *c);

bool controlnet_config_same(const ControlNetConfig *a, const ControlNetConfig *b);

/* Picture pixels to a latent pixel, along one side: every level but the first halves. */
int controlnet_factor(const ControlNetConfig *c);

/* Residuals of the way down: the skip connections of the U-Net that it steers. */
int controlnet_residuals(const ControlNetConfig *c);

#endif
