/* diffusion/clip_shape_config.h - the part of config.json that CLIP's text and vision encoders share.
 *
 * Both classes of transformers name the sizes of their layers alike; only the defaults differ.  Source: transformers
 * 4.36, models/clip/configuration_clip.py and configuration_utils.py (PretrainedConfig). */
#ifndef DIFFUSION_CLIP_SHAPE_CONFIG_H
#define DIFFUSION_CLIP_SHAPE_CONFIG_H

#include "diffusion/clip_layer.h"
#include "diffusion/config_reader.h"

enum { CLIP_WIDTH_MAX = 65536, CLIP_LAYERS_MAX = 1024 }; /* larger ones are refused */

/* hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, hidden_act, layer_norm_eps; what is absent
 * is as in `defaults`.  Keys that only training and the generation of text look at are passed over. */
ClipShape clip_shape_read(ConfigReader *r, const ClipShape *defaults);

/* Passes over the keys that every configuration of transformers may have and CLIP never looks at. */
void clip_config_pass_over(ConfigReader *r);

/* transformers' name of the activation. */
const char *clip_activation_name(Activation act);

/* True when the list of class names `architectures` has this one. */
bool clip_config_names(const Json *architectures, const char *class_name);

#endif
