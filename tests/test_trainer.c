#include "diffusion/trainer.h"

#include "base/threads.h"
#include "cli/golden_models.h"
#include "diffusion/train_unet.h"
#include "tests/toy_training.h"

/* ---- one step by hand: y = w x, loss (y - target)^2, samples (x, target) = (1, 0), (2, 1) ---- */

static uint64_t line_first; /* the sample that was asked for last */

static Tensor *line_losses(void *context, Tape *tape, uint64_t first, int count)
{
    const int dim[2] = {count, 1};
    float *x = tape_alloc(tape, 2 * (size_t)count, sizeof *x);
    Tensor *weight = context;
    if (x == NULL)
        return NULL;
    line_first = first;
    for (int i = 0; i < count; i++) {
        const uint64_t sample = (first + (uint64_t)i) % 2;
        x[i] = (float)(sample + 1);
        x[count + i] = (float)sample;
    }
    Tensor *y = linear(tape, tape_input(tape, x, 2, dim, false), weight, NULL);
    return mse_loss(tape, y, tape_input(tape, x + count, 2, dim, false));
}

static void test_two_steps_by_hand(void)
{
    Arena arena = {0};
    Weights w = weights_create(&arena, 1);
    Trainer t;
    TrainReport report;
    Error err = {0};
    double held = 0.0;
    w.trainable = true;
    Tensor *weight = weights_linear_no_bias(&w, "", "line", 1, 1).weight;
    weight->data[0] = 3.0f;
    const TrainTask task = {.name = "line", .self = weight, .losses = line_losses, .held_out = line_losses};
    TrainOptions o = {.max_train_steps = 4, .batch_size = 2, .micro_batch = 2, .lr = 0.1};
    o.optimizer = OPTIMIZER_SGD_DEFAULTS;
    o.schedule.kind = LR_LINEAR;
    o.max_grad_norm = 6.5;
    o.ema_decay = 0.9;
    o.held_out = 3;
    Weights *const weights[] = {&w};
    CHECK(trainer_init(&t, &task, &o, weights, 1, &arena, &err) == STATUS_OK);
    CHECK(trainer_held_out(&t, &held, &err) == STATUS_OK);
    CHECK_NEAR(held, (9.0 + 25.0 + 9.0) / 3.0, 1e-6);
    CHECK(trainer_step(&t, &report, &err) == STATUS_OK);
    CHECK(report.step == 1 && t.step == 1 && line_first == 0);
    CHECK_NEAR(report.loss, 17.0, 1e-6);      /* (9 + 25) / 2 */
    CHECK_NEAR(report.grad_norm, 13.0, 1e-6); /* (6 + 20) / 2, clipped to 6.5 */
    CHECK_NEAR(report.lr, 0.1, 1e-12);
    CHECK_NEAR(weight->data[0], 2.35, 1e-6);
    CHECK_NEAR(t.ema.shadow[0][0], 2.35, 1e-6); /* the first average is a copy */
    CHECK(trainer_step(&t, &report, &err) == STATUS_OK);
    CHECK(line_first == 2);
    CHECK_NEAR(report.loss, (2.35 * 2.35 + 3.7 * 3.7) / 2.0, 1e-6);
    CHECK_NEAR(report.lr, 0.075, 1e-12);
    CHECK_NEAR(weight->data[0], 1.8625, 1e-6);
    CHECK_NEAR(t.ema.shadow[0][0], 2.35 - 9.0 / 11.0 * (2.35 - 1.8625), 1e-6);
    trainer_free(&t);
    arena_free(&arena);
}

/* ---- what changes no bit ---- */

