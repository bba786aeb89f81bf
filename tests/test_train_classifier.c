#include "diffusion/train_classifier.h"

#include "diffusion/picture_quarter.h"
#include "diffusion/world_scene.h"
#include "tests/net_check.h"
#include "tests/tiny_world.h"
#include "tests/train_check.h"

enum { SIZE = 32, PICTURE = 3 * SIZE * SIZE };

static const char *const MODEL =
    "{\"features\": [4, \"M\", 4, \"M\"], \"sample_size\": 32, \"pooled_size\": 2, "
    "\"hidden\": [5], \"heads\": {\"class\": 6, \"style\": 2}%s}";

typedef struct {
    TinyWorld tiny;
    Arena arena;
    Weights weights;
    Vgg vgg;
    ClassifierTraining training;
} Bench;

static WorldOptions all_drawings(void)
{
    WorldOptions o = WORLD_DEFAULTS;
    o.size = SIZE;
    o.styles = 3;
    o.split = SPLIT_ALL;
    o.concepts = CONCEPTS_ALL;
    o.company = COMPANY_ANY;
    o.share[WORLD_LAYERED] = 0.0f;
    return o;
}

static Status config_of(Bench *b, VggConfig *config, const char *more, const WorldOptions *options,
                        Error *err)
{
    char json[500];
    snprintf(json, sizeof json, MODEL, more);
    CHECK(vgg_config_read(config, json_of(&b->arena, json), "tiny", &b->arena, err) == STATUS_OK);
    return classifier_heads_name(config, &b->tiny.world, options, &b->arena, err);
}

