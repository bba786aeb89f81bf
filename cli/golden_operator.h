/* cli/golden_operator.h - operators as golden cases: what runs, what is true, and on which inputs. */
#ifndef CLI_GOLDEN_OPERATOR_H
#define CLI_GOLDEN_OPERATOR_H

#include "cli/golden_set.h"
#include "cli/truth_ops.h"
#include "nn/tape.h"

enum { GOLDEN_INPUTS = 5 };

typedef enum {
    FILL_NORMAL,  /* normal numbers */
    FILL_SPECIAL, /* zeros of both signs, infinities, NaN, subnormals, the largest and smallest; in turn */
    FILL_SUBNORMAL, /* normal numbers times 2^-140 */
    FILL_LARGE,     /* normal numbers times 2^40 */
    FILL_ZEROS,     /* all numbers +0 */
    FILL_MASKED,    /* normal, but every third -infinity */
    FILL_PATTERNS   /* bit patterns at equal steps through all of binary32 */
} GoldenFill;

/* One case: shapes are {rank, sizes}; rank 0: this input is absent. */
typedef struct {
    const char *name;
    GoldenLabel label;
    GoldenFill fill;
    int shape[GOLDEN_INPUTS][5];
    double value[GOLDEN_ATTRIBUTES];
    int below;       /* inputs of whole numbers are in [0, below) */
    unsigned filled; /* bit i: `fill` is for input i, the others are normal; 0: for all */
} OperatorCase;

typedef struct {
    const char *name, *like; /* what PyTorch calls it */
    const char *input[GOLDEN_INPUTS];
    unsigned fixed;    /* bit i: input i gets no gradient */
    unsigned whole;    /* bit i: input i holds whole numbers */
    unsigned positive; /* bit i: input i is above 0: |normal| + 1/16 */
    const char *attribute[GOLDEN_ATTRIBUTES];
    Tensor *(*run)(Tape *tape, Tensor *const *in, const double *value);
    TruthTensor *(*truth)(Truth *t, TruthTensor *const *in, const double *value);
    const OperatorCase *cases; /* name NULL behind the last */
    const char *source;
} GoldenOperator;

/* The tables: name NULL behind the last. */
extern const GoldenOperator GOLDEN_PRODUCTS[], GOLDEN_NORMS[], GOLDEN_FUNCTIONS[], GOLDEN_POINTWISE[],
    GOLDEN_SHAPES[], GOLDEN_LOSSES[], GOLDEN_SPECTRA[], GOLDEN_GUIDANCE[];

/* The `make` of a part whose context is a GoldenOperator. */
void golden_operator_make(GoldenFile *file, const void *context);

/* Whole numbers of x for operators that take them; NULL when x is NULL or memory is short. */
int *golden_whole(Tape *tape, const Tensor *x);
int *truth_whole(Truth *t, const TruthTensor *x);

/* Fills n numbers as the golden tensor of that full name has them. */
void golden_fill(float *x, size_t n, const char *name, GoldenFill fill);

#endif
