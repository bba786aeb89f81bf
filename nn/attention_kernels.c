/* nn/attention_kernels.c - the arrays' side of nn/attention.h.
 *
 * Forward, a task takes one head of one sample and a vector of queries as lanes: scores S^T = K Q^T (keys are
 * rows), softmax down the columns, y^T = V^T P^T.  Backward first does the same again for dq and keeps the
 * statistics of every query, then takes vectors of keys as lanes: there P and dS stand ready for the sums over
 * queries that dk and dv are.  Computing P twice costs less than keeping T x S numbers. */
#include "nn/attention_kernels.h"

#include <stdint.h>

#include "base/isa.h"
#include "base/threads.h"
#include "nn/attention.h"
#include "nn/gemm.h"

extern const AttentionTable attention_table_base, attention_table_avx2, attention_table_avx512;

static const AttentionTable *table(void)
{
#if ISA_LEVELS > 1
    static const AttentionTable *const tables[] = {&attention_table_base, &attention_table_avx2,
                                                   &attention_table_avx512};
    return tables[isa_level()];
#else
    return &attention_table_base;
#endif
}

/* How many entries the tables of offsets need: a vector of lanes, keys, queries, or the width of a head. */
static size_t longest(const AttentionShape *s)
{
    size_t n = GEMM_LANES_MOST;
    n = s->T > n ? s->T : n;
    n = s->S > n ? s->S : n;
    return s->d > n ? s->d : n;
}

typedef struct {
    const AttentionShape *s;
    const float *q, *k, *v, *mask, *dy;
    float *y, *dq, *dk, *dv;
    size_t width;                        /* from one row of q, k, v, y to the next */
    const ptrdiff_t *one, *row, *vector; /* offsets in steps of 1, of such a row, of a vector of lanes */
    GemmSum over_d, over_T, over_S;      /* their panels; tables are filled in where they are used */
    AttentionRow *rows;                  /* (B,heads,T) */
    float *room;                         /* room_of floats a worker */
} Work;

static size_t panels_of(size_t K)
{
    return K == 0 ? 1 : gemm_groups(K, GEMM_PANEL);
}

static size_t table_bytes(const AttentionShape *s)
{
    const size_t begins = panels_of(s->d) + panels_of(s->T) + panels_of(s->S) + 3;
    return gemm_groups(3 * longest(s) * sizeof(ptrdiff_t) + begins * sizeof(size_t), 64) * 64;
}

static size_t row_bytes(const AttentionShape *s)
{
    return gemm_groups(s->B * s->heads * s->T * sizeof(AttentionRow), 64) * 64;
}

/* Of one worker: P, dP and a mask (longest,lanes); two packed and one finished (d,lanes). */
static size_t room_of(const AttentionShape *s)
{
    return gemm_groups(gemm_kernels()->lanes * 3 * (longest(s) + s->d), 16) * 16;
}

size_t attention_scratch(const AttentionShape *s)
{
    return table_bytes(s) + row_bytes(s) + room_of(s) * (size_t)threads_count() * sizeof(float);
}

static GemmSum sum_over(size_t **begin, size_t K)
{
    const GemmSum sum = {.begin = *begin, .panels = panels_of(K)};
    for (size_t q = 0; q <= sum.panels; q++)
        *(*begin)++ = gemm_least(q * GEMM_PANEL, K);
    return sum;
}

static void lay_out(Work *w, void *scratch)
{
    const size_t n = longest(w->s);
    ptrdiff_t *one = scratch, *row = one + n, *vector = row + n;
    size_t *begin = (size_t *)(void *)(vector + n);
    w->width = w->s->heads * w->s->d;
    gemm_offsets(one, n, 1);
    gemm_offsets(row, n, w->width);
    gemm_offsets(vector, n, gemm_kernels()->lanes);
    w->one = one;
    w->row = row;
    w->vector = vector;
    w->over_d = sum_over(&begin, w->s->d);
    w->over_T = sum_over(&begin, w->s->T);
    w->over_S = sum_over(&begin, w->s->S);
    w->rows = (AttentionRow *)(void *)((char *)scratch + table_bytes(w->s));
    w->room = (float *)(void *)((char *)w->rows + row_bytes(w->s));
}

