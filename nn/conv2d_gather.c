#include "nn/conv2d_gather.h"

#include <string.h>

#include "base/threads.h"
#include "nn/gemm.h"

/* A task computes a block of the output: a few whole pictures, or a few rows of one, or a part of a row, at most
 * gemm_block_lanes positions; and all channels, unless that makes too few tasks.  The rule knows the shape only,
 * never the number of threads. */
enum { MOST_ROWS = 512, LEAST_ROWS = 64 };

typedef struct {
    GemmCut pictures, y, x, rows; /* how N, OH, OW and the channels of the output are cut */
    size_t S, TH, TW;             /* the largest block: pictures, rows, columns */
    size_t frame_h, frame_w;      /* the part of the frame under it */
    size_t channels;              /* of the source, that one panel of k touches */
    size_t plane, row, picture;   /* steps in what is packed from: a frame tile, or the source itself */
    bool direct;                  /* the frame is the source: no tile is needed */
    size_t block_row;
    size_t tables, tile, packed, block, worker; /* bytes of the tables, then floats */
} Plan;

static size_t largest(GemmCut cut)
{
    return cut.parts > 0 ? gemm_groups(cut.length, cut.parts) : 0;
}

/* Cuts pictures, rows and columns so that a block has about `room` positions. */
static void cut_positions(Plan *p, const Conv2dGather *g, size_t room)
{
    const size_t whole = g->OH * g->OW;
    p->pictures = gemm_cut(g->N, whole <= room ? room / whole : 1);
    p->y = gemm_cut(g->OH, whole <= room ? g->OH : g->OW <= room ? room / g->OW : 1);
    p->x = gemm_cut(g->OW, g->OW <= room ? g->OW : room);
    p->S = largest(p->pictures);
    p->TH = largest(p->y);
    p->TW = largest(p->x);
    const size_t blocks = p->pictures.parts * p->y.parts * p->x.parts * g->groups;
    p->rows = gemm_cut(g->rows, MOST_ROWS);
    if (p->rows.parts * blocks < GEMM_FEW_TASKS && blocks > 0)
        p->rows.parts = gemm_least(gemm_groups(GEMM_FEW_TASKS, blocks), gemm_groups(g->rows, LEAST_ROWS));
}

bool conv2d_gather_direct(const Conv2dGather *g)
{
    return g->spread == 1 && g->before_y == 0 && g->before_x == 0 &&
           (g->OH - 1) * g->stride + (g->KH - 1) * g->dilation < g->H &&
           (g->OW - 1) * g->stride + (g->KW - 1) * g->dilation < g->W;
}

static Plan plan_of(const Conv2dGather *g)
{
    const size_t width = gemm_kernels()->lanes, taps = g->KH * g->KW, K = g->C * taps;
    Plan p = {.direct = conv2d_gather_direct(g)};
    cut_positions(&p, g, gemm_block_lanes(g->N * g->OH * g->OW * g->groups));
    p.frame_h = (p.TH - 1) * g->stride + (g->KH - 1) * g->dilation + 1;
    p.frame_w = (p.TW - 1) * g->stride + (g->KW - 1) * g->dilation + 1;
    p.channels = gemm_least(g->C, GEMM_PANEL / taps + 2);
    p.row = p.direct ? g->W : p.frame_w;
    p.picture = p.direct ? g->groups * g->C * g->H * g->W : p.frame_h * p.frame_w;
    p.plane = p.direct ? g->H * g->W : p.S * p.picture;
    p.block_row = gemm_groups(p.S * p.TH * p.TW, width) * width;
    p.tables = (2 * K + GEMM_PANEL) * sizeof(ptrdiff_t);
    p.tile = p.direct ? 0 : gemm_groups(p.channels * p.plane, 16) * 16;
    p.packed = gemm_least(K, GEMM_PANEL) * p.block_row;
    p.block = largest(p.rows) * p.block_row;
    p.worker = gemm_groups(p.tile + p.packed + p.block, 16) * 16;
    return p;
}

size_t conv2d_gather_scratch(const Conv2dGather *g)
{
    const Plan p = plan_of(g);
    return p.tables + 64 + p.worker * sizeof(float) * (size_t)threads_count();
}

typedef struct {
    const Conv2dGather *g;
    Plan plan;
    float *out;
    const float *source, *a, *bias;
    ptrdiff_t *a_k, *b_k, *packed_k; /* b_k counts c from 0 */
    float *room;
} Work;

