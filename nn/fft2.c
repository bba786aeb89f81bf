/* nn/fft2.c - Fourier transforms of planes (see nn/fft.h). */
#include <math.h>
#include <string.h>

#include "base/threads.h"
#include "nn/fft.h"

Status fft2_plan(Fft2Plan *out, int height, int width, Arena *arena, Error *err)
{
    Fft2Plan plan = {.height = height, .width = width};
    Status status = fft_plan(&plan.row, width, arena, err);
    if (status == STATUS_OK && height == width)
        plan.column = plan.row;
    else if (status == STATUS_OK)
        status = fft_plan(&plan.column, height, arena, err);
    if (status == STATUS_OK)
        *out = plan;
    return status;
}

/* One column beside what the transforms take. */
size_t fft2_scratch(const Fft2Plan *plan)
{
    const size_t row = fft_scratch(&plan->row), column = fft_scratch(&plan->column);
    return 2 * (size_t)plan->height + (row > column ? row : column);
}

static void transform(const Fft2Plan *plan, double *z, double *scratch,
                      void (*way)(const FftPlan *plan, double *z, double *scratch))
{
    const size_t h = (size_t)plan->height, w = (size_t)plan->width;
    double *column = scratch, *more = scratch + 2 * h;
    const double share = 1.0 / sqrt((double)h * (double)w);
    for (size_t i = 0; i < h; i++)
        way(&plan->row, z + 2 * i * w, more);
    for (size_t j = 0; j < w; j++) {
        for (size_t i = 0; i < h; i++)
            memcpy(column + 2 * i, z + 2 * (i * w + j), 2 * sizeof *z);
        way(&plan->column, column, more);
        for (size_t i = 0; i < h; i++) {
            z[2 * (i * w + j)] = column[2 * i] * share;
            z[2 * (i * w + j) + 1] = column[2 * i + 1] * share;
        }
    }
}

void fft2_forward(const Fft2Plan *plan, double *z, double *scratch)
{
    transform(plan, z, scratch, fft_forward);
}

void fft2_inverse(const Fft2Plan *plan, double *z, double *scratch)
{
    transform(plan, z, scratch, fft_inverse);
}

/* ---- on the tape ---- */

typedef struct {
    TapeNode node;
    Tensor *x;
    Fft2Plan plan;
} Fft2Node;

/* All planes of a batch; a worker has room for one plane and its transform's scratch. */
typedef struct {
    const Fft2Plan *plan;
    float *y;
    const float *x;
    int channels;
    double *room;
    size_t each; /* numbers of room a worker has */
} Fft2Task;

static size_t plane_of(const Fft2Plan *plan)
{
    return (size_t)plan->height * (size_t)plan->width;
}

/* Plane i of x (N,C,H,W) to its two planes of y (N,2C,H,W). */
static void forward_plane(void *context, size_t i, int worker)
{
    const Fft2Task *t = context;
    const size_t n = plane_of(t->plan), C = (size_t)t->channels;
    double *z = t->room + (size_t)worker * t->each;
    const float *x = t->x + i * n;
    float *re = t->y + (i / C * 2 * C + i % C) * n, *im = re + C * n;
    for (size_t k = 0; k < n; k++) {
        z[2 * k] = (double)x[k];
        z[2 * k + 1] = 0.0;
    }
    fft2_forward(t->plan, z, z + 2 * n);
    for (size_t k = 0; k < n; k++) {
        re[k] = (float)z[2 * k];
        im[k] = (float)z[2 * k + 1];
    }
}

/* Two planes of dy, in x here, to plane i of dx, in y. */
static void backward_plane(void *context, size_t i, int worker)
{
    const Fft2Task *t = context;
    const size_t n = plane_of(t->plan), C = (size_t)t->channels;
    double *z = t->room + (size_t)worker * t->each;
    const float *re = t->x + (i / C * 2 * C + i % C) * n, *im = re + C * n;
    for (size_t k = 0; k < n; k++) {
        z[2 * k] = (double)re[k];
        z[2 * k + 1] = (double)im[k];
    }
    fft2_inverse(t->plan, z, z + 2 * n);
    for (size_t k = 0; k < n; k++)
        t->y[i * n + k] = (float)z[2 * k];
}

static bool run_planes(Tape *tape, Arena *scratch, Fft2Task task, size_t planes, ThreadTask plane)
{
    const ArenaMark mark = arena_mark(scratch);
    task.each = 2 * plane_of(task.plan) + fft2_scratch(task.plan);
    task.room = arena_raw(scratch, (size_t)threads_count() * task.each, sizeof *task.room);
    if (task.room != NULL)
        parallel_for(planes, plane, &task);
    else
        tape_fail(tape, STATUS_MEMORY, "no memory for Fourier transforms");
    arena_release(scratch, mark);
    return task.room != NULL;
}

static void node_backward(Tape *tape, const TapeNode *node)
{
    const Fft2Node *self = (const Fft2Node *)node;
    const Tensor *x = self->x, *y = node->out;
    float *dx = tape_grad_begin(tape, x);
    if (dx == NULL)
        return;
    const Fft2Task task = {.plan = &self->plan, .y = dx, .x = y->grad, .channels = x->dim[1]};
    run_planes(tape, tape->arena, task, (size_t)x->dim[0] * (size_t)x->dim[1], backward_plane);
    tape_grad_end(tape, self->x, dx);
}

Tensor *fft2(Tape *tape, Tensor *x)
{
    Fft2Plan plan;
    if (x == NULL)
        return NULL;
    if (x->rank != 4 || x->dim[2] < 1 || x->dim[3] < 1)
        return tape_fail(tape, STATUS_SHAPE, "fft2: expected x (N,C,H,W) with planes that are not empty");
    if (x->dim[1] > 1 << 30)
        return tape_fail(tape, STATUS_SHAPE, "fft2: %d channels", x->dim[1]);
    const int dim[4] = {x->dim[0], 2 * x->dim[1], x->dim[2], x->dim[3]};
    Tensor *y = tape_result(tape, x, 4, dim);
    if (y == NULL || fft2_plan(&plan, x->dim[2], x->dim[3], tape->arena, &tape->error) != STATUS_OK)
        return NULL;
    const Fft2Task task = {.plan = &plan, .y = y->data, .x = x->data, .channels = x->dim[1]};
    if (!run_planes(tape, tape->arena, task, (size_t)x->dim[0] * (size_t)x->dim[1], forward_plane))
        return NULL;
    Fft2Node *node = tape_push(tape, y, sizeof *node, node_backward);
    if (node != NULL) {
        node->x = x;
        node->plan = plan;
    }
    return y;
}
