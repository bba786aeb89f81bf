#include "diffusion/resample_layer.h"

#include "tests/net_check.h"
#include "tests/plain_layers.h"

enum { N = 2, C = 3 };

typedef struct {
    const ResampleLayer *layer;
    int H, W;
} Call;

static Tensor *run_up(Tape *tape, const void *context, Tensor *const *inputs)
{
    const Call *call = context;
    return upsample(tape, call->layer, inputs[0], call->H, call->W, NULL);
}

static Tensor *run_down(Tape *tape, const void *context, Tensor *const *inputs)
{
    const Call *call = context;
    return downsample(tape, call->layer, inputs[0], NULL);
}

static void test_down_pads_all_round_or_right_and_below(void)
{
    Arena arena = {0};
    Weights w = weights_create(&arena, 31);
    for (int padding = 0; padding < 2; padding++)
        for (int H = 4; H < 6; H++) {
            const int W = 9 - H, OH = (H + padding) / 2, OW = (W + padding) / 2;
            ResampleLayer layer;
            resample_layer_load(&layer, &w, padding ? "a.downsamplers.0" : "b.downsamplers.0", C, padding);
            Tape tape = {.arena = &arena};
            Tensor *x = any_tensor(&arena, 32, 4, N, C, H, W);
            const Tensor *y = downsample(&tape, &layer, x, NULL);
            double *px = plain_copy(x->data, tensor_count(x));
            double *want = plain_conv2d(px, &layer.conv, N, C, H, W, 2, padding, OH, OW);
            CHECK(y != NULL && y->dim[2] == OH && y->dim[3] == OW);
            CHECK(furthest(y, want, (size_t)N * C * OH * OW) < 1e-6);
            const Call call = {.layer = &layer};
            check_slope(run_down, &call, &x, x, 1e-2f, 1e-4);
            free(px);
            free(want);
        }
    arena_free(&arena);
}

static void test_up_goes_to_any_size(void)
{
    static const int SIZES[][2] = {{6, 4}, {5, 3}, {6, 3}};
    Arena arena = {0};
    Weights w = weights_create(&arena, 33);
    ResampleLayer layer;
    resample_layer_load(&layer, &w, "upsamplers.0", C, 1);
    CHECK(w.count == 2 && parameter(&w, "upsamplers.0.conv.weight") != NULL);
    Tensor *x = any_tensor(&arena, 34, 4, N, C, 3, 2);
    for (int s = 0; s < 3; s++) {
        const int H = SIZES[s][0], W = SIZES[s][1];
        Tape tape = {.arena = &arena};
        double *wide = plain_new((size_t)N * C * H * W);
        for (int i = 0; i < N * C * H * W; i++)
            wide[i] = x->data[i / (H * W) * 6 + i / W % H * 3 / H * 2 + i % W * 2 / W];
        double *want = plain_conv2d(wide, &layer.conv, N, C, H, W, 1, 1, H, W);
        CHECK(furthest(upsample(&tape, &layer, x, H, W, NULL), want, (size_t)N * C * H * W) < 1e-6);
        const Call call = {.layer = &layer, .H = H, .W = W};
        check_slope(run_up, &call, &x, x, 1e-2f, 1e-4);
        free(wide);
        free(want);
    }
    arena_free(&arena);
}

int main(void)
{
    test_down_pads_all_round_or_right_and_below();
    test_up_goes_to_any_size();
    return check_report("resample_layer");
}
