/* diffusion/vae_config.h - what shape an autoencoder has, as diffusers' AutoencoderKL
 * writes it to config.json.
 *
 * As with unet_config.h: every key is honoured or refused by name, absent keys have the class's defaults.
 * Source: diffusers 0.27, models/autoencoders/autoencoder_kl.py; the four keys that later versions added
 * (mid_block_add_attention, shift_factor, use_quant_conv, use_post_quant_conv) are known. */
#ifndef DIFFUSION_VAE_CONFIG_H
#define DIFFUSION_VAE_CONFIG_H

#include "io/json.h"

enum { VAE_LEVELS = 16 }; /* more are refused */

typedef struct {
    int sample_height, sample_width; /* of the pictures it was trained on */
    int in_channels, out_channels, latent_channels;
    int levels;               /* the latent is 2^(levels-1) times smaller than the picture */
    int channels[VAE_LEVELS]; /* block_out_channels, finest first */
    int layers;               /* layers_per_block: residual blocks going down; one more going up */
    int norm_num_groups;
    bool mid_block_add_attention;
    bool use_quant_conv, use_post_quant_conv;
    double scaling_factor; /* the U-Net works on (z - shift_factor) * scaling_factor */
    double shift_factor;
    bool force_upcast; /* kept for writing: everything is binary32 here */
} VaeConfig;

/* name begins the error sentences.  On failure *out is untouched. */
MUST_CHECK Status vae_config_read(VaeConfig *out, const Json *json, const char *name, Arena *arena,
                                  Error *err);

/* The whole object, so that diffusers loads what we save. */
void vae_config_write(JsonWriter *w, const VaeConfig *c);

bool vae_config_same(const VaeConfig *a, const VaeConfig *b);

/* Picture pixels to a latent pixel, along one side. */
int vae_factor(const VaeConfig *c);

#endif
