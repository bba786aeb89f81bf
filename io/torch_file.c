#include "io/torch_file.h"

#include <stdio.h>
#include <string.h>

#include "io/pickle.h"
#include "io/utf8.h"

/* Dictionaries inside each other; values looked at; bytes of a name. */
enum { DEPTH = 16, VISITS = 1 << 18, NAME_MOST = 500 };

typedef struct {
    const Zip *zip;
    const char *folder; /* "archive/" */
    ArchiveTensor *tensors;
    size_t count, room, visits;
    Arena *arena;
    Error *err;
} Reader;

static Status no_memory(const Reader *r)
{
    return error_set(r->err, STATUS_MEMORY, "%.150s: no memory for the list of its tensors", r->zip->name);
}

static Status bad_tensor(const Reader *r, const char *name, const char *what)
{
    return error_set(r->err, STATUS_FORMAT, "%.150s: tensor \"%.100s\" %s", r->zip->name, name, what);
}

static bool storage_dtype(DType *out, const char *name)
{
    static const struct {
        const char *name;
        DType dtype;
    } STORAGES[] = {{"torch.DoubleStorage", F64},    {"torch.FloatStorage", F32},
                    {"torch.HalfStorage", F16},      {"torch.LongStorage", I64},
                    {"torch.BFloat16Storage", BF16}, {"torch.IntStorage", I32},
                    {"torch.ShortStorage", I16},     {"torch.CharStorage", I8},
                    {"torch.ByteStorage", U8},       {"torch.BoolStorage", BOOL}};
    for (size_t i = 0; i < sizeof STORAGES / sizeof STORAGES[0]; i++)
        if (strcmp(STORAGES[i].name, name) == 0) {
            *out = STORAGES[i].dtype;
            return true;
        }
    return false;
}

/* ("storage", torch.FloatStorage, key, device, numbers): its dtype, how many numbers, and where they begin. */
static Status read_storage(ArchiveTensor *t, uint64_t *numbers, const Reader *r, const PickleValue *v)
{
    const char *key = NULL;
    if (v->kind != PICKLE_PERSISTENT || v->count != 5 || v->item[0]->kind != PICKLE_TEXT ||
        strcmp(v->item[0]->text, "storage") != 0 || v->item[1]->kind != PICKLE_GLOBAL ||
        v->item[2]->kind != PICKLE_TEXT || v->item[4]->kind != PICKLE_INT || v->item[4]->number < 0)
        return bad_tensor(r, t->name, "names its storage in a way that is not known");
    key = v->item[2]->text;
    *numbers = (uint64_t)v->item[4]->number;
    if (!storage_dtype(&t->dtype, v->item[1]->text))
        return bad_tensor(r, t->name, "has a storage of no known kind of numbers");
    const char *member = NULL;
    Bytes b = {.arena = r->arena};
    bytes_add_text(&b, r->folder);
    bytes_add_text(&b, "data/");
    bytes_add_text(&b, key);
    bytes_add_byte(&b, 0);
    if (b.failed)
        return no_memory(r);
    member = (const char *)b.data;
    const ZipEntry *entry = zip_find(r->zip, member);
    if (entry == NULL)
        return error_set(r->err, STATUS_FORMAT,
                         "%.150s: tensor \"%.100s\" lies in \"%.60s\", which is not there", r->zip->name,
                         t->name, member);
    if (*numbers > entry->size / dtype_size(t->dtype))
        return bad_tensor(r, t->name, "has a storage that is shorter than it says");
    return zip_place(&t->offset, r->zip, entry, r->err);
}

/* A tuple of whole numbers that are not negative; returns how many, or -1. */
static int read_numbers(uint64_t out[ARCHIVE_RANK], const PickleValue *v)
{
    if (v->kind != PICKLE_TUPLE || v->count > ARCHIVE_RANK)
        return -1;
    for (size_t i = 0; i < v->count; i++) {
        if (v->item[i]->kind != PICKLE_INT || v->item[i]->number < 0)
            return -1;
        out[i] = (uint64_t)v->item[i]->number;
    }
    return (int)v->count;
}

