#include "diffusion/train_aesthetic.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/sum.h"
#include "diffusion/aesthetic_rule.h"
#include "nn/losses.h"
#include "nn/reshape.h"

static Status fill_one(AestheticPool *pool, int i, const Clip *c, const World *world,
                       const WorldOptions *options, uint64_t seed, Arena *scratch, Error *err)
{
    WorldSample sample;
    AestheticRule rule = {.score = 0.0};
    Status status = world_sample(world, options, seed, (uint64_t)i, &sample, scratch, err);
    if (status == STATUS_OK)
        status = aesthetic_rule(&rule, &sample.image, err);
    if (status == STATUS_OK)
        status = clip_embed_images(pool->row + (size_t)i * (size_t)pool->width, c, &sample.image, 1,
                                   scratch, err);
    pool->label[i] = (float)rule.score;
    return status;
}

Status aesthetic_pool_fill(AestheticPool *out, const Clip *c, const World *world,
                           const WorldOptions *options, uint64_t seed, int count, Arena *arena, Error *err)
{
    AestheticPool pool = {.count = count, .width = c->config.projection_dim};
    pool.row = arena_raw(arena, (size_t)count * (size_t)pool.width, sizeof *pool.row);
    pool.label = arena_raw(arena, (size_t)count, sizeof *pool.label);
    if (pool.row == NULL || pool.label == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the rows of %d pictures", count);
    Status status = STATUS_OK;
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        const ArenaMark mark = arena_mark(arena);
        status = fill_one(&pool, i, c, world, options, seed, arena, err);
        arena_release(arena, mark);
    }
    if (status == STATUS_OK)
        *out = pool;
    return status;
}

/* Losses (count) of these entries. */
static Tensor *losses_of(Tape *tape, const Aesthetic *head, const AestheticPool *pool, const int *entry,
                         int count)
{
    const size_t width = (size_t)pool->width;
    float *row = tape_alloc(tape, (size_t)count * width, sizeof *row);
    float *label = tape_alloc(tape, (size_t)count, sizeof *label);
    if (row == NULL || label == NULL)
        return NULL;
    for (int i = 0; i < count; i++) {
        memcpy(row + (size_t)i * width, pool->row + (size_t)entry[i] * width, width * sizeof *row);
        label[i] = pool->label[entry[i]];
    }
    Tensor *rows = tape_input(tape, row, 2, (int[]){count, pool->width}, false);
    Tensor *raw = reshape(tape, aesthetic_raw(tape, head, rows), 2, (int[]){count, 1});
    return mse_loss(tape, raw, tape_input(tape, label, 2, (int[]){count, 1}, false));
}

static Tensor *losses(void *context, Tape *tape, uint64_t first, int count)
{
    const AestheticTraining *self = context;
    int *entry = tape_alloc(tape, (size_t)count, sizeof *entry);
    if (entry == NULL)
        return NULL;
    for (int i = 0; i < count; i++) {
        Rng rng = rng_stream(RNG_PHILOX, self->seed, STREAM_ORDER, first + (uint64_t)i);
        entry[i] = (int)rng_below(&rng, (uint32_t)self->train->count);
    }
    return losses_of(tape, self->head, self->train, entry, count);
}

static Tensor *held_out(void *context, Tape *tape, uint64_t first, int count)
{
    const AestheticTraining *self = context;
    int *entry = tape_alloc(tape, (size_t)count, sizeof *entry);
    if (entry == NULL)
        return NULL;
    for (int i = 0; i < count; i++)
        entry[i] = (int)((first + (uint64_t)i) % (uint64_t)self->held_out->count);
    return losses_of(tape, self->head, self->held_out, entry, count);
}

TrainTask aesthetic_training_task(AestheticTraining *self)
{
    return (TrainTask){.name = "aesthetic", .self = self, .losses = losses, .held_out = held_out};
}

Status aesthetic_correlation(double *out, const Aesthetic *head, const AestheticPool *pool, Arena *scratch,
                             Error *err)
{
    const ArenaMark mark = arena_mark(scratch);
    const size_t n = (size_t)pool->count;
    Tape tape = {.arena = scratch};
    const Tensor *raw = aesthetic_raw(
        &tape, head, tape_input(&tape, pool->row, 2, (int[]){pool->count, pool->width}, false));
    double *products = tape_alloc(&tape, n, sizeof *products);
    if (raw == NULL || products == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    const double mean_raw = sum8(raw->data, n) / (double)n, mean_label = sum8(pool->label, n) / (double)n;
    for (size_t i = 0; i < n; i++)
        products[i] = ((double)raw->data[i] - mean_raw) * ((double)pool->label[i] - mean_label);
    const double spread =
        sqrt(sum8_squares(raw->data, n, mean_raw)) * sqrt(sum8_squares(pool->label, n, mean_label));
    *out = spread > 0.0 ? sum8_double(products, n) / spread : 0.0;
    arena_release(scratch, mark);
    return STATUS_OK;
}
