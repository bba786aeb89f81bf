/* nn/attention_backward.c - attention_backward of nn/attention.h.
 *
 * P is computed again for one panel of queries at a time, so that never more than (GEMM_PANEL,S) of it exists a
 * head.  First, for every vector of those queries: P, dS and its rows of dq.  Then, for blocks of keys: what
 * these queries, one panel of the sums, add to dv = P^T dy and dk = dS^T q.  Heads go in groups, so that there
 * is work for all threads in both steps. */
#include <string.h>

#include "base/threads.h"
#include "nn/attention_heads.h"

/* A group of heads keeps at most so many numbers of P and dS (32 MiB), but one head at least; a task of the
 * second step takes so many keys. */
enum { KEPT = 8 * 1024 * 1024, KEY_BLOCK = 128 };

typedef struct {
    size_t heads, together; /* all, and in a group */
    size_t vectors;         /* of queries in a panel */
    size_t kept;            /* numbers of P, or of dS, of one head */
    size_t copies, sums;    /* numbers of all copies, of dv or dk of a group */
    size_t room;            /* numbers of one worker */
} Plan;

static Plan plan_of(const AttentionShape *s)
{
    const size_t width = gemm_kernels()->lanes, pitch = attention_pitch(s);
    Plan p = {.heads = s->B * s->heads, .vectors = gemm_groups(gemm_least(s->T, GEMM_PANEL), width)};
    p.kept = p.vectors * s->S * width;
    p.together = p.kept < KEPT / 2 ? KEPT / 2 / (p.kept + 1) + 1 : 1;
    p.together = gemm_least(p.together, p.heads);
    p.copies = p.heads * 2 * (s->T + s->S) * pitch;
    p.sums = p.together * s->S * pitch;
    p.room = width * (s->S + 3 * s->d); /* a mask (S,lanes), two packed and a finished (d,lanes) */
    return p;
}

size_t attention_backward_scratch(const AttentionShape *s)
{
    const Plan p = plan_of(s);
    const size_t tables = attention_table_bytes(s) + gemm_groups(GEMM_PANEL * sizeof(ptrdiff_t), 64) * 64;
    const size_t floats =
        p.copies + 2 * p.together * p.kept + 2 * p.sums + p.room * (size_t)threads_count();
    return tables + floats * sizeof(float);
}

typedef struct {
    const AttentionShape *s;
    Plan plan;
    const float *q, *k, *v, *dy; /* heads apart */
    const float *mask;
    float *dq, *dk, *dv;
    AttentionTables tables;
    const ptrdiff_t *query; /* where P has the queries of a panel, counted from its first one */
    float *P, *dS;          /* (together,vectors,S,lanes) */
    float *dv_sum, *dk_sum; /* (together,S,pitch) */
    float *room;
    size_t first_head, first, queries; /* the group, and the panel of queries */
} Work;

static void vector_task(void *context, size_t task, int worker)
{
    const Work *w = context;
    const AttentionShape *s = w->s;
    const GemmKernels *kernels = gemm_kernels();
    const size_t vectors = gemm_groups(w->queries, kernels->lanes), pitch = attention_pitch(s);
    const size_t member = task / vectors, vector = task % vectors, head = w->first_head + member;
    const size_t first = w->first + vector * kernels->lanes, sample = head / s->heads;
    const size_t count = gemm_least(kernels->lanes, w->first + w->queries - first);
    const size_t at = member * w->plan.kept + vector * s->S * kernels->lanes;
    const float *mask = w->mask != NULL && s->mask_per_sample ? w->mask + sample * s->T * s->S : w->mask;
    float *p = w->P + at, *dp = w->dS + at;
    float *out = w->room + (size_t)worker * w->plan.room, *packed = out + s->d * kernels->lanes;
    double sum[GEMM_LANES_MOST];
    attention_exponentials(p, sum, w->q + head * s->T * pitch, w->k + head * s->S * pitch, mask, first,
                           count, s, &w->tables, packed + s->d * kernels->lanes);
    attention_table()->divide(p, sum, s->S);
    kernels->pack(packed, w->dy + (head * s->T + first) * pitch, w->tables.one, s->d, w->tables.row, count);
    attention_times_packed(dp, w->v + head * s->S * pitch, s->S, packed, s, &w->tables);
    attention_table()->back(dp, p, s->S, s->scale);
    if (w->dq == NULL)
        return;
    for (size_t k = 0; k < s->S; k += GEMM_PANEL)
        attention_add_panel(out, w->k + (head * s->S + k) * pitch, dp + k * kernels->lanes,
                            gemm_least(s->S - k, GEMM_PANEL), k == 0, s, &w->tables);
    attention_put_rows(w->dq + (sample * s->T + first) * s->heads * s->d + head % s->heads * s->d, out,
                       count, s);
}

