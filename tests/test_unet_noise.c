/* A guided U-Net as eps(z, t): what it gives under each prediction, and its gradient against slopes. */
#include "diffusion/unet_noise.h"

#include "cli/golden_models.h"
#include "tests/net_check.h"

enum { SIDE = 8, IMAGES = 2, TOKENS = 3, MOST = IMAGES * 4 * SIDE * SIDE };

static Arena arena, work;
static Unet net;
static Weights weights;
static Schedule schedule;
static UnetNoise unet_of;

static void begin(void)
{
    const SchedulerConfig c = {.num_train_timesteps = 1000,
                               .beta_start = 0.00085,
                               .beta_end = 0.012,
                               .beta_schedule = BETA_SCALED_LINEAR};
    CHECK(schedule_make(&schedule, &c, false, &arena, NULL) == STATUS_OK);
    weights = weights_create(&arena, 3);
    CHECK(golden_unet(&net, &weights, &arena, NULL) == STATUS_OK);
    scramble(&weights, 4);
    const Tensor *text = any_tensor(&arena, 5, 3, 2 * IMAGES, TOKENS, GOLDEN_TEXT_WIDTH);
    unet_of = (UnetNoise){.network = {.unet = &net,
                                      .images = IMAGES,
                                      .conditions = 2,
                                      .height = SIDE,
                                      .width = SIDE,
                                      .text = text->data,
                                      .tokens = TOKENS,
                                      .arena = &work},
                          .schedule = &schedule,
                          .guidance = 3.0};
}

static void fill(double *x, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        x[i] = 2.0 * (double)any_float(&seed);
}

/* Guidance and prediction by their formulas, from the network's outputs. */
static void test_values(void)
{
    double z[MOST], eps[MOST];
    float x[MOST], out[2 * MOST];
    const NoiseOracle noise = unet_noise(&unet_of);
    const Denoiser plain = unet_denoiser(&unet_of.network);
    CHECK(noise.n <= MOST);
    fill(z, noise.n, 6);
    for (size_t i = 0; i < noise.n; i++)
        x[i] = (float)z[i];
    CHECK(plain.predict(plain.context, out, x, 300.0, NULL) == STATUS_OK);
    const double a = sqrt(schedule.alpha_bar[300]), s = sqrt(1.0 - schedule.alpha_bar[300]);
    for (int type = PREDICT_EPSILON; type <= PREDICT_SAMPLE; type++) {
        unet_of.prediction_type = type;
        CHECK(noise.predict(noise.context, eps, z, 300.0, NULL) == STATUS_OK);
        for (size_t i = 0; i < noise.n; i++) {
            const double o = (double)out[i] + 3.0 * ((double)out[noise.n + i] - (double)out[i]);
            const double want = type == PREDICT_EPSILON ? o
                                : type == PREDICT_V     ? a * o + s * z[i]
                                                        : (z[i] - a * o) / s;
            CHECK_NEAR(eps[i], want, 1e-12);
        }
    }
    CHECK(work.used == 0);
}

static double along(const NoiseOracle *noise, const double *z, const double *d, const double *g, double h)
{
    double moved[MOST], eps[MOST], sum = 0.0;
    for (size_t i = 0; i < noise->n; i++)
        moved[i] = z[i] + h * d[i];
    CHECK(noise->predict(noise->context, eps, moved, 300.0, NULL) == STATUS_OK);
    for (size_t i = 0; i < noise->n; i++)
        sum += eps[i] * g[i];
    return sum;
}

/* <g, J d> by a difference is <J^T g, d>, the sign included; and vjp's eps is predict's. */
static void test_gradient(int conditions, int type)
{
    double z[MOST], d[MOST], g[MOST], q[MOST], eps[MOST], again[MOST], want = 0.0, size = 0.0;
    unet_of.network.conditions = conditions;
    unet_of.prediction_type = type;
    const NoiseOracle noise = unet_noise(&unet_of);
    fill(z, noise.n, 7);
    fill(d, noise.n, 8);
    fill(g, noise.n, 9);
    CHECK(noise.vjp(noise.context, eps, q, z, 300.0, g, NULL) == STATUS_OK);
    CHECK(noise.predict(noise.context, again, z, 300.0, NULL) == STATUS_OK);
    CHECK(memcmp(eps, again, noise.n * sizeof *eps) == 0);
    for (size_t i = 0; i < noise.n; i++) {
        want += q[i] * d[i];
        size += fabs(q[i] * d[i]);
    }
    const double slope = (along(&noise, z, d, g, 1e-2) - along(&noise, z, d, g, -1e-2)) / 2e-2;
    CHECK_NEAR(slope / size, want / size, 2e-4);
    CHECK(fabs(want) > 1e-3 * size); /* a difference that says something */
}

static void test_failures(void)
{
    double z[MOST], g[MOST], q[MOST], eps[MOST];
    const NoiseOracle noise = unet_noise(&unet_of);
    ArenaAccount account = {0};
    Arena own = {.account = &account};
    Error err = {0};
    fill(z, noise.n, 7);
    fill(g, noise.n, 9);
    unet_of.network.arena = &own;
    CHECK(noise.vjp(noise.context, eps, q, z, 300.0, g, &err) == STATUS_OK);
    const size_t calls = account.calls;
    CHECK(calls > 20);
    for (size_t n = 1; n <= calls; n += n < 10 ? 1 : 17) {
        arena_free(&own);
        account = (ArenaAccount){.fail_at = n};
        err = (Error){0};
        CHECK(noise.vjp(noise.context, eps, q, z, 300.0, g, &err) == STATUS_MEMORY && own.used == 0);
    }
    arena_free(&own);
    unet_of.network.arena = &work;
}

int main(void)
{
    begin();
    test_values();
    for (int type = PREDICT_EPSILON; type <= PREDICT_SAMPLE; type++)
        for (int conditions = 1; conditions <= 2; conditions++)
            test_gradient(conditions, type);
    test_failures();
    arena_free(&work);
    arena_free(&arena);
    return check_report("unet_noise");
}
