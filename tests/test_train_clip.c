/* CLIP's training: the loss by its formula, batches that do not mix, retrieval, and what is refused. */
#include "diffusion/train_clip.h"

#include "tests/tiny_clip.h"
#include "tests/tiny_world.h"

enum { PAIRS = 4, D = TINY_CLIP_WIDTH, PIXELS = 3 * TINY_CLIP_SIDE * TINY_CLIP_SIDE };

static TinyWorld tiny;

typedef struct {
    Arena arena;
    Clip clip;
    ClipTraining training;
    TrainTask task;
} Fixture;

static void fixture_new(Fixture *f, bool trainable)
{
    *f = (Fixture){.arena = {0}};
    tiny_clip_new(&f->clip, &f->arena, trainable);
    f->training = (ClipTraining){.clip = &f->clip, .world = &tiny.world, .seed = 5};
    f->training.options.pairs = PAIRS;
    f->training.train = f->training.held_out = WORLD_DEFAULTS;
    f->training.train.size = f->training.held_out.size = 32;
    f->task = clip_training_task(&f->training);
}

static void fixture_free(Fixture *f)
{
    arena_free(&f->training.scratch);
    arena_free(&f->arena);
}

/* The rows of training batch `batch`, each picture and caption alone. */
static void rows_alone(float *image, float *text, const Fixture *f, uint64_t seed, uint64_t batch)
{
    WorldScene scenes[PAIRS];
    Arena arena = {0};
    CHECK(pair_batch(scenes, PAIRS, &tiny.world, &f->training.train, seed, batch, NULL) == STATUS_OK);
    for (int i = 0; i < PAIRS; i++) {
        WorldSample sample;
        CHECK(world_sample_of(&sample, &tiny.world, &scenes[i], 32, 0, &arena, NULL) == STATUS_OK);
        CHECK(clip_embed_images(image + i * D, &f->clip, &sample.image, 1, &arena, NULL) == STATUS_OK);
        CHECK(clip_embed_texts(text + i * D, &f->clip, &sample.caption, 1, &arena, NULL) == STATUS_OK);
    }
    arena_free(&arena);
}

/* The formula of the header in binary64. */
static double plain_loss(const float *image, const float *text, double scale)
{
    double sum = 0;
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < PAIRS; i++) {
            double all = 0, own = 0;
            for (int j = 0; j < PAIRS; j++) {
                const float *a = (side == 0 ? text : image) + i * D,
                            *b = (side == 0 ? image : text) + j * D;
                double logit = 0;
                for (int k = 0; k < D; k++)
                    logit += (double)a[k] * b[k];
                logit *= exp(scale);
                all += exp(logit);
                own = j == i ? logit : own;
            }
            sum += log(all) - own;
        }
    return sum / (2 * PAIRS);
}

static void run_losses(float *out, Fixture *f, bool held_out, uint64_t first, int count)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    const Tensor *loss = (held_out ? f->task.held_out : f->task.losses)(f->task.self, &tape, first, count);
    if (CHECK(loss != NULL && loss->rank == 1 && loss->dim[0] == count))
        memcpy(out, loss->data, (size_t)count * sizeof *out);
    else
        printf("    %s\n", tape.error.text);
    arena_free(&arena);
}

static void test_loss(void)
{
    Fixture f;
    float whole[3] = {0}, one = 0, image[PAIRS * D], text[PAIRS * D];
    fixture_new(&f, false);
    run_losses(whole, &f, false, 7, 3);
    for (int i = 0; i < 3; i++) {
        rows_alone(image, text, &f, 5, 7 + (uint64_t)i);
        CHECK_NEAR(whole[i], plain_loss(image, text, f.clip.logit_scale->data[0]), 2e-5);
        run_losses(&one, &f, false, 7 + (uint64_t)i, 1);
        CHECK(one == whole[i]);
    }
    CHECK(whole[0] != whole[1]);
    run_losses(&one, &f, true, 7, 1);
    rows_alone(image, text, &f, 6, 7);
    CHECK_NEAR(one, plain_loss(image, text, f.clip.logit_scale->data[0]), 2e-5);
    fixture_free(&f);
}

