#include "nn/conv2d_wide.h"

#include "base/threads.h"
#include "nn/gemm.h"

/* A task computes one row of the output, or a part of it, for one vector of samples: at most MOST_POSITIONS by
 * MOST_ROWS channels.  TURNED numbers (16 MiB) of the source are turned at once, or one vector of samples. */
enum { MOST_POSITIONS = 16, MOST_ROWS = 256, MOST_TAPS = 16, TURNED = 4 * 1024 * 1024 };

typedef struct {
    size_t vectors, together; /* vectors of samples: all, and turned at once */
    GemmCut x, rows;          /* how OW and the channels of the output are cut */
    size_t K, panels;
    size_t vector;        /* numbers of a turned vector of samples */
    size_t tables, block; /* of one worker: bytes, floats */
    size_t worker;        /* bytes */
} Plan;

static size_t largest(GemmCut cut)
{
    return cut.parts > 0 ? gemm_groups(cut.length, cut.parts) : 0;
}

size_t conv2d_wide_samples(const Conv2dGather *g)
{
    const bool serves = g->KH <= MOST_TAPS && g->KW <= MOST_TAPS && !conv2d_gather_direct(g);
    return serves ? g->N - g->N % gemm_kernels()->lanes : 0;
}

static Plan plan_of(const Conv2dGather *g)
{
    const size_t width = gemm_kernels()->lanes;
    Plan p = {.vectors = conv2d_wide_samples(g) / width, .K = g->C * g->KH * g->KW};
    p.vector = g->groups * g->C * g->H * g->W * width;
    p.together = gemm_least(p.vectors, p.vector < TURNED ? TURNED / (p.vector + 1) + 1 : 1);
    p.x = gemm_cut(g->OW, MOST_POSITIONS);
    p.rows = gemm_cut(g->rows, MOST_ROWS);
    p.panels = gemm_groups(p.K, GEMM_PANEL);
    p.tables = 2 * p.K * sizeof(ptrdiff_t) + (p.panels + 2) * sizeof(size_t);
    p.block = largest(p.rows) * largest(p.x) * width;
    p.worker = gemm_groups(p.tables, 64) * 64 + p.block * sizeof(float);
    return p;
}

size_t conv2d_wide_scratch(const Conv2dGather *g)
{
    const Plan p = plan_of(g);
    return p.together * p.vector * sizeof(float) + p.worker * (size_t)threads_count();
}

typedef struct {
    const Conv2dGather *g;
    Plan plan;
    float *out;
    const float *source, *a, *bias;
    float *turned;
    char *room;
    size_t first; /* vector of samples */
} Work;

/* One channel of one vector of samples. */
static void turn_channel(void *context, size_t task, int worker)
{
    const Work *w = context;
    const Conv2dGather *g = w->g;
    const GemmKernels *kernels = gemm_kernels();
    const size_t channels = g->groups * g->C, area = g->H * g->W;
    const size_t v = task / channels, c = task % channels;
    (void)worker;
    kernels->turn(w->turned + v * w->plan.vector + c * area * kernels->lanes, kernels->lanes,
                  w->source + ((w->first + v) * kernels->lanes * channels + c) * area, channels * area,
                  area);
}

/* The taps along one axis that meet the source at an output position, and where. */
typedef struct {
    size_t count, tap[MOST_TAPS], source[MOST_TAPS];
    unsigned mask;
} Taps;

static Taps taps_at(size_t position, const Conv2dGather *g, size_t taps, ptrdiff_t before, size_t size)
{
    Taps found = {.count = 0};
    for (size_t t = 0; t < taps; t++) {
        const size_t reach = (g->descending ? taps - 1 - t : t) * g->dilation;
        const ptrdiff_t at = (ptrdiff_t)(position * g->stride + reach) - before;
        if (at < 0 || at % (ptrdiff_t)g->spread != 0 || (size_t)at / g->spread >= size)
            continue;
        found.tap[found.count] = t;
        found.source[found.count++] = (size_t)at / g->spread;
        found.mask |= 1u << t;
    }
    return found;
}

