/* io/dtype.h - the kinds of numbers that tensor files hold.
 *
 * "Native" data is an array of the machine's own numbers; files are little-endian on every machine, so that on
 * a big-endian one the bytes of each number are turned round on the way (dtype_swap). */
#ifndef IO_DTYPE_H
#define IO_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names and order are those of the safetensors format; BOOL is a byte 0 or 1. */
typedef enum DType { F32, F16, BF16, F64, I64, I32, I16, I8, U8, BOOL, U16, U32, U64 } DType;
enum { DTYPE_COUNT = U64 + 1 };

const char *dtype_name(DType dtype); /* "F32" */
size_t dtype_size(DType dtype);      /* bytes of one number */

/* True and *out when `name` is that of a dtype. */
bool dtype_find(DType *out, const char *name);

/* dim[0] * ... * dim[rank - 1] numbers take *out bytes; false, nothing written, when those are 2^64 or more. */
bool dtype_bytes(uint64_t *out, DType dtype, const uint64_t *dim, int rank);

/* Native numbers (aligned as their kind needs) to binary32, each rounded once to nearest even.  BOOL gives
 * 0 or 1. */
void dtype_to_f32(float *out, const void *native, DType dtype, size_t count);

/* Binary32 to native F32, F16, BF16 or F64 (nearest even; F64 is exact).  False, and nothing done, for the
 * integer kinds. */
bool dtype_from_f32(void *native, const float *x, DType dtype, size_t count);

/* Native numbers to binary64: exact but for I64 and U64 beyond 2^53. */
void dtype_to_f64(double *out, const void *native, DType dtype, size_t count);

/* Turns round the bytes of each number of `size` bytes. */
void dtype_reverse(void *data, size_t size, size_t count);

/* Little-endian numbers to native ones or back, in place: nothing on a little-endian machine. */
void dtype_swap(void *data, DType dtype, size_t count);

bool machine_is_big_endian(void);

#endif
