/* tests/toy_training.h - a model of two linear layers and a task for it, to test what training does around a model.
 *
 * Sample i: x (4) and target (2) from the stream with index i; loss = mean (out(silu(in(x))) - target)^2. */
#ifndef TESTS_TOY_TRAINING_H
#define TESTS_TOY_TRAINING_H

#include "base/rng.h"
#include "diffusion/trainer.h"
#include "nn/activation.h"
#include "nn/linear.h"
#include "nn/losses.h"
#include "tests/net_check.h"

enum { TOY_IN = 4, TOY_INNER = 5, TOY_OUT = 2 };

typedef struct {
    Affine in, out;
} ToyModel;

typedef struct {
    Arena arena;
    Weights weights[2]; /* the two layers are two models, as denoiser and text encoder are */
    ToyModel model;
    TrainTask task;
    TrainOptions options;
    Trainer trainer;
    uint64_t bad; /* from this sample on losses are no numbers; 0: none is */
} Toy;

static inline Tensor *toy_segment(Tape *tape, const void *context, Tensor *const *inputs)
{
    const ToyModel *m = context;
    Tensor *inner = silu(tape, linear(tape, inputs[0], m->in.weight, m->in.bias));
    return linear(tape, inner, m->out.weight, m->out.bias);
}

static inline Tensor *toy_drawn(Tape *tape, RngPurpose purpose, uint64_t first, int count, int width)
{
    const int dim[2] = {count, width};
    float *x = tape_alloc(tape, (size_t)count * (size_t)width, sizeof *x);
    for (int i = 0; x != NULL && i < count; i++) {
        Rng rng = rng_stream(RNG_PHILOX, 11, purpose, first + (uint64_t)i);
        rng_normal_fill(&rng, x + i * width, (size_t)width);
    }
    return x != NULL ? tape_input(tape, x, 2, dim, false) : NULL;
}

static inline Tensor *toy_losses(void *context, Tape *tape, uint64_t first, int count)
{
    const Toy *toy = context;
    Tensor *x = toy_drawn(tape, STREAM_DATA, first, count, TOY_IN);
    for (int i = 0; x != NULL && toy->bad != 0 && i < count; i++)
        if (first + (uint64_t)i >= toy->bad)
            x->data[i * TOY_IN] = NAN;
    Tensor *y = tape_segment(tape, toy_segment, &toy->model, sizeof toy->model, &x, 1);
    return mse_loss(tape, y, toy_drawn(tape, STREAM_NOISE, first, count, TOY_OUT));
}

/* Held-out samples are numbered from far above. */
static inline Tensor *toy_held_out(void *context, Tape *tape, uint64_t first, int count)
{
    return toy_losses(context, tape, 1000000 + first, count);
}

static inline TrainOptions toy_options(void)
{
    TrainOptions o = {.max_train_steps = 8, .batch_size = 5, .micro_batch = 5, .lr = 0.05};
    o.optimizer = OPTIMIZER_ADAMW_DEFAULTS;
    o.schedule.kind = LR_COSINE;
    o.schedule.warmup = 2;
    o.max_grad_norm = 0.5;
    o.ema_decay = 0.7;
    o.held_out = 7;
    return o;
}

/* The model and its task, before trainer_init: *toy must stay where it is. */
static inline void toy_model(Toy *toy, uint64_t seed, const TrainOptions *options)
{
    Error err = {0};
    *toy = (Toy){.options = *options};
    for (int i = 0; i < 2; i++) {
        toy->weights[i] = weights_create(&toy->arena, seed);
        toy->weights[i].trainable = true;
    }
    toy->model.in = weights_linear(&toy->weights[0], "", "in", TOY_INNER, TOY_IN);
    toy->model.out = weights_linear(&toy->weights[1], "", "out", TOY_OUT, TOY_INNER);
    for (int i = 0; i < 2; i++)
        if (!CHECK(weights_finish(&toy->weights[i], &err) == STATUS_OK))
            abort();
    toy->task = (TrainTask){.name = "toy", .self = toy, .losses = toy_losses, .held_out = toy_held_out};
}

static inline Status toy_trainer(Toy *toy, Arena *arena, Error *err)
{
    Weights *const weights[] = {&toy->weights[0], &toy->weights[1]};
    return trainer_init(&toy->trainer, &toy->task, &toy->options, weights, 2, arena, err);
}

static inline void toy_new(Toy *toy, uint64_t seed, const TrainOptions *options)
{
    Error err = {0};
    toy_model(toy, seed, options);
    if (!CHECK(toy_trainer(toy, &toy->arena, &err) == STATUS_OK))
        abort();
}

static inline void toy_free(Toy *toy)
{
    trainer_free(&toy->trainer);
    arena_free(&toy->arena);
}

/* That many steps, which all have to succeed. */
static inline void toy_steps(Toy *toy, int steps)
{
    TrainReport report;
    Error err = {0};
    for (int i = 0; i < steps; i++)
        CHECK(trainer_step(&toy->trainer, &report, &err) == STATUS_OK);
}

static inline bool toy_hash_is(const Toy *toy, const char *want)
{
    char got[65];
    trainer_hash(&toy->trainer, got);
    return strcmp(got, want) == 0;
}

#endif
