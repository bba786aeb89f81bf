/* cli/laws.h - why a build is off the contract: its laws, each tried alone, from the ground up.
 *
 * When a golden hash differs, something below it does.  What a law stands on comes before it in the list, so the first
 * one that is broken is the cause, and the others may be its consequences. */
#ifndef CLI_LAWS_H
#define CLI_LAWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/threads.h"
#include "nn/matmul.h"

enum { LAW_FUNCTIONS = 11 };

typedef struct {
    const char *name, *sources;
    float (*scalar)(float x);
    void (*array)(float *y, const float *x, size_t n);
} LawFunction;

/* What is tried: this build's own (LAWS_OWN); a test puts something else in the place of one. */
typedef struct {
    void (*sha256)(char hex[65], const void *data, size_t size);
    uint64_t (*multiply_integers)(uint64_t a, uint64_t b), (*divide_integers)(uint64_t a, uint64_t b);
    double (*from_int64)(int64_t n), (*from_uint64)(uint64_t n);
    float (*operation32[4])(float a, float b);    /* + - * / */
    double (*operation64[4])(double a, double b); /* + - * / */
    bool (*below)(double a, double b), (*equal)(double a, double b);
    float (*narrow)(double x);
    double (*widen)(float x);
    int32_t (*to_int)(float x);
    float (*sqrt32)(float x), (*fabs32)(float x), (*rint32)(float x);
    double (*sqrt64)(double x), (*fabs64)(double x), (*rint64)(double x), (*floor64)(double x),
        (*ceil64)(double x);
    double (*ldexp64)(double x, int e), (*frexp64)(double x, int *e);
    LawFunction function[LAW_FUNCTIONS];
    double (*function64[4])(double x); /* exp log sin cos */
    double (*pow64)(double x, double y);
    double (*sum)(const float *x, size_t n);
    void (*product)(float *c, const float *a, const float *b, const MatmulShape *shape, void *scratch);
    void (*philox)(uint32_t counter[4], const uint32_t key[2]);
    uint32_t (*twister)(uint32_t seed, int n); /* word n of the Mersenne Twister */
    void (*tasks)(size_t count, ThreadTask task, void *context);
} LawParts;

extern const LawParts LAWS_OWN;

typedef struct {
    const char *law; /* what should hold: "the quotient of two floats is rounded once, to the nearest" */
    char found[300]; /* what was found: "3f800000 / 40400000 gives 3eaaaaaa, not 3eaaaaab" */
    const char *look_at; /* files, functions and options that decide it */
} LawBroken;

/* False: all hold.  True: *out has the first that does not.  What there is no memory for is not tried. */
bool laws_first_broken(LawBroken *out, const LawParts *parts, Arena *scratch);

/* A law of the list: true when it is broken, with out->found, and out->look_at where it is told more exactly. */
typedef bool Law(LawBroken *out, const LawParts *parts, Arena *scratch);

/* cli/law_operations.c */
Law law_sha256, law_integers, law_guards, law_workers, law_comparisons, law_floats, law_doubles,
    law_conversions, law_roots, law_exact_functions;
/* cli/law_functions.c */
Law law_functions, law_function_loops, law_functions64;
/* cli/law_orders.c */
Law law_sums, law_products, law_words, law_threads;

#endif
