#include "diffusion/train_vae.h"

#include "base/rng.h"
#include "cli/golden_models.h"
#include "diffusion/world_data.h"
#include "tests/net_check.h"
#include "tests/tiny_world.h"
#include "tests/train_check.h"

enum { N = 2, SIDE = 16, PICTURE = 3 * SIDE * SIDE, LATENT = 4 * 4 * 4 };

typedef struct {
    Arena arena;
    Weights weights;
    Weights feature_weights;
    Vae vae;
    Vgg features;
    Tensor *x, *xi;
} Bench;

/* Smooth: every unit is active. */
static void features_new(Bench *b)
{
    Error err = {0};
    VggConfig config;
    CHECK(vgg_config_read(&config, json_of(&b->arena, "{\"features\": [5, 6]}"), "b", &b->arena,
                          &err) == STATUS_OK);
    b->feature_weights = weights_create(&b->arena, 31);
    vgg_load(&b->features, &config, &b->feature_weights, "");
    CHECK(weights_finish(&b->feature_weights, &err) == STATUS_OK);
    scramble(&b->feature_weights, 32);
    for (Parameter *p = b->feature_weights.first; p != NULL; p = p->next)
        for (size_t i = 0; p->tensor->rank == 1 && i < tensor_count(p->tensor); i++)
            p->tensor->data[i] += 8.0f;
}

static void bench_new(Bench *b)
{
    Error err = {0};
    *b = (Bench){.vae = {.config = {.latent_channels = 0}}};
    b->weights = weights_create(&b->arena, 7);
    CHECK(golden_vae(&b->vae, &b->weights, &b->arena, &err) == STATUS_OK);
    scramble(&b->weights, 8);
    features_new(b);
    b->x = any_tensor(&b->arena, 9, 4, N, 3, SIDE, SIDE);
    b->xi = any_tensor(&b->arena, 10, 4, N, 4, 4, 4);
}

/* The terms of the header in binary64, from the network's own moments and picture; out: mse, l1, edge, kl, perceptual
 * (tests/test_lpips.c has that one by hand). */
static void terms_by_hand(const Bench *b, double out[N][5])
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    float z[N * LATENT];
    const Tensor *m = vae_encode(&tape, &b->vae, b->x);
    memset(out, 0, N * sizeof out[0]);
    for (int n = 0; CHECK(m != NULL) && n < N; n++)
        for (int i = 0; i < LATENT; i++) {
            const double mean = m->data[n * 2 * LATENT + i], logvar = m->data[(n * 2 + 1) * LATENT + i];
            z[n * LATENT + i] = (float)(mean + exp(0.5 * logvar) * b->xi->data[n * LATENT + i]);
            out[n][3] += 0.5 * (mean * mean + exp(logvar) - 1.0 - logvar) / LATENT;
        }
    Tensor *back = vae_decode(&tape, &b->vae, tape_input(&tape, z, 4, (const int[]){N, 4, 4, 4}, false));
    const Tensor *distance = lpips(&tape, &b->features, NULL, back, b->x);
    for (int n = 0; CHECK(distance != NULL) && n < N; n++)
        out[n][4] = distance->data[n];
    for (int n = 0; CHECK(back != NULL) && n < N; n++)
        for (int i = 0; i < PICTURE; i++) {
            const int column = i % SIDE, row = i / SIDE % SIDE, at = n * PICTURE + i;
            const float *y = back->data + at, *x = b->x->data + at;
            const double d = (double)y[0] - x[0];
            out[n][0] += d * d / PICTURE;
            out[n][1] += fabs(d) / PICTURE;
            if (column + 1 < SIDE)
                out[n][2] += fabs((double)y[1] - x[1] - d) / (3 * SIDE * (SIDE - 1));
            if (row + 1 < SIDE)
                out[n][2] += fabs((double)y[SIDE] - x[SIDE] - d) / (3 * SIDE * (SIDE - 1));
        }
    arena_free(&arena);
}

static void test_terms_by_hand(void)
{
    Bench b;
    double terms[N][5];
    const VaeLossWeights cases[] = {{.mse = 1.0}, {.l1 = 1.0},         {.edge = 1.0},
                                    {.kl = 1.0},  {.perceptual = 1.0}, {4.0, 1.0, 0.5, 0.25, 0.75}};
    bench_new(&b);
    terms_by_hand(&b, terms);
    for (int k = 0; k < 6; k++) {
        Arena arena = {0};
        Tape tape = {.arena = &arena};
        const VaeLossWeights *w = &cases[k];
        const Tensor *loss = vae_training_loss(&tape, &b.vae, w, &b.features, b.x, b.xi);
        CHECK(loss != NULL && tensor_count(loss) == N);
        for (int n = 0; loss != NULL && n < N; n++)
            CHECK_NEAR(loss->data[n],
                       w->mse * terms[n][0] + w->l1 * terms[n][1] + w->edge * terms[n][2] +
                           w->kl * terms[n][3] + w->perceptual * terms[n][4],
                       1e-5);
        arena_free(&arena);
    }
    arena_free(&b.arena);
}

