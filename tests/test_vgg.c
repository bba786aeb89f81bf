#include "base/threads.h"
#include "diffusion/vgg_save.h"
#include "tests/net_check.h"
#include "tests/scratch.h"

static const char *const TINY =
    "{\"features\": [3, \"M\", 4, 5, \"M\"], \"sample_size\": 8, \"pooled_size\": 2, \"hidden\": [6], "
    "\"image_mean\": [0.5, 0.25, 0.75], \"image_std\": [0.5, 0.25, 0.5], "
    "\"heads\": {\"class\": 4, \"style\": 3}%s}";

enum { N = 2, SIDE = 9 };

typedef struct {
    Arena arena;
    Weights weights;
    Vgg vgg;
    Tensor *x;
    float level[N];
} TinyVgg;

static void tiny_new(TinyVgg *t, const char *more, bool trainable)
{
    char json[1000];
    Error err = {0};
    VggConfig config;
    *t = (TinyVgg){.level = {3.0f, 20.0f}};
    snprintf(json, sizeof json, TINY, more);
    if (!CHECK(vgg_config_read(&config, json_of(&t->arena, json), "tiny", &t->arena, &err) == STATUS_OK)) {
        printf("    %s\n", err.text);
        exit(1);
    }
    t->weights = weights_create(&t->arena, 201);
    t->weights.trainable = trainable;
    vgg_load(&t->vgg, &config, &t->weights, "");
    CHECK(weights_finish(&t->weights, &err) == STATUS_OK);
    scramble(&t->weights, 202);
    t->x = any_tensor(&t->arena, 203, 4, N, 3, SIDE, SIDE);
}

/* ---- the network in plain loops and binary64 ---- */

typedef struct {
    int C, H, W;
    double x[16 * SIDE * SIDE];
} Map;

static Map conv_plain(const Map *in, const Affine *conv)
{
    Map out = {conv->weight->dim[0], in->H, in->W, {0}};
    for (int o = 0; o < out.C; o++)
        for (int y = 0; y < out.H; y++)
            for (int x = 0; x < out.W; x++) {
                double sum = conv->bias->data[o];
                for (int c = 0; c < in->C; c++)
                    for (int k = 0; k < 9; k++) {
                        const int v = y + k / 3 - 1, u = x + k % 3 - 1;
                        if (v >= 0 && v < in->H && u >= 0 && u < in->W)
                            sum += (double)conv->weight->data[(o * in->C + c) * 9 + k] *
                                   in->x[(c * in->H + v) * in->W + u];
                    }
                out.x[(o * out.H + y) * out.W + x] = sum > 0.0 ? sum : 0.0;
            }
    return out;
}

static Map pool_plain(const Map *in)
{
    Map out = {in->C, in->H / 2, in->W / 2, {0}};
    for (int c = 0; c < out.C; c++)
        for (int y = 0; y < out.H; y++)
            for (int x = 0; x < out.W; x++) {
                double most = -1.0;
                for (int k = 0; k < 4; k++) {
                    const double a = in->x[(c * in->H + 2 * y + k / 2) * in->W + 2 * x + k % 2];
                    most = a > most ? a : most;
                }
                out.x[(c * out.H + y) * out.W + x] = most;
            }
    return out;
}

static int linear_plain(double *out, const double *in, int width, const Affine *layer, bool activated)
{
    const int count = layer->weight->dim[0];
    CHECK(layer->weight->dim[1] == width);
    for (int o = 0; o < count; o++) {
        double sum = layer->bias->data[o];
        for (int i = 0; i < width; i++)
            sum += (double)layer->weight->data[o * width + i] * in[i];
        out[o] = activated && sum < 0.0 ? 0.0 : sum;
    }
    return count;
}

