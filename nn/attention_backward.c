/* nn/attention_backward.c - attention_backward of nn/attention.h.
 *
 * P is computed again for one panel of queries at a time, so that never more than (GEMM_PANEL,S) of it exists a
 * head.  First, for every vector of those queries: P, dS and their rows of dq.  Then, for blocks of keys: what
 * these queries, one panel of the sums, add to dv = P^T dy and dk = dS^T q.
 *
 * Many small heads are a task each.  Large ones are taken a group at a time, the vectors of all heads of the
 * group being tasks, then the blocks of keys. */
#include "base/threads.h"
#include "nn/attention_heads.h"

/* A head is small when its room (below) is at most SMALL numbers (1 MiB), and there must be MANY of them; a
 * group of large ones has about GROUP numbers (4 MiB) of room, or is one head. */
enum { SMALL = 256 * 1024, MANY = 8, GROUP = 1024 * 1024, KEY_BLOCK = 128 };

/* The room of one head: copies of k, v (S,pitch), the sums of dv, dk (S,pitch); and for one panel of queries, copies
 * of q, dy (panel,pitch) and P, dS (vectors,S,lanes), with a gap behind each vector where they would clash. */
typedef struct {
    size_t heads, slots; /* all, and those that have room at the same time */
    bool small;          /* a slot is a worker's */
    size_t vectors;      /* of queries, at most, in a panel */
    size_t queries, keys, p, slot;
    size_t vector; /* numbers from one vector of P to the next */
    size_t room;   /* of one worker besides: a mask (S,lanes), two packed and a finished (d,lanes) */
} Plan;

/* Keys from one vector of P to the next: a tile reads some keys of all vectors, so that they must not lie a multiple of
 * 2 KiB apart, where they would push one another out of the first cache. */
static size_t vector_keys(const AttentionShape *s)
{
    return s->S % 32 == 0 ? s->S + 16 : s->S;
}

static Plan plan_of(const AttentionShape *s)
{
    const size_t width = gemm_kernels()->lanes, pitch = attention_pitch(s);
    Plan p = {.heads = s->B * s->heads, .vectors = gemm_groups(gemm_least(s->T, GEMM_PANEL), width)};
    p.queries = gemm_least(s->T, GEMM_PANEL) * pitch;
    p.keys = s->S * pitch;
    p.vector = vector_keys(s) * width;
    p.p = p.vectors * p.vector;
    p.slot = 2 * p.queries + 4 * p.keys + 2 * p.p;
    p.small = p.slot <= SMALL && p.heads >= MANY;
    p.slots = p.small ? (size_t)threads_count() : gemm_least(p.heads, GROUP / (p.slot + 1) + 1);
    p.room = width * (s->S + 3 * s->d);
    return p;
}

static size_t table_bytes(const AttentionShape *s)
{
    return attention_table_bytes(s) + gemm_groups(GEMM_PANEL * sizeof(ptrdiff_t), 64) * 64;
}

size_t attention_backward_scratch(const AttentionShape *s)
{
    const Plan p = plan_of(s);
    return table_bytes(s) + (p.slots * p.slot + p.room * (size_t)threads_count()) * sizeof(float);
}

typedef struct {
    const AttentionShape *s;
    Plan plan;
    const float *q, *k, *v, *dy, *mask;
    float *dq, *dk, *dv;
    AttentionTables tables;
    const ptrdiff_t *query; /* where P has the queries of a panel, counted from its first one */
    float *slots, *room;
    size_t group, first,
        panel; /* large heads: the first of the group, the panel's first query and length */
} Work;

/* One head in its slot. */
typedef struct {
    size_t head;
    const float *mask;
    float *q, *dy, *k, *v, *dv, *dk, *p, *ds;
    size_t first, panel;
} Head;

