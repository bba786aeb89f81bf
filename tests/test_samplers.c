/* What all samplers have in common: they find data that is known, converge as their order says, do not care how the
 * network puts its answer, and take every picture of a batch for itself. */
#include "tests/check.h"
#include "tests/toy_denoiser.h"

enum { N = 4 };

/* A sampler with the keys that make it another method. */
typedef struct {
    const Sampler *sampler;
    int order, algorithm, solver; /* solver_order, algorithm_type, solver_type; 0 order: has none */
    int rate;                     /* a third of the step makes a 3^-rate of the error */
    double error[3];              /* of Gaussian data after 20, 80 and 320 steps; 0: not known */
} Method;

/* Errors: those of binary64 implementations of the formulas (q = 0.5, z = 1.3, linspace, from sigma_(T-1) to sigma_0).
 * UniPC's corrector adds one to the order.  DPM-Solver's multistep of order 3 has a second difference without the factor
 * 2, in diffusers as in the authors' code: it is of order 2.  The inverse on eps is of order 2 with more than 100 steps. */
static const Method METHODS[] = {
    {.rate = 1, .sampler = &SAMPLER_EULER, .error = {7.3e-2, 2.1e-2, 5.5e-3}},
    {.rate = 2, .sampler = &SAMPLER_HEUN, .error = {6.6e-3, 4.8e-4, 3.4e-5}},
    {.rate = 2, .sampler = &SAMPLER_DPM2},
    {.rate = 4, .sampler = &SAMPLER_LMS},
    {.rate = 1, .sampler = &SAMPLER_PC},
    {.rate = 1, .sampler = &SAMPLER_DPM_MULTI, .order = 1, .algorithm = ALGORITHM_DPMSOLVER_PP},
    {.rate = 2,
     .sampler = &SAMPLER_DPM_MULTI,
     .order = 2,
     .algorithm = ALGORITHM_DPMSOLVER_PP,
     .error = {8.4e-2, 1.5e-2, 1.5e-3}},
    {.rate = 2,
     .sampler = &SAMPLER_DPM_MULTI,
     .order = 2,
     .algorithm = ALGORITHM_DPMSOLVER_PP,
     .solver = SOLVER_HEUN},
    {.rate = 2, .sampler = &SAMPLER_DPM_MULTI, .order = 3, .algorithm = ALGORITHM_DPMSOLVER_PP},
    {.rate = 1, .sampler = &SAMPLER_DPM_MULTI, .order = 1, .algorithm = ALGORITHM_DPMSOLVER},
    {.rate = 2, .sampler = &SAMPLER_DPM_MULTI, .order = 2, .algorithm = ALGORITHM_DPMSOLVER},
    {.rate = 2,
     .sampler = &SAMPLER_DPM_MULTI,
     .order = 2,
     .algorithm = ALGORITHM_DPMSOLVER,
     .solver = SOLVER_HEUN},
    {.rate = 2, .sampler = &SAMPLER_DPM_MULTI, .order = 3, .algorithm = ALGORITHM_DPMSOLVER},
    {.rate = 1, .sampler = &SAMPLER_DPM_SINGLE, .order = 1, .algorithm = ALGORITHM_DPMSOLVER_PP},
    {.rate = 2, .sampler = &SAMPLER_DPM_SINGLE, .order = 2, .algorithm = ALGORITHM_DPMSOLVER_PP},
    {.rate = 2,
     .sampler = &SAMPLER_DPM_SINGLE,
     .order = 2,
     .algorithm = ALGORITHM_DPMSOLVER_PP,
     .solver = SOLVER_HEUN},
    {.rate = 3, .sampler = &SAMPLER_DPM_SINGLE, .order = 3, .algorithm = ALGORITHM_DPMSOLVER_PP},
    {.rate = 3,
     .sampler = &SAMPLER_DPM_SINGLE,
     .order = 3,
     .algorithm = ALGORITHM_DPMSOLVER_PP,
     .solver = SOLVER_HEUN},
    {.rate = 2, .sampler = &SAMPLER_DPM_SINGLE, .order = 2, .algorithm = ALGORITHM_DPMSOLVER},
    {.rate = 3, .sampler = &SAMPLER_DPM_SINGLE, .order = 3, .algorithm = ALGORITHM_DPMSOLVER},
    {.rate = 3,
     .sampler = &SAMPLER_DPM_SINGLE,
     .order = 3,
     .algorithm = ALGORITHM_DPMSOLVER,
     .solver = SOLVER_HEUN},
    {.rate = 1, .sampler = &SAMPLER_DEIS, .order = 1, .algorithm = ALGORITHM_DEIS},
    {.rate = 2, .sampler = &SAMPLER_DEIS, .order = 2, .algorithm = ALGORITHM_DEIS},
    {.rate = 3, .sampler = &SAMPLER_DEIS, .order = 3, .algorithm = ALGORITHM_DEIS},
    {.rate = 1, .sampler = &SAMPLER_UNIPC, .order = 1, .solver = SOLVER_BH2},
    {.rate = 1,
     .sampler = &SAMPLER_UNIPC,
     .order = 2,
     .solver = SOLVER_BH2,
     .error = {4.1e-2, 6.6e-3, 9.6e-4}},
    {.rate = 1, .sampler = &SAMPLER_UNIPC, .order = 2, .solver = SOLVER_BH1},
    {.rate = 1, .sampler = &SAMPLER_UNIPC, .order = 3, .solver = SOLVER_BH2},
    {.rate = 2, .sampler = &SAMPLER_DPM_INVERSE, .order = 2, .algorithm = ALGORITHM_DPMSOLVER_PP},
    {.rate = 1, .sampler = &SAMPLER_DPM_INVERSE, .order = 2, .algorithm = ALGORITHM_DPMSOLVER},
    {.rate = 1, .sampler = &SAMPLER_EDM_EULER},
    {.rate = 2, .sampler = &SAMPLER_EDM_DPM_MULTI, .order = 2, .algorithm = ALGORITHM_DPMSOLVER_PP},
    {.rate = 1, .sampler = &SAMPLER_DDIM},
    {.rate = 2, .sampler = &SAMPLER_PNDM, .error = {9.3e-3, 3.5e-4, 1.7e-4}},
};
enum { METHOD_COUNT = sizeof METHODS / sizeof METHODS[0] };

