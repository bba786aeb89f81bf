/* nn/conv2d_weight.c - the gradients of conv2d's weight and bias.
 *
 * dweight_n[o][(ky,kx,c)] = sum over positions p of dy_n[o][p] * x_n[c][p moved by (ky,kx)].  Rows are the o,
 * read where they lie.  Lanes are the channels c: x is turned to (row, column, channel) with its zeros around
 * it, and then the lanes of a tap are neighbours, at an offset that depends on the tap alone.  The gradient is
 * held turned too while samples are added to it.  Positions that a tap takes from the zeros around x are left
 * out when dy is finite (gemm_finite says why that changes nothing). */
#include "nn/conv2d_weight.h"

#include <string.h>

#include "base/threads.h"
#include "nn/gemm.h"
#include "nn/position_sum.h"

/* So many turned numbers of x at once (384 KiB, at least one sample) stay in the second cache while all of the
 * gradient goes over them; a task computes a gemm_samples_part of it. */
enum { TURNED = 96 * 1024 };

/* Lanes come in strips: all kx of one ky when that spares unfilled vectors, else one strip a tap. */
typedef struct {
    size_t C, O, P;            /* of one group; P positions */
    size_t frame_h, frame_w;   /* of a turned sample */
    size_t sample;             /* numbers of a turned sample */
    GemmCut chunks;            /* samples that are turned together */
    size_t together;           /* the most samples in a chunk */
    size_t strips, strip, row; /* how many, lanes of one, and rounded up to whole vectors */
    size_t kx_together;        /* taps of a strip: KW or 1 */
    GemmCut rows, lanes;       /* how O and a strip are cut; lanes in whole vectors */
    size_t panels;
    size_t tables, turned, held, room; /* bytes, then floats; room of one worker */
} Plan;

static Plan plan_of(const Conv2dShape *s)
{
    const size_t width = gemm_kernels()->lanes;
    Plan p = {.C = s->C / s->groups, .O = s->O / s->groups, .P = s->OH * s->OW};
    p.frame_h = (s->OH - 1) * s->stride + (s->KH - 1) * s->dilation + 1;
    p.frame_w = (s->OW - 1) * s->stride + (s->KW - 1) * s->dilation + 1;
    p.sample = gemm_groups(p.frame_h * p.frame_w * p.C, 16) * 16;
    p.chunks = gemm_cut(s->N, p.sample > 0 && p.sample < TURNED ? TURNED / p.sample : 1);
    p.together = p.chunks.parts > 0 ? gemm_groups(s->N, p.chunks.parts) : 0;
    p.kx_together = s->dilation == 1 && p.C % width != 0 ? s->KW : 1;
    p.strips = s->KH * s->KW / p.kx_together;
    p.strip = p.kx_together * p.C;
    p.row = gemm_groups(p.strip, width) * width;
    p.panels = gemm_groups(p.P, GEMM_PANEL);
    const GemmPart part = gemm_samples_part(p.panels);
    p.rows = gemm_cut(p.O, part.rows);
    p.lanes = gemm_cut(p.row / width, part.vectors);
    p.room =
        gemm_samples_room(gemm_least(p.O, part.rows), gemm_least(p.row / width, part.vectors), p.panels);
    p.tables = p.strips * (sizeof(GemmSum) + 2 * p.P * sizeof(ptrdiff_t) + (p.panels + 1) * sizeof(size_t));
    p.turned = gemm_groups(p.together * p.sample + GEMM_LANES_MOST, 16) * 16;
    p.held = p.O * p.strips * p.row;
    return p;
}

size_t conv2d_weight_scratch(const Conv2dShape *s)
{
    const Plan p = plan_of(s);
    return p.tables + 64 + (p.turned + p.held + p.room * (size_t)threads_count()) * sizeof(float);
}

typedef struct {
    const Conv2dShape *s;
    Plan plan;
    float *dweight;
    const float *dy, *x;
    GemmSum *sums;               /* of each strip */
    float *turned, *held, *room; /* held (O, strips, row) */
    size_t group, n0, samples;
    bool to_held;
} Work;

/* One row of one turned sample: channel c of the source's columns, to every C-th number. */
static void turn_row(void *context, size_t task, int worker)
{
    const Work *w = context;
    const Conv2dShape *s = w->s;
    const Plan *p = &w->plan;
    const GemmKernels *kernels = gemm_kernels();
    const size_t n = task / p->frame_h, i = task % p->frame_h, y = i - s->pad_top, area = s->H * s->W;
    const size_t before = gemm_least(s->pad_left, p->frame_w),
                 inside = gemm_least(s->W, p->frame_w - before);
    const float *from = w->x + ((w->n0 + n) * s->C + w->group * p->C) * area + y * s->W;
    float *to = w->turned + n * p->sample + i * p->frame_w * p->C, *first = to + before * p->C;
    (void)worker;
    if (y >= s->H) { /* also y before 0: huge */
        memset(to, 0, p->frame_w * p->C * sizeof *to);
        return;
    }
    memset(to, 0, before * p->C * sizeof *to);
    memset(first + inside * p->C, 0, (p->frame_w - before - inside) * p->C * sizeof *to);
    size_t c = 0;
    for (; c + kernels->lanes <= p->C; c += kernels->lanes)
        kernels->turn(first + c, p->C, from + c * area, area, inside);
    for (; c < p->C; c++)
        for (size_t x = 0; x < inside; x++)
            first[x * p->C + c] = from[c * area + x];
}