static void bench_new(Bench *b)
{
    Error err = {0};
    VggConfig config;
    *b = (Bench){.training = {.seed = 5}};
    tiny_world(&b->tiny);
    const WorldOptions options = all_drawings();
    if (!CHECK(config_of(b, &config, "", &options, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        exit(1);
    }
    b->weights = weights_create(&b->arena, 7);
    vgg_load(&b->vgg, &config, &b->weights, "");
    CHECK(weights_finish(&b->weights, &err) == STATUS_OK);
    scramble(&b->weights, 8);
    b->training.vgg = &b->vgg;
    b->training.world = &b->tiny.world;
    b->training.train = b->training.held_out = options;
    b->training.options = (ClassifierLossOptions){
        .class_weight = 2.0, .style_weight = 0.5, .shift = 2, .soft = 0.5, .noise = 0.1};
}

static void bench_free(Bench *b)
{
    arena_free(&b->training.scratch);
    arena_free(&b->arena);
}

static void test_names_of_heads(void)
{
    Bench b;
    Error err = {0};
    VggConfig config;
    bench_new(&b);
    const VggHead *class = &b.vgg.config.head[0], *style = &b.vgg.config.head[1];
    CHECK(strcmp(class->label[0], "nothing") == 0 && strcmp(class->label[1], "square") == 0);
    CHECK(strcmp(class->label[5], "rare") == 0);
    CHECK(strcmp(style->label[0], "ink") == 0 && strcmp(style->label[1], "wash") == 0);
    CHECK(classifier_style(&b.tiny.world, 1) == 1 && classifier_style(&b.tiny.world, 2) == -1);
    WorldOptions options = all_drawings();
    options.size = 64;
    CHECK(config_of(&b, &config, "", &options, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "sample_size 64");
    options = all_drawings();
    err = (Error){0};
    CHECK(config_of(&b, &config, ", \"noise_levels\": 3", &options, &err) == STATUS_ARGUMENT);
    options.share[WORLD_LAYERED] = 1.0f;
    err = (Error){0};
    CHECK(config_of(&b, &config, "", &options, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "layered");
    options = all_drawings();
    b.tiny.world.concepts = 4;
    err = (Error){0};
    CHECK(config_of(&b, &config, "", &options, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "\"class\" with 5");
    bench_free(&b);
}

/* A single is the world's picture; a quarter shows the thing that stands there, or nothing. */
static void test_labels(void)
{
    Bench b;
    Error err = {0};
    int singles = 0, empty = 0, full = 0;
    bench_new(&b);
    for (uint64_t i = 0; i < 400; i++) {
        Arena arena = {0};
        Tape tape = {.arena = &arena};
        ClassifierExample e;
        WorldSample sample;
        const WorldOptions *o = &b.training.train;
        CHECK(classifier_example(&e, &b.tiny.world, o, NULL, 5, i, &arena, &err) == STATUS_OK);
        CHECK(world_sample(&b.tiny.world, o, 5, i, &sample, &arena, &err) == STATUS_OK);
        const WorldScene *scene = &sample.scene;
        CHECK(e.quarter == (scene->kind == WORLD_SCENE) && (e.style >= 0) == (e.label > 0));
        CHECK(e.style < 0 || e.style == scene->style);
        if (!e.quarter) {
            singles++;
            CHECK(e.label == scene->object[0].concept + 1 && same_bits(e.planes, sample.planes, PICTURE));
        }
        bool found = !e.quarter;
        Tensor *x = tape_input(&tape, sample.planes, 4, (const int[]){1, 3, SIZE, SIZE}, false);
        for (int q = 0; q < PICTURE_QUARTERS && e.quarter; q++) {
            int label = 0;
            for (int k = 0; k < scene->count; k++)
                if ((int)scene->object[k].place == PLACE_TOP_LEFT + q)
            label = scene->object[k].concept + 1;
            found = found ||
                    (label == e.label && same_bits(e.planes, picture_quarter(&tape, x, q)->data, PICTURE));
        }
        CHECK(found);
        empty += e.quarter && e.label == 0;
        full += e.quarter && e.label > 0;
        arena_free(&arena);
    }
    CHECK(singles > 150 && full > 100 && empty > 5 && empty < 40);
    bench_free(&b);
}

/* Shift alone moves whole pixels: the inner part is found again at one of the places that are allowed. */
static void test_shift(void)
{
    Bench b;
    Error err = {0};
    int still = 0;
    const ClassifierLossOptions change = {.shift = 1};
    bench_new(&b);
    for (uint64_t i = 0; i < 40; i++) {
        Arena arena = {0};
        ClassifierExample plain, moved;
        const WorldOptions *o = &b.training.train;
        CHECK(classifier_example(&plain, &b.tiny.world, o, NULL, 5, i, &arena, &err) == STATUS_OK);
        CHECK(classifier_example(&moved, &b.tiny.world, o, &change, 5, i, &arena, &err) == STATUS_OK);
        CHECK(moved.label == plain.label && moved.style == plain.style);
        int places = 0;
        for (int place = 0; place < 9; place++) {
            const int dx = place % 3 - 1, dy = place / 3 - 1;
            bool same = true;
            for (int y = 2; y < SIZE - 2; y++)
                for (int x = 2; x < SIZE - 2; x++)
                    same = same && moved.planes[y * SIZE + x] == plain.planes[(y - dy) * SIZE + x - dx];
            places += same;
            still += same && place == 4;
        }
        CHECK(places >= 1);
        arena_free(&arena);
    }
    CHECK(still < 30);
    bench_free(&b);
}

/* The loss of one sample through the network, in binary64 from its logits. */
static double loss_by_hand(const Bench *b, const ClassifierLossOptions *change, uint64_t seed,
                           uint64_t index, ClassifierCounts *counts)
{
    Arena arena = {0};
    Error err = {0};
    Tape tape = {.arena = &arena};
    ClassifierExample e;
    CHECK(classifier_example(&e, &b->tiny.world, &b->training.train, change, seed, index, &arena, &err) ==
          STATUS_OK);
    const Tensor *y = vgg(
        &tape, &b->vgg, tape_input(&tape, e.planes, 4, (const int[]){1, 3, SIZE, SIZE}, false), NULL, NULL);
    double loss = 2.0 * minus_log_softmax(y->data, 6, e.label);
    if (e.style >= 0)
        loss += 0.5 * minus_log_softmax(y->data + 6, 2, e.style);
    const int right = vgg_best(&b->vgg.config, 0, y->data) == e.label;
    counts->singles += !e.quarter;
    counts->quarters += e.quarter;
    counts->right_singles += !e.quarter && right;
    counts->right_quarters += e.quarter && right;
    counts->styles += e.style >= 0;
    counts->right_styles += e.style >= 0 && vgg_best(&b->vgg.config, 1, y->data) == e.style;
    arena_free(&arena);
    return loss;
}

static void test_task(void)
{
    Bench b;
    float whole[12], part[12];
    ClassifierCounts unused = {0}, want = {0};
    bench_new(&b);
    const TrainTask task = classifier_training_task(&b.training);
    run_task(&task, false, 11, 12, whole);
    for (int i = 0; i < 12; i++) {
        run_task(&task, false, 11 + (uint64_t)i, 1, part + i);
        CHECK(part[i] == whole[i]);
        CHECK_NEAR(whole[i], loss_by_hand(&b, &b.training.options, 5, 11 + (uint64_t)i, &unused), 1e-5);
    }
    CHECK(b.training.counts.singles == 0);
    run_task(&task, true, 11, 12, part);
    for (int i = 0; i < 12; i++)
        CHECK_NEAR(part[i], loss_by_hand(&b, NULL, 6, 11 + (uint64_t)i, &want), 1e-5);
    CHECK(memcmp(&want, &b.training.counts, sizeof want) == 0 && want.singles > 0 && want.quarters > 0);
    bench_free(&b);
}

/* The largest of several equals is the first. */
static void test_best(void)
{
    const float logits[5] = {9.0f, 1.0f, 3.0f, 3.0f, 2.0f};
    const VggConfig config = {.heads = 2, .head = {{.outputs = 1}, {.outputs = 4}}};
    CHECK(vgg_best(&config, 0, logits) == 0 && vgg_best(&config, 1, logits) == 1);
}

static void test_options_read(void)
{
    Arena arena = {0};
    Error err = {0};
    ClassifierLossOptions o = {.shift = 77};
    const char *json = "{\"class\": 3, \"style\": 0.5, \"shift\": 2, \"soft\": 0.25, \"noise\": 0.125}";
    CHECK(classifier_loss_options_read(&o, json_of(&arena, json), "r", &arena, &err) == STATUS_OK);
    CHECK(o.class_weight == 3.0 && o.style_weight == 0.5 && o.shift == 2 && o.soft == 0.25 &&
          o.noise == 0.125);
    CHECK(classifier_loss_options_read(&o, json_of(&arena, "{}"), "r", &arena, &err) == STATUS_OK);
    CHECK(o.class_weight == 1.0 && o.style_weight == 0.0 && o.shift == 0 && o.soft == 0.0);
    CHECK(classifier_loss_options_read(&o, json_of(&arena, "{\"flip\": 1}"), "r", &arena, &err) ==
          STATUS_FORMAT);
    CHECK_TEXT(err.text, "flip");
    CHECK(classifier_loss_options_read(&o, json_of(&arena, "{\"shift\": 17}"), "r", &arena, NULL) ==
          STATUS_FORMAT);
    CHECK(classifier_loss_options_read(&o, json_of(&arena, "{\"soft\": 2}"), "r", &arena, NULL) ==
          STATUS_FORMAT);
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
    const TrainTask task = classifier_training_task(&a->bench.training);
    const Tensor *loss = task.losses(task.self, &tape, 11, 2);
    CHECK((loss == NULL) == (tape.error.status != STATUS_OK));
    arena_free(&a->arena);
    arena_free(&a->bench.training.scratch);
    return tape.error.status;
}

static void test_failing_allocations(void)
{
    static Attempt a;
    bench_new(&a.bench);
    check_allocations(try_losses, &a, &a.arena);
    check_allocations(try_losses, &a, &a.bench.training.scratch);
    bench_free(&a.bench);
}

int main(void)
{
    test_names_of_heads();
    test_labels();
    test_shift();
    test_task();
    test_best();
    test_options_read();
    test_failing_allocations();
    return check_report("train_classifier");
}
