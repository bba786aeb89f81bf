#include "diffusion/lpips.h"

#include <stdlib.h>

#include "tests/hashed_weights.h"
#include "tests/net_cases.h"
#include "tests/scratch.h"
#include "weights/weights_save.h"

enum { N = 2, SIDE = 8 };

typedef struct {
    Arena arena;
    Weights weights, head_weights;
    Vgg vgg;
    LpipsHeads heads;
    Tensor *x, *y;
} Bench;

static void bench_new(Bench *b)
{
    Error err = {0};
    VggConfig config;
    *b = (Bench){.heads = {.stages = 2}};
    CHECK(vgg_config_read(&config,
                          json_of(&b->arena,
                                  "{\"features\": [5, \"M\", 4, 6, \"M\"], "
                                  "\"image_mean\": [0.4, 0.5, 0.6], \"image_std\": [0.5, 0.25, 0.25]}"),
                          "b", &b->arena, &err) == STATUS_OK);
    b->weights = weights_create(&b->arena, 31);
    vgg_load(&b->vgg, &config, &b->weights, "");
    CHECK(weights_finish(&b->weights, &err) == STATUS_OK);
    scramble(&b->weights, 32);
    b->heads.weight[0] = any_tensor(&b->arena, 33, 4, 1, 5, 1, 1);
    b->heads.weight[1] = any_tensor(&b->arena, 34, 4, 1, 6, 1, 1);
    for (int s = 0; s < 2; s++)
        for (size_t i = 0; i < tensor_count(b->heads.weight[s]); i++)
            b->heads.weight[s]->data[i] = fabsf(b->heads.weight[s]->data[i]);
    b->x = any_tensor(&b->arena, 35, 4, N, 3, SIDE, SIDE);
    b->y = any_tensor(&b->arena, 36, 4, N, 3, SIDE, SIDE);
}

/* The formula of the header for one stage and pair in binary64. */
static double by_hand(const Tensor *f, const Tensor *g, const Tensor *w, int n)
{
    const int C = f->dim[1], P = f->dim[2] * f->dim[3];
    double sum = 0.0;
    for (int p = 0; p < P; p++) {
        double ff = 0.0, gg = 0.0;
        for (int c = 0; c < C; c++) {
            const double a = f->data[(n * C + c) * P + p], b = g->data[(n * C + c) * P + p];
            ff += a * a;
            gg += b * b;
        }
        for (int c = 0; c < C; c++) {
            const double d = f->data[(n * C + c) * P + p] / (sqrt(ff) + 1e-10) -
                             g->data[(n * C + c) * P + p] / (sqrt(gg) + 1e-10);
            sum += (w != NULL ? (double)w->data[c] : 1.0) * d * d / P;
        }
    }
    return sum;
}

static void test_formula(void)
{
    Bench b;
    bench_new(&b);
    for (int with_heads = 0; with_heads < 2; with_heads++) {
        Tape tape = {.arena = &b.arena};
        VggTaps x, y;
        Tensor *layer[VGG_STAGES];
        const LpipsHeads *heads = with_heads ? &b.heads : NULL;
        vgg(&tape, &b.vgg, b.x, NULL, &x);
        vgg(&tape, &b.vgg, b.y, NULL, &y);
        const Tensor *d = lpips_between(&tape, heads, &x, &y, layer);
        const Tensor *whole = lpips(&tape, &b.vgg, heads, b.x, b.y);
        CHECK(d != NULL && whole != NULL && tensor_count(d) == N && same_bits(d->data, whole->data, N));
        for (int n = 0; n < N && d != NULL; n++) {
            double sum = 0.0;
            for (int s = 0; s < 2; s++) {
                const double want =
                    by_hand(x.stage[s], y.stage[s], with_heads ? b.heads.weight[s] : NULL, n);
                CHECK_NEAR(layer[s]->data[n], want, 1e-6);
                sum += want;
            }
            CHECK_NEAR(d->data[n], sum, 1e-6);
        }
    }
    arena_free(&b.arena);
}

