#include "io/dtype.h"

#include "tests/check.h"

static void test_names_and_sizes(void)
{
    static const struct {
        const char *name;
        DType dtype;
        size_t size;
    } kinds[] = {{"F32", F32, 4}, {"F16", F16, 2}, {"BF16", BF16, 2}, {"F64", F64, 8}, {"I64", I64, 8},
                 {"I32", I32, 4}, {"I16", I16, 2}, {"I8", I8, 1},     {"U8", U8, 1},   {"BOOL", BOOL, 1},
                 {"U16", U16, 2}, {"U32", U32, 4}, {"U64", U64, 8}};
    CHECK(sizeof kinds / sizeof kinds[0] == DTYPE_COUNT);
    for (int i = 0; i < DTYPE_COUNT; i++) {
        DType found = U64;
        CHECK(strcmp(dtype_name(kinds[i].dtype), kinds[i].name) == 0 &&
              dtype_size(kinds[i].dtype) == kinds[i].size);
        CHECK(dtype_find(&found, kinds[i].name) && found == kinds[i].dtype);
    }
    DType kept = I8;
    CHECK(!dtype_find(&kept, "f32") && !dtype_find(&kept, "") && !dtype_find(&kept, "F8_E4M3") &&
          kept == I8);
}

static void test_bytes_of_shapes(void)
{
    uint64_t bytes = 7;
    CHECK(dtype_bytes(&bytes, F32, NULL, 0) && bytes == 4);
    CHECK(dtype_bytes(&bytes, F16, (uint64_t[]){3, 5}, 2) && bytes == 30);
    CHECK(dtype_bytes(&bytes, F64, (uint64_t[]){0, UINT64_MAX}, 2) && bytes == 0);
    CHECK(dtype_bytes(&bytes, U8, (uint64_t[]){UINT64_MAX}, 1) && bytes == UINT64_MAX);
    CHECK(!dtype_bytes(&bytes, I16, (uint64_t[]){(uint64_t)1 << 63}, 1) && bytes == UINT64_MAX);
    CHECK(!dtype_bytes(&bytes, U8, (uint64_t[]){(uint64_t)1 << 32, (uint64_t)1 << 32}, 2));
}

static void check_kind(DType dtype, const void *native, double a, double b)
{
    float x[2];
    double wide[2];
    dtype_to_f32(x, native, dtype, 2);
    dtype_to_f64(wide, native, dtype, 2);
    CHECK(wide[0] == a && wide[1] == b);
    CHECK(x[0] == (float)a && x[1] == (float)b);
}

static void test_every_kind_becomes_floats(void)
{
    check_kind(F32, (const float[]){1.5f, -0x1p-149f}, 1.5, -0x1p-149);
    check_kind(F64, (const double[]){0.1, -1e300}, 0.1, -1e300); /* -1e300 is -infinity in binary32 */
    check_kind(F16, (const uint16_t[]){0x3c00, 0xfbff}, 1.0, -65504.0);
    check_kind(BF16, (const uint16_t[]){0x3f80, 0xc049}, 1.0, -3.140625);
    check_kind(I64, (const int64_t[]){INT64_MIN, 16777217}, -9223372036854775808.0, 16777217.0);
    check_kind(I32, (const int32_t[]){INT32_MIN, INT32_MAX}, -2147483648.0, 2147483647.0);
    check_kind(I16, (const int16_t[]){-32768, 32767}, -32768.0, 32767.0);
    check_kind(I8, (const int8_t[]){-128, 127}, -128.0, 127.0);
    check_kind(U8, (const uint8_t[]){0, 255}, 0.0, 255.0);
    check_kind(BOOL, (const uint8_t[]){0, 2}, 0.0, 1.0);
    check_kind(U16, (const uint16_t[]){0, 65535}, 0.0, 65535.0);
    check_kind(U32, (const uint32_t[]){0, UINT32_MAX}, 0.0, 4294967295.0);
    check_kind(U64, (const uint64_t[]){UINT64_MAX, 1}, 18446744073709551616.0, 1.0);
}

/* 2^24 + 1 is halfway between two binary32 numbers, and one rounding takes 2^53 + 2^29 + 1 up where two, by way of
 * binary64, would take it down. */
static void test_integers_are_rounded_once(void)
{
    const int64_t x[2] = {16777217, ((int64_t)1 << 53) + ((int64_t)1 << 29) + 1};
    float y[2];
    dtype_to_f32(y, x, I64, 2);
    CHECK(y[0] == 16777216.0f && y[1] == 0x1.000002p53f);
    const int64_t z[3] = {-x[1], -x[0], INT64_MIN};
    float w[3];
    dtype_to_f32(w, z, I64, 3);
    CHECK(w[0] == -0x1.000002p53f && w[1] == -16777216.0f && w[2] == -0x1p63f);
    const uint64_t u = ((uint64_t)1 << 63) + ((uint64_t)1 << 39) + 1;
    dtype_to_f32(y, &u, U64, 1);
    CHECK(y[0] == 0x1.000002p63f);
}

static void test_floats_become_every_float_kind(void)
{
    static const float x[3] = {0x1.99999ap-4f, -65520.0f, 0x1p-149f};
    float f32[3];
    double f64[3];
    uint16_t half[3];
    CHECK(dtype_from_f32(f32, x, F32, 3) && memcmp(f32, x, sizeof x) == 0);
    CHECK(dtype_from_f32(f64, x, F64, 3) && f64[0] == 0x1.99999ap-4 && f64[2] == 0x1p-149);
    CHECK(dtype_from_f32(half, x, F16, 3) && half[0] == 0x2e66 && half[1] == 0xfc00 && half[2] == 0);
    CHECK(dtype_from_f32(half, x, BF16, 3) && half[0] == 0x3dcd && half[1] == 0xc780 && half[2] == 0);
    for (int kind = I64; kind < DTYPE_COUNT; kind++)
        CHECK(!dtype_from_f32(half, x, (DType)kind, 1) && half[0] == 0x3dcd);
}

static void test_bytes_are_turned_round(void)
{
    unsigned char b[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    dtype_reverse(b, 2, 4);
    CHECK(memcmp(b, "\2\1\4\3\6\5\10\7", 8) == 0);
    dtype_reverse(b, 4, 2);
    CHECK(memcmp(b, "\3\4\1\2\7\10\5\6", 8) == 0);
    dtype_reverse(b, 8, 1);
    CHECK(memcmp(b, "\6\5\10\7\2\1\4\3", 8) == 0);
    dtype_reverse(b, 1, 8);
    CHECK(memcmp(b, "\6\5\10\7\2\1\4\3", 8) == 0);
    uint32_t number = 0x01020304;
    dtype_swap(&number, U32, 1); /* now little-endian on every machine */
    CHECK(memcmp(&number, "\4\3\2\1", 4) == 0);
}

int main(void)
{
    test_names_and_sizes();
    test_bytes_of_shapes();
    test_every_kind_becomes_floats();
    test_integers_are_rounded_once();
    test_floats_become_every_float_kind();
    test_bytes_are_turned_round();
    return check_report("dtype");
}
