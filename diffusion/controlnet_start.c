/* diffusion/controlnet_start.c - where the training of a ControlNet starts: the U-Net's own numbers. */
#include <string.h>

#include "diffusion/controlnet.h"

/* Whether the U-Net has a parameter of that name too (those of the condition and the zero convolutions it has not). */
static bool is_copied(const char *name)
{
    static const char *const COPIED[] = {"conv_in.", "time_embedding.", "down_blocks.", "mid_block."};
    for (size_t i = 0; i < sizeof COPIED / sizeof COPIED[0]; i++)
        if (strncmp(name, COPIED[i], strlen(COPIED[i])) == 0)
            return true;
    return false;
}

static const Tensor *find(const Weights *w, const char *name)
{
    for (const Parameter *p = w->first; p != NULL; p = p->next)
        if (strcmp(p->name, name) == 0)
            return p->tensor;
    return NULL;
}

Status controlnet_copy_unet(const Weights *controlnet, const Weights *unet, Error *err)
{
    for (const Parameter *p = controlnet->first; p != NULL; p = p->next) {
        const Tensor *from = is_copied(p->name) ? find(unet, p->name) : NULL;
        char has[64], wants[64];
        if (is_copied(p->name) && (from == NULL || !tensor_same_shape(from, p->tensor)))
            return error_set(err, STATUS_SHAPE, "the ControlNet's %s is %s, the U-Net's is %s", p->name,
                             tensor_shape_text(p->tensor, wants),
                             from != NULL ? tensor_shape_text(from, has) : "missing");
    }
    for (const Parameter *p = controlnet->first; p != NULL; p = p->next)
        if (is_copied(p->name))
            memcpy(p->tensor->data, find(unet, p->name)->data,
                   tensor_count(p->tensor) * sizeof *p->tensor->data);
    return STATUS_OK;
}
