/* tests/gradcheck.h - what every operator on the tape is tried with.
 *
 *     static Tensor *build(Tape *tape, Tensor *const *x, const void *context)
 *     {
 *         return group_norm(tape, x[0], x[1], x[2], 2, 1e-5f);
 *     }
 *     ...
 *     OperatorCase c = {.name = "group_norm", .build = build, .count = 3};
 *     c.x[0] = test_tensor(&arena, 1, 4, (int[]){2, 4, 3, 3});     numbers in (-1, 1), wants_grad
 *     c.x[1] = test_tensor(&arena, 2, 1, (int[]){4});
 *     c.x[2] = test_tensor(&arena, 3, 1, (int[]){4});
 *     operatorcheck(&c, 0x6);              inputs 1 and 2 are parameters, shared by all samples
 *
 * operatorcheck is the five below; call them one by one where some do not apply. */
#ifndef TESTS_GRADCHECK_H
#define TESTS_GRADCHECK_H

#include <stdint.h>
#include <stdlib.h>

#include "base/isa.h"
#include "base/threads.h"
#include "nn/tape.h"
#include "tests/check.h"

enum { CASE_INPUTS = 6 };

typedef struct {
    const char *name;
    Tensor *(*build)(Tape *tape, Tensor *const *x, const void *context);
    const void *context;
    Tensor *x[CASE_INPUTS]; /* those with wants_grad are differentiated */
    int count;
    double step; /* of the central difference; 0: 1/32 */
} OperatorCase;

/* Number i of stream `seed`: uniform in (-1, 1), a multiple of 2^-23. */
static inline float test_number(uint64_t seed, uint64_t i)
{
    uint64_t z = seed * 0x9e3779b97f4a7c15u + (i + 1) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return ((float)(z >> 41) + 0.5f) * 0x1p-22f - 1.0f;
}

static inline void test_fill(float *x, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        x[i] = test_number(seed, i);
}

/* Numbers of which every third is +-2^60: sums in another order differ in their leading digits. */
static inline void test_fill_steep(float *x, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        const float v = test_number(seed, i);
        x[i] = v < -0.67f ? -0x1p60f : v > 0.67f ? 0x1p60f : v;
    }
}

/* A tensor that wants a gradient, filled from a stream.  Ends the program when there is no memory. */
static inline Tensor *test_tensor(Arena *arena, uint64_t seed, int rank, const int *dim)
{
    Tensor *x = arena_alloc(arena, 1, sizeof *x);
    if (x == NULL)
        exit(1);
    *x = (Tensor){.rank = rank, .dim = {1, 1, 1, 1}, .wants_grad = true, .keeps_grad = true};
    for (int k = 0; k < rank; k++)
        x->dim[k] = dim[k];
    x->data = arena_raw(arena, tensor_count(x), sizeof *x->data);
    if (x->data == NULL)
        exit(1);
    test_fill(x->data, tensor_count(x), seed);
    return x;
}

/* ---- one run ---- */

typedef enum { RUN_PLAIN, RUN_CHECKPOINT, RUN_INFERENCE } RunMode;

typedef struct {
    Status status;
    size_t count;                 /* of y */
    float *y, *grad[CASE_INPUTS]; /* in the caller's arena; grad is NULL where none was asked for */
} CaseResult;

typedef struct {
    RunMode mode;
    size_t fail_results, fail_gradients; /* Arena.fail_after of the two arenas */
    size_t first; /* number of dy at which this run begins: its samples' place in a batch */
    bool forward_only;
} RunOptions;

static inline float *kept_copy(Arena *keep, const float *x, size_t n)
{
    float *copy = arena_alloc(keep, n + 1, sizeof *copy);
    if (copy == NULL)
        exit(1);
    if (x != NULL)
        memcpy(copy, x, n * sizeof *copy);
    return copy;
}

static inline Tensor *case_segment(Tape *tape, const void *context, Tensor *const *inputs)
{
    const OperatorCase *c = context;
    return c->build(tape, inputs, c->context);
}

/* Runs the case with inputs x, then back from dy[i] = test_number(99, first + i).  A gradient that an input has
 * already is added to and stays; otherwise x->grad is NULL again afterwards. */