static Head head_in(const Work *w, size_t slot, size_t head)
{
    const AttentionShape *s = w->s;
    const Plan *p = &w->plan;
    Head h = {.head = head, .mask = w->mask, .first = w->first, .panel = w->panel};
    if (w->mask != NULL && s->mask_per_sample)
        h.mask += head / s->heads * s->T * s->S;
    h.q = w->slots + slot * p->slot;
    h.dy = h.q + p->queries;
    h.k = h.dy + p->queries;
    h.v = h.k + p->keys;
    h.dv = h.v + p->keys;
    h.dk = h.dv + p->keys;
    h.p = h.dk + p->keys;
    h.ds = h.p + p->p;
    return h;
}

static void copy_in(const Work *w, const Head *h)
{
    attention_copy_head(h->k, w->k, h->head, 0, w->s->S, w->s->S, w->s);
    attention_copy_head(h->v, w->v, h->head, 0, w->s->S, w->s->S, w->s);
}

/* P, dS and dq of one vector of the panel's queries, and copies of their q and dy. */
static void vector_step(const Work *w, const Head *h, size_t vector, int worker)
{
    const AttentionShape *s = w->s;
    const GemmKernels *kernels = gemm_kernels();
    const size_t pitch = attention_pitch(s), offset = vector * kernels->lanes, first = h->first + offset;
    const size_t count = gemm_least(kernels->lanes, h->panel - offset),
                 at = attention_at(h->head, first, s->T, s);
    ptrdiff_t lane[GEMM_LANES_MOST];
    gemm_offsets(lane, kernels->lanes, s->heads * s->d);
    float *p = h->p + vector * w->plan.vector, *ds = h->ds + vector * w->plan.vector;
    float *out = w->room + (size_t)worker * w->plan.room, *packed = out + s->d * kernels->lanes;
    double sum[GEMM_LANES_MOST];
    attention_copy_head(h->q + offset * pitch, w->q, h->head, first, count, s->T, s);
    attention_copy_head(h->dy + offset * pitch, w->dy, h->head, first, count, s->T, s);
    attention_exponentials(p, sum, w->q + at, h->k, h->mask, first, count, s, &w->tables,
                           packed + s->d * kernels->lanes);
    attention_table()->divide(p, sum, s->S);
    kernels->pack(packed, w->dy + at, w->tables.one, s->d, lane, count);
    attention_times_packed(ds, h->v, s->S, packed, s, &w->tables);
    attention_table()->back(ds, p, s->S, s->scale);
    if (w->dq == NULL)
        return;
    for (size_t k = 0; k < s->S; k += GEMM_PANEL)
        attention_add_panel(out, h->k + k * pitch, ds + k * kernels->lanes,
                            gemm_least(s->S - k, GEMM_PANEL), k == 0, s, &w->tables);
    attention_put_rows(w->dq + at, out, count, s);
}

/* sum (keys,pitch) of some keys = or += p^T rows, where rows (panel,pitch) are of q or dy. */
static void add_to_keys(float *sum, const float *p, const float *rows, size_t keys, const Work *w,
                        const Head *h)
{
    enum { MOST = 64 };
    const size_t width = gemm_kernels()->lanes, pitch = attention_pitch(w->s), begin[2] = {0, h->panel};
    const GemmSum queries = {w->query, w->tables.row, begin, 1};
    for (size_t c = 0; c < w->s->d; c += MOST * width) {
        GemmLanes lanes[MOST];
        size_t count = 0;
        for (size_t l = c; l < w->s->d && count < MOST; l += width)
            lanes[count++] = (GemmLanes){rows + l, sum + l};
        gemm_rows(p, width, keys, &queries, lanes, count, pitch, h->first == 0);
    }
}

/* What the panel's queries add to dv and dk of one block of keys. */
static void keys_step(const Work *w, const Head *h, size_t block)
{
    const size_t width = gemm_kernels()->lanes, pitch = attention_pitch(w->s);
    const size_t key = block * KEY_BLOCK, keys = gemm_least(KEY_BLOCK, w->s->S - key);
    if (w->dv != NULL)
        add_to_keys(h->dv + key * pitch, h->p + key * width, h->dy, keys, w, h);
    if (w->dk != NULL)
        add_to_keys(h->dk + key * pitch, h->ds + key * width, h->q, keys, w, h);
}

