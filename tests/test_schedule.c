/* Noise schedules against published and hand-made numbers. */
#include "diffusion/schedule.h"
#include "tests/check.h"

/* Stable Diffusion's schedule. */
static SchedulerConfig stable(void)
{
    SchedulerConfig c = SCHEDULER_DEFAULTS;
    c.beta_schedule = BETA_SCALED_LINEAR;
    c.beta_start = 0.00085;
    c.beta_end = 0.012;
    c.set_alpha_to_one = false;
    c.steps_offset = 1;
    return c;
}

static Schedule make(const SchedulerConfig *c, bool compat_f32, Arena *arena)
{
    Schedule s = {0};
    CHECK(schedule_make(&s, c, compat_f32, arena, NULL) == STATUS_OK);
    return s;
}

/* Values computed once in binary64 with another program. */
static void test_stable_diffusion(void)
{
    static const struct {
        int t;
        double alpha_bar, sigma;
    } want[] = {{0, 0.9991500000, 0.02916716},    {1, 0.9982960278, 0.04131441},
                {20, 0.9813143622, 0.13799072},   {100, 0.8942234776, 0.34393123},
                {500, 0.2763326838, 1.61827883},  {980, 0.0058437833, 13.04308319},
                {981, 0.0057755001, 13.12041074}, {999, 0.0046600985, 14.61464123}};
    Arena arena = {0};
    const SchedulerConfig c = stable();
    const Schedule s = make(&c, false, &arena), f = make(&c, true, &arena);
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        const int t = want[i].t;
        CHECK_NEAR(schedule_alpha_bar(&s, t), want[i].alpha_bar, 5e-11);
        CHECK_NEAR(schedule_sigma(&s, t), want[i].sigma, 1e-8);
        CHECK_NEAR(schedule_signal(&s, t) * schedule_signal(&s, t) +
                       schedule_noise(&s, t) * schedule_noise(&s, t),
                   1, 1e-15);
        CHECK_NEAR(schedule_snr(&s, t) * want[i].sigma * want[i].sigma, 1, 1e-6);
        CHECK_NEAR(exp(-schedule_lambda(&s, t)), want[i].sigma, 1e-8);
        CHECK(fabs(schedule_sigma(&f, t) / want[i].sigma - 1) < (t < 100 ? 1.3e-5 : 2.3e-6));
        CHECK(f.alpha_bar[t] == (float)f.alpha_bar[t]);
    }
    CHECK(schedule_alpha_bar(&s, -7) == s.alpha_bar[0]);
    CHECK_NEAR(schedule_sigma_at(&s, 980.25), 0.75 * 13.04308319 + 0.25 * 13.12041074, 1e-8);
    CHECK(schedule_sigma_at(&s, -1) == schedule_sigma(&s, 0) &&
          schedule_sigma_at(&s, 2000) == schedule_sigma(&s, 999));
    arena_free(&arena);
}

/* Eight sigmas that diffusers 0.27 computes with torch 1.13 in binary32 (sqrt((1 - abar) / abar)). */
static void test_compat_f32_has_diffusers_bits(void)
{
    static const int T[] = {876, 751, 626, 501, 376, 251, 126, 1};
    static const float SIGMA[] = {0x1.d7cc52p+2f, 0x1.0777fap+2f, 0x1.4165e8p+1f, 0x1.9faa56p+0f,
                                  0x1.1376cep+0f, 0x1.659480p-1f, 0x1.9bdf1ep-2f, 0x1.5272bep-5f};
    Arena arena = {0};
    const SchedulerConfig c = stable();
    const Schedule s = make(&c, true, &arena);
    for (int i = 0; i < 8; i++) {
        const float abar = (float)s.alpha_bar[T[i]];
        const float rest = 1.0f - abar;
        const float ratio = rest / abar;
        if (!CHECK((float)sqrt(ratio) == SIGMA[i]))
            printf("    t %d: %a, expected %a\n", T[i], sqrt(ratio), (double)SIGMA[i]);
    }
    arena_free(&arena);
}

