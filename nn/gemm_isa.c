/* nn/gemm_isa.c - the tiles of nn/gemm.h, once for every instruction set. */
#include "nn/gemm.h"

#include <string.h>

#include "base/bits.h"
#include "base/isa.h"
#include "nn/gemm_lanes.h"

/* The tile must be compiled once for every number of rows, as a constant. */
#ifdef __GNUC__
#define ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE inline
#endif

/* Row r of the tile, when there is one: sum[j] += a[r] * b[j]. */
static ALWAYS_INLINE void step(float *restrict sum, size_t r, size_t rows, const float *restrict a,
                               size_t a_row, const float *restrict b)
{
    if (r >= rows)
        return;
    const float factor = a[r * a_row];
#pragma omp simd
    for (size_t j = 0; j < LANES; j++) {
        const float product = factor * b[j];
        sum[j] = sum[j] + product;
    }
}

static ALWAYS_INLINE void store(const float *restrict sum, size_t r, size_t rows, const GemmTile *t)
{
    if (r >= rows)
        return;
    float *restrict c = t->c + r * t->c_row;
    if (t->add) {
#pragma omp simd
        for (size_t j = 0; j < LANES; j++)
            c[j] = c[j] + sum[j];
    } else {
        memcpy(c, sum, LANES * sizeof *c);
    }
}

/* One array a row, not one array of rows: only so do gcc and clang both keep every sum in a register.  And K > 0:
 * a loop that may run no time at all makes gcc send the sums through memory once more. */
static ALWAYS_INLINE void tile_of(const GemmTile *t, const float *a0, const float *b0, const size_t rows)
{
    float s0[LANES] = {0}, s1[LANES] = {0}, s2[LANES] = {0}, s3[LANES] = {0};
    float s4[LANES] = {0}, s5[LANES] = {0}, s6[LANES] = {0}, s7[LANES] = {0};
    float s8[LANES] = {0}, s9[LANES] = {0}, s10[LANES] = {0}, s11[LANES] = {0};
    float s12[LANES] = {0}, s13[LANES] = {0}, s14[LANES] = {0}, s15[LANES] = {0};
    const size_t K = t->K, a_row = t->a_row;
    const ptrdiff_t *a_k = t->a_k, *b_k = t->b_k;
    size_t k = 0;
    do {
        const float *restrict a = a0 + a_k[k], *restrict b = b0 + b_k[k];
        step(s0, 0, rows, a, a_row, b);
        step(s1, 1, rows, a, a_row, b);
        step(s2, 2, rows, a, a_row, b);
        step(s3, 3, rows, a, a_row, b);
        step(s4, 4, rows, a, a_row, b);
        step(s5, 5, rows, a, a_row, b);
        step(s6, 6, rows, a, a_row, b);
        step(s7, 7, rows, a, a_row, b);
        step(s8, 8, rows, a, a_row, b);
        step(s9, 9, rows, a, a_row, b);
        step(s10, 10, rows, a, a_row, b);
        step(s11, 11, rows, a, a_row, b);
        step(s12, 12, rows, a, a_row, b);
        step(s13, 13, rows, a, a_row, b);
        step(s14, 14, rows, a, a_row, b);
        step(s15, 15, rows, a, a_row, b);
    } while (++k < K);
    store(s0, 0, rows, t);
    store(s1, 1, rows, t);
    store(s2, 2, rows, t);
    store(s3, 3, rows, t);
    store(s4, 4, rows, t);
    store(s5, 5, rows, t);
    store(s6, 6, rows, t);
    store(s7, 7, rows, t);
    store(s8, 8, rows, t);
    store(s9, 9, rows, t);
    store(s10, 10, rows, t);
    store(s11, 11, rows, t);
    store(s12, 12, rows, t);
    store(s13, 13, rows, t);
    store(s14, 14, rows, t);
    store(s15, 15, rows, t);
}

/* The sums of no terms: zeros. */
static void empty_tile(const GemmTile *t, size_t rows)
{
    const float none[LANES] = {0};
    for (size_t n = 0; n < t->samples; n++)
        for (size_t r = 0; r < rows; r++)
            store(none, r, rows, t);
}

static ALWAYS_INLINE void samples_of(const GemmTile *t, const size_t rows)
{
    for (size_t n = 0; n < t->samples; n++)
        tile_of(t, t->a + n * t->a_sample, t->b + n * t->b_sample, rows);
}

