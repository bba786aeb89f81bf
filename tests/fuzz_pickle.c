/* For libFuzzer: sh tests/fuzz.sh pickle.  tests/test_fuzz_pickle.c replays the corpus.
 *
 * Bytes that begin as a zip are taken as a whole file of torch.save; all others as the data.pkl of one. */
#include "tests/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "io/crc32.h"
#include "io/pickle.h"
#include "io/tensor_archive.h"

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void read_all(const TensorArchive *a)
{
    for (size_t i = 0; i < a->count; i++) {
        const ArchiveTensor *t = &a->tensors[i];
        require(archive_find(a, t->name) == t);
        float last = 0.0f;
        Error err = {0};
        const Status status =
            t->numbers > 0 ? archive_read_f32(&last, a, t, t->numbers - 1, 1, &err) : STATUS_OK;
        require(status == STATUS_OK);
    }
}

/* A stored member, and its line of the directory. */
static void add_member(Bytes *out, Bytes *directory, const char *name, const void *data, size_t size)
{
    const uint32_t header = (uint32_t)out->size, crc = crc32_update(0, data, size);
    bytes_add_le32(directory, 0x02014b50);
    bytes_add_le16(directory, 20);
    bytes_add_le32(out, 0x04034b50);
    for (int i = 0; i < 2; i++) {
        Bytes *b = i == 0 ? out : directory;
        bytes_add_le16(b, 20);
        bytes_add_le16(b, 0);
        bytes_add_le16(b, 0);
        bytes_add_le32(b, 0);
        bytes_add_le32(b, crc);
        bytes_add_le32(b, (uint32_t)size);
        bytes_add_le32(b, (uint32_t)size);
        bytes_add_le16(b, (uint16_t)strlen(name));
        bytes_add_le16(b, 0);
    }
    bytes_add_le16(directory, 0);
    bytes_add_le16(directory, 0);
    bytes_add_le16(directory, 0);
    bytes_add_le32(directory, 0);
    bytes_add_le32(directory, header);
    bytes_add_text(out, name);
    bytes_add_text(directory, name);
    bytes_add(out, data, size);
}

static Bytes zip_around(Arena *arena, const uint8_t *data, size_t size)
{
    static const unsigned char storage[256];
    Bytes out = {.arena = arena}, directory = {.arena = arena};
    add_member(&out, &directory, "m/data.pkl", data, size);
    add_member(&out, &directory, "m/data/0", storage, sizeof storage);
    const uint32_t at = (uint32_t)out.size;
    bytes_add(&out, directory.data, directory.size);
    bytes_add_le32(&out, 0x06054b50);
    bytes_add_le32(&out, 0);
    bytes_add_le16(&out, 2);
    bytes_add_le16(&out, 2);
    bytes_add_le32(&out, (uint32_t)directory.size);
    bytes_add_le32(&out, at);
    bytes_add_le16(&out, 0);
    return out;
}

static Error fuzz_error;
static size_t fuzz_tensors;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena = {.limit = (size_t)1 << 28}, around = {0};
    Bytes file = {.data = (unsigned char *)(size_t)data, .size = size};
    TensorArchive archive = {0};
    const PickleValue *value = NULL;
    fuzz_error = (Error){0};
    if (pickle_read(&value, data, size, "fuzz", &arena, NULL) != STATUS_OK)
        require(arena.used == 0 && value == NULL);
    require(arena.peak <= 256 * size + 16 * ARENA_ALIGN);
    arena_free(&arena);
    if (size < 4 || memcmp(data, "PK\3\4", 4) != 0)
        file = zip_around(&around, data, size);
    if (archive_parse(&archive, file.data, file.size, "fuzz", &arena, &fuzz_error) == STATUS_OK)
        read_all(&archive);
    else
        require(arena.used == 0 && fuzz_error.text[0] != '\0');
    fuzz_tensors = archive.count;
    arena_free(&arena);
    arena_free(&around);
    return 0;
}
