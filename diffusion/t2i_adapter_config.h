/* diffusion/t2i_adapter_config.h - what shape a T2I-Adapter has, as diffusers' T2IAdapter writes it to config.json.
 *
 * Every key of that class is either honoured or refused by name; keys that are absent have the class's
 * defaults.  Source: diffusers 0.27, models/adapter.py. */
#ifndef DIFFUSION_T2I_ADAPTER_CONFIG_H
#define DIFFUSION_T2I_ADAPTER_CONFIG_H

#include "io/json.h"

enum { ADAPTER_LEVELS = 16 }; /* more are refused */

typedef enum { ADAPTER_FULL, ADAPTER_FULL_XL, ADAPTER_LIGHT } AdapterType;

typedef struct {
    AdapterType type;
    int in_channels;
    int levels;
    int channels[ADAPTER_LEVELS]; /* of the features, finest first: the U-Net's block_out_channels */
    int num_res_blocks;           /* in each block */
    int downscale_factor;         /* picture pixels to a pixel of the finest feature, along one side */
} AdapterConfig;

/* name begins the error sentences.  On failure *out is untouched. */
MUST_CHECK Status t2i_adapter_config_read(AdapterConfig *out, const Json *json, const char *name,
                                          Arena *arena, Error *err);

/* The whole object, so that diffusers loads what we save. */
void t2i_adapter_config_write(JsonWriter *w, const AdapterConfig *c);

bool t2i_adapter_config_same(const AdapterConfig *a, const AdapterConfig *b);

/* diffusers' name of the type: "light_adapter". */
const char *t2i_adapter_type_name(AdapterType type);

/* Features that it makes: one a level, and one more in the light type. */
int t2i_adapter_features(const AdapterConfig *c);

#endif
