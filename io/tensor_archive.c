#include "io/tensor_archive.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/sort.h"
#include "io/json.h"
#include "io/safetensors.h"
#include "io/torch_file.h"

enum { PIECE = 1 << 16 }; /* bytes converted at a time */

static Status no_memory(const char *name, Error *err)
{
    return error_set(err, STATUS_MEMORY, "%.150s: no memory for the list of its tensors", name);
}

bool archive_lay_out(ArchiveTensor *t)
{
    uint64_t bytes = 0, numbers = 1;
    if (!dtype_bytes(&bytes, t->dtype, t->dim, t->rank) || bytes > INT64_MAX)
        return false;
    for (int i = t->rank - 1; i >= 0; i--) {
        t->stride[i] = numbers;
        numbers *= t->dim[i];
    }
    t->numbers = bytes / dtype_size(t->dtype);
    return true;
}

static bool name_before(const void *context, size_t a, size_t b)
{
    const ArchiveTensor *t = context;
    return strcmp(t[a].name, t[b].name) < 0;
}

Status archive_of(TensorArchive *out, const ArchiveTensor *tensors, size_t count, const char *name,
                  const unsigned char *data, Arena *arena, Error *err)
{
    TensorArchive a = {.name = name, .data = data, .count = count};
    a.tensors = arena_raw(arena, count + 1, sizeof *a.tensors);
    a.by_name = arena_raw(arena, count + 1, sizeof *a.by_name);
    const ArenaMark mark = arena_mark(arena);
    size_t *scratch = arena_raw(arena, count + 1, sizeof *scratch);
    if (a.tensors == NULL || a.by_name == NULL || scratch == NULL)
        return no_memory(name, err);
    if (count > 0)
        memcpy(a.tensors, tensors, count * sizeof *tensors);
    sort_order(a.by_name, scratch, count, name_before, a.tensors);
    arena_release(arena, mark);
    for (size_t i = 1; i < count; i++)
        if (!name_before(a.tensors, a.by_name[i - 1], a.by_name[i]))
            return error_set(err, STATUS_FORMAT, "%.150s: two tensors have the name \"%.100s\"", name,
                             a.tensors[a.by_name[i]].name);
    *out = a;
    return STATUS_OK;
}

static Status from_safetensors(TensorArchive *out, const Safetensors *file, Arena *arena, Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    ArchiveTensor *tensors = arena_alloc(arena, file->count + 1, sizeof *tensors);
    if (tensors == NULL)
        return no_memory(file->name, err);
    for (size_t i = 0; i < file->count; i++) {
        const SafetensorsEntry *e = &file->entries[i];
        tensors[i] = (ArchiveTensor){
            .name = e->name, .dtype = e->dtype, .rank = e->rank, .offset = e->offset, .file = file->name};
        memcpy(tensors[i].dim, e->dim, sizeof e->dim);
        if (!archive_lay_out(&tensors[i]))
            return error_set(err, STATUS_FORMAT, "%.150s: tensor \"%.100s\" is too large", file->name,
                             e->name);
    }
    const Status status = archive_of(out, tensors, file->count, file->name, file->data, arena, err);
    if (status != STATUS_OK)
        arena_release(arena, mark);
    else
        out->metadata = file->metadata;
    return status;
}

/* ---- which format ---- */

enum { SNIFF = 9, HEADER_AT = 8 };

static bool is_zip(const unsigned char first[SNIFF])
{
    return memcmp(first, "PK\3\4", 4) == 0;
}

/* A pickle at the very beginning: what torch.save wrote before version 1.6.  A safetensors header's length could
 * begin with the same bytes, but a { follows it. */
static bool is_old_torch(const unsigned char first[SNIFF])
{
    return first[0] == 0x80 && first[1] >= 2 && first[1] <= 5 && first[HEADER_AT] != '{';
}

static Status refuse_old_torch(const char *name, Error *err)
{
    return error_set(
        err, STATUS_FORMAT,
        "%.150s: a bare pickle, as torch.save wrote before version 1.6: load and save it again with a "
        "newer torch",
        name);
}

