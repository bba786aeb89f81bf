#include "diffusion/train_style_noisy.h"

#include "base/rng.h"
#include "tests/net_check.h"
#include "tests/train_check.h"

enum { ENTRIES = 5, SIZE = 2 * 4 * 4 };

typedef struct {
    Arena arena;
    Weights weights;
    Vgg vgg;
    float mean[ENTRIES * SIZE], deviation[ENTRIES * SIZE];
    int style[ENTRIES];
    LatentPool pool;
    StyleNoisyTraining training;
} Bench;

static void read_config(VggConfig *config, const char *more, Arena *arena)
{
    char json[400];
    Error err = {0};
    snprintf(json, sizeof json,
             "{\"in_channels\": 2, \"sample_size\": 4, \"features\": [3, \"M\"], \"pooled_size\": 2, "
             "\"hidden\": [5], "
             "\"hidden_activation\": \"identity\"%s}",
             more);
    CHECK(vgg_config_read(config, json_of(arena, json), "s", arena, &err) == STATUS_OK);
}

static void bench_new(Bench *b, const char *more)
{
    Error err = {0};
    VggConfig config;
    *b = (Bench){.training = {.seed = 9, .scaling_factor = 0.5f}};
    read_config(&config, more, &b->arena);
    b->weights = weights_create(&b->arena, 3);
    vgg_load(&b->vgg, &config, &b->weights, "");
    CHECK(weights_finish(&b->weights, &err) == STATUS_OK);
    scramble(&b->weights, 4);
    fill_any(b->mean, ENTRIES * SIZE, 5);
    fill_any(b->deviation, ENTRIES * SIZE, 6);
    for (int i = 0; i < ENTRIES; i++)
        b->style[i] = i % 3;
    b->pool = (LatentPool){.count = ENTRIES, .channels = 2, .height = 4, .width = 4};
    b->pool.mean = b->mean;
    b->pool.deviation = b->deviation;
    b->training.vgg = &b->vgg;
    b->training.train = b->training.held_out = (StylePool){&b->pool, b->style};
    for (int l = 0; l < NOISY_LEVELS; l++)
        b->training.sigma[l] = (float)(NOISY_LEVELS - 1 - l);
}

static const char *const TOLD = ", \"noise_levels\": 21, \"heads\": {\"style\": 3}";
static const char *const NOT_TOLD = ", \"heads\": {\"style\": 3}";

/* Stable Diffusion's table at the times 999, 946.4, ..., 0: spec'd ends and the 0 behind them. */
static void test_levels(void)
{
    Arena arena = {0};
    Schedule schedule;
    float sigma[NOISY_LEVELS];
    CHECK(schedule_make(&schedule, &SCHEDULER_STABLE_DIFFUSION, false, &arena, NULL) == STATUS_OK);
    noisy_levels(sigma, &schedule);
    CHECK_NEAR(sigma[0], 14.614641, 1e-6);
    CHECK_NEAR(sigma[1], 10.746844, 1e-6);
    CHECK_NEAR(sigma[2], 8.081534, 1e-6);
    CHECK_NEAR(sigma[19], 0.029167, 1e-5);
    CHECK(sigma[20] == 0.0f);
    arena_free(&arena);
}

/* The loss of an entry at a level from the network's logits; right: it is named rightly. */
static double by_hand(const Bench *b, int j, int level, uint64_t index, int *right)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float y[SIZE], xi[SIZE], posterior[SIZE];
    const float told = (float)level;
    const bool tells = b->vgg.config.noise_levels > 0;
    Rng noise = rng_stream(RNG_PHILOX, 9, STREAM_NOISE, index);
    Rng draw = rng_stream(RNG_PHILOX, 9, STREAM_POSTERIOR, index);
    rng_normal_fill(&noise, xi, SIZE);
    rng_normal_fill(&draw, posterior, SIZE);
    for (int i = 0; i < SIZE; i++)
        y[i] = (float)(0.5 * (b->mean[j * SIZE + i] + b->deviation[j * SIZE + i] * posterior[i]) +
                       b->training.sigma[level] * xi[i]);
    const Tensor *logits = vgg(&tape, &b->vgg, tape_input(&tape, y, 4, (const int[]){1, 2, 4, 4}, false),
                               tells ? &told : NULL, NULL);
    const double loss = minus_log_softmax(logits->data, 3, b->style[j]);
    *right = vgg_best(&b->vgg.config, 0, logits->data) == b->style[j];
    arena_free(&arena);
    return tells ? loss * (level + 1) / 11.0 : loss;
}

