/* DDIM: known trajectories, its equality with Euler, noise, and diffusers' published loops. */
#include "tests/published_loops.h"

enum { N = 8 };

/* Stable Diffusion's conventions without limits on x0. */
static SchedulerConfig stable(void)
{
    SchedulerConfig c = *SAMPLER_DDIM.defaults;
    c.beta_schedule = BETA_SCALED_LINEAR;
    c.beta_start = 0.00085;
    c.beta_end = 0.012;
    c.clip_sample = false;
    c.set_alpha_to_one = false;
    c.steps_offset = 1;
    c.given = ~(uint64_t)0;
    return c;
}

static SamplerRun begin(const SchedulerConfig *c, SamplerOptions options, int steps, int images, Rng *rng,
                        Arena *arena)
{
    SamplerRun run = {0};
    Error err = {0};
    if (!CHECK(sampler_begin(&run, &SAMPLER_DDIM, c, options, steps, images, N, rng, arena, &err) ==
               STATUS_OK))
        printf("    %s\n", err.text);
    return run;
}

static void sample(float *x, SamplerRun *run, Toy toy, Arena *arena)
{
    toy.run = run;
    const Denoiser network = toy_denoiser(&toy);
    CHECK(denoise(x, run, &network, (GuidanceOptions){0}, NULL, arena, NULL) == STATUS_OK);
}

/* One step by hand: abar_t = 0.25 (a = s/sqrt 3), abar_p = 0.64: x0 = (1 - sqrt(0.75) 0.5) / 0.5. */
static void test_one_step_by_hand(void)
{
    Arena arena = {0};
    static const double BETAS[] = {0.36, 1 - 0.25 / 0.64};
    SchedulerConfig c = stable();
    c.num_train_timesteps = 2;
    c.steps_offset = 0;
    c.trained_betas = BETAS;
    c.trained_count = 2;
    SamplerRun run = begin(&c, (SamplerOptions){0}, 2, 1, NULL, &arena);
    float x[N] = {1.0f}, out[N] = {0.5f};
    SAMPLER_DDIM.step(&run, 0, x, out);
    CHECK_NEAR(x[0], 0.8 * (1 - sqrt(0.75) * 0.5) / 0.5 + 0.6 * 0.5, 1e-6);
    x[0] = 1.0f;
    SAMPLER_DDIM.step(&run, 1, x, out); /* before the first timestep: alpha-bar of timestep 0 */
    CHECK_NEAR(x[0], 1.0, 1e-6);
    run.config.clip_sample = true;
    run.config.clip_sample_range = 0.75;
    x[0] = 1.0f;
    SAMPLER_DDIM.step(&run, 0, x, out); /* x0 = 1.134 is cut to 0.75, eps stays ... */
    CHECK_NEAR(x[0], 0.8 * 0.75 + 0.6 * 0.5, 1e-6);
    run.options.clipped_epsilon = true;
    x[0] = 1.0f;
    SAMPLER_DDIM.step(&run, 0, x, out); /* ... or follows it */
    CHECK_NEAR(x[0], 0.8 * 0.75 + 0.6 * (1 - 0.5 * 0.75) / sqrt(0.75), 1e-6);
    arena_free(&arena);
}

/* Data that is one number is found to rounding, from any noise and for every kind of output. */
static void test_point_mass_is_found(void)
{
    for (int type = PREDICT_EPSILON; type <= PREDICT_SAMPLE; type++)
        for (int spacing = SPACING_LEADING; spacing <= SPACING_LINSPACE; spacing++) {
            Arena arena = {0};
            SchedulerConfig c = stable();
            c.prediction_type = type;
            c.timestep_spacing = spacing;
            c.set_alpha_to_one = true;
            SamplerRun run = begin(&c, (SamplerOptions){0}, 20, 1, NULL, &arena);
            float x[N] = {-3, -2, -1, -0.5f, 0.5f, 1, 2, 3};
            sample(x, &run, (Toy){.kind = TOY_POINT, .c = 0.7}, &arena);
            for (int i = 0; i < N; i++)
                CHECK_NEAR(x[i], 0.7, 2e-5);
            arena_free(&arena);
        }
}

