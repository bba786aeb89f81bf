/* diffusion/trainer.h - the training loop, written once for every model.
 *
 * A model that can be trained is a TrainTask: it turns sample numbers into per-sample losses on a tape.
 * All that is random about sample i of the run (picture, noise, timestep, dropped caption) is drawn from
 * streams with index i, so that a sample is the same in whatever batch and on whatever
 * thread it is computed.
 *
 * Step s with batch size B covers the samples s*B ... s*B + B-1:
 *
 *     g   = sum_i grad loss_i / B          samples in ascending order
 *     g   = g * min(1, max_grad_norm / (|g| + 1e-6))
 *     w   = AdamW(w, g)                    or Adam, SGD
 *     ema = ema - (1 - decay)*(ema - w)
 *
 * Because gradients are added sample after sample (contract, section 3), splitting a batch into
 * micro-batches (gradient accumulation) changes no bit; it only bounds the memory.  The state is the step number, the weights, the
 * optimiser's arrays and the average, so a resumed run gives the bits of an uninterrupted one. */
#ifndef DIFFUSION_TRAINER_H
#define DIFFUSION_TRAINER_H

#include <stdint.h>

#include "diffusion/early_stop.h"
#include "nn/ema.h"
#include "nn/lr_schedule.h"
#include "nn/optimizer.h"
#include "nn/tape.h"
#include "weights/weights.h"

enum { TRAINER_WEIGHTS = 4 };

typedef struct {
    const char *name; /* "vae" */
    void *self;
    /* Losses (count) of the training samples first .. first+count-1; NULL after recording an error. */
    Tensor *(*losses)(void *self, Tape *tape, uint64_t first, int count);
    /* The same on the fixed held-out samples, each with fixed draws; never trained on. */
    Tensor *(*held_out)(void *self, Tape *tape, uint64_t first, int count);
    /* Called when the weights have moved, before they are averaged: keeps them in their bounds.  NULL: nothing. */
    void (*after_step)(void *self);
} TrainTask;

typedef struct {
    uint64_t seed;
    uint64_t max_train_steps;
    int batch_size;  /* samples a step */
    int micro_batch; /* samples on one tape, at most batch_size; changes no bit */
    OptimizerOptions optimizer;
    double lr;            /* learning rate at the schedule's factor 1 */
    LrSchedule schedule;  /* its total is max_train_steps */
    double max_grad_norm; /* 0: no clipping */
    double ema_decay; /* of the averaged weights (nn/ema.h, without warm-up power); 0: they are a copy */
    int held_out;     /* held-out samples; 0: none */
    int patience;     /* of the early stop (diffusion/early_stop.h); 0: none */
    bool gradient_checkpointing;
} TrainOptions;

typedef struct {
    uint64_t step; /* steps done */
    double loss;   /* mean over the step's samples */
    double grad_norm, lr;
} TrainReport;

typedef struct {
    const TrainTask *task;
    TrainOptions options;
    Weights *weights[TRAINER_WEIGHTS];
    int weights_count;
    Tensor **parameters; /* of all weights, in their order, without frozen ones (weights_freeze) */
    size_t count;        /* of them */
    uint64_t step;       /* done */
    Optimizer optimizer;
    Ema ema;
    EarlyStop stop;
    Arena activations, gradients; /* of one micro-batch */
    const TapeWatch
        *watch; /* sees each step's forward pass, "loss", and "grad.PARAMETER" before it is clipped */
} Trainer;

/* Room for the state; the averaged weights start as the weights.  trainer_free gives the step's memory back
 * (the state belongs to `arena`). */
MUST_CHECK Status trainer_init(Trainer *t, const TrainTask *task, const TrainOptions *options,
                               Weights *const *weights, int weights_count, Arena *arena, Error *err);
void trainer_free(Trainer *t);

/* One step.  Fails with STATUS_NOT_FINITE when the loss or the gradient is no number:
 * nothing is changed then. */
MUST_CHECK Status trainer_step(Trainer *t, TrainReport *report, Error *err);

/* Mean loss over the held-out samples with the averaged weights, which the early stop takes note of. */
MUST_CHECK Status trainer_measure(Trainer *t, double *loss, Error *err);

/* Mean loss over the held-out samples with the weights as they are. */
MUST_CHECK Status trainer_held_out(Trainer *t, double *loss, Error *err);

/* Exchanges weights and averaged weights: call it twice around whatever wants the averaged ones. */
void trainer_swap_ema(Trainer *t);

/* SHA-256 over the step number and, parameter after parameter, weight, moments and average (and what the early stop
 * has kept). */
void trainer_hash(const Trainer *t, char hex[65]);

#endif
