#include "diffusion/inception.h"

#include "metrics/inception_input.h"
#include "tests/net_check.h"
#include "tests/scratch.h"
#include "weights/weights_save.h"

enum { SMALL = 75, MIDDLE = 139 }; /* pictures whose last maps are 1x1 and 3x3 */

typedef struct {
    Arena arena;
    Weights weights;
    Inception net;
} Bench;

static void begin(Bench *b)
{
    *b = (Bench){.weights = weights_create(&b->arena, 5)};
    inception_load(&b->net, &b->weights, "");
    CHECK(weights_finish(&b->weights, NULL) == STATUS_OK);
}

static void set(const Weights *w, const char *name, float value)
{
    const Tensor *x = parameter(w, name);
    for (size_t i = 0; CHECK(x != NULL) && i < tensor_count(x); i++)
        x->data[i] = value;
}

/* Every shift of a normalisation: what a ReLU lets through. */
static void lift(const Weights *w, float shift)
{
    for (const Parameter *p = w->first; p != NULL; p = p->next)
        if (strstr(p->name, "bn.bias") != NULL)
            set(w, p->name, shift);
}

/* How many, and the numbers in them: those of the published network (its reference case lists them). */
static void test_names(void)
{
    Bench b;
    begin(&b);
    CHECK(b.weights.count == 94 * 5 + 2);
    CHECK(b.weights.numbers == 23885392);
    const Tensor *x = parameter(&b.weights, "Mixed_6c.branch7x7dbl_4.conv.weight");
    CHECK(x != NULL && x->dim[0] == 160 && x->dim[1] == 160 && x->dim[2] == 7 && x->dim[3] == 1);
    x = parameter(&b.weights, "Mixed_7c.branch_pool.conv.weight");
    CHECK(x != NULL && x->dim[0] == 192 && x->dim[1] == 2048);
    CHECK(parameter(&b.weights, "Conv2d_1a_3x3.bn.running_var")->data[31] == 1.0f);
    CHECK(parameter(&b.weights, "fc.weight")->dim[0] == INCEPTION_CLASSES);
    arena_free(&b.arena);
}

/* Sizes by the formulas of convolutions and windows; a batch is its pictures. */
static void test_shapes_and_batches(void)
{
    Bench b;
    InceptionTaps both, one;
    begin(&b);
    Tape tape = {.arena = &b.arena};
    Tensor *x = any_tensor(&b.arena, 1, 4, 2, 3, 91, SMALL);
    inception(&both, &tape, &b.net, x);
    CHECK(tape.error.status == STATUS_OK);
    static const int WANT[2][4] = {{2, 64, 21, 17}, {2, 192, 9, 7}}, WIDTH[4] = {64, 192, 768, 2048};
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 4; k++)
            CHECK(both.maxima[i]->dim[k] == WANT[i][k]);
    for (int i = 0; i < 4; i++)
        CHECK(both.pooled[i]->rank == 2 && both.pooled[i]->dim[0] == 2 &&
              both.pooled[i]->dim[1] == WIDTH[i]);
    Tensor second = *x;
    second.dim[0] = 1;
    second.data += tensor_sample(x);
    inception(&one, &tape, &b.net, &second);
    CHECK(memcmp(one.logits->data, both.logits->data + INCEPTION_CLASSES,
                 INCEPTION_CLASSES * sizeof(float)) == 0);
    CHECK(memcmp(one.pooled[3]->data, both.pooled[3]->data + 2048, 2048 * sizeof(float)) == 0);
    arena_free(&b.arena);
}

/* A published picture's size. */
static void test_published_size(void)
{
    static const float levels[3] = {255.0f, 128.0f, 0.0f};
    Bench b;
    InceptionTaps taps;
    begin(&b);
    Tape tape = {.arena = &b.arena};
    Tensor *x = any_tensor(&b.arena, 1, 4, 1, 3, INCEPTION_SIZE, INCEPTION_SIZE);
    inception_input(x->data, levels, 1, 1); /* one pixel, everywhere */
    const size_t plane = tensor_count(x) / 3;
    CHECK(x->data[0] == 127.0f / 128.0f && x->data[plane - 1] == x->data[0]);
    CHECK(x->data[plane] == 0.0f && x->data[2 * plane] == -1.0f && x->data[3 * plane - 1] == -1.0f);
    inception(&taps, &tape, &b.net, x);
    CHECK(taps.maxima[0]->dim[2] == 73 && taps.maxima[1]->dim[3] == 35 && taps.logits != NULL);
    arena_free(&b.arena);
}