/* SIDE 9: maxima leave 4, then 2, which is the pooled size. */
static void plain(const TinyVgg *t, int n, double stage0[], double stage1[], double hidden[6],
                  double logits[7])
{
    Map x = {3, SIDE, SIDE, {0}};
    for (int i = 0; i < 3 * SIDE * SIDE; i++) {
        const int c = i / (SIDE * SIDE);
        x.x[i] = ((t->x->data[n * 3 * SIDE * SIDE + i] + 1.0) / 2.0 - t->vgg.config.mean[c]) /
                 t->vgg.config.std[c];
    }
    x = conv_plain(&x, &t->vgg.conv[0]);
    memcpy(stage0, x.x, 3 * SIDE * SIDE * sizeof *stage0);
    x = pool_plain(&x);
    x = conv_plain(&x, &t->vgg.conv[2]);
    x = conv_plain(&x, &t->vgg.conv[3]);
    memcpy(stage1, x.x, 5 * 16 * sizeof *stage1);
    x = pool_plain(&x);
    double row[8];
    int width = linear_plain(row, x.x, 5 * 4, &t->vgg.linear[0], t->vgg.config.hidden_relu);
    memcpy(hidden, row, 6 * sizeof *hidden);
    if (t->vgg.config.noise_levels > 0)
        row[width++] = (double)t->level[n] / t->vgg.config.noise_levels;
    linear_plain(logits, row, width, &t->vgg.linear[1], false);
}

static void check_against_plain(const char *more)
{
    TinyVgg t;
    VggTaps taps;
    tiny_new(&t, more, false);
    Tape tape = {.arena = &t.arena};
    const float *level = t.vgg.config.noise_levels > 0 ? t.level : NULL;
    const Tensor *y = vgg(&tape, &t.vgg, t.x, level, &taps);
    CHECK(y != NULL && y == taps.logits && taps.stages == 2 && y->rank == 2 && y->dim[1] == 7);
    for (int n = 0; n < N && y != NULL; n++) {
        double stage0[3 * SIDE * SIDE], stage1[5 * 16], hidden[6], logits[7];
        plain(&t, n, stage0, stage1, hidden, logits);
        for (int i = 0; i < 3 * SIDE * SIDE; i++)
            CHECK_NEAR(taps.stage[0]->data[n * 3 * SIDE * SIDE + i], stage0[i], 1e-5);
        for (int i = 0; i < 5 * 16; i++)
            CHECK_NEAR(taps.stage[1]->data[n * 5 * 16 + i], stage1[i], 1e-5);
        for (int i = 0; i < 6; i++)
            CHECK_NEAR(taps.hidden[0]->data[n * 6 + i], hidden[i], 1e-5);
        for (int i = 0; i < 7; i++)
            CHECK_NEAR(y->data[n * 7 + i], logits[i], 1e-5);
    }
    Tensor *style = vgg_head_logits(&tape, &t.vgg, taps.logits, 1);
    CHECK(style != NULL && style->dim[1] == 3 && style->data[2] == y->data[6]);
    CHECK(vgg_tap(&taps, "stage2") == taps.stage[1] && vgg_tap(&taps, "map") == taps.map);
    CHECK(vgg_tap(&taps, "hidden1") == taps.hidden[0] && vgg_tap(&taps, "pooled") == taps.pooled);
    CHECK(vgg_tap(&taps, "logits") == y && vgg_tap(&taps, "stage3") == NULL && vgg_tap(&taps, "x") == NULL);
    CHECK(taps.map->dim[1] == 5 && taps.map->dim[2] == 2 && taps.pooled->dim[1] == 20);
    arena_free(&t.arena);
}

static void test_plain_loops(void)
{
    check_against_plain("");
    check_against_plain(", \"hidden_activation\": \"identity\"");
    check_against_plain(", \"noise_levels\": 21");
}

