#include "io/safetensors.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/file.h"
#include "tests/cases.h"
#include "tests/check.h"
#include "tests/scratch.h"

/* A file from its header's text and `size` data bytes 0, 1, 2 ... */
static Bytes make_file(Arena *arena, const char *header, size_t size)
{
    Bytes b = {.arena = arena};
    bytes_add_le64(&b, strlen(header));
    bytes_add_text(&b, header);
    for (size_t i = 0; i < size; i++)
        bytes_add_byte(&b, (unsigned)i);
    return b;
}

static void refuses(const char *header, size_t size, const char *sentence)
{
    Arena arena = {0};
    const Bytes b = make_file(&arena, header, size);
    const size_t before = arena.used;
    Safetensors file = {0};
    Error err = {0};
    if (!CHECK(safetensors_parse(&file, b.data, b.size, "file", &arena, &err) == STATUS_FORMAT))
        printf("    accepted: %s\n", header);
    CHECK(file.header == NULL && arena.used == before);
    CHECK_TEXT(err.text, sentence);
    arena_free(&arena);
}

#define T(dtype, shape, begin, end)                                                                        \
    "{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" begin "," end "]}"

static void test_refuses_headers_that_lie(void)
{
    refuses("[]", 0, "file: the header is not a JSON object");
    refuses("{", 0, "file: line 1, column 2");
    refuses("{\"a\":1}", 0, "tensor \"a\" has dtype \"\"");
    refuses("{\"a\":" T("F33", "1", "0", "4") "}", 4, "tensor \"a\" has dtype \"F33\", which is not known");
    refuses("{\"a\":" T("F\\u001b[1m", "1", "0", "4") "}", 4, "has dtype \"?\"");
    refuses("{\"\":" T("F32", "1", "0", "4") "}", 4, "empty or unprintable name");
    refuses("{\"a\\u0000\":" T("F32", "1", "0", "4") "}", 4, "empty or unprintable name");
    refuses("{\"a\\u001b[2J\":" T("F32", "1", "0", "4") "}", 4, "empty or unprintable name");
    refuses("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "the shape of tensor \"a\"");
    refuses("{\"a\":" T("F32", "-1", "0", "4") "}", 4,
            "the shape of tensor \"a\" is not a list of up to 8 sizes");
    refuses("{\"a\":" T("F32", "1.0", "0", "4") "}", 4, "the shape of tensor \"a\"");
    refuses("{\"a\":" T("F32", "1,1,1,1,1,1,1,1,1", "0", "4") "}", 4, "the shape of tensor \"a\"");
    refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "tensor \"a\" has no data_offsets");
    refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "no data_offsets");
    refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, "no data_offsets");
    refuses("{\"a\":" T("F32", "1", "4", "0") "}", 4, "lies at bytes 4 to 0 of the data, which has 4");
    refuses("{\"a\":" T("F32", "2", "0", "8") "}", 4, "lies at bytes 0 to 8 of the data, which has 4");
    refuses("{\"a\":" T("F32", "1", "0", "18446744073709551615") "}", 4,
            "lies at bytes 0 to 18446744073709551615");
    refuses("{\"a\":" T("F32", "1", "0", "18446744073709551616") "}", 4, "no data_offsets");
    refuses("{\"a\":" T("F32", "2", "0", "4") "}", 4, "takes 4 bytes, which is not its shape in F32");
    refuses("{\"a\":" T("F16", "1", "0", "4") "}", 4, "takes 4 bytes, which is not its shape in F16");
    refuses("{\"a\":" T("F32", "4611686018427387905", "0", "4") "}", 4,
            "not its shape"); /* 2^64 + 4 bytes */
    refuses("{\"a\":" T("U8", "4294967296,4294967296", "0", "0") "}", 0, "not its shape");
    refuses("{\"a\":" T("U8", "2", "0", "2") ",\"b\":" T("U8", "2", "1", "3") "}", 3,
            "tensor \"b\" overlaps tensor \"a\"");
    refuses("{\"a\":" T("U8", "2", "0", "2") ",\"b\":" T("U8", "2", "0", "2") "}", 2, "overlaps");
    refuses("{\"a\":" T("U8", "2", "2", "4") ",\"b\":" T("U8", "1", "0", "1") "}", 4,
            "1 bytes before tensor \"a\" belong to no tensor");
    refuses("{\"a\":" T("U8", "2", "0", "2") "}", 3, "1 bytes at the end belong to no tensor");
    refuses("{}", 1, "1 bytes at the end");
    refuses("{\"a\":" T("U8", "1", "0", "1") ",\"a\":" T("U8", "1", "1", "2") "}", 2,
            "the name \"a\" is twice");
    refuses("{\"__metadata__\":[]}", 0, "__metadata__ is not an object of texts");
    refuses("{\"__metadata__\":{\"a\":1}}", 0, "__metadata__ is not an object of texts");
}