/* Training goes down, and how many batches of pairs lie on one tape changes no bit of the state. */
static void test_steps(void)
{
    char hash[3][65];
    for (int k = 0; k < 3; k++) {
        Fixture f;
        Trainer t;
        TrainReport report = {.loss = NAN};
        Error err = {0};
        double first = 0, last = 0;
        fixture_new(&f, true);
        TrainOptions o = {
            .seed = 5, .max_train_steps = 12, .batch_size = 3, .micro_batch = k + 1, .lr = 0.01};
        o.optimizer = OPTIMIZER_ADAMW_DEFAULTS;
        o.ema_decay = 0.5;
        o.held_out = 2;
        Weights *const weights[] = {&f.clip.weights};
        CHECK(trainer_init(&t, &f.task, &o, weights, 1, &f.arena, &err) == STATUS_OK);
        for (int step = 0; step < 12; step++) {
            if (!CHECK(trainer_step(&t, &report, &err) == STATUS_OK))
                printf("    %s\n", err.text);
            first = step == 0 ? report.loss : first;
            last = report.loss;
        }
        CHECK(last < first - 0.1);
        CHECK(trainer_held_out(&t, &last, &err) == STATUS_OK && last > 0.0);
        trainer_hash(&t, hash[k]);
        trainer_free(&t);
        fixture_free(&f);
    }
    CHECK(strcmp(hash[0], hash[1]) == 0 && strcmp(hash[0], hash[2]) == 0);
}

/* Gradients of several batches on one tape are those of one after the other, each as it is added. */
static void test_gradients_add_up(void)
{
    enum { BATCHES = 24 };
    Fixture f[2];
    Arena gradients[2] = {{0}, {0}};
    for (int k = 0; k < 2; k++) {
        fixture_new(&f[k], true);
        for (int i = 0; i < (k == 0 ? 1 : BATCHES); i++) {
            Tape tape = {.arena = &f[k].arena, .gradients = &gradients[k], .recording = true};
            Tensor *loss = f[k].task.losses(f[k].task.self, &tape, (uint64_t)i, k == 0 ? BATCHES : 1);
            CHECK(loss != NULL && tape_backward(&tape, loss, NULL) == STATUS_OK);
        }
    }
    const Parameter *q = f[1].clip.weights.first;
    for (const Parameter *p = f[0].clip.weights.first; p != NULL; p = p->next, q = q->next)
        if (!CHECK(same_bits(p->tensor->grad, q->tensor->grad, tensor_count(p->tensor))))
            printf("    %s\n", p->name);
    for (int k = 0; k < 2; k++) {
        arena_free(&gradients[k]);
        fixture_free(&f[k]);
    }
}

/* The scale stays within [1, 100]. */
static void test_bound(void)
{
    Fixture f;
    fixture_new(&f, false);
    float *s = f.clip.logit_scale->data;
    static const float GIVEN[4] = {-0.5f, 0.0f, 3.0f, 7.0f};
    static const double WANT[4] = {0.0, 0.0, 3.0, 4.605170185988092};
    for (int i = 0; i < 4; i++) {
        *s = GIVEN[i];
        f.task.after_step(f.task.self);
        CHECK_NEAR(*s, WANT[i], 1e-7 * WANT[i]);
    }
    fixture_free(&f);
}

/* The trainer bounds it after each step, and averages what was bounded. */
static void test_bound_in_training(void)
{
    Fixture f;
    Trainer t;
    TrainReport report;
    fixture_new(&f, true);
    TrainOptions o = {.seed = 5, .max_train_steps = 1, .batch_size = 1, .micro_batch = 1, .lr = 0.0};
    o.optimizer = OPTIMIZER_SGD_DEFAULTS;
    o.ema_decay = 0.5;
    Weights *const weights[] = {&f.clip.weights};
    CHECK(trainer_init(&t, &f.task, &o, weights, 1, &f.arena, NULL) == STATUS_OK);
    f.clip.logit_scale->data[0] = 4.75f;
    CHECK(trainer_step(&t, &report, NULL) == STATUS_OK);
    CHECK_NEAR(f.clip.logit_scale->data[0], 4.605170185988092, 1e-6);
    CHECK(t.parameters[0] == f.clip.logit_scale && t.ema.shadow[0][0] == f.clip.logit_scale->data[0]);
    trainer_free(&t);
    fixture_free(&f);
}

static void test_retrieve_by_hand(void)
{
    /* Picture 0 is nearest to caption 0, 1 to 1 and 2 as well, 2 to 0: one of three is right, and 1 is a tie. */
    const float image[3 * 2] = {1, 0, 0, 1, 0.9f, 0.1f};
    const float text[3 * 2] = {1, 0, 0, 0.5f, 0, 0.5f};
    int which[3];
    ClipRetrieval r = clip_retrieve(which, image, text, 3, 2);
    CHECK(which[0] == 0 && which[1] == 1 && which[2] == 0);
    CHECK_NEAR(r.text, 1.0 / 3.0, 1e-12);
    CHECK_NEAR(r.image, 2.0 / 3.0, 1e-12); /* caption 0: picture 0; 1: picture 1; 2: picture 1 */
    r = clip_retrieve(which, image, image, 3, 2);
    CHECK(r.text < 1.0 && which[2] == 0); /* the product is what counts: (0.9, 0.1) is nearest to (1, 0) */
}