/* Whether all numbers of a tensor of that shape and these strides lie within `room` numbers. */
static bool lies_within(const ArchiveTensor *t, uint64_t room)
{
    uint64_t last = 0;
    if (t->numbers == 0)
        return true;
    for (int i = 0; i < t->rank; i++) {
        const uint64_t steps = t->dim[i] - 1;
        if (steps > 0 && t->stride[i] > (room - last) / steps)
            return false;
        last += steps * t->stride[i];
    }
    return last < room;
}

/* _rebuild_tensor_v2(storage, first number, shape, strides, ...) */
static Status add_tensor(Reader *r, const char *name, const PickleValue *call)
{
    ArchiveTensor t = {.name = name, .file = r->zip->name};
    uint64_t stride[ARCHIVE_RANK] = {0}, numbers = 0;
    if (call->count < 4 || call->item[1]->kind != PICKLE_INT || call->item[1]->number < 0)
        return bad_tensor(r, name, "is built in a way that is not known");
    const Status status = read_storage(&t, &numbers, r, call->item[0]);
    if (status != STATUS_OK)
        return status;
    const uint64_t start = (uint64_t)call->item[1]->number;
    t.rank = read_numbers(t.dim, call->item[2]);
    if (t.rank < 0 || read_numbers(stride, call->item[3]) != t.rank || !archive_lay_out(&t))
        return bad_tensor(r, name, "has no shape with strides that can be read");
    memcpy(t.stride, stride, sizeof stride);
    if (start > numbers || t.numbers > numbers || !lies_within(&t, numbers - start))
        return bad_tensor(r, name, "reaches beyond its storage");
    t.offset += start * dtype_size(t.dtype);
    if (r->count == r->room) {
        const size_t room = r->room == 0 ? 64 : 2 * r->room;
        ArchiveTensor *larger = arena_raw(r->arena, room, sizeof *larger);
        if (larger == NULL)
            return no_memory(r);
        if (r->count > 0)
            memcpy(larger, r->tensors, r->count * sizeof *larger);
        r->tensors = larger;
        r->room = room;
    }
    r->tensors[r->count++] = t;
    return STATUS_OK;
}

static bool is_name(const char *text)
{
    const size_t length = strlen(text);
    for (size_t i = 0; i < length;) {
        uint32_t code;
        const int size = utf8_read(&code, text + i, length - i);
        if (size == 0 || code < 0x20 || code == 0x7f)
            return false;
        i += (size_t)size;
    }
    return length > 0;
}

