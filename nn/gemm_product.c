#include "nn/gemm_product.h"

#include "base/threads.h"
#include "nn/gemm.h"

/* A task computes a block of C: at most MOST_ROWS by gemm_block_lanes, a rule that knows the shape only, never the
 * number of threads.  Panel after panel of B is packed and used. */
enum { MOST_ROWS = 512 };

/* How the work is cut, and what lies where in the scratch (in numbers of floats after the tables). */
typedef struct {
    GemmCut rows, lanes;
    size_t block_row; /* lanes of a block, whole vectors */
    size_t tables, packed, block,
        worker; /* bytes of the tables; floats of the others, worker being the two */
} Plan;

static Plan plan_of(size_t rows, size_t lanes, size_t K)
{
    const size_t width = gemm_kernels()->lanes,
                 most = gemm_block_lanes(lanes * gemm_groups(rows, MOST_ROWS));
    Plan p = {.rows = gemm_cut(rows, MOST_ROWS)};
    p.lanes = (GemmCut){gemm_groups(lanes, width), gemm_groups(lanes, most / width * width)};
    p.block_row = p.lanes.parts > 0 ? gemm_groups(p.lanes.length, p.lanes.parts) * width : 0;
    p.tables = (2 * K + GEMM_PANEL) * sizeof(ptrdiff_t);
    p.packed = gemm_least(K, GEMM_PANEL) * p.block_row;
    p.block = gemm_least(rows, MOST_ROWS) * p.block_row;
    p.worker = gemm_groups(p.packed + p.block, 16) * 16;
    return p;
}

size_t gemm_product_scratch(size_t rows, size_t lanes, size_t K)
{
    const Plan p = plan_of(rows, lanes, K);
    return p.tables + 64 + p.worker * sizeof(float) * (size_t)threads_count();
}

typedef struct {
    const GemmProduct *product;
    Plan plan;
    const ptrdiff_t *a_k, *b_k, *packed_k;
    float *room; /* plan.worker floats a worker */
} Work;

static void pack_panel(float *packed, const Work *w, const float *b, size_t lanes, size_t k0, size_t k1)
{
    const GemmKernels *kernels = gemm_kernels();
    const size_t width = kernels->lanes;
    if (w->product->b.across == 1) {
        kernels->pack_rows(packed, b, w->b_k + k0, k1 - k0, lanes);
        return;
    }
    ptrdiff_t lane[GEMM_LANES_MOST];
    gemm_offsets(lane, width, w->product->b.across);
    for (size_t j = 0; j < lanes; j += width)
        kernels->pack(packed + j * (k1 - k0), b + j * w->product->b.across, w->b_k + k0, k1 - k0, lane,
                      gemm_least(width, lanes - j));
}

/* The block's sums go to C, unless they are there already, and the bias is added on the way. */
static void put_rows(float *c, const Work *w, const float *block, size_t block_row, size_t r0, size_t rows,
                     size_t j0, size_t lanes)
{
    const GemmProduct *p = w->product;
    const GemmKernels *kernels = gemm_kernels();
    for (size_t r = 0; r < rows; r++) {
        float *to = c + (r0 + r) * p->c.row + j0;
        if (p->row_bias != NULL)
            kernels->put_biased(to, block + r * block_row, p->row_bias[r0 + r], lanes);
        else
            kernels->put(to, block + r * block_row, p->lane_bias != NULL ? p->lane_bias + j0 : NULL, lanes);
    }
}

/* The same where the rows of the block are columns of C. */
static void put_turned(float *c, const Work *w, const float *block, size_t block_row, size_t r0,
                       size_t rows, size_t j0, size_t lanes)
{
    const GemmProduct *p = w->product;
    for (size_t j = 0; j < lanes; j++) {
        float *to = c + (j0 + j) * p->c.lane + r0;
        for (size_t r = 0; r < rows; r++)
            to[r] = block[r * block_row + j];
        for (size_t r = 0; p->row_bias != NULL && r < rows; r++)
            to[r] = to[r] + p->row_bias[r0 + r];
        for (size_t r = 0; p->lane_bias != NULL && r < rows; r++)
            to[r] = to[r] + p->lane_bias[j0 + j];
    }
}

static void block_task(void *context, size_t task, int worker)
{
    const Work *w = context;
    const GemmProduct *p = w->product;
    const size_t width = gemm_kernels()->lanes;
    const size_t i = task % w->plan.rows.parts, j = task / w->plan.rows.parts % w->plan.lanes.parts;
    const size_t n = task / w->plan.rows.parts / w->plan.lanes.parts;
    const size_t r0 = gemm_begin(w->plan.rows, i), rows = gemm_begin(w->plan.rows, i + 1) - r0;
    const size_t j0 = gemm_begin(w->plan.lanes, j) * width;
    const size_t lanes = gemm_least(gemm_begin(w->plan.lanes, j + 1) * width, p->lanes) - j0;
    float *packed = w->room + (size_t)worker * w->plan.worker, *block = packed + w->plan.packed;
    float *c = p->c.data + n * p->c.batch;
    size_t block_row = w->plan.block_row;
    if (p->c.lane == 1 && lanes % width == 0) { /* whole vectors: the sums can grow in C itself */
        block = c + r0 * p->c.row + j0;
        block_row = p->c.row;
    }
    const float *a = p->a.data + n * p->a.batch + r0 * p->a.across;
    size_t k0 = 0;
    do {
        const size_t k1 = gemm_least(k0 + GEMM_PANEL, p->K);
        pack_panel(packed, w, p->b.data + n * p->b.batch + j0 * p->b.across, lanes, k0, k1);
        gemm_panel(block, block_row, a, p->a.across, w->a_k + k0, packed, w->packed_k, rows, lanes, k1 - k0,
                   k0 == 0);
        k0 = k1;
    } while (k0 < p->K);
    if (p->c.lane == 1)
        put_rows(c, w, block, block_row, r0, rows, j0, lanes);
    else
        put_turned(c, w, block, block_row, r0, rows, j0, lanes);
}

void gemm_product(const GemmProduct *p, void *scratch)
{
    const Plan plan = plan_of(p->rows, p->lanes, p->K);
    ptrdiff_t *a_k = scratch, *b_k = a_k + p->K, *packed_k = b_k + p->K;
    gemm_offsets(a_k, p->K, p->a.along);
    gemm_offsets(b_k, p->K, p->b.along);
    gemm_offsets(packed_k, GEMM_PANEL, gemm_kernels()->lanes);
    float *room = (float *)(void *)((char *)scratch + gemm_groups(plan.tables, 64) * 64);
    Work work = {p, plan, a_k, b_k, packed_k, room};
    const size_t tasks = p->batch * plan.rows.parts * plan.lanes.parts;
    parallel_for(tasks, block_task, &work);
}