static inline CaseResult case_run(const OperatorCase *c, Tensor *const *x, RunOptions options, Arena *keep)
{
    Arena results = {.fail_after = options.fail_results},
          gradients = {.fail_after = options.fail_gradients};
    Tape tape = {.arena = &results, .gradients = &gradients};
    CaseResult out = {STATUS_OK, 0, NULL, {NULL}};
    bool had[CASE_INPUTS] = {false};
    for (int k = 0; k < c->count; k++)
        had[k] = x[k]->grad != NULL;
    tape.recording = options.mode != RUN_INFERENCE;
    tape.checkpoint = options.mode == RUN_CHECKPOINT;
    Tensor *y = options.mode == RUN_PLAIN ? c->build(&tape, x, c->context)
                                          : tape_segment(&tape, case_segment, c, sizeof *c, x, c->count);
    if (y != NULL && tape.error.status == STATUS_OK) {
        out.count = tensor_count(y);
        out.y = kept_copy(keep, y->data, out.count);
        float *dy = kept_copy(keep, NULL, out.count);
        for (size_t i = 0; i < out.count; i++)
            dy[i] = test_number(99, options.first + i);
        if (tape.recording && !options.forward_only && tape_backward(&tape, y, dy) == STATUS_OK)
            for (int k = 0; k < c->count; k++)
                if (x[k]->wants_grad)
                    out.grad[k] = kept_copy(keep, x[k]->grad, tensor_count(x[k]));
    }
    out.status = tape.error.status;
    if (y == NULL)
        check_that(out.status != STATUS_OK, "NULL comes with an error", c->name, __LINE__);
    for (int k = 0; k < c->count; k++)
        if (!had[k])
            x[k]->grad = NULL;
    arena_free(&results);
    arena_free(&gradients);
    return out;
}

static inline int same_bits(const float *a, const float *b, size_t n)
{
    return (a == NULL && b == NULL) || (a != NULL && b != NULL && memcmp(a, b, n * sizeof *a) == 0);
}

static inline void check_same(const OperatorCase *c, const CaseResult *got, const CaseResult *want,
                              const char *what)
{
    int good =
        got->status == STATUS_OK && got->count == want->count && same_bits(got->y, want->y, want->count);
    for (int k = 0; k < c->count; k++)
        good = good && same_bits(got->grad[k], want->grad[k], tensor_count(c->x[k]));
    if (!check_that(good, what, c->name, __LINE__))
        printf("    status %d, %zu numbers\n", (int)got->status, got->count);
}

/* ---- the five checks ---- */

/* sum of w y (binary64), w as in case_run; also adds up the squares, for the noise of rounding. */
static inline double case_loss(const OperatorCase *c, double *square, Arena *keep)
{
    const CaseResult r = case_run(c, c->x, (RunOptions){.forward_only = true}, keep);
    double loss = 0.0;
    for (size_t i = 0; i < r.count; i++) {
        const double term = (double)test_number(99, i) * (double)r.y[i];
        loss += term;
        *square += term * term;
    }
    return loss;
}

/* What is left of (L(x + hv) - L(x - hv)) / 2h after <g, v>; rounding of x + hv is accounted for. */
static inline double slope_rest(const OperatorCase *c, int k, const float *grad, uint64_t seed, double h,
                                double *square, Arena *keep)
{
    Tensor *x = c->x[k];
    const size_t n = tensor_count(x);
    float *centre = kept_copy(keep, x->data, n);
    double expected = 0.0, up, down;
    for (size_t i = 0; i < n; i++)
        x->data[i] = (float)((double)centre[i] + h * (double)test_number(seed, i));
    up = case_loss(c, square, keep);
    for (size_t i = 0; i < n; i++) {
        const float below = (float)((double)centre[i] - h * (double)test_number(seed, i));
        expected += (double)grad[i] * ((double)x->data[i] - (double)below);
        x->data[i] = below;
    }
    down = case_loss(c, square, keep);
    memcpy(x->data, centre, n * sizeof *centre);
    return (up - down - expected) / (2.0 * h);
}

/* Central differences, with sign, along three random directions for each input, extrapolated from two steps:
 * the rest must be below 1e-3 of the gradient's size. */
static inline void gradcheck(const OperatorCase *c)
{
    Arena keep = {0};
    const double h = c->step > 0.0 ? c->step : 1.0 / 32.0;
    threads_set(1); /* many small runs; widthcheck tries the threads */
    const CaseResult r = case_run(c, c->x, (RunOptions){.mode = RUN_PLAIN}, &keep);
    if (!check_that(r.status == STATUS_OK, "runs", c->name, __LINE__))
        printf("    status %d\n", (int)r.status);
    for (int k = 0; k < c->count && r.status == STATUS_OK; k++)
        for (uint64_t seed = 1000; seed < 1003 && c->x[k]->wants_grad; seed++) {
            double size = 0.0, square = 0.0;
            for (size_t i = 0; i < tensor_count(c->x[k]); i++) {
                const double term = (double)r.grad[k][i] * (double)test_number(seed, i);
                size += term * term;
            }
            const double coarse = slope_rest(c, k, r.grad[k], seed, h, &square, &keep);
            const double fine = slope_rest(c, k, r.grad[k], seed, 0.5 * h, &square, &keep);
            const double rest = (4.0 * fine - coarse) / 3.0;
            const double allowed = 1e-3 * sqrt(size) + 0x1p-22 * sqrt(square) / h;
            if (!check_that(fabs(rest) <= allowed, "gradient is the slope", c->name, __LINE__))
                printf("    input %d: rest %g, gradient size %g, allowed %g\n", k, rest, sqrt(size),
                       allowed);
        }
    threads_set(0);
    arena_free(&keep);
}

