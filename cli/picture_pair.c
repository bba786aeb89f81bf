#include "cli/picture_pair.h"

#include <limits.h>

/* (height,width,channels) as (channels,height,width). */
static const float *planes_of(const NamedTensor *t, Arena *arena)
{
    const size_t channels = (size_t)t->dim[2], plane = t->count / channels;
    float *planes = arena_raw(arena, t->count, sizeof *planes);
    for (size_t i = 0; planes != NULL && i < t->count; i++)
        planes[i % channels * plane + i / channels] = t->data[i];
    return planes;
}

Status picture_pair(PicturePair *out, const NamedTensor *a, const NamedTensor *b, double range,
                    Arena *arena, Error *err)
{
    uint64_t dim[3] = {1, 1, 1}; /* planes, height, width */
    for (int i = 0; i < a->rank; i++)
        dim[a->rank - i <= 2 ? 3 - (a->rank - i) : 0] *= a->dim[i];
    PicturePair pair = {.a = a->data, .b = b->data, .range = range};
    if (a->picture && a->count > 0) {
        dim[0] = a->dim[2];
        dim[1] = a->dim[0];
        dim[2] = a->dim[1];
        pair.range = 255.0;
        pair.a = planes_of(a, arena);
        pair.b = planes_of(b, arena);
        if (pair.a == NULL || pair.b == NULL)
            return error_set(err, STATUS_MEMORY, "no memory for a picture's planes");
    }
    if (dim[0] > INT_MAX || dim[1] > INT_MAX || dim[2] > INT_MAX)
        return error_set(err, STATUS_SHAPE, "%s: a side is longer than %d", a->name, INT_MAX);
    pair.planes = (int)dim[0];
    pair.height = (int)dim[1];
    pair.width = (int)dim[2];
    *out = pair;
    return STATUS_OK;
}