/* Stable Diffusion's schedule, with the class's own conventions for the rest. */
static SchedulerConfig config_of(const Method *m, bool karras)
{
    SchedulerConfig c = *m->sampler->defaults;
    c.beta_schedule = BETA_SCALED_LINEAR;
    c.beta_start = 0.00085;
    c.beta_end = 0.012;
    c.clip_sample = false;
    c.set_alpha_to_one = false;
    c.skip_prk_steps = true;
    c.steps_offset = c.timestep_spacing == SPACING_LEADING;
    c.use_karras_sigmas = karras;
    if (m->order > 0) {
        c.solver_order = m->order;
        c.algorithm_type = m->algorithm;
        c.solver_type = m->solver;
        c.final_sigmas_type = FINAL_SIGMA_MIN;
        c.lower_order_final = m->sampler == &SAMPLER_UNIPC && !karras;
    }
    c.given = ~(uint64_t)0;
    return c;
}

static SamplerRun begin(const Sampler *sampler, const SchedulerConfig *c, SamplerOptions options, int steps,
                        int images, Rng *rng, Arena *arena)
{
    SamplerRun run = {0};
    Error err = {0};
    if (!CHECK(sampler_begin(&run, sampler, c, options, steps, images, N, rng, arena, &err) == STATUS_OK))
        printf("    %s: %s\n", sampler->name, err.text);
    return run;
}

static void sample(float *x, SamplerRun *run, Toy toy, Arena *arena)
{
    Error err = {0};
    toy.run = run;
    const Denoiser network = toy_denoiser(&toy);
    if (!CHECK(denoise(x, run, &network, (GuidanceOptions){0}, NULL, arena, &err) == STATUS_OK))
        printf("    %s: %s\n", run->sampler->name, err.text);
}

/* sigma of x before call i; behind the last, of what the run ends at. */
static double level(const SamplerRun *run, int i)
{
    if (run->sigma != NULL)
        return run->sigma[i];
    return i < run->calls ? schedule_sigma(&run->schedule, (int)run->time[i])
                          : schedule_sigma(&run->schedule, 0);
}

/* Whether x is y = x0 + sigma eps, not a x0 + s eps. */
static bool in_sigma_space(const SamplerRun *run)
{
    return run->sampler->input != NULL;
}

/* The error after `steps` steps, of x = a y; a last step to sigma 0 is left out. */
static double gaussian_error(const Method *m, int steps, bool karras)
{
    Arena arena = {0};
    const SchedulerConfig c = config_of(m, karras);
    SamplerRun run = begin(m->sampler, &c, (SamplerOptions){0}, steps, 1, NULL, &arena);
    if (run.calls == 0)
        return NAN;
    const double q = 0.5, from = level(&run, 0);
    run.calls -= level(&run, run.calls) == 0.0;
    const double to = level(&run, run.calls), y = 1.3 * sqrt(from * from + 1.0);
    float x[N] = {in_sigma_space(&run) ? (float)y : 1.3f};
    sample(x, &run, (Toy){.kind = TOY_GAUSSIAN, .q = q}, &arena);
    const double a = 1.0 / sqrt(to * to + 1.0),
                 exact = a * y * sqrt((q * q + to * to) / (q * q + from * from));
    arena_free(&arena);
    return fabs((in_sigma_space(&run) ? a * x[0] : x[0]) - exact);
}