/* ---- the three steps that all is made of; matrix is a head of q, k, v or dy ---- */

/* packed (d,lanes) = rows first, first + 1 ... of the matrix, as lanes. */
static void pack_rows(float *packed, const Work *w, const float *matrix, size_t first, size_t count)
{
    gemm_kernels()->pack(packed, matrix + first * w->width, w->one, w->s->d, w->row, count);
}

/* out (n,lanes) = matrix (n,d) times packed (d,lanes) */
static void times_packed(float *out, const Work *w, const float *matrix, size_t n, const float *packed)
{
    GemmSum sum = w->over_d;
    sum.a_k = w->one;
    sum.b_k = w->vector;
    gemm_rows(matrix, w->width, n, &sum, &(GemmLanes){packed, out}, 1, gemm_kernels()->lanes, true);
}

/* Rows first, first + 1 ... of to = the lanes of matrix^T (d,n) times p (n,lanes); n is T or S. */
static void turned_times(float *to, size_t first, size_t count, const Work *w, const float *matrix,
                         GemmSum n, const float *p, float *finished)
{
    const GemmKernels *kernels = gemm_kernels();
    const size_t d = w->s->d;
    n.a_k = w->row;
    n.b_k = w->vector;
    gemm_rows(matrix, 1, d, &n, &(GemmLanes){p, finished}, 1, kernels->lanes, true);
    if (count == kernels->lanes) {
        kernels->turn_back(to + first * w->width, w->width, finished, d, 0.0f); /* a sum is never -0 */
        return;
    }
    for (size_t j = 0; j < count; j++)
        for (size_t c = 0; c < d; c++)
            to[(first + j) * w->width + c] = finished[c * kernels->lanes + j];
}

/* ---- tasks ---- */

/* Which head and which vector of lanes a task is about, and its part of the scratch. */
typedef struct {
    size_t head, first, count; /* head counts through all samples */
    size_t queries, keys;      /* where the head starts in q and y, and in k and v */
    float *p, *dp, *mask, *a, *b, *finished;
} Part;

static Part part_of(const Work *w, size_t task, int worker, size_t length)
{
    const AttentionShape *s = w->s;
    const size_t width = gemm_kernels()->lanes, vectors = gemm_groups(length, width);
    Part part = {.head = task / vectors, .first = task % vectors * width};
    const size_t b = part.head / s->heads, column = part.head % s->heads * s->d;
    part.count = gemm_least(width, length - part.first);
    part.queries = b * s->T * w->width + column;
    part.keys = b * s->S * w->width + column;
    part.p = w->room + (size_t)worker * room_of(s);
    part.dp = part.p + longest(s) * width;
    part.mask = part.dp + longest(s) * width;
    part.a = part.mask + longest(s) * width;
    part.b = part.a + s->d * width;
    part.finished = part.b + s->d * width;
    return part;
}

static const float *mask_of(const Work *w, const Part *part)
{
    const AttentionShape *s = w->s;
    return w->mask + (s->mask_per_sample ? part->head / s->heads * s->T * s->S : 0);
}

/* P^T (S,lanes) for the part's queries, and their statistics. */
static void probabilities(const Work *w, const Part *part, AttentionRow *row)
{
    const AttentionShape *s = w->s;
    pack_rows(part->a, w, w->q + part->queries, part->first, part->count);
    times_packed(part->p, w, w->k + part->keys, s->S, part->a);
    const float *mask = NULL;
    if (w->mask != NULL) {
        ptrdiff_t query[GEMM_LANES_MOST];
        gemm_offsets(query, GEMM_LANES_MOST, s->S);
        gemm_kernels()->pack(part->mask, mask_of(w, part) + part->first * s->S, w->one, s->S, query,
                             part->count);
        mask = part->mask;
    }
    table()->down(part->p, row, s->S, s->scale, mask, s->causal ? part->first : SIZE_MAX);
}

