#include "diffusion/dncnn.h"

#include "metrics/dncnn_residual.h"
#include "metrics/residual_spectrum.h"
#include "tests/net_check.h"
#include "tests/scratch.h"
#include "weights/weights_save.h"

enum { H = 36, W = 40 };

typedef struct {
    Arena arena;
    Weights weights;
    DnCnn net;
} Bench;

static void begin(Bench *b)
{
    *b = (Bench){.weights = weights_create(&b->arena, 5)};
    dncnn_load(&b->net, &b->weights, "");
    CHECK(weights_finish(&b->weights, NULL) == STATUS_OK);
}

/* Every convolution hands on the middle of its first three channels. */
static void hand_on(Bench *b)
{
    for (int i = 0; i < DNCNN_LAYERS; i++) {
        const Tensor *w = b->net.conv[i].weight;
        memset(w->data, 0, tensor_count(w) * sizeof *w->data);
        for (int c = 0; c < 3; c++)
            w->data[(c * w->dim[1] + c) * 9 + 4] = 1.0f;
    }
}

static void test_names(void)
{
    Bench b;
    begin(&b);
    CHECK(b.weights.count == 17 + 2 + 15 * 4);
    CHECK(b.weights.numbers == 9 * (3 * 64 + 15 * 64 * 64 + 64 * 3) + 64 + 3 + 15 * 4 * 64);
    CHECK(parameter(&b.weights, "47.weight")->dim[0] == 3 && parameter(&b.weights, "47.bias") != NULL);
    CHECK(parameter(&b.weights, "45.running_var")->data[63] == 1.0f && b.net.conv[1].bias == NULL);
    arena_free(&b.arena);
}

/* What is handed on is divided by sqrt(1 + eps) 15 times; the first bias moves it under the ReLU, the last one adds. */
static void test_by_hand(void)
{
    Bench b;
    begin(&b);
    hand_on(&b);
    Tensor *x = any_tensor(&b.arena, 1, 4, 2, 3, H, W);
    for (size_t i = 0; i < tensor_count(x); i++)
        x->data[i] = fabsf(x->data[i]);
    b.net.conv[0].bias->data[1] = -0.25f;
    b.net.conv[16].bias->data[2] = 3.0f;
    b.net.norm[7].weight->data[0] = 2.0f;
    b.net.norm[9].bias->data[0] = 1.0f;
    b.net.mean[9]->data[0] = 0.125f;
    b.net.variance[11]->data[2] = 4.0f;
    Tape tape = {.arena = &b.arena};
    const Tensor *y = dncnn(&tape, &b.net, x);
    if (!CHECK(y != NULL && y->dim[0] == 2 && y->dim[1] == 3 && y->dim[2] == H - 34 && y->dim[3] == W - 34))
        return;
    for (int n = 0; n < 2; n++)
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < H - 34; i++)
                for (int j = 0; j < W - 34; j++) {
                    const double v = (double)x->data[((n * 3 + c) * H + i + 17) * W + j + 17];
                    const double want = c == 0   ? 2.0 * v - 0.125 + 1.0
                                        : c == 1 ? (v > 0.25 ? v - 0.25 : 0.0)
                                                 : v / 2.0 + 3.0;
                    CHECK_NEAR(y->data[((n * 3 + c) * (H - 34) + i) * (W - 34) + j], want, 3e-4);
                }
    arena_free(&b.arena);
}

static Tensor *run(Tape *tape, const void *context, Tensor *const *inputs)
{
    return dncnn(tape, context, inputs[0]);
}