/* gamma 0 makes a convolution's result ReLU(beta): which rows of the output are which branch's, and the classes. */
static void test_the_order_of_the_branches(void)
{
    static const char *const ENDS[6] = {"branch1x1",       "branch3x3_2a",    "branch3x3_2b",
                                        "branch3x3dbl_3a", "branch3x3dbl_3b", "branch_pool"};
    static const int FIRST[7] = {0, 320, 704, 1088, 1472, 1856, 2048};
    Bench b;
    InceptionTaps taps;
    begin(&b);
    for (int i = 0; i < 6; i++) {
        char name[80];
        snprintf(name, sizeof name, "Mixed_7c.%s.bn.weight", ENDS[i]);
        set(&b.weights, name, 0.0f);
        snprintf(name, sizeof name, "Mixed_7c.%s.bn.bias", ENDS[i]);
        set(&b.weights, name, (float)i - 1.0f); /* the first is cut off by the ReLU */
    }
    set(&b.weights, "fc.weight", 0.0f);
    parameter(&b.weights, "fc.weight")->data[7 * 2048 + 1472] = 2.0f;
    set(&b.weights, "fc.bias", 0.5f);
    Tape tape = {.arena = &b.arena};
    inception(&taps, &tape, &b.net, any_tensor(&b.arena, 1, 4, 1, 3, SMALL, SMALL));
    for (int i = 0; i < 6; i++)
        for (int k = FIRST[i]; k < FIRST[i + 1]; k++)
            CHECK(taps.pooled[3]->data[k] == (i > 1 ? (float)i - 1.0f : 0.0f));
    CHECK(taps.logits_unbiased->data[7] == 6.0f && taps.logits->data[7] == 6.5f);
    CHECK(taps.logits_unbiased->data[8] == 0.0f && taps.logits->data[8] == 0.5f);
    arena_free(&b.arena);
}

/* ---- windows: means do not count the padding, Mixed_7c takes maxima ---- */

typedef struct {
    Tensor before, after; /* copies */
    const char *first, *second;
    Arena arena;
} Seen;

static void keep(Tensor *copy, const Tensor *x, Arena *arena)
{
    *copy = *x;
    copy->data = arena_raw(arena, tensor_count(x), sizeof *x->data);
    memcpy(copy->data, x->data, tensor_count(x) * sizeof *x->data);
}

static void observe(void *observer, const char *name, const Tensor *x)
{
    Seen *s = observer;
    if (strcmp(name, s->first) == 0)
        keep(&s->before, x, &s->arena);
    if (strcmp(name, s->second) == 0)
        keep(&s->after, x, &s->arena);
}

/* The window around (y,z) of channel 0, by hand. */
static double window(const Tensor *x, int y, int z, bool maxima)
{
    double sum = 0.0, most = 0.0;
    int n = 0;
    for (int i = y - 1; i <= y + 1; i++)
        for (int j = z - 1; j <= z + 1; j++)
            if (i >= 0 && i < x->dim[2] && j >= 0 && j < x->dim[3]) {
                const double v = (double)x->data[i * x->dim[3] + j];
                sum += v;
                most = v > most ? v : most;
                n++;
            }
    return maxima ? most : sum / n;
}

/* Channel 0 of `first` is made by the convolution `source`; branch_pool's first output of `second` is made the window itself: channel 0, normalised to itself but for the eps. */
static void check_window(const char *first, const char *source, const char *second, int channel,
                         bool maxima)
{
    char name[80];
    Bench b;
    Seen seen = {.first = first, .second = second};
    InceptionTaps taps;
    begin(&b);
    lift(&b.weights, 0.5f);
    snprintf(name, sizeof name, "%s.conv.weight",
             source); /* of channel 0: above 0, so that the ReLU lets it through */
    Tensor *w = parameter(&b.weights, name);
    for (size_t i = 0; CHECK(w != NULL) && i < tensor_sample(w); i++)
        w->data[i] = fabsf(w->data[i]);
    snprintf(name, sizeof name, "%s.branch_pool.bn.bias", second);
    set(&b.weights, name, 0.0f);
    snprintf(name, sizeof name, "%s.branch_pool.conv.weight", second);
    w = parameter(&b.weights, name);
    memset(w->data, 0, tensor_sample(w) * sizeof *w->data);
    w->data[0] = 1.0f;
    Tape tape = {.arena = &b.arena};
    const TapeWatch watch = {observe, NULL, &seen};
    tape_watch(&tape, &watch, "");
    inception(&taps, &tape, &b.net, any_tensor(&b.arena, 3, 4, 1, 3, MIDDLE, MIDDLE));
    const int h = seen.after.dim[2], wide = seen.after.dim[3];
    double most = 0.0;
    CHECK(h == seen.before.dim[2] && h >= 3);
    for (int i = 0; i < h; i++)
        for (int j = 0; j < wide; j++) {
            const double want = window(&seen.before, i, j, maxima) / sqrt(1.001);
            CHECK_NEAR(seen.after.data[(channel * h + i) * wide + j], want, 1e-5 * (1.0 + want));
            most = want > most ? want : most;
        }
    CHECK(most > 0.01); /* not all zeros */
    arena_free(&seen.arena);
    arena_free(&b.arena);
}