static void check_training(const char *more)
{
    Bench b;
    float whole[40], part[1] = {0.0f};
    unsigned levels = 0;
    int right;
    bench_new(&b, more);
    const TrainTask task = style_noisy_task(&b.training);
    run_task(&task, false, 100, 40, whole);
    for (int i = 0; i < 40; i++) {
        const uint64_t index = 100 + (uint64_t)i;
        Rng order = rng_stream(RNG_PHILOX, 9, STREAM_ORDER, index),
            time = rng_stream(RNG_PHILOX, 9, STREAM_TIME, index);
        const int j = (int)rng_below(&order, ENTRIES), level = (int)rng_below(&time, NOISY_LEVELS);
        levels |= 1u << level;
        CHECK_NEAR(whole[i], by_hand(&b, j, level, index, &right), 1e-4);
        run_task(&task, false, index, 1, part);
        CHECK(part[0] == whole[i]);
    }
    CHECK((levels & 1u << 20) != 0);
    arena_free(&b.arena);
}

static void test_held_out(void)
{
    Bench b;
    float losses[42];
    int count[3] = {0}, right[3] = {0};
    bench_new(&b, TOLD);
    const TrainTask task = style_noisy_task(&b.training);
    run_task(&task, true, 0, 20, losses);
    run_task(&task, true, 20, 22, losses + 20);
    for (int i = 0; i < 42; i++) {
        int is_right = 0;
        const int level = i % NOISY_LEVELS;
        CHECK_NEAR(losses[i],
                   by_hand(&b, i % ENTRIES, level, ((uint64_t)1 << 48) - 1 - (uint64_t)i, &is_right), 1e-4);
        count[level / 7]++;
        right[level / 7] += is_right;
    }
    CHECK(memcmp(count, b.training.count, sizeof count) == 0 &&
          memcmp(right, b.training.right, sizeof right) == 0);
    CHECK(right[0] + right[1] + right[2] > 0);
    arena_free(&b.arena);
}

static void refused(const char *more, const char *sentence)
{
    Arena arena = {0};
    Error err = {0};
    VggConfig config;
    const LatentPool pool = {.channels = 2, .height = 4, .width = 4};
    read_config(&config, more, &arena);
    CHECK(style_noisy_check(&config, &pool, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, sentence);
    arena_free(&arena);
}

static void test_check(void)
{
    Arena arena = {0};
    Error err = {0};
    VggConfig config;
    const LatentPool pool = {.channels = 2, .height = 4, .width = 4},
                     other = {.channels = 2, .height = 8, .width = 4};
    read_config(&config, TOLD, &arena);
    CHECK(style_noisy_check(&config, &pool, &err) == STATUS_OK);
    CHECK(style_noisy_check(&config, &other, &err) == STATUS_ARGUMENT);
    refused(", \"noise_levels\": 20, \"heads\": {\"style\": 3}", "noise_levels is 20");
    refused(", \"heads\": {\"class\": 3}", "alone");
    refused(", \"heads\": {\"style\": 3, \"class\": 3}", "alone");
    arena_free(&arena);
}

typedef struct {
    Bench bench;
    Arena arena;
    bool held_out;
} Attempt;

static Status try_losses(void *context)
{
    Attempt *a = context;
    Tape tape = {.arena = &a->arena};
    const TrainTask task = style_noisy_task(&a->bench.training);
    const Tensor *loss = (a->held_out ? task.held_out : task.losses)(task.self, &tape, 0, 3);
    CHECK((loss == NULL) == (tape.error.status != STATUS_OK));
    arena_free(&a->arena);
    return tape.error.status;
}

static void test_failing_allocations(void)
{
    static Attempt a;
    bench_new(&a.bench, TOLD);
    check_allocations(try_losses, &a, &a.arena);
    a.held_out = true;
    check_allocations(try_losses, &a, &a.arena);
    arena_free(&a.bench.arena);
}

int main(void)
{
    test_levels();
    check_training(TOLD);
    check_training(NOT_TOLD);
    test_held_out();
    test_check();
    test_failing_allocations();
    return check_report("train_style_noisy");
}