/* Moves output channel o between the weight's order (c,ky,kx) and the order that is held. */
static void move_channel(void *context, size_t o, int worker)
{
    const Work *w = context;
    const Plan *p = &w->plan;
    const size_t taps = w->s->KH * w->s->KW;
    float *weight = w->dweight + (w->group * p->O + o) * p->C * taps;
    (void)worker;
    for (size_t t = 0; t < taps; t++) {
        float *held = w->held + (o * p->strips + t / p->kx_together) * p->row + t % p->kx_together * p->C;
        if (w->to_held)
            for (size_t c = 0; c < p->C; c++)
                held[c] = weight[c * taps + t];
        else
            for (size_t c = 0; c < p->C; c++)
                weight[c * taps + t] = held[c];
    }
}

static void block_task(void *context, size_t task, int worker)
{
    const Work *w = context;
    const Conv2dShape *s = w->s;
    const Plan *p = &w->plan;
    const size_t width = gemm_kernels()->lanes;
    const size_t i = task % p->rows.parts, j = task / p->rows.parts % p->lanes.parts;
    const size_t strip = task / p->rows.parts / p->lanes.parts;
    const size_t r0 = gemm_begin(p->rows, i), first = gemm_begin(p->lanes, j);
    const size_t count = gemm_begin(p->lanes, j + 1) - first;
    const size_t tap = strip * p->kx_together, ky = tap / s->KW, kx = tap % s->KW;
    const float *moved = w->turned + (ky * p->frame_w + kx) * s->dilation * p->C;
    const GemmSamples g = {.samples = w->samples,
                           .a = w->dy + (w->n0 * s->O + w->group * p->O + r0) * p->P,
                           .a_row = p->P,
                           .a_sample = s->O * p->P,
                           .sum = w->sums[strip],
                           .b_sample = p->sample,
                           .c_row = p->strips * p->row};
    gemm_samples(w->held + (r0 * p->strips + strip) * p->row + first * width, &g, moved + first * width,
                 gemm_begin(p->rows, i + 1) - r0, count, w->room + (size_t)worker * p->room);
}

/* Does any tap of the strip read x itself for this output row or column, not the zeros around it? */
static bool inside(size_t position, size_t stride, size_t pad, size_t tap, size_t taps, size_t dilation,
                   size_t size)
{
    bool any = false;
    for (size_t t = tap; t < tap + taps; t++)
        any = any || position * stride + t * dilation - pad < size;
    return any;
}

/* The positions that each strip sums over. */
static void fill_sums(Work *w, void *tables, bool skip)
{
    const Conv2dShape *s = w->s;
    const Plan *p = &w->plan;
    ptrdiff_t *at = tables;
    size_t *begin = (size_t *)(void *)(at + p->strips * 2 * p->P);
    for (size_t strip = 0; strip < p->strips; strip++, begin += p->panels + 1) {
        const size_t tap = strip * p->kx_together, ky = tap / s->KW, kx = tap % s->KW;
        ptrdiff_t *a_k = at + strip * 2 * p->P, *b_k = a_k + p->P;
        size_t entries = 0;
        for (size_t k = 0; k < p->P; k++) {
            const size_t y = k / s->OW, x = k % s->OW;
            if (k % GEMM_PANEL == 0)
                begin[k / GEMM_PANEL] = entries;
            if (skip && !(inside(y, s->stride, s->pad_top, ky, 1, s->dilation, s->H) &&
                          inside(x, s->stride, s->pad_left, kx, p->kx_together, s->dilation, s->W)))
                continue;
            a_k[entries] = (ptrdiff_t)k;
            b_k[entries++] = (ptrdiff_t)((y * p->frame_w + x) * s->stride * p->C);
        }
        begin[p->panels] = entries;
        w->sums[strip] = (GemmSum){a_k, b_k, begin, p->panels};
    }
}

void conv2d_backward_weight(float *dweight, const float *dy, const float *x, const Conv2dShape *s,
                            void *scratch)
{
    Work w = {.s = s, .plan = plan_of(s), .dweight = dweight, .dy = dy, .x = x, .sums = scratch};
    const Plan *p = &w.plan;
    w.turned = (float *)(void *)((char *)scratch + gemm_groups(p->tables, 64) * 64);
    w.held = w.turned + p->turned;
    w.room = w.held + p->held;
    fill_sums(&w, w.sums + p->strips, gemm_finite(dy, s->N * s->O * p->P));
    memset(w.turned, 0, p->turned * sizeof *w.turned); /* unused lanes read what lies between the samples */
    for (w.group = 0; w.group < s->groups; w.group++) {
        w.to_held = true;
        parallel_for(p->O, move_channel, &w);
        for (size_t i = 0; i < p->chunks.parts; i++) {
            w.n0 = gemm_begin(p->chunks, i);
            w.samples = gemm_begin(p->chunks, i + 1) - w.n0;
            parallel_for(w.samples * p->frame_h, turn_row, &w);
            parallel_for(p->strips * p->rows.parts * p->lanes.parts, block_task, &w);
        }
        w.to_held = false;
        parallel_for(p->O, move_channel, &w);
    }
}

void conv2d_backward_bias(float *dbias, const float *dy, size_t N, size_t O, size_t P)
{
    position_sum(
        dbias, dy,
        &(PositionSum){.samples = N, .keep0 = 1, .sum0 = 1, .keep1 = O, .sum1 = P, .add_samples = true});
}
