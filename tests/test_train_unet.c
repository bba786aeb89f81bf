#include "diffusion/train_unet.h"

#include "base/rng.h"
#include "cli/golden_models.h"
#include "tests/net_check.h"

enum { ENTRIES = 3, SIZE = 4 * 8 * 8, SEED = 17 };

static const int empty_caption[GOLDEN_TEXT_LENGTH] = {20, 21, 21, 21, 21, 21};

typedef struct {
    Arena arena;
    Unet net;
    ClipText text;
    Weights net_weights, text_weights;
    Schedule schedule;
    LatentPool pool;
    UnetTraining training;
    TrainTask task;
} Bench;

static void bench_new(Bench *b, int prediction, DenoisingLossOptions options)
{
    Error err = {0};
    *b = (Bench){.pool = {.count = ENTRIES, .channels = 4, .height = 8, .width = 8}};
    b->net_weights = weights_create(&b->arena, 6);
    b->text_weights = weights_create(&b->arena, 7);
    CHECK(golden_unet(&b->net, &b->net_weights, &b->arena, &err) == STATUS_OK);
    golden_text(&b->text, &b->text_weights);
    CHECK(weights_finish(&b->text_weights, &err) == STATUS_OK);
    scramble(&b->net_weights, 8);
    CHECK(schedule_make(&b->schedule, &SCHEDULER_DEFAULTS, false, &b->arena, &err) == STATUS_OK);
    b->pool.tokens = GOLDEN_TEXT_LENGTH;
    b->pool.mean = arena_alloc(&b->arena, ENTRIES * SIZE, sizeof(float));
    b->pool.deviation = arena_alloc(&b->arena, ENTRIES * SIZE, sizeof(float));
    b->pool.ids = arena_alloc(&b->arena, ENTRIES * GOLDEN_TEXT_LENGTH, sizeof(int));
    fill_any(b->pool.mean, ENTRIES * SIZE, 9);
    fill_any(b->pool.deviation, ENTRIES * SIZE, 10);
    for (int i = 0; i < ENTRIES * GOLDEN_TEXT_LENGTH; i++)
        b->pool.ids[i] = (i * 5 + 1) % 20;
    b->training = (UnetTraining){.unet = &b->net,
                                 .text = &b->text,
                                 .schedule = &b->schedule,
                                 .prediction = prediction,
                                 .options = options,
                                 .train = &b->pool,
                                 .held_out = &b->pool,
                                 .scaling_factor = 0.75f,
                                 .empty = empty_caption,
                                 .seed = SEED};
    b->task = unet_training_task(&b->training);
}

/* Losses of samples first ... first+count-1 into out. */
static void run_task(const Bench *b, bool held_out, uint64_t first, int count, float *out)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    const Tensor *loss = (held_out ? b->task.held_out : b->task.losses)(b->task.self, &tape, first, count);
    if (CHECK(loss != NULL && tensor_count(loss) == (size_t)count))
        memcpy(out, loss->data, (size_t)count * sizeof *out);
    arena_free(&arena);
}

static Rng stream(RngPurpose purpose, uint64_t index)
{
    return rng_stream(RNG_PHILOX, SEED, purpose, index);
}

/* The formulas of the header, in binary64 but for the network: z_t and target from picture j, timestep t and the
 * draws of `index`; `ids` is the caption. */
