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

/* Rows whose distance is a multiple of 2 KiB lie on the same few cache lines and push one another out; such a
 * tile of A is copied to rows that do not.  Only worth it when each row is one run of memory. */
enum { CLASH = 2048, COPY_ROW = GEMM_PANEL + GEMM_LANES_MOST, COPY_ROWS = 16 };

static bool rows_clash(const GemmA *a, size_t K)
{
    return K > 0 && a->row > 0 && a->row * sizeof(float) % CLASH == 0 && a->k[0] == 0 &&
           a->k[K - 1] == (ptrdiff_t)(K - 1);
}

/* Makes the tile read its A from the copy; `from_0` is the table that starts with 0, 1, 2 ... */
static void copy_rows(float *copy, GemmTile *t, size_t rows, const ptrdiff_t *from_0)
{
    const float *from = t->a + t->a_k[0];
    for (size_t r = 0; r < rows; r++)
        memcpy(copy + r * COPY_ROW, from + r * t->a_row, t->K * sizeof *copy);
    t->a = copy;
    t->a_row = COPY_ROW;
    t->a_k = from_0;
}

void gemm_block(float *c, size_t c_row, GemmA a, const float *packed, const ptrdiff_t *packed_k,
                size_t rows, size_t lanes, size_t k0, size_t k1)
{
    const GemmKernels *kernels = gemm_kernels();
    const size_t panels = gemm_groups(lanes, kernels->lanes), span = (k1 - k0) * kernels->lanes;
    if (rows == 0 || lanes == 0)
        return;
    float copy[COPY_ROWS * COPY_ROW];
    const bool copying = panels > 1 && rows_clash(&a, k1);
    const GemmCut cut = gemm_cut(rows, kernels->rows);
    for (size_t i = 0; i < cut.parts; i++) {
        const size_t r = gemm_begin(cut, i), height = gemm_begin(cut, i + 1) - r;
        for (size_t k = k0; k == k0 || k < k1; k += GEMM_PANEL) {
            GemmTile t = {.a = a.data + r * a.row,
                          .a_k = a.k + k,
                          .a_row = a.row,
                          .b_k = packed_k,
                          .c_row = c_row,
                          .K = gemm_least(k1 - k, GEMM_PANEL),
                          .add = k > 0};
            if (copying)
                copy_rows(copy, &t, height, a.k);
            for (size_t p = 0; p < panels; p++) {
                t.b = packed + p * span + (k - k0) * kernels->lanes;
                t.c = c + r * c_row + p * kernels->lanes;
                kernels->tile(&t, height);
            }
        }
    }
}

/* One tile's product of one sample, for K > GEMM_PANEL: the panels' sums are added up before they go to c. */
static void add_panels(float *c, size_t c_row, GemmTile t, size_t rows, size_t K)
{
    const GemmKernels *kernels = gemm_kernels();
    float sum[COPY_ROWS * GEMM_LANES_MOST], copy[COPY_ROWS * COPY_ROW];
    const ptrdiff_t *a_k = t.a_k, *b_k = t.b_k;
    const GemmTile first = t;
    const bool copying = rows_clash(&(GemmA){t.a, a_k, t.a_row}, K);
    for (size_t k = 0; k < K; k += GEMM_PANEL) {
        t = first;
        t.a_k = a_k + k;
        t.b_k = b_k + k;
        t.K = gemm_least(K - k, GEMM_PANEL);
        t.c = sum;
        t.c_row = kernels->lanes;
        t.add = k > 0;
        if (copying)
            copy_rows(copy, &t, rows, a_k);
        kernels->tile(&t, rows);
    }
    for (size_t r = 0; r < rows; r++)
        kernels->put(c + r * c_row, sum + r * kernels->lanes, c + r * c_row, kernels->lanes);
}

void gemm_samples(float *c, size_t c_row, const GemmSamples *g, size_t rows, size_t lanes)
{
    const GemmKernels *kernels = gemm_kernels();
    const size_t panels = gemm_groups(lanes, kernels->lanes);
    if (rows == 0 || lanes == 0)
        return;
    const GemmCut cut = gemm_cut(rows, kernels->rows);
    for (size_t n = 0; n < g->samples; n++)
        for (size_t i = 0; i < cut.parts; i++) {
            const size_t r = gemm_begin(cut, i), height = gemm_begin(cut, i + 1) - r;
            GemmTile t = {.a = g->a.data + n * g->a_sample + r * g->a.row,
                          .a_k = g->a.k,
                          .a_row = g->a.row,
                          .b_k = g->b_k,
                          .K = g->K,
                          .c_row = c_row,
                          .add = true};
            for (size_t p = 0; p < panels; p++) {
                t.b = g->b + n * g->b_sample + p * kernels->lanes;
                t.c = c + r * c_row + p * kernels->lanes;
                if (g->K <= GEMM_PANEL)
                    kernels->tile(&t, height);
                else
                    add_panels(t.c, c_row, t, height, g->K);
            }
        }
}
