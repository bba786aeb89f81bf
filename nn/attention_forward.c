/* nn/attention_forward.c - attention_forward of nn/attention.h.
 *
 * For one vector of queries of one head: scores, softmax down the columns, y^T = v^T P^T, panel by panel of the keys.
 * Many small heads are a task each; of large ones, each vector of queries is a task. */
#include "base/threads.h"
#include "nn/attention_heads.h"

/* The copies of k and v of a small head take at most SMALL numbers (256 KiB), and there must be MANY heads. */
enum { SMALL = 64 * 1024, MANY = 16 };

typedef struct {
    size_t heads, vectors; /* of queries */
    size_t slots, slot;    /* copies of k and v (S,pitch) each: a small head's are its worker's */
    bool small;
    size_t room; /* of one worker: P and a mask (S,lanes), a packed and a finished (d,lanes) */
} Plan;

static Plan plan_of(const AttentionShape *s)
{
    const size_t width = gemm_kernels()->lanes;
    Plan p = {.heads = s->B * s->heads,
              .vectors = gemm_groups(s->T, width),
              .slot = 2 * s->S * attention_pitch(s),
              .room = 2 * width * (s->S + s->d)};
    p.small = p.slot <= SMALL && p.heads >= MANY;
    p.slots = p.small ? (size_t)threads_count() : p.heads;
    return p;
}

size_t attention_forward_scratch(const AttentionShape *s)
{
    const Plan p = plan_of(s);
    return attention_table_bytes(s) + (p.slots * p.slot + p.room * (size_t)threads_count()) * sizeof(float);
}

typedef struct {
    const AttentionShape *s;
    Plan plan;
    const float *q, *k, *v, *mask;
    float *y, *slots, *room;
    AttentionTables tables;
} Work;

static void copy_head(const Work *w, size_t head, float *slot)
{
    attention_copy_head(slot, w->k, head, 0, w->s->S, w->s->S, w->s);
    attention_copy_head(slot + w->plan.slot / 2, w->v, head, 0, w->s->S, w->s->S, w->s);
}

static void vector_step(const Work *w, size_t head, const float *slot, size_t vector, int worker)
{
    const AttentionShape *s = w->s;
    const GemmKernels *kernels = gemm_kernels();
    const size_t first = vector * kernels->lanes, count = gemm_least(kernels->lanes, s->T - first);
    const size_t pitch = attention_pitch(s), at = attention_at(head, first, s->T, s);
    const float *mask =
        w->mask != NULL && s->mask_per_sample ? w->mask + head / s->heads * s->T * s->S : w->mask;
    const float *values = slot + w->plan.slot / 2;
    float *p = w->room + (size_t)worker * w->plan.room, *out = p + s->S * kernels->lanes;
    double sum[GEMM_LANES_MOST];
    attention_exponentials(p, sum, w->q + at, slot, mask, first, count, s, &w->tables,
                           out + s->d * kernels->lanes);
    for (size_t k = 0; k < s->S; k += GEMM_PANEL) {
        const size_t n = gemm_least(s->S - k, GEMM_PANEL);
        attention_table()->divide(p + k * kernels->lanes, sum, n);
        attention_add_panel(out, values + k * pitch, p + k * kernels->lanes, n, k == 0, s, &w->tables);
    }
    attention_put_rows(w->y + at, out, count, s);
}

static void head_task(void *context, size_t head, int worker)
{
    const Work *w = context;
    float *slot = w->slots + (size_t)worker * w->plan.slot;
    copy_head(w, head, slot);
    for (size_t i = 0; i < w->plan.vectors; i++)
        vector_step(w, head, slot, i, worker);
}

static void copy_task(void *context, size_t head, int worker)
{
    const Work *w = context;
    (void)worker;
    copy_head(w, head, w->slots + head * w->plan.slot);
}

static void vector_task(void *context, size_t task, int worker)
{
    const Work *w = context;
    const size_t head = task / w->plan.vectors;
    vector_step(w, head, w->slots + head * w->plan.slot, task % w->plan.vectors, worker);
}

void attention_forward(float *y, const float *q, const float *k, const float *v, const float *mask,
                       const AttentionShape *s, void *scratch)
{
    Work w = {.s = s, .plan = plan_of(s), .q = q, .k = k, .v = v, .mask = mask, .y = y};
    w.tables = attention_tables(scratch, s);
    w.slots = (float *)(void *)((char *)scratch + attention_table_bytes(s));
    w.room = w.slots + w.plan.slots * w.plan.slot;
    if (w.plan.small) {
        parallel_for(w.plan.heads, head_task, &w);
        return;
    }
    parallel_for(w.plan.heads, copy_task, &w);
    parallel_for(w.plan.heads * w.plan.vectors, vector_task, &w);
}