static void forward_task(void *context, size_t task, int worker)
{
    const Work *w = context;
    const Part part = part_of(w, task, worker, w->s->T);
    AttentionRow row[GEMM_LANES_MOST];
    probabilities(w, &part, row);
    turned_times(w->y + part.queries, part.first, part.count, w, w->v + part.keys, w->over_S, part.p,
                 part.finished);
}

/* dq and the statistics of some queries. */
static void queries_task(void *context, size_t task, int worker)
{
    const Work *w = context;
    const AttentionShape *s = w->s;
    const Part part = part_of(w, task, worker, s->T);
    AttentionRow row[GEMM_LANES_MOST];
    probabilities(w, &part, row);
    pack_rows(part.b, w, w->dy + part.queries, part.first, part.count);
    times_packed(part.dp, w, w->v + part.keys, s->S, part.b);
    table()->back_down(part.dp, row, part.p, s->S, s->scale);
    for (size_t j = 0; j < part.count; j++)
        w->rows[part.head * s->T + part.first + j] = row[j];
    if (w->dq != NULL)
        turned_times(w->dq + part.queries, part.first, part.count, w, w->k + part.keys, w->over_S, part.dp,
                     part.finished);
}

/* dv and dk of some keys. */
static void keys_task(void *context, size_t task, int worker)
{
    const Work *w = context;
    const AttentionShape *s = w->s;
    const Part part = part_of(w, task, worker, s->S);
    const AttentionRow *row = w->rows + part.head * s->T;
    pack_rows(part.a, w, w->k + part.keys, part.first, part.count);
    times_packed(part.p, w, w->q + part.queries, s->T, part.a);
    const float *mask = NULL;
    if (w->mask != NULL) {
        for (size_t t = 0; t < s->T; t++)
            for (size_t j = 0; j < gemm_kernels()->lanes; j++)
                part.mask[t * gemm_kernels()->lanes + j] =
                    j < part.count ? mask_of(w, &part)[t * s->S + part.first + j] : 0.0f;
        mask = part.mask;
    }
    table()->along(part.p, row, s->T, s->scale, mask, s->causal ? 0 : SIZE_MAX, part.first);
    if (w->dv != NULL)
        turned_times(w->dv + part.keys, part.first, part.count, w, w->dy + part.queries, w->over_T, part.p,
                     part.finished);
    if (w->dk == NULL)
        return;
    pack_rows(part.b, w, w->v + part.keys, part.first, part.count);
    times_packed(part.dp, w, w->dy + part.queries, s->T, part.b);
    table()->back_along(part.dp, row, part.p, s->T, s->scale);
    turned_times(w->dk + part.keys, part.first, part.count, w, w->q + part.queries, w->over_T, part.dp,
                 part.finished);
}

void attention_forward(float *y, const float *q, const float *k, const float *v, const float *mask,
                       const AttentionShape *s, void *scratch)
{
    Work w = {.s = s, .q = q, .k = k, .v = v, .mask = mask, .y = y};
    lay_out(&w, scratch);
    parallel_for(s->B * s->heads * gemm_groups(s->T, gemm_kernels()->lanes), forward_task, &w);
}

void attention_backward(float *dq, float *dk, float *dv, const float *dy, const float *q, const float *k,
                        const float *v, const float *mask, const AttentionShape *s, void *scratch)
{
    const size_t heads = s->B * s->heads, width = gemm_kernels()->lanes;
    Work w = {.s = s, .q = q, .k = k, .v = v, .mask = mask, .dy = dy, .dq = dq, .dk = dk, .dv = dv};
    lay_out(&w, scratch);
    parallel_for(heads * gemm_groups(s->T, width), queries_task, &w);
    if (dk != NULL || dv != NULL)
        parallel_for(heads * gemm_groups(s->S, width), keys_task, &w);
}
