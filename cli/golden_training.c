/* cli/golden_training.c - twenty steps of training from nothing: the same weights everywhere (see golden_items.h). */
#include <string.h>

#include "base/rng.h"
#include "cli/golden_items.h"
#include "cli/golden_models.h"
#include "diffusion/train_unet.h"
#include "diffusion/train_vae.h"

enum { STEPS = 20, POOL = 12 };

static TrainOptions options_of(int batch_size, int micro_batch)
{
    TrainOptions o = {
        .seed = 6, .max_train_steps = STEPS, .batch_size = batch_size, .micro_batch = micro_batch};
    o.optimizer = OPTIMIZER_ADAMW_DEFAULTS;
    o.schedule.kind = LR_COSINE;
    o.schedule.warmup = 2;
    o.lr = 1e-3;
    o.max_grad_norm = 1.0;
    o.ema_decay = 0.9;
    return o;
}

static Status train(Sha256 *hash, const TrainTask *task, TrainOptions options, Weights *const *weights,
                    int count, Arena *arena, Error *err)
{
    Trainer trainer;
    char hex[65];
    Status status = trainer_init(&trainer, task, &options, weights, count, arena, err);
    for (int i = 0; i < STEPS && status == STATUS_OK; i++) {
        TrainReport report;
        status = trainer_step(&trainer, &report, err);
        if (status == STATUS_OK)
            golden_add_doubles(hash, "loss", &report.loss, 1);
    }
    if (status == STATUS_OK) {
        trainer_hash(&trainer, hex);
        sha256_add(hash, hex, 64);
        trainer_free(&trainer);
    }
    return status;
}

/* A pool of made-up latents and captions. */
static Status make_pool(LatentPool *pool, Arena *arena, Error *err)
{
    const size_t size = 4 * 8 * 8;
    *pool =
        (LatentPool){.count = POOL, .channels = 4, .height = 8, .width = 8, .tokens = GOLDEN_TEXT_LENGTH};
    pool->mean = arena_raw(arena, POOL * size, sizeof(float));
    pool->deviation = arena_raw(arena, POOL * size, sizeof(float));
    pool->ids = arena_raw(arena, POOL * GOLDEN_TEXT_LENGTH, sizeof(int));
    if (pool->mean == NULL || pool->deviation == NULL || pool->ids == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the golden items");
    Rng rng = rng_stream(RNG_PHILOX, 6, STREAM_TEST, 0);
    rng_normal_fill(&rng, pool->mean, POOL * size);
    rng_uniform_fill(&rng, pool->deviation, POOL * size);
    for (int i = 0; i < POOL * GOLDEN_TEXT_LENGTH; i++)
        pool->ids[i] = (int)rng_below(&rng, GOLDEN_VOCABULARY);
    return STATUS_OK;
}

static Status unet_training(Sha256 *hash, Arena *arena, Error *err)
{
    static const int empty[GOLDEN_TEXT_LENGTH] = {20, 21, 21, 21, 21, 21};
    Unet net;
    ClipText text;
    LatentPool pool;
    Schedule schedule;
    Weights net_weights = weights_create(arena, 6), text_weights = weights_create(arena, 6);
    net_weights.trainable = text_weights.trainable = true;
    Status status = golden_unet(&net, &net_weights, arena, err);
    golden_text(&text, &text_weights);
    if (status == STATUS_OK)
        status = weights_finish(&text_weights, err);
    if (status == STATUS_OK)
        status = make_pool(&pool, arena, err);
    if (status == STATUS_OK)
        status = schedule_make(&schedule, &SCHEDULER_DEFAULTS, false, arena, err);
    if (status != STATUS_OK)
        return status;
    UnetTraining training = {.unet = &net,
                             .text = &text,
                             .schedule = &schedule,
                             .prediction = PREDICT_V,
                             .train = &pool,
                             .held_out = &pool,
                             .scaling_factor = 0.75f,
                             .empty = empty,
                             .seed = 6};
    training.options = (DenoisingLossOptions){.dropout = 0.2, .min_snr_gamma = 5.0};
    const TrainTask task = unet_training_task(&training);
    return train(hash, &task, options_of(6, 4), (Weights *[]){&net_weights, &text_weights}, 2, arena, err);
}

/* ---- the autoencoder on made-up pictures ---- */

typedef struct {
    const Vae *vae;
    VaeLossWeights loss;
} Pictures;

static Tensor *picture_losses(void *context, Tape *tape, uint64_t first, int count)
{
    const Pictures *p = context;
    Tensor *x = golden_input(tape, 2000, 4, (const int[]){count, 3, 16, 16});
    Tensor *xi = golden_input(tape, 3000, 4, (const int[]){count, 4, 4, 4});
    if (x == NULL || xi == NULL)
        return NULL;
    x->wants_grad = xi->wants_grad = false;
    for (int i = 0; i < count; i++) {
        Rng rng = rng_stream(RNG_PHILOX, 7, STREAM_DATA, first + (uint64_t)i);
        rng_uniform_fill(&rng, x->data + (size_t)i * 768, 768);
        rng_normal_fill(&rng, xi->data + (size_t)i * 64, 64);
    }
    return vae_training_loss(tape, p->vae, &p->loss, NULL, x, xi);
}

static Status vae_training(Sha256 *hash, Arena *arena, Error *err)
{
    Vae vae;
    Weights w = weights_create(arena, 7);
    w.trainable = true;
    const Status status = golden_vae(&vae, &w, arena, err);
    if (status != STATUS_OK)
        return status;
    Pictures pictures = {&vae, {.mse = 1.0, .l1 = 0.5, .edge = 0.5, .kl = 1e-3}};
    const TrainTask task = {
        .name = "vae", .self = &pictures, .losses = picture_losses, .held_out = picture_losses};
    return train(hash, &task, options_of(3, 2), (Weights *[]){&w}, 1, arena, err);
}

const GoldenItem GOLDEN_TRAINING[] = {{"training.unet_20_steps", unet_training,
                                       "diffusion/train*.c, nn/optimizer*.c, nn/ema.c, nn/grad_clip.c"},
                                      {"training.vae_20_steps", vae_training,
                                       "diffusion/train*.c, nn/optimizer*.c, nn/ema.c, nn/grad_clip.c"},
                                      {NULL, NULL, NULL}};