/* One block: the group, the rows of the output's channels, and the box of positions. */
typedef struct {
    size_t group, r0, rows;
    size_t n0, pictures, y0, height, x0, width;
} Block;

static Block block_of(const Work *w, size_t task)
{
    const Plan *p = &w->plan;
    const size_t i = task % p->rows.parts, x = task / p->rows.parts % p->x.parts;
    const size_t rest = task / p->rows.parts / p->x.parts;
    const size_t y = rest % p->y.parts, n = rest / p->y.parts % p->pictures.parts;
    Block b = {.group = rest / p->y.parts / p->pictures.parts,
               .r0 = gemm_begin(p->rows, i),
               .n0 = gemm_begin(p->pictures, n),
               .y0 = gemm_begin(p->y, y),
               .x0 = gemm_begin(p->x, x)};
    b.rows = gemm_begin(p->rows, i + 1) - b.r0;
    b.pictures = gemm_begin(p->pictures, n + 1) - b.n0;
    b.height = gemm_begin(p->y, y + 1) - b.y0;
    b.width = gemm_begin(p->x, x + 1) - b.x0;
    return b;
}

/* Row `row` of the source as frame columns from..from + count. */
static void fill_row(float *to, const float *row, const Conv2dGather *g, ptrdiff_t from, size_t count)
{
    const ptrdiff_t first = g->before_x - from; /* where source column 0 falls */
    if (g->spread == 1) {
        const ptrdiff_t begin = first > 0 ? first : 0, end = first + (ptrdiff_t)g->W;
        const size_t zeros = gemm_least((size_t)begin, count);
        const size_t stop = end < (ptrdiff_t)zeros ? zeros : gemm_least((size_t)end, count);
        memset(to, 0, zeros * sizeof *to);
        memcpy(to + zeros, row + (ptrdiff_t)zeros - first, (stop - zeros) * sizeof *to);
        memset(to + stop, 0, (count - stop) * sizeof *to);
        return;
    }
    memset(to, 0, count * sizeof *to);
    for (size_t i = 0; i < g->W; i++) {
        const ptrdiff_t at = first + (ptrdiff_t)(i * g->spread);
        if (at >= 0 && at < (ptrdiff_t)count)
            to[at] = row[i];
    }
}

/* The frame under the block, channels c0..c1, as (c, picture, row, column). */
static void fill_tile(float *tile, const Work *w, const Block *b, size_t c0, size_t c1)
{
    const Conv2dGather *g = w->g;
    const Plan *p = &w->plan;
    const size_t area = g->H * g->W;
    for (size_t c = c0; c < c1; c++)
        for (size_t s = 0; s < b->pictures; s++) {
            const float *from = w->source + (((b->n0 + s) * g->groups + b->group) * g->C + c) * area;
            float *to = tile + (c - c0) * p->plane + s * p->picture;
            for (size_t i = 0; i < p->frame_h; i++) {
                const ptrdiff_t y = (ptrdiff_t)(b->y0 * g->stride + i) - g->before_y;
                if (y < 0 || y >= (ptrdiff_t)(g->H * g->spread) || y % (ptrdiff_t)g->spread != 0)
                    memset(to + i * p->frame_w, 0, p->frame_w * sizeof *to);
                else
                    fill_row(to + i * p->frame_w, from + (size_t)y / g->spread * g->W, g,
                             (ptrdiff_t)(b->x0 * g->stride), p->frame_w);
            }
        }
}

/* Packs the taps k0..k1 of all positions of the block. */
static void pack_block(float *packed, float *tile, const Work *w, const Block *b, size_t k0, size_t k1)
{
    const Conv2dGather *g = w->g;
    const Plan *p = &w->plan;
    const GemmKernels *kernels = gemm_kernels();
    const size_t taps = g->KH * g->KW, c0 = k0 / taps, lanes = b->pictures * b->height * b->width;
    const float *from = tile;
    if (k1 == k0)
        return;
    if (p->direct)
        from = w->source + ((b->n0 * g->groups + b->group) * g->C + c0) * p->plane +
               (b->y0 * g->W + b->x0) * g->stride;
    else
        fill_tile(tile, w, b, c0, (k1 - 1) / taps + 1);
    ptrdiff_t k_offset[GEMM_PANEL], lane[GEMM_LANES_MOST] = {0};
    for (size_t k = k0; k < k1; k++)
        k_offset[k - k0] = w->b_k[k] - (ptrdiff_t)(c0 * p->plane);
    if (p->direct && g->stride == 1 && b->pictures == 1 && (b->height == 1 || b->width == p->row)) {
        kernels->pack_rows(packed, from, k_offset, k1 - k0, lanes); /* one run of memory */
        return;
    }
    size_t s = 0, y = 0, x = 0;
    for (size_t j = 0; j < lanes; j += kernels->lanes) {
        const size_t count = gemm_least(kernels->lanes, lanes - j);
        for (size_t l = 0; l < count; l++) {
            lane[l] = (ptrdiff_t)(s * p->picture + (y * p->row + x) * g->stride);
            x = x + 1 < b->width ? x + 1 : 0;
            y = x > 0 ? y : y + 1 < b->height ? y + 1 : 0;
            s = x > 0 || y > 0 ? s : s + 1;
        }
        kernels->pack(packed + j * (k1 - k0), from, k_offset, k1 - k0, lane, count);
    }
}

