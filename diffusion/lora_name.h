/* diffusion/lora_name.h - what a tensor of a LoRA file is, by its name.
 *
 *   diffusers   unet.down_blocks.0. ... .attn1.to_q.lora.down.weight, .lora.up.weight, .alpha;
 *               .attn1.processor.to_q_lora.down.weight;  text_encoder. ... .q_proj.lora_linear_layer.down.weight
 *   PEFT        unet.down_blocks.0. ... .attn1.to_q.lora_A.weight (down), .lora_B.weight (up); the prefix may be
 *               base_model.model., and "default." may stand before "weight"
 *   kohya       lora_unet_down_blocks_0_..._attn1_to_q.lora_down.weight, .lora_up.weight, .alpha;
 *               lora_te_text_model_encoder_layers_0_self_attn_q_proj. ...
 *
 * A dotted name without unet. or text_encoder. is the U-Net's, but for one that begins with text_model.
 * Source: diffusers 0.27, loaders/lora_conversion_utils.py and models/lora.py (text_encoder_attn_modules);
 * PEFT 0.10, utils/save_and_load.py; kohya-ss/sd-scripts, networks/lora.py. */
#ifndef DIFFUSION_LORA_NAME_H
#define DIFFUSION_LORA_NAME_H

#include <stdbool.h>

#include "weights/weights.h"

typedef enum { LORA_DIFFUSERS, LORA_PEFT, LORA_KOHYA } LoraNaming;
typedef enum { LORA_DOWN, LORA_UP, LORA_ALPHA } LoraRole;

typedef struct {
    LoraNaming naming;
    LoraRole role;
    bool text;                 /* of the text encoder; else of the U-Net */
    char module[WEIGHTS_NAME]; /* "down_blocks.0.attentions.0. ... .attn1.to_q"; kohya: its points are _ */
} LoraName;

/* False when the name is none of a LoRA's (or longer than any is). */
bool lora_name_read(LoraName *out, const char *key);

/* "diffusers", "PEFT", "kohya". */
const char *lora_naming_name(LoraNaming naming);

/* Whether the module named in the file is this one of the network (dotted). */
bool lora_name_is(const LoraName *name, const char *module);

/* The key of a tensor in PEFT's or kohya's naming; `module` is dotted.  False when it is too long. */
bool lora_name_write(char out[WEIGHTS_NAME], LoraNaming naming, LoraRole role, bool text,
                     const char *module);

#endif
