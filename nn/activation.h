/* nn/activation.h - nonlinearities, number by number.
 *
 * Each step below is one binary32 operation, left to right, innermost bracket first; erf, exp, sigmoid, silu and
 * tanh are correctly rounded (contract, section 2).  dy = d loss / d y.
 *
 *   kind         y                                          dx
 *   silu         silu(x)                                    dy * (s * (1 + x * (1 - s))),  s = sigmoid(x)
 *   gelu         (0.5 * x) * (1 + erf(x * c))               dy * (0.5 * (1 + erf(x * c)) + x * (exp(-0.5 * (x * x)) * k))
 *   quick_gelu   x * sigmoid(u),  u = 1.702 * x             dy * (s * (1 + u * (1 - s))),  s = sigmoid(u)
 *   relu         0 where x < 0, else x (NaN and -0 stay)    dy where x > 0, else 0
 *   sigmoid      sigmoid(x)                                 dy * (y * (1 - y))
 *   tanh         tanh(x)                                    dy * (1 - y * y)
 *
 * with c = RN32(1 / sqrt 2), k = RN32(1 / sqrt(2 pi)) and 1.702 rounded to binary32.  Sources: Hendrycks and Gimpel
 * 2016, "Gaussian Error Linear Units", section 2 (gelu; silu and quick_gelu are its x sigmoid(x) and
 * x sigmoid(1.702 x)); quick_gelu is what OpenAI's CLIP uses (clip/model.py, class QuickGELU).
 * Derivation: docs/math/activations.md. */
#ifndef NN_ACTIVATION_H
#define NN_ACTIVATION_H

#include "nn/tape.h"

typedef enum {
    ACTIVATION_SILU,
    ACTIVATION_GELU,
    ACTIVATION_QUICK_GELU,
    ACTIVATION_RELU,
    ACTIVATION_SIGMOID,
    ACTIVATION_TANH,
    ACTIVATION_COUNT
} Activation;

/* Plain arrays of n numbers, in threads; y may be x. */
void activation_forward(float *y, const float *x, size_t n, Activation kind);

/* Writes dx; y is the forward's result; dx may be dy. */
void activation_backward(float *dx, const float *dy, const float *x, const float *y, size_t n,
                         Activation kind);

/* On the tape; the shape stays. */
Tensor *activate(Tape *tape, Tensor *x, Activation kind);
Tensor *silu(Tape *tape, Tensor *x);
Tensor *gelu(Tape *tape, Tensor *x);
Tensor *quick_gelu(Tape *tape, Tensor *x);
Tensor *relu(Tape *tape, Tensor *x);
Tensor *sigmoid(Tape *tape, Tensor *x);

/* The loops, once an instruction set (base/isa.h); one thread. */
typedef struct {
    void (*forward[ACTIVATION_COUNT])(float *y, const float *x, size_t n);
    void (*backward[ACTIVATION_COUNT])(float *dx, const float *dy, const float *x, const float *y,
                                       size_t n);
    /* y = gelu(x) and its slope, the factor of dy in the table above; neither may be x */
    void (*gelu_both)(float *y, float *slope, const float *x, size_t n);
} ActivationTable;

const ActivationTable *activation_table(void);

#endif
