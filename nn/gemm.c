#include "nn/gemm.h"

#include <string.h>

#include "base/isa.h"

extern const GemmKernels gemm_kernels_base;
#if ISA_LEVELS > 1
extern const GemmKernels gemm_kernels_avx2, gemm_kernels_avx512;
#endif

const GemmKernels *gemm_kernels(void)
{
#if ISA_LEVELS > 1
    static const GemmKernels *const tables[] = {&gemm_kernels_base, &gemm_kernels_avx2,
                                                &gemm_kernels_avx512};
    return tables[isa_level()];
#else
    return &gemm_kernels_base;
#endif
}

void gemm_offsets(ptrdiff_t *table, size_t count, size_t stride)
{
    for (size_t i = 0; i < count; i++)
        table[i] = (ptrdiff_t)(i * stride);
}

bool gemm_finite(const float *x, size_t n)
{
    return gemm_kernels()->finite(x, n);
}

/* Rows whose distance is a multiple of 2 KiB lie on the same few cache lines and push one another out; such a
 * tile of A is copied to rows that do not.  Only possible when a panel of each row lies close together. */
enum { CLASH = 2048, COPY_ROW = GEMM_PANEL + GEMM_LANES_MOST, MOST_ROWS = 16 };

typedef struct {
    float rows[MOST_ROWS * COPY_ROW];
    ptrdiff_t k[GEMM_PANEL];
} Copy;

static bool rows_clash(size_t a_row)
{
    return a_row > 0 && a_row * sizeof(float) % CLASH == 0;
}

/* Copies the tile's rows and makes it read the copy, if it can. */
static void read_from_copy(Copy *copy, GemmTile *t, size_t rows)
{
    const ptrdiff_t first = t->K > 0 ? t->a_k[0] : 0, span = t->K > 0 ? t->a_k[t->K - 1] - first + 1 : 0;
    if (span > COPY_ROW)
        return;
    for (size_t r = 0; r < rows; r++)
        memcpy(copy->rows + r * COPY_ROW, t->a + (ptrdiff_t)(r * t->a_row) + first,
               (size_t)span * sizeof(float));
    for (size_t e = 0; e < t->K; e++)
        copy->k[e] = t->a_k[e] - first;
    t->a = copy->rows;
    t->a_row = COPY_ROW;
    t->a_k = copy->k;
}

void gemm_rows(const float *a, size_t a_row, size_t rows, const GemmSum *sum, const GemmLanes *lanes,
               size_t count, size_t c_row, bool start)
{
    const GemmKernels *kernels = gemm_kernels();
    if (rows == 0)
        return;
    Copy copy;
    const bool copying = count > 1 && rows_clash(a_row);
    const GemmCut cut = gemm_cut(rows, kernels->rows);
    for (size_t i = 0; i < cut.parts; i++) {
        const size_t r = gemm_begin(cut, i), height = gemm_begin(cut, i + 1) - r;
        for (size_t q = 0; q < sum->panels; q++) {
            const size_t first = sum->begin[q];
            GemmTile t = {.a = a + r * a_row,
                          .a_k = sum->a_k + first,
                          .a_row = a_row,
                          .b_k = sum->b_k + first,
                          .K = sum->begin[q + 1] - first,
                          .samples = 1,
                          .c_row = c_row,
                          .add = !start || q > 0};
            if (t.K == 0 && t.add)
                continue;
            if (copying)
                read_from_copy(&copy, &t, height);
            for (size_t p = 0; p < count; p++) {
                t.b = lanes[p].b;
                t.c = lanes[p].c + r * c_row;
                kernels->tile(&t, height);
            }
        }
    }
}

void gemm_panel(float *c, size_t c_row, const float *a, size_t a_row, const ptrdiff_t *a_k,
                const float *packed, const ptrdiff_t *packed_k, size_t rows, size_t count, size_t K,
                bool start)
{
    const size_t width = gemm_kernels()->lanes, vectors = gemm_groups(count, width), begin[2] = {0, K};
    GemmLanes lanes[GEMM_BLOCK_LANES / 4];
    for (size_t p = 0; p < vectors; p++)
        lanes[p] = (GemmLanes){packed + p * K * width, c + p * width};
    const GemmSum sum = {a_k, packed_k, begin, 1};
    gemm_rows(a, a_row, rows, &sum, lanes, vectors, c_row, start);
}