static void test_windows(void)
{
    check_window("MaxPool_2", "Conv2d_4a_3x3", "Mixed_5b", 224, false);
    check_window("Mixed_6b", "Mixed_6b.branch1x1", "Mixed_6c", 576, false);
    check_window("Mixed_7a", "Mixed_7a.branch3x3_2", "Mixed_7b", 1856, false);
    check_window("Mixed_7b", "Mixed_7b.branch1x1", "Mixed_7c", 1856, true);
}

/* ---- the gradient, what is refused ---- */

static Tensor *loss(Tape *tape, const void *context, Tensor *const *inputs)
{
    InceptionTaps taps;
    inception(&taps, tape, context, inputs[0]);
    return taps.logits;
}

static void test_the_gradient(void)
{
    Bench b;
    begin(&b);
    lift(&b.weights, 2.0f); /* fewer kinks within a step */
    Tensor *inputs[1] = {any_tensor(&b.arena, 2, 4, 1, 3, SMALL, SMALL)};
    check_slope(loss, &b.net, inputs, inputs[0], 1.0f / 32, 5e-2);
    arena_free(&b.arena);
}

static void test_files_and_what_is_refused(void)
{
    char path[SCRATCH_PATH];
    Bench b;
    Inception read;
    Error err = {0};
    InceptionTaps taps;
    begin(&b);
    for (int k = 0; k < 3; k++) {
        static const int DIM[3][3] = {{3, SMALL - 1, SMALL}, {3, SMALL, SMALL - 1}, {1, SMALL, SMALL}};
        Tape tape = {.arena = &b.arena};
        inception(&taps, &tape, &b.net, any_tensor(&b.arena, 1, 4, 1, DIM[k][0], DIM[k][1], DIM[k][2]));
        CHECK(tape.error.status == STATUS_SHAPE && taps.logits == NULL);
    }
    scratch_path(path, "inception.safetensors");
    CHECK(weights_save(&b.weights, NULL, path, F32, &b.arena, &err) == STATUS_OK);
    CHECK(inception_open(&read, path, &b.arena, &err) == STATUS_OK);
    CHECK(memcmp(read.conv[93].weight->data, b.net.conv[93].weight->data, 4096) == 0);
    remove(path);
    CHECK(inception_open(&read, path, &b.arena, &err) == STATUS_FILE);
    arena_free(&b.arena);
}

/* One allocation of many fails, at first each in turn. */
static void test_no_memory(void)
{
    Bench b;
    size_t calls = 0;
    begin(&b);
    for (size_t n = 0; n <= calls; n += n < 10 ? 1 : 31) {
        ArenaAccount account = {.fail_at = n};
        Arena arena = {.account = &account}, own = {0};
        Tape tape = {.arena = &arena};
        InceptionTaps taps;
        inception(&taps, &tape, &b.net, any_tensor(&own, 1, 4, 1, 3, SMALL, SMALL));
        CHECK(tape.error.status == (n == 0 ? STATUS_OK : STATUS_MEMORY));
        CHECK((taps.logits != NULL) == (n == 0));
        calls = n == 0 ? account.calls : calls;
        arena_free(&arena);
        arena_free(&own);
        CHECK(account.touched == 0);
    }
    CHECK(calls > 300);
    arena_free(&b.arena);
}

int main(void)
{
    test_names();
    test_shapes_and_batches();
    test_published_size();
    test_the_order_of_the_branches();
    test_windows();
    test_the_gradient();
    test_files_and_what_is_refused();
    test_no_memory();
    return check_report("inception");
}
