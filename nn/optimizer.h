/* nn/optimizer.h - one step of stochastic gradient descent, Adam or AdamW.
 *
 * Every line is one binary32 operation a symbol, left to right; t counts the steps from 1; the bracketed scalars are
 * computed in binary64 (powers by pow_f64) and rounded once a step.
 *
 *   sgd      g = grad + decay * p
 *            b = momentum * b + g               (b starts at 0; left out when momentum is 0)
 *            d = nesterov ? g + momentum * b : b
 *            p = p - rate * d
 *
 *   adam     g = grad + decay * p               (adamw instead:  p = p * [1 - rate * decay],  g = grad)
 *            m = beta1 * m + [1 - beta1] * g
 *            v = beta2 * v + ([1 - beta2] * g) * g
 *            p = p - [rate / (1 - beta1^t)] * (m / (sqrt(v) / [sqrt(1 - beta2^t)] + eps))
 *
 * Sources: torch.optim.SGD (dampening 0), Adam, AdamW as PyTorch 1.13 computes them (torch/optim/sgd.py, adam.py,
 * adamw.py); Kingma and Ba 2015, "Adam", algorithm 1; Loshchilov and Hutter 2019, "Decoupled Weight Decay
 * Regularization", algorithm 2.
 * Derivation: docs/math/optimizers.md. */
#ifndef NN_OPTIMIZER_H
#define NN_OPTIMIZER_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "nn/tensor.h"

typedef enum { OPTIMIZER_SGD, OPTIMIZER_ADAM, OPTIMIZER_ADAMW } OptimizerKind;

typedef struct {
    OptimizerKind kind;
    double momentum;     /* sgd: in [0, 1) */
    bool nesterov;       /* sgd */
    double beta1, beta2; /* adam, adamw: in [0, 1) */
    double eps;          /* adam, adamw: above 0 */
    double decay;        /* weight decay: at least 0 */
} OptimizerOptions;

extern const OptimizerOptions OPTIMIZER_SGD_DEFAULTS, OPTIMIZER_ADAM_DEFAULTS, OPTIMIZER_ADAMW_DEFAULTS;

/* All that a run must keep to go on with the same bits: `steps`, and for each parameter the arrays below, which have
 * its count of numbers. */
typedef struct {
    OptimizerOptions options;
    Tensor *const *parameters;
    size_t count;   /* parameters */
    uint64_t steps; /* done so far */
    float **first;  /* [count]: b of sgd, m of adam; NULL when sgd has no momentum */
    float **second; /* [count]: v of adam; NULL for sgd */
} Optimizer;

/* The list of parameters is kept, not copied.  STATUS_ARGUMENT when an option is out of range, STATUS_MEMORY. */
MUST_CHECK Status optimizer_init(Optimizer *out, const OptimizerOptions *options, Tensor *const *parameters,
                                 size_t count, Arena *arena, Error *err);

/* One step with that learning rate from the gradients in the parameters; those without one are left alone. */
void optimizer_step(Optimizer *optimizer, double rate);

/* The loops, once an instruction set (base/isa.h). */
typedef struct {
    float rate, momentum, decay;
} SgdScalars;

typedef struct {
    float beta1, rest1, beta2, rest2; /* rest = 1 - beta */
    float size, root, eps;            /* rate / (1 - beta1^t), sqrt(1 - beta2^t) */
    float decay, shrink;              /* adam's decay; adamw's 1 - rate * decay, 1 for adam */
} AdamScalars;

typedef struct {
    void (*sgd)(float *p, const float *grad, size_t n, SgdScalars s);
    void (*momentum)(float *p, float *b, const float *grad, size_t n, SgdScalars s);
    void (*nesterov)(float *p, float *b, const float *grad, size_t n, SgdScalars s);
    void (*adam)(float *p, float *m, float *v, const float *grad, size_t n, AdamScalars s);
} OptimizerTable;

#endif
