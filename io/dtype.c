#include "io/dtype.h"

#include <string.h>

#include "base/half.h"

static const struct {
    char name[8];
    unsigned char size;
} KINDS[DTYPE_COUNT] = {
    [F32] = {"F32", 4}, [F16] = {"F16", 2}, [BF16] = {"BF16", 2}, [F64] = {"F64", 8}, [I64] = {"I64", 8},
    [I32] = {"I32", 4}, [I16] = {"I16", 2}, [I8] = {"I8", 1},     [U8] = {"U8", 1},   [BOOL] = {"BOOL", 1},
    [U16] = {"U16", 2}, [U32] = {"U32", 4}, [U64] = {"U64", 8},
};

const char *dtype_name(DType dtype)
{
    return KINDS[dtype].name;
}

size_t dtype_size(DType dtype)
{
    return KINDS[dtype].size;
}

bool dtype_find(DType *out, const char *name)
{
    for (int i = 0; i < DTYPE_COUNT; i++)
        if (strcmp(name, KINDS[i].name) == 0) {
            *out = (DType)i;
            return true;
        }
    return false;
}

bool dtype_bytes(uint64_t *out, DType dtype, const uint64_t *dim, int rank)
{
    uint64_t bytes = KINDS[dtype].size;
    for (int i = 0; i < rank; i++) {
        if (dim[i] != 0 && bytes > UINT64_MAX / dim[i])
            return false;
        bytes *= dim[i];
    }
    *out = bytes;
    return true;
}

/* Number i of an array of signed integers (BOOL apart, of every integer kind but U64). */
static int64_t integer_at(const unsigned char *native, DType dtype, size_t i)
{
    int64_t i64;
    int32_t i32;
    int16_t i16;
    uint32_t u32;
    uint16_t u16;
    switch (dtype) {
    case I64: memcpy(&i64, native + 8 * i, 8); return i64;
    case I32: memcpy(&i32, native + 4 * i, 4); return i32;
    case U32: memcpy(&u32, native + 4 * i, 4); return u32;
    case I16: memcpy(&i16, native + 2 * i, 2); return i16;
    case U16: memcpy(&u16, native + 2 * i, 2); return u16;
    case I8: return native[i] < 128 ? native[i] : native[i] - 256;
    case BOOL: return native[i] != 0;
    default: return native[i];
    }
}

static uint64_t u64_at(const unsigned char *native, size_t i)
{
    uint64_t value;
    memcpy(&value, native + 8 * i, 8);
    return value;
}

static double f64_at(const unsigned char *native, size_t i)
{
    double value;
    memcpy(&value, native + 8 * i, 8);
    return value;
}

/* Rounded once, by exact steps and one from binary64 to binary32 (contract, section 1): of the lowest bits of a large
 * integer counts only whether one of them is set. */
static float magnitude_to_f32(uint64_t x)
{
    if (x >> 53 == 0)
        return (float)(double)x;
    return (float)((double)(x >> 11 | ((x & 2047) != 0)) * 2048.0);
}

static float integer_to_f32(int64_t x)
{
    return x < 0 ? -magnitude_to_f32(0 - (uint64_t)x) : magnitude_to_f32((uint64_t)x);
}

void dtype_to_f32(float *out, const void *native, DType dtype, size_t count)
{
    const unsigned char *in = native;
    switch (dtype) {
    case F32: memmove(out, in, count * sizeof *out); break;
    case F16: f16_to_f32_array(out, native, count); break;
    case BF16: bf16_to_f32_array(out, native, count); break;
    case F64:
        for (size_t i = 0; i < count; i++)
            out[i] = (float)f64_at(in, i);
        break;
    case U64:
        for (size_t i = 0; i < count; i++)
            out[i] = magnitude_to_f32(u64_at(in, i));
        break;
    default:
        for (size_t i = 0; i < count; i++)
            out[i] = integer_to_f32(integer_at(in, dtype, i));
        break;
    }
}

void dtype_to_f64(double *out, const void *native, DType dtype, size_t count)
{
    const unsigned char *in = native;
    for (size_t i = 0; i < count; i++) {
        float f32;
        switch (dtype) {
        case F64: out[i] = f64_at(in, i); break;
        case U64: out[i] = (double)u64_at(in, i); break;
        case F32:
        case F16:
        case BF16:
            dtype_to_f32(&f32, in + i * dtype_size(dtype), dtype, 1);
            out[i] = f32;
            break;
        default: out[i] = (double)integer_at(in, dtype, i); break;
        }
    }
}

bool dtype_from_f32(void *native, const float *x, DType dtype, size_t count)
{
    switch (dtype) {
    case F32: memmove(native, x, count * sizeof *x); return true;
    case F16: f16_from_f32_array(native, x, count); return true;
    case BF16: bf16_from_f32_array(native, x, count); return true;
    case F64:
        for (size_t i = 0; i < count; i++) {
            const double wide = x[i];
            memcpy((unsigned char *)native + 8 * i, &wide, 8);
        }
        return true;
    default: return false;
    }
}

bool machine_is_big_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 0;
}

void dtype_reverse(void *data, size_t size, size_t count)
{
    unsigned char *number = data;
    for (size_t i = 0; i < count; i++, number += size)
        for (size_t k = 0; k < size / 2; k++) {
            const unsigned char byte = number[k];
            number[k] = number[size - 1 - k];
            number[size - 1 - k] = byte;
        }
}

void dtype_swap(void *data, DType dtype, size_t count)
{
    if (machine_is_big_endian())
        dtype_reverse(data, dtype_size(dtype), count);
}
