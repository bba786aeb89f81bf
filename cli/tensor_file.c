#include "cli/tensor_file.h"

#include <string.h>

#include "io/npz.h"
#include "io/picture.h"
#include "io/safetensors.h"

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

bool is_tensor_file(const char *name)
{
    static const char *const ENDS[] = {".png", ".ppm", ".pgm", ".npy", ".npz", ".safetensors"};
    bool known = false;
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++)
        known = known || ends_with(name, ENDS[i]);
    return known;
}

const NamedTensor *tensor_file_find(const TensorFile *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

static Status no_memory(const char *path, Error *err)
{
    return error_set(err, STATUS_MEMORY, "%s: no memory for its tensors", path);
}

static Status read_safetensors(TensorFile *out, const char *path, Arena *arena, Error *err)
{
    Safetensors file;
    Status status = safetensors_open(&file, path, arena, err);
    if (status != STATUS_OK)
        return status;
    out->tensors = arena_alloc(arena, file.count + 1, sizeof *out->tensors);
    if (out->tensors == NULL)
        return no_memory(path, err);
    for (size_t i = 0; i < file.count && status == STATUS_OK; i++) {
        const SafetensorsEntry *e = &file.entries[i];
        NamedTensor *t = &out->tensors[out->count++];
        *t = (NamedTensor){
            .name = e->name, .dtype = e->dtype, .rank = e->rank, .count = (size_t)safetensors_numbers(e)};
        memcpy(t->dim, e->dim, sizeof t->dim);
        t->data = arena_raw(arena, t->count, sizeof *t->data);
        status = t->data != NULL ? safetensors_read_f32(t->data, &file, e, err) : no_memory(path, err);
    }
    return status;
}

static Status add_array(TensorFile *out, const NpyArray *array, const char *name, const char *path,
                        Arena *arena, Error *err)
{
    NamedTensor *t = &out->tensors[out->count++];
    *t = (NamedTensor){
        .name = name, .dtype = array->dtype, .rank = array->rank, .count = (size_t)npy_numbers(array)};
    memcpy(t->dim, array->dim, sizeof t->dim);
    t->data = arena_raw(arena, t->count, sizeof *t->data);
    if (t->data == NULL)
        return no_memory(path, err);
    dtype_to_f32(t->data, array->data, array->dtype, t->count);
    return STATUS_OK;
}

static Status read_npy(TensorFile *out, const char *path, Arena *arena, Error *err)
{
    NpyArray array;
    const Status status = npy_read(&array, path, arena, err);
    if (status != STATUS_OK)
        return status;
    out->tensors = arena_alloc(arena, 1, sizeof *out->tensors);
    return out->tensors != NULL ? add_array(out, &array, "", path, arena, err) : no_memory(path, err);
}

static Status read_npz(TensorFile *out, const char *path, Arena *arena, Error *err)
{
    Zip zip;
    Status status = zip_open(&zip, path, arena, err);
    if (status != STATUS_OK)
        return status;
    out->tensors = arena_alloc(arena, zip.count + 1, sizeof *out->tensors);
    if (out->tensors == NULL)
        return no_memory(path, err);
    for (size_t i = 0; i < zip.count && status == STATUS_OK; i++) {
        const char *member = zip.entries[i].name;
        NpyArray array;
        if (!ends_with(member, ".npy"))
            continue;
        const char *name = arena_text(arena, member, strlen(member) - 4);
        status = name != NULL ? npz_read(&array, &zip, name, arena, err) : no_memory(path, err);
        if (status == STATUS_OK)
            status = add_array(out, &array, name, path, arena, err);
    }
    return status;
}

static Status read_picture(TensorFile *out, const char *path, Arena *arena, Error *err)
{
    Image image;
    Status status = picture_read(&image, path, arena, err);
    if (status != STATUS_OK)
        return status;
    out->tensors = arena_alloc(arena, 1, sizeof *out->tensors);
    if (out->tensors == NULL)
        return no_memory(path, err);
    NpyArray pixels = {.dtype = U8, .rank = 3, .data = image.pixels};
    pixels.dim[0] = (uint64_t)image.height;
    pixels.dim[1] = (uint64_t)image.width;
    pixels.dim[2] = (uint64_t)image.channels;
    status = add_array(out, &pixels, "pixels", path, arena, err);
    out->tensors[0].picture = true;
    return status;
}

Status tensor_file_read(TensorFile *out, const char *path, Arena *arena, Error *err)
{
    *out = (TensorFile){.kind = "picture"};
    if (ends_with(path, ".safetensors")) {
        out->kind = "safetensors";
        return read_safetensors(out, path, arena, err);
    }
    if (ends_with(path, ".npy")) {
        out->kind = "npy";
        return read_npy(out, path, arena, err);
    }
    if (ends_with(path, ".npz")) {
        out->kind = "npz";
        return read_npz(out, path, arena, err);
    }
    return read_picture(out, path, arena, err);
}