/* Every allocation of the run is made to fail once: each time STATUS_MEMORY. */
static inline void memorycheck(const OperatorCase *c)
{
    for (int gradients = 0; gradients < 2; gradients++) {
        Status status = STATUS_MEMORY;
        size_t n = 0;
        while (status == STATUS_MEMORY && ++n < 1000) {
            Arena keep = {0};
            const RunOptions options = {.fail_results = gradients ? 0 : n,
                                        .fail_gradients = gradients ? n : 0};
            status = case_run(c, c->x, options, &keep).status;
            arena_free(&keep);
        }
        check_that(status == STATUS_OK && n > 1, "survives each failing allocation", c->name, __LINE__);
    }
}

/* One batch gives the bits of its samples one after the other; bit k of `shared`: input k is a parameter, all
 * others have the samples along axis 0, and so has y. */
static inline void batchcheck(const OperatorCase *c, unsigned shared)
{
    Arena keep = {0};
    int samples = 0;
    for (int k = 0; k < c->count; k++) {
        if (c->x[k]->wants_grad)
            c->x[k]->grad = kept_copy(&keep, NULL, tensor_count(c->x[k]));
        samples = (shared >> k & 1) ? samples : c->x[k]->dim[0];
    }
    const CaseResult whole = case_run(c, c->x, (RunOptions){.mode = RUN_PLAIN}, &keep);
    int good = samples > 0 && whole.status == STATUS_OK;
    for (int k = 0; k < c->count; k++)
        if (c->x[k]->wants_grad)
            memset(c->x[k]->grad, 0, tensor_count(c->x[k]) * sizeof(float));
    for (int n = 0; n < samples && good; n++) {
        Tensor one[CASE_INPUTS], *x[CASE_INPUTS];
        for (int k = 0; k < c->count; k++) {
            one[k] = *c->x[k];
            x[k] = &one[k];
            if (shared >> k & 1)
                continue;
            one[k].dim[0] = 1;
            one[k].data += (size_t)n * tensor_sample(c->x[k]);
            if (one[k].wants_grad)
                one[k].grad += (size_t)n * tensor_sample(c->x[k]);
        }
        const size_t each = whole.count / (size_t)samples;
        const CaseResult r = case_run(c, x, (RunOptions){.first = (size_t)n * each}, &keep);
        good = r.status == STATUS_OK && r.count == each && same_bits(r.y, whole.y + (size_t)n * each, each);
    }
    check_that(good, "batch gives the bits of its samples", c->name, __LINE__);
    for (int k = 0; k < c->count; k++) {
        if (c->x[k]->wants_grad && good &&
            !check_that(same_bits(c->x[k]->grad, whole.grad[k], tensor_count(c->x[k])),
                        "batch leaves the gradient of its samples", c->name, __LINE__))
            printf("    input %d\n", k);
        c->x[k]->grad = NULL;
    }
    arena_free(&keep);
}

/* The same bits on every instruction set and with 1, 2 and 3 threads. */
static inline void widthcheck(const OperatorCase *c)
{
    Arena keep = {0};
    isa_limit(ISA_BASE);
    threads_set(1);
    const CaseResult want = case_run(c, c->x, (RunOptions){.mode = RUN_PLAIN}, &keep);
    for (int level = ISA_BASE; level <= ISA_AVX512; level++)
        for (int threads = 1; threads <= 3; threads++) {
            isa_limit((IsaLevel)level);
            threads_set(threads);
            const CaseResult got = case_run(c, c->x, (RunOptions){.mode = RUN_PLAIN}, &keep);
            check_same(c, &got, &want, "same bits on all widths and threads");
        }
    isa_limit(ISA_AVX512);
    threads_set(0);
    arena_free(&keep);
}

/* The same bits recorded, checkpointed and (the result) in inference. */
static inline void segmentcheck(const OperatorCase *c)
{
    Arena keep = {0};
    const CaseResult want = case_run(c, c->x, (RunOptions){.mode = RUN_PLAIN}, &keep);
    const CaseResult again = case_run(c, c->x, (RunOptions){.mode = RUN_CHECKPOINT}, &keep);
    CaseResult only_y = want;
    const CaseResult inference = case_run(c, c->x, (RunOptions){.mode = RUN_INFERENCE}, &keep);
    memset(only_y.grad, 0, sizeof only_y.grad);
    check_same(c, &again, &want, "a checkpointed segment gives the same bits");
    check_same(c, &inference, &only_y, "inference gives the same bits");
    arena_free(&keep);
}

static inline void operatorcheck(const OperatorCase *c, unsigned shared)
{
    gradcheck(c);
    memorycheck(c);
    batchcheck(c, shared);
    widthcheck(c);
    segmentcheck(c);
}

#endif
