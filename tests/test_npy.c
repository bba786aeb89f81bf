#include "io/npy.h"

#include "base/file.h"
#include "tests/check.h"
#include "tests/scratch.h"

static const struct {
    const char *name;
    DType dtype;
} KINDS[] = {{"f2", F16}, {"f4", F32}, {"f8", F64}, {"i1", I8},  {"i2", I16}, {"i4", I32},
             {"i8", I64}, {"u1", U8},  {"u2", U16}, {"u4", U32}, {"u8", U64}, {"b1", BOOL}};
enum { KIND_COUNT = sizeof KINDS / sizeof KINDS[0] };

/* Number i of the arrays that tests/make_vectors.py makes. */
static double number(DType dtype, size_t i)
{
    const double x = 3.0 * (double)i;
    switch (dtype) {
    case F16:
    case F32:
    case F64: return (x - 7.0) / 4.0;
    case I8:
    case I16:
    case I32:
    case I64: return x - 7.0;
    case BOOL: return (double)(i * 3 % 2);
    default: return x;
    }
}

static void check_array(const char *file, DType dtype, int rank, const uint64_t *dim)
{
    char path[200];
    sprintf(path, "tests/vectors/arrays/npy-%s.npy", file);
    Arena arena = {0};
    NpyArray a = {0};
    Error err = {0};
    if (!CHECK(npy_read(&a, path, &arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        return;
    }
    CHECK(a.dtype == dtype && a.rank == rank);
    uint64_t count = 1;
    for (int i = 0; i < rank; i++) {
        CHECK(a.dim[i] == dim[i]);
        count *= dim[i];
    }
    CHECK(npy_numbers(&a) == count && count <= 24);
    double x[24];
    dtype_to_f64(x, a.data, dtype, (size_t)count);
    int wrong = 0;
    for (size_t i = 0; i < count; i++)
        wrong += x[i] != number(dtype, i);
    if (!CHECK(wrong == 0))
        printf("    %s\n", path);
    arena_free(&arena);
}

static void test_numpys_files_are_read(void)
{
    for (int k = 0; k < KIND_COUNT; k++) {
        char name[20];
        check_array(KINDS[k].name, KINDS[k].dtype, 2, (uint64_t[]){2, 3});
        sprintf(name, "%s-big", KINDS[k].name);
        if (dtype_size(KINDS[k].dtype) > 1)
            check_array(name, KINDS[k].dtype, 2, (uint64_t[]){2, 3});
    }
    check_array("f4-columns", F32, 3, (uint64_t[]){2, 3, 4});
    check_array("f4-number", F32, 0, NULL);
    check_array("f4-empty", F32, 2, (uint64_t[]){0, 5});
    check_array("i4-line", I32, 1, (uint64_t[]){7});
    check_array("i4-version2", I32, 1, (uint64_t[]){7});
    check_array("i4-version3", I32, 1, (uint64_t[]){7});
}

/* Read and written again, numpy's little-endian files have the same bytes. */
static void test_files_are_written_as_numpy_does(void)
{
    char out[SCRATCH_PATH];
    scratch_path(out, "a.npy");
    static const char *const more[] = {"f4-number", "f4-empty", "i4-line"};
    for (size_t k = 0; k < KIND_COUNT + 3; k++) {
        char path[200];
        sprintf(path, "tests/vectors/arrays/npy-%s.npy",
                k < KIND_COUNT ? KINDS[k].name : more[k - KIND_COUNT]);
        Arena arena = {0};
        NpyArray a = {0};
        Error err = {0};
        Bytes want = {0}, got = {0};
        CHECK(npy_read(&a, path, &arena, &err) == STATUS_OK &&
              npy_write(out, &a, &arena, &err) == STATUS_OK);
        CHECK(file_read(&want, path, &arena, &err) == STATUS_OK &&
              file_read(&got, out, &arena, &err) == STATUS_OK);
        if (!CHECK(want.size == got.size && memcmp(want.data, got.data, got.size) == 0))
            printf("    %s %s\n", path, err.text);
        arena_free(&arena);
    }
    remove(out);
}

/* A version 1 file of that dictionary and `size` bytes. */
static Bytes make_file(Arena *arena, const char *header, size_t size)
{
    Bytes b = {.arena = arena};
    bytes_add(&b, "\x93NUMPY\1\0", 8);
    bytes_add_le16(&b, (uint16_t)strlen(header));
    bytes_add_text(&b, header);
    for (size_t i = 0; i < size; i++)
        bytes_add_byte(&b, (unsigned)i);
    return b;
}

static void refuses_file(const void *data, size_t size, const char *sentence)
{
    Arena arena = {0};
    NpyArray a = {.rank = -1};
    Error err = {0};
    CHECK(npy_parse(&a, data, size, "file", &arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, sentence);
    CHECK(a.rank == -1 && arena.used == 0);
    arena_free(&arena);
}

static void refuses(const char *header, size_t size, const char *sentence)
{
    Arena arena = {0};
    const Bytes b = make_file(&arena, header, size);
    refuses_file(b.data, b.size, sentence);
    arena_free(&arena);
}

static void test_refuses_headers_that_lie(void)
{
    refuses("  ", 0, "file: .npy header, character 3: expected '{'");
    refuses("{}", 0, "'descr', 'fortran_order' and 'shape', each once");
    refuses("{'descr': '<f4', 'fortran_order': False}", 4, "each once");
    refuses("{'descr': '<f4', 'descr': '<f4'", 4, "each once");
    refuses("{'descr': '<f4', 'other': 1", 4, "each once");
    refuses("{'descr': [('a', '<f4')], ", 4, "a plain kind of number");
    refuses("{'descr': '<f3', ", 4, "one of the kinds");
    refuses("{'descr': '|f4', ", 4, "one of the kinds");
    refuses("{'descr': '=f4', ", 4, "one of the kinds");
    refuses("{'descr': '', ", 4, "one of the kinds");
    refuses("{'descr': '<c8', ", 4, "one of the kinds");
    refuses("{'descr': '|O', ", 4, "one of the kinds");
    refuses("{'descr': 'abcdefghijklmnopqrst', ", 4, "a plain kind");
    refuses("{descr: '<f4'}", 4, "a name in quotation marks");
    refuses("{'descr' '<f4'}", 4, "':' after a name");
    refuses("{'descr': '<f4' 'fortran_order'", 4, "',' or '}'");
    refuses("{'fortran_order': 0", 4, "True or False");
    refuses("{'shape': 3}", 4, "a shape in parentheses");
    refuses("{'shape': (3)}", 4, "',' after a size");
    refuses("{'shape': (3 4)}", 4, "',' after a size");
    refuses("{'shape': (-3,)}", 4, "a size");
    refuses("{'shape': (3, 4", 4, "',' after a size");
    refuses("{'shape': (18446744073709551616,)}", 4, "a size");
    refuses("{'shape': (1,1,1,1,1,1,1,1,1)}", 4, "at most 8 axes");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", 4, "nothing after the dictionary");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 4,
            "file: 4 bytes of numbers, which is not the shape in F32");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 5, "5 bytes of numbers");
    refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387905,)}", 4,
            "4 bytes of numbers");
    refuses("{'descr': '|u1', 'fortran_order': True, 'shape': (4294967296, 4294967296)}", 0,
            "0 bytes of numbers");
    refuses_file("", 0, "file: not a .npy file");
    refuses_file("\x93NUMPX\1\0\0\0\0\0", 12, "not a .npy file");
    refuses_file("\x93NUMPY\4\0\0\0\0\0", 12, ".npy version 4.0 is not known");
    refuses_file("\x93NUMPY\1\0\3\0{}", 12, "the .npy header would be 3 bytes, the file has 12");
    refuses_file("\x93NUMPY\2\0\xff\xff\xff\xff", 12, "would be 4294967295 bytes");
}