/* eta = 0 is Euler's method in y = x / a on the same sigmas: y += (sigma_p - sigma_t) eps. */
static void test_equals_euler(void)
{
    Arena arena = {0};
    const SchedulerConfig c = stable();
    SamplerRun run = begin(&c, (SamplerOptions){0}, 25, 1, NULL, &arena);
    const Schedule *s = &run.schedule;
    float x[N];
    double y[N];
    for (int i = 0; i < N; i++)
        y[i] = (x[i] = (float)(i - 3.5)) / schedule_signal(s, (int)run.time[0]);
    sample(x, &run, (Toy){.kind = TOY_GAUSSIAN, .q = 0.5}, &arena);
    for (int call = 0; call < run.calls; call++) {
        const int t = (int)run.time[call], p = t - 40;
        const double sigma = schedule_sigma(s, t),
                     next = p < 0 ? schedule_sigma(s, 0) : schedule_sigma(s, p);
        for (int i = 0; i < N; i++)
            y[i] += (next - sigma) * y[i] * sigma / (0.25 + sigma * sigma);
    }
    for (int i = 0; i < N; i++)
        CHECK_NEAR(x[i], y[i] * schedule_signal(s, 0), 3e-6);
    arena_free(&arena);
}

/* The exact end of N(0, q^2) data is y sqrt(q^2 + sigma_end^2) / sqrt(q^2 + sigma_0^2); twice the steps halve the
 * error. */
static void test_first_order_convergence(void)
{
    double error[3];
    for (int k = 0; k < 3; k++) {
        Arena arena = {0};
        const SchedulerConfig c = stable();
        SamplerRun run = begin(&c, (SamplerOptions){0}, 50 << k, 1, NULL, &arena);
        const double s0 = schedule_sigma(&run.schedule, (int)run.time[0]),
                     s1 = schedule_sigma(&run.schedule, 0);
        const double y0 = 1.3 / schedule_signal(&run.schedule, (int)run.time[0]);
        float x[N] = {1.3f};
        sample(x, &run, (Toy){.kind = TOY_GAUSSIAN, .q = 0.5}, &arena);
        error[k] =
            fabs(x[0] - schedule_signal(&run.schedule, 0) * y0 * sqrt((0.25 + s1 * s1) / (0.25 + s0 * s0)));
        arena_free(&arena);
    }
    CHECK(error[0] / error[1] > 1.7 && error[0] / error[1] < 2.4);
    CHECK(error[1] / error[2] > 1.7 && error[1] / error[2] < 2.4);
    CHECK(error[2] < 0.01);
}

/* All three kinds of output, fed with converted answers, walk the same way. */
static void test_prediction_types_agree(void)
{
    float end[3][N];
    for (int type = PREDICT_EPSILON; type <= PREDICT_SAMPLE; type++) {
        Arena arena = {0};
        SchedulerConfig c = stable();
        c.prediction_type = type;
        SamplerRun run = begin(&c, (SamplerOptions){0}, 15, 1, NULL, &arena);
        for (int i = 0; i < N; i++)
            end[type][i] = (float)(i - 3.5);
        sample(end[type], &run, (Toy){.kind = TOY_GAUSSIAN, .q = 0.5}, &arena);
        arena_free(&arena);
    }
    for (int i = 0; i < N; i++) {
        CHECK_NEAR(end[PREDICT_V][i], end[PREDICT_EPSILON][i], 1e-5);
        CHECK_NEAR(end[PREDICT_SAMPLE][i], end[PREDICT_EPSILON][i], 1e-5);
    }
}

/* With eta = 1 mean and deviation of a step are those of DDPM with fixed_small (leading spacing, no offset). */
static void test_eta_one_is_ddpm(void)
{
    Arena arena = {0};
    SchedulerConfig c = stable();
    c.steps_offset = 0;
    c.set_alpha_to_one = true;
    c.variance_type = VARIANCE_FIXED_SMALL;
    Rng a = rng_stream(RNG_PHILOX, 5, STREAM_STEP, 0), b = a;
    SamplerRun ddim = begin(&c, (SamplerOptions){.eta = 1.0}, 10, 1, &a, &arena), ddpm = {0};
    CHECK(sampler_begin(&ddpm, &SAMPLER_DDPM, &c, (SamplerOptions){0}, 10, 1, N, &b, &arena, NULL) ==
          STATUS_OK);
    for (int call = 0; call < 10; call++) {
        float x[N], y[N], out[N], same[N];
        for (int i = 0; i < N; i++) {
            x[i] = y[i] = (float)(0.3 * i - 1);
            out[i] = same[i] = (float)(0.7 - 0.2 * i);
        }
        SAMPLER_DDIM.step(&ddim, call, x, out);
        SAMPLER_DDPM.step(&ddpm, call, y, same);
        for (int i = 0; i < N; i++)
            CHECK_NEAR(x[i], y[i], 1e-5);
    }
    arena_free(&arena);
}

