#include <string.h>

#include "base/bytes.h"
#include "base/sort.h"
#include "io/json.h"
#include "io/output.h"
#include "io/safetensors.h"
#include "io/utf8.h"

enum {
    PIECE = 1 << 16,
    ALIGN = 8
}; /* bytes converted at a time; bytes that the header's length is a multiple of */

/* Place of a dtype in the file: the order in which the format's own library writes them, which is the
 * reverse of its enum (tensor.rs, Dtype), so that every number is aligned to its size. */
static int place_of(DType dtype)
{
    static const unsigned char place[DTYPE_COUNT] = {
        [U64] = 0, [I64] = 1, [F64] = 2, [F32] = 3, [U32] = 4, [I32] = 5,  [BF16] = 6,
        [F16] = 7, [U16] = 8, [I16] = 9, [I8] = 10, [U8] = 11, [BOOL] = 12};
    return place[dtype];
}

static bool item_before(const void *context, size_t a, size_t b)
{
    const SafetensorsItem *items = context;
    const int difference = place_of(items[a].dtype) - place_of(items[b].dtype);
    return difference != 0 ? difference < 0 : strcmp(items[a].name, items[b].name) < 0;
}

static bool name_before(const void *context, size_t a, size_t b)
{
    const SafetensorsItem *items = context;
    return strcmp(items[a].name, items[b].name) < 0;
}

/* A name that the reader takes back: printable UTF-8, and not the one that the format keeps for itself. */
static bool is_name(const char *name)
{
    const size_t length = strlen(name);
    for (size_t i = 0; i < length;) {
        uint32_t code;
        const int size = utf8_read(&code, name + i, length - i);
        if (size == 0 || code < 0x20 || code == 0x7f)
            return false;
        i += (size_t)size;
    }
    return length > 0 && strcmp(name, "__metadata__") != 0;
}

static bool is_float(DType dtype)
{
    return dtype == F32 || dtype == F16 || dtype == BF16 || dtype == F64;
}

/* The bytes of an item that was checked. */
static uint64_t bytes_of(const SafetensorsItem *item)
{
    uint64_t bytes = 0;
    (void)dtype_bytes(&bytes, item->dtype, item->dim, item->rank);
    return bytes;
}

static Status check_item(const char *path, const SafetensorsItem *item, Error *err)
{
    uint64_t bytes = 0;
    if (!is_name(item->name))
        return error_set(err, STATUS_ARGUMENT,
                         "%.150s: a tensor has an empty, unprintable or reserved name", path);
    if (item->rank < 0 || item->rank > SAFETENSORS_RANK ||
        !dtype_bytes(&bytes, item->dtype, item->dim, item->rank) || bytes > SIZE_MAX)
        return error_set(err, STATUS_ARGUMENT, "%.150s: the shape of tensor \"%.100s\" cannot be written",
                         path, item->name);
    if (bytes > 0 && item->data == NULL && item->read == NULL &&
        (item->f32 == NULL || !is_float(item->dtype)))
        return error_set(err, STATUS_ARGUMENT, "%.150s: tensor \"%.100s\" comes without numbers of kind %s",
                         path, item->name, dtype_name(item->dtype));
    return STATUS_OK;
}

static Status check_items(const char *path, const SafetensorsItem *items, size_t count, size_t *order,
                          Error *err)
{
    for (size_t i = 0; i < count; i++) {
        const Status status = check_item(path, &items[i], err);
        if (status != STATUS_OK)
            return status;
    }
    sort_order(order, order + count, count, name_before, items);
    for (size_t i = 1; i < count; i++)
        if (strcmp(items[order[i - 1]].name, items[order[i]].name) == 0)
            return error_set(err, STATUS_ARGUMENT, "%.150s: two tensors have the name \"%.100s\"", path,
                             items[order[i]].name);
    return STATUS_OK;
}

static void add_text(Bytes *header, const char *text)
{
    json_add_quoted(header, text, strlen(text));
}