/* The denoiser and the text encoder of the golden items, with captions and latents from nothing. */
static void denoiser_hash(int micro_batch, bool checkpointing, char hex[65])
{
    static const int empty[GOLDEN_TEXT_LENGTH] = {20, 21, 21, 21, 21, 21};
    enum { POOL = 3, SIZE = 4 * 8 * 8 };
    int ids[POOL * GOLDEN_TEXT_LENGTH];
    float mean[POOL * SIZE], deviation[POOL * SIZE];
    Arena arena = {0};
    Unet net;
    ClipText text;
    Schedule schedule;
    Trainer t;
    TrainReport report;
    Error err = {0};
    LatentPool pool = {.count = POOL, .channels = 4, .height = 8, .width = 8, .tokens = GOLDEN_TEXT_LENGTH};
    pool.mean = mean;
    pool.deviation = deviation;
    pool.ids = ids;
    fill_any(mean, POOL * SIZE, 1);
    fill_any(deviation, POOL * SIZE, 2);
    for (int i = 0; i < POOL * GOLDEN_TEXT_LENGTH; i++)
        ids[i] = i % GOLDEN_VOCABULARY;
    Weights net_weights = weights_create(&arena, 6), text_weights = weights_create(&arena, 6);
    net_weights.trainable = text_weights.trainable = true;
    CHECK(golden_unet(&net, &net_weights, &arena, &err) == STATUS_OK);
    golden_text(&text, &text_weights);
    CHECK(weights_finish(&text_weights, &err) == STATUS_OK);
    CHECK(schedule_make(&schedule, &SCHEDULER_DEFAULTS, false, &arena, &err) == STATUS_OK);
    UnetTraining training = {.unet = &net, .text = &text, .schedule = &schedule, .train = &pool};
    training.prediction = PREDICT_EPSILON;
    training.held_out = &pool;
    training.scaling_factor = 1.0f;
    training.empty = empty;
    training.options.dropout = 0.3;
    const TrainTask task = unet_training_task(&training);
    TrainOptions o = toy_options();
    o.batch_size = 4;
    o.micro_batch = micro_batch;
    o.gradient_checkpointing = checkpointing;
    Weights *const weights[] = {&net_weights, &text_weights};
    CHECK(trainer_init(&t, &task, &o, weights, 2, &arena, &err) == STATUS_OK);
    for (int i = 0; i < 2; i++)
        CHECK(trainer_step(&t, &report, &err) == STATUS_OK);
    trainer_hash(&t, hex);
    trainer_free(&t);
    arena_free(&arena);
}

static void test_the_denoiser_in_parts_and_threads(void)
{
    char whole[65], other[65];
    threads_set(1);
    denoiser_hash(4, false, whole);
    for (int micro = 1; micro < 4; micro++) {
        threads_set(micro);
        denoiser_hash(micro, false, other);
        CHECK(strcmp(other, whole) == 0);
    }
    denoiser_hash(4, true, other); /* three threads still */
    CHECK(strcmp(other, whole) == 0);
    threads_set(0);
}

static void test_splits_of_a_batch(void)
{
    char whole[65];
    double want = 0.0, got = 0.0;
    Error err = {0};
    TrainOptions o = toy_options();
    Toy toy;
    toy_new(&toy, 3, &o);
    toy_steps(&toy, 8);
    trainer_hash(&toy.trainer, whole);
    CHECK(trainer_held_out(&toy.trainer, &want, &err) == STATUS_OK && want > 0.0);
    CHECK(toy_hash_is(&toy, whole)); /* measuring changes nothing */
    toy_free(&toy);
    for (o.micro_batch = 1; o.micro_batch <= 4; o.micro_batch++)
        for (int checkpoint = 0; checkpoint < 2; checkpoint++) {
            o.gradient_checkpointing = checkpoint != 0;
            toy_new(&toy, 3, &o);
            toy_steps(&toy, 8);
            CHECK(toy_hash_is(&toy, whole));
            CHECK(trainer_held_out(&toy.trainer, &got, &err) == STATUS_OK && got == want);
            toy_free(&toy);
        }
}

/* The hash has to tell apart what it is meant to tell apart. */
static void test_hash_sees_everything(void)
{
    char start[65];
    const TrainOptions o = toy_options();
    Toy toy;
    toy_new(&toy, 3, &o);
    toy_steps(&toy, 1);
    Trainer *t = &toy.trainer;
    trainer_hash(t, start);
    const size_t last = t->count - 1;
    float *const part[] = {&t->parameters[last]->data[0], &t->optimizer.first[last][0],
                           &t->optimizer.second[last][0], &t->ema.shadow[last][0]};
    for (int i = 0; i < 4; i++) {
        const float kept = *part[i];
        *part[i] = kept + 1.0f;
        CHECK(!toy_hash_is(&toy, start));
        *part[i] = kept;
    }
    t->step++;
    CHECK(!toy_hash_is(&toy, start));
    t->step--;
    CHECK(toy_hash_is(&toy, start));
    toy_free(&toy);
}