static void test_beta_schedules(void)
{
    Arena arena = {0};
    SchedulerConfig c = SCHEDULER_DEFAULTS;
    c.num_train_timesteps = 5;
    Schedule s = make(&c, false, &arena); /* linear from 1e-4 to 0.02 */
    CHECK_NEAR(s.beta[0], 1e-4, 1e-18);
    CHECK_NEAR(s.beta[2], 0.01005, 1e-17);
    CHECK_NEAR(s.beta[4], 0.02, 1e-17);
    CHECK_NEAR(s.alpha_bar[1], (1 - 1e-4) * (1 - 0.005075), 1e-15);
    CHECK(schedule_alpha_bar(&s, -1) == 1.0);
    c.beta_schedule = BETA_SQUAREDCOS_CAP_V2;
    s = make(&c, false, &arena);
    for (int i = 0; i < 5; i++) {
        const double pi2 = acos(-1.0) / 2, u = cos((i / 5.0 + 0.008) / 1.008 * pi2);
        const double v = cos(((i + 1) / 5.0 + 0.008) / 1.008 * pi2);
        CHECK_NEAR(s.beta[i], i < 4 ? 1 - v * v / (u * u) : 0.999, 1e-14);
    }
    c.beta_schedule = BETA_SIGMOID;
    s = make(&c, false, &arena);
    CHECK_NEAR(s.beta[2], 1e-4 + 0.5 * 0.0199, 1e-15);
    CHECK_NEAR(s.beta[0], 1e-4 + 0.0199 / (1 + exp(6.0)), 1e-15);
    static const double TRAINED[] = {0.1, 0.2, 0.3, 0.4, 0.5};
    c.trained_betas = TRAINED;
    c.trained_count = 5;
    s = make(&c, false, &arena);
    CHECK_NEAR(s.alpha_bar[4], 0.9 * 0.8 * 0.7 * 0.6 * 0.5, 1e-15);
    arena_free(&arena);
}

/* The last timestep holds noise alone, the first is as it was, and beta fits alpha-bar. */
static void test_zero_terminal_snr(void)
{
    Arena arena = {0};
    SchedulerConfig c = stable();
    const Schedule old = make(&c, false, &arena);
    c.rescale_betas_zero_snr = true;
    const Schedule s = make(&c, false, &arena);
    CHECK(s.alpha_bar[999] == 0.0 && schedule_snr(&s, 999) == 0.0 && s.beta[999] == 1.0);
    CHECK_NEAR(s.alpha_bar[0], old.alpha_bar[0], 1e-15);
    double product = 1.0;
    for (int i = 0; i < 1000; i++) {
        product *= 1.0 - s.beta[i];
        CHECK(fabs(product - s.alpha_bar[i]) < 1e-12 && (i == 0 || s.alpha_bar[i] < s.alpha_bar[i - 1]));
    }
    const double r = sqrt(old.alpha_bar[500]), r0 = sqrt(old.alpha_bar[0]), rT = sqrt(old.alpha_bar[999]);
    CHECK_NEAR(sqrt(s.alpha_bar[500]), (r - rT) * r0 / (r0 - rT), 1e-14);
    arena_free(&arena);
}

static void check_steps(int N, int spacing, int offset, int T, const int *want, int shown)
{
    int list[1000];
    SchedulerConfig c = SCHEDULER_DEFAULTS;
    c.num_train_timesteps = T;
    c.timestep_spacing = spacing;
    c.steps_offset = offset;
    CHECK(schedule_timesteps(list, N, &c, NULL) == STATUS_OK);
    for (int i = 0; i < shown; i++)
        CHECK(list[i] == want[i]);
    for (int i = 1; i < N; i++)
        CHECK(list[i] < list[i - 1]);
}