static double by_hand(Bench *b, int j, int t, uint64_t index, const int *ids)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float e[SIZE], xi[SIZE], z_t[SIZE], timestep = (float)t;
    double target[SIZE], sum = 0.0;
    Rng noise = stream(STREAM_NOISE, index), posterior = stream(STREAM_POSTERIOR, index);
    rng_normal_fill(&noise, e, SIZE);
    rng_normal_fill(&posterior, xi, SIZE);
    const double abar = b->schedule.alpha_bar[t], a = sqrt(abar), s = sqrt(1.0 - abar);
    for (int i = 0; i < SIZE; i++) {
        const double mean = b->pool.mean[j * SIZE + i], deviation = b->pool.deviation[j * SIZE + i];
        const double z0 = 0.75 * (mean + deviation * xi[i]);
        z_t[i] = (float)(a * z0 + s * e[i]);
        target[i] = b->training.prediction == PREDICT_EPSILON ? e[i]
                    : b->training.prediction == PREDICT_V     ? a * e[i] - s * z0
                                                              : z0;
    }
    Tensor *text = clip_text(&tape, &b->text, ids, 1, GOLDEN_TEXT_LENGTH, NULL);
    Tensor *x = tape_input(&tape, z_t, 4, (const int[]){1, 4, 8, 8}, false);
    const Tensor *out = unet(&tape, &b->net, x, &timestep, text, NULL);
    for (int i = 0; CHECK(out != NULL) && i < SIZE; i++)
        sum += (out->data[i] - target[i]) * (out->data[i] - target[i]);
    arena_free(&arena);
    const double snr = abar / (1.0 - abar), gamma = b->training.options.min_snr_gamma;
    const double least = snr < gamma ? snr : gamma;
    const double weight = gamma == 0.0                                ? 1.0
                          : b->training.prediction == PREDICT_EPSILON ? least / snr
                          : b->training.prediction == PREDICT_V       ? least / (snr + 1.0)
                                                                      : least;
    return weight * sum / SIZE;
}

static void test_losses_by_hand(int prediction, double min_snr_gamma)
{
    Bench b;
    float got[4];
    bench_new(&b, prediction, (DenoisingLossOptions){.dropout = 0.5, .min_snr_gamma = min_snr_gamma});
    run_task(&b, false, 20, 4, got);
    for (uint64_t i = 0; i < 4; i++) {
        Rng order = stream(STREAM_ORDER, 20 + i), time = stream(STREAM_TIME, 20 + i);
        Rng dropout = stream(STREAM_DROPOUT, 20 + i);
        const int j = (int)rng_below(&order, ENTRIES), t = (int)rng_below(&time, 1000);
        const bool empty = rng_uniform(&dropout) < 0.5f;
        CHECK_NEAR(got[i],
                   by_hand(&b, j, t, 20 + i, empty ? empty_caption : b.pool.ids + j * GOLDEN_TEXT_LENGTH),
                   2e-5);
    }
    /* held out: entry i, timesteps 166, 500, 833 of 1000, and its own draws */
    run_task(&b, true, 0, 3, got);
    for (int i = 0; i < 3; i++)
        CHECK_NEAR(got[i],
                   by_hand(&b, i, (2 * i + 1) * 1000 / 6, ((uint64_t)1 << 48) - 1 - (uint64_t)i,
                           b.pool.ids + i * GOLDEN_TEXT_LENGTH),
                   2e-5);
    arena_free(&b.arena);
}

static void test_weights_by_hand(void)
{
    const double alpha_bar[3] = {0.9, 0.5, 0.1}; /* SNR 9, 1, 1/9 */
    const Schedule s = {.steps = 3, .alpha_bar = alpha_bar, .final_alpha_bar = 1.0};
    const double want[3][3] = {{5.0 / 9.0, 1.0, 1.0}, {0.5, 0.5, 0.1}, {5.0, 1.0, 1.0 / 9.0}};
    const int kind[3] = {PREDICT_EPSILON, PREDICT_V, PREDICT_SAMPLE};
    for (int k = 0; k < 3; k++)
        for (int t = 0; t < 3; t++) {
            CHECK_NEAR(denoising_loss_weight(&s, kind[k], 5.0, t), want[k][t], 1e-12);
            CHECK(denoising_loss_weight(&s, kind[k], 0.0, t) == 1.0);
        }
}

/* Without any signal SNR is 0: the limits of the weights, and no 0 / 0. */
static void test_weights_at_zero_terminal_snr(void)
{
    const double alpha_bar[2] = {0.5, 0.0};
    const Schedule s = {.steps = 2, .alpha_bar = alpha_bar, .final_alpha_bar = 1.0};
    CHECK(denoising_loss_weight(&s, PREDICT_EPSILON, 5.0, 1) == 1.0);
    CHECK(denoising_loss_weight(&s, PREDICT_V, 5.0, 1) == 0.0);
    CHECK(denoising_loss_weight(&s, PREDICT_SAMPLE, 5.0, 1) == 0.0);
}