/* Networks of [Kar22] have two kinds of output. */
static bool has_type(const Method *m, int type)
{
    return type != PREDICT_SAMPLE || !sampler_takes(m->sampler, "sigma_data");
}

/* A table that ends with 0 has one level more for as many steps to sigma_0. */
static void test_errors_on_gaussian_data(void)
{
    static const int STEPS[3] = {20, 80, 320};
    for (int k = 0; k < METHOD_COUNT; k++)
        for (int i = 0; i < 3 && METHODS[k].error[0] > 0.0; i++) {
            const bool ends_at_zero = METHODS[k].sampler->input != NULL;
            const double e = gaussian_error(&METHODS[k], STEPS[i] + ends_at_zero, false);
            if (!CHECK(fabs(e - METHODS[k].error[i]) < 0.06 * METHODS[k].error[i]))
                printf("    %s, %d steps: %.3g, expected %.3g\n", METHODS[k].sampler->name, STEPS[i], e,
                       METHODS[k].error[i]);
        }
}

static void test_orders_of_convergence(void)
{
    for (int k = 0; k < METHOD_COUNT; k++) {
        const double coarse = gaussian_error(&METHODS[k], 20, true),
                     fine = gaussian_error(&METHODS[k], 60, true);
        if (!CHECK(coarse / fine > 0.6 * pow(3.0, METHODS[k].rate)))
            printf("    %s, order %d: %.3g becomes %.3g\n", METHODS[k].sampler->name, METHODS[k].order,
                   coarse, fine);
    }
}

/* Data that is one number is found from any noise: where the last level is 0, or alpha-bar there 1, as it is. */
static void test_point_mass_is_found(void)
{
    for (int k = 0; k < METHOD_COUNT; k++)
        for (int type = PREDICT_EPSILON; type <= PREDICT_SAMPLE; type++)
            for (int spacing = SPACING_LEADING; spacing <= SPACING_LINSPACE; spacing++) {
                const Method *m = &METHODS[k];
                if (m->sampler == &SAMPLER_DPM_INVERSE || !has_type(m, type))
                    continue; /* an inversion finds noise */
                if (m->sampler == &SAMPLER_PNDM && (type != PREDICT_EPSILON || spacing != SPACING_LEADING))
                    continue; /* it mixes outputs of several levels, and its levels are those of leading spacing */
                Arena arena = {0};
                SchedulerConfig c = config_of(m, false);
                c.prediction_type = type;
                c.timestep_spacing = spacing;
                c.set_alpha_to_one = true;
                if (m->algorithm != ALGORITHM_DPMSOLVER)
                    c.final_sigmas_type = FINAL_SIGMA_ZERO;
                SamplerRun run = begin(m->sampler, &c, (SamplerOptions){0}, 12, 1, NULL, &arena);
                float x[N] = {-3, -0.5f, 1, 2};
                sampler_start(&run, x);
                sample(x, &run, (Toy){.kind = TOY_POINT, .c = 0.7}, &arena);
                const bool finds = run.sigma == NULL || run.sigma[run.calls] == 0.0;
                for (int i = 0; i < N; i++) /* the last level is sigma_0 = 0.03 otherwise */
                    CHECK_NEAR(x[i], 0.7, finds ? 3e-5 : 0.15);
                arena_free(&arena);
            }
}

static Status is_the_point(void *context, const SamplerRun *run, int call, const float *input, float *out,
                           Error *err)
{
    float x0[N];
    double alpha_bar;
    (void)err;
    sampler_level(&alpha_bar, run, call);
    sampler_x0(run, call, x0, input, out);
    for (int i = 0; i < N; i++) /* x - s eps is off by some roundings of x */
        CHECK_NEAR(x0[i], 0.7, 1e-6 + 0x1p-22 * fabs((double)input[i]) / sqrt(alpha_bar));
    ++*(int *)context;
    return STATUS_OK;
}

