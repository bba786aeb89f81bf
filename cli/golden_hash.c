#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/rng.h"
#include "cli/golden_items.h"

static void add_header(Sha256 *hash, const char *name, const char *dtype, int rank, const int *dim)
{
    unsigned char bytes[4];
    sha256_add(hash, name, strlen(name) + 1);
    sha256_add(hash, dtype, strlen(dtype) + 1);
    le32_put(bytes, (uint32_t)rank);
    sha256_add(hash, bytes, 4);
    for (int i = 0; i < rank; i++) {
        le32_put(bytes, (uint32_t)dim[i]);
        sha256_add(hash, bytes, 4);
    }
}

void golden_add_floats(Sha256 *hash, const char *name, const float *x, int rank, const int *dim)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dim[i];
    add_header(hash, name, "F32", rank, dim);
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[4];
        le32_put(bytes, x[i] == x[i] ? float_bits(x[i]) : 0x7fc00000u);
        sha256_add(hash, bytes, sizeof bytes);
    }
}

void golden_add_doubles(Sha256 *hash, const char *name, const double *x, size_t count)
{
    const int dim = (int)count;
    add_header(hash, name, "F64", 1, &dim);
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[8];
        le64_put(bytes, x[i] == x[i] ? double_bits(x[i]) : 0x7ff8000000000000u);
        sha256_add(hash, bytes, sizeof bytes);
    }
}

void golden_add_tensor(Sha256 *hash, const char *name, const Tensor *x)
{
    if (x != NULL)
        golden_add_floats(hash, name, x->data, x->rank, x->dim);
}

Tensor *golden_input(Tape *tape, uint64_t index, int rank, const int *dim)
{
    Tensor *x = tape_input(tape, NULL, rank, dim, true);
    float *data = x != NULL ? tape_alloc(tape, tensor_count(x), sizeof *data) : NULL;
    if (data == NULL)
        return NULL;
    Rng rng = rng_stream(RNG_PHILOX, 99, STREAM_TEST, index);
    rng_normal_fill(&rng, data, tensor_count(x));
    x->data = data;
    return x;
}

Status golden_add_gradients(Sha256 *hash, Tape *tape, Tensor *y, Tensor *const *inputs, int count,
                            Error *err)
{
    Tensor *dy = y != NULL ? golden_input(tape, 1000, y->rank, y->dim) : NULL;
    if (dy == NULL || tape_backward(tape, y, dy->data) != STATUS_OK)
        return error_set(err, tape->error.status, "%s", tape->error.text);
    golden_add_tensor(hash, "y", y);
    for (int i = 0; i < count; i++)
        if (inputs[i] != NULL && inputs[i]->grad != NULL)
            golden_add_floats(hash, "gradient", inputs[i]->grad, inputs[i]->rank, inputs[i]->dim);
    return STATUS_OK;
}
