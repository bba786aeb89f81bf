/* diffusion/single_config.h - what shape the networks of a single-file checkpoint have, from its tensors' shapes.
 *
 * Widths, depths, attention, channels and vocabulary are seen.  Not seen, and taken as the published files have them:
 *   heads              U-Net: 8 (v1), one for each 64 channels (v2); text encoder: one for each 64 numbers
 *   group norm         32 groups
 *   activation         of the text encoder: quick_gelu (v1), gelu (v2)
 *   scheduler          DDIM over 1000 timesteps, scaled_linear 0.00085 to 0.012
 *   prediction         epsilon, unless the metadata's modelspec.prediction_type says v, or a file of the same name
 *                      with .yaml has parameterization: "v": Stable Diffusion 2 for 768 pixels predicts v, and its
 *                      tensors do not tell
 *   sizes              latents of 64 x 64, or 96 x 96 when v is predicted; scaling factor 0.18215
 * A model that is made otherwise needs its configuration files (single_open's config_from).
 * Of OpenCLIP's tower v2 uses all layers but the last, which is left out where the file has it (it has when
 * text_projection is there).  Source: as diffusion/single_names.h, and Stability-AI/stablediffusion, configs/. */
#ifndef DIFFUSION_SINGLE_CONFIG_H
#define DIFFUSION_SINGLE_CONFIG_H

#include "diffusion/single_names.h"
#include "io/tensor_archive.h"

/* True when the tensors are named as in a single-file checkpoint. */
bool single_is(const TensorArchive *file);

SingleLayout single_layout(const TensorArchive *file);

/* Fills the networks' configurations that `parts` asks for (MODEL_UNET, MODEL_VAE, MODEL_TEXT); others are left alone.
 * STATUS_FORMAT when a part has no shape that can be seen. */
MUST_CHECK Status single_config(ModelConfig *config, unsigned parts, const TensorArchive *file,
                                SingleLayout layout, Arena *arena, Error *err);

/* Whether the metadata or the .yaml beside the file says that v is predicted. */
MUST_CHECK Status single_predicts_v(bool *out, const TensorArchive *file, Arena *arena, Error *err);

#endif