static void test_timesteps(void)
{
    check_steps(50, SPACING_LEADING, 1, 1000, (const int[]){981, 961, 941}, 3);
    check_steps(10, SPACING_LEADING, 1, 1000, (const int[]){901, 801, 701, 601, 501, 401, 301, 201, 101, 1},
                10);
    check_steps(50, SPACING_TRAILING, 1, 1000, (const int[]){999, 979}, 2);
    check_steps(3, SPACING_TRAILING, 0, 1000, (const int[]){999, 666, 332}, 3);
    check_steps(4, SPACING_TRAILING, 0, 10, (const int[]){9, 7, 4, 1}, 4); /* 7.5 and 2.5 go to even */
    check_steps(5, SPACING_LINSPACE, 1, 1000, (const int[]){999, 749, 500, 250, 0}, 5);
    check_steps(1, SPACING_LINSPACE, 0, 1000, (const int[]){0}, 1);
    check_steps(1000, SPACING_LEADING, 0, 1000, (const int[]){999, 998}, 2);
    check_steps(7, SPACING_LEADING, 0, 1000, (const int[]){852, 710, 568, 426, 284, 142, 0}, 7);
}

static void test_mixing(void)
{
    Arena arena = {0};
    const SchedulerConfig c = stable();
    const Schedule s = make(&c, false, &arena);
    const float x0[3] = {1.0f, -2.0f, 0.5f}, noise[3] = {0.25f, 0.5f, -1.0f};
    float x[3], v[3];
    schedule_add_noise(x, x0, noise, 3, &s, 500);
    schedule_velocity(v, x0, noise, 3, &s, 500);
    for (int i = 0; i < 3; i++) {
        CHECK_NEAR(x[i], schedule_signal(&s, 500) * x0[i] + schedule_noise(&s, 500) * noise[i], 1e-7);
        CHECK_NEAR(v[i], schedule_signal(&s, 500) * noise[i] - schedule_noise(&s, 500) * x0[i], 1e-7);
    }
    arena_free(&arena);
}

static void refuse(const SchedulerConfig *c, const char *why)
{
    Arena arena = {0};
    Schedule s = {.steps = -3};
    Error err = {0};
    CHECK(schedule_make(&s, c, false, &arena, &err) == STATUS_ARGUMENT && s.steps == -3);
    CHECK_TEXT(err.text, why);
    arena_free(&arena);
}

static void test_refused(void)
{
    static const double BETAS[] = {0.1, 1.0};
    SchedulerConfig c = stable();
    c.num_train_timesteps = 0;
    refuse(&c, "num_train_timesteps is 0");
    c.num_train_timesteps = 2000000;
    refuse(&c, "num_train_timesteps is 2000000");
    c = stable();
    c.beta_end = 1.5;
    refuse(&c, "beta_end is 1.5");
    c.beta_end = NAN;
    refuse(&c, "expected numbers between 0 and 1");
    c.num_train_timesteps = 2;
    c.trained_betas = BETAS;
    c.trained_count = 1;
    refuse(&c, "1 trained_betas for 2 timesteps");
    c.trained_count = 2;
    refuse(&c, "beta 1 is 1");
    int list[4];
    Error err = {0};
    c = stable();
    CHECK(schedule_timesteps(list, 0, &c, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "steps is 0, expected 1 to 1000");
    CHECK(schedule_timesteps(list, 1001, &c, NULL) == STATUS_ARGUMENT);
    c.num_train_timesteps = 4;
    err = (Error){0};
    CHECK(schedule_timesteps(list, 4, &c, &err) == STATUS_ARGUMENT); /* 3, 2, 1, 0 and an offset of 1 */
    CHECK_TEXT(err.text, "steps_offset 1 makes the first of 4 steps timestep 4");
    c.steps_offset = 2147483647;
    CHECK(schedule_timesteps(list, 4, &c, NULL) == STATUS_ARGUMENT);
}

static void test_no_memory(void)
{
    const SchedulerConfig c = stable();
    for (size_t n = 1; n <= 3; n++) {
        Arena arena = {.fail_after = n};
        Schedule s = {0};
        CHECK(schedule_make(&s, &c, false, &arena, NULL) == (n < 3 ? STATUS_MEMORY : STATUS_OK));
        arena_free(&arena);
    }
}

int main(void)
{
    test_stable_diffusion();
    test_compat_f32_has_diffusers_bits();
    test_beta_schedules();
    test_zero_terminal_snr();
    test_timesteps();
    test_mixing();
    test_refused();
    test_no_memory();
    return check_report("schedule");
}