static void tile(const GemmTile *t, size_t rows)
{
    if (t->K == 0) {
        empty_tile(t, rows);
        return;
    }
    switch (rows) {
    case 1: samples_of(t, 1); break;
    case 2: samples_of(t, 2); break;
    case 3: samples_of(t, 3); break;
    case 4: samples_of(t, 4); break;
    case 5: samples_of(t, 5); break;
    case 6: samples_of(t, 6); break;
#if ROWS > 6
    case 7: samples_of(t, 7); break;
    case 8: samples_of(t, 8); break;
#endif
#if ROWS > 8
    case 9: samples_of(t, 9); break;
    case 10: samples_of(t, 10); break;
    case 11: samples_of(t, 11); break;
    case 12: samples_of(t, 12); break;
    case 13: samples_of(t, 13); break;
    case 14: samples_of(t, 14); break;
    case 15: samples_of(t, 15); break;
    case 16: samples_of(t, 16); break;
#endif
    default: break;
    }
}

/* One to four vectors: the sums start as C is, but for +0 instead of -0, which one term turns into what C plus
 * +0 plus the term is. */
static ALWAYS_INLINE void outer_piece(float *restrict c, const float *restrict a, size_t a_step,
                                      const float *restrict b, size_t b_step, size_t n,
                                      const size_t vectors)
{
    float s0[LANES], s1[LANES], s2[LANES], s3[LANES];
    float *const sums[] = {s0, s1, s2, s3};
    for (size_t v = 0; v < vectors; v++)
#pragma omp simd
        for (size_t j = 0; j < LANES; j++)
            sums[v][j] = c[v * LANES + j] + 0.0f;
    size_t i = 0;
    do {
        step(s0, 0, vectors, a, 0, b);
        step(s1, 1, vectors, a, 0, b + LANES);
        step(s2, 2, vectors, a, 0, b + 2 * LANES);
        step(s3, 3, vectors, a, 0, b + 3 * LANES);
        a += a_step;
        b += b_step;
    } while (++i < n);
    for (size_t v = 0; v < vectors; v++)
        memcpy(c + v * LANES, sums[v], LANES * sizeof *c);
}

static void outer(float *c, const float *a, size_t a_step, const float *b, size_t b_step, size_t n,
                  size_t count)
{
    const size_t whole = count - count % (4 * LANES);
    for (size_t j = 0; j < whole; j += 4 * LANES)
        outer_piece(c + j, a, a_step, b + j, b_step, n, 4);
    switch ((count - whole) / LANES) {
    case 1: outer_piece(c + whole, a, a_step, b + whole, b_step, n, 1); break;
    case 2: outer_piece(c + whole, a, a_step, b + whole, b_step, n, 2); break;
    case 3: outer_piece(c + whole, a, a_step, b + whole, b_step, n, 3); break;
    default: break;
    }
}

/* ---- packing and turning ---- */

/* One perfect shuffle, as of a deck of cards.  It rotates the bits of every index by one. */
static ALWAYS_INLINE void shuffle(float *restrict to, const float *restrict from)
{
#pragma omp simd
    for (size_t i = 0; i < LANES * LANES / 2; i++) {
        to[2 * i] = from[i];
        to[2 * i + 1] = from[i + LANES * LANES / 2];
    }
}

/* Exchanges rows and columns of a square: an index is (row, column), and log2(LANES) rotations exchange the two
 * halves of its bits.  Twice as fast as moving the numbers one by one. */
static ALWAYS_INLINE void turn_square(float *square)
{
    float other[LANES * LANES];
    for (size_t done = 1; done < LANES; done *= 4) {
        shuffle(other, square);
        if (done * 2 < LANES)
            shuffle(square, other);
        else
            memcpy(square, other, sizeof other);
    }
}

/* One square of what follows: i <= n - LANES. */
static ALWAYS_INLINE void turn_lanes_at(float *restrict to, size_t pitch, const float *restrict source,
                                        const ptrdiff_t *lane, size_t i)
{
    float square[LANES * LANES];
    for (size_t j = 0; j < LANES; j++)
        memcpy(square + j * LANES, source + lane[j] + i, LANES * sizeof *to);
    turn_square(square);
    for (size_t j = 0; j < LANES; j++)
        memcpy(to + (i + j) * pitch, square + j * LANES, LANES * sizeof *to);
}

/* to[i*pitch + j] = source[lane[j] + i] for i < n: the lanes are runs of memory.  The last square overlaps. */
static ALWAYS_INLINE void turn_lanes(float *restrict to, size_t pitch, const float *restrict source,
                                     const ptrdiff_t *lane, size_t n)
{
    if (n < LANES) {
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < LANES; j++)
                to[i * pitch + j] = source[lane[j] + (ptrdiff_t)i];
        return;
    }
    for (size_t i = 0; i < n; i += LANES)
        turn_lanes_at(to, pitch, source, lane, i + LANES <= n ? i : n - LANES);
}

/* Do the lanes come in groups of `run` neighbours? */
static bool lanes_in_runs(const ptrdiff_t *lane, size_t run)
{
    bool so = true;
    for (size_t j = 0; j < LANES; j++)
        so = so && lane[j] == lane[j / run * run] + (ptrdiff_t)(j % run);
    return so;
}