/* "prefix.key", or the key alone. */
static Status join(const char **out, const Reader *r, const char *prefix, const char *key)
{
    char text[NAME_MOST + 2];
    if (!is_name(key))
        return error_set(r->err, STATUS_FORMAT, "%.150s: a tensor has an empty or unprintable name",
                         r->zip->name);
    const int length = snprintf(text, sizeof text, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", key);
    if (length > NAME_MOST)
        return error_set(r->err, STATUS_FORMAT, "%.150s: a tensor's name has more than %d bytes",
                         r->zip->name, NAME_MOST);
    *out = arena_text(r->arena, text, (size_t)length);
    return *out != NULL ? STATUS_OK : no_memory(r);
}

static bool is_call(const PickleValue *v, const char *name)
{
    return v->kind == PICKLE_CALL && strcmp(v->text, name) == 0;
}

/* The tensors of a dictionary and of those inside it. */
static Status walk(Reader *r, const PickleValue *dict, const char *prefix, int depth)
{
    Status status = STATUS_OK;
    if (depth > DEPTH)
        return error_set(r->err, STATUS_FORMAT, "%.150s: more than %d dictionaries inside each other",
                         r->zip->name, DEPTH);
    for (size_t i = 0; i + 1 < dict->count && status == STATUS_OK; i += 2) {
        const PickleValue *key = dict->item[i], *value = dict->item[i + 1];
        if (++r->visits > VISITS)
            return error_set(r->err, STATUS_FORMAT, "%.150s: more than %d entries", r->zip->name, VISITS);
        if (is_call(value, "torch._utils._rebuild_parameter") && value->count > 0)
            value = value->item[0];
        const bool tensor = is_call(value, "torch._utils._rebuild_tensor_v2");
        if (key->kind != PICKLE_TEXT || (!tensor && value->kind != PICKLE_DICT))
            continue;
        const char *name = NULL;
        status = join(&name, r, prefix, key->text);
        if (status == STATUS_OK)
            status = tensor ? add_tensor(r, name, value) : walk(r, value, name, depth + 1);
    }
    return status;
}

/* The member "NAME/data.pkl", and "NAME/" as the folder of the others. */
static const ZipEntry *find_pickle(Reader *r)
{
    static const char PICKLE[] = "data.pkl";
    const size_t end = sizeof PICKLE - 1;
    for (size_t i = 0; i < r->zip->count; i++) {
        const ZipEntry *e = &r->zip->entries[i];
        const size_t length = strlen(e->name);
        if (length < end || strcmp(e->name + length - end, PICKLE) != 0 ||
            (length > end && e->name[length - end - 1] != '/'))
            continue;
        r->folder = arena_text(r->arena, e->name, length - end);
        return e;
    }
    return NULL;
}

static Status check_byte_order(const Reader *r)
{
    Bytes b = {.arena = r->arena}, word;
    bytes_add_text(&b, r->folder);
    bytes_add_text(&b, "byteorder");
    bytes_add_byte(&b, 0);
    if (b.failed)
        return no_memory(r);
    const ZipEntry *e = zip_find(r->zip, (const char *)b.data);
    if (e == NULL)
        return STATUS_OK;
    if (e->size > 64)
        return error_set(r->err, STATUS_FORMAT, "%.150s: its byte order is no word", r->zip->name);
    const Status status = zip_read(&word, r->zip, e, r->arena, r->err);
    if (status == STATUS_OK && strcmp((const char *)word.data, "little") != 0)
        return error_set(r->err, STATUS_FORMAT, "%.150s: its numbers are not little-endian", r->zip->name);
    return status;
}

Status torch_file_tensors(TensorArchive *out, const Zip *zip, Arena *arena, Error *err)
{
    Reader r = {.zip = zip, .arena = arena, .err = err};
    const PickleValue *root = NULL, *inner = NULL;
    Bytes pickle;
    const ZipEntry *entry = find_pickle(&r);
    if (entry == NULL)
        return error_set(err, STATUS_FORMAT, "%.150s: a zip without data.pkl, so not of torch.save",
                         zip->name);
    if (r.folder == NULL)
        return no_memory(&r);
    if (entry->size > PICKLE_MOST)
        return error_set(err, STATUS_FORMAT, "%.150s: a pickle of %llu bytes, expected at most %d",
                         zip->name, (unsigned long long)entry->size, PICKLE_MOST);
    Status status = check_byte_order(&r);
    if (status == STATUS_OK)
        status = zip_read(&pickle, zip, entry, arena, err);
    if (status == STATUS_OK)
        status = pickle_read(&root, pickle.data, pickle.size, zip->name, arena, err);
    if (status != STATUS_OK)
        return status;
    inner = pickle_get(root, "state_dict");
    if (inner == NULL || inner->kind != PICKLE_DICT)
        inner = root;
    if (inner->kind != PICKLE_DICT)
        return error_set(err, STATUS_FORMAT, "%.150s: its pickle holds no dictionary of tensors",
                         zip->name);
    status = walk(&r, inner, "", 0);
    if (status == STATUS_OK && r.count == 0)
        status = error_set(err, STATUS_FORMAT, "%.150s: its pickle holds no tensor", zip->name);
    if (status == STATUS_OK)
        status = archive_of(out, r.tensors, r.count, zip->name, zip->data, arena, err);
    if (status == STATUS_OK)
        out->kind = ARCHIVE_TORCH;
    return status;
}
