#include "weights/weights_save.h"

#include "io/safetensors.h"

Status weights_save(const Weights *w, const float *values, const char *path, DType dtype, Arena *scratch,
                    Error *err)
{
    static const char *const metadata[] = {"format", "pt", NULL}; /* what other loaders ask for */
    const ArenaMark mark = arena_mark(scratch);
    SafetensorsItem *items = arena_alloc(scratch, w->count + 1, sizeof *items);
    if (items == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for %zu names", path, w->count);
    size_t i = 0;
    for (const Parameter *p = w->first; p != NULL; p = p->next, i++) {
        const Tensor *x = p->tensor;
        items[i] = (SafetensorsItem){.name = p->name, .dtype = dtype, .rank = x->rank};
        for (int k = 0; k < x->rank; k++)
            items[i].dim[k] = (uint64_t)x->dim[k];
        items[i].f32 = values != NULL ? values : x->data;
        if (values != NULL)
            values += tensor_count(x);
    }
    const Status status = safetensors_write(path, items, w->count, metadata, scratch, err);
    arena_release(scratch, mark);
    return status;
}