static void test_python_2_and_other_spellings(void)
{
    Arena arena = {0};
    const Bytes b = make_file(&arena, "{\"shape\":(2L,1),'fortran_order':True,'descr':'>i2'}\n", 4);
    NpyArray a = {0};
    CHECK(npy_parse(&a, b.data, b.size, "file", &arena, NULL) == STATUS_OK);
    const int16_t *x = a.data;
    CHECK(a.rank == 2 && a.dim[0] == 2 && a.dim[1] == 1 && x[0] == 0x0001 && x[1] == 0x0203);
    arena_free(&arena);
}

static void test_damaged_files(void)
{
    Arena arena = {0};
    Error err = {0};
    Bytes b = {0};
    CHECK(file_read(&b, "tests/vectors/arrays/npy-f4-columns.npy", &arena, &err) == STATUS_OK);
    int accepted = 0;
    for (size_t size = 0; size < b.size; size++) {
        const ArenaMark mark = arena_mark(&arena);
        NpyArray a = {0};
        accepted += npy_parse(&a, b.data, size, "file", &arena, NULL) == STATUS_OK;
        CHECK(arena.used == mark.used);
    }
    CHECK(accepted == 0);
    for (size_t bit = 0; bit < 8 * 128; bit++) {
        const ArenaMark mark = arena_mark(&arena);
        NpyArray a = {0};
        b.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        if (npy_parse(&a, b.data, b.size, "file", &arena, NULL) == STATUS_OK)
            CHECK(npy_numbers(&a) * dtype_size(a.dtype) == 96);
        b.data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        arena_release(&arena, mark);
    }
    arena_free(&arena);
}