static void add_metadata(Bytes *header, const char *const *metadata)
{
    bytes_add_text(header, "\"__metadata__\":{");
    for (size_t i = 0; metadata[i] != NULL; i += 2) {
        bytes_add_text(header, i == 0 ? "" : ",");
        add_text(header, metadata[i]);
        bytes_add_byte(header, ':');
        add_text(header, metadata[i + 1]);
    }
    bytes_add_byte(header, '}');
}

/* Adds one tensor's description; its bytes begin at `offset`.  Returns where they end. */
static uint64_t add_item(Bytes *header, const SafetensorsItem *item, uint64_t offset)
{
    const uint64_t end = offset + bytes_of(item);
    add_text(header, item->name);
    bytes_add_format(header, ":{\"dtype\":\"%s\",\"shape\":[", dtype_name(item->dtype));
    for (int i = 0; i < item->rank; i++)
        bytes_add_format(header, "%s%llu", i == 0 ? "" : ",", (unsigned long long)item->dim[i]);
    bytes_add_format(header, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)offset,
                     (unsigned long long)end);
    return end;
}

static Status write_numbers(Output *out, const SafetensorsItem *item, Error *err)
{
    const size_t width = dtype_size(item->dtype), count = (size_t)bytes_of(item) / width;
    if (item->data != NULL && !machine_is_big_endian()) {
        output_add(out, item->data, count * width);
        return STATUS_OK;
    }
    union {
        unsigned char bytes[PIECE];
        uint16_t half[PIECE / 2];
        double wide[PIECE / 8];
    } piece; /* aligned for every kind */
    const size_t most = PIECE / width;
    for (size_t at = 0; at < count; at += most) {
        const size_t n = count - at < most ? count - at : most;
        Status status = STATUS_OK;
        if (item->data != NULL)
            memcpy(piece.bytes, (const unsigned char *)item->data + at * width, n * width);
        else if (item->f32 != NULL)
            (void)dtype_from_f32(piece.half, item->f32 + at, item->dtype, n);
        else
            status = item->read(item->context, piece.bytes, at, n, err);
        if (status != STATUS_OK)
            return status;
        dtype_swap(piece.bytes, item->dtype, n);
        output_add(out, piece.bytes, n * width);
    }
    return STATUS_OK;
}

static void make_header(Bytes *header, const SafetensorsItem *items, const size_t *order, size_t count,
                        const char *const *metadata)
{
    bytes_add_le64(header, 0);
    bytes_add_byte(header, '{');
    if (metadata != NULL)
        add_metadata(header, metadata);
    uint64_t offset = 0;
    for (size_t i = 0; i < count; i++) {
        bytes_add_text(header, i == 0 && metadata == NULL ? "" : ",");
        offset = add_item(header, &items[order[i]], offset);
    }
    bytes_add_byte(header, '}');
    while (!header->failed && header->size % ALIGN != 0)
        bytes_add_byte(header, ' ');
    if (!header->failed)
        le64_put(header->data, header->size - 8);
}

Status safetensors_write(const char *path, const SafetensorsItem *items, size_t count,
                         const char *const *metadata, Arena *scratch, Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    Bytes header = {.arena = scratch};
    size_t *order = arena_raw(scratch, count, 2 * sizeof *order);
    Status status = order == NULL ? STATUS_MEMORY : check_items(path, items, count, order, err);
    if (status == STATUS_OK) {
        sort_order(order, order + count, count, item_before, items);
        make_header(&header, items, order, count, metadata);
        status = header.failed ? STATUS_MEMORY : STATUS_OK;
    }
    if (status == STATUS_MEMORY)
        error_set(err, STATUS_MEMORY, "%.150s: no memory for the header", path);
    Output out;
    if (status == STATUS_OK)
        status = output_open(&out, path, err);
    if (status == STATUS_OK) {
        output_add(&out, header.data, header.size);
        for (size_t i = 0; i < count && status == STATUS_OK; i++)
            status = write_numbers(&out, &items[order[i]], err);
        if (status == STATUS_OK)
            status = output_close(&out, err);
        else
            output_drop(&out);
    }
    arena_release(scratch, mark);
    return status;
}