/* Two channels, one position: (3,4) and (4,3) at length 1 differ by (0.2, 0.2). */
static void test_by_hand(void)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float f[2] = {3.0f, 4.0f}, g[2] = {8.0f, 6.0f}, w[2] = {1.0f, 3.0f};
    const int dim[4] = {1, 2, 1, 1};
    VggTaps x = {.stages = 1}, y = {.stages = 1};
    x.stage[0] = tape_input(&tape, f, 4, dim, false);
    y.stage[0] = tape_input(&tape, g, 4, dim, false);
    const LpipsHeads heads = {.stages = 1, .weight = {tape_input(&tape, w, 4, dim, false)}};
    CHECK_NEAR(lpips_between(&tape, NULL, &x, &y, NULL)->data[0], 0.08, 1e-7);
    CHECK_NEAR(lpips_between(&tape, &heads, &x, &y, NULL)->data[0], 0.16, 1e-7);
    arena_free(&arena);
}

static void test_a_distance(void)
{
    Bench b;
    bench_new(&b);
    Tape tape = {.arena = &b.arena};
    const Tensor *there = lpips(&tape, &b.vgg, &b.heads, b.x, b.y);
    const Tensor *back = lpips(&tape, &b.vgg, &b.heads, b.y, b.x);
    const Tensor *none = lpips(&tape, &b.vgg, &b.heads, b.x, b.x);
    for (int n = 0; n < N && CHECK(there != NULL && back != NULL && none != NULL); n++) {
        CHECK(there->data[n] > 0.0f && there->data[n] == back->data[n] && none->data[n] == 0.0f);
    }
    arena_free(&b.arena);
}

static Tensor *run_lpips(Tape *tape, const void *context, Tensor *const *inputs)
{
    const Bench *b = context;
    return lpips(tape, &b->vgg, &b->heads, inputs[0], inputs[1]);
}

static void test_slopes(void)
{
    Bench b;
    bench_new(&b);
    Tensor *const inputs[2] = {b.x, b.y};
    check_slope(run_lpips, &b, inputs, b.x, 0x1p-10f, 1e-2);
    check_slope(run_lpips, &b, inputs, b.y, 0x1p-10f, 1e-2);
    check_slope(run_lpips, &b, inputs, parameter(&b.weights, "features.3.weight"), 0x1p-10f, 1e-2);
    arena_free(&b.arena);
}

/* Where no feature is active the gradient is a number all the same. */
static void test_dead_positions(void)
{
    Arena arena = {0}, gradients = {0};
    Tape tape = {.arena = &arena, .gradients = &gradients, .recording = true};
    float f[4] = {0.0f, 3.0f, 0.0f, 4.0f}, g[4] = {0.0f, 8.0f, 0.0f, 6.0f}; /* position 0 is dead */
    const int dim[4] = {1, 2, 1, 2};
    VggTaps x = {.stages = 1}, y = {.stages = 1};
    x.stage[0] = tape_input(&tape, f, 4, dim, true);
    y.stage[0] = tape_input(&tape, g, 4, dim, true);
    Tensor *d = lpips_between(&tape, NULL, &x, &y, NULL);
    CHECK(d != NULL && tape_backward(&tape, d, NULL) == STATUS_OK);
    CHECK_NEAR(d->data[0], 0.04, 1e-7);
    for (int i = 0; i < 4 && x.stage[0]->grad != NULL; i++)
        CHECK(fabsf(x.stage[0]->grad[i]) < 1.0f && fabsf(y.stage[0]->grad[i]) < 1.0f);
    CHECK(x.stage[0]->grad[0] == 0.0f && x.stage[0]->grad[1] != 0.0f);
    arena_free(&gradients);
    arena_free(&arena);
}

static void test_refused(void)
{
    Bench b;
    bench_new(&b);
    Tape tape = {.arena = &b.arena};
    CHECK(lpips(&tape, &b.vgg, NULL, b.x, any_tensor(&b.arena, 1, 4, N, 3, SIDE, SIDE + 1)) == NULL);
    CHECK(tape.error.status == STATUS_SHAPE);
    Tape other = {.arena = &b.arena};
    VggTaps x, y = {.stages = 1};
    vgg(&other, &b.vgg, b.x, NULL, &x);
    CHECK(lpips_between(&other, NULL, &x, &y, NULL) == NULL && other.error.status == STATUS_SHAPE);
    arena_free(&b.arena);
}

