/* diffusion/convert_lora.h - a LoRA file from one naming to another (diffusion/lora_name.h); the bytes of every tensor
 * stay, unless another dtype is asked for.
 *
 * Kohya's underscores become points by the words that layers of these models are made of.  A file without alpha gets
 * none; diffusers' own and PEFT's names become kohya's, kohya's become PEFT's. */
#ifndef DIFFUSION_CONVERT_LORA_H
#define DIFFUSION_CONVERT_LORA_H

#include "diffusion/lora_name.h"
#include "io/dtype.h"
#include "io/tensor_archive.h"

/* Whether the first tensor of the file is a LoRA's. */
bool is_lora(const TensorArchive *file);

/* "down_blocks_0_attentions_1_proj_in" to "down_blocks.0.attentions.1.proj_in". */
void lora_module_points(char module[WEIGHTS_NAME]);

/* naming: LORA_PEFT or LORA_KOHYA. */
MUST_CHECK Status convert_lora(const TensorArchive *file, const char *path, LoraNaming naming,
                               const DType *dtype, Arena *arena, Error *err);

#endif
