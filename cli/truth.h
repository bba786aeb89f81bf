/* cli/truth.h - numbers in binary64 that know how far an honest binary32 computation of them may be off.
 *
 * A Truth holds numbers; each has a value v (the mathematics, in binary64) and a bound e: a correct binary32
 * computation of it, in any order of summation, with or without fused operations, stays within v +- e.  References
 * of operators (cli/truth_ops.h) are plain loops over these functions.  Gradients come from walking the same
 * numbers backwards, so that a reference says nothing but its forward.
 *
 * With u = 2^-24, inputs exact (e = 0), first-order propagation:
 *   y = a + b, a - b         e = ea + eb + u |v|
 *   y = a b                  e = |a| eb + |b| ea + ea eb + u |v|
 *   y = a / b                e = (ea + |v| eb) / (|b| - eb) + u |v|; infinite when b may be 0
 *   y = sqrt(a)              e = min(ea / (2 v), sqrt(ea)) + u |v|
 *   y = f(a)                 e = |f'(a)| ea + 4 u |v|               exp, log, erf, tanh ...: 2 units of the last place
 *   y = sigmoid(a)           the same through exp(-a), 1 + exp(-a) and 1 / that
 *   y = sum of k terms       e = sum of e_i + c(k - 1) u sum |v_i|
 *   y = sum of k products    e = sum of (|a| eb + |b| ea + ea eb) + (c(k - 1) + 1) u sum |a_i b_i|
 * c(n) = min(n, 4 sqrt n): n bounds every order of n additions [Hig02, chapter 4]; 4 sqrt n is more than twelve
 * standard deviations of independent rounding errors even where all terms have one sign [HigM19].
 * Results that may be subnormal have 2^-149 more.  An infinity or NaN has e = 0; e is infinite (anything goes) where
 * a finite intermediate is beyond binary32.
 * What is given out is 17/16 e: the sixteenth is for what first order leaves out. */
#ifndef CLI_TRUTH_H
#define CLI_TRUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

typedef uint32_t TruthId; /* which number of a Truth; 0 after a failure */

typedef struct {
    double v, e;
} TruthNumber;

typedef enum {
    TRUTH_ADD,
    TRUTH_SUBTRACT,
    TRUTH_MULTIPLY,
    TRUTH_DIVIDE,
    TRUTH_SCALE, /* by a number that is known exactly */
    TRUTH_SQRT,
    TRUTH_EXP,
    TRUTH_EXPM1,
    TRUTH_LOG,
    TRUTH_LOG1P,
    TRUTH_SIN,
    TRUTH_COS,
    TRUTH_TANH,
    TRUTH_ERF,
    TRUTH_SIGMOID, /* 1 / (1 + exp(-a)), slope y (1 - y) */
    TRUTH_LEAF,
    TRUTH_DOT
} TruthKind;

typedef struct Truth {
    Arena *arena;
    double unit;    /* u: 2^-24, or 2^-53 where the results are binary64 */
    bool recording; /* keep how numbers were made, for truth_backward */
    bool failed;    /* no memory */
    TruthNumber *number;
    struct TruthStep *step; /* (count) when recording */
    size_t count, room;
    struct TruthPair *pair; /* terms of sums, when recording */
    size_t pairs, pair_room;
    struct {
        size_t first, terms; /* which pairs; how many terms */
        double sum, size, e; /* so far: of the terms, of their sizes, of their bounds */
        bool products;
    } open; /* the sum that is being made */
} Truth;

Truth truth_begin(Arena *arena, bool recording);

TruthId truth_leaf(Truth *t, double value);
TruthId truth_inexact(Truth *t, double value, double bound); /* known only so well */
TruthId truth_binary(Truth *t, TruthKind kind, TruthId a, TruthId b);
TruthId truth_unary(Truth *t, TruthKind kind, TruthId a);
TruthId truth_scale(Truth *t, TruthId a, double factor);

/* A sum of numbers or products, term by term; no term gives 0.  One sum is open at a time. */
void truth_sum_begin(Truth *t);
void truth_sum_add(Truth *t, TruthId a);
void truth_sum_multiply_add(Truth *t, TruthId a, TruthId b);
TruthId truth_sum_end(Truth *t);

/* The number with its bound as it is given out. */
TruthNumber truth_number(const Truth *t, TruthId id);

/* d loss / d every number, from d loss / d y[i] = dy[i] (exact); (count) numbers, NULL without memory.  Of a
 * gradient to an infinity or a NaN, and of one that is 0 times infinity, nothing is said: its bound is infinite. */
TruthNumber *truth_backward(Truth *t, const TruthId *y, const double *dy, size_t n);

/* The function of that kind (TRUTH_SQRT to TRUTH_SIGMOID) at a, and its slope there. */
double truth_evaluate(TruthKind kind, double a, double *slope);

/* exp to about two units of the last place of binary64, a hundred times faster than exp_f64. */
double truth_exp(double x);
double truth_erf(double x);

#endif