/* sum (keys,pitch) of some keys = or += p^T rows, rows being a panel of q or dy. */
static void add_to_keys(float *sum, const float *p, const float *rows, size_t keys, const Work *w)
{
    const size_t width = gemm_kernels()->lanes, pitch = attention_pitch(w->s);
    const size_t begin[2] = {0, w->queries};
    const GemmSum queries = {w->query, w->tables.row, begin, 1};
    for (size_t c = 0; c < w->s->d; c += width)
        gemm_rows(p, width, keys, &queries, &(GemmLanes){rows + c, sum + c}, 1, pitch, w->first == 0);
}

static void keys_task(void *context, size_t task, int worker)
{
    const Work *w = context;
    const AttentionShape *s = w->s;
    const size_t blocks = gemm_groups(s->S, KEY_BLOCK), pitch = attention_pitch(s),
                 width = gemm_kernels()->lanes;
    const size_t member = task / blocks, key = task % blocks * KEY_BLOCK, head = w->first_head + member;
    const size_t keys = gemm_least(KEY_BLOCK, s->S - key);
    const size_t p = member * w->plan.kept + key * width, sum = (member * s->S + key) * pitch;
    const size_t rows = (head * s->T + w->first) * pitch;
    (void)worker;
    if (w->dv != NULL)
        add_to_keys(w->dv_sum + sum, w->P + p, w->dy + rows, keys, w);
    if (w->dk != NULL)
        add_to_keys(w->dk_sum + sum, w->dS + p, w->q + rows, keys, w);
}

/* One finished head of dk and dv back to its columns. */
static void put_task(void *context, size_t member, int worker)
{
    const Work *w = context;
    const AttentionShape *s = w->s;
    const size_t head = w->first_head + member, width = s->heads * s->d, pitch = attention_pitch(s);
    const size_t to = head / s->heads * s->S * width + head % s->heads * s->d, from = member * s->S * pitch;
    (void)worker;
    for (size_t i = 0; i < s->S; i++) {
        if (w->dv != NULL)
            memcpy(w->dv + to + i * width, w->dv_sum + from + i * pitch, s->d * sizeof(float));
        if (w->dk != NULL)
            memcpy(w->dk + to + i * width, w->dk_sum + from + i * pitch, s->d * sizeof(float));
    }
}

static void walk(Work *w)
{
    const AttentionShape *s = w->s;
    const size_t width = gemm_kernels()->lanes;
    for (w->first_head = 0; w->first_head < w->plan.heads; w->first_head += w->plan.together) {
        const size_t group = gemm_least(w->plan.together, w->plan.heads - w->first_head);
        w->first = 0;
        do {
            w->queries = gemm_least(GEMM_PANEL, s->T - w->first);
            parallel_for(group * gemm_groups(w->queries, width), vector_task, w);
            if (w->dk != NULL || w->dv != NULL)
                parallel_for(group * gemm_groups(s->S, KEY_BLOCK), keys_task, w);
            w->first += GEMM_PANEL;
        } while (w->first < s->T);
        parallel_for(group, put_task, w);
    }
}

void attention_backward(float *dq, float *dk, float *dv, const float *dy, const float *q, const float *k,
                        const float *v, const float *mask, const AttentionShape *s, void *scratch)
{
    Work w = {.s = s,
              .plan = plan_of(s),
              .mask = mask,
              .dq = dq,
              .dk = dk,
              .dv = dv,
              .tables = attention_tables(scratch, s)};
    const size_t pitch = attention_pitch(s), rows = w.plan.heads * s->T * pitch,
                 keys = w.plan.heads * s->S * pitch;
    ptrdiff_t *query = (ptrdiff_t *)(void *)((char *)scratch + attention_table_bytes(s));
    float *at = (float *)(void *)((char *)query + gemm_groups(GEMM_PANEL * sizeof *query, 64) * 64);
    const size_t width = gemm_kernels()->lanes;
    for (size_t i = 0; i < GEMM_PANEL; i++)
        query[i] = (ptrdiff_t)(i / width * s->S * width + i % width);
    w.query = query;
    attention_copy_heads(at, q, s->T, s);
    attention_copy_heads(at + rows, dy, s->T, s);
    attention_copy_heads(at + 2 * rows, k, s->S, s);
    attention_copy_heads(at + 2 * rows + keys, v, s->S, s);
    w.q = at;
    w.dy = at + rows;
    w.k = at + 2 * rows;
    w.v = at + 2 * rows + keys;
    w.P = at + w.plan.copies;
    w.dS = w.P + w.plan.together * w.plan.kept;
    w.dv_sum = w.dS + w.plan.together * w.plan.kept;
    w.dk_sum = w.dv_sum + w.plan.sums;
    w.room = w.dk_sum + w.plan.sums;
    walk(&w);
}
