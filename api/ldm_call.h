/* api/ldm_call.h - what the functions of ldm99.h share: the model behind the handle, and the frame of one call. */
#ifndef API_LDM_CALL_H
#define API_LDM_CALL_H

#include "api/ldm99.h"
#include "diffusion/model.h"
#include "io/image.h"

struct ldm_model {
    ArenaSource source;
    const ArenaSource *from; /* &source, or NULL: malloc and free */
    Arena arena;             /* the model's own */
    Model model;
};

/* The memory and the first failure of one call. */
typedef struct {
    Arena arena, gradients;
    Error error;
} LdmCall;

/* The caller's allocator as a source of arenas; NULL stays NULL. */
const ArenaSource *ldm_source(ArenaSource *room, const ldm_allocator *allocator);

LdmCall ldm_call_from(const ArenaSource *source);

/* Opens the frame of a call that computes: the model must have those parts (STATUS_ARGUMENT) and this thread must
 * keep the contract (STATUS_DIFFERENT). */
Status ldm_call_begin(LdmCall *call, const ldm_model *model, unsigned parts);

/* Frees the call's memory and hands its outcome to the caller. */
ldm_status ldm_call_end(LdmCall *call, Status status, ldm_error *error);

/* Copies `count` numbers of a call's result for the caller, from the allocator. */
void *ldm_copy_out(LdmCall *call, const ArenaSource *source, const void *data, size_t size);

/* The same for a picture. */
Status ldm_hand_over(ldm_picture *out, LdmCall *call, const ArenaSource *source, const Image *image);

#endif