/* Whatever the state, a network that knows the one picture there is says so at every call. */
static void test_every_call_predicts_the_point_mass(void)
{
    for (int k = 0; SAMPLERS[k] != NULL; k++)
        for (int type = PREDICT_EPSILON; type <= PREDICT_V; type++) {
            const Sampler *s = SAMPLERS[k];
            if (s == &SAMPLER_DPM_INVERSE || s == &SAMPLER_DDIM_INVERSE || s == &SAMPLER_CM)
                continue; /* inversions; scales of its own (test_sampler_cm.c) */
            if (s == &SAMPLER_UNCLIP && type == PREDICT_V)
                continue;
            Arena arena = {0};
            int calls = 0;
            SchedulerConfig c = *s->defaults;
            c.prediction_type = type;
            c.given = ~(uint64_t)0;
            const SamplerOptions o = {.corrections = 2};
            SamplerRun run = begin(s, &c, o, 6, 1, NULL, &arena);
            Toy toy = {.kind = TOY_POINT, .c = 0.7, .run = &run};
            const Denoiser network = toy_denoiser(&toy);
            const DenoiseHooks hooks = {.context = &calls, .guided = is_the_point};
            float x[N] = {-3, -0.5f, 1, 2};
            sampler_start(&run, x);
            CHECK(denoise(x, &run, &network, (GuidanceOptions){0}, &hooks, &arena, NULL) == STATUS_OK);
            CHECK(calls == run.calls && calls >= 6);
            arena_free(&arena);
        }
}

/* The three kinds of output, fed with converted answers, walk the same way. */
static void test_prediction_types_agree(void)
{
    for (int k = 0; k < METHOD_COUNT; k++) {
        if (METHODS[k].sampler == &SAMPLER_PNDM)
            continue; /* mixes outputs before it converts them */
        float end[3][N];
        for (int type = PREDICT_EPSILON; type <= PREDICT_SAMPLE; type++) {
            Arena arena = {0};
            const Method *m = &METHODS[k];
            SchedulerConfig c = config_of(m, false);
            c.prediction_type = has_type(m, type) ? type : PREDICT_V;
            SamplerRun run = begin(m->sampler, &c, (SamplerOptions){0}, 15, 1, NULL, &arena);
            for (int i = 0; i < N; i++)
                end[type][i] = (float)(i - 1.5);
            sampler_start(&run, end[type]);
            sample(end[type], &run, (Toy){.kind = TOY_GAUSSIAN, .q = 0.5}, &arena);
            arena_free(&arena);
        }
        for (int i = 0; i < N; i++) {
            CHECK_NEAR(end[PREDICT_V][i], end[PREDICT_EPSILON][i], 3e-5);
            CHECK_NEAR(end[PREDICT_SAMPLE][i], end[PREDICT_EPSILON][i], 3e-5);
        }
    }
}

