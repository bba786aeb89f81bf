#include "api/ldm_call.h"

#include <string.h>

#include "base/contract.h"

const ArenaSource *ldm_source(ArenaSource *room, const ldm_allocator *allocator)
{
    if (allocator == NULL)
        return NULL;
    *room = (ArenaSource){allocator->alloc, allocator->free, allocator->context};
    return room;
}

LdmCall ldm_call_from(const ArenaSource *source)
{
    return (LdmCall){.arena = {.source = source}, .gradients = {.source = source}};
}

Status ldm_call_begin(LdmCall *call, const ldm_model *model, unsigned parts)
{
    static const char *const NAMES[] = {"tokenizer", "text encoder", "U-Net", "VAE", "scheduler"};
    *call = ldm_call_from(model->from);
    for (int i = 0; i < 5; i++)
        if ((parts & ~model->model.parts) & 1u << i)
            return error_set(&call->error, STATUS_ARGUMENT, "the model was opened without its %s",
                             NAMES[i]);
    return contract_check(&call->error);
}

ldm_status ldm_call_end(LdmCall *call, Status status, ldm_error *error)
{
    arena_free(&call->arena);
    arena_free(&call->gradients);
    if (error != NULL) {
        error->status = (ldm_status)status;
        error->text[0] = '\0';
        if (status != STATUS_OK)
            memcpy(error->text, call->error.text, sizeof error->text);
    }
    return (ldm_status)status;
}

void *ldm_copy_out(LdmCall *call, const ArenaSource *source, const void *data, size_t size)
{
    void *copy = memory_take(source, size > 0 ? size : 1);
    if (copy == NULL)
        error_set(&call->error, STATUS_MEMORY, "no memory for a result of %zu bytes", size);
    else
        memcpy(copy, data, size);
    return copy;
}

Status ldm_hand_over(ldm_picture *out, LdmCall *call, const ArenaSource *source, const Image *image)
{
    unsigned char *pixels = ldm_copy_out(call, source, image->pixels, image_size(image));
    if (pixels == NULL)
        return STATUS_MEMORY;
    *out = (ldm_picture){image->width, image->height, image->channels, pixels};
    return STATUS_OK;
}
