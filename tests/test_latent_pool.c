#include "diffusion/latent_pool.h"

#include "base/rng.h"
#include "cli/golden_models.h"
#include "diffusion/vae_latent.h"
#include "diffusion/world_data.h"
#include "diffusion/world_sample.h"
#include "tests/net_check.h"
#include "tests/tiny_world.h"

enum { LATENT = 4 * 8 * 8, SEED = 5 };

typedef struct {
    Arena arena;
    Weights weights;
    Vae vae;
    TinyWorld tiny;
    WorldOptions options;
} Bench;

static void bench_new(Bench *b)
{
    Error err = {0};
    b->arena = (Arena){0};
    b->weights = weights_create(&b->arena, 7);
    CHECK(golden_vae(&b->vae, &b->weights, &b->arena, &err) == STATUS_OK);
    scramble(&b->weights, 8);
    tiny_world(&b->tiny);
    b->options = WORLD_DEFAULTS;
    b->options.size = 32;
}

static Status fill_pool(LatentPool *pool, Bench *b, int count, DataProgress progress, void *context,
                        Arena *arena, Error *err)
{
    WorldData world = {&b->tiny.world, b->options};
    const DataSet data = world_data_set(&world);
    return latent_pool_fill(pool, &b->vae, NULL, &data, SEED, count, progress, context, arena, err);
}

static bool count_calls(void *context, uint64_t done, uint64_t count)
{
    uint64_t *calls = context;
    CHECK(done <= count && done > *calls);
    *calls = done;
    return done < 100;
}

/* Each entry is the posterior of its own picture, whatever else is encoded at the same time. */
static void test_entries(void)
{
    enum { COUNT = 18 }; /* more than are encoded at a time */
    static Bench b;
    LatentPool pool;
    Error err = {0};
    uint64_t done = 0;
    bench_new(&b);
    CHECK(fill_pool(&pool, &b, COUNT, count_calls, &done, &b.arena, &err) == STATUS_OK);
    CHECK(done == COUNT && pool.count == COUNT && pool.tokens == 0);
    CHECK(pool.channels == 4 && pool.height == 8 && pool.width == 8);
    for (int j = 0; j < COUNT; j += j == 0 ? 15 : 1) { /* 0, 15, 16, 17: around where one batch ends */
        Arena arena = {0};
        Tape tape = {.arena = &arena};
        WorldSample sample;
        CHECK(world_sample(&b.tiny.world, &b.options, SEED, (uint64_t)j, &sample, &arena, &err) ==
              STATUS_OK);
        Tensor *x = tape_input(&tape, sample.planes, 4, (const int[]){1, 3, 32, 32}, false);
        Tensor *moments = vae_encode(&tape, &b.vae, x);
        const Tensor *mean = latent_mean(&tape, moments), *logvar = latent_logvar(&tape, moments);
        if (CHECK(mean != NULL && logvar != NULL)) {
            CHECK(same_bits(pool.mean + j * LATENT, mean->data, LATENT));
            for (int i = 0; i < LATENT; i += 37)
                CHECK_NEAR(pool.deviation[j * LATENT + i], exp(0.5 * logvar->data[i]), 1e-6);
        }
        arena_free(&arena);
    }
    arena_free(&b.arena);
}

/* Variances that would overflow or vanish are clamped to e^-30 and e^20. */
static void test_clamped_variances(void)
{
    static Bench b;
    LatentPool pool;
    Error err = {0};
    bench_new(&b);
    Tensor *bias = parameter(&b.weights, "quant_conv.bias");
    for (int c = 4; c < 8; c++)
        bias->data[c] = c % 2 == 0 ? 1000.0f : -1000.0f;
    CHECK(fill_pool(&pool, &b, 1, NULL, NULL, &b.arena, &err) == STATUS_OK);
    for (int i = 0; i < LATENT; i++)
        CHECK_NEAR(pool.deviation[i] * (i / 64 % 2 == 0 ? 1e-4 : 1e6),
                   i / 64 % 2 == 0 ? exp(10.0) * 1e-4 : exp(-15.0) * 1e6, 1e-6);
    arena_free(&b.arena);
}

static bool stop(void *context, uint64_t done, uint64_t count)
{
    (void)context;
    (void)done;
    (void)count;
    return false;
}

static void test_interrupted(void)
{
    static Bench b;
    LatentPool pool = {.count = 77};
    Error err = {0};
    bench_new(&b);
    CHECK(fill_pool(&pool, &b, 2, stop, NULL, &b.arena, &err) == STATUS_INTERRUPTED);
    CHECK_TEXT(err.text, "2 of 2");
    CHECK(pool.count == 77);
    arena_free(&b.arena);
}

static void test_scaling_factor(void)
{
    float mean[4] = {1.0f, 3.0f, 5.0f, 7.0f}, equal[4] = {2.0f, 2.0f, 2.0f, 2.0f};
    const LatentPool pool = {.count = 2, .channels = 2, .height = 1, .width = 1, .mean = mean};
    const LatentPool flat = {.count = 2, .channels = 2, .height = 1, .width = 1, .mean = equal};
    CHECK_NEAR(latent_pool_scaling_factor(&pool), 1.0 / sqrt(5.0), 1e-12); /* (9 + 1 + 1 + 9) / 4 */
    CHECK(latent_pool_scaling_factor(&flat) == 1.0);
}

static void test_draw(void)
{
    float mean[6] = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f},
          deviation[6] = {0.5f, 1.0f, 0.0f, 0.25f, 2.0f, 3.0f};
    const LatentPool pool = {
        .count = 2, .channels = 3, .height = 1, .width = 1, .mean = mean, .deviation = deviation};
    float z[3], xi[3], other[3];
    Rng rng = rng_stream(RNG_PHILOX, 9, STREAM_POSTERIOR, 1234);
    rng_normal_fill(&rng, xi, 3);
    latent_pool_draw(z, &pool, 1, 0.5f, 9, 1234);
    for (int i = 0; i < 3; i++)
        CHECK_NEAR(z[i], ((double)mean[3 + i] + (double)deviation[3 + i] * xi[i]) * 0.5, 1e-6);
    latent_pool_draw(other, &pool, 1, 0.5f, 9, 1235); /* each draw samples the posterior anew */
    CHECK(z[0] != other[0]);
    latent_pool_draw(other, &pool, 0, 1.0f, 9, 1234);
    CHECK(other[2] == 3.0f && other[0] != 1.0f);
}

typedef struct {
    Bench bench;
    Arena arena;
} Attempt;

static Status try_fill(void *context)
{
    Attempt *a = context;
    LatentPool pool;
    const Status status = fill_pool(&pool, &a->bench, 1, NULL, NULL, &a->arena, NULL);
    arena_free(&a->arena);
    return status;
}

static void test_failing_allocations(void)
{
    static Attempt a;
    bench_new(&a.bench);
    check_allocations(try_fill, &a, &a.arena);
    arena_free(&a.bench.arena);
}

int main(void)
{
    test_entries();
    test_clamped_variances();
    test_interrupted();
    test_scaling_factor();
    test_draw();
    test_failing_allocations();
    return check_report("latent_pool");
}
