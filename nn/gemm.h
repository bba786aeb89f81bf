/* nn/gemm.h - the inner loops that every matrix product of the library is made of.
 *
 *   C[r][j] = sum over k of A[r][k] * B[k][j]      under the panel rule of nn/matmul.h
 *
 * A tile is a few rows of C by one vector of lanes j; all its sums stay in registers while k runs over one
 * panel.  The operands are found through tables of offsets, one entry a k, so that the same tile serves rows
 * and columns of matrices, the taps of a convolution and the heads of attention without copying A:
 *
 *   A[r][k] = a[r * a_row + a_k[k]]      B[k][j] = b[b_k[k] + j]
 *
 * Lanes must be neighbours in memory; where they are not, B is packed first.  The shape of a tile depends on
 * the instruction set, the sum that each lane computes does not. */
#ifndef NN_GEMM_H
#define NN_GEMM_H

#include <stdbool.h>
#include <stddef.h>

enum {
    GEMM_PANEL = 256,    /* the contract's panel */
    GEMM_LANES_MOST = 16 /* no instruction set has wider tiles */
};

/* One tile and at most one panel of k; the same for each of some samples, which lie a_sample and b_sample apart. */
typedef struct {
    const float *a;
    const ptrdiff_t *a_k;
    size_t a_row;
    const float *b;
    const ptrdiff_t *b_k;
    size_t K; /* 0 to GEMM_PANEL */
    size_t samples, a_sample, b_sample;
    float *c; /* `lanes` numbers a row, rows c_row apart */
    size_t c_row;
    bool add; /* c += the panel's sum, or c = it */
} GemmTile;

typedef struct {
    size_t rows, lanes; /* of the largest tile; lanes is a power of two, at least 4 */
    void (*tile)(const GemmTile *tile, size_t rows);
    /* One row of samples with a single k, n > 0 of them, first sample first: c[j] += +0 + a[i * a_step] *
     * b[i * b_step + j] for j < count, a multiple of lanes */
    void (*outer)(float *c, const float *a, size_t a_step, const float *b, size_t b_step, size_t n,
                  size_t count);
    /* packed[k][j] = source[k_offset[k] + lane_offset[j]] for k < K and j < count, 0 for count <= j < lanes; the
     * k_offset increase */
    void (*pack)(float *packed, const float *source, const ptrdiff_t *k_offset, size_t K,
                 const ptrdiff_t *lane_offset, size_t count);
    /* The same for neighbouring lanes, any number of them: vector after vector, each (K,lanes), from
     * source[k_offset[k] + j], j < count */
    void (*pack_rows)(float *packed, const float *source, const ptrdiff_t *k_offset, size_t K,
                      size_t count);
    /* y[i] = c[i] + bias[i], or c[i] when bias is NULL;  y[i] = c[i] + bias;  y may be c */
    void (*put)(float *y, const float *c, const float *bias, size_t n);
    void (*put_biased)(float *y, const float *c, float bias, size_t n);
    /* turned[i*pitch + j] = source[j*step + i] for i < n, j < lanes;  and back, from pitch `lanes`:
     * y[j*step + i] = turned[i*lanes + j] + bias */
    void (*turn)(float *turned, size_t pitch, const float *source, size_t step, size_t n);
    void (*turn_back)(float *y, size_t step, const float *turned, size_t n, float bias);
    bool (*finite)(const float *x, size_t n);
} GemmKernels;

const GemmKernels *gemm_kernels(void);

/* table[i] = i * stride. */
void gemm_offsets(ptrdiff_t *table, size_t count, size_t stride);

static inline size_t gemm_least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* n rounded up to whole groups, and the number of groups. */
static inline size_t gemm_groups(size_t n, size_t group)
{
    return (n + group - 1) / group;
}

/* How a length is cut into parts as equal as can be, none longer than `most`: part i starts at begin(i). */
typedef struct {
    size_t length, parts;
} GemmCut;

static inline GemmCut gemm_cut(size_t length, size_t most)
{
    return (GemmCut){length, gemm_groups(length, most)};
}

static inline size_t gemm_begin(GemmCut cut, size_t part)
{
    const size_t whole = cut.length / cut.parts, longer = cut.length % cut.parts;
    return part * whole + gemm_least(part, longer);
}

/* ---- many tiles ---- */

/* What is summed over: entry e of the tables is one k.  Panel q holds the entries begin[q] to begin[q + 1] - 1;
 * they are fewer than GEMM_PANEL where terms that are known to be zero are left out. */
typedef struct {
    const ptrdiff_t *a_k, *b_k; /* increasing */
    const size_t *begin;        /* panels + 1 entries */
    size_t panels;
} GemmSum;

/* One vector of lanes: where its B is found, and where row 0 of its C goes. */
typedef struct {
    const float *b;
    float *c;
} GemmLanes;

/* C = A B (start) or C += A B for `rows` rows of A, a_row apart, and `count` vectors of lanes. */
void gemm_rows(const float *a, size_t a_row, size_t rows, const GemmSum *sum, const GemmLanes *lanes,
               size_t count, size_t c_row, bool start);

/* Sample after sample, C += A_n B_n; each product is summed for itself first. */
typedef struct {
    size_t samples;
    const float *a;
    size_t a_row, a_sample;
    GemmSum sum;
    size_t b_sample;
    size_t c_row;
} GemmSamples;

/* At most so large a part of C can be one call; lanes in vectors. */
typedef struct {
    size_t rows, vectors;
} GemmPart;

GemmPart gemm_samples_part(size_t panels);

/* Floats of room that one call for such a part needs. */
size_t gemm_samples_room(size_t rows, size_t vectors, size_t panels);

/* b and c: the first of `vectors` vectors of lanes that are neighbours in memory. */
void gemm_samples(float *c,                                   // in/out
                  const GemmSamples *samples, const float *b, // in
                  size_t rows, size_t vectors, float *room);

/* One panel of a product with packed B: `packed` holds gemm_groups(count, kernels->lanes) vectors of K *
 * kernels->lanes numbers, packed_k = gemm_offsets(K, kernels->lanes), c (rows, c_row) has room for whole vectors.
 * start: C = this panel, not += it. */
void gemm_panel(float *c, size_t c_row,                             // in/out
                const float *a, size_t a_row, const ptrdiff_t *a_k, // in
                const float *packed, const ptrdiff_t *packed_k, size_t rows, size_t count, size_t K,
                bool start);

/* How many lanes one task packs, at most what gemm_panel takes: so many that their packed panel (256 KiB) stays in the second cache and that every
 * read of A serves many vectors; fewer where `all` lanes would make too few tasks. */
enum { GEMM_BLOCK_LANES = 256, GEMM_LEAST_LANES = 64, GEMM_FEW_TASKS = 8 };

static inline size_t gemm_block_lanes(size_t all)
{
    const size_t fair = all / GEMM_FEW_TASKS;
    return fair < GEMM_LEAST_LANES ? GEMM_LEAST_LANES : gemm_least(fair, GEMM_BLOCK_LANES);
}

/* Is there no infinity and no NaN among them?  Then terms with a factor of zero may be left out: a sum that
 * started at +0 is never -0, and adding a zero of either sign does not change it. */
bool gemm_finite(const float *x, size_t n);

#endif
