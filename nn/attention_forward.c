/* nn/attention_forward.c - attention_forward of nn/attention.h.
 *
 * A task takes one vector of queries of one head: scores, softmax down the columns, y^T = v^T P^T, panel by panel
 * of the keys. */
#include "base/threads.h"
#include "nn/attention_heads.h"

typedef struct {
    const AttentionShape *s;
    const float *q, *k, *v, *mask; /* q, k, v: heads apart */
    float *y;
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
    attention_exponentials(p, sum, w->q + head * s->T * pitch, w->k + head * s->S * pitch, mask, first,
                           count, s, &w->tables, out + s->d * kernels->lanes);
    for (size_t k = 0; k < s->S; k += GEMM_PANEL) {
        const size_t n = gemm_least(s->S - k, GEMM_PANEL);
        attention_table()->divide(p + k * kernels->lanes, sum, n);
        attention_add_panel(out, w->v + (head * s->S + k) * pitch, p + k * kernels->lanes, n, k == 0, s,
                            &w->tables);
    }
    const size_t width = s->heads * s->d;
    attention_put_rows(w->y + (sample * s->T + first) * width + head % s->heads * s->d, out, count, s);
}

void attention_forward(float *y, const float *q, const float *k, const float *v, const float *mask,
                       const AttentionShape *s, void *scratch)
{
    const size_t pitch = attention_pitch(s), heads = s->B * s->heads;
    float *copies = (float *)(void *)((char *)scratch + attention_table_bytes(s));
    float *q_apart = copies, *k_apart = q_apart + heads * s->T * pitch,
          *v_apart = k_apart + heads * s->S * pitch;
    attention_copy_heads(q_apart, q, s->T, s);
    attention_copy_heads(k_apart, k, s->S, s);
    attention_copy_heads(v_apart, v, s->S, s);
    Work w = {s,
              q_apart,
              k_apart,
              v_apart,
              mask,
              y,
              attention_tables(scratch, s),
              copies + copy_floats(s),
              gemm_groups(s->T, gemm_kernels()->lanes)};
    parallel_for(heads * w.vectors, vector_task, &w);
}