Status archive_parse(TensorArchive *out, const void *data, size_t size, const char *name, Arena *arena,
                     Error *err)
{
    const ArenaMark mark = arena_mark(arena);
    unsigned char first[SNIFF] = {0};
    Safetensors file;
    Zip zip;
    Status status;
    memcpy(first, size > 0 ? data : first, size < SNIFF ? size : SNIFF);
    if (is_old_torch(first))
        return refuse_old_torch(name, err);
    if (is_zip(first)) {
        status = zip_parse(&zip, data, size, name, arena, err);
        if (status == STATUS_OK)
            status = torch_file_tensors(out, &zip, arena, err);
    } else {
        status = safetensors_parse(&file, data, size, name, arena, err);
        if (status == STATUS_OK)
            status = from_safetensors(out, &file, arena, err);
    }
    if (status != STATUS_OK)
        arena_release(arena, mark);
    return status;
}

static Status open_one(TensorArchive *out, const char *path, Arena *arena, Error *err)
{
    unsigned char first[SNIFF] = {0};
    Safetensors file;
    Zip zip;
    uint64_t size = 0;
    Status status = file_size(&size, path, err);
    if (status == STATUS_OK)
        status = file_read_part(first, path, 0, size < SNIFF ? (size_t)size : SNIFF, err);
    if (status != STATUS_OK)
        return status;
    if (is_old_torch(first))
        return refuse_old_torch(path, err);
    if (is_zip(first)) {
        status = zip_open(&zip, path, arena, err);
        return status == STATUS_OK ? torch_file_tensors(out, &zip, arena, err) : status;
    }
    status = safetensors_open(&file, path, arena, err);
    return status == STATUS_OK ? from_safetensors(out, &file, arena, err) : status;
}

/* ---- shards: {"weight_map": {tensor: file name beside the index}} ---- */

static Status bad_index(const char *index, const char *tensor, Error *err)
{
    return error_set(err, STATUS_FORMAT, "%s: the file of %.100s is not a name beside it", index, tensor);
}

typedef struct {
    const char *index;
    int folder; /* characters of `index` up to the last slash */
    TensorArchive *shard;
    const char **path;
    size_t count, tensors; /* shards, and tensors in them */
    Arena *arena;
    Error *err;
} Shards;

/* The shard of that name, opened at its first use. */
static Status shard_of(const TensorArchive **out, Shards *s, const char *name)
{
    Bytes b = {.arena = s->arena};
    bytes_add(&b, s->index, (size_t)s->folder);
    bytes_add_text(&b, name);
    bytes_add_byte(&b, 0);
    if (b.failed)
        return no_memory(s->index, s->err);
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->path[i], (const char *)b.data) == 0) {
            *out = &s->shard[i];
            return STATUS_OK;
        }
    s->path[s->count] = (const char *)b.data;
    const Status status = open_one(&s->shard[s->count], s->path[s->count], s->arena, s->err);
    if (status != STATUS_OK)
        return status;
    *out = &s->shard[s->count++];
    s->tensors += (*out)->count;
    return STATUS_OK;
}

static Status open_shards(Shards *s, const Json *map)
{
    for (size_t i = 0; i < json_count(map); i++) {
        const char *tensor = json_key(map, i), *name = json_text(json_at(map, i), NULL);
        const TensorArchive *shard = NULL;
        if (name == NULL || name[0] == '\0' || strchr(name, '/') != NULL)
            return bad_index(s->index, tensor, s->err);
        const Status status = shard_of(&shard, s, name);
        if (status != STATUS_OK)
            return status;
        if (archive_find(shard, tensor) == NULL)
            return error_set(s->err, STATUS_FORMAT, "%s: %.60s has no tensor %.100s", s->index, name,
                             tensor);
    }
    return STATUS_OK;
}