/* The sum of every position with these taps, seen from one of them. */
static GemmSum sum_of(const Work *w, char *room, const Taps *y, const Taps *x)
{
    const Conv2dGather *g = w->g;
    const size_t width = gemm_kernels()->lanes, taps = g->KH * g->KW;
    ptrdiff_t *a_k = (ptrdiff_t *)(void *)room, *b_k = a_k + w->plan.K;
    size_t *begin = (size_t *)(void *)(b_k + w->plan.K), entries = 0, panel = 0;
    begin[0] = 0;
    for (size_t c = 0; c < g->C; c++)
        for (size_t i = 0; i < y->count; i++)
            for (size_t j = 0; j < x->count; j++) {
                const size_t tap = y->tap[i] * g->KW + x->tap[j];
                while ((c * taps + tap) / GEMM_PANEL > panel)
                    begin[++panel] = entries;
                a_k[entries] = (ptrdiff_t)(c * g->a_c + tap);
                b_k[entries++] = (ptrdiff_t)(((c * g->H + y->source[i]) * g->W + x->source[j]) * width);
            }
    while (panel < w->plan.panels || panel == 0)
        begin[++panel] = entries;
    return (GemmSum){a_k, b_k, begin, panel};
}

/* Which part of the work a task is. */
typedef struct {
    size_t v, group, r0, rows, y, x0, x1;
} Part;

static Part part_of(const Work *w, size_t task)
{
    const Plan *p = &w->plan;
    const size_t i = task % p->rows.parts, j = task / p->rows.parts % p->x.parts;
    size_t rest = task / p->rows.parts / p->x.parts;
    Part part = {.r0 = gemm_begin(p->rows, i), .x0 = gemm_begin(p->x, j), .x1 = gemm_begin(p->x, j + 1)};
    part.rows = gemm_begin(p->rows, i + 1) - part.r0;
    part.y = rest % w->g->OH;
    rest /= w->g->OH;
    part.group = rest % w->g->groups;
    part.v = rest / w->g->groups;
    return part;
}

static void put_part(const Work *w, const Part *part, const float *block)
{
    const Conv2dGather *g = w->g;
    const GemmKernels *kernels = gemm_kernels();
    const size_t positions = part->x1 - part->x0, channels = g->groups * g->rows, area = g->OH * g->OW;
    for (size_t r = 0; r < part->rows; r++) { /* a sum is never -0, so that adding no bias, +0, keeps it */
        const size_t channel = part->group * g->rows + part->r0 + r;
        float *to = w->out + ((w->first + part->v) * kernels->lanes * channels + channel) * area +
                    part->y * g->OW + part->x0;
        kernels->turn_back(to, channels * area, block + r * positions * kernels->lanes, positions,
                           w->bias != NULL ? w->bias[channel] : 0.0f);
    }
}

static void part_task(void *context, size_t task, int worker)
{
    const Work *w = context;
    const Conv2dGather *g = w->g;
    const size_t width = gemm_kernels()->lanes;
    const Part part = part_of(w, task);
    const size_t positions = part.x1 - part.x0;
    char *room = w->room + (size_t)worker * w->plan.worker;
    float *block = (float *)(void *)(room + gemm_groups(w->plan.tables, 64) * 64);
    const float *turned = w->turned + part.v * w->plan.vector + part.group * g->C * g->H * g->W * width;
    const float *a = w->a + part.group * g->a_group + part.r0 * g->a_row;
    const Taps y = taps_at(part.y, g, g->KH, g->before_y, g->H);
    Taps x[MOST_POSITIONS];
    for (size_t i = 0; i < positions; i++)
        x[i] = taps_at(part.x0 + i, g, g->KW, g->before_x, g->W);
    for (size_t i = 0; i < positions; i++) {
        GemmLanes lanes[MOST_POSITIONS];
        size_t count = 0;
        for (size_t j = 0; j < positions; j++) {
            if (x[j].mask != x[i].mask)
                continue;
            if (j < i)
                break; /* done with an earlier position that has these taps */
            const size_t moved = x[i].count > 0 ? x[j].source[0] - x[i].source[0] : 0;
            lanes[count++] = (GemmLanes){turned + moved * width, block + j * width};
        }
        if (count == 0)
            continue;
        const GemmSum sum = sum_of(w, room, &y, &x[i]);
        gemm_rows(a, g->a_row, part.rows, &sum, lanes, count, positions * width, true);
    }
    put_part(w, &part, block);
}

void conv2d_wide(float *out, const float *source, const float *a, const float *bias, const Conv2dGather *g,
                 void *scratch)
{
    Work w = {
        .g = g, .plan = plan_of(g), .out = out, .source = source, .a = a, .bias = bias, .turned = scratch};
    const Plan *p = &w.plan;
    w.room = (char *)(w.turned + p->together * p->vector);
    for (w.first = 0; w.first < p->vectors; w.first += p->together) {
        const size_t vectors = gemm_least(p->together, p->vectors - w.first);
        parallel_for(vectors * g->groups * g->C, turn_channel, &w);
        parallel_for(vectors * g->groups * g->OH * p->x.parts * p->rows.parts, part_task, &w);
    }
}
