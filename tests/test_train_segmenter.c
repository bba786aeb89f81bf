#include "diffusion/train_segmenter.h"

#include "base/rng.h"
#include "nn/losses.h"
#include "tests/net_check.h"
#include "tests/tiny_world.h"
#include "tests/train_check.h"

enum { SIDE = 32, PIXELS = SIDE * SIDE };

static Arena arena;
static TinyWorld tiny;
static Fcn net;
static Weights weights;

static void make_net(void)
{
    static FcnConfig config;
    static const char *const text =
        "{\"labels\": 6, \"head_channels\": 8, \"backbone\": {\"features\": [4, \"M\", 6]}}";
    CHECK(fcn_config_read(&config, json_of(&arena, text), "test", &arena, NULL) == STATUS_OK);
    weights = weights_create(&arena, 3);
    fcn_load(&net, &config, &weights, "");
    CHECK(weights_finish(&weights, NULL) == STATUS_OK);
    scramble(&weights, 4);
}

/* Each pixel's scores lie H*W apart; a picture's loss is the mean over its pixels. */
static void test_loss_by_hand(void)
{
    enum { N = 2, K = 3, H = 2, W = 3 };
    static const int labels[N * H * W] = {0, 1, 2, 2, 1, 0, 1, 1, 0, 2, 0, 2};
    Tape tape = {.arena = &arena};
    Tensor *x = any_tensor(&arena, 4, 4, N, K, H, W);
    const Tensor *y = segmentation_loss(&tape, x, labels);
    CHECK(y != NULL && y->rank == 1 && y->dim[0] == N);
    for (int n = 0; y != NULL && n < N; n++) {
        double mean = 0.0;
        for (int p = 0; p < H * W; p++) {
            const float *score = x->data + n * K * H * W + p;
            double sum = 0.0;
            for (int k = 0; k < K; k++)
                sum += exp(score[k * H * W]);
            mean += (log(sum) - score[labels[n * H * W + p] * H * W]) / (H * W);
        }
        CHECK_NEAR(y->data[n], mean, 1e-6);
    }
    Tensor *one = any_tensor(&arena, 5, 2, 2, 4), *same = any_tensor(&arena, 5, 4, 2, 4, 1, 1);
    const Tensor *rows = cross_entropy(&tape, one, labels),
                 *pixels = segmentation_loss(&tape, same, labels);
    CHECK(rows != NULL && pixels != NULL && memcmp(rows->data, pixels->data, 2 * sizeof(float)) == 0);
}

static Tensor *run_loss(Tape *tape, const void *context, Tensor *const *inputs)
{
    return segmentation_loss(tape, inputs[0], context);
}

static void test_loss_gradient_and_refusals(void)
{
    static const int labels[2 * 2 * 3] = {3, 0, 4, 3, 1, 1, 2, 0, 4, 4, 0, 2}, beyond[2] = {0, 3};
    Tensor *x = any_tensor(&arena, 6, 4, 2, 5, 2, 3);
    check_slope(run_loss, labels, &x, x, 0x1p-6f, 1e-3);
    Tensor *const bad[] = {any_tensor(&arena, 1, 2, 2, 3), any_tensor(&arena, 1, 4, 1, 2, 0, 2),
                           any_tensor(&arena, 1, 0)};
    for (int i = 0; i < 3; i++) {
        Tape tape = {.arena = &arena};
        CHECK(segmentation_loss(&tape, bad[i], beyond) == NULL && tape.error.status == STATUS_SHAPE);
    }
    Tape tape = {.arena = &arena};
    CHECK(segmentation_loss(&tape, any_tensor(&arena, 1, 4, 1, 3, 1, 2), beyond) == NULL);
    CHECK(tape.error.status == STATUS_ARGUMENT);
    CHECK(segmentation_loss(&tape, NULL, beyond) == NULL && segmentation_loss(&tape, x, NULL) == NULL);
}

static SegmenterTraining training_of(double noise)
{
    static const uint16_t LABEL_OF[TINY_CONCEPTS + 1] = {0, 3, 4, 2, 5, 1};
    SegmenterTraining t = {
        .net = &net, .noise = noise, .world = &tiny.world, .label_of = LABEL_OF, .seed = 5};
    t.train = t.held_out = WORLD_DEFAULTS;
    t.train.size = t.held_out.size = SIDE;
    t.train.maps = t.held_out.maps = WORLD_MAP_LABELS;
    t.train.company = COMPANY_ANY;
    return t;
}

