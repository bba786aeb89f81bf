/* tests/bench_numerics.c - nanoseconds an element of the elementary functions, sums, 16-bit conversions and random
 * numbers, at each instruction set.  Not a test.
 *
 *     make build/gcc/tests/bench_numerics && build/gcc/tests/bench_numerics                                  */
#include <stdio.h>
#include <time.h>

#include "base/elementary.h"
#include "base/half.h"
#include "base/isa.h"
#include "base/rng.h"
#include "base/sum.h"

enum { N = 4096, ROUNDS = 20, TRIES = 25 }; /* x and y lie in the first-level cache; the best try counts */

typedef struct {
    float x[N], y[N];
    double wide[N], sink;
    uint16_t half[N];
    Rng philox, torch;
} Data;

static void run_sum8(Data *d)
{
    d->sink += sum8(d->x, N);
}

static void run_squares(Data *d)
{
    d->sink += sum8_squares(d->x, N, 0.25);
}

static void run_dot(Data *d)
{
    d->sink += sum8_dot(d->x, d->y, N);
}

static void run_double(Data *d)
{
    d->sink += sum8_double(d->wide, N);
}

static void run_to_f16(Data *d)
{
    f16_from_f32_array(d->half, d->x, N);
}

static void run_from_f16(Data *d)
{
    f16_to_f32_array(d->y, d->half, N);
}

static void run_uniform(Data *d)
{
    rng_uniform_fill(&d->philox, d->y, N);
}

static void run_normal(Data *d)
{
    rng_normal_fill(&d->philox, d->y, N);
}

static void run_torch_normal(Data *d)
{
    rng_normal_fill(&d->torch, d->y, N);
}

static const struct {
    const char *name;
    void (*array)(float *y, const float *x, size_t n); /* one of these two */
    void (*other)(Data *d);
} ITEMS[] = {
    {"exp", exp_array, NULL},
    {"expm1", expm1_array, NULL},
    {"log", log_array, NULL},
    {"log1p", log1p_array, NULL},
    {"sin", sin_array, NULL},
    {"cos", cos_array, NULL},
    {"tanh", tanh_array, NULL},
    {"erf", erf_array, NULL},
    {"sigmoid", sigmoid_array, NULL},
    {"silu", silu_array, NULL},
    {"softplus", softplus_array, NULL},
    {"sum8", NULL, run_sum8},
    {"sum8_squares", NULL, run_squares},
    {"sum8_dot", NULL, run_dot},
    {"sum8_double", NULL, run_double},
    {"f16 from f32", NULL, run_to_f16},
    {"f16 to f32", NULL, run_from_f16},
    {"uniform", NULL, run_uniform},
    {"normal", NULL, run_normal},
    {"normal, torch", NULL, run_torch_normal},
};

/* The processor's time: other programs disturb it less. */
static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double nanoseconds(size_t item, Data *d)
{
    double best = 1e9;
    for (int try = 0; try < TRIES; try++) {
        const double start = seconds();
        for (int round = 0; round < ROUNDS; round++)
            if (ITEMS[item].array != NULL)
                ITEMS[item].array(d->y, d->x, N);
            else
                ITEMS[item].other(d);
        const double each = (seconds() - start) / (ROUNDS * (double)N) * 1e9;
        best = each < best ? each : best;
    }
    return best;
}

int main(void)
{
    static Data d;
    d.philox = rng_stream(RNG_PHILOX, 1, STREAM_TEST, 0);
    d.torch = rng_stream(RNG_TORCH, 1, STREAM_TEST, 0);
    rng_normal_fill(&d.philox, d.x, N);
    printf("%-16s", "ns an element");
    for (int level = 0; level < ISA_LEVELS; level++)
        printf("%8s", isa_name((IsaLevel)level));
    printf("\n");
    for (size_t i = 0; i < sizeof ITEMS / sizeof ITEMS[0]; i++) {
        printf("%-16s", ITEMS[i].name);
        for (int level = 0; level < ISA_LEVELS; level++) {
            isa_limit((IsaLevel)level);
            printf("%8.2f", nanoseconds(i, &d));
        }
        printf("\n");
    }
    return d.sink == 0.5; /* so that no sum is left out */
}