/* Finished dv and dk back to the head's columns. */
static void copy_out(const Work *w, const Head *h)
{
    const AttentionShape *s = w->s;
    const size_t width = s->heads * s->d, pitch = attention_pitch(s);
    const size_t at = attention_at(h->head, 0, s->S, s);
    if (w->dv != NULL)
        attention_table()->copy_rows(w->dv + at, width, h->dv, pitch, s->S, s->d, 0);
    if (w->dk != NULL)
        attention_table()->copy_rows(w->dk + at, width, h->dk, pitch, s->S, s->d, 0);
}

/* ---- small heads ---- */

static void head_task(void *context, size_t head, int worker)
{
    const Work *w = context;
    Head h = head_in(w, (size_t)worker, head);
    copy_in(w, &h);
    h.first = 0;
    do {
        h.panel = gemm_least(GEMM_PANEL, w->s->T - h.first);
        for (size_t i = 0; i < gemm_groups(h.panel, gemm_kernels()->lanes); i++)
            vector_step(w, &h, i, worker);
        for (size_t i = 0; i < gemm_groups(w->s->S, KEY_BLOCK); i++)
            keys_step(w, &h, i);
        h.first += GEMM_PANEL;
    } while (h.first < w->s->T);
    copy_out(w, &h);
}

/* ---- large heads ---- */

static void copy_in_task(void *context, size_t member, int worker)
{
    const Work *w = context;
    const Head h = head_in(w, member, w->group + member);
    (void)worker;
    copy_in(w, &h);
}

static void vector_task(void *context, size_t task, int worker)
{
    const Work *w = context;
    const size_t vectors = gemm_groups(w->panel, gemm_kernels()->lanes), member = task / vectors;
    const Head h = head_in(w, member, w->group + member);
    vector_step(w, &h, task % vectors, worker);
}

static void keys_task(void *context, size_t task, int worker)
{
    const Work *w = context;
    const size_t blocks = gemm_groups(w->s->S, KEY_BLOCK), member = task / blocks;
    const Head h = head_in(w, member, w->group + member);
    (void)worker;
    keys_step(w, &h, task % blocks);
}

static void copy_out_task(void *context, size_t member, int worker)
{
    const Work *w = context;
    const Head h = head_in(w, member, w->group + member);
    (void)worker;
    copy_out(w, &h);
}

static void large_heads(Work *w)
{
    const AttentionShape *s = w->s;
    for (w->group = 0; w->group < w->plan.heads; w->group += w->plan.slots) {
        const size_t members = gemm_least(w->plan.slots, w->plan.heads - w->group);
        parallel_for(members, copy_in_task, w);
        w->first = 0;
        do {
            w->panel = gemm_least(GEMM_PANEL, s->T - w->first);
            parallel_for(members * gemm_groups(w->panel, gemm_kernels()->lanes), vector_task, w);
            if (w->dk != NULL || w->dv != NULL)
                parallel_for(members * gemm_groups(s->S, KEY_BLOCK), keys_task, w);
            w->first += GEMM_PANEL;
        } while (w->first < s->T);
        parallel_for(members, copy_out_task, w);
    }
}

void attention_backward(float *dq, float *dk, float *dv, const float *dy, const float *q, const float *k,
                        const float *v, const float *mask, const AttentionShape *s, void *scratch)
{
    const size_t width = gemm_kernels()->lanes;
    Work w = {.s = s,
              .plan = plan_of(s),
              .q = q,
              .k = k,
              .v = v,
              .dy = dy,
              .mask = mask,
              .dq = dq,
              .dk = dk,
              .dv = dv};
    ptrdiff_t *query = (ptrdiff_t *)(void *)((char *)scratch + attention_table_bytes(s));
    w.tables = attention_tables(scratch, s);
    for (size_t i = 0; i < GEMM_PANEL; i++)
        query[i] = (ptrdiff_t)(i / width * w.plan.vector + i % width);
    w.query = query;
    w.slots = (float *)(void *)((char *)scratch + table_bytes(s));
    w.room = w.slots + w.plan.slots * w.plan.slot;
    if (w.plan.small)
        parallel_for(w.plan.heads, head_task, &w);
    else
        large_heads(&w);
}
