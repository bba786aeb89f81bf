#include "io/safetensors.h"

#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/sort.h"
#include "io/json.h"

/* The same bound as in the format's own library (tensor.rs, MAX_HEADER_SIZE). */
static const uint64_t HEADER_MOST = 100000000;
enum { HEADER_AT = 8 };   /* the header's length comes first */
enum { PIECE = 1 << 16 }; /* bytes converted at a time */
static const char METADATA[] = "__metadata__";

typedef struct {
    Safetensors *file;
    uint64_t data_start, data_size; /* where the numbers are in the file */
    Error *err;
} Header;

static bool is_printable(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return true;
}

/* Reads [a, b, ...], at most `room` whole numbers; returns how many, or -1. */
static int read_numbers(uint64_t *out, int room, const Json *array)
{
    const size_t count = json_count(array);
    if (json_kind(array) != JSON_ARRAY || count > (size_t)room)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (!json_uint64(&out[i], json_at(array, i)))
            return -1;
    return (int)count;
}

static Status read_entry(SafetensorsEntry *out, const Header *h, const char *name, size_t name_length,
                         const Json *about)
{
    const char *file = h->file->name;
    SafetensorsEntry e = {.name = name};
    if (name_length == 0 || !is_printable(name, name_length))
        return error_set(h->err, STATUS_FORMAT, "%.150s: a tensor has an empty or unprintable name", file);
    const Json *kind = json_get(about, "dtype");
    if (!dtype_find(&e.dtype, json_text(kind, "")))
        return error_set(h->err, STATUS_FORMAT,
                         "%.150s: tensor \"%.100s\" has dtype \"%.20s\", which is not known", file, name,
                         is_printable(json_text(kind, ""), json_text_length(kind)) ? json_text(kind, "")
                                                                                   : "?");
    e.rank = read_numbers(e.dim, SAFETENSORS_RANK, json_get(about, "shape"));
    if (e.rank < 0)
        return error_set(h->err, STATUS_FORMAT,
                         "%.150s: the shape of tensor \"%.100s\" is not a list of up to %d sizes", file,
                         name, SAFETENSORS_RANK);
    uint64_t range[2], size = 0;
    if (read_numbers(range, 2, json_get(about, "data_offsets")) != 2)
        return error_set(h->err, STATUS_FORMAT,
                         "%.150s: tensor \"%.100s\" has no data_offsets [begin, end]", file, name);
    if (range[0] > range[1] || range[1] > h->data_size)
        return error_set(h->err, STATUS_FORMAT,
                         "%.150s: tensor \"%.100s\" lies at bytes %llu to %llu of the data, which has %llu",
                         file, name, (unsigned long long)range[0], (unsigned long long)range[1],
                         (unsigned long long)h->data_size);
    if (!dtype_bytes(&size, e.dtype, e.dim, e.rank) || size != range[1] - range[0])
        return error_set(h->err, STATUS_FORMAT,
                         "%.150s: tensor \"%.100s\" takes %llu bytes, which is not its shape in %s", file,
                         name, (unsigned long long)(range[1] - range[0]), dtype_name(e.dtype));
    e.offset = h->data_start + range[0];
    e.size = size;
    *out = e;
    return STATUS_OK;
}

static bool place_before(const void *context, size_t a, size_t b)
{
    const SafetensorsEntry *e = context;
    return e[a].offset != e[b].offset ? e[a].offset < e[b].offset : e[a].size < e[b].size;
}

/* Every byte of the data belongs to exactly one tensor. */
static Status check_coverage(const Header *h, size_t *order)
{
    const SafetensorsEntry *entries = h->file->entries;
    sort_order(order, order + h->file->count, h->file->count, place_before, entries);
    uint64_t covered = h->data_start;
    for (size_t i = 0; i < h->file->count; i++) {
        const SafetensorsEntry *e = &entries[order[i]];
        if (e->offset < covered)
            return error_set(h->err, STATUS_FORMAT, "%.150s: tensor \"%.100s\" overlaps tensor \"%.100s\"",
                             h->file->name, e->name, entries[order[i - 1]].name);
        if (e->offset > covered)
            return error_set(h->err, STATUS_FORMAT,
                             "%.150s: %llu bytes before tensor \"%.100s\" belong to no tensor",
                             h->file->name, (unsigned long long)(e->offset - covered), e->name);
        covered += e->size;
    }
    const uint64_t left = h->data_start + h->data_size - covered;
    if (left != 0)
        return error_set(h->err, STATUS_FORMAT, "%.150s: %llu bytes at the end belong to no tensor",
                         h->file->name, (unsigned long long)left);
    return STATUS_OK;
}

static Status check_metadata(const Header *h)
{
    const Json *metadata = h->file->metadata;
    bool good = metadata == NULL || json_kind(metadata) == JSON_OBJECT;
    for (size_t i = 0; good && i < json_count(metadata); i++)
        good = json_kind(json_at(metadata, i)) == JSON_TEXT;
    return good ? STATUS_OK
                : error_set(h->err, STATUS_FORMAT, "%.150s: __metadata__ is not an object of texts",
                            h->file->name);
}