static void test_refuses_what_numpy_cannot_hold(void)
{
    Arena arena = {0};
    uint16_t x = 0;
    Error err = {0};
    const char *const path = "no/such/folder/x.npy";
    CHECK(npy_write(path, &(NpyArray){.dtype = BF16, .data = &x}, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "cannot hold BF16");
    err = (Error){0};
    CHECK(npy_write(path, &(NpyArray){.dtype = F16, .rank = 9, .data = &x}, &arena, &err) ==
          STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "the shape cannot be written");
    err = (Error){0};
    CHECK(npy_write(path, &(NpyArray){.dtype = F16, .data = &x}, &arena, &err) == STATUS_FILE);
    CHECK(npy_write(path, &(NpyArray){.dtype = F16, .rank = 2, .dim = {SIZE_MAX, SIZE_MAX}}, &arena,
                    NULL) == STATUS_ARGUMENT);
    CHECK(arena.used == 0);
    arena_free(&arena);
}

static void test_failing_allocations(void)
{
    Arena bytes = {0};
    Bytes b = {0};
    Error none = {0};
    CHECK(file_read(&b, "tests/vectors/arrays/npy-f4-columns.npy", &bytes, &none) == STATUS_OK);
    char path[SCRATCH_PATH];
    scratch_path(path, "b.npy");
    for (int writes = 0; writes < 2; writes++) {
        Status status = STATUS_MEMORY;
        size_t n = 1;
        for (; status != STATUS_OK && n < 100; n++) {
            Arena arena = {.fail_after = n};
            NpyArray a = {.dtype = F32, .rank = 1, .dim = {10}, .data = b.data};
            Error err = {0};
            status = writes ? npy_write(path, &a, &arena, &err)
                            : npy_parse(&a, b.data, b.size, "file", &arena, &err);
            CHECK(status == STATUS_OK ||
                  (status == STATUS_MEMORY && err.text[0] != '\0' && arena.used == 0));
            arena_free(&arena);
        }
        CHECK(n > 2 && n < 100);
    }
    remove(path);
    arena_free(&bytes);
}

int main(void)
{
    test_numpys_files_are_read();
    test_files_are_written_as_numpy_does();
    test_refuses_headers_that_lie();
    test_python_2_and_other_spellings();
    test_damaged_files();
    test_refuses_what_numpy_cannot_hold();
    test_failing_allocations();
    return check_report("npy");
}
