#include "diffusion/latent_pool.h"

#include <math.h>
#include <string.h>

#include "base/elementary.h"
#include "base/rng.h"
#include "base/sum.h"

enum { BATCH = 16 }; /* pictures encoded at a time; changes no bit */

static size_t latent_size(const LatentPool *pool)
{
    return (size_t)pool->channels * (size_t)pool->height * (size_t)pool->width;
}

static Status allocate(LatentPool *pool, Arena *arena, Error *err)
{
    const size_t count = (size_t)pool->count;
    pool->mean = arena_raw(arena, count * latent_size(pool), sizeof *pool->mean);
    pool->deviation = arena_raw(arena, count * latent_size(pool), sizeof *pool->deviation);
    pool->ids = arena_raw(arena, count * (size_t)pool->tokens, sizeof *pool->ids);
    if (pool->mean == NULL || pool->deviation == NULL || pool->ids == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the latents of %d pictures", pool->count);
    return STATUS_OK;
}

/* Moments (n,2L,h,w) to the pool's entries first ... first+n-1: deviation = exp(logvar/2), logvar clamped as in
 * diffusers' DiagonalGaussianDistribution. */
static void keep_moments(LatentPool *pool, const float *moments, int first, int n)
{
    const size_t size = latent_size(pool);
    for (int i = 0; i < n; i++) {
        const float *m = moments + (size_t)i * 2 * size;
        float *deviation = pool->deviation + (size_t)(first + i) * size;
        memcpy(pool->mean + (size_t)(first + i) * size, m, size * sizeof *m);
        for (size_t k = 0; k < size; k++) {
            const float v = m[size + k];
            const float low = v < -30.0f ? -30.0f : v;
            const float clamped = low > 20.0f ? 20.0f : low;
            deviation[k] = clamped * 0.5f;
        }
        exp_array(deviation, deviation, size);
    }
}

typedef struct {
    LatentPool *pool;
    const Vae *vae;
    const Tokenizer *tokenizer;
    const DataSet *data;
    uint64_t seed;
} Filling;

static Status keep_caption(const Filling *f, int i, Arena *scratch, Error *err)
{
    const char *caption = NULL;
    EncodedPrompt prompt = {.used = 0};
    const size_t tokens = (size_t)f->pool->tokens;
    Status status = data_caption(f->data, f->seed, (uint64_t)i, &caption, scratch, err);
    if (status == STATUS_OK)
        status = tokenizer_encode(&prompt, f->tokenizer, caption != NULL ? caption : "", scratch, err);
    if (status == STATUS_OK)
        memcpy(f->pool->ids + (size_t)i * tokens, prompt.ids, tokens * sizeof *prompt.ids);
    return status;
}

static Status fill_some(const Filling *f, int first, int n, Arena *scratch, Error *err)
{
    const int side = f->data->size;
    const int dim[4] = {n, 3, side, side};
    const size_t one = (size_t)3 * (size_t)side * (size_t)side;
    Tape tape = {.arena = scratch};
    float *x = tape_alloc(&tape, one * (size_t)n, sizeof *x);
    Status status = STATUS_OK;
    if (x != NULL)
        status = data_planes(x, f->data, f->seed, (uint64_t)first, n, scratch, err);
    for (int i = first; f->tokenizer != NULL && status == STATUS_OK && i < first + n; i++)
        status = keep_caption(f, i, scratch, err);
    if (status != STATUS_OK)
        return status;
    const Tensor *moments = vae_encode(&tape, f->vae, tape_input(&tape, x, 4, dim, false));
    if (moments == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    keep_moments(f->pool, moments->data, first, n);
    return STATUS_OK;
}

Status latent_pool_fill(LatentPool *out, const Vae *vae, const Tokenizer *tokenizer, const DataSet *data,
                        uint64_t seed, int count, DataProgress progress, void *context, Arena *arena,
                        Error *err)
{
    const int side = data->size / vae_factor(&vae->config);
    LatentPool pool = {.count = count,
                       .channels = vae->config.latent_channels,
                       .height = side,
                       .width = side,
                       .tokens = tokenizer != NULL ? tokenizer->length : 0};
    const Filling filling = {&pool, vae, tokenizer, data, seed};
    Arena scratch = {.limit = arena->limit,
                     .fail_after = arena->fail_after,
                     .account = arena->account,
                     .source = arena->source};
    Status status = allocate(&pool, arena, err);
    for (int first = 0; status == STATUS_OK && first < count; first += BATCH) {
        const ArenaMark mark = arena_mark(&scratch);
        const int n = count - first < BATCH ? count - first : BATCH;
        status = fill_some(&filling, first, n, &scratch, err);
        arena_release(&scratch, mark);
        if (status == STATUS_OK && progress != NULL &&
            !progress(context, (uint64_t)(first + n), (uint64_t)count))
            status = error_set(err, STATUS_INTERRUPTED, "stopped after encoding %d of %d pictures",
                               first + n, count);
    }
    arena_free(&scratch);
    if (status == STATUS_OK)
        *out = pool;
    return status;
}

double latent_pool_scaling_factor(const LatentPool *pool)
{
    const size_t size = latent_size(pool);
    const double n = (double)pool->count * (double)size;
    double sum = 0.0, squares = 0.0;
    for (int i = 0; i < pool->count; i++)
        sum += sum8(pool->mean + (size_t)i * size, size);
    for (int i = 0; i < pool->count; i++)
        squares += sum8_squares(pool->mean + (size_t)i * size, size, sum / n);
    return squares > 0.0 ? 1.0 / sqrt(squares / n) : 1.0;
}

void latent_pool_draw(float *z, const LatentPool *pool, int j, float factor, uint64_t seed, uint64_t index)
{
    const size_t size = latent_size(pool);
    const float *mean = pool->mean + (size_t)j * size, *deviation = pool->deviation + (size_t)j * size;
    Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_POSTERIOR, index);
    rng_normal_fill(&rng, z, size);
    for (size_t i = 0; i < size; i++) {
        z[i] = z[i] * deviation[i];
        z[i] = z[i] + mean[i];
        z[i] = z[i] * factor;
    }
}
