/* The aesthetic head's training: pool, loss, correlation; and that it finds a line that is there. */
#include "diffusion/train_aesthetic.h"

#include "diffusion/aesthetic_rule.h"
#include "tests/tiny_clip.h"
#include "tests/tiny_world.h"

enum { COUNT = 24, D = TINY_CLIP_WIDTH };

static TinyWorld tiny;

static WorldOptions small_pictures(void)
{
    WorldOptions o = WORLD_DEFAULTS;
    o.size = 32;
    return o;
}

/* Entry i is the row and the rule's score of picture (seed, i). */
static void test_pool(void)
{
    Arena arena = {0};
    Clip c;
    AestheticPool pool = {.count = 0};
    const WorldOptions o = small_pictures();
    tiny_clip_new(&c, &arena, false);
    CHECK(aesthetic_pool_fill(&pool, &c, &tiny.world, &o, 8, 5, &arena, NULL) == STATUS_OK);
    CHECK(pool.count == 5 && pool.width == D);
    for (int i = 0; i < 5; i++) {
        WorldSample sample;
        AestheticRule rule;
        float row[D];
        CHECK(world_sample(&tiny.world, &o, 8, (uint64_t)i, &sample, &arena, NULL) == STATUS_OK);
        CHECK(aesthetic_rule(&rule, &sample.image, NULL) == STATUS_OK &&
              pool.label[i] == (float)rule.score);
        CHECK(clip_embed_images(row, &c, &sample.image, 1, &arena, NULL) == STATUS_OK);
        CHECK(same_bits(row, pool.row + i * D, D));
    }
    arena_free(&arena);
}

/* Rows of any numbers with labels 3 + 2 x0 - x1: what a linear head can learn exactly. */
static AestheticPool line(Arena *arena, uint64_t seed)
{
    AestheticPool pool = {.count = COUNT, .width = D};
    pool.row = any_tensor(arena, seed, 2, COUNT, D)->data;
    pool.label = any_tensor(arena, seed, 1, COUNT)->data;
    for (int i = 0; i < COUNT; i++)
        pool.label[i] = 3.0f + 2.0f * pool.row[i * D] - pool.row[i * D + 1];
    return pool;
}

/* Training draws from the one pool, the held-out loss from the other. */
static void test_pools_are_kept_apart(void)
{
    Arena arena = {0};
    Aesthetic head;
    const AestheticPool good = line(&arena, 1), bad = line(&arena, 2);
    CHECK(aesthetic_create(&head, D, "x", "", 7, &arena, NULL) == STATUS_OK);
    for (int i = 0; i < COUNT; i++)
        bad.label[i] = NAN;
    AestheticTraining one = {.head = &head, .train = &good, .held_out = &bad, .seed = 7};
    const TrainTask task = aesthetic_training_task(&one);
    Tape tape = {.arena = &arena};
    CHECK(tensor_finite(task.losses(&one, &tape, 0, 50)));
    const Tensor *held = task.held_out(&one, &tape, 0, 1);
    CHECK(held != NULL && held->data[0] != held->data[0]);
    arena_free(&arena);
}