/* The measure is the mean over its groups, each of RETRIEVAL captions that can be told apart. */
static void test_retrieval(void)
{
    Fixture f;
    ClipRetrieval both = {0}, first = {0};
    fixture_new(&f, false);
    f.training.options.retrieval = 2;
    Error err = {0};
    const Status status = clip_retrieval(&both, &f.training, &err);
    if (!CHECK(status == STATUS_OK))
        printf("    %s\n", err.text);
    CHECK(both.text >= 0.0 && both.text <= 1.0);
    WorldScene scenes[2][RETRIEVAL];
    for (int group = 0; group < 2; group++) {
        float image[RETRIEVAL * D], text[RETRIEVAL * D];
        int which[RETRIEVAL];
        CHECK(clip_retrieval_group(scenes[group], &f.training, group, NULL) == STATUS_OK);
        for (int i = 0; i < RETRIEVAL; i++) {
            WorldSample sample;
            CHECK(world_sample_of(&sample, &tiny.world, &scenes[group][i], 32, 0, &f.arena, NULL) ==
                  STATUS_OK);
            CHECK(clip_embed_images(image + i * D, &f.clip, &sample.image, 1, &f.arena, NULL) == STATUS_OK);
            CHECK(clip_embed_texts(text + i * D, &f.clip, &sample.caption, 1, &f.arena, NULL) == STATUS_OK);
        }
        const ClipRetrieval r = clip_retrieve(which, image, text, RETRIEVAL, D);
        first.text += r.text / 2;
        first.image += r.image / 2;
    }
    CHECK(first.text == both.text && first.image == both.image);
    CHECK(memcmp(scenes[0], scenes[1], sizeof scenes[0]) != 0);
    fixture_free(&f);
}

static void test_options(void)
{
    Arena arena = {0};
    Error err = {0};
    ClipLossOptions o = {.pairs = 9};
    CHECK(clip_loss_options_read(&o, json_of(&arena, "{\"pairs\": 3, \"retrieval\": 2}"), "r", &arena,
                                 &err) == STATUS_OK);
    CHECK(o.pairs == 3 && o.retrieval == 2);
    CHECK(clip_loss_options_read(&o, json_of(&arena, "{}"), "r", &arena, &err) == STATUS_OK);
    CHECK(o.pairs == 64 && o.retrieval == 0);
    o.pairs = 1;
    CHECK(clip_loss_options_read(&o, NULL, "r", &arena, &err) == STATUS_OK && o.pairs == 64);
    CHECK(clip_loss_options_read(&o, json_of(&arena, "{\"pairs\": 1}"), "r", &arena, NULL) ==
          STATUS_FORMAT);
    CHECK(clip_loss_options_read(&o, json_of(&arena, "{\"margin\": 1}"), "r", &arena, &err) ==
          STATUS_FORMAT);
    CHECK_TEXT(err.text, "margin");
    CHECK(o.pairs == 64);
    arena_free(&arena);
}

/* A world without so many captions: the tape says so. */
static void test_refused(void)
{
    Fixture f;
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    fixture_new(&f, false);
    f.training.options.pairs = 2000;
    f.training.train.share[WORLD_SCENE] = f.training.train.share[WORLD_LAYERED] = 0.0f;
    CHECK(f.task.losses(f.task.self, &tape, 0, 1) == NULL && tape.error.status == STATUS_ARGUMENT);
    CHECK_TEXT(tape.error.text, "can be told apart");
    arena_free(&arena);
    fixture_free(&f);
}

typedef struct {
    Fixture *fixture;
    Arena arena;
} Attempt;

static Status try_loss(void *context)
{
    Attempt *a = context;
    Tape tape = {.arena = &a->arena};
    const size_t fail = a->arena.fail_after;
    arena_free(&a->arena);
    a->arena.fail_after = fail;
    const Tensor *loss = a->fixture->task.losses(a->fixture->task.self, &tape, 0, 2);
    CHECK((loss == NULL) == (tape.error.status != STATUS_OK));
    return tape.error.status;
}

static Status try_retrieval(void *context)
{
    Attempt *a = context;
    ClipRetrieval r;
    const size_t fail = a->fixture->training.scratch.fail_after;
    arena_free(&a->fixture->training.scratch);
    a->fixture->training.scratch.fail_after = fail;
    return clip_retrieval(&r, &a->fixture->training, NULL);
}

static void test_no_memory(void)
{
    Fixture f;
    fixture_new(&f, false);
    Attempt a = {.fixture = &f};
    f.training.options.pairs = 2;
    check_allocations(try_loss, &a, &a.arena);
    arena_free(&a.arena);
    f.training.options.retrieval = 1;
    check_allocations(try_retrieval, &a, &f.training.scratch);
    fixture_free(&f);
}

int main(void)
{
    tiny_world(&tiny);
    test_loss();
    test_steps();
    test_gradients_add_up();
    test_bound();
    test_bound_in_training();
    test_retrieve_by_hand();
    test_retrieval();
    test_options();
    test_refused();
    test_no_memory();
    return check_report("train_clip");
}
