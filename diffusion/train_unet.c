#include "diffusion/train_unet.h"

#include <string.h>

#include "base/rng.h"
#include "diffusion/config_reader.h"
#include "nn/elementwise.h"
#include "nn/losses.h"

Status denoising_loss_options_read(DenoisingLossOptions *out, const Json *json, const char *name,
                                   Arena *arena, Error *err)
{
    ConfigReader r = config_reader(json, name, arena);
    const DenoisingLossOptions read = {.dropout = config_number(&r, "dropout", 0.0, 0.0, 1.0),
                                       .min_snr_gamma = config_number(&r, "min_snr_gamma", 0.0, 0.0, 1e6)};
    const Status status = config_finish(&r, err);
    if (status == STATUS_OK)
        *out = read;
    return status;
}

double denoising_loss_weight(const Schedule *s, int prediction, double min_snr_gamma, int t)
{
    if (min_snr_gamma == 0.0)
        return 1.0;
    const double snr = schedule_snr(s, t);
    const double least = snr < min_snr_gamma ? snr : min_snr_gamma;
    switch (prediction) {
    case PREDICT_EPSILON: return snr > min_snr_gamma ? min_snr_gamma / snr : 1.0; /* SNR may be 0 */
    case PREDICT_V: return least / (snr + 1.0);
    default: break;
    }
    return least;
}

/* Everything that the network and the loss are given for some samples. */
typedef struct {
    float *z, *target;        /* (count,L,h,w) */
    float *timestep, *weight; /* (count) */
    int *ids;                 /* (count,tokens) */
    float *noise;             /* one sample's */
} Batch;

static bool allocate(Batch *b, Tape *tape, size_t count, size_t size, size_t tokens)
{
    b->z = tape_alloc(tape, count * size, sizeof *b->z);
    b->target = tape_alloc(tape, count * size, sizeof *b->target);
    b->timestep = tape_alloc(tape, count, sizeof *b->timestep);
    b->weight = tape_alloc(tape, count, sizeof *b->weight);
    b->ids = tape_alloc(tape, count * tokens, sizeof *b->ids);
    b->noise = tape_alloc(tape, size, sizeof *b->noise);
    return tape->error.status == STATUS_OK;
}

static Rng stream(const UnetTraining *self, RngPurpose purpose, uint64_t index)
{
    return rng_stream(RNG_PHILOX, self->seed, purpose, index);
}

/* Draws sample `index` into place i of the batch from entry j of the pool at timestep t. */
static void draw_sample(const UnetTraining *self, const LatentPool *pool, Batch *b, size_t i, int j, int t,
                        uint64_t index, bool empty)
{
    const size_t size = (size_t)pool->channels * (size_t)pool->height * (size_t)pool->width;
    const size_t tokens = (size_t)pool->tokens;
    float *z = b->z + i * size, *target = b->target + i * size;
    Rng rng = stream(self, STREAM_NOISE, index);
    rng_normal_fill(&rng, b->noise, size);
    latent_pool_draw(z, pool, j, self->scaling_factor, self->seed, index);
    switch (self->prediction) {
    case PREDICT_EPSILON: memcpy(target, b->noise, size * sizeof *target); break;
    case PREDICT_V: schedule_velocity(target, z, b->noise, size, self->schedule, t); break;
    default: memcpy(target, z, size * sizeof *target); break;
    }
    schedule_add_noise(z, z, b->noise, size, self->schedule, t);
    b->timestep[i] = (float)t;
    b->weight[i] =
        (float)denoising_loss_weight(self->schedule, self->prediction, self->options.min_snr_gamma, t);
    memcpy(b->ids + i * tokens, empty ? self->empty : pool->ids + (size_t)j * tokens,
           tokens * sizeof *b->ids);
}

static Tensor *loss_of(const UnetTraining *self, const LatentPool *pool, Tape *tape, const Batch *b,
                       int count)
{
    const int dim[4] = {count, pool->channels, pool->height, pool->width};
    tape->place = "text_encoder";
    Tensor *text = clip_text(tape, self->text, b->ids, count, pool->tokens, NULL);
    tape->place = "unet";
    Tensor *out = unet(tape, self->unet, tape_input(tape, b->z, 4, dim, false), b->timestep, text, NULL);
    Tensor *loss = mse_loss(tape, out, tape_input(tape, b->target, 4, dim, false));
    return multiply(tape, loss, tape_input(tape, b->weight, 1, &count, false));
}

static Tensor *losses(void *context, Tape *tape, uint64_t first, int count)
{
    const UnetTraining *self = context;
    const LatentPool *pool = self->train;
    const size_t size = (size_t)pool->channels * (size_t)pool->height * (size_t)pool->width;
    Batch b;
    if (!allocate(&b, tape, (size_t)count, size, (size_t)pool->tokens))
        return NULL;
    for (int i = 0; i < count; i++) {
        const uint64_t index = first + (uint64_t)i;
        Rng order = stream(self, STREAM_ORDER, index), time = stream(self, STREAM_TIME, index);
        Rng dropout = stream(self, STREAM_DROPOUT, index);
        const int j = (int)rng_below(&order, (uint32_t)pool->count);
        const int t = (int)rng_below(&time, (uint32_t)self->schedule->steps);
        draw_sample(self, pool, &b, (size_t)i, j, t, index,
                    rng_uniform(&dropout) < (float)self->options.dropout);
    }
    return loss_of(self, pool, tape, &b, count);
}

/* Held-out sample i: entry i of the held-out pool, its caption, timesteps spread evenly over all samples,
 * and streams that no training sample uses (indices from the top of their range). */
static Tensor *held_out(void *context, Tape *tape, uint64_t first, int count)
{
    const UnetTraining *self = context;
    const LatentPool *pool = self->held_out;
    const size_t size = (size_t)pool->channels * (size_t)pool->height * (size_t)pool->width;
    const uint64_t top = ((uint64_t)1 << 48) - 1;
    Batch b;
    if (!allocate(&b, tape, (size_t)count, size, (size_t)pool->tokens))
        return NULL;
    for (int i = 0; i < count; i++) {
        const uint64_t k = (first + (uint64_t)i) % (uint64_t)pool->count;
        const int t = (int)((2 * k + 1) * (uint64_t)self->schedule->steps / (2 * (uint64_t)pool->count));
        draw_sample(self, pool, &b, (size_t)i, (int)k, t, top - k, false);
    }
    return loss_of(self, pool, tape, &b, count);
}

TrainTask unet_training_task(UnetTraining *self)
{
    return (TrainTask){.name = "unet", .self = self, .losses = losses, .held_out = held_out};
}