static void test_averaged_weights_change_places(void)
{
    char before[65];
    double plain = 0.0, averaged = 0.0, again = 0.0;
    Error err = {0};
    const TrainOptions o = toy_options();
    Toy toy;
    toy_new(&toy, 4, &o);
    toy_steps(&toy, 4);
    trainer_hash(&toy.trainer, before);
    CHECK(trainer_held_out(&toy.trainer, &plain, &err) == STATUS_OK);
    trainer_swap_ema(&toy.trainer);
    CHECK(!toy_hash_is(&toy, before));
    CHECK(trainer_held_out(&toy.trainer, &averaged, &err) == STATUS_OK);
    trainer_swap_ema(&toy.trainer);
    CHECK(toy_hash_is(&toy, before));
    CHECK(trainer_held_out(&toy.trainer, &again, &err) == STATUS_OK);
    CHECK(plain != averaged && plain == again);
    toy_free(&toy);
}

/* ---- what is refused ---- */

static void test_not_finite(void)
{
    char before[65];
    TrainReport report = {.step = 77};
    Error err = {0};
    TrainOptions o = toy_options();
    o.micro_batch = 2;
    Toy toy;
    toy_new(&toy, 5, &o);
    toy_steps(&toy, 1);
    trainer_hash(&toy.trainer, before);
    toy.bad = 9; /* the last sample of the second step */
    CHECK(trainer_step(&toy.trainer, &report, &err) == STATUS_NOT_FINITE);
    CHECK_TEXT(err.text, "toy: step 1");
    CHECK(report.step == 77 && toy.trainer.optimizer.steps == 1 && toy.trainer.ema.updates == 1);
    CHECK(toy_hash_is(&toy, before));
    toy.bad = 0; /* and the step can be done again */
    toy_steps(&toy, 1);
    Toy other;
    char want[65];
    toy_new(&other, 5, &o);
    toy_steps(&other, 2);
    trainer_hash(&other.trainer, want);
    CHECK(toy_hash_is(&toy, want));
    toy_free(&toy);
    toy_free(&other);
}

static Tensor *too_few(void *context, Tape *tape, uint64_t first, int count)
{
    return toy_losses(context, tape, first, count > 1 ? count - 1 : count);
}

static void test_refusals(void)
{
    Error err = {0};
    TrainReport report;
    const TrainOptions good = toy_options();
    TrainOptions bad[6] = {good, good, good, good, good, good};
    Toy toy;
    bad[0].batch_size = 0;
    bad[1].micro_batch = 0;
    bad[2].micro_batch = bad[2].batch_size + 1;
    bad[3].lr = NAN;
    bad[4].max_grad_norm = -1.0;
    bad[5].ema_decay = 1.5;
    for (int i = 0; i < 6; i++) {
        toy_model(&toy, 1, &bad[i]);
        toy.trainer.step = 5;
        CHECK(toy_trainer(&toy, &toy.arena, &err) == STATUS_ARGUMENT && toy.trainer.step == 5);
        arena_free(&toy.arena);
    }
    err = (Error){0};
    toy_new(&toy, 1, &good);
    toy.task.losses = too_few;
    CHECK(trainer_step(&toy.trainer, &report, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "toy: 4 losses for 5 samples");
    toy_free(&toy);
}

typedef struct {
    Toy *toy;
    Arena arena;
} Attempt;

static Status try_init(void *context)
{
    Attempt *a = context;
    Error err = {0};
    const Status status = toy_trainer(a->toy, &a->arena, &err);
    arena_free(&a->arena);
    return status;
}

static Status try_step(void *context)
{
    Attempt *a = context;
    TrainReport report;
    Error err = {0};
    char before[65];
    trainer_hash(&a->toy->trainer, before);
    const Status status = trainer_step(&a->toy->trainer, &report, &err);
    CHECK((status == STATUS_OK) != toy_hash_is(a->toy, before)); /* all of the step or nothing */
    return status;
}

static void test_failing_allocations(void)
{
    const TrainOptions o = toy_options();
    Toy toy;
    Attempt a = {.toy = &toy};
    toy_model(&toy, 1, &o);
    check_allocations(try_init, &a, &a.arena);
    CHECK(toy_trainer(&toy, &toy.arena, NULL) == STATUS_OK);
    check_allocations(try_step, &a, &toy.trainer.activations);
    check_allocations(try_step, &a, &toy.trainer.gradients);
    CHECK(toy.trainer.step == 2);
    toy_free(&toy);
}

int main(void)
{
    test_two_steps_by_hand();
    test_splits_of_a_batch();
    test_the_denoiser_in_parts_and_threads();
    test_hash_sees_everything();
    test_averaged_weights_change_places();
    test_not_finite();
    test_refusals();
    test_failing_allocations();
    return check_report("trainer");
}
