/* nn/elementwise.h - arithmetic number by number.
 *
 * The operators of two tensors broadcast by numpy's rule, and going back a repeated operand gets sums:
 * nn/broadcast.h says which and in what order.  Every step is one binary32 operation; with dy = d loss / d y:
 *
 *   operator          y                       da (before summing)        db (before summing)
 *   add               a + b                   dy                         dy
 *   subtract          a - b                   dy                         -dy
 *   multiply          a * b                   dy * b                     dy * a
 *   divide            a / b                   dy / b                     -((dy / b) * y)
 *
 *   operator          y                       dx
 *   scale             x * s                   dy * s
 *   add_scalar        x + s                   dy
 *   clamp             low where x < low, high where high < x, else x (NaN stays)
 *                                             dy where low <= x <= high, else 0
 *   exponential       exp_f32(x)              dy * y
 *   logarithm         log_f32(x)              dy / x
 *   square_root       sqrt(x)                 dy / (y + y)
 *   power2            x * x                   dy * (x + x)
 *   absolute          |x|                     dy where x > 0, -dy where x < 0, else 0
 *
 * Operators of two tensors fail with STATUS_SHAPE when the shapes do not fit. */
#ifndef NN_ELEMENTWISE_H
#define NN_ELEMENTWISE_H

#include "nn/broadcast.h"
#include "nn/tape.h"

Tensor *add(Tape *tape, Tensor *a, Tensor *b);
Tensor *subtract(Tape *tape, Tensor *a, Tensor *b);
Tensor *multiply(Tape *tape, Tensor *a, Tensor *b);
Tensor *divide(Tape *tape, Tensor *a, Tensor *b);

Tensor *scale(Tape *tape, Tensor *x, float factor);
Tensor *add_scalar(Tape *tape, Tensor *x, float term);
Tensor *clamp(Tape *tape, Tensor *x, float low, float high);
Tensor *exponential(Tape *tape, Tensor *x);
Tensor *logarithm(Tape *tape, Tensor *x);
Tensor *square_root(Tape *tape, Tensor *x);
Tensor *power2(Tape *tape, Tensor *x);
Tensor *absolute(Tape *tape, Tensor *x);

/* ---- plain arrays of n numbers; y may be any of the inputs ---- */

typedef enum { BINARY_ADD, BINARY_SUBTRACT, BINARY_MULTIPLY, BINARY_DIVIDE, BINARY_COUNT } BinaryKind;

typedef enum {
    UNARY_SCALE, /* p is the factor */
    UNARY_ADD,   /* p is the term */
    UNARY_CLAMP, /* p is the low end, q the high end */
    UNARY_EXP,
    UNARY_LOG,
    UNARY_SQRT,
    UNARY_POWER2,
    UNARY_ABSOLUTE,
    UNARY_COUNT
} UnaryKind;

void binary_forward(float *y, const float *a, const float *b, const Broadcast *shape, BinaryKind kind);
void unary_forward(float *y, const float *x, size_t n, UnaryKind kind, float p, float q);

/* Writes dx; y is the forward's result. */
void unary_backward(float *dx, const float *dy, const float *x, const float *y, size_t n, UnaryKind kind,
                    float p, float q);

/* y[i] = y[i] + x[i] and y[i] = x[i] * s, in threads. */
void array_add(float *y, const float *x, size_t n);
void array_scale(float *y, const float *x, size_t n, float s);

/* The loops, once an instruction set (base/isa.h). */
typedef struct {
    BinaryLoops binary[BINARY_COUNT];
    void (*unary[UNARY_COUNT])(float *y, const float *x, size_t n, float p, float q);
    void (*slope[UNARY_COUNT])(float *dx, const float *dy, const float *x, const float *y, size_t n,
                               float p, float q);
} ElementwiseTable;

const ElementwiseTable *elementwise_table(void);

#endif