static void put_block(const Work *w, const Block *b, const float *block)
{
    const Conv2dGather *g = w->g;
    const GemmKernels *kernels = gemm_kernels();
    /* Positions that follow one another in the output too: rows of the block, or all of a picture's. */
    const bool whole_rows = b->width == g->OW;
    const size_t runs = b->pictures * (whole_rows ? 1 : b->height), per_picture = runs / b->pictures;
    const size_t length = b->pictures * b->height * b->width / runs;
    for (size_t r = 0; r < b->rows; r++) {
        const size_t channel = b->group * g->rows + b->r0 + r;
        for (size_t i = 0; i < runs; i++) {
            const size_t n = b->n0 + i / per_picture, y = b->y0 + i % per_picture;
            float *to = w->out + ((n * g->groups * g->rows + channel) * g->OH + y) * g->OW + b->x0;
            const float *from = block + r * w->plan.block_row + i * length;
            if (w->bias != NULL)
                kernels->put_biased(to, from, w->bias[channel], length);
            else
                kernels->put(to, from, NULL, length);
        }
    }
}

static void block_task(void *context, size_t task, int worker)
{
    const Work *w = context;
    const Conv2dGather *g = w->g;
    const Plan *p = &w->plan;
    const Block b = block_of(w, task);
    const size_t K = g->C * g->KH * g->KW, lanes = b.pictures * b.height * b.width;
    float *packed = w->room + (size_t)worker * p->worker, *block = packed + p->packed,
          *tile = block + p->block;
    const float *a = w->a + b.group * g->a_group + b.r0 * g->a_row;
    size_t k0 = 0;
    do {
        const size_t k1 = gemm_least(k0 + GEMM_PANEL, K);
        pack_block(packed, tile, w, &b, k0, k1);
        gemm_panel(block, p->block_row, a, g->a_row, w->a_k + k0, packed, w->packed_k, b.rows, lanes,
                   k1 - k0, k0 == 0);
        k0 = k1;
    } while (k0 < K);
    put_block(w, &b, block);
}

/* Where A and the frame have k = (c,ky,kx). */
static void fill_tables(const Work *w)
{
    const Conv2dGather *g = w->g;
    size_t k = 0;
    for (size_t c = 0; c < g->C; c++)
        for (size_t ky = 0; ky < g->KH; ky++)
            for (size_t kx = 0; kx < g->KW; kx++, k++) {
                const size_t row = (g->descending ? g->KH - 1 - ky : ky) * g->dilation;
                const size_t column = (g->descending ? g->KW - 1 - kx : kx) * g->dilation;
                w->a_k[k] = (ptrdiff_t)(c * g->a_c + ky * g->KW + kx);
                w->b_k[k] = (ptrdiff_t)(c * w->plan.plane + row * w->plan.row + column);
            }
    gemm_offsets(w->packed_k, GEMM_PANEL, gemm_kernels()->lanes);
}

void conv2d_gather(float *out, const float *source, const float *a, const float *bias,
                   const Conv2dGather *g, void *scratch)
{
    const size_t K = g->C * g->KH * g->KW;
    Work w = {
        .g = g, .plan = plan_of(g), .out = out, .source = source, .a = a, .bias = bias, .a_k = scratch};
    w.b_k = w.a_k + K;
    w.packed_k = w.b_k + K;
    w.room = (float *)(void *)((char *)scratch + gemm_groups(w.plan.tables, 64) * 64);
    fill_tables(&w);
    const size_t blocks = w.plan.pictures.parts * w.plan.y.parts * w.plan.x.parts * g->groups;
    parallel_for(blocks * w.plan.rows.parts, block_task, &w);
}
