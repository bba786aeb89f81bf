#include "nn/attention_heads.h"

#include <stdint.h>

#include "base/isa.h"

extern const AttentionTable attention_table_base, attention_table_avx2, attention_table_avx512;

const AttentionTable *attention_table(void)
{
#if ISA_LEVELS > 1
    static const AttentionTable *const tables[] = {&attention_table_base, &attention_table_avx2,
                                                   &attention_table_avx512};
    return tables[isa_level()];
#else
    return &attention_table_base;
#endif
}

/* ---- heads apart ---- */

size_t attention_pitch(const AttentionShape *s)
{
    const size_t width = gemm_kernels()->lanes, pitch = gemm_groups(s->d, width) * width;
    return pitch % 512 == 0 ? pitch + width : pitch;
}

size_t attention_at(size_t head, size_t row, size_t length, const AttentionShape *s)
{
    return (head / s->heads * length + row) * s->heads * s->d + head % s->heads * s->d;
}

void attention_copy_head(float *copy, const float *x, size_t head, size_t row, size_t rows, size_t length,
                         const AttentionShape *s)
{
    const size_t pitch = attention_pitch(s);
    attention_table()->copy_rows(copy, pitch, x + attention_at(head, row, length, s), s->heads * s->d, rows,
                                 s->d, pitch);
}

/* ---- products ---- */

static size_t longest(const AttentionShape *s)
{
    size_t n = GEMM_LANES_MOST; /* the lanes are looked up too */
    n = s->T > n ? s->T : n;
    n = s->S > n ? s->S : n;
    return s->d > n ? s->d : n;
}

size_t attention_table_bytes(const AttentionShape *s)
{
    return gemm_groups(3 * longest(s) * sizeof(ptrdiff_t), 64) * 64;
}

AttentionTables attention_tables(void *memory, const AttentionShape *s)
{
    const size_t n = longest(s);
    ptrdiff_t *one = memory, *row = one + n, *vector = row + n;
    gemm_offsets(one, n, 1);
    gemm_offsets(row, n, attention_pitch(s));
    gemm_offsets(vector, n, gemm_kernels()->lanes);
    return (AttentionTables){one, row, vector};
}

void attention_times_packed(float *out, const float *rows, size_t n, const float *packed,
                            const AttentionShape *s, const AttentionTables *tables)
{
    const size_t width = gemm_kernels()->lanes, pitch = attention_pitch(s);
    for (size_t c = 0; c == 0 || c < s->d; c += GEMM_PANEL) {
        const size_t begin[2] = {c, gemm_least(c + GEMM_PANEL, s->d)};
        const GemmSum sum = {tables->one, tables->vector, begin, 1};
        gemm_rows(rows, pitch, n, &sum, &(GemmLanes){packed, out}, 1, width, c == 0);
    }
}

void attention_add_panel(float *out, const float *rows, const float *p, size_t n, bool start,
                         const AttentionShape *s, const AttentionTables *tables)
{
    const size_t begin[2] = {0, n};
    const GemmSum sum = {tables->row, tables->vector, begin, 1};
    gemm_rows(rows, 1, s->d, &sum, &(GemmLanes){p, out}, 1, gemm_kernels()->lanes, start);
}

void attention_put_rows(float *y, const float *out, size_t count, const AttentionShape *s)
{
    const GemmKernels *kernels = gemm_kernels();
    const size_t width = s->heads * s->d;
    if (count == kernels->lanes) {
        kernels->turn_back(y, width, out, s->d, 0.0f); /* a sum is never -0 */
        return;
    }
    for (size_t j = 0; j < count; j++)
        for (size_t c = 0; c < s->d; c++)
            y[j * width + c] = out[c * kernels->lanes + j];
}

/* ---- softmax ---- */

void attention_exponentials(float *p, double *sum, const float *query, const float *key, const float *mask,
                            size_t first, size_t count, const AttentionShape *s,
                            const AttentionTables *tables, float *room)
{
    const GemmKernels *kernels = gemm_kernels();
    const size_t width = kernels->lanes, pitch = attention_pitch(s);
    float most[GEMM_LANES_MOST], *packed = room, *turned = room + s->d * width;
    ptrdiff_t lane[GEMM_LANES_MOST];
    gemm_offsets(lane, width, s->heads * s->d);
    kernels->pack(packed, query, tables->one, s->d, lane, count);
    if (mask != NULL) {
        gemm_offsets(lane, width, s->S);
        kernels->pack(turned, mask + first * s->S, tables->one, s->S, lane, count);
    }
    for (size_t k = 0; k < s->S; k += GEMM_PANEL) { /* panel by panel, while it is near */
        const size_t n = gemm_least(s->S - k, GEMM_PANEL);
        attention_times_packed(p + k * width, key + k * pitch, n, packed, s, tables);
        attention_table()->scores(p + k * width, most, n, k, s->scale,
                                  mask != NULL ? turned + k * width : NULL, s->causal ? first : SIZE_MAX);
    }
    attention_table()->exponentials(p, sum, most, s->S);
}
