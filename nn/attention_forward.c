/* nn/attention_forward.c - attention_forward of nn/attention.h.
 *
 * A task takes one vector of queries of one head: scores, softmax down the columns, y^T = v^T P^T, panel by panel
 * of the keys. */
#include "base/threads.h"
#include "nn/attention_heads.h"

typedef struct {
    const AttentionShape *s;
    const float *q, *k, *v, *mask;
    float *y, *q_apart, *k_apart, *v_apart; /* heads copied apart */
    AttentionTables tables;
    float *room; /* of room_floats a worker */
    size_t vectors;
} Work;

/* P and a mask (S,lanes), a packed and a finished (d,lanes). */
static size_t room_floats(const AttentionShape *s)
{
    return 2 * gemm_kernels()->lanes * (s->S + s->d);
}

static size_t copy_floats(const AttentionShape *s)
{
    return s->B * s->heads * (s->T + 2 * s->S) * attention_pitch(s);
}

size_t attention_forward_scratch(const AttentionShape *s)
{
    const size_t floats = copy_floats(s) + room_floats(s) * (size_t)threads_count();
    return attention_table_bytes(s) + floats * sizeof(float);
}

static void vector_task(void *context, size_t task, int worker)
{
    const Work *w = context;
    const AttentionShape *s = w->s;
    const GemmKernels *kernels = gemm_kernels();
    const size_t head = task / w->vectors, first = task % w->vectors * kernels->lanes,
                 pitch = attention_pitch(s);
    const size_t count = gemm_least(kernels->lanes, s->T - first), sample = head / s->heads;
    const float *mask = w->mask != NULL && s->mask_per_sample ? w->mask + sample * s->T * s->S : w->mask;
    float *p = w->room + (size_t)worker * room_floats(s), *out = p + s->S * kernels->lanes;
    double sum[GEMM_LANES_MOST];
    attention_exponentials(p, sum, w->q_apart + head * s->T * pitch, w->k_apart + head * s->S * pitch, mask,
                           first, count, s, &w->tables, out + s->d * kernels->lanes);
    for (size_t k = 0; k < s->S; k += GEMM_PANEL) {
        const size_t n = gemm_least(s->S - k, GEMM_PANEL);
        attention_table()->divide(p + k * kernels->lanes, sum, n);
        attention_add_panel(out, w->v_apart + (head * s->S + k) * pitch, p + k * kernels->lanes, n, k == 0,
                            s, &w->tables);
    }
    const size_t width = s->heads * s->d;
    attention_put_rows(w->y + (sample * s->T + first) * width + head % s->heads * s->d, out, count, s);
}

/* One head of q, k and v. */
static void copy_task(void *context, size_t head, int worker)
{
    const Work *w = context;
    const AttentionShape *s = w->s;
    const size_t pitch = attention_pitch(s);
    (void)worker;
    attention_copy_head(w->q_apart + head * s->T * pitch, w->q, head, s->T, s);
    attention_copy_head(w->k_apart + head * s->S * pitch, w->k, head, s->S, s);
    attention_copy_head(w->v_apart + head * s->S * pitch, w->v, head, s->S, s);
}

void attention_forward(float *y, const float *q, const float *k, const float *v, const float *mask,
                       const AttentionShape *s, void *scratch)
{
    const size_t pitch = attention_pitch(s), heads = s->B * s->heads;
    Work w = {.s = s, .q = q, .k = k, .v = v, .mask = mask, .y = y, .tables = attention_tables(scratch, s)};
    w.q_apart = (float *)(void *)((char *)scratch + attention_table_bytes(s));
    w.k_apart = w.q_apart + heads * s->T * pitch;
    w.v_apart = w.k_apart + heads * s->S * pitch;
    w.room = w.v_apart + heads * s->S * pitch;
    w.vectors = gemm_groups(s->T, gemm_kernels()->lanes);
    parallel_for(heads, copy_task, &w);
    parallel_for(heads * w.vectors, vector_task, &w);
}