/* The names and shapes of torchvision's vgg11 (A) with narrower layers. */
static void test_names_are_torchvision_s(void)
{
    static const char *const NAMES[] = {"features.0",   "features.3",   "features.6",  "features.8",
                                        "features.11",  "features.13",  "features.16", "features.18",
                                        "classifier.0", "classifier.3", "classifier.6"};
    static const int DIMS[][2] = {{4, 3}, {5, 4}, {6, 5},   {6, 6}, {7, 6},   {7, 7},
                                  {7, 7}, {7, 7}, {9, 343}, {9, 9}, {1000, 9}};
    Arena arena = {0};
    Error err = {0};
    VggConfig config;
    Vgg v;
    CHECK(vgg_config_read(&config,
                          json_of(&arena, "{\"features\": [4,\"M\",5,\"M\",6,6,\"M\",7,7,\"M\",7,7,\"M\"], "
                                          "\"hidden\": [9, 9], \"heads\": {\"class\": 1000}}"),
                          "a", &arena, &err) == STATUS_OK);
    Weights w = weights_create(&arena, 1);
    vgg_load(&v, &config, &w, "");
    CHECK(weights_finish(&w, &err) == STATUS_OK && w.count == 22);
    const Parameter *p = w.first;
    for (int i = 0; i < 11 && p != NULL && p->next != NULL; i++, p = p->next->next) {
        char weight[40], bias[40];
        snprintf(weight, sizeof weight, "%s.weight", NAMES[i]);
        snprintf(bias, sizeof bias, "%s.bias", NAMES[i]);
        CHECK(strcmp(p->name, weight) == 0 && strcmp(p->next->name, bias) == 0);
        CHECK(p->tensor->dim[0] == DIMS[i][0] && p->tensor->dim[1] == DIMS[i][1]);
        CHECK(p->tensor->rank == (i < 8 ? 4 : 2) && p->next->tensor->rank == 1);
    }
    arena_free(&arena);
}

static Tensor *run_vgg(Tape *tape, const void *context, Tensor *const *inputs)
{
    const TinyVgg *t = context;
    return vgg(tape, &t->vgg, inputs[0], t->vgg.config.noise_levels > 0 ? t->level : NULL, NULL);
}

static void test_slopes(void)
{
    static const char *const NAMES[] = {"features.0.weight", "features.0.bias",     "features.3.weight",
                                        "features.5.weight", "classifier.0.weight", "classifier.3.weight",
                                        "classifier.3.bias"};
    TinyVgg t;
    tiny_new(&t, ", \"noise_levels\": 21", false);
    check_slope(run_vgg, &t, &t.x, t.x, 0x1p-12f, 5e-3);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        check_slope(run_vgg, &t, &t.x, parameter(&t.weights, NAMES[i]), 0x1p-12f, 5e-3);
    arena_free(&t.arena);
}

static void test_a_batch_is_its_pictures_on_any_threads(void)
{
    TinyVgg t;
    tiny_new(&t, "", false);
    Tape tape = {.arena = &t.arena};
    const Tensor *whole = vgg(&tape, &t.vgg, t.x, NULL, NULL);
    for (int n = 0; n < N && CHECK(whole != NULL); n++) {
        threads_set(n + 1);
        Tensor *one =
            tape_input(&tape, t.x->data + n * 3 * SIDE * SIDE, 4, (const int[]){1, 3, SIDE, SIDE}, false);
        const Tensor *y = vgg(&tape, &t.vgg, one, NULL, NULL);
        CHECK(y != NULL && same_bits(y->data, whole->data + n * 7, 7));
    }
    threads_set(0);
    arena_free(&t.arena);
}

/* Without taps and recording, nothing but the result stays. */
static void test_memory_is_given_back(void)
{
    TinyVgg t;
    Arena arena = {0};
    tiny_new(&t, "", false);
    Tape tape = {.arena = &arena};
    CHECK(vgg(&tape, &t.vgg, t.x, NULL, NULL) != NULL);
    CHECK(arena.used < 1000 && arena.peak > 4 * arena.used);
    arena_free(&arena);
    arena_free(&t.arena);
}