static Status open_index(TensorArchive *out, const char *index, Arena *arena, Error *err)
{
    const Json *json = NULL;
    Status status = json_read(&json, index, arena, err);
    const Json *map = json_get(json, "weight_map");
    if (status == STATUS_OK && json_kind(map) != JSON_OBJECT)
        status = error_set(err, STATUS_FORMAT, "%s: has no object \"weight_map\"", index);
    if (status != STATUS_OK)
        return status;
    const char *slash = strrchr(index, '/');
    Shards s = {.index = index, .arena = arena, .err = err};
    s.folder = slash != NULL ? (int)(slash - index) + 1 : 0;
    s.shard = arena_alloc(arena, json_count(map) + 1, sizeof *s.shard);
    s.path = arena_alloc(arena, json_count(map) + 1, sizeof *s.path);
    if (s.shard == NULL || s.path == NULL)
        return no_memory(index, err);
    status = open_shards(&s, map);
    if (status != STATUS_OK)
        return status;
    ArchiveTensor *all = arena_raw(arena, s.tensors + 1, sizeof *all);
    if (all == NULL)
        return no_memory(index, err);
    size_t n = 0;
    for (size_t i = 0; i < s.count; i++)
        for (size_t k = 0; k < s.shard[i].count; k++)
            all[n++] = s.shard[i].tensors[k];
    const char *name = arena_text(arena, index, strlen(index));
    return name != NULL ? archive_of(out, all, n, name, NULL, arena, err) : no_memory(index, err);
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

Status archive_open(TensorArchive *out, const char *path, Arena *arena, Error *err)
{
    static const char INDEX[] = ".index.json";
    const ArenaMark mark = arena_mark(arena);
    char index[4096];
    Status status;
    if (snprintf(index, sizeof index, "%s%s", path, INDEX) >= (int)sizeof index)
        return error_set(err, STATUS_ARGUMENT, "%.100s...: the name is too long", path);
    if (ends_with(path, INDEX))
        status = open_index(out, path, arena, err);
    else if (!file_exists(path) && file_exists(index))
        status = open_index(out, index, arena, err);
    else
        status = open_one(out, path, arena, err);
    if (status != STATUS_OK)
        arena_release(arena, mark);
    return status;
}

/* ---- looking up and reading ---- */

const ArchiveTensor *archive_find(const TensorArchive *archive, const char *name)
{
    size_t low = 0, high = archive->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const ArchiveTensor *t = &archive->tensors[archive->by_name[middle]];
        const int order = strcmp(name, t->name);
        if (order == 0)
            return t;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *archive_metadata(const TensorArchive *archive, const char *key)
{
    return json_text(json_get(archive->metadata, key), NULL);
}

static Status fetch(void *out, const TensorArchive *a, const ArchiveTensor *t, uint64_t place, size_t count,
                    Error *err)
{
    const size_t width = dtype_size(t->dtype), size = count * width;
    const uint64_t offset = t->offset + place * width;
    if (a->data == NULL)
        return file_read_part(out, t->file, offset, size, err);
    if (size > 0)
        memcpy(out, a->data + offset, size);
    return STATUS_OK;
}

/* How many numbers from number `i` on lie behind each other, at most `most`, and where the first of them is. */
static size_t run_at(uint64_t *place, const ArchiveTensor *t, uint64_t i, size_t most)
{
    uint64_t run = 1, rest = i;
    int axis = t->rank - 1;
    while (axis >= 0 && (t->dim[axis] == 1 || t->stride[axis] == run))
        run *= t->dim[axis--];
    uint64_t at = rest % run;
    *place = at;
    rest /= run;
    for (; axis >= 0; axis--) {
        *place += rest % t->dim[axis] * t->stride[axis];
        rest /= t->dim[axis];
    }
    return run - at < most ? (size_t)(run - at) : most;
}

Status archive_read(void *out, const TensorArchive *archive, const ArchiveTensor *t, uint64_t first,
                    size_t count, Error *err)
{
    unsigned char *to = out;
    for (size_t done = 0; done < count;) {
        uint64_t place;
        const size_t n = run_at(&place, t, first + done, count - done);
        const Status status = fetch(to + done * dtype_size(t->dtype), archive, t, place, n, err);
        if (status != STATUS_OK)
            return status;
        done += n;
    }
    dtype_swap(out, t->dtype, count);
    return STATUS_OK;
}

Status archive_read_f32(float *out, const TensorArchive *archive, const ArchiveTensor *t, uint64_t first,
                        size_t count, Error *err)
{
    if (t->dtype == F32)
        return archive_read(out, archive, t, first, count, err);
    union {
        unsigned char bytes[PIECE];
        uint16_t half[PIECE / 2];
        double wide[PIECE / 8];
    } piece; /* aligned for every kind */
    const size_t room = PIECE / dtype_size(t->dtype);
    for (size_t done = 0; done < count;) {
        const size_t n = count - done < room ? count - done : room;
        const Status status = archive_read(piece.bytes, archive, t, first + done, n, err);
        if (status != STATUS_OK)
            return status;
        dtype_to_f32(out + done, piece.half, t->dtype, n);
        done += n;
    }
    return STATUS_OK;
}