/* Sample `index` with its own noise, through the operators. */
static float by_hand(const SegmenterTraining *t, const WorldOptions *options, uint64_t seed, uint64_t index,
                     double noise)
{
    Arena own = {0};
    Tape tape = {.arena = &own};
    WorldSample sample;
    float xi[3 * PIXELS], loss = NAN;
    int label[PIXELS];
    CHECK(world_sample(t->world, options, seed, index, &sample, &own, NULL) == STATUS_OK);
    Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_NOISE, index);
    const float s = (float)noise * rng_uniform(&rng);
    rng_normal_fill(&rng, xi, 3 * PIXELS);
    for (int i = 0; i < 3 * PIXELS && noise > 0.0; i++) {
        const float d = s * xi[i];
        sample.planes[i] = sample.planes[i] + d;
    }
    for (int p = 0; p < PIXELS; p++)
        label[p] = t->label_of[sample.concepts[p]];
    Tensor *x = tape_input(&tape, sample.planes, 4, (const int[]){1, 3, SIDE, SIDE}, false);
    const Tensor *y = segmentation_loss(&tape, fcn(&tape, &net, x), label);
    if (CHECK(y != NULL))
        loss = y->data[0];
    arena_free(&own);
    return loss;
}

static void test_task(void)
{
    float whole[3], part[3], clean[3];
    SegmenterTraining t = training_of(0.5), without = training_of(0.0);
    const TrainTask task = segmenter_training_task(&t), plain = segmenter_training_task(&without);
    run_task(&task, false, 11, 3, whole);
    run_task(&plain, false, 11, 3, clean);
    for (int i = 0; i < 3; i++) {
        run_task(&task, false, 11 + (uint64_t)i, 1, part + i);
        CHECK(part[i] == whole[i] && part[i] == by_hand(&t, &t.train, 5, 11 + (uint64_t)i, 0.5));
        CHECK(clean[i] != whole[i] && clean[i] == by_hand(&t, &t.train, 5, 11 + (uint64_t)i, 0.0));
    }
    run_task(&task, true, 11, 2, part);
    CHECK(part[0] == by_hand(&t, &t.held_out, 6, 11, 0.0) &&
          part[1] == by_hand(&t, &t.held_out, 6, 12, 0.0));
    CHECK(whole[0] != whole[1] && part[0] != whole[0]);
    arena_free(&t.scratch);
    arena_free(&without.scratch);
}

/* A step against the gradient lowers the loss of the same pictures. */
static void test_training_helps(void)
{
    SegmenterTraining t = training_of(0.0);
    const TrainTask task = segmenter_training_task(&t);
    float before[2], after[2];
    const float dy[2] = {0.5f, 0.5f};
    Arena own = {0}, gradients = {0};
    Tape tape = {.arena = &own, .gradients = &gradients, .recording = true};
    Tensor *bias = parameter(&weights, "score.1.bias");
    bias->wants_grad = bias->keeps_grad = true;
    bias->grad = NULL;
    Tensor *loss = task.losses(task.self, &tape, 3, 2);
    CHECK(loss != NULL && tape_backward(&tape, loss, dy) == STATUS_OK && bias->grad != NULL);
    run_task(&task, false, 3, 2, before);
    for (size_t k = 0; bias->grad != NULL && k < tensor_count(bias); k++)
        bias->data[k] -= bias->grad[k];
    run_task(&task, false, 3, 2, after);
    CHECK(after[0] + after[1] < before[0] + before[1]);
    bias->wants_grad = bias->keeps_grad = false;
    arena_free(&own);
    arena_free(&gradients);
    arena_free(&t.scratch);
}

static void test_noise_read(void)
{
    Error err = {0};
    double noise = 9.0;
    CHECK(segmenter_noise_read(&noise, json_of(&arena, "{\"noise\": 0.25}"), "r", &arena, &err) ==
          STATUS_OK);
    CHECK(noise == 0.25);
    CHECK(segmenter_noise_read(&noise, json_of(&arena, "{\"nose\": 1}"), "r", &arena, &err) ==
          STATUS_FORMAT);
    CHECK_TEXT(err.text, "nose");
    CHECK(segmenter_noise_read(&noise, json_of(&arena, "{\"noise\": -1}"), "r", &arena, NULL) ==
          STATUS_FORMAT);
    CHECK(noise == 0.25);
    CHECK(segmenter_noise_read(&noise, json_of(&arena, "{}"), "r", &arena, NULL) == STATUS_OK &&
          noise == 0.0);
}

typedef struct {
    SegmenterTraining training;
    Arena arena;
} Attempt;

static Status try_losses(void *context)
{
    Attempt *a = context;
    Tape tape = {.arena = &a->arena};
    const TrainTask task = segmenter_training_task(&a->training);
    const Tensor *loss = task.losses(task.self, &tape, 0, 1);
    CHECK((loss == NULL) == (tape.error.status != STATUS_OK));
    arena_free(&a->arena);
    arena_free(&a->training.scratch);
    return tape.error.status;
}

int main(void)
{
    tiny_world(&tiny);
    make_net();
    test_loss_by_hand();
    test_loss_gradient_and_refusals();
    test_task();
    test_training_helps();
    test_noise_read();
    Attempt a = {.training = training_of(0.1)};
    check_allocations(try_losses, &a, &a.training.scratch);
    for (size_t n = 1; n <= 12; n++) { /* what comes before the network, and its first layers */
        a.arena.fail_after = n;
        CHECK(try_losses(&a) == STATUS_MEMORY);
    }
    arena_free(&arena);
    return check_report("train_segmenter");
}