static void test_sample_does_not_depend_on_its_batch(void)
{
    Bench b;
    float whole[5], part[5];
    bench_new(&b, PREDICT_V, (DenoisingLossOptions){.dropout = 0.3, .min_snr_gamma = 5.0});
    run_task(&b, false, 7, 5, whole);
    for (int i = 0; i < 5; i++) {
        run_task(&b, false, 7 + (uint64_t)i, 1, part + i);
        CHECK(part[i] == whole[i]);
    }
    run_task(&b, false, 9, 3, part);
    CHECK(same_bits(part, whole + 2, 3));
    run_task(&b, true, 0, 5, whole); /* held-out samples begin anew after the last */
    CHECK(whole[0] == whole[3] && whole[1] == whole[4] && whole[0] != whole[1]);
    arena_free(&b.arena);
}

/* Which captions were dropped shows in the losses: those of an always empty caption or of one that never is. */
static void test_share_of_dropped_captions(void)
{
    enum { COUNT = 160, AT_ONCE = 20 };
    float loss[3][COUNT];
    const double share[3] = {0.0, 1.0, 0.25};
    int dropped = 0;
    Bench b;
    bench_new(&b, PREDICT_EPSILON, (DenoisingLossOptions){.dropout = 0.0});
    for (int k = 0; k < 3; k++) {
        b.training.options.dropout = share[k];
        for (int i = 0; i < COUNT; i += AT_ONCE)
            run_task(&b, false, (uint64_t)i, AT_ONCE, loss[k] + i);
    }
    for (int i = 0; i < COUNT; i++) {
        CHECK(loss[0][i] != loss[1][i]);
        CHECK(loss[2][i] == loss[0][i] || loss[2][i] == loss[1][i]);
        dropped += loss[2][i] == loss[1][i];
    }
    CHECK(dropped > 24 && dropped < 56); /* 40, three deviations of 5.5 */
    arena_free(&b.arena);
}

static void test_options(void)
{
    Arena arena = {0};
    Error err = {0};
    DenoisingLossOptions o = {.dropout = 0.5};
    CHECK(denoising_loss_options_read(&o, json_of(&arena, "{\"dropout\": 0.1, \"min_snr_gamma\": 5}"), "r",
                                      &arena, &err) == STATUS_OK);
    CHECK(o.dropout == 0.1 && o.min_snr_gamma == 5.0);
    CHECK(denoising_loss_options_read(&o, json_of(&arena, "{\"dropuot\": 0.1}"), "r", &arena, &err) ==
          STATUS_FORMAT);
    CHECK_TEXT(err.text, "dropuot");
    CHECK(denoising_loss_options_read(&o, json_of(&arena, "{\"dropout\": 2}"), "r", &arena, NULL) ==
          STATUS_FORMAT);
    CHECK(o.dropout == 0.1);
    CHECK(denoising_loss_options_read(&o, json_of(&arena, "{}"), "r", &arena, NULL) == STATUS_OK);
    CHECK(o.dropout == 0.0 && o.min_snr_gamma == 0.0);
    arena_free(&arena);
}

typedef struct {
    Bench bench;
    Arena arena;
} Attempt;

static Status try_losses(void *context)
{
    Attempt *a = context;
    Tape tape = {.arena = &a->arena};
    const Tensor *loss = a->bench.task.losses(a->bench.task.self, &tape, 0, 1);
    CHECK((loss == NULL) == (tape.error.status != STATUS_OK));
    arena_free(&a->arena);
    return tape.error.status;
}

static void test_failing_allocations(void)
{
    Attempt a = {.arena = {0}};
    bench_new(&a.bench, PREDICT_V, (DenoisingLossOptions){.dropout = 0.0});
    check_allocations(try_losses, &a, &a.arena);
    arena_free(&a.bench.arena);
}

int main(void)
{
    test_losses_by_hand(PREDICT_EPSILON, 0.0);
    test_losses_by_hand(PREDICT_V, 5.0);
    test_losses_by_hand(PREDICT_SAMPLE, 2.0);
    test_weights_by_hand();
    test_weights_at_zero_terminal_snr();
    test_sample_does_not_depend_on_its_batch();
    test_share_of_dropped_captions();
    test_options();
    test_failing_allocations();
    return check_report("train_unet");
}
