/* Coupled latents on a small oracle in binary64: eps(z, t) = tanh(W z + t / 1000). */
#include "diffusion/edict.h"

#include "base/rng.h"
#include "tests/check.h"

enum { N = 48 };

typedef struct {
    double w[N * N];
    double slope; /* of the oracle: 0: no noise at all */
    bool linear;
    int calls, bad_call; /* bad_call > 0: this one gives no number */
} Toy;

static Arena arena;
static Schedule schedule;
static Toy toy;

static double inner(const Toy *o, const double *z, double time, int i)
{
    double sum = o->linear ? 0.0 : time / 1000.0;
    for (int k = 0; k < N; k++)
        sum += o->w[i * N + k] * z[k];
    return sum;
}

static Status toy_predict(void *context, double *eps, const double *z, double time, Error *err)
{
    Toy *o = context;
    (void)err;
    o->calls++;
    for (int i = 0; i < N; i++) {
        const double u = inner(o, z, time, i);
        eps[i] = o->calls == o->bad_call ? NAN : o->slope * (o->linear ? u : tanh(u));
    }
    return STATUS_OK;
}

static Status toy_vjp(void *context, double *eps, double *q, const double *z, double time, const double *g,
                      Error *err)
{
    Toy *o = context;
    const Status status = toy_predict(o, eps, z, time, err);
    memset(q, 0, N * sizeof *q);
    for (int i = 0; i < N; i++) {
        const double y = tanh(inner(o, z, time, i)), d = o->slope * (o->linear ? 1.0 : 1.0 - y * y);
        for (int k = 0; k < N; k++)
            q[k] += o->w[i * N + k] * d * g[i];
    }
    return status;
}

static NoiseOracle oracle(void)
{
    return (NoiseOracle){.context = &toy, .n = N, .predict = toy_predict, .vjp = toy_vjp};
}

static void draw(double *x, size_t n, uint64_t seed)
{
    Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_NOISE, 0);
    for (size_t i = 0; i < n; i++) {
        float z;
        rng_normal_fill(&rng, &z, 1);
        x[i] = (double)z;
    }
}

static void begin(void)
{
    SchedulerConfig c = {.num_train_timesteps = 1000,
                         .beta_start = 0.00085,
                         .beta_end = 0.012,
                         .beta_schedule = BETA_SCALED_LINEAR};
    CHECK(schedule_make(&schedule, &c, false, &arena, NULL) == STATUS_OK);
    draw(toy.w, N * N, 3);
    for (int i = 0; i < N * N; i++)
        toy.w[i] /= sqrt(N);
    toy.slope = 1.0;
}

static Edict planned(EdictOptions o)
{
    Edict e = {0};
    CHECK(edict_plan(&e, &schedule, &o, &arena, NULL) == STATUS_OK);
    return e;
}

static EdictOptions options(int steps, double mix)
{
    EdictOptions o = EDICT_DEFAULTS;
    o.steps = steps;
    o.mix = mix;
    return o;
}

static double farthest(const double *x, const double *y, int n)
{
    double most = 0.0;
    for (int i = 0; i < n; i++)
        most = fmax(most, fabs(x[i] - y[i]));
    return most;
}

/* Both of a pair from one z. */
static EdictPair pair_of(double *numbers, uint64_t seed)
{
    draw(numbers, N, seed);
    memcpy(numbers + N, numbers, N * sizeof *numbers);
    return (EdictPair){numbers, numbers + N};
}

/* ---- the plan ---- */

static void test_plan(void)
{
    const Edict e = planned(options(50, 0.93));
    CHECK(e.count == 50 && e.step[0].time == 980.0 && e.step[1].time == 960.0 && e.step[49].time == 0.0);
    const double from = schedule.alpha_bar[980], to = schedule.alpha_bar[960];
    CHECK_NEAR(e.step[0].scale, sqrt(to / from), 1e-15);
    CHECK_NEAR(e.step[0].add, sqrt(1.0 - to) - sqrt(to / from) * sqrt(1.0 - from), 1e-14);
    CHECK(e.step[49].scale == 1.0 && e.step[49].add == 0.0); /* abar_0 to abar_0 */
    EdictOptions o = options(50, 0.93);
    o.strength = 0.8;
    const Edict part = planned(o);
    CHECK(part.count == 40 && part.step[0].time == e.step[10].time && part.step[0].add == e.step[10].add);
    CHECK_NEAR(edict_error_growth(&e) / 0x1p-53, pow(0.93, -100.0), 1e-12);
}

