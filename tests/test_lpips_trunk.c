#include "diffusion/lpips_trunk.h"

#include "io/safetensors.h"
#include "tests/net_check.h"
#include "tests/scratch.h"

typedef struct {
    Arena arena;
    Weights weights;
    LpipsTrunk trunk;
} Bench;

static void begin(Bench *b, LpipsTrunkKind kind)
{
    *b = (Bench){.weights = weights_create(&b->arena, 5)};
    lpips_trunk_load(&b->trunk, kind, &b->weights, "");
    CHECK(weights_finish(&b->weights, NULL) == STATUS_OK);
}

/* torchvision's names: their number, the first, and the last. */
static void test_names(void)
{
    Bench b;
    begin(&b, LPIPS_ALEX);
    CHECK(b.weights.count == 10);
    CHECK(parameter(&b.weights, "features.0.weight")->dim[2] == 11 &&
          parameter(&b.weights, "features.10.bias") != NULL);
    CHECK(b.weights.numbers == 2469696); /* of torchvision's 61,100,840 all but the classifier's */
    arena_free(&b.arena);
    begin(&b, LPIPS_SQUEEZE);
    CHECK(b.weights.count == 2 + 8 * 6 && parameter(&b.weights, "features.12.expand3x3.bias") != NULL);
    CHECK(b.weights.numbers == 722496); /* of 1,235,496 */
    arena_free(&b.arena);
}

/* Sizes of the places, from the formulas of convolution and maxima; squeeze's maxima reach over the edge. */
static void test_shapes(void)
{
    static const int ALEX[5][3] = {{64, 15, 17}, {192, 7, 8}, {384, 3, 3}, {256, 3, 3}, {256, 3, 3}};
    static const int SQUEEZE[7][3] = {{64, 31, 35}, {128, 15, 17}, {256, 7, 8}, {384, 3, 4},
                                      {384, 3, 4},  {512, 3, 4},   {512, 3, 4}};
    for (int kind = LPIPS_ALEX; kind <= LPIPS_SQUEEZE; kind++) {
        Bench b;
        VggTaps taps;
        begin(&b, (LpipsTrunkKind)kind);
        Tape tape = {.arena = &b.arena};
        lpips_trunk(&taps, &tape, &b.trunk, any_tensor(&b.arena, 1, 4, 1, 3, 64, 72));
        CHECK(taps.stages == (kind == LPIPS_ALEX ? 5 : 7) && tape.error.status == STATUS_OK);
        for (int i = 0; i < taps.stages; i++) {
            const int *want = kind == LPIPS_ALEX ? ALEX[i] : SQUEEZE[i], *got = taps.stage[i]->dim;
            CHECK(got[1] == want[0] && got[2] == want[1] && got[3] == want[2]);
        }
        arena_free(&b.arena);
    }
}

static Tensor *distance(Tape *tape, const void *context, Tensor *const *inputs)
{
    const LpipsTrunk *t = context;
    VggTaps x, y;
    lpips_trunk(&x, tape, t, inputs[0]);
    lpips_trunk(&y, tape, t, inputs[1]);
    return lpips_between(tape, NULL, &x, &y, NULL);
}

static void test_distances_and_their_gradient(void)
{
    Bench b;
    begin(&b, LPIPS_SQUEEZE);
    Tape tape = {.arena = &b.arena};
    Tensor *inputs[2] = {any_tensor(&b.arena, 1, 4, 1, 3, 20, 18),
                         any_tensor(&b.arena, 2, 4, 1, 3, 20, 18)};
    Tensor *const same[2] = {inputs[0], inputs[0]}, *const back[2] = {inputs[1], inputs[0]};
    const Tensor *d = distance(&tape, &b.trunk, inputs), *e = distance(&tape, &b.trunk, back);
    CHECK(d != NULL && d->data[0] > 0.0f && e != NULL && e->data[0] == d->data[0]);
    CHECK(distance(&tape, &b.trunk, same)->data[0] == 0.0f);
    check_slope(distance, &b.trunk, inputs, inputs[0], 1.0f / 128, 5e-2);
    arena_free(&b.arena);
}

/* The scaling: -0.030 + 0.458 u of the first channel is u; so a first kernel that reads one pixel of it gives u. */
static void test_the_scale_of_the_input(void)
{
    static const float SHIFT[3] = {-0.030f, -0.088f, -0.188f}, SCALE[3] = {0.458f, 0.448f, 0.450f};
    Bench b;
    VggTaps taps;
    begin(&b, LPIPS_SQUEEZE);
    Tape tape = {.arena = &b.arena};
    Tensor *w = parameter(&b.weights, "features.0.weight"), *x = any_tensor(&b.arena, 1, 4, 1, 3, 17, 17);
    memset(w->data, 0, tensor_count(w) * sizeof *w->data);
    memset(parameter(&b.weights, "features.0.bias")->data, 0, 64 * sizeof(float));
    for (int c = 0; c < 3; c++) {
        w->data[(c * 3 + c) * 9] = 1.0f; /* output c: the upper left of channel c */
        for (int i = 0; i < 289; i++)
            x->data[c * 289 + i] = SHIFT[c] + SCALE[c] * (0.5f + 0.25f * (float)c);
    }
    lpips_trunk(&taps, &tape, &b.trunk, x);
    for (int c = 0; c < 3; c++)
        CHECK_NEAR(taps.stage[0]->data[c * 64], 0.5 + 0.25 * c, 1e-6);
    CHECK(taps.stage[0]->data[3 * 64] == 0.0f);
    arena_free(&b.arena);
}