/* Reads the `size` bytes of the header of a file of `total` bytes into *out, whose name and data are set. */
static Status read_header(Safetensors *out, const char *text, size_t size, uint64_t total, Arena *arena,
                          Error *err)
{
    const Header h = {out, HEADER_AT + size, total - HEADER_AT - size, err};
    Status status = json_parse(&out->header, text, size, out->name, arena, err);
    if (status != STATUS_OK)
        return status;
    if (json_kind(out->header) != JSON_OBJECT)
        return error_set(err, STATUS_FORMAT, "%.150s: the header is not a JSON object", out->name);
    out->metadata_index = json_index(out->header, METADATA);
    out->metadata = json_at(out->header, out->metadata_index);
    const size_t members = json_count(out->header);
    out->entries = arena_raw(arena, members, sizeof *out->entries);
    const ArenaMark mark = arena_mark(arena);
    size_t *order = arena_raw(arena, members, 2 * sizeof *order);
    if (out->entries == NULL || order == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory for %lu tensors", out->name,
                         (unsigned long)members);
    status = check_metadata(&h);
    for (size_t i = 0; i < members && status == STATUS_OK; i++)
        if (i != out->metadata_index)
            status = read_entry(&out->entries[out->count++], &h, json_key(out->header, i),
                                json_key_length(out->header, i), json_at(out->header, i));
    if (status == STATUS_OK)
        status = check_coverage(&h, order);
    arena_release(arena, mark);
    return status;
}

/* The length of the header, from the first bytes of a file of `total` bytes. */
static Status header_size(size_t *out, const unsigned char first[HEADER_AT], uint64_t total,
                          const char *name, Error *err)
{
    const uint64_t size = le64_get(first);
    if (size > HEADER_MOST || size > total - HEADER_AT)
        return error_set(err, STATUS_FORMAT,
                         "%.150s: not safetensors (the header's length would be %llu of %llu bytes)", name,
                         (unsigned long long)size, (unsigned long long)total);
    *out = (size_t)size;
    return STATUS_OK;
}

static Status too_short(const char *name, Error *err)
{
    return error_set(err, STATUS_FORMAT, "%.150s: not safetensors (fewer than 8 bytes)", name);
}

Status safetensors_parse(Safetensors *out, const void *data, size_t size, const char *name, Arena *arena,
                         Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    Safetensors file = {.name = arena_text(arena, name, strlen(name)), .data = data};
    size_t header = 0;
    if (file.name == NULL)
        return error_set(err, STATUS_MEMORY, "%.150s: no memory", name);
    Status status = size < HEADER_AT ? too_short(name, err) : header_size(&header, data, size, name, err);
    if (status == STATUS_OK)
        status = read_header(&file, (const char *)data + HEADER_AT, header, size, arena, err);
    if (status == STATUS_OK)
        *out = file;
    else
        arena_release(arena, mark);
    return status;
}

Status safetensors_open(Safetensors *out, const char *path, Arena *arena, Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    uint64_t total = 0;
    Status status = file_size(&total, path, err);
    if (status != STATUS_OK)
        return status;
    unsigned char first[HEADER_AT];
    size_t header = 0;
    if (total < HEADER_AT)
        return too_short(path, err);
    status = file_read_part(first, path, 0, sizeof first, err);
    if (status == STATUS_OK)
        status = header_size(&header, first, total, path, err);
    if (status != STATUS_OK)
        return status;
    Safetensors file = {.name = arena_text(arena, path, strlen(path))};
    char *text = arena_raw(arena, header, 1);
    if (file.name == NULL || text == NULL)
        status = error_set(err, STATUS_MEMORY, "%.150s: no memory for the header", path);
    if (status == STATUS_OK)
        status = file_read_part(text, path, HEADER_AT, header, err);
    if (status == STATUS_OK)
        status = read_header(&file, text, header, total, arena, err);
    if (status == STATUS_OK)
        *out = file;
    else
        arena_release(arena, mark);
    return status;
}

const SafetensorsEntry *safetensors_find(const Safetensors *file, const char *name)
{
    const size_t i = json_index(file->header, name);
    if (i == SIZE_MAX || i == file->metadata_index)
        return NULL;
    return &file->entries[file->metadata_index < i ? i - 1 : i];
}

const char *safetensors_metadata(const Safetensors *file, const char *key)
{
    return json_text(json_get(file->metadata, key), NULL);
}

uint64_t safetensors_numbers(const SafetensorsEntry *entry)
{
    return entry->size / dtype_size(entry->dtype);
}

static Status fetch(void *out, const Safetensors *file, uint64_t offset, size_t size, Error *err)
{
    if (file->data == NULL)
        return file_read_part(out, file->name, offset, size, err);
    if (size > 0)
        memcpy(out, file->data + offset, size);
    return STATUS_OK;
}

Status safetensors_read_raw(void *out, const Safetensors *file, const SafetensorsEntry *entry, Error *err)
{
    const size_t size = (size_t)entry->size;
    if (size != entry->size)
        return error_set(err, STATUS_MEMORY, "%.150s: tensor \"%.100s\" does not fit in memory", file->name,
                         entry->name);
    const Status status = fetch(out, file, entry->offset, size, err);
    if (status == STATUS_OK)
        dtype_swap(out, entry->dtype, size / dtype_size(entry->dtype));
    return status;
}

Status safetensors_read_f32(float *out, const Safetensors *file, const SafetensorsEntry *entry, Error *err)
{
    if (entry->dtype == F32)
        return safetensors_read_raw(out, file, entry, err);
    union {
        unsigned char bytes[PIECE];
        uint16_t half[PIECE / 2];
        double wide[PIECE / 8];
    } piece; /* aligned for every kind */
    const size_t width = dtype_size(entry->dtype);
    for (uint64_t at = 0; at < entry->size;) {
        const size_t size = entry->size - at < PIECE ? (size_t)(entry->size - at) : PIECE;
        const Status status = fetch(piece.bytes, file, entry->offset + at, size, err);
        if (status != STATUS_OK)
            return status;
        dtype_swap(piece.bytes, entry->dtype, size / width);
        dtype_to_f32(out, piece.half, entry->dtype, size / width);
        out += size / width;
        at += size;
    }
    return STATUS_OK;
}