static void test_fractions(void)
{
    EdictOptions o = options(30, 0.93);
    Edict e;
    Error err = {0};
    CHECK(edict_plan(&e, &schedule, &o, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "30 steps do not divide the 1000 timesteps");
    o.compat_fraction = true;
    e = planned(o);
    CHECK(e.count == 31 && e.step[0].time == 990.0 && e.step[30].time == 0.0);
    /* 990 - 33 1/3 = 956 2/3, with a third of the upper neighbour's weight where linear interpolation has two */
    const double f = 2.0 / 3.0, to = schedule.alpha_bar[956] * f + schedule.alpha_bar[957] * (1.0 - f);
    CHECK_NEAR(e.step[0].scale, sqrt(to / schedule.alpha_bar[990]), 1e-13);
}

static void refuse(EdictOptions o, const char *sentence)
{
    Error err = {0};
    Edict e = {.count = -7};
    CHECK(edict_plan(&e, &schedule, &o, &arena, &err) == STATUS_ARGUMENT && e.count == -7);
    CHECK_TEXT(err.text, sentence);
}

static void test_refused(void)
{
    refuse(options(0, 0.93), "0 steps, expected 1 to 1000");
    refuse(options(1001, 0.93), "1001 steps");
    refuse(options(50, 0.0), "mixing weight 0,");
    refuse(options(50, 1.01), "mixing weight 1.01");
    refuse(options(50, NAN), "mixing weight");
    EdictOptions o = options(50, 0.93);
    o.strength = 0.0;
    refuse(o, "strength 0,");
    o.strength = 0.01;
    refuse(o, "strength 0.01 leaves none of 50 steps");
    SchedulerConfig c = {.num_train_timesteps = 1000,
                         .beta_start = 0.00085,
                         .beta_end = 0.012,
                         .beta_schedule = BETA_SCALED_LINEAR,
                         .rescale_betas_zero_snr = true};
    const Schedule usual = schedule;
    CHECK(schedule_make(&schedule, &c, false, &arena, NULL) == STATUS_OK);
    refuse(options(1000, 0.93), "timestep 999 of the schedule has no signal left");
    schedule = usual;
    arena.fail_after = 1;
    Error err = {0};
    Edict e;
    CHECK(edict_plan(&e, &schedule, &(EdictOptions){.steps = 50, .strength = 1.0, .mix = 0.9}, &arena,
                     &err) == STATUS_MEMORY);
    arena.fail_after = 0;
}

/* ---- mixing ---- */

static void test_mixing(void)
{
    const Edict e = {.mix = 0.93};
    double a[2] = {2.0, -1.0};
    const EdictPair z = {a, a + 1};
    edict_mix(&z, &e, 1); /* x = .93 * 2 - .07, then y = -.93 + .07 x */
    CHECK_NEAR(a[0], 1.79, 1e-15);
    CHECK_NEAR(a[1], -0.8047, 1e-15);
    CHECK_NEAR(a[0] - a[1], 3.0 * 0.93 * 0.93, 1e-14); /* the difference shrinks by p^2 */
    edict_unmix(&z, &e, 1);
    CHECK_NEAR(a[0], 2.0, 1e-15);
    CHECK_NEAR(a[1], -1.0, 1e-15);
    double same[2] = {0.1, 0.1};
    const EdictPair both = {same, same + 1};
    edict_mix(&both, &e, 1);
    CHECK(same[0] == 0.1 && same[1] == 0.1);
    edict_unmix(&both, &e, 1);
    CHECK(same[0] == 0.1 && same[1] == 0.1);
    /* <M z, g> = <z, M^T g> */
    double u[2] = {0.7, -0.4}, v[2] = {1.1, 0.3}, mu[2], mv[2];
    memcpy(mu, u, sizeof u);
    memcpy(mv, v, sizeof v);
    edict_mix(&(EdictPair){mu, mu + 1}, &e, 1);
    edict_mix_transposed(&(EdictPair){mv, mv + 1}, &e, 1);
    CHECK_NEAR(mu[0] * v[0] + mu[1] * v[1], u[0] * mv[0] + u[1] * mv[1], 1e-15);
}

/* ---- there and back ---- */

static double round_trip(EdictOptions there, EdictOptions back)
{
    double numbers[2 * N], start[2 * N];
    const EdictPair z = pair_of(numbers, 5);
    const NoiseOracle noise = oracle();
    const Edict e = planned(there), r = planned(back);
    memcpy(start, numbers, sizeof start);
    CHECK(edict_invert(&z, &e, &noise, NULL, &arena, NULL) == STATUS_OK);
    CHECK(farthest(numbers, start, 2 * N) > 0.1);
    CHECK(edict_generate(&z, &r, &noise, NULL, &arena, NULL) == STATUS_OK);
    return farthest(numbers, start, 2 * N);
}

static double round_trip_of(double mix, bool single)
{
    EdictOptions o = options(50, mix);
    o.single = single;
    return round_trip(o, o);
}

static void test_round_trip(void)
{
    CHECK(round_trip_of(0.93, false) < 1e-10);
    CHECK(round_trip_of(0.93, true) < 1e-4);
    CHECK(round_trip_of(1.0, false) < 1e-12);
    CHECK(round_trip_of(1.0, true) < 1e-4);
    CHECK(round_trip_of(0.7, false) > 1e-8); /* rounding errors grow 3e15 times: the growth is no phantom */
    EdictOptions o = options(50, 0.93);
    o.strength = 0.7; /* 35 steps: the roles count from the first that is run */
    CHECK(round_trip(o, o) < 1e-10);
    o.leapfrog = false;
    CHECK(round_trip(o, o) < 1e-10);
    EdictOptions other = o;
    other.leapfrog = true;
    CHECK(round_trip(o, other) > 1e-3); /* and undoing with other roles is not undoing */
}

/* Without noise every step is a multiplication, for both alike. */
static void test_no_noise(void)
{
    double numbers[2 * N], start[N];
    const EdictPair z = pair_of(numbers, 6);
    const NoiseOracle noise = oracle();
    const Edict e = planned(options(50, 0.7));
    memcpy(start, numbers, sizeof start);
    toy.slope = 0.0;
    CHECK(edict_generate(&z, &e, &noise, NULL, &arena, NULL) == STATUS_OK);
    toy.slope = 1.0;
    CHECK(memcmp(z.x, z.y, sizeof start) == 0);
    const double by = sqrt(schedule.alpha_bar[0] / schedule.alpha_bar[980]);
    CHECK_NEAR(by, 13.076, 1e-4);
    for (int i = 0; i < N; i++)
        CHECK_NEAR(z.x[i], by * start[i], 1e-12);
}

/* ---- the gradient ---- */

/* L = <c, x_0> + <d, y_0> from one z. */
static double loss_of(const double *z, const double *weights, const Edict *e)
{
    double numbers[2 * N], sum = 0.0;
    const NoiseOracle noise = oracle();
    memcpy(numbers, z, N * sizeof *z);
    memcpy(numbers + N, z, N * sizeof *z);
    CHECK(edict_generate(&(EdictPair){numbers, numbers + N}, e, &noise, NULL, &arena, NULL) == STATUS_OK);
    for (int i = 0; i < 2 * N; i++)
        sum += weights[i] * numbers[i];
    return sum;
}

static void check_gradient(const Edict *e, double tolerance)
{
    double numbers[2 * N], start[N], weights[2 * N], g[2 * N], moved[N];
    const EdictPair z = pair_of(numbers, 7), gz = {g, g + N};
    const NoiseOracle noise = oracle();
    memcpy(start, numbers, sizeof start);
    draw(weights, 2 * N, 8);
    memcpy(g, weights, sizeof g);
    CHECK(edict_generate(&z, e, &noise, NULL, &arena, NULL) == STATUS_OK);
    CHECK(edict_gradient(&z, &gz, e, &noise, NULL, &arena, NULL) == STATUS_OK);
    CHECK(farthest(z.x, start, N) < 1e-10 && farthest(z.y, start, N) < 1e-10);
    double most = 0.0;
    for (int i = 0; i < N; i++)
        most = fmax(most, fabs(g[i] + g[N + i]));
    for (int i = 0; i < N; i++) {
        memcpy(moved, start, sizeof moved);
        moved[i] = start[i] + 1e-5;
        const double up = loss_of(moved, weights, e);
        moved[i] = start[i] - 1e-5;
        const double slope = (up - loss_of(moved, weights, e)) / 2e-5;
        CHECK_NEAR((g[i] + g[N + i]) / most, slope / most, tolerance);
    }
}

static void test_gradient(void)
{
    Edict e = planned(options(10, 0.93));
    check_gradient(&e, 1e-8);
    e = planned(options(50, 0.93));
    check_gradient(&e, 1e-6);
    EdictOptions o = options(10, 0.8);
    o.leapfrog = false;
    e = planned(o);
    check_gradient(&e, 1e-8);
}

/* A linear oracle makes a linear map, whose gradient is its transpose: <M u, v> = <u, M^T v> for pairs u, v. */
static void test_linear(void)
{
    double u[2 * N], v[2 * N], mu[2 * N], mv[2 * N], left = 0.0, right = 0.0, sum[2 * N], other[2 * N];
    const NoiseOracle noise = oracle();
    const Edict e = planned(options(20, 0.93));
    toy.linear = true;
    draw(u, 2 * N, 9);
    draw(v, 2 * N, 10);
    memcpy(mu, u, sizeof u);
    memcpy(mv, v, sizeof v);
    CHECK(edict_generate(&(EdictPair){mu, mu + N}, &e, &noise, NULL, &arena, NULL) == STATUS_OK);
    memcpy(other, mu, sizeof mu);
    CHECK(edict_gradient(&(EdictPair){other, other + N}, &(EdictPair){mv, mv + N}, &e, &noise, NULL, &arena,
                         NULL) == STATUS_OK);
    for (int i = 0; i < 2 * N; i++) {
        left += mu[i] * v[i];
        right += u[i] * mv[i];
        sum[i] = u[i] + 2.0 * v[i];
    }
    CHECK_NEAR(left / right, 1.0, 1e-12);
    /* superposition */
    memcpy(other, v, sizeof v);
    CHECK(edict_generate(&(EdictPair){other, other + N}, &e, &noise, NULL, &arena, NULL) == STATUS_OK);
    CHECK(edict_generate(&(EdictPair){sum, sum + N}, &e, &noise, NULL, &arena, NULL) == STATUS_OK);
    toy.linear = false;
    double size = 0.0;
    for (int i = 0; i < 2 * N; i++) {
        size = fmax(size, fabs(sum[i]));
        other[i] = mu[i] + 2.0 * other[i];
    }
    CHECK(farthest(sum, other, 2 * N) < 1e-12 * size);
}

/* ---- memory and failures ---- */

static size_t peak_of(int steps)
{
    Arena own = {0};
    double numbers[2 * N], g[2 * N];
    const EdictPair z = pair_of(numbers, 11);
    const NoiseOracle noise = oracle();
    const Edict e = planned(options(steps, 0.93));
    draw(g, 2 * N, 12);
    CHECK(edict_gradient(&z, &(EdictPair){g, g + N}, &e, &noise, NULL, &own, NULL) == STATUS_OK);
    const size_t peak = own.peak;
    CHECK(own.used == 0);
    arena_free(&own);
    return peak;
}

static bool stop_at_two(void *context, int step, int count, const EdictPair *pair)
{
    int *seen = context;
    (void)pair;
    CHECK(count == 10);
    ++*seen;
    return step != 2;
}

static void test_failures(void)
{
    double numbers[2 * N], g[2 * N];
    int seen = 0;
    Error err = {0};
    const EdictPair z = pair_of(numbers, 13), gz = pair_of(g, 14);
    NoiseOracle noise = oracle();
    const Edict e = planned(options(10, 0.93));
    const EdictWatch watch = {&seen, stop_at_two};
    CHECK(peak_of(5) == peak_of(50) && peak_of(5) > 0);
    CHECK(edict_generate(&z, &e, &noise, &watch, &arena, &err) == STATUS_INTERRUPTED && seen == 3);
    CHECK(edict_invert(&z, &e, &noise, &watch, &arena, &err) == STATUS_INTERRUPTED && seen == 3 + 8);
    err = (Error){0};
    toy.calls = 0;
    toy.bad_call = 4;
    CHECK(edict_generate(&z, &e, &noise, NULL, &arena, &err) == STATUS_NOT_FINITE);
    CHECK_TEXT(err.text, "half 2 of step 1 of 10 (timestep 800)");
    toy.calls = 0;
    CHECK(edict_gradient(&z, &gz, &e, &noise, NULL, &arena, &err) == STATUS_NOT_FINITE);
    toy.bad_call = 0;
    noise.vjp = NULL;
    err = (Error){0};
    CHECK(edict_gradient(&z, &gz, &e, &noise, NULL, &arena, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "gives no gradient");
    noise = oracle();
    for (size_t n = 1; n <= 2; n++) {
        arena.fail_after = n;
        CHECK(edict_gradient(&z, &gz, &e, &noise, NULL, &arena, &err) == STATUS_MEMORY);
    }
    arena.fail_after = 1;
    CHECK(edict_generate(&z, &e, &noise, NULL, &arena, &err) == STATUS_MEMORY);
    arena.fail_after = 1;
    CHECK(edict_invert(&z, &e, &noise, NULL, &arena, &err) == STATUS_MEMORY);
    arena.fail_after = 0;
}

int main(void)
{
    begin();
    test_plan();
    test_fractions();
    test_refused();
    test_mixing();
    test_round_trip();
    test_no_noise();
    test_gradient();
    test_linear();
    test_failures();
    arena_free(&arena);
    return check_report("edict");
}
