#include "nn/broadcast.h"

#include "tests/check.h"

static Tensor shaped(int rank, const int *dim)
{
    Tensor t = {.rank = rank};
    for (int i = 0; i < rank; i++)
        t.dim[i] = dim[i];
    return t;
}

/* numpy's rule: aligned at the last axis, 1 is repeated, anything else must agree. */
static void test_shapes(void)
{
    const Tensor a = shaped(4, (int[]){2, 3, 4, 5}), channel = shaped(4, (int[]){2, 3, 1, 1});
    const Tensor row = shaped(1, (int[]){5}), one = shaped(1, (int[]){1}), bad = shaped(1, (int[]){4});
    const Tensor column = shaped(2, (int[]){4, 1}), none = shaped(0, NULL), empty = shaped(1, (int[]){0});
    Broadcast s;
    CHECK(broadcast_shapes(&s, &a, &a) && s.rank == 4 && s.count == 120 && s.loops == 1 &&
          s.size[0] == 120);
    CHECK(broadcast_shapes(&s, &a, &channel) && s.count == 120 && s.loops == 2 && s.size[1] == 20);
    CHECK(s.stride_a[1] == 1 && s.stride_b[1] == 0 && s.stride_b[0] == 1);
    CHECK(broadcast_shapes(&s, &row, &a) && s.rank == 4 && s.dim[3] == 5 && s.loops == 2 &&
          s.size[0] == 24);
    CHECK(s.stride_a[0] == 0 && s.stride_a[1] == 1);
    CHECK(broadcast_shapes(&s, &column, &row) && s.rank == 2 && s.dim[0] == 4 && s.dim[1] == 5);
    CHECK(broadcast_shapes(&s, &one, &none) && s.count == 1 && s.loops == 1);
    CHECK(broadcast_shapes(&s, &empty, &one) && s.count == 0);
    CHECK(!broadcast_shapes(&s, &a, &bad) && !broadcast_shapes(&s, &bad, &row));
}

static void minus(float *y, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] - b[i];
}

static void minus_one(float *y, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] - *b;
}

static void one_minus(float *y, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = *a - b[i];
}

/* Every pair of shapes of up to 3 axes of 1 or more, against indices written out. */
static void test_every_pair_of_shapes(void)
{
    static const int full[3] = {2, 3, 2};
    const BinaryLoops loops = {minus, minus_one, one_minus};
    int wrong = 0, pairs = 0;
    for (int bits_a = 0; bits_a < 8; bits_a++)
        for (int bits_b = 0; bits_b < 8; bits_b++, pairs++) {
            float x[2][12], y[12];
            Tensor t[2] = {{.rank = 3}, {.rank = 3}};
            const int bits[2] = {bits_a, bits_b};
            for (int k = 0; k < 2; k++) {
                for (int i = 0; i < 3; i++)
                    t[k].dim[i] = bits[k] >> i & 1 ? full[i] : 1;
                for (int i = 0; i < 12; i++)
                    x[k][i] = (float)(k == 0 ? i : 100 * i);
            }
            Broadcast s;
            wrong += !broadcast_shapes(&s, &t[0], &t[1]);
            broadcast_forward(y, x[0], x[1], &s, &loops);
            for (int i = 0; i < s.dim[0]; i++)
                for (int j = 0; j < s.dim[1]; j++)
                    for (int l = 0; l < s.dim[2]; l++) {
                        int at[2];
                        for (int k = 0; k < 2; k++) {
                            const int *d = t[k].dim;
                            at[k] = (i % d[0] * d[1] + j % d[1]) * d[2] + l % d[2];
                        }
                        wrong += y[(i * s.dim[1] + j) * s.dim[2] + l] != x[0][at[0]] - x[1][at[1]];
                    }
        }
    CHECK(wrong == 0 && pairs == 64);
}

/* Samples are summed apart, rounded, and added in order: 1 + 2^-24 twice is 1, and 1 + 2 * 2^-24 is not. */
static void test_sums_of_parameters_and_of_samples(void)
{
    const int dim[2] = {2, 2};
    const float full[4] = {0x1p-24f, 0x1p-24f, 3.0f, 4.0f};
    const Tensor parameter = shaped(1, (int[]){1}), sample = shaped(2, (int[]){2, 1});
    float d[2] = {1.0f, 0.0f};
    CHECK(!broadcast_has_samples(&parameter, 2, dim) && broadcast_has_samples(&sample, 2, dim));
    broadcast_sum(d, &parameter, full, 2, dim);
    CHECK(d[0] == 8.0f); /* (1 + 2^-23) + 7, rounded */
    d[0] = d[1] = 55.0f;
    broadcast_sum(d, &sample, full, 2, dim);
    CHECK(d[0] == 0x1p-23f && d[1] == 7.0f); /* written */
    d[0] = 1.0f;
    const float parts[4] = {0x1p-24f, 0.0f, 0x1p-24f, 0.0f};
    broadcast_sum(d, &parameter, parts, 2, dim);
    CHECK(d[0] == 1.0f); /* sample by sample each half unit is lost, to even */
}

int main(void)
{
    test_shapes();
    test_every_pair_of_shapes();
    test_sums_of_parameters_and_of_samples();
    return check_report("broadcast");
}