/* What the 1x1 convolution of a fire module makes comes before what the 3x3 one makes. */
static void test_the_order_in_a_fire_module(void)
{
    static const char *const PARTS[4] = {"features.4.expand1x1.weight", "features.4.expand1x1.bias",
                                         "features.4.expand3x3.weight", "features.4.expand3x3.bias"};
    Bench b;
    VggTaps taps;
    begin(&b, LPIPS_SQUEEZE);
    for (int k = 0; k < 4; k++) {
        Tensor *x = parameter(&b.weights, PARTS[k]);
        for (size_t i = 0; i < tensor_count(x); i++)
            x->data[i] = k == 1 ? 1.0f : k == 3 ? 2.0f : 0.0f;
    }
    Tape tape = {.arena = &b.arena};
    lpips_trunk(&taps, &tape, &b.trunk, any_tensor(&b.arena, 1, 4, 1, 3, 17, 17));
    const Tensor *f = taps.stage[1];
    const size_t n = f != NULL ? tensor_count(f) / 2 : 0;
    CHECK(n > 0 && f->data[0] == 1.0f && f->data[n - 1] == 1.0f && f->data[n] == 2.0f);
    arena_free(&b.arena);
}

static void test_heads_and_what_is_refused(void)
{
    char path[SCRATCH_PATH];
    SafetensorsItem item[5];
    char name[5][32];
    float ones[384];
    Bench b;
    Error err = {0};
    LpipsHeads heads;
    VggTaps taps;
    static const int CHANNELS[5] = {64, 192, 384, 256, 256};
    begin(&b, LPIPS_ALEX);
    for (int i = 0; i < 384; i++)
        ones[i] = 1.0f;
    for (int i = 0; i < 5; i++) {
        snprintf(name[i], sizeof name[i], "lin%d.model.1.weight", i);
        item[i] = (SafetensorsItem){.name = name[i], .dtype = F32, .rank = 4, .data = ones};
        item[i].dim[0] = item[i].dim[2] = item[i].dim[3] = 1;
        item[i].dim[1] = (uint64_t)CHANNELS[i];
    }
    scratch_path(path, "heads.safetensors");
    CHECK(safetensors_write(path, item, 5, NULL, &b.arena, &err) == STATUS_OK);
    CHECK(lpips_trunk_heads(&heads, &b.trunk, path, &b.arena, &err) == STATUS_OK && heads.stages == 5);
    b.trunk.kind = LPIPS_SQUEEZE; /* seven stages: the file is not for it */
    CHECK(lpips_trunk_heads(&heads, &b.trunk, path, &b.arena, &err) == STATUS_FORMAT);
    remove(path);
    for (int kind = LPIPS_ALEX; kind <= LPIPS_SQUEEZE; kind++) {
        const int least = kind == LPIPS_ALEX ? 31 : 17;
        Tape tape = {.arena = &b.arena};
        arena_free(&b.arena);
        begin(&b, (LpipsTrunkKind)kind);
        lpips_trunk(&taps, &tape, &b.trunk, any_tensor(&b.arena, 1, 4, 1, 3, least, least));
        CHECK(tape.error.status == STATUS_OK && taps.stage[taps.stages - 1] != NULL);
        lpips_trunk(&taps, &tape, &b.trunk, any_tensor(&b.arena, 1, 4, 1, 3, least - 1, 40));
        CHECK(tape.error.status == STATUS_SHAPE);
    }
    arena_free(&b.arena);
}

static Arena failing;

static Status attempt(void *context)
{
    const Bench *b = context;
    Tape tape = {.arena = &failing};
    Arena own = {0};
    VggTaps taps;
    lpips_trunk(&taps, &tape, &b->trunk, any_tensor(&own, 1, 4, 1, 3, 17, 17));
    arena_free(&own);
    arena_free(&failing);
    return tape.error.status;
}

static void test_no_memory(void)
{
    Bench b;
    begin(&b, LPIPS_SQUEEZE);
    check_allocations(attempt, &b, &failing);
    arena_free(&b.arena);
}

int main(void)
{
    test_names();
    test_shapes();
    test_distances_and_their_gradient();
    test_the_scale_of_the_input();
    test_the_order_in_a_fire_module();
    test_heads_and_what_is_refused();
    test_no_memory();
    return check_report("lpips_trunk");
}
