#include "diffusion/res_block.h"

#include "tests/net_check.h"
#include "tests/plain_layers.h"

enum { N = 2, H = 5, W = 4, EMB = 6 };

typedef struct {
    Arena arena;
    Weights weights;
    ResBlock block;
    Tensor *x, *emb;
} Fixture;

static void fixture_new(Fixture *f, ResBlockShape shape)
{
    Error err = {0};
    f->arena = (Arena){0};
    f->weights = weights_create(&f->arena, 5);
    res_block_load(&f->block, &f->weights, "blocks.3", shape);
    CHECK(weights_finish(&f->weights, &err) == STATUS_OK);
    scramble(&f->weights, 6);
    f->x = any_tensor(&f->arena, 7, 4, N, shape.in, H, W);
    f->emb = any_tensor(&f->arena, 8, 2, N, EMB);
}

/* The block's formula, step by step. */
static double *plain_res_block(const ResBlock *b, const Tensor *x, const Tensor *emb)
{
    const int in = b->shape.in, out = b->shape.out;
    const size_t count = (size_t)N * out * H * W;
    double *px = plain_copy(x->data, tensor_count(x));
    double *a = plain_group_norm(px, &b->norm1, N, in, H * W, b->shape.groups, b->shape.eps);
    plain_silu(a, (size_t)N * in * H * W);
    double *h = plain_conv2d(a, &b->conv1, N, in, H, W, 1, 1, H, W);
    if (b->shape.emb != 0) {
        double *e = plain_copy(emb->data, tensor_count(emb));
        plain_silu(e, (size_t)N * EMB);
        double *shift = plain_linear(e, &b->time, N);
        for (size_t i = 0; i < count; i++)
            h[i] += shift[i / (H * W)];
        free(e);
        free(shift);
    }
    double *n2 = plain_group_norm(h, &b->norm2, N, out, H * W, b->shape.groups, b->shape.eps);
    plain_silu(n2, count);
    double *y = plain_conv2d(n2, &b->conv2, N, out, H, W, 1, 1, H, W);
    double *direct = in == out ? NULL : plain_conv2d(px, &b->shortcut, N, in, H, W, 1, 0, H, W);
    plain_add(y, direct != NULL ? direct : px, count);
    for (size_t i = 0; i < count; i++)
        y[i] /= b->shape.scale;
    free(px);
    free(a);
    free(h);
    free(n2);
    free(direct);
    return y;
}

static Tensor *run(Tape *tape, const void *context, Tensor *const *inputs)
{
    return res_block(tape, context, inputs[0], inputs[1], NULL);
}

static const ResBlockShape SHAPES[] = {
    {.in = 6, .out = 6, .emb = EMB, .groups = 3, .eps = 1e-5f, .scale = 1.0f},
    {.in = 4, .out = 6, .emb = EMB, .groups = 2, .eps = 0.5f, .scale = 1.0f},
    {.in = 6, .out = 4, .emb = 0, .groups = 2, .eps = 1e-6f, .scale = 1.0f},
    {.in = 4, .out = 4, .emb = EMB, .groups = 1, .eps = 1e-5f, .scale = 1.5f},
};

static void test_formula_and_slopes(void)
{
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
        Fixture f;
        fixture_new(&f, SHAPES[i]);
        Tape tape = {.arena = &f.arena};
        const Tensor *y = res_block(&tape, &f.block, f.x, f.emb, NULL);
        double *want = plain_res_block(&f.block, f.x, f.emb);
        CHECK(furthest(y, want, (size_t)N * SHAPES[i].out * H * W) < 1e-5);
        free(want);
        Tensor *inputs[2] = {f.x, f.emb};
        check_slope(run, &f.block, inputs, f.x, 5e-3f, 1e-3);
        check_slope(run, &f.block, inputs, f.block.conv1.weight, 5e-3f, 1e-3);
        check_slope(run, &f.block, inputs, f.block.norm2.bias, 5e-3f, 1e-3);
        if (SHAPES[i].emb != 0)
            check_slope(run, &f.block, inputs, f.emb, 5e-3f, 1e-3);
        arena_free(&f.arena);
    }
}

static void test_names_are_those_of_diffusers(void)
{
    Fixture f;
    fixture_new(&f, SHAPES[1]);
    static const char *const NAMES[] = {"norm1.weight", "norm1.bias",           "conv1.weight",
                                        "conv1.bias",   "time_emb_proj.weight", "time_emb_proj.bias",
                                        "norm2.weight", "norm2.bias",           "conv2.weight",
                                        "conv2.bias",   "conv_shortcut.weight", "conv_shortcut.bias"};
    char full[64];
    for (size_t i = 0; i < 12; i++) {
        snprintf(full, sizeof full, "blocks.3.%s", NAMES[i]);
        CHECK(parameter(&f.weights, full) != NULL);
    }
    CHECK(f.weights.count == 12);
    arena_free(&f.arena);
    fixture_new(&f, SHAPES[2]);
    CHECK(f.weights.count == 10);
    arena_free(&f.arena);
}

static void see(void *context, const char *name, const Tensor *x)
{
    (void)x;
    *(int *)context += strcmp(name, "blocks.3") == 0;
}

static void test_the_result_is_shown_under_its_name(void)
{
    Fixture f;
    int seen = 0;
    fixture_new(&f, SHAPES[0]);
    Tape tape = {.arena = &f.arena, .observe = see, .observer = &seen};
    CHECK(res_block(&tape, &f.block, f.x, f.emb, NULL) != NULL && seen == 1);
    arena_free(&f.arena);
}

static void test_wrong_channels_are_refused(void)
{
    Fixture f;
    fixture_new(&f, SHAPES[0]);
    Tape tape = {.arena = &f.arena};
    Tensor *narrow = any_tensor(&f.arena, 1, 4, N, 5, H, W);
    CHECK(res_block(&tape, &f.block, narrow, f.emb, NULL) == NULL);
    CHECK(tape.error.status == STATUS_SHAPE);
    arena_free(&f.arena);
}

int main(void)
{
    test_formula_and_slopes();
    test_names_are_those_of_diffusers();
    test_the_result_is_shown_under_its_name();
    test_wrong_channels_are_refused();
    return check_report("res_block");
}