/* eta = 0 draws nothing; eta > 0 draws once a step, each image from its own stream. */
static void test_a_batch_is_its_images(void)
{
    Arena arena = {0};
    const SchedulerConfig c = stable();
    Rng rng[3], one[3];
    for (int k = 0; k < 3; k++)
        rng[k] = one[k] = rng_stream(RNG_PHILOX, 42 + (uint64_t)k, STREAM_NOISE, 0);
    float x[3 * N], y[N];
    SamplerRun run = begin(&c, (SamplerOptions){.eta = 0.5}, 5, 3, rng, &arena);
    sampler_draw(&run, x);
    sample(x, &run, (Toy){.kind = TOY_GAUSSIAN, .q = 0.5}, &arena);
    for (int k = 0; k < 3; k++) {
        run = begin(&c, (SamplerOptions){.eta = 0.5}, 5, 1, &one[k], &arena);
        sampler_draw(&run, y);
        sample(y, &run, (Toy){.kind = TOY_GAUSSIAN, .q = 0.5}, &arena);
        CHECK(memcmp(y, x + k * N, sizeof y) == 0);
        CHECK(memcmp(&one[k], &rng[k], sizeof rng[k]) == 0);
    }
    CHECK(one[0].block == 6 * N / 4); /* the start and five steps, four normals a block */
    Rng still = one[0];
    run = begin(&c, (SamplerOptions){0}, 5, 1, &one[0], &arena);
    sample(y, &run, (Toy){.kind = TOY_GAUSSIAN, .q = 0.5}, &arena);
    CHECK(memcmp(&still, &one[0], sizeof still) == 0);
    arena_free(&arena);
}

static void refuse(SchedulerConfig c, SamplerOptions options, int steps, const char *why)
{
    Arena arena = {0};
    SamplerRun run = {.calls = -1};
    Error err = {0};
    CHECK(sampler_begin(&run, &SAMPLER_DDIM, &c, options, steps, 1, N, NULL, &arena, &err) ==
          STATUS_ARGUMENT);
    CHECK(run.calls == -1);
    CHECK_TEXT(err.text, why);
    arena_free(&arena);
}

static void test_refused(void)
{
    SchedulerConfig c = stable();
    refuse(c, (SamplerOptions){0}, 0, "steps is 0");
    refuse(c, (SamplerOptions){0}, 1001, "steps is 1001, expected 1 to 1000");
    refuse(c, (SamplerOptions){.eta = -0.5}, 10, "eta is -0.5");
    refuse(c, (SamplerOptions){.eta = NAN}, 10, "eta is");
    c.rescale_betas_zero_snr = true;
    c.timestep_spacing = SPACING_TRAILING;
    refuse(c, (SamplerOptions){0}, 10, "timestep 999 holds no signal");
    c.prediction_type = PREDICT_V;
    Arena arena = {0};
    SamplerRun run = begin(&c, (SamplerOptions){0}, 10, 1, NULL, &arena);
    CHECK(run.calls == 10);
    arena_free(&arena);
}

static void test_no_memory(void)
{
    const SchedulerConfig c = stable();
    for (size_t n = 1; n < 50; n++) {
        Arena arena = {.fail_after = n};
        SamplerRun run = {0};
        const Status status =
            sampler_begin(&run, &SAMPLER_DDIM, &c, (SamplerOptions){0}, 4, 1, N, NULL, &arena, NULL);
        arena_free(&arena);
        CHECK(status == STATUS_OK || (status == STATUS_MEMORY && run.calls == 0));
        if (status == STATUS_OK) {
            CHECK(n > 8);
            break;
        }
    }
}

int main(void)
{
    test_one_step_by_hand();
    test_point_mass_is_found();
    test_equals_euler();
    test_first_order_convergence();
    test_prediction_types_agree();
    test_eta_one_is_ddpm();
    test_a_batch_is_its_images();
    test_refused();
    test_no_memory();
    published_loops(&SAMPLER_DDIM, true, 1e-6);
    published_loops(&SAMPLER_DDIM, false, 5e-5);
    return check_report("sampler_ddim");
}