/* Heads as their file has them; a weight below 0 is refused. */
static void test_heads_file(void)
{
    Bench b;
    LpipsHeads heads = {.stages = -1};
    Error err = {0};
    char path[SCRATCH_PATH];
    bench_new(&b);
    Weights w = weights_create(&b.arena, 3);
    for (int i = 0; i < 2; i++) {
        char name[40];
        snprintf(name, sizeof name, "lin%d.model.1.weight", i);
        Tensor *x = weights_tensor(&w, "", name, (Init){INIT_ONES, 0.0}, 4, b.heads.weight[i]->dim);
        memcpy(x->data, b.heads.weight[i]->data, tensor_count(x) * sizeof(float));
    }
    scratch_path(path, "heads.safetensors");
    CHECK(weights_save(&w, NULL, path, F32, &b.arena, &err) == STATUS_OK);
    CHECK(lpips_heads_open(&heads, &b.vgg, path, &b.arena, &err) == STATUS_OK && heads.stages == 2);
    CHECK(same_bits(heads.weight[1]->data, b.heads.weight[1]->data, 6));
    w.last->tensor->data[3] = -0.5f;
    CHECK(weights_save(&w, NULL, path, F32, &b.arena, &err) == STATUS_OK);
    CHECK(lpips_heads_open(&heads, &b.vgg, path, &b.arena, &err) == STATUS_FORMAT);
    CHECK_TEXT(err.text, "lin1.model.1.weight");
    remove(path);
    arena_free(&b.arena);
}

typedef struct {
    Bench bench;
    Arena arena;
} Attempt;

static Status try_lpips(void *context)
{
    Attempt *a = context;
    Tape tape = {.arena = &a->arena};
    const Tensor *d = lpips(&tape, &a->bench.vgg, &a->bench.heads, a->bench.x, a->bench.y);
    CHECK((d == NULL) == (tape.error.status != STATUS_OK));
    arena_free(&a->arena);
    return tape.error.status;
}

static void test_failing_allocations(void)
{
    Attempt a = {.arena = {0}};
    bench_new(&a.bench);
    check_allocations(try_lpips, &a, &a.arena);
    arena_free(&a.bench.arena);
}

/* ---- the reference case: VGG-16 with hashed weights, the published heads ---- */

static void check_case(const Case *c, const Vgg *network, const LpipsHeads *heads)
{
    static const char *const INPUTS[] = {"img0", "img1"};
    Arena gradients = {0};
    char name[40];
    Tape tape = {.arena = c->arena, .gradients = &gradients, .recording = true};
    VggTaps taps[2];
    Tensor *layer[VGG_STAGES], *x[2];
    for (int i = 0; i < 2; i++) {
        x[i] = case_input(c, INPUTS[i]);
        x[i]->wants_grad = x[i]->keeps_grad = i == 0;
        vgg(&tape, network, x[i], NULL, &taps[i]);
    }
    Tensor *d = lpips_between(&tape, heads, &taps[0], &taps[1], layer);
    case_check(c, "lpips", d);
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "layer.%d", i);
        case_check(c, name, layer[i]);
    }
    CHECK(d != NULL && tape_backward(&tape, d, NULL) == STATUS_OK);
    if (x[0]->grad != NULL)
        case_compare(c, "grad.img0", x[0]->grad, tensor_count(x[0]));
    arena_free(&gradients);
}

static void test_reference_case(void)
{
    static const char *const VGG16 =
        "{\"features\": [64, 64, \"M\", 128, 128, \"M\", 256, 256, 256, \"M\", 512, 512, 512, \"M\", "
        "512, 512, 512, \"M\"], \"image_mean\": [0.485, 0.456, 0.406], "
        "\"image_std\": [0.229, 0.224, 0.225]}";
    Arena arena = {0};
    Error err = {0};
    Case c;
    VggConfig config;
    Vgg network;
    LpipsHeads heads;
    char path[CASE_PATH];
    if (!case_exists("o-lpips-vgg") || !case_open(&c, "o-lpips-vgg", &arena))
        return;
    CHECK(vgg_config_read(&config, json_of(&arena, VGG16), "vgg16", &arena, &err) == STATUS_OK);
    Weights w = weights_create(&arena, 1);
    vgg_load(&network, &config, &w, "");
    CHECK(weights_finish(&w, &err) == STATUS_OK && w.count == 26);
    for (const Parameter *p = w.first; p != NULL; p = p->next)
        fill_hashed(p);
    if (CHECK(lpips_heads_open(&heads, &network,
                               case_path(path, "o-lpips-vgg/linear_heads_v0.1.safetensors"), &arena,
                               &err) == STATUS_OK))
        check_case(&c, &network, &heads);
    else
        printf("    %s\n", err.text);
    arena_free(&arena);
}

int main(void)
{
    test_by_hand();
    test_formula();
    test_a_distance();
    test_slopes();
    test_dead_positions();
    test_refused();
    test_heads_file();
    test_failing_allocations();
    test_reference_case();
    return check_report("lpips");
}
