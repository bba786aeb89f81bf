#include "io/npz.h"

#include <string.h>

/* "NAME.npy", or NULL when there is no memory. */
static char *member_name(Arena *arena, const char *name)
{
    const size_t length = strlen(name);
    char *text = arena_raw(arena, length + sizeof ".npy", 1);
    if (text != NULL) {
        memcpy(text, name, length);
        memcpy(text + length, ".npy", sizeof ".npy");
    }
    return text;
}

Status npz_read(NpyArray *out, const Zip *zip, const char *name, Arena *arena, Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    const char *member = member_name(arena, name);
    if (member == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory", zip->name);
    const ZipEntry *entry = zip_find(zip, member);
    arena_release(arena, mark);
    if (entry == NULL)
        return error_set(err, STATUS_FORMAT, "%.150s: has no array \"%.100s\"", zip->name, name);
    Bytes file = {0};
    Status status = zip_read(&file, zip, entry, arena, err);
    if (status != STATUS_OK)
        return status;
    NpyArray array = {0};
    status = npy_parse(&array, file.data, file.size, entry->name, arena, err);
    if (status != STATUS_OK) {
        arena_release(arena, mark);
        return status;
    }
    const size_t size = (size_t)npy_numbers(&array) * dtype_size(array.dtype);
    array.data = arena_release_keeping(arena, mark, array.data, size);
    *out = array;
    return STATUS_OK;
}

/* `file` is where each member is put together, one after the other. */
static void add_item(ZipWriter *w, const NpzItem *item, Bytes *file, bool deflate)
{
    const char *name = member_name(w->arena, item->name);
    file->size = 0;
    if (name == NULL)
        error_set(&w->error, STATUS_MEMORY, "%.150s: no memory", w->out.path);
    else if (npy_add(file, &item->array, item->name, &w->error) == STATUS_OK)
        zip_add(w, name, file->data, file->size, deflate ? ZIP_DEFLATED : ZIP_STORED);
}

Status npz_write(const char *path, const NpzItem *items, size_t count, bool deflate, Arena *scratch,
                 Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    Bytes file = {.arena = scratch};
    uint64_t most = 0, bytes = 0;
    for (size_t i = 0; i < count; i++)
        if (dtype_bytes(&bytes, items[i].array.dtype, items[i].array.dim, items[i].array.rank) &&
            bytes > most)
            most = bytes;
    if (most <
        SIZE_MAX / 4) /* room for the largest at once; a shape that cannot be is refused by npy_add */
        (void)bytes_extend(&file, (size_t)most + NPY_HEADER_MOST);
    ZipWriter w;
    Status status = zip_create(&w, path, scratch, err);
    if (status == STATUS_OK) {
        for (size_t i = 0; i < count && w.error.status == STATUS_OK; i++)
            add_item(&w, &items[i], &file, deflate);
        status = zip_close(&w, err);
    }
    arena_release(scratch, mark);
    return status;
}
