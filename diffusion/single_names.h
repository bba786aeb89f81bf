/* diffusion/single_names.h - the names of tensors in single-file checkpoints, beside those of diffusers.
 *
 *   model.diffusion_model. ...          the U-Net: input_blocks, middle_block, output_blocks counted through
 *   first_stage_model. ...              the VAE; its up blocks are counted from the finest level
 *   cond_stage_model.transformer. ...   CLIP's text encoder as transformers names it (layout v1: Stable Diffusion 1)
 *   cond_stage_model.model. ...         the same by OpenCLIP (layout v2: Stable Diffusion 2); q, k and v in one tensor
 *
 * Source: CompVis/latent-diffusion, ldm/modules/diffusionmodules/{openaimodel,model}.py; Stability-AI/stablediffusion,
 * ldm/modules/encoders/modules.py; diffusers 0.27, scripts/convert_diffusers_to_original_stable_diffusion.py. */
#ifndef DIFFUSION_SINGLE_NAMES_H
#define DIFFUSION_SINGLE_NAMES_H

#include "diffusion/model.h"

typedef enum { SINGLE_V1, SINGLE_V2 } SingleLayout;
enum { SINGLE_UNET, SINGLE_VAE, SINGLE_TEXT, SINGLE_PARTS };

/* A module (or, v2, a tensor) in both namings; what follows the name is the same in both. */
typedef struct {
    const char *ldm, *ours;
    int part;
    bool in_proj; /* three of ours, q_proj, k_proj and v_proj under `ours`, lie in the one of LDM */
    bool point;   /* a 1x1 convolution in LDM, a linear layer here */
} SingleName;

typedef struct {
    SingleName *pair;
    size_t count, room;
    Arena *arena;
    bool failed; /* no memory */
} SingleNames;

/* All modules of a model of that shape. */
MUST_CHECK Status single_names(SingleNames *out, const ModelConfig *config, SingleLayout layout,
                               Arena *arena, Error *err);

/* The pair whose name is the beginning of `name` up to a point or the end, the longest of such; NULL: none.  Of LDM's
 * names when `part` is negative, else of ours in that part.  *rest is what follows. */
const SingleName *single_name_find(const SingleNames *names, int part, const char *name, const char **rest);

#endif