static void refused(const TinyVgg *t, Tensor *x, const float *level, Status status, const char *sentence)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    CHECK(vgg(&tape, &t->vgg, x, level, NULL) == NULL && tape.error.status == status);
    CHECK_TEXT(tape.error.text, sentence);
    arena_free(&arena);
}

static void test_refused_inputs(void)
{
    TinyVgg t;
    tiny_new(&t, "", false);
    refused(&t, any_tensor(&t.arena, 1, 4, 1, 4, SIDE, SIDE), NULL, STATUS_SHAPE, "(N,3,H,W)");
    refused(&t, any_tensor(&t.arena, 1, 3, 3, SIDE, SIDE), NULL, STATUS_SHAPE, "(N,3,H,W)");
    refused(&t, any_tensor(&t.arena, 1, 4, 1, 3, 1, SIDE), NULL, STATUS_SHAPE, "");
    refused(&t, t.x, t.level, STATUS_ARGUMENT, "takes no");
    arena_free(&t.arena);
    tiny_new(&t, ", \"noise_levels\": 5", false);
    refused(&t, t.x, NULL, STATUS_ARGUMENT, "wants the");
    arena_free(&t.arena);
}

/* A folder, written and opened; with a tensor too many it is refused. */
static void test_folder(void)
{
    TinyVgg t;
    Vgg again;
    Arena arena = {0};
    Error err = {0};
    char folder[SCRATCH_PATH], path[SCRATCH_PATH + 40];
    tiny_new(&t, "", false);
    scratch_path(folder, "vgg");
    CHECK(vgg_open(&again, folder, &arena, &err) == STATUS_FILE);
    err = (Error){0};
    CHECK(vgg_save(&t.vgg, &t.weights, folder, F32, &arena, &err) == STATUS_OK);
    CHECK(vgg_open(&again, folder, &arena, &err) == STATUS_OK);
    Tape tape = {.arena = &arena};
    const Tensor *a = vgg(&tape, &t.vgg, t.x, NULL, NULL), *b = vgg(&tape, &again, t.x, NULL, NULL);
    CHECK(a != NULL && b != NULL && same_bits(a->data, b->data, 7 * N));
    weights_tensor(&t.weights, "", "more", (Init){INIT_ZEROS, 0.0}, 1, (const int[]){2});
    CHECK(vgg_save(&t.vgg, &t.weights, folder, F32, &arena, &err) == STATUS_OK);
    CHECK(vgg_open(&again, folder, &arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "more");
    arena_free(&arena);
    arena_free(&t.arena);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    remove(path);
    snprintf(path, sizeof path, "%s/config.json", folder);
    remove(path);
    remove(folder);
}

typedef struct {
    TinyVgg tiny;
    Arena arena, gradients;
    bool recording;
} Attempt;

static Status try_vgg(void *context)
{
    Attempt *a = context;
    Tape tape = {.arena = &a->arena, .gradients = &a->gradients, .recording = a->recording};
    Tensor *y = vgg(&tape, &a->tiny.vgg, a->tiny.x, a->tiny.level, NULL);
    CHECK(a->recording || (y == NULL) == (tape.error.status != STATUS_OK));
    Status status = tape.error.status;
    if (a->recording && y != NULL)
        status = tape_backward(&tape, y, NULL);
    arena_free(&a->arena);
    arena_free(&a->gradients);
    return status;
}

static void test_failing_allocations(void)
{
    Attempt a = {.recording = false};
    tiny_new(&a.tiny, ", \"noise_levels\": 21", true);
    check_allocations(try_vgg, &a, &a.arena);
    a.recording = true;
    check_allocations(try_vgg, &a, &a.arena);
    check_allocations(try_vgg, &a, &a.gradients);
    arena_free(&a.tiny.arena);
}

int main(void)
{
    test_plain_loops();
    test_names_are_torchvision_s();
    test_slopes();
    test_a_batch_is_its_pictures_on_any_threads();
    test_memory_is_given_back();
    test_refused_inputs();
    test_folder();
    test_failing_allocations();
    return check_report("vgg");
}