/* A part with several panels is large, so that reading and packing its operands pays; PACK_ROWS are enough for that. */
enum { LARGE_ROWS = 160, LARGE_LANES = 384, SMALL_ROWS = 32, SMALL_LANES = 128, PACK_ROWS = 128 };

GemmPart gemm_samples_part(size_t panels)
{
    const size_t width = gemm_kernels()->lanes;
    return panels > 1 ? (GemmPart){LARGE_ROWS, LARGE_LANES / width}
                      : (GemmPart){SMALL_ROWS, SMALL_LANES / width};
}

size_t gemm_samples_room(size_t rows, size_t vectors, size_t panels)
{
    return panels > 1 ? (rows + GEMM_PANEL) * vectors * gemm_kernels()->lanes : 0;
}

/* Products of more than one panel: each is summed in a block of its own before it goes to C. */
static void add_products(float *c, const GemmSamples *g, const float *b, size_t rows, size_t vectors,
                         float *room)
{
    const GemmKernels *kernels = gemm_kernels();
    const size_t width = kernels->lanes, row = vectors * width;
    const bool packing = rows >= PACK_ROWS;
    float *block = room, *packed = block + rows * row;
    GemmLanes lanes[LARGE_LANES / 4];
    ptrdiff_t packed_k[GEMM_PANEL];
    gemm_offsets(packed_k, GEMM_PANEL, width);
    for (size_t n = 0; n < g->samples; n++) {
        for (size_t q = 0; q < g->sum.panels; q++) {
            const size_t first = g->sum.begin[q], begin[2] = {0, g->sum.begin[q + 1] - first};
            const ptrdiff_t *b_k = g->sum.b_k + first;
            const GemmSum panel = {g->sum.a_k + first, packing ? packed_k : b_k, begin, 1};
            const float *from = b + n * g->b_sample;
            if (packing)
                kernels->pack_rows(packed, from, b_k, begin[1], row);
            for (size_t p = 0; p < vectors; p++)
                lanes[p] = (GemmLanes){packing ? packed + p * begin[1] * width : from + p * width,
                                       block + p * width};
            gemm_rows(g->a + n * g->a_sample, g->a_row, rows, &panel, lanes, vectors, row, q == 0);
        }
        for (size_t r = 0; r < rows; r++)
            kernels->put(c + r * g->c_row, block + r * row, c + r * g->c_row, row);
    }
}

/* The samples of one tile's A (in bytes) that stay in the first cache while the lanes go by; and the rows of
 * tiles with few k, whose sums reach C sooner and so overlap with the next sample's. */
enum { NEAR = 16 * 1024, FEW_K = 32, FEW_ROWS = 8 };

void gemm_samples(float *c, const GemmSamples *g, const float *b, size_t rows, size_t vectors, float *room)
{
    const GemmKernels *kernels = gemm_kernels();
    if (rows == 0 || g->samples == 0 || g->sum.panels == 0)
        return;
    if (g->sum.panels > 1) {
        add_products(c, g, b, rows, vectors, room);
        return;
    }
    const size_t K = g->sum.begin[1];
    if (K == 1) {
        for (size_t r = 0; r < rows; r++)
            kernels->outer(c + r * g->c_row, g->a + (ptrdiff_t)(r * g->a_row) + g->sum.a_k[0], g->a_sample,
                           b + g->sum.b_k[0], g->b_sample, g->samples, vectors * kernels->lanes);
        return;
    }
    const GemmCut cut = gemm_cut(rows, K < FEW_K ? gemm_least(FEW_ROWS, kernels->rows) : kernels->rows);
    const size_t near = NEAR / sizeof(float) / kernels->rows / (K + 1) + 1;
    for (size_t n = 0; n < g->samples; n += near)
        for (size_t i = 0; i < cut.parts; i++) {
            const size_t r = gemm_begin(cut, i), height = gemm_begin(cut, i + 1) - r;
            GemmTile t = {.a = g->a + n * g->a_sample + r * g->a_row,
                          .a_k = g->sum.a_k,
                          .a_row = g->a_row,
                          .b_k = g->sum.b_k,
                          .K = K,
                          .samples = gemm_least(near, g->samples - n),
                          .a_sample = g->a_sample,
                          .b_sample = g->b_sample,
                          .c_row = g->c_row,
                          .add = true};
            for (size_t p = 0; p < vectors; p++) {
                t.b = b + n * g->b_sample + p * kernels->lanes;
                t.c = c + r * g->c_row + p * kernels->lanes;
                kernels->tile(&t, height);
            }
        }
}
