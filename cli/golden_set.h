/* cli/golden_set.h - golden sets: inputs, outputs, truth and bounds for people who compute the same elsewhere.
 *
 * A set is a folder: index.json and one safetensors file a part.  A part holds cases; a case holds tensors:
 * what is given (inputs, the gradient that comes back from the output) and what is to be computed (outputs,
 * gradients), each of the latter with the contract's bits, the truth in binary64 and a bound.
 * The format is described in docs/formats/golden.md. */
#ifndef CLI_GOLDEN_SET_H
#define CLI_GOLDEN_SET_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "cli/result.h"
#include "io/dtype.h"

typedef enum { GOLDEN_INPUT, GOLDEN_OUTPUT, GOLDEN_OUTPUT_GRADIENT, GOLDEN_GRADIENT } GoldenRole;
typedef enum { GOLDEN_VALID, GOLDEN_INVALID, GOLDEN_EITHER } GoldenLabel;

typedef struct GoldenTensor {
    struct GoldenTensor *next;
    GoldenRole role;
    const char *name;   /* "weight", "output", "weight.grad" */
    const char *tensor; /* in the file: "conv2d/ordinary/weight" */
    DType dtype;
    int rank;
    uint64_t dim[4];
    size_t count;
    const void *bits;            /* native numbers of the dtype */
    const double *truth, *bound; /* (count) and (bounds); NULL for what is given */
    size_t bounds;               /* count, or 1: one bound for all */
} GoldenTensor;

enum { GOLDEN_ATTRIBUTES = 14 };

typedef struct GoldenCase {
    struct GoldenCase *next;
    const char *name; /* "conv2d/ordinary" */
    const char *operation, *like, *source;
    GoldenLabel label;
    const char *attribute[GOLDEN_ATTRIBUTES]; /* NULL behind the last */
    double value[GOLDEN_ATTRIBUTES];
    GoldenTensor *first, *last;
} GoldenCase;

/* What is in one file. */
typedef struct {
    Arena *arena;
    const char *name; /* of the part */
    bool listing;     /* only names are asked for: results need no truth, and nothing is copied */
    GoldenCase *first, *last;
    Error error; /* the first failure */
} GoldenFile;

typedef struct GoldenPart {
    const char *name;
    void (*make)(GoldenFile *file, const void *context);
    const void *context;
} GoldenPart;

/* Part i of the set in the order of index.json; name NULL behind the last. */
GoldenPart golden_part(size_t i);

/* ---- making (cli/golden_set.c); after a failure they give NULL, the reason is in file->error ---- */

/* "part/name"; what it is about is filled by the caller. */
GoldenCase *golden_case(GoldenFile *file, const char *name);

/* Numbers that are given, copied with one NaN.  Integers are given as floats and kept as I64 when the dtype says. */
GoldenTensor *golden_given(GoldenFile *file, GoldenCase *c, GoldenRole role, const char *name, DType dtype,
                           int rank, const int *dim, const float *data);

/* Binary32 numbers to be computed; truth and bound are copied, and may be NULL in a listing. */
GoldenTensor *golden_result(GoldenFile *file, GoldenCase *c, GoldenRole role, const char *name, int rank,
                            const int *dim, const float *data, const double *truth, const double *bound,
                            size_t bounds);

/* The same for numbers of another kind, whose data must stay. */
GoldenTensor *golden_result_raw(GoldenFile *file, GoldenCase *c, const char *name, DType dtype,
                                size_t count, const void *data, const double *truth, const double *bound,
                                size_t bounds);

/* Labels the case invalid; `got` is what came of computing it: a set that asks to refuse what we compute is wrong. */
void golden_refused(GoldenFile *file, GoldenCase *c, Status got);

void golden_attribute(GoldenCase *c, const char *name, double value);

const char *golden_role_name(GoldenRole role);
const char *golden_label_name(GoldenLabel label);

/* ---- what the program does with a set ---- */

typedef struct {
    const char *only; /* parts or cases whose names begin so, parted by commas; NULL: all */
    bool strict;      /* the contract's bits, not only within the bound */
    bool quiet;       /* only lines about failures */
    Result *result;
    ArenaAccount *memory; /* of all arenas; NULL: none */
} GoldenOptions;

bool golden_wanted(const GoldenOptions *options, const char *name);
bool golden_part_wanted(const GoldenOptions *options, const char *part); /* or some case of it is */

/* cli/golden_write.c: makes the folder. */
MUST_CHECK Status golden_write(const char *folder, const GoldenOptions *options, Error *err);
MUST_CHECK Status golden_list(const GoldenOptions *options, Error *err);

/* cli/golden_check.c: computes everything anew and compares it with the folder. */
MUST_CHECK Status golden_check(const char *folder, const GoldenOptions *options, Error *err);

/* |got - truth| / bound: at most 1 is good.  NaN has to meet NaN; an infinity stands for everything from
 * 2^128 - 2^103 on, unless the numbers are wide (binary64); within an infinite bound anything is good. */
double golden_excess(double got, double truth, double bound, bool wide);

/* cli/golden_against.c: compares another implementation's folder with the set. */
MUST_CHECK Status golden_against(const char *folder, const char *other, const GoldenOptions *options,
                                 Error *err);

#endif
