/* tests/net_check.h - what the tests of layers and networks share: numbers to feed them, slopes against
 * gradients with their sign, and runs in which one allocation fails. */
#ifndef TESTS_NET_CHECK_H
#define TESTS_NET_CHECK_H

#include <stdarg.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "io/json.h"
#include "io/sha256.h"
#include "nn/tape.h"
#include "tests/check.h"
#include "weights/weights.h"

/* A float in [-1, 1) from a counter: every call the next one (Knuth's 64-bit linear congruence). */
static inline float any_float(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(*state >> 32) * 0x1p-31f;
}

static inline void fill_any(float *x, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++)
        x[i] = any_float(&seed);
}

/* A tensor of its own, filled from the seed; any_tensor(arena, seed, rank, dim 0, dim 1, ...). */
static inline Tensor *any_tensor(Arena *arena, uint64_t seed, int rank, ...)
{
    Tensor *x = arena_alloc(arena, 1, sizeof *x);
    va_list dims;
    if (x == NULL)
        abort();
    *x = (Tensor){.rank = rank};
    va_start(dims, rank);
    for (int i = 0; i < TENSOR_RANK; i++)
        x->dim[i] = i < rank ? va_arg(dims, int) : 1;
    va_end(dims);
    x->data = arena_alloc(arena, tensor_count(x) + 1, sizeof *x->data);
    if (x->data == NULL)
        abort();
    fill_any(x->data, tensor_count(x), seed);
    return x;
}

/* Moves every parameter away from what it was created as, so that no norm is the identity and no two biases
 * are the same. */
static inline void scramble(Weights *w, uint64_t seed)
{
    for (Parameter *p = w->first; p != NULL; p = p->next)
        for (size_t i = 0; i < tensor_count(p->tensor); i++)
            p->tensor->data[i] += 0.25f * any_float(&seed);
}

/* Sets every parameter to numbers that depend on nothing else in the library: norms near 1, the others small. */
static inline void settle(Weights *w, uint64_t seed)
{
    for (Parameter *p = w->first; p != NULL; p = p->next)
        for (size_t i = 0; i < tensor_count(p->tensor); i++) {
            const float around =
                strstr(p->name, "norm") != NULL && strstr(p->name, "weight") != NULL ? 1.0f : 0.0f;
            p->tensor->data[i] = around + 0.25f * any_float(&seed);
        }
}

static inline Tensor *parameter(const Weights *w, const char *name)
{
    for (const Parameter *p = w->first; p != NULL; p = p->next)
        if (strcmp(p->name, name) == 0)
            return p->tensor;
    CHECK(!"no such parameter");
    printf("    %s\n", name);
    abort();
}

static inline bool same_bits(const float *x, const float *y, size_t count)
{
    return memcmp(x, y, count * sizeof *x) == 0;
}

/* The largest difference of a tensor from binary64 numbers; infinite when the counts differ or a NaN is in. */
static inline double furthest(const Tensor *got, const double *want, size_t count)
{
    double worst = 0.0;
    if (got == NULL || tensor_count(got) != count)
        return INFINITY;
    for (size_t i = 0; i < count; i++) {
        const double off = fabs((double)got->data[i] - want[i]);
        if (!(off <= worst))
            worst = off == off ? off : INFINITY;
    }
    return worst;
}

/* Adds numbers to a hash as little-endian binary32. */
static inline void hash_numbers(Sha256 *hash, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[4];
        le32_put(bytes, float_bits(x[i]));
        sha256_add(hash, bytes, sizeof bytes);
    }
}

static inline const Json *json_of(Arena *arena, const char *text)
{
    const Json *json = NULL;
    Error err = {0};
    if (!CHECK(json_parse(&json, text, strlen(text), "test", arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        abort();
    }
    return json;
}

/* sum of dy * run(inputs), in binary64. */
static inline double weighted_result(Segment run, const void *context, Tensor *const *inputs,
                                     const float *dy)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    double sum = 0.0;
    const Tensor *y = run(&tape, context, inputs);
    CHECK(y != NULL);
    for (size_t i = 0; y != NULL && i < tensor_count(y); i++)
        sum += (double)dy[i] * (double)y->data[i];
    arena_free(&arena);
    return sum;
}

/* The gradient of sum(dy * run(inputs)) with respect to `varied` (an input or a parameter) against the slope
 * of that sum along a direction, measured at +-step.  Signs and sizes have to agree, to a share of the slope
 * that such a gradient has along a usual direction. */
static inline void check_slope(Segment run, const void *context, Tensor *const *inputs, Tensor *varied,
                               float step, double tolerance)
{
    Arena arena = {0}, gradients = {0}, own = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    const size_t count = tensor_count(varied);
    float *start = arena_alloc(&own, count, sizeof *start);
    float *direction = arena_alloc(&own, count, sizeof *direction);
    varied->wants_grad = varied->keeps_grad = true;
    varied->grad = NULL;
    Tensor *y = run(&tape, context, inputs);
    if (!CHECK(y != NULL) || start == NULL || direction == NULL) {
        printf("    %s\n", tape.error.text);
        return;
    }
    float *dy = arena_alloc(&own, tensor_count(y), sizeof *dy);
    fill_any(dy, tensor_count(y), 77);
    CHECK(tape_backward(&tape, y, dy) == STATUS_OK && varied->grad != NULL);
    double slope = 0.0, size = 0.0;
    memcpy(start, varied->data, count * sizeof *start);
    fill_any(direction, count, 78);
    for (size_t i = 0; varied->grad != NULL && i < count; i++) {
        const float moved = start[i] + step * direction[i], back = start[i] - step * direction[i];
        const double part = (double)varied->grad[i] * ((double)moved - (double)back);
        slope += part;
        size += part * part;
        varied->data[i] = moved;
    }
    varied->wants_grad = varied->keeps_grad = false;
    varied->grad = NULL;
    const double up = weighted_result(run, context, inputs, dy);
    for (size_t i = 0; i < count; i++)
        varied->data[i] = start[i] - step * direction[i];
    const double down = weighted_result(run, context, inputs, dy);
    memcpy(varied->data, start, count * sizeof *start);
    if (!CHECK(fabs(slope - (up - down)) <= tolerance * fmax(fabs(slope), sqrt(size))))
        printf("    gradient says %.9g, slope is %.9g\n", slope, up - down);
    arena_free(&arena);
    arena_free(&gradients);
    arena_free(&own);
}

/* Calls attempt with the n-th allocation of *failing failing, n = 1, 2, 3 ..., until it succeeds; every run
 * before that has to end with STATUS_MEMORY.  Beyond the first 200 only every so many are tried. */
static inline void check_allocations(Status (*attempt)(void *context), void *context, Arena *failing)
{
    int wrong = 0;
    size_t n = 1;
    for (;; n += n < 200 ? 1 : n / 32) {
        failing->fail_after = n;
        const Status status = attempt(context);
        if (status == STATUS_OK)
            break;
        wrong += status != STATUS_MEMORY;
        if (!(n < 1000000))
            break;
    }
    failing->fail_after = 0;
    CHECK(wrong == 0);
    CHECK(n > 1 && n < 1000000);
}

#endif