/* Methods of order 1 on the same levels are one method: DDIM's.  y = x / a of Euler's. */
static void test_first_order_methods_are_ddim(void)
{
    static const Method FIRST[] = {
        {.sampler = &SAMPLER_DPM_MULTI, .order = 1, .algorithm = ALGORITHM_DPMSOLVER_PP},
        {.sampler = &SAMPLER_DPM_MULTI, .order = 1, .algorithm = ALGORITHM_DPMSOLVER},
        {.sampler = &SAMPLER_DPM_SINGLE, .order = 1, .algorithm = ALGORITHM_DPMSOLVER_PP},
        {.sampler = &SAMPLER_DEIS, .order = 1, .algorithm = ALGORITHM_DEIS},
        {.sampler = &SAMPLER_UNIPC, .order = 1, .solver = SOLVER_BH2},
    };
    static const int ALL[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    for (int k = 0; k < 5; k++) {
        Arena arena = {0};
        SchedulerConfig c = config_of(&FIRST[k], false);
        c.disable_corrector = ALL;
        c.disable_count = 8;
        SamplerRun run = begin(FIRST[k].sampler, &c, (SamplerOptions){0}, 8, 1, NULL, &arena);
        float x[N] = {1.3f, -1, 0.5f, 2};
        double y[N];
        for (int i = 0; i < N; i++)
            y[i] = x[i] * sqrt(run.sigma[0] * run.sigma[0] + 1.0);
        sample(x, &run, (Toy){.kind = TOY_GAUSSIAN, .q = 0.5}, &arena);
        for (int call = 0; call < run.calls; call++)
            for (int i = 0; i < N; i++)
                y[i] += (run.sigma[call + 1] - run.sigma[call]) * y[i] * run.sigma[call] /
                        (0.25 + run.sigma[call] * run.sigma[call]);
        for (int i = 0; i < N; i++)
            CHECK_NEAR(x[i], y[i] / sqrt(run.sigma[run.calls] * run.sigma[run.calls] + 1.0), 2e-6);
        arena_free(&arena);
    }
}

/* Each picture of a batch is what it is alone, with its own noise; also the samplers that draw. */
static void test_a_batch_is_its_images(void)
{
    for (int k = 0; SAMPLERS[k] != NULL; k++) {
        Arena arena = {0};
        SchedulerConfig c = *SAMPLERS[k]->defaults;
        SamplerOptions o = {.eta = 1.0, .churn = 3.0, .corrections = 1, .correction_snr = 0.16};
        c.skip_prk_steps = k % 2;
        c.given = ~(uint64_t)0;
        Rng rng[3], one[3];
        for (int i = 0; i < 3; i++)
            rng[i] = one[i] = rng_stream(RNG_PHILOX, 42 + (uint64_t)i, STREAM_NOISE, 0);
        float x[3 * N], y[N];
        SamplerRun run = begin(SAMPLERS[k], &c, o, 5, 3, rng, &arena);
        sampler_draw(&run, x);
        sampler_start(&run, x);
        sample(x, &run, (Toy){.kind = TOY_GAUSSIAN, .q = 0.5}, &arena);
        for (int i = 0; i < 3; i++) {
            run = begin(SAMPLERS[k], &c, o, 5, 1, &one[i], &arena);
            sampler_draw(&run, y);
            sampler_start(&run, y);
            sample(y, &run, (Toy){.kind = TOY_GAUSSIAN, .q = 0.5}, &arena);
            CHECK(memcmp(y, x + i * N, sizeof y) == 0);
            CHECK(memcmp(&one[i], &rng[i], sizeof rng[i]) == 0);
        }
        arena_free(&arena);
    }
}

/* Every call can be shown, its numbers are finite, and a run may start anywhere: an image with noise comes out. */
static void test_every_call_is_described(void)
{
    for (int k = 0; SAMPLERS[k] != NULL; k++)
        for (int skip = 0; skip <= 6; skip += 2) {
            Arena arena = {0};
            Rng rng = rng_stream(RNG_PHILOX, 1, STREAM_NOISE, 0);
            const SamplerOptions o = {.corrections = 2};
            SchedulerConfig c = *SAMPLERS[k]->defaults;
            c.skip_prk_steps = true; /* the Runge-Kutta start belongs to the start of the list */
            c.given = ~(uint64_t)0;
            SamplerRun run = begin(SAMPLERS[k], &c, o, 6, 1, &rng, &arena);
            float x[N] = {0.1f, 0.2f, 0.3f, 0.4f};
            const float noise[N] = {1, -1, 0.5f, 2};
            sampler_skip(&run, skip);
            CHECK(run.first <= run.calls && (skip < 6 || run.first + 1 >= run.calls || run.calls > 12));
            for (int call = run.first; call < run.calls; call++) {
                const SamplerCall d = SAMPLERS[k]->describe(&run, call);
                CHECK(d.count > 0 && d.count <= SAMPLER_NUMBERS && d.previous < 1000);
                for (int i = 0; i < d.count; i++)
                    CHECK(d.name[i] != NULL && fabs(d.value[i]) < 1e30);
            }
            if (run.first < run.calls)
                sampler_renoise(&run, run.first, x, x, noise, N);
            sample(x, &run, (Toy){.kind = TOY_GAUSSIAN, .q = 0.5}, &arena);
            for (int i = 0; i < N; i++)
                if (!CHECK(fabs(x[i]) < 10.0))
                    printf("    %s without %d steps: %g\n", SAMPLERS[k]->name, skip, (double)x[i]);
            arena_free(&arena);
        }
}

static void test_no_memory(void)
{
    for (int k = 0; SAMPLERS[k] != NULL; k++)
        for (size_t n = 1;; n++) {
            Arena arena = {.fail_after = n};
            SamplerRun run = {0};
            const Status status = sampler_begin(&run, SAMPLERS[k], SAMPLERS[k]->defaults,
                                                (SamplerOptions){0}, 5, 1, N, NULL, &arena, NULL);
            arena_free(&arena);
            CHECK(status == STATUS_OK || (status == STATUS_MEMORY && run.calls == 0));
            if (status == STATUS_OK || n > 40) {
                CHECK(status == STATUS_OK && n > 4);
                break;
            }
        }
}

int main(void)
{
    test_errors_on_gaussian_data();
    test_orders_of_convergence();
    test_point_mass_is_found();
    test_every_call_predicts_the_point_mass();
    test_prediction_types_agree();
    test_first_order_methods_are_ddim();
    test_a_batch_is_its_images();
    test_every_call_is_described();
    test_no_memory();
    return check_report("samplers");
}