static void test_training_finds_a_line(void)
{
    char hash[2][65];
    for (int k = 0; k < 2; k++) {
        Arena arena = {0};
        Aesthetic head;
        Trainer t;
        TrainReport report;
        double before = 0, after = 0;
        Error err = {0};
        const AestheticPool train = line(&arena, 1), held_out = line(&arena, 2);
        CHECK(aesthetic_create(&head, D, "x", "", 7, &arena, NULL) == STATUS_OK);
        AestheticTraining training = {.head = &head, .train = &train, .held_out = &held_out, .seed = 7};
        const TrainTask task = aesthetic_training_task(&training);
        TrainOptions o = {
            .seed = 7, .max_train_steps = 300, .batch_size = 8, .micro_batch = k == 0 ? 8 : 3};
        o.optimizer = OPTIMIZER_ADAM_DEFAULTS;
        o.lr = 0.05;
        o.held_out = COUNT;
        Weights *const weights[] = {&head.weights};
        CHECK(trainer_init(&t, &task, &o, weights, 1, &arena, &err) == STATUS_OK);
        CHECK(aesthetic_correlation(&before, &head, &held_out, &arena, NULL) == STATUS_OK);
        for (int i = 0; i < 300; i++)
            CHECK(trainer_step(&t, &report, &err) == STATUS_OK);
        CHECK(trainer_held_out(&t, &after, &err) == STATUS_OK && after < 1e-3);
        CHECK_NEAR(head.bias->data[0], 3.0, 0.02);
        CHECK_NEAR(head.weight->data[0], 2.0, 0.02);
        CHECK_NEAR(head.weight->data[1], -1.0, 0.02);
        CHECK(aesthetic_correlation(&after, &head, &held_out, &arena, NULL) == STATUS_OK);
        CHECK(after > 0.999 && after <= 1.0 + 1e-12 && before < after);
        trainer_hash(&t, hash[k]);
        trainer_free(&t);
        arena_free(&arena);
    }
    CHECK(strcmp(hash[0], hash[1]) == 0);
}

static void test_correlation_by_hand(void)
{
    Arena arena = {0};
    Aesthetic head;
    float row[3] = {1.0f, 2.0f, 4.0f}, label[3] = {1.0f, 0.0f, 5.0f};
    const AestheticPool pool = {.count = 3, .width = 1, .row = row, .label = label};
    double r = 9.0;
    CHECK(aesthetic_create(&head, 1, "x", "", 7, &arena, NULL) == STATUS_OK);
    head.weight->data[0] =
        -2.0f; /* as the rows themselves, turned round: deviations -4/3, -1/3, 5/3; -1, -2, 3 */
    CHECK(aesthetic_correlation(&r, &head, &pool, &arena, NULL) == STATUS_OK);
    CHECK_NEAR(r, -(4.0 / 3.0 + 2.0 / 3.0 + 5.0) / (sqrt(42.0 / 9.0) * sqrt(14.0)), 1e-6);
    head.weight->data[0] = 0.0f;
    CHECK(aesthetic_correlation(&r, &head, &pool, &arena, NULL) == STATUS_OK && r == 0.0);
    arena_free(&arena);
}

typedef struct {
    Arena arena;
    const Clip *clip;
    const Aesthetic *head;
} Attempt;

static Status attempt(void *context)
{
    Attempt *a = context;
    const WorldOptions o = small_pictures();
    AestheticPool pool;
    double r;
    const size_t fail = a->arena.fail_after;
    arena_free(&a->arena);
    a->arena.fail_after = fail;
    Status status = aesthetic_pool_fill(&pool, a->clip, &tiny.world, &o, 1, 1, &a->arena, NULL);
    AestheticTraining training = {.head = a->head, .train = &pool, .held_out = &pool};
    const TrainTask task = aesthetic_training_task(&training);
    Tape tape = {.arena = &a->arena};
    if (status == STATUS_OK && task.losses(task.self, &tape, 0, 2) == NULL)
        status = tape.error.status;
    if (status == STATUS_OK && task.held_out(task.self, &tape, 0, 2) == NULL)
        status = tape.error.status;
    return status == STATUS_OK ? aesthetic_correlation(&r, a->head, &pool, &a->arena, NULL) : status;
}

static void test_no_memory(void)
{
    Arena arena = {0};
    Clip c;
    Aesthetic head;
    tiny_clip_new(&c, &arena, false);
    CHECK(aesthetic_create(&head, D, "x", "", 7, &arena, NULL) == STATUS_OK);
    Attempt a = {.clip = &c, .head = &head};
    check_allocations(attempt, &a, &a.arena);
    arena_free(&a.arena);
    arena_free(&arena);
}

int main(void)
{
    tiny_world(&tiny);
    test_pool();
    test_pools_are_kept_apart();
    test_training_finds_a_line();
    test_correlation_by_hand();
    test_no_memory();
    return check_report("train_aesthetic");
}
