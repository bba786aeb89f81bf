/* nn/conv2d_weight.c - the gradients of conv2d's weight and bias.
 *
 * dweight_n[o][(ky,kx,c)] = sum over positions p of dy_n[o][p] * x_n[c][p moved by (ky,kx)].  Rows are the o,
 * read where they lie.  Lanes are the channels c: x is turned once to (row, column, channel) with its zeros
 * around it, and then the lanes of every tap are neighbours, at an offset that depends on the tap alone. */
#include "base/threads.h"
#include "nn/conv2d.h"
#include "nn/conv2d_weight.h"
#include "nn/gemm.h"
#include "nn/position_sum.h"

/* The turned samples take at most TURNED numbers (16 MiB) at once, but at least one sample; a task computes at
 * most BLOCK_ROWS by BLOCK_LANES of the gradient. */
enum { TURNED = 4 * 1024 * 1024, BLOCK_ROWS = 32, BLOCK_LANES = 64 };

typedef struct {
    size_t C, O, taps, positions;   /* of one group */
    size_t frame_h, frame_w, pixel; /* of a turned sample; pixel: numbers from one column to the next */
    size_t sample;                  /* numbers of a turned sample */
    size_t together;                /* samples turned at once */
    size_t strips, strip;          /* runs of lanes a row of taps, and their length: kx and c, or c alone */
    GemmCut rows, lanes;           /* how O and a strip are cut; lanes in whole vectors */
    size_t tables, turned, worker; /* bytes, then floats */
} Plan;

static Plan plan_of(const Conv2dShape *s)
{
    const size_t width = gemm_kernels()->lanes;
    Plan p = {
        .C = s->C / s->groups, .O = s->O / s->groups, .taps = s->KH * s->KW, .positions = s->OH * s->OW};
    p.frame_h = (s->OH - 1) * s->stride + (s->KH - 1) * s->dilation + 1;
    p.frame_w = (s->OW - 1) * s->stride + (s->KW - 1) * s->dilation + 1;
    p.pixel = p.C;
    /* Neighbouring taps of a row are neighbours in memory: one run of lanes, which spares unfilled vectors. */
    p.strips = s->dilation == 1 ? 1 : s->KW;
    p.strip = s->dilation == 1 ? s->KW * p.pixel : p.pixel;
    p.sample = gemm_groups(p.frame_h * p.frame_w * p.pixel, 16) * 16;
    p.together = p.sample > 0 ? TURNED / p.sample : s->N;
    p.together = gemm_least(p.together > 0 ? p.together : 1, s->N);
    p.rows = gemm_cut(p.O, BLOCK_ROWS);
    p.lanes = gemm_cut(gemm_groups(p.strip, width), BLOCK_LANES / width);
    p.tables = 2 * p.positions * sizeof(ptrdiff_t);
    p.turned = p.together * p.sample + 16;
    p.worker = BLOCK_ROWS * BLOCK_LANES;
    return p;
}

size_t conv2d_weight_scratch(const Conv2dShape *s)
{
    const Plan p = plan_of(s);
    return p.tables + 64 + (p.turned + p.worker * (size_t)threads_count()) * sizeof(float);
}

typedef struct {
    const Conv2dShape *s;
    Plan plan;
    float *dweight;
    const float *dy, *x;
    ptrdiff_t *a_k, *b_k;
    float *turned, *room;
    size_t group, n0, samples;
} Work;

/* One row of one turned sample. */
static void turn_row(void *context, size_t task, int worker)
{
    const Work *w = context;
    const Conv2dShape *s = w->s;
    const Plan *p = &w->plan;
    const size_t n = task / p->frame_h, i = task % p->frame_h, y = i - s->pad_top;
    float *to = w->turned + n * p->sample + i * p->frame_w * p->pixel;
    const float *from = w->x + ((w->n0 + n) * s->C + w->group * p->C) * s->H * s->W + y * s->W;
    (void)worker;
    for (size_t j = 0; j < p->frame_w; j++) {
        const size_t column = j - s->pad_left; /* before 0: huge */
        float *pixel = to + j * p->pixel;
        if (y < s->H && column < s->W)
            for (size_t c = 0; c < p->C; c++)
                pixel[c] = from[c * s->H * s->W + column];
        else
            for (size_t c = 0; c < p->C; c++)
                pixel[c] = 0.0f;
    }
}