static void test_gradient_and_batches(void)
{
    Bench b;
    begin(&b);
    for (int i = 1; i < DNCNN_LAYERS - 1; i++) /* fewer kinks within a step */
        for (int c = 0; c < DNCNN_CHANNELS; c++)
            b.net.norm[i].bias->data[c] = 1.0f;
    Tensor *x = any_tensor(&b.arena, 2, 4, 2, 3, H, W), second = *x;
    check_slope(run, &b.net, (Tensor *const[]){x}, x, 1.0f / 256, 5e-2);
    Tape tape = {.arena = &b.arena};
    const Tensor *both = dncnn(&tape, &b.net, x);
    second.dim[0] = 1;
    second.data += tensor_sample(x);
    const Tensor *one = dncnn(&tape, &b.net, &second);
    CHECK(memcmp(one->data, both->data + tensor_count(one), tensor_count(one) * sizeof(float)) == 0);
    arena_free(&b.arena);
}

/* The residual of a picture is what the network finds in levels / 256. */
static void test_residual(void)
{
    Bench b;
    begin(&b);
    hand_on(&b);
    const ResidualFilter f = dncnn_residual(&b.net, "dncnn", "DnCNN");
    ResidualSet set = {0};
    double *x = arena_alloc(&b.arena, 3 * H * W, sizeof *x), residual[3 * 2 * 6];
    for (int i = 0; i < 3 * H * W; i++)
        x[i] = (i * 31 % 256) / 256.0;
    CHECK(f.margin == 17 && f.run(residual, x, H, W, f.context, &b.arena, NULL) == STATUS_OK);
    for (int i = 0; i < 12; i++)
        CHECK_NEAR(residual[i], x[(i / 6 + 17) * W + i % 6 + 17], 1e-4);
    Image small;
    Error err = {0};
    CHECK(image_new(&small, 35, 60, 3, &b.arena, NULL) == STATUS_OK);
    CHECK(residual_set_add(&set, &small, &f, &b.arena, &b.arena, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "expected sides from 36");
    arena_free(&b.arena);
}

static void test_files_and_what_is_refused(void)
{
    char path[SCRATCH_PATH];
    Bench b;
    DnCnn read;
    Error err = {0};
    begin(&b);
    Tape tape = {.arena = &b.arena}, other = tape;
    CHECK(dncnn(&tape, &b.net, any_tensor(&b.arena, 1, 4, 1, 3, 34, 40)) == NULL);
    CHECK(tape.error.status == STATUS_SHAPE);
    CHECK(dncnn(&other, &b.net, any_tensor(&b.arena, 1, 4, 1, 1, 40, 40)) == NULL);
    scratch_path(path, "dncnn.safetensors");
    CHECK(weights_save(&b.weights, NULL, path, F32, &b.arena, &err) == STATUS_OK);
    CHECK(dncnn_open(&read, path, &b.arena, &err) == STATUS_OK);
    CHECK(memcmp(read.conv[16].weight->data, b.net.conv[16].weight->data, 64 * 27 * sizeof(float)) == 0);
    Weights below = weights_create(&b.arena, 6); /* below "network.", as the authors' file is */
    DnCnn drawn;
    dncnn_load(&drawn, &below, "network");
    CHECK(weights_save(&below, NULL, path, F32, &b.arena, &err) == STATUS_OK);
    CHECK(dncnn_open(&read, path, &b.arena, &err) == STATUS_OK);
    CHECK(memcmp(read.conv[3].weight->data, drawn.conv[3].weight->data, 4096) == 0);
    remove(path);
    CHECK(dncnn_open(&read, path, &b.arena, &err) == STATUS_FILE);
    arena_free(&b.arena);
}

static Arena failing;

static Status attempt(void *context)
{
    const Bench *b = context;
    Tape tape = {.arena = &failing};
    Arena own = {0};
    const Tensor *y = dncnn(&tape, &b->net, any_tensor(&own, 1, 4, 1, 3, 35, 35));
    CHECK((y == NULL) == (tape.error.status != STATUS_OK));
    arena_free(&own);
    arena_free(&failing);
    return tape.error.status;
}

int main(void)
{
    Bench b;
    test_names();
    test_by_hand();
    test_gradient_and_batches();
    test_residual();
    test_files_and_what_is_refused();
    begin(&b);
    check_allocations(attempt, &b, &failing);
    arena_free(&b.arena);
    return check_report("dncnn");
}