static Tensor *run_loss(Tape *tape, const void *context, Tensor *const *inputs)
{
    const Bench *b = context;
    const VaeLossWeights weights = {.mse = 1.0, .l1 = 0.5, .edge = 0.5, .kl = 0.5, .perceptual = 0.5};
    return vae_training_loss(tape, &b->vae, &weights, &b->features, inputs[0], inputs[1]);
}

static void test_gradients(void)
{
    const char *const names[] = {"encoder.conv_in.weight", "encoder.conv_out.bias",
                                 "quant_conv.weight",      "post_quant_conv.bias",
                                 "decoder.conv_in.weight", "decoder.conv_out.weight"};
    Bench b;
    bench_new(&b);
    Tensor *const inputs[] = {b.x, b.xi};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check_slope(run_loss, &b, inputs, parameter(&b.weights, names[i]), 0x1p-9f, 1e-2);
    arena_free(&b.arena);
}

/* ---- the task: pictures of the world, each with its own draws ---- */

/* Sample `index` of that seed through vae_training_loss. */
static float picture_by_hand(const VaeTraining *t, uint64_t picture_seed, uint64_t index)
{
    Arena arena = {0};
    Tape tape = {.arena = &arena};
    DataSample sample;
    float xi[4 * 8 * 8], x[3 * 32 * 32], loss = NAN;
    Rng rng = rng_stream(RNG_PHILOX, t->seed, STREAM_POSTERIOR, index);
    rng_normal_fill(&rng, xi, 4 * 8 * 8);
    CHECK(data_sample(&t->train, picture_seed, index, &sample, &arena, NULL) == STATUS_OK);
    image_to_planes(x, &sample.image);
    const Tensor *y = vae_training_loss(&tape, t->vae, &t->loss, NULL,
                                        tape_input(&tape, x, 4, (const int[]){1, 3, 32, 32}, false),
                                        tape_input(&tape, xi, 4, (const int[]){1, 4, 8, 8}, false));
    if (CHECK(y != NULL))
        loss = y->data[0];
    arena_free(&arena);
    return loss;
}

static void test_task(void)
{
    static TinyWorld tiny;
    Bench b;
    float whole[3], part[3];
    bench_new(&b);
    tiny_world(&tiny);
    VaeTraining t = {.vae = &b.vae, .loss = {.mse = 1.0, .kl = 0.1}, .seed = 5};
    WorldData world = {&tiny.world, WORLD_DEFAULTS};
    world.options.size = 32;
    t.train = t.held_out = world_data_set(&world);
    const TrainTask task = vae_training_task(&t);
    run_task(&task, false, 11, 3, whole);
    for (int i = 0; i < 3; i++) {
        run_task(&task, false, 11 + (uint64_t)i, 1, part + i);
        CHECK(part[i] == whole[i] && part[i] == picture_by_hand(&t, 5, 11 + (uint64_t)i));
    }
    run_task(&task, true, 11, 2, part);
    CHECK(part[0] == picture_by_hand(&t, 6, 11) && part[1] == picture_by_hand(&t, 6, 12));
    CHECK(whole[0] != whole[1] && part[0] != whole[0]);
    arena_free(&t.scratch);
    arena_free(&b.arena);
}

static void test_weights_read(void)
{
    Arena arena = {0};
    Error err = {0};
    VaeLossWeights w = {.mse = 9.0};
    CHECK(vae_loss_weights_read(
              &w, json_of(&arena, "{\"mse\": 4, \"l1\": 3, \"edge\": 2, \"kl\": 1, \"perceptual\": 0.5}"),
              "r", &arena, &err) == STATUS_OK);
    CHECK(w.mse == 4.0 && w.l1 == 3.0 && w.edge == 2.0 && w.kl == 1.0 && w.perceptual == 0.5);
    CHECK(vae_loss_weights_read(&w, json_of(&arena, "{\"kl_weight\": 4}"), "r", &arena, &err) ==
          STATUS_FORMAT);
    CHECK_TEXT(err.text, "kl_weight");
    CHECK(vae_loss_weights_read(&w, json_of(&arena, "{\"kl\": -1}"), "r", &arena, NULL) == STATUS_FORMAT);
    CHECK(w.kl == 1.0);
    arena_free(&arena);
}

typedef struct {
    Bench bench;
    Arena arena;
} Attempt;

static Status try_loss(void *context)
{
    Attempt *a = context;
    Tape tape = {.arena = &a->arena};
    const VaeLossWeights weights = {.mse = 1.0, .l1 = 0.5, .edge = 0.5, .kl = 0.5, .perceptual = 0.5};
    const Tensor *loss =
        vae_training_loss(&tape, &a->bench.vae, &weights, &a->bench.features, a->bench.x, a->bench.xi);
    CHECK((loss == NULL) == (tape.error.status != STATUS_OK));
    arena_free(&a->arena);
    return tape.error.status;
}

static void test_failing_allocations(void)
{
    Attempt a = {.arena = {0}};
    bench_new(&a.bench);
    check_allocations(try_loss, &a, &a.arena);
    arena_free(&a.bench.arena);
}

int main(void)
{
    test_terms_by_hand();
    test_gradients();
    test_task();
    test_weights_read();
    test_failing_allocations();
    return check_report("train_vae");
}
