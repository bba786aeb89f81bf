/* tests/bench_kernels.c - how fast the product kernels are.  Not a test: `make check` only builds it.
 *
 *   bench_kernels          a table of our own speeds on the shapes of the U-Nets, one and two threads
 *   bench_kernels serve    reads one job a line and answers with its seconds; tools/bench_kernels.py asks this way,
 *                          so that our runs and those of PyTorch and OpenBLAS alternate on the same machine
 *
 * A job is:  kind pass threads repeats sizes...
 *   matmul     forward                     M N K transpose_b
 *   linear     forward|input|weight        N T in out
 *   conv       forward|input|weight        N C H W O kernel stride pad
 *   attention  forward|backward            B T S heads d */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/isa.h"
#include "base/threads.h"
#include "nn/attention.h"
#include "nn/conv2d.h"
#include "nn/linear.h"
#include "nn/matmul.h"

enum { SIZES = 8, BUFFERS = 8 };

typedef struct {
    char kind[16], pass[16];
    int threads, repeats, size[SIZES];
} Job;

typedef struct {
    Arena arena;
    float *data[BUFFERS];
} Memory;

/* With one thread, the processor's time: other programs disturb it less.  With more, the clock on the wall. */
static double seconds(void)
{
    struct timespec t;
    clock_gettime(threads_count() == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *must(void *data)
{
    if (data == NULL) {
        fprintf(stderr, "bench_kernels: out of memory\n");
        exit(1);
    }
    return data;
}

/* Buffer i with `count` numbers in [-1, 1). */
static float *buffer(Memory *m, int i, size_t count)
{
    m->data[i] = must(arena_raw(&m->arena, count, sizeof(float)));
    unsigned state = (unsigned)i * 77u + 1u;
    for (size_t j = 0; j < count; j++) {
        state = state * 1664525u + 1013904223u;
        m->data[i][j] = (float)(int)(state >> 8) * 0x1p-23f - 1.0f;
    }
    return m->data[i];
}

static void *scratch_of(Memory *m, size_t bytes)
{
    return must(arena_raw(&m->arena, bytes, 1));
}

static double matmul_job(const Job *job, Memory *m)
{
    const int *d = job->size;
    const MatmulShape s = {1, (size_t)d[0], (size_t)d[1], (size_t)d[2], d[3] != 0};
    float *a = buffer(m, 0, s.M * s.K), *b = buffer(m, 1, s.K * s.N), *c = buffer(m, 2, s.M * s.N);
    void *scratch = scratch_of(m, matmul_scratch(&s));
    const double start = seconds();
    for (int i = 0; i < job->repeats; i++)
        matmul_forward(c, a, b, &s, scratch);
    return seconds() - start;
}

static double linear_job(const Job *job, Memory *m)
{
    const int *d = job->size;
    const LinearShape s = {(size_t)d[0], (size_t)d[1], (size_t)d[2], (size_t)d[3]};
    float *x = buffer(m, 0, s.N * s.T * s.in), *y = buffer(m, 1, s.N * s.T * s.out);
    float *weight = buffer(m, 2, s.out * s.in), *bias = buffer(m, 3, s.out);
    void *scratch = scratch_of(m, linear_forward_scratch(&s) + linear_backward_scratch(&s));
    const double start = seconds();
    for (int i = 0; i < job->repeats; i++) {
        if (strcmp(job->pass, "forward") == 0)
            linear_forward(y, x, weight, bias, &s, scratch);
        else if (strcmp(job->pass, "input") == 0)
            linear_backward_input(x, y, weight, &s, scratch);
        else
            linear_backward_weight(weight, y, x, &s, scratch);
    }
    return seconds() - start;
}

static double conv_job(const Job *job, Memory *m)
{
    const int *d = job->size;
    const Tensor like = {.rank = 4, .dim = {d[0], d[1], d[2], d[3]}};
    const Tensor kernel = {.rank = 4, .dim = {d[4], d[1], d[5], d[5]}};
    Conv2dShape s;
    if (!conv2d_shape(&s, &like, &kernel, conv2d_padding(d[6], d[7])))
        return -1.0;
    float *x = buffer(m, 0, s.N * s.C * s.H * s.W), *y = buffer(m, 1, s.N * s.O * s.OH * s.OW);
    float *weight = buffer(m, 2, s.O * s.C * s.KH * s.KW), *bias = buffer(m, 3, s.O);
    void *scratch = scratch_of(m, conv2d_forward_scratch(&s) + conv2d_backward_scratch(&s));
    const double start = seconds();
    for (int i = 0; i < job->repeats; i++) {
        if (strcmp(job->pass, "forward") == 0)
            conv2d_forward(y, x, weight, bias, &s, scratch);
        else if (strcmp(job->pass, "input") == 0)
            conv2d_backward_input(x, y, weight, &s, scratch);
        else
            conv2d_backward_weight(weight, y, x, &s, scratch);
    }
    return seconds() - start;
}

static double attention_job(const Job *job, Memory *m)
{
    const int *d = job->size;
    const AttentionShape s = {.B = (size_t)d[0],
                              .T = (size_t)d[1],
                              .S = (size_t)d[2],
                              .heads = (size_t)d[3],
                              .d = (size_t)d[4],
                              .scale = 0.125f};
    const size_t queries = s.B * s.T * s.heads * s.d, keys = s.B * s.S * s.heads * s.d;
    float *q = buffer(m, 0, queries), *k = buffer(m, 1, keys), *v = buffer(m, 2, keys);
    float *y = buffer(m, 3, queries), *dq = buffer(m, 4, queries), *dk = buffer(m, 5, keys);
    float *dv = buffer(m, 6, keys);
    void *scratch = scratch_of(m, attention_forward_scratch(&s) + attention_backward_scratch(&s));
    const double start = seconds();
    for (int i = 0; i < job->repeats; i++) {
        if (strcmp(job->pass, "forward") == 0)
            attention_forward(y, q, k, v, NULL, &s, scratch);
        else
            attention_backward(dq, dk, dv, y, q, k, v, NULL, &s, scratch);
    }
    return seconds() - start;
}

/* Seconds for one run, or -1 when the job makes no sense. */
static double run(const Job *job)
{
    static Memory memory;
    threads_set(job->threads);
    const ArenaMark mark = arena_mark(&memory.arena);
    double took = -1.0;
    if (strcmp(job->kind, "matmul") == 0)
        took = matmul_job(job, &memory);
    else if (strcmp(job->kind, "linear") == 0)
        took = linear_job(job, &memory);
    else if (strcmp(job->kind, "conv") == 0)
        took = conv_job(job, &memory);
    else if (strcmp(job->kind, "attention") == 0)
        took = attention_job(job, &memory);
    arena_release(&memory.arena, mark);
    return took < 0.0 ? took : took / job->repeats;
}

static int parse(Job *job, char *line)
{
    *job = (Job){.repeats = 0};
    int used = 0;
    if (sscanf(line, "%15s %15s %d %d%n", job->kind, job->pass, &job->threads, &job->repeats, &used) != 4)
        return 0;
    char *at = line + used;
    for (int i = 0; i < SIZES; i++)
        job->size[i] = (int)strtol(at, &at, 10);
    return job->threads > 0 && job->repeats > 0;
}

static int serve(void)
{
    char line[256];
    Job job;
    while (fgets(line, sizeof line, stdin) != NULL) {
        printf("%.9f\n", parse(&job, line) ? run(&job) : -1.0);
        fflush(stdout);
    }
    return 0;
}

/* Multiply-adds of a job, times two. */
static double flops(const Job *job)
{
    const int *d = job->size;
    if (strcmp(job->kind, "matmul") == 0)
        return 2.0 * d[0] * d[1] * d[2];
    if (strcmp(job->kind, "linear") == 0)
        return 2.0 * d[0] * d[1] * d[2] * d[3];
    if (strcmp(job->kind, "attention") == 0)
        return (job->pass[0] == 'f' ? 4.0 : 10.0) * d[0] * d[1] * d[2] * d[3] * d[4];
    const int out = (d[2] + 2 * d[7] - d[5]) / d[6] + 1;
    return 2.0 * d[0] * d[1] * d[4] * d[5] * d[5] * out * out;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "serve") == 0)
        return serve();
    static const char *const jobs[] = {
        "matmul forward %d 1 320 4096 2880 0",     "matmul forward %d 1 4096 320 320 1",
        "linear forward %d 1 32 256 48 144",       "linear input %d 1 32 256 48 144",
        "linear weight %d 1 32 256 48 144",        "conv forward %d 1 32 48 16 16 48 3 1 1",
        "conv input %d 1 32 48 16 16 48 3 1 1",    "conv weight %d 1 32 48 16 16 48 3 1 1",
        "conv forward %d 1 32 160 4 4 160 3 1 1",  "conv input %d 1 32 160 4 4 160 3 1 1",
        "conv weight %d 1 32 160 4 4 160 3 1 1",   "conv forward %d 1 1 320 64 64 320 3 1 1",
        "attention forward %d 1 1 4096 4096 8 40",
    };
    printf("%-46s %10s %10s   (%s)\n", "job", "1 thread", "2 threads", isa_name(isa_level()));
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        double best[2] = {1e30, 1e30};
        Job job;
        for (int attempt = 0; attempt < 10; attempt++) {
            char line[128];
            snprintf(line, sizeof line, jobs[i], attempt % 2 + 1);
            if (!parse(&job, line))
                return 1;
            const double took = run(&job);
            best[attempt % 2] = took < best[attempt % 2] ? took : best[attempt % 2];
        }
        char line[128];
        snprintf(line, sizeof line, jobs[i], 2);
        printf("%-46s %7.1f GF %7.1f GF\n", line, flops(&job) / best[0] * 1e-9,
               flops(&job) / best[1] * 1e-9);
    }
    return 0;
}
