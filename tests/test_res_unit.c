#include "diffusion/res_unit.h"

#include "tests/net_check.h"

enum { N = 2, H = 4, W = 3, EMB = 6, S = 3, D = 5 };

typedef struct {
    Arena arena;
    Weights weights;
    ResUnit unit;
    Tensor *x, *skip, *emb, *text;
} Fixture;

static void fixture_new(Fixture *f)
{
    const ResBlockShape shape = {.in = 10, .out = 8, .emb = EMB, .groups = 2, .eps = 1e-5f, .scale = 1.0f};
    const Transformer2dShape attention = {
        .channels = 8, .groups = 2, .heads = 2, .layers = 1, .cross_attention_dim = D};
    *f = (Fixture){0};
    f->weights = weights_create(&f->arena, 61);
    res_block_load(&f->unit.resnet, &f->weights, "resnets.0", shape);
    transformer2d_load(&f->unit.attention, &f->weights, "attentions.0", attention);
    CHECK(f->weights.error.status == STATUS_OK);
    scramble(&f->weights, 62);
    f->x = any_tensor(&f->arena, 63, 4, N, 4, H, W);
    f->skip = any_tensor(&f->arena, 64, 4, N, 6, H, W);
    f->emb = any_tensor(&f->arena, 65, 2, N, EMB);
    f->text = any_tensor(&f->arena, 66, 3, N, S, D);
}

/* The unit is its parts: the skip's channels come after x's own. */
static void test_a_unit_is_its_parts(void)
{
    Fixture f;
    Arena arena = {0};
    fixture_new(&f);
    Tape tape = {.arena = &arena};
    Tensor *both = any_tensor(&f.arena, 1, 4, N, 10, H, W);
    for (int n = 0; n < N; n++) {
        memcpy(both->data + n * 10 * H * W, f.x->data + n * 4 * H * W, 4 * H * W * sizeof(float));
        memcpy(both->data + (n * 10 + 4) * H * W, f.skip->data + n * 6 * H * W, 6 * H * W * sizeof(float));
    }
    const Tensor *y = res_unit(&tape, &f.unit, f.x, f.skip, f.emb, f.text, NULL);
    Tensor *h = res_block(&tape, &f.unit.resnet, both, f.emb, NULL);
    h = transformer2d(&tape, &f.unit.attention, h, f.text, NULL);
    CHECK(y != NULL && h != NULL && same_bits(y->data, h->data, tensor_count(h)));
    const Tensor *whole = res_unit(&tape, &f.unit, both, NULL, f.emb, f.text, NULL);
    CHECK(same_bits(whole->data, h->data, tensor_count(h)));
    f.unit.attention.block = NULL;
    const Tensor *short_one = res_unit(&tape, &f.unit, f.x, f.skip, f.emb, f.text, NULL);
    CHECK(!same_bits(short_one->data, h->data, tensor_count(h)));
    arena_free(&arena);
    arena_free(&f.arena);
}

static Tensor *run(Tape *tape, const void *context, Tensor *const *inputs)
{
    return res_unit(tape, context, inputs[0], inputs[1], inputs[2], inputs[3], NULL);
}

static void test_slopes_to_all_inputs(void)
{
    Fixture f;
    fixture_new(&f);
    Tensor *inputs[4] = {f.x, f.skip, f.emb, f.text};
    for (int i = 0; i < 4; i++)
        check_slope(run, &f.unit, inputs, inputs[i], 5e-3f, 3e-3);
    arena_free(&f.arena);
}

/* Bytes that the arena holds after one unit. */
static size_t held(Fixture *f, bool recording, bool checkpoint)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena, .recording = recording, .checkpoint = checkpoint};
    f->x->wants_grad = true;
    CHECK(res_unit(&tape, &f->unit, f->x, f->skip, f->emb, f->text, NULL) != NULL);
    f->x->wants_grad = false;
    const size_t used = arena.used;
    arena_free(&arena);
    return used;
}

static void test_memory(void)
{
    Fixture f;
    fixture_new(&f);
    const size_t result = (size_t)N * 8 * H * W * sizeof(float);
    CHECK(held(&f, false, false) < result + 4 * ARENA_ALIGN);
    CHECK(held(&f, true, true) < result + 20 * ARENA_ALIGN);
    CHECK(held(&f, true, false) > 20 * result);
    arena_free(&f.arena);
}

int main(void)
{
    test_a_unit_is_its_parts();
    test_slopes_to_all_inputs();
    test_memory();
    return check_report("res_unit");
}
