/* diffusion/unet_config.h - what shape a U-Net has, as diffusers' UNet2DConditionModel
 * writes it to config.json.
 *
 * Every key of that class is either honoured or, when it asks for something that is not done here, refused
 * by name.  Keys that are absent have the class's defaults.
 * Source: diffusers 0.27, models/unets/unet_2d_condition.py. */
#ifndef DIFFUSION_UNET_CONFIG_H
#define DIFFUSION_UNET_CONFIG_H

#include "io/json.h"

enum { UNET_LEVELS = 16 }; /* more are refused */

/* One resolution, finest first.  Down block i and up block levels-1-i belong to level i. */
typedef struct {
    int channels;            /* block_out_channels */
    int layers;              /* layers_per_block: units going down; one more going up */
    int heads;               /* attention_head_dim: in this class the NUMBER of heads */
    int cross_attention_dim; /* width of the text's rows */
    int transformer_layers;  /* transformer_layers_per_block, going down (and in the middle) */
    int up_transformer_layers;
    bool down_attends, up_attends; /* CrossAttnDownBlock2D, CrossAttnUpBlock2D */
    bool only_cross_attention;
} UnetLevel;

typedef enum {
    UNET_MID_NONE,      /* null: the middle is left out */
    UNET_MID_PLAIN,     /* UNetMidBlock2D: one residual block */
    UNET_MID_CROSS_ATTN /* UNetMidBlock2DCrossAttn */
} UnetMid;

typedef struct {
    int sample_height, sample_width; /* of the latent it was trained for; 0: not said */
    int in_channels, out_channels;
    int conv_in_kernel, conv_out_kernel; /* odd */
    int levels;
    UnetLevel *level;
    UnetMid mid;
    double mid_block_scale_factor;
    int norm_num_groups;
    double norm_eps;
    int time_embedding_dim; /* 4 * channels of level 0 unless the file says otherwise */
    int time_cond_proj_dim; /* guidance-distilled networks (LCM): width of guidance's embedding; 0: none */
    bool flip_sin_to_cos;
    double freq_shift;
    bool center_input_sample; /* x <- 2 x - 1 first */
    bool use_linear_projection;
    bool upcast_attention;  /* kept for writing: everything is binary32 here */
    int downsample_padding; /* 1, or 0: below and at the right only */
} UnetConfig;

/* name begins the error sentences.  On failure *out is untouched. */
MUST_CHECK Status unet_config_read(UnetConfig *out, const Json *json, const char *name, Arena *arena,
                                   Error *err);

/* The half that a ControlNet shares, from a ControlNetModel's config: it has no way up.  `own` names the
 * keys that the caller reads himself (ended by NULL). */
MUST_CHECK Status unet_config_read_controlnet(UnetConfig *out, const Json *json, const char *name,
                                              const char *const *own, Arena *arena, Error *err);

/* The whole object, all keys of the class in diffusers' order, so that diffusers loads what we save. */
void unet_config_write(JsonWriter *w, const UnetConfig *c);

/* Of an object that is open, the keys that ControlNetModel has too. */
void unet_config_write_shared(JsonWriter *w, const UnetConfig *c);

bool unet_config_same(const UnetConfig *a, const UnetConfig *b);

/* Skip connections: conv_in's, one a unit, one a down-sampling. */
int unet_skip_count(const UnetConfig *c);

#endif
