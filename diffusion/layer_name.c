#include "diffusion/layer_name.h"

#include <string.h>

const char *layer_name(Weights *w, const char *prefix)
{
    const char *name = arena_text(w->arena, prefix, strlen(prefix));
    if (name == NULL)
        error_set(&w->error, STATUS_MEMORY, "no memory for the name %s", prefix);
    return name;
}

void *layer_array(Weights *w, int count, size_t size)
{
    void *layers = arena_alloc(w->arena, (size_t)count, size);
    if (layers == NULL)
        error_set(&w->error, STATUS_MEMORY, "no memory for %d layers", count);
    return layers;
}