static void test_refuses_lengths_that_lie(void)
{
    static const uint64_t lengths[] = {3, 100000001, UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        unsigned char file[10] = {0, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
        le64_put(file, lengths[i]);
        Arena arena = {0};
        Safetensors out = {0};
        Error err = {0};
        CHECK(safetensors_parse(&out, file, sizeof file, "file", &arena, &err) == STATUS_FORMAT);
        CHECK_TEXT(err.text, "file: not safetensors (the header's length would be");
        CHECK(arena.used == 0);
        arena_free(&arena);
    }
    Arena arena = {0};
    Safetensors out = {0};
    Error err = {0};
    unsigned char *large = calloc(100000100, 1);
    if (CHECK(large != NULL)) {
        le64_put(large, 100000001);
        CHECK(safetensors_parse(&out, large, 100000100, "file", &arena, &err) == STATUS_FORMAT);
        CHECK_TEXT(err.text, "the header's length would be 100000001 of 100000100 bytes");
    }
    free(large);
    err = (Error){0};
    CHECK(safetensors_parse(&out, "1234567", 7, "file", &arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "fewer than 8 bytes");
    arena_free(&arena);
}

static const char KINDS[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"i64\":" T("I64", "", "0", "8") ",\"f64\":" T(
        "F64", "1,1", "8",
        "16") ","
              "\"u8\":" T("U8", "2", "32", "34") ",\"bf16\":" T(
                  "BF16", "2", "16",
                  "20") ","
                        "\"f16\":" T("F16", "2", "20", "24") ",\"i32\":" T(
                            "I32", "1", "24",
                            "28") ","
                                  "\"i16\":" T("I16", "2", "28", "32") ",\"i8\":" T(
                                      "I8", "2", "34",
                                      "36") ","
                                            "\"bool\":" T("BOOL", "2", "36", "38") ",\"none\":" T(
                                                "F32", "0,9", "38", "38") "}";

static const unsigned char KINDS_DATA[38] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* i64 -2 */
                                             0,    0,    0,    0,    0,    0,    0xf8, 0xbf, /* f64 -1.5 */
                                             0xc0, 0x3f, 0x80, 0xff, /* bf16 1.5 -inf */
                                             0x00, 0x3e, 0x01, 0x80, /* f16 1.5 -2^-24 */
                                             0x01, 0x00, 0x00, 0x80, /* i32 -2147483647 */
                                             0xff, 0xff, 0x00, 0x01, /* i16 -1 256 */
                                             0x07, 0xff, 0x80, 0x7f, /* u8 7 255, i8 -128 127 */
                                             0,    1};

static void check_kind(const Safetensors *file, const char *name, float a, float b)
{
    const SafetensorsEntry *e = safetensors_find(file, name);
    float got[2] = {0.0f, 0.0f};
    Error err = {0};
    if (!CHECK(e != NULL))
        return;
    CHECK(safetensors_read_f32(got, file, e, &err) == STATUS_OK);
    CHECK(got[0] == a && (safetensors_numbers(e) == 1 || got[1] == b));
}

static void check_kinds(const Safetensors *file)
{
    CHECK(file->count == 10 && strcmp(safetensors_metadata(file, "format"), "pt") == 0);
    CHECK(safetensors_metadata(file, "none") == NULL);
    check_kind(file, "i64", -2.0f, 0.0f);
    check_kind(file, "f64", -1.5f, 0.0f);
    check_kind(file, "bf16", 1.5f, -HUGE_VALF);
    check_kind(file, "f16", 1.5f, -0x1p-24f);
    check_kind(file, "i32", -2147483648.0f, 0.0f); /* the nearest binary32 */
    check_kind(file, "i16", -1.0f, 256.0f);
    check_kind(file, "u8", 7.0f, 255.0f);
    check_kind(file, "i8", -128.0f, 127.0f);
    check_kind(file, "bool", 0.0f, 1.0f);
    const SafetensorsEntry *none = safetensors_find(file, "none");
    CHECK(none != NULL && none->rank == 2 && none->dim[1] == 9 && safetensors_numbers(none) == 0);
    CHECK(safetensors_find(file, "__metadata__") == NULL && safetensors_find(file, "i6") == NULL);
    int16_t i16[2] = {0, 0};
    CHECK(safetensors_read_raw(i16, file, safetensors_find(file, "i16"), NULL) == STATUS_OK);
    CHECK(i16[0] == -1 && i16[1] == 256);
}

static void test_every_kind_is_read_from_memory_and_file(void)
{
    Arena arena = {0};
    Bytes b = make_file(&arena, KINDS, 0);
    bytes_add(&b, KINDS_DATA, sizeof KINDS_DATA);
    Safetensors file = {0};
    Error err = {0};
    if (CHECK(safetensors_parse(&file, b.data, b.size, "file", &arena, &err) == STATUS_OK))
        check_kinds(&file);
    char path[SCRATCH_PATH];
    scratch_path(path, "kinds.safetensors");
    CHECK(file_write(path, b.data, b.size, &err) == STATUS_OK);
    file = (Safetensors){0};
    if (CHECK(safetensors_open(&file, path, &arena, &err) == STATUS_OK))
        check_kinds(&file);
    CHECK(file_write(path, b.data, b.size - 1, &err) == STATUS_OK); /* cut short after it was opened */
    float two[2];
    CHECK(safetensors_read_f32(two, &file, safetensors_find(&file, "bool"), &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "ends before byte");
    remove(path);
    Error gone = {0};
    CHECK(safetensors_open(&file, path, &arena, &gone) == STATUS_FILE);
    CHECK_TEXT(gone.text, "cannot open");
    arena_free(&arena);
}

/* Every shorter file and every file with one bit of its header turned is refused or read, never worse. */
static void test_damaged_files(void)
{
    Arena arena = {0};
    Bytes b = make_file(&arena, KINDS, 0);
    bytes_add(&b, KINDS_DATA, sizeof KINDS_DATA);
    int accepted = 0;
    for (size_t size = 0; size < b.size; size++) {
        const ArenaMark mark = arena_mark(&arena);
        Safetensors file = {0};
        accepted += safetensors_parse(&file, b.data, size, "file", &arena, NULL) == STATUS_OK;
        arena_release(&arena, mark);
    }
    CHECK(accepted == 0);
    for (size_t bit = 0; bit < 8 * (b.size - sizeof KINDS_DATA); bit++) {
        const ArenaMark mark = arena_mark(&arena);
        b.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        Safetensors file = {0};
        if (safetensors_parse(&file, b.data, b.size, "file", &arena, NULL) == STATUS_OK)
            for (size_t i = 0; i < file.count; i++) {
                float numbers[2];
                CHECK(safetensors_numbers(&file.entries[i]) <= 8);
                if (safetensors_numbers(&file.entries[i]) <= 2)
                    CHECK(safetensors_read_f32(numbers, &file, &file.entries[i], NULL) == STATUS_OK);
            }
        b.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        arena_release(&arena, mark);
    }
    arena_free(&arena);
}

static const char *const METADATA[] = {"format", "pt", "quote", "\"", NULL};

/* Three small tensors; more[] has more numbers than are converted at a time. */
static Status write_items(const char *path, bool turned, Arena *scratch, Error *err)
{
    static const int64_t ids[2] = {1, -1};
    static const float half[3] = {1.0f, 1.0009765625f, 65520.0f};
    static float more[40000];
    for (int i = 0; i < 40000; i++)
        more[i] = (float)(i % 2048);
    SafetensorsItem items[4] = {
        {.name = "b", .dtype = F16, .rank = 1, .dim = {3}, .f32 = half},
        {.name = "a", .dtype = F16, .rank = 2, .dim = {200, 200}, .f32 = more},
        {.name = "ids", .dtype = I64, .rank = 2, .dim = {1, 2}, .data = ids},
        {.name = "empty", .dtype = BOOL, .rank = 1, .dim = {0}},
    };
    if (turned) {
        const SafetensorsItem first = items[0];
        items[0] = items[3];
        items[3] = first;
    }
    return safetensors_write(path, items, 4, METADATA, scratch, err);
}

static void test_writes_the_canonical_file(void)
{
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\",\"quote\":\"\\\"\"},"
        "\"ids\":" T("I64", "1,2", "0", "16") ",\"a\":" T(
            "F16", "200,200", "16", "80016") ","
                                             "\"b\":" T("F16", "3", "80016", "80022") ",\"empty\":" T(
                                                 "BOOL", "0", "80022", "80022") "}";
    Arena arena = {0};
    char path[SCRATCH_PATH], other[SCRATCH_PATH];
    scratch_path(path, "a.safetensors");
    scratch_path(other, "b.safetensors");
    Error err = {0};
    CHECK(write_items(path, false, &arena, &err) == STATUS_OK);
    CHECK(write_items(other, true, &arena, &err) == STATUS_OK);
    CHECK(arena.used == 0);
    Bytes a = {0}, b = {0};
    CHECK(file_read(&a, path, &arena, &err) == STATUS_OK &&
          file_read(&b, other, &arena, &err) == STATUS_OK);
    CHECK(a.size == b.size && memcmp(a.data, b.data, a.size) == 0);
    const size_t padded = (strlen(header) + 7) / 8 * 8;
    CHECK(le64_get(a.data) == padded && a.size == 8 + padded + 80022);
    CHECK(memcmp(a.data + 8, header, strlen(header)) == 0 && a.data[8 + padded - 1] != 0);
    const unsigned char *half = a.data + 8 + padded + 80016;
    CHECK(le16_get(half) == 0x3c00 && le16_get(half + 2) == 0x3c01 && le16_get(half + 4) == 0x7c00);
    Safetensors file = {0};
    CHECK(safetensors_open(&file, path, &arena, &err) == STATUS_OK);
    float *more = arena_alloc(&arena, 40000, sizeof *more);
    CHECK(safetensors_read_f32(more, &file, safetensors_find(&file, "a"), &err) == STATUS_OK);
    int wrong = 0;
    for (int i = 0; i < 40000; i++)
        wrong += more[i] != (float)(i % 2048);
    CHECK(wrong == 0);
    CHECK(strcmp(safetensors_metadata(&file, "quote"), "\"") == 0);
    remove(path);
    remove(other);
    arena_free(&arena);
}

/* Names a to m in an order in which nothing else is sorted. */
static void test_bigger_kinds_come_first(void)
{
    static const DType order[DTYPE_COUNT] = {U64, I64, F64, F32, U32, I32, BF16,
                                             F16, U16, I16, I8,  U8,  BOOL};
    static const uint64_t zero = 0;
    SafetensorsItem items[DTYPE_COUNT];
    char names[DTYPE_COUNT][2], path[SCRATCH_PATH];
    scratch_path(path, "e.safetensors");
    for (int i = 0; i < DTYPE_COUNT; i++) {
        names[i][0] = (char)('m' - i);
        names[i][1] = '\0';
        items[i] = (SafetensorsItem){.name = names[i], .dtype = order[i * 5 % DTYPE_COUNT], .data = &zero};
    }
    Arena arena = {0};
    Error err = {0};
    Safetensors file = {0};
    CHECK(safetensors_write(path, items, DTYPE_COUNT, NULL, &arena, &err) == STATUS_OK);
    if (CHECK(safetensors_open(&file, path, &arena, &err) == STATUS_OK && file.count == DTYPE_COUNT))
        for (int i = 0; i < DTYPE_COUNT; i++)
            CHECK(file.entries[i].dtype == order[i] && file.entries[i].offset % file.entries[i].size == 0);
    remove(path);
    arena_free(&arena);
}

static void refuses_to_write(const SafetensorsItem *items, size_t count, const char *path, Status want,
                             const char *sentence)
{
    Arena arena = {0};
    Error err = {0};
    CHECK(safetensors_write(path, items, count, NULL, &arena, &err) == want);
    CHECK_TEXT(err.text, sentence);
    CHECK(!file_exists(path) && arena.used == 0);
    arena_free(&arena);
}

static void test_refuses_items_that_cannot_be_written(void)
{
    char path[SCRATCH_PATH];
    scratch_path(path, "c.safetensors");
    static const float one = 1.0f;
    const SafetensorsItem good = {.name = "a", .dtype = F32, .data = &one};
    SafetensorsItem bad = good;
    bad.name = "__metadata__";
    refuses_to_write(&bad, 1, path, STATUS_ARGUMENT, "reserved name");
    bad.name = "a\n";
    refuses_to_write(&bad, 1, path, STATUS_ARGUMENT, "unprintable");
    bad.name = "\xff";
    refuses_to_write(&bad, 1, path, STATUS_ARGUMENT, "unprintable");
    bad = good;
    bad.rank = 9;
    refuses_to_write(&bad, 1, path, STATUS_ARGUMENT, "the shape of tensor \"a\"");
    bad = good;
    bad.rank = 2;
    bad.dim[0] = bad.dim[1] = (uint64_t)1 << 40;
    refuses_to_write(&bad, 1, path, STATUS_ARGUMENT, "the shape of tensor \"a\"");
    bad = (SafetensorsItem){.name = "a", .dtype = I32, .f32 = &one};
    refuses_to_write(&bad, 1, path, STATUS_ARGUMENT, "without numbers of kind I32");
    refuses_to_write((SafetensorsItem[]){good, good}, 2, path, STATUS_ARGUMENT,
                     "two tensors have the name \"a\"");
    refuses_to_write(&good, 1, "no/such/folder/x", STATUS_FILE, "cannot write");
}

static void test_failing_allocations(void)
{
    Arena bytes = {0};
    Bytes b = make_file(&bytes, KINDS, 0);
    bytes_add(&b, KINDS_DATA, sizeof KINDS_DATA);
    char path[SCRATCH_PATH];
    scratch_path(path, "d.safetensors");
    for (int what = 0; what < 3; what++) {
        Status status = STATUS_MEMORY;
        size_t n = 1;
        for (; status != STATUS_OK && n < 100; n++) {
            Arena arena = {.fail_after = n};
            Safetensors file = {0};
            Error err = {0};
            status = what == 0   ? safetensors_parse(&file, b.data, b.size, "file", &arena, &err)
                     : what == 1 ? write_items(path, false, &arena, &err)
                                 : safetensors_open(&file, path, &arena, &err);
            CHECK(status == STATUS_OK ||
                  (status == STATUS_MEMORY && err.text[0] != '\0' && arena.used == 0));
            CHECK(what != 1 || file_exists(path) == (status == STATUS_OK));
            arena_free(&arena);
        }
        CHECK(n > 2 && n < 100);
    }
    remove(path);
    arena_free(&bytes);
}

/* A file written by the format's own library, read and written again, has the same bytes. */
static void test_reference_files_come_back(void)
{
    static const char *const names[] = {"models/sd1-tiny/unet/diffusion_pytorch_model.safetensors",
                                        "models/sd1-tiny/text_encoder/model.safetensors",
                                        "h-lora/lora_kohya.safetensors",
                                        "models/sd2-tiny/vae/diffusion_pytorch_model.safetensors"};
    char path[CASE_PATH], copy[SCRATCH_PATH];
    scratch_path(copy, "copy.safetensors");
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        if (!file_exists(case_path(path, names[k]))) {
            printf("skipped: %s is not there\n", path);
            continue;
        }
        Arena arena = {0};
        Error err = {0};
        Safetensors file = {0};
        if (!CHECK(safetensors_open(&file, path, &arena, &err) == STATUS_OK)) {
            printf("    %s\n", err.text);
            continue;
        }
        SafetensorsItem *items = arena_alloc(&arena, file.count, sizeof *items);
        for (size_t i = 0; i < file.count; i++) {
            const SafetensorsEntry *e = &file.entries[i];
            void *data = arena_raw(&arena, (size_t)e->size, 1);
            CHECK(safetensors_read_raw(data, &file, e, &err) == STATUS_OK);
            items[i] = (SafetensorsItem){.name = e->name, .dtype = e->dtype, .rank = e->rank, .data = data};
            memcpy(items[i].dim, e->dim, sizeof e->dim);
        }
        const char *const format[] = {"format", safetensors_metadata(&file, "format"), NULL};
        CHECK(safetensors_write(copy, items, file.count, format[1] != NULL ? format : NULL, &arena, &err) ==
              STATUS_OK);
        Bytes a = {0}, b = {0};
        CHECK(file_read(&a, path, &arena, &err) == STATUS_OK &&
              file_read(&b, copy, &arena, &err) == STATUS_OK);
        CHECK(a.size == b.size && memcmp(a.data, b.data, a.size) == 0);
        arena_free(&arena);
        remove(copy);
    }
}

int main(void)
{
    test_refuses_headers_that_lie();
    test_refuses_lengths_that_lie();
    test_every_kind_is_read_from_memory_and_file();
    test_damaged_files();
    test_writes_the_canonical_file();
    test_bigger_kinds_come_first();
    test_refuses_items_that_cannot_be_written();
    test_failing_allocations();
    test_reference_files_come_back();
    return check_report("safetensors");
}