static ALWAYS_INLINE void pack_runs(float *restrict packed, const float *restrict source,
                                    const ptrdiff_t *k_offset, size_t K, const ptrdiff_t *lane,
                                    const size_t run)
{
    for (size_t k = 0; k < K; k++)
        for (size_t j = 0; j < LANES; j += run)
            memcpy(packed + k * LANES + j, source + k_offset[k] + lane[j], run * sizeof *packed);
}

/* A few lanes at a time: columns of a wide matrix would push one another out of the cache. */
static void pack_any(float *restrict packed, const float *restrict source, const ptrdiff_t *k_offset,
                     size_t K, const ptrdiff_t *lane, size_t count)
{
    enum { FEW = 4 };
    for (size_t j = 0; j < LANES; j += FEW)
        for (size_t k = 0; k < K; k++)
            for (size_t l = j; l < j + FEW; l++)
                packed[k * LANES + l] = l < count ? source[k_offset[k] + lane[l]] : 0.0f;
}

static void pack(float *packed, const float *source, const ptrdiff_t *k_offset, size_t K,
                 const ptrdiff_t *lane, size_t count)
{
    if (count < LANES || K == 0)
        pack_any(packed, source, k_offset, K, lane, count);
    else if (lanes_in_runs(lane, LANES))
        pack_runs(packed, source, k_offset, K, lane, LANES);
    else if (lanes_in_runs(lane, 8))
        pack_runs(packed, source, k_offset, K, lane, 8);
    else if (lanes_in_runs(lane, 4))
        pack_runs(packed, source, k_offset, K, lane, 4);
    else if (k_offset[K - 1] - k_offset[0] == (ptrdiff_t)(K - 1))
        turn_lanes(packed, LANES, source + k_offset[0], lane, K);
    else
        pack_any(packed, source, k_offset, K, lane, LANES);
}

static void pack_rows(float *restrict packed, const float *restrict source, const ptrdiff_t *k_offset,
                      size_t K, size_t count)
{
    const size_t whole = count - count % LANES;
    for (size_t k = 0; k < K; k++)
        for (size_t j = 0; j < whole; j += LANES)
            memcpy(packed + j * K + k * LANES, source + k_offset[k] + j, LANES * sizeof *packed);
    for (size_t k = 0; k < K && whole < count; k++)
        for (size_t j = 0; j < LANES; j++)
            packed[whole * K + k * LANES + j] =
                whole + j < count ? source[k_offset[k] + (ptrdiff_t)(whole + j)] : 0.0f;
}

static void turn(float *turned, size_t pitch, const float *source, size_t step, size_t n)
{
    ptrdiff_t lane[LANES];
    for (size_t j = 0; j < LANES; j++)
        lane[j] = (ptrdiff_t)(j * step);
    turn_lanes(turned, pitch, source, lane, n);
}

static ALWAYS_INLINE void turn_back_at(float *restrict y, size_t step, const float *restrict turned,
                                       size_t i, float bias)
{
    float square[LANES * LANES];
    memcpy(square, turned + i * LANES, sizeof square);
    turn_square(square);
    for (size_t j = 0; j < LANES; j++)
#pragma omp simd
        for (size_t l = 0; l < LANES; l++)
            y[j * step + i + l] = square[j * LANES + l] + bias;
}

static void turn_back(float *restrict y, size_t step, const float *restrict turned, size_t n, float bias)
{
    if (n < LANES) {
        for (size_t j = 0; j < LANES; j++)
            for (size_t i = 0; i < n; i++)
                y[j * step + i] = turned[i * LANES + j] + bias;
        return;
    }
    for (size_t i = 0; i < n; i += LANES)
        turn_back_at(y, step, turned, i + LANES <= n ? i : n - LANES, bias);
}

/* ---- results ---- */

static void put(float *y, const float *c, const float *bias, size_t n)
{
    if (bias != NULL)
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            y[i] = c[i] + bias[i];
    else if (y != c)
        memcpy(y, c, n * sizeof *y);
}

static void put_biased(float *y, const float *c, float bias, size_t n)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] = c[i] + bias;
}

static bool finite(const float *x, size_t n)
{
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++)
        bad |= (float_bits(x[i]) & 0x7f800000u) == 0x7f800000u;
    return bad == 0;
}

extern const GemmKernels ISA_TABLE(gemm_kernels);
const GemmKernels ISA_TABLE(gemm_kernels) = {
    .rows = ROWS,
    .lanes = LANES,
    .tile = tile,
    .outer = outer,
    .pack = pack,
    .pack_rows = pack_rows,
    .put = put,
    .put_biased = put_biased,
    .turn = turn,
    .turn_back = turn_back,
    .finite = finite,
};
