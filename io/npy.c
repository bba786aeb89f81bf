#include "io/npy.h"

#include <string.h>

#include "base/file.h"
#include "io/npy_header.h"

uint64_t npy_numbers(const NpyArray *array)
{
    uint64_t count = 1;
    for (int i = 0; i < array->rank; i++)
        count *= array->dim[i];
    return count;
}

/* Copies an array whose first axis is the fastest to one whose last axis is. */
static void turn_columns(unsigned char *out, const unsigned char *in, const NpyArray *array)
{
    const size_t width = dtype_size(array->dtype);
    size_t stride[NPY_RANK], at[NPY_RANK] = {0}; /* of `in`, in bytes; indices of the number to be copied */
    size_t step = width;
    for (int i = 0; i < array->rank; i++) {
        stride[i] = step;
        step *= (size_t)array->dim[i];
    }
    size_t from = 0;
    const size_t numbers = (size_t)npy_numbers(array);
    for (size_t n = 0; n < numbers; n++) {
        memcpy(out + n * width, in + from, width);
        for (int i = array->rank - 1; i >= 0; i--) {
            from += stride[i];
            if (++at[i] < array->dim[i])
                break;
            from -= stride[i] * at[i];
            at[i] = 0;
        }
    }
}

/* Where the bytes of a file come from: memory, or a path. */
typedef struct {
    const unsigned char *data; /* NULL: the file `name` */
    const char *name;
    uint64_t size;
} Source;

static Status fetch(void *out, const Source *from, uint64_t offset, size_t size, Error *err)
{
    if (from->data == NULL)
        return file_read_part(out, from->name, offset, size, err);
    if (size > 0)
        memcpy(out, from->data + offset, size);
    return STATUS_OK;
}

static Status no_memory(const Source *from, Error *err)
{
    return error_set(err, STATUS_MEMORY, "%.150s: no memory for %llu bytes", from->name,
                     (unsigned long long)from->size);
}

/* Reads the header; *offset is where the numbers begin, *bytes how many they take. */
static Status read_header(NpyHeader *out, uint64_t *offset, size_t *bytes, const Source *from, Arena *arena,
                          Error *err)
{
    unsigned char start[NPY_START] = {0};
    Status status = fetch(start, from, 0, from->size < NPY_START ? (size_t)from->size : NPY_START, err);
    size_t begin = 0, end = 0;
    if (status == STATUS_OK)
        status = npy_header_find(&begin, &end, start, from->size, from->name, err);
    if (status != STATUS_OK)
        return status;
    char *text = arena_raw(arena, end - begin, 1);
    if (text == NULL)
        return no_memory(from, err);
    status = fetch(text, from, begin, end - begin, err);
    if (status == STATUS_OK)
        status = npy_header_parse(out, text, end - begin, from->name, err);
    if (status != STATUS_OK)
        return status;
    uint64_t size = 0;
    if (!dtype_bytes(&size, out->array.dtype, out->array.dim, out->array.rank) || size != from->size - end)
        return error_set(err, STATUS_FORMAT, "%.150s: %llu bytes of numbers, which is not the shape in %s",
                         from->name, (unsigned long long)(from->size - end), dtype_name(out->array.dtype));
    *offset = end;
    *bytes = (size_t)size;
    return (uint64_t)*bytes == size ? STATUS_OK : no_memory(from, err);
}

static Status read_array(NpyArray *out, const Source *from, Arena *arena, Error *err)
{
    NpyHeader header;
    uint64_t offset = 0;
    size_t bytes = 0;
    const ArenaMark mark = arena_mark(arena);
    Status status = read_header(&header, &offset, &bytes, from, arena, err);
    arena_release(arena, mark);
    if (status != STATUS_OK)
        return status;
    unsigned char *data = arena_raw(arena, bytes, 1);
    const ArenaMark kept = arena_mark(arena);
    const bool turn = header.columns_first && header.array.rank > 1;
    unsigned char *read = turn ? arena_raw(arena, bytes, 1) : data;
    status = data != NULL && read != NULL ? fetch(read, from, offset, bytes, err) : no_memory(from, err);
    if (status != STATUS_OK) {
        arena_release(arena, mark);
        return status;
    }
    if (turn) {
        turn_columns(data, read, &header.array);
        arena_release(arena, kept);
    }
    const size_t width = dtype_size(header.array.dtype);
    if (header.big_endian != machine_is_big_endian())
        dtype_reverse(data, width, bytes / width);
    *out = header.array;
    out->data = data;
    return STATUS_OK;
}

Status npy_read(NpyArray *out, const char *path, Arena *arena, Error *err)
{
    Source from = {NULL, path, 0};
    const Status status = file_size(&from.size, path, err);
    return status != STATUS_OK ? status : read_array(out, &from, arena, err);
}

Status npy_parse(NpyArray *out, const void *bytes, size_t size, const char *name, Arena *arena, Error *err)
{
    static const unsigned char nothing[1];
    const Source from = {size > 0 ? bytes : nothing, name, size};
    return read_array(out, &from, arena, err);
}

Status npy_add(Bytes *out, const NpyArray *array, const char *name, Error *err)
{
    uint64_t bytes = 0;
    if (array->rank < 0 || array->rank > NPY_RANK ||
        !dtype_bytes(&bytes, array->dtype, array->dim, array->rank) || bytes > SIZE_MAX / 2)
        return error_set(err, STATUS_ARGUMENT, "%.150s: the shape cannot be written", name);
    const Status status = npy_header_add(out, array, name, err);
    if (status != STATUS_OK)
        return status;
    unsigned char *place = bytes_extend(out, (size_t)bytes);
    if (place == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory for %llu bytes", name,
                         (unsigned long long)bytes);
    if (bytes > 0)
        memcpy(place, array->data, (size_t)bytes);
    dtype_swap(place, array->dtype, (size_t)bytes / dtype_size(array->dtype));
    return STATUS_OK;
}

Status npy_write(const char *path, const NpyArray *array, Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    Bytes bytes = {.arena = scratch};
    Status status = npy_add(&bytes, array, path, err);
    if (status == STATUS_OK)
        status = file_write(path, bytes.data, bytes.size, err);
    arena_release(scratch, mark);
    return status;
}
