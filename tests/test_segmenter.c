#include "diffusion/segmenter.h"

#include "base/file.h"
#include "tests/net_check.h"
#include "tests/scratch.h"
#include "tests/tiny_world.h"

enum { SIDE = 8, PIXELS = SIDE * SIDE, LABELS = 6 };

static Arena arena;
static TinyWorld tiny;

static const char *const config_text =
    "{\"labels\": 6, \"head_channels\": 8, \"backbone\": {\"features\": [4, \"M\", 6]}}";

static FcnConfig config_of(const char *text)
{
    FcnConfig config = {.labels = 0};
    CHECK(fcn_config_read(&config, json_of(&arena, text), "test", &arena, NULL) == STATUS_OK);
    return config;
}

static Segmenter made(uint64_t seed)
{
    static FcnConfig config;
    Segmenter s = {.count = 0};
    config = config_of(config_text);
    CHECK(segmenter_labels_of(&s, &tiny.world, &arena, NULL) == STATUS_OK);
    s.weights = weights_create(&arena, seed);
    fcn_load(&s.net, &config, &s.weights, "");
    CHECK(weights_finish(&s.weights, NULL) == STATUS_OK);
    scramble(&s.weights, seed + 1);
    return s;
}

/* Core are square, half and tile; veil and the held-out thing are known by their categories. */
static void test_labels_of_a_world(void)
{
    static const char *const NAMES[LABELS] = {"background", "shape", "cloth",
                                              "red square", "half",  "ivory tile"};
    static const int NUMBERS[LABELS] = {0, 257, 258, 1, 2, 4}, CATEGORIES[LABELS] = {0, 1, 2, 1, 2, 1};
    static const int OF[TINY_CONCEPTS + 1] = {0, 3, 4, 2, 5, 1};
    const Segmenter s = made(1);
    uint16_t label[LABELS], of[TINY_CONCEPTS + 1], number[LABELS];
    CHECK(s.count == LABELS && s.categories == 2);
    CHECK_TEXT(s.category[0], "shape");
    CHECK_TEXT(s.category[1], "cloth");
    for (int k = 0; k < LABELS; k++) {
        CHECK(strcmp(s.label[k].name, NAMES[k]) == 0);
        label[k] = (uint16_t)k;
    }
    segment_numbers(number, &s, label, LABELS);
    segment_categories(label, &s, label, LABELS);
    for (int k = 0; k < LABELS; k++)
        CHECK(number[k] == NUMBERS[k] && label[k] == CATEGORIES[k]);
    CHECK(segmenter_world_labels(of, &s, &tiny.world, NULL) == STATUS_OK);
    for (int k = 0; k <= TINY_CONCEPTS; k++)
        CHECK(of[k] == OF[k]);
    Segmenter other = s;
    Error err = {0};
    other.count = 2; /* background and "shape" */
    CHECK(segmenter_world_labels(of, &other, &tiny.world, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "neither \"half\" nor \"cloth\"");
}

/* Without weights every pixel has the scores of the biases; the lowest of two equal labels wins. */
static void test_the_largest_score_wins(void)
{
    Segmenter s = made(2);
    float planes[2 * 3 * PIXELS];
    uint16_t label[2 * PIXELS];
    const Tensor *bias = s.net.score[0].bias;
    for (int k = 0; k < 2; k++) {
        memset(s.net.score[k].weight->data, 0, tensor_count(s.net.score[k].weight) * sizeof(float));
        memset(s.net.score[k].bias->data, 0, LABELS * sizeof(float));
    }
    for (int k = 0; k < LABELS; k++)
        bias->data[k] = k == 2 || k == 4 ? 0.5f : -1.0f;
    fill_any(planes, 2 * 3 * PIXELS, 3);
    CHECK(segment(label, &s, planes, 2, SIDE, SIDE, &arena, NULL) == STATUS_OK);
    for (int p = 0; p < 2 * PIXELS; p++)
        CHECK(label[p] == 2);
    bias->data[5] = NAN;
    CHECK(segment(label, &s, planes, 2, SIDE, SIDE, &arena, NULL) == STATUS_NOT_FINITE);
    bias->data[5] = INFINITY;
    CHECK(segment(label, &s, planes, 2, SIDE, SIDE, &arena, NULL) == STATUS_NOT_FINITE);
}

/* A picture's labels are those of its scores, whatever stands beside it in the batch. */
static void test_pictures_one_by_one(void)
{
    const Segmenter s = made(4);
    float planes[3 * 3 * PIXELS];
    uint16_t label[3 * PIXELS], one[PIXELS];
    Tape tape = {.arena = &arena};
    fill_any(planes, 3 * 3 * PIXELS, 5);
    Tensor *x = tape_input(&tape, planes, 4, (const int[]){3, 3, SIDE, SIDE}, false);
    const Tensor *logits = fcn(&tape, &s.net, x);
    CHECK(segment(label, &s, planes, 3, SIDE, SIDE, &arena, NULL) == STATUS_OK);
    if (!CHECK(logits != NULL && logits->dim[1] == LABELS && logits->dim[2] == SIDE))
        return;
    int different = 0;
    for (int n = 0; n < 3; n++) {
        CHECK(segment(one, &s, planes + n * 3 * PIXELS, 1, SIDE, SIDE, &arena, NULL) == STATUS_OK);
        CHECK(memcmp(one, label + n * PIXELS, sizeof one) == 0);
        for (int p = 0; p < PIXELS; p++) {
            const float *score = logits->data + n * LABELS * PIXELS + p;
            for (int k = 0; k < LABELS; k++)
                CHECK(score[k * PIXELS] <= score[one[p] * PIXELS]);
            different += one[p] != one[0];
        }
    }
    CHECK(different > 0);
}

static void test_odd_sizes(void)
{
    const Segmenter s = made(6);
    float planes[3 * 5 * 7];
    uint16_t label[5 * 7];
    fill_any(planes, 3 * 5 * 7, 7);
    CHECK(segment(label, &s, planes, 1, 5, 7, &arena, NULL) == STATUS_OK);
    CHECK(segment(label, &s, planes, 1, 1, 1, &arena, NULL) == STATUS_SHAPE);
}

/* ---- the folder ---- */

static char folder[SCRATCH_PATH];

static const char *in_folder(const char *name)
{
    return path_join(&arena, folder, name);
}

static void test_written_and_read(void)
{
    const Segmenter s = made(8);
    Segmenter back = {.count = 0};
    Error err = {0};
    float planes[3 * PIXELS];
    uint16_t a[PIXELS], b[PIXELS];
    fill_any(planes, 3 * PIXELS, 9);
    CHECK(segmenter_save(&s, folder, F32, &arena, &err) == STATUS_OK);
    if (!CHECK(segmenter_open(&back, folder, &arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        return;
    }
    CHECK(back.count == s.count && back.categories == s.categories);
    for (int k = 0; k < s.count; k++)
        CHECK(strcmp(back.label[k].name, s.label[k].name) == 0 &&
              back.label[k].category_label == s.label[k].category_label &&
              back.label[k].number == s.label[k].number);
    CHECK(segment(a, &s, planes, 1, SIDE, SIDE, &arena, NULL) == STATUS_OK);
    CHECK(segment(b, &back, planes, 1, SIDE, SIDE, &arena, NULL) == STATUS_OK);
    CHECK(memcmp(a, b, sizeof a) == 0);
}

static void test_hostile_labels(void)
{
    static const char *const BAD[] = {
        "",
        "[]",
        "{}",
        "{\"labels\": 6}",
        "{\"labels\": [1, 2, 3, 4, 5, 6]}",
        "{\"labels\": [{\"name\": \"a\", \"category\": \"\"}]}",
        "{\"labels\": [{\"name\": 1, \"category\": \"\"}, {}, {}, {}, {}, {}]}",
        "{\"labels\": [{\"name\": \"a\"}, {\"name\": \"a\"}, {\"name\": \"a\"}, {}, {}, {}]}"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        Segmenter s = {.count = -7};
        Error err = {0};
        CHECK(file_write(in_folder("labels.json"), BAD[i], strlen(BAD[i]), NULL) == STATUS_OK);
        CHECK(segmenter_open(&s, folder, &arena, &err) == STATUS_FORMAT);
        CHECK_TEXT(err.text, "labels.json");
        CHECK(s.count == -7);
    }
    remove(in_folder("labels.json"));
    Segmenter s;
    CHECK(segmenter_open(&s, folder, &arena, NULL) == STATUS_FILE);
}

static Status try_all(void *context)
{
    Arena *own = context;
    Segmenter s;
    float planes[3 * PIXELS];
    uint16_t label[PIXELS];
    fill_any(planes, 3 * PIXELS, 11);
    Status status = segmenter_open(&s, folder, own, NULL);
    if (status == STATUS_OK)
        status = segment(label, &s, planes, 1, SIDE, SIDE, own, NULL);
    if (status == STATUS_OK)
        status = segmenter_save(&s, folder, F32, own, NULL);
    if (status != STATUS_OK) { /* what a failed save may have taken away */
        const Segmenter again = made(8);
        CHECK(segmenter_save(&again, folder, F32, &arena, NULL) == STATUS_OK);
    }
    arena_free(own);
    return status;
}

int main(void)
{
    Arena own = {0};
    tiny_world(&tiny);
    scratch_path(folder, "segmenter");
    test_labels_of_a_world();
    test_the_largest_score_wins();
    test_pictures_one_by_one();
    test_odd_sizes();
    test_written_and_read();
    check_allocations(try_all, &own, &own);
    test_hostile_labels();
    remove(in_folder("config.json"));
    remove(in_folder("model.safetensors"));
    CHECK(rmdir(folder) == 0);
    arena_free(&arena);
    return check_report("segmenter");
}
