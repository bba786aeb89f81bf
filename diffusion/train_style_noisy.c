#include "diffusion/train_style_noisy.h"

#include "base/rng.h"
#include "nn/elementwise.h"
#include "nn/losses.h"

void noisy_levels(float sigma[NOISY_LEVELS], const Schedule *schedule)
{
    for (int i = 0; i + 1 < NOISY_LEVELS; i++) {
        const double time = 999.0 - 999.0 * i / (NOISY_LEVELS - 2);
        sigma[i] = (float)schedule_sigma_at(schedule, time);
    }
    sigma[NOISY_LEVELS - 1] = 0.0f;
}

Status style_noisy_check(const VggConfig *c, const LatentPool *latents, Error *err)
{
    if (c->in_channels != latents->channels || c->sample_size != latents->height ||
        c->sample_size != latents->width)
        return error_set(err, STATUS_ARGUMENT,
                         "a classifier of latents (%d,%d,%d) needs %d in_channels and that sample_size",
                         latents->channels, latents->height, latents->width, latents->channels);
    if (c->noise_levels != 0 && c->noise_levels != NOISY_LEVELS)
        return error_set(err, STATUS_ARGUMENT, "noise_levels is %d, expected 0 or %d", c->noise_levels,
                         (int)NOISY_LEVELS);
    if (c->heads != 1 || vgg_head(c, "style") != 0)
        return error_set(err, STATUS_ARGUMENT, "a classifier of styles has the head \"style\" alone");
    return STATUS_OK;
}

/* Everything that the network and the loss are given for some samples. */
typedef struct {
    float *y, *noise; /* (count,L,h,w); one sample's */
    float *level, *weight;
    int *style;
} Batch;

static bool allocate(Batch *b, Tape *tape, size_t count, size_t size)
{
    b->y = tape_alloc(tape, count * size, sizeof *b->y);
    b->noise = tape_alloc(tape, size, sizeof *b->noise);
    b->level = tape_alloc(tape, count, sizeof *b->level);
    b->weight = tape_alloc(tape, count, sizeof *b->weight);
    b->style = tape_alloc(tape, count, sizeof *b->style);
    return tape->error.status == STATUS_OK;
}

static size_t latent_size(const LatentPool *pool)
{
    return (size_t)pool->channels * (size_t)pool->height * (size_t)pool->width;
}

/* Puts entry j at that level, with the noises of `index`, into place i. */
static void draw_sample(const StyleNoisyTraining *self, const StylePool *pool, Batch *b, size_t i, int j,
                        int level, uint64_t index)
{
    const size_t size = latent_size(pool->latents);
    float *y = b->y + i * size;
    Rng rng = rng_stream(RNG_PHILOX, self->seed, STREAM_NOISE, index);
    rng_normal_fill(&rng, b->noise, size);
    latent_pool_draw(y, pool->latents, j, self->scaling_factor, self->seed, index);
    schedule_mix(y, 1.0f, y, self->sigma[level], b->noise, size);
    b->level[i] = (float)level;
    b->weight[i] = self->vgg->config.noise_levels > 0 ? (float)((level + 1.0) / 11.0) : 1.0f;
    b->style[i] = pool->style[j];
}

static Tensor *logits_of(const StyleNoisyTraining *self, Tape *tape, const LatentPool *pool, const Batch *b,
                         int count)
{
    const int dim[4] = {count, pool->channels, pool->height, pool->width};
    const float *level = self->vgg->config.noise_levels > 0 ? b->level : NULL;
    return vgg(tape, self->vgg, tape_input(tape, b->y, 4, dim, false), level, NULL);
}

static Tensor *weighted(Tape *tape, Tensor *logits, const Batch *b, int count)
{
    Tensor *loss = cross_entropy(tape, logits, b->style);
    return multiply(tape, loss, tape_input(tape, b->weight, 1, &count, false));
}

static Tensor *losses(void *context, Tape *tape, uint64_t first, int count)
{
    const StyleNoisyTraining *self = context;
    const LatentPool *pool = self->train.latents;
    Batch b;
    if (!allocate(&b, tape, (size_t)count, latent_size(pool)))
        return NULL;
    for (int i = 0; i < count; i++) {
        const uint64_t index = first + (uint64_t)i;
        Rng order = rng_stream(RNG_PHILOX, self->seed, STREAM_ORDER, index);
        Rng time = rng_stream(RNG_PHILOX, self->seed, STREAM_TIME, index);
        const int j = (int)rng_below(&order, (uint32_t)pool->count);
        draw_sample(self, &self->train, &b, (size_t)i, j, (int)rng_below(&time, NOISY_LEVELS), index);
    }
    return weighted(tape, logits_of(self, tape, pool, &b, count), &b, count);
}

static Tensor *held_out(void *context, Tape *tape, uint64_t first, int count)
{
    StyleNoisyTraining *self = context;
    const LatentPool *pool = self->held_out.latents;
    const uint64_t top = ((uint64_t)1 << 48) - 1;
    Batch b;
    if (!allocate(&b, tape, (size_t)count, latent_size(pool)))
        return NULL;
    for (int i = 0; i < count; i++) {
        const uint64_t k = first + (uint64_t)i;
        draw_sample(self, &self->held_out, &b, (size_t)i, (int)(k % (uint64_t)pool->count),
                    (int)(k % NOISY_LEVELS), top - k);
    }
    Tensor *logits = logits_of(self, tape, pool, &b, count);
    for (int i = 0; logits != NULL && i < count; i++) {
        const int third = (int)((first + (uint64_t)i) % NOISY_LEVELS) / NOISY_THIRD;
        const float *row = logits->data + i * logits->dim[1];
        self->count[third]++;
        self->right[third] += vgg_best(&self->vgg->config, 0, row) == b.style[i];
    }
    return weighted(tape, logits, &b, count);
}

TrainTask style_noisy_task(StyleNoisyTraining *self)
{
    return (TrainTask){.name = "style-noisy", .self = self, .losses = losses, .held_out = held_out};
}
