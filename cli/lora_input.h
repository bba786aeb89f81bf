/* cli/lora_input.h - the LoRA files of a request: --lora PATH[:W] (repeatable), and <lora:NAME:W> in the prompt, which
 * is taken out of it and looked up in --lora-dir. */
#ifndef CLI_LORA_INPUT_H
#define CLI_LORA_INPUT_H

#include "cli/options.h"
#include "diffusion/lora.h"
#include "diffusion/model.h"

enum { LORAS_MAX = 16 };

typedef struct {
    OptionTexts files;
    const char *folder; /* --lora-dir */
    bool merge;
    /* Filled by lora_input_read: */
    const char *prompt; /* without the tags */
    const char *path[LORAS_MAX];
    double weight[LORAS_MAX];
    int count;
    /* Filled by lora_input_apply: */
    Lora lora[LORAS_MAX];
    LoraSet set;
    UnetHooks hooks;
} LoraInput;

/* What the options and the prompt ask for; the files are not yet read. */
MUST_CHECK Status lora_input_read(LoraInput *l, const char *prompt, Arena *arena, Error *err);

/* Opens the files for the model and merges them, or sets the text encoder's hooks; l->hooks is for the U-Net (NULL
 * when nothing is to run beside it).  *l must stay where it is. */
MUST_CHECK Status lora_input_apply(const UnetHooks **unet, LoraInput *l, Model *m, Arena *arena,
                                   Error *err);

#endif