typedef struct {
    size_t ky, first_kx, r0, rows, l0, lanes;
} Block;

/* Moves the block between its place in the weight and the lanes; to_lanes says which way. */
static void move_block(const Work *w, const Block *b, float *block, bool to_lanes)
{
    const Plan *p = &w->plan;
    for (size_t r = 0; r < b->rows; r++) {
        float *weight = w->dweight + (w->group * p->O + b->r0 + r) * p->C * p->taps;
        for (size_t l = 0; l < b->lanes; l++) {
            const size_t kx = b->first_kx + (b->l0 + l) / p->pixel, c = (b->l0 + l) % p->pixel;
            float *at = weight + c * p->taps + b->ky * w->s->KW + kx, *lane = block + r * BLOCK_LANES + l;
            if (to_lanes)
                *lane = *at;
            else
                *at = *lane;
        }
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
    Block b = {.ky = strip / p->strips,
               .first_kx = strip % p->strips,
               .r0 = gemm_begin(p->rows, i),
               .l0 = gemm_begin(p->lanes, j) * width};
    b.rows = gemm_begin(p->rows, i + 1) - b.r0;
    b.lanes = gemm_least(gemm_begin(p->lanes, j + 1) * width, p->strip) - b.l0;
    float *block = w->room + (size_t)worker * p->worker;
    const size_t channel = w->n0 * s->O + w->group * p->O + b.r0;
    const GemmSamples g = {.samples = w->samples,
                           .K = p->positions,
                           .a = {w->dy + channel * p->positions, w->a_k, p->positions},
                           .a_sample = s->O * p->positions,
                           .b =
                               w->turned + (b.ky * p->frame_w + b.first_kx) * s->dilation * p->pixel + b.l0,
                           .b_k = w->b_k,
                           .b_sample = p->sample};
    move_block(w, &b, block, true);
    gemm_samples(block, BLOCK_LANES, &g, b.rows, b.lanes);
    move_block(w, &b, block, false);
}

void conv2d_backward_weight(float *dweight, const float *dy, const float *x, const Conv2dShape *s,
                            void *scratch)
{
    Work w = {.s = s, .plan = plan_of(s), .dweight = dweight, .dy = dy, .x = x, .a_k = scratch};
    const Plan *p = &w.plan;
    w.b_k = w.a_k + p->positions;
    w.turned = (float *)(void *)((char *)scratch + gemm_groups(p->tables, 64) * 64);
    w.room = w.turned + p->turned;
    gemm_offsets(w.a_k, p->positions, 1);
    for (size_t k = 0; k < p->positions; k++)
        w.b_k[k] = (ptrdiff_t)((k / s->OW * p->frame_w + k % s->OW) * s->stride * p->pixel);
    for (size_t i = 0; i < p->turned; i++) /* what lies between the samples is read into unused lanes */
        w.turned[i] = 0.0f;
    for (w.group = 0; w.group < s->groups; w.group++)
        for (w.n0 = 0; w.n0 < s->N; w.n0 += p->together) {
            w.samples = gemm_least(p->together, s->N - w.n0);
            parallel_for(w.samples * p->frame_h, turn_row, &w);
            parallel_for(s->KH * p->strips * p->rows.parts * p->lanes.parts, block_task, &w);
        }
}

void conv2d_backward_bias(float *dbias, const float *dy, size_t N, size_t O, size_t P)
{
    position_sum(
        dbias, dy,
        &(PositionSum){.samples = N, .keep0 = 1, .sum0 = 1, .keep1 = O, .sum1 = P, .add_samples = true});
}
