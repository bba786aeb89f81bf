/* tests/train_bench.h - the shipped model and its trainers on made-up latents, pictures and captions.
 *
 * What tests/bench_train.c times and tests/prove_train.c writes down: weights/model by weights/recipes, opened from
 * the folder above them. */
#ifndef TESTS_TRAIN_BENCH_H
#define TESTS_TRAIN_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "diffusion/model.h"
#include "diffusion/recipe.h"
#include "diffusion/train_unet.h"
#include "diffusion/train_vae.h"

enum { POOL = 64 };

typedef struct {
    Arena arena, activations, gradients;
    Model model;
    Recipe unet_recipe, vae_recipe;
    Schedule schedule;
    LatentPool pool;
    float *pictures; /* (POOL,3,size,size) */
    VaeLossWeights vae_loss;
    UnetTraining unet_training;
    TrainTask unet_task, vae_task;
    Trainer unet_trainer, vae_trainer;
    uint64_t drawn; /* streams used so far */
} Bench;

static inline void fail(const char *text)
{
    fprintf(stderr, "%s\n", text);
    exit(1);
}

static inline void must(Status status, const Error *err)
{
    if (status != STATUS_OK)
        fail(err->text);
}

static inline void *room(Arena *arena, size_t count, size_t size)
{
    void *data = arena_raw(arena, count, size);
    if (data == NULL)
        fail("out of memory");
    return data;
}

/* ---- what the networks are given ---- */

static inline float *normals(Bench *b, Arena *arena, size_t count)
{
    float *x = room(arena, count, sizeof *x);
    Rng rng = rng_stream(RNG_PHILOX, 1, STREAM_TEST, b->drawn++);
    rng_normal_fill(&rng, x, count);
    return x;
}

static inline float *uniforms(Bench *b, Arena *arena, size_t count, float low, float high)
{
    float *x = room(arena, count, sizeof *x);
    Rng rng = rng_stream(RNG_PHILOX, 1, STREAM_TEST, b->drawn++);
    for (size_t i = 0; i < count; i++)
        x[i] = low + (high - low) * rng_uniform(&rng);
    return x;
}

static inline int *integers(Bench *b, Arena *arena, size_t count, int below)
{
    int *x = room(arena, count, sizeof *x);
    Rng rng = rng_stream(RNG_PHILOX, 1, STREAM_TEST, b->drawn++);
    for (size_t i = 0; i < count; i++)
        x[i] = (int)rng_below(&rng, (uint32_t)below);
    return x;
}

static inline int side_of_picture(const Bench *b)
{
    return b->model.config.vae.sample_width;
}

static inline int side_of_latent(const Bench *b)
{
    return b->model.config.unet.sample_width;
}

static inline size_t latent_numbers(const Bench *b)
{
    const int side = side_of_latent(b);
    return (size_t)b->model.config.unet.in_channels * (size_t)side * (size_t)side;
}

static inline size_t picture_numbers(const Bench *b)
{
    const int side = side_of_picture(b);
    return (size_t)3 * (size_t)side * (size_t)side;
}

static inline Tensor *latents(const Bench *b, Tape *tape, float *data, int count)
{
    const int side = side_of_latent(b);
    return tape_input(tape, data, 4, (const int[]){count, b->model.config.unet.in_channels, side, side},
                      false);
}

static inline Tensor *pictures(const Bench *b, Tape *tape, float *data, int count)
{
    const int side = side_of_picture(b);
    return tape_input(tape, data, 4, (const int[]){count, 3, side, side}, false);
}

/* Sample i shows picture i of the pool, over and over, with posterior noise of its own. */
static inline Tensor *vae_losses(void *context, Tape *tape, uint64_t first, int count)
{
    Bench *b = context;
    const size_t one = picture_numbers(b), latent = latent_numbers(b);
    float *x = tape_alloc(tape, (size_t)count * one, sizeof *x);
    float *xi = tape_alloc(tape, (size_t)count * latent, sizeof *xi);
    if (x == NULL || xi == NULL)
        return NULL;
    for (int i = 0; i < count; i++) {
        Rng rng = rng_stream(RNG_PHILOX, 1, STREAM_POSTERIOR, first + (uint64_t)i);
        memcpy(x + (size_t)i * one, b->pictures + (first + (uint64_t)i) % POOL * one, one * sizeof *x);
        rng_normal_fill(&rng, xi + (size_t)i * latent, latent);
    }
    return vae_training_loss(tape, &b->model.vae, &b->vae_loss, NULL, pictures(b, tape, x, count),
                             latents(b, tape, xi, count));
}

/* ---- the models and their trainers ---- */

static inline void open_models(Bench *b)
{
    const unsigned learns = MODEL_TEXT | MODEL_UNET | MODEL_VAE;
    Error err = {0};
    must(model_open(&b->model, "weights/model", learns | MODEL_SCHEDULER, learns, &b->arena, &err), &err);
    must(schedule_make(&b->schedule, &b->model.config.scheduler, false, &b->arena, &err), &err);
    must(recipe_read(&b->unet_recipe, "weights/recipes/unet.json", &RECIPE_OVERRIDES_NONE, &b->arena, &err),
         &err);
    must(recipe_read(&b->vae_recipe, "weights/recipes/vae.json", &RECIPE_OVERRIDES_NONE, &b->arena, &err),
         &err);
    must(vae_loss_weights_read(&b->vae_loss, b->vae_recipe.loss, "weights/recipes/vae.json", &b->arena,
                               &err),
         &err);
    must(denoising_loss_options_read(&b->unet_training.options, b->unet_recipe.loss,
                                     "weights/recipes/unet.json", &b->arena, &err),
         &err);
}

static inline void make_data(Bench *b)
{
    const ClipTextConfig *text = &b->model.config.text;
    const size_t latent = latent_numbers(b);
    const int side = side_of_latent(b);
    b->pool = (LatentPool){.count = POOL,
                           .channels = b->model.config.unet.in_channels,
                           .height = side,
                           .width = side,
                           .tokens = text->positions};
    b->pool.mean = normals(b, &b->arena, POOL * latent);
    b->pool.deviation = uniforms(b, &b->arena, POOL * latent, 0.0f, 0.1f);
    b->pool.ids = integers(b, &b->arena, (size_t)POOL * (size_t)text->positions, text->vocab_size);
    b->pictures = uniforms(b, &b->arena, POOL * picture_numbers(b), -1.0f, 1.0f);
}

static inline void make_trainers(Bench *b)
{
    Error err = {0};
    UnetTraining *u = &b->unet_training;
    u->unet = &b->model.unet;
    u->text = &b->model.text;
    u->schedule = &b->schedule;
    u->prediction = b->model.config.scheduler.prediction_type;
    u->train = u->held_out = &b->pool;
    u->scaling_factor = 1.0f;
    u->empty = b->pool.ids;
    u->seed = 1;
    b->unet_task = unet_training_task(u);
    b->vae_task = (TrainTask){.name = "vae", .self = b, .losses = vae_losses, .held_out = vae_losses};
    Weights *const both[] = {&b->model.unet_weights, &b->model.text_weights}, *const vae[] = {
                                                                                  &b->model.vae_weights};
    must(trainer_init(&b->unet_trainer, &b->unet_task, &b->unet_recipe.train, both, 2, &b->arena, &err),
         &err);
    must(trainer_init(&b->vae_trainer, &b->vae_task, &b->vae_recipe.train, vae, 1, &b->arena, &err), &err);
}

static inline void open_bench(Bench *b)
{
    open_models(b);
    make_data(b);
    make_trainers(b);
}

#endif
