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

static bool rows_clash(const GemmA *a, size_t k0, size_t k1)
{
    return a->row > 0 && a->row * sizeof(float) % CLASH == 0 && k1 > k0 && a->k[0] == 0 &&
           a->k[k1 - 1] == (ptrdiff_t)(k1 - 1);
}

static void copy_rows(float *copy, const float *from, size_t a_row, size_t rows, size_t K)
{
    for (size_t r = 0; r < rows; r++)
        memcpy(copy + r * COPY_ROW, from + r * a_row, K * sizeof *copy);
}

void gemm_block(float *c, size_t c_row, GemmA a, const float *packed, const ptrdiff_t *packed_k,
                size_t rows, size_t lanes, size_t k0, size_t k1)
{
    const GemmKernels *kernels = gemm_kernels();
    const size_t panels = gemm_groups(lanes, kernels->lanes), span = (k1 - k0) * kernels->lanes;
    if (rows == 0 || lanes == 0)
        return;
    float copy[COPY_ROWS * COPY_ROW];
    const bool copying = panels > 1 && rows_clash(&a, k0, k1);
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
            if (copying) {
                copy_rows(copy, t.a + t.a_k[0], a.row, height, t.K);
                t.a = copy;
                t.a_row = COPY_ROW;
                t.a_k = a.k; /* from 0 */
            }
            for (size_t p = 0; p < panels; p++) {
                t.b = packed + p * span + (k - k0) * kernels->lanes;
                t.c = c + r * c_row + p * kernels->lanes;
                kernels->tile(&t, height);
            }
        }
    }
}
