/* diffusion/sampler_pndm.c - pseudo numerical methods [Liu22].
 *
 *   transfer  g(x, t, p, e) = sqrt(abar_p / abar_t) x
 *                             - (abar_p - abar_t) e / (abar_t sqrt(1 - abar_p) + sqrt(abar_t (1 - abar_t) abar_p))
 *             DDIM's step from t to p with the noise e [Liu22, equation 11]; D = floor(T / N)
 *
 *   skip_prk_steps (Stable Diffusion): timesteps t_0, t_1, t_1, t_2, ..., t_(N-1)
 *     call 0        e_0 = out;             x' = g(x, t_0, t_0 - D, e_0),            x is kept
 *     call 1        e = (out + e_0) / 2;   x <- g(kept x, t_1 + D, t_1, e)          out is not remembered
 *     call c        e_c = out;             x <- g(x, t, t - D, e), e of as many terms as are remembered:
 *                   (3, -1) / 2, (23, -16, 5) / 12, (55, -59, 37, -9) / 24          [Liu22, equation 12]
 *   else the first three intervals take four calls each, Runge and Kutta's method with D / 2 between:
 *     g from the kept x with out, out, out, and (out_0 + 2 out_1 + 2 out_2 + out_3) / 6; out_0 is remembered.
 *
 * Counted are the calls of this run, also where it leaves out the first of the list, as in diffusers.  With v-prediction
 * e is made of the combined output and the present x. */
#include <math.h>
#include <string.h>

#include "diffusion/prediction.h"
#include "diffusion/sigma_table.h"

enum { ORDER = 4 };

typedef struct {
    int warm;                 /* calls of the Runge-Kutta start: 0 or 12 */
    double base[12];          /* their intervals' first timesteps, four times each */
    float *e[ORDER];          /* the newest first */
    int known;                /* of them */
    float *kept, *sum, *used; /* (images, sample) */
} PndmState;

typedef struct {
    int from, to;         /* timesteps of g */
    bool from_kept, keep; /* g starts at the kept x; x is kept first */
} PndmStep;

static int stride(const SamplerRun *run)
{
    return run->schedule.steps / run->steps;
}

/* Whether call c of this run is of the Runge-Kutta start. */
static bool warms(const PndmState *state, int c)
{
    return c < state->warm;
}

static PndmStep way(const SamplerRun *run, int call)
{
    const PndmState *state = run->state;
    const int c = call - run->first, t = (int)run->time[call], D = stride(run);
    if (warms(state, c))
        return (PndmStep){(int)state->base[c], t - (c % 2 ? 0 : D / 2), c % 4 != 0, c % 4 == 0};
    if (state->warm == 0 && c == 1)
        return (PndmStep){t + D, t, true, false};
    return (PndmStep){t, t - D, false, c == 0};
}

static void transfer(float *to_x, float *to_e, const SamplerRun *run, PndmStep w)
{
    const double abar = schedule_alpha_bar(&run->schedule, w.from),
                 abar_p = schedule_alpha_bar(&run->schedule, w.to);
    const double noise = sampler_round(run, 1.0 - abar), noise_p = sampler_round(run, 1.0 - abar_p);
    const double one = sampler_round(run, abar * sampler_round(run, sqrt(noise_p)));
    const double two =
        sampler_round(run, sqrt(sampler_round(run, sampler_round(run, abar * noise) * abar_p)));
    *to_x = (float)sqrt(sampler_round(run, abar_p / abar));
    *to_e = (float)(-sampler_round(run, abar_p - abar) / sampler_round(run, one + two));
}

/* ---- the plan ---- */

/* t_0, t_1, t_1, t_2, ... */
static void plan_plain(SamplerRun *run, double *time, const int *list)
{
    const int N = run->steps;
    run->calls = N > 1 ? N + 1 : 1;
    for (int i = 0; i < run->calls; i++)
        time[i] = list[i > 1 ? i - 1 : i];
}

/* Three intervals with four calls each: t, t - D/2 twice, t - D; the timesteps counted from the next ones, as
 * diffusers does.  Then the rest of the list. */
static void plan_warm(SamplerRun *run, PndmState *state, double *time, const int *list)
{
    const int N = run->steps, half = stride(run) / 2;
    for (int k = 0; k < 3; k++) {
        time[4 * k] = list[k];
        time[4 * k + 1] = time[4 * k + 2] = list[k + 1] + half;
        time[4 * k + 3] = list[k + 1];
        for (int i = 0; i < 4; i++)
            state->base[4 * k + i] = list[k];
    }
    for (int i = 3; i < N; i++)
        time[12 + i - 3] = list[i];
    state->warm = 12;
    run->calls = 12 + N - 3;
}

static Status plan(SamplerRun *run, Arena *arena, Error *err)
{
    const size_t n = (size_t)run->images * run->sample, N = (size_t)run->steps;
    PndmState *state = arena_alloc(arena, 1, sizeof *state);
    int *list = arena_raw(arena, N, sizeof *list);
    double *time = arena_raw(arena, N + 12, sizeof *time);
    float *latents = sampler_latents(run, ORDER + 3, arena);
    if (state == NULL || list == NULL || time == NULL || latents == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d steps of PNDM", run->steps);
    if (run->config.prediction_type == PREDICT_SAMPLE)
        return error_set(err, STATUS_ARGUMENT,
                         "pndm samples with networks that predict epsilon or v, not sample");
    if (!run->config.skip_prk_steps && run->steps < 4)
        return error_set(err, STATUS_ARGUMENT, "steps is %d, expected at least 4 without skip_prk_steps",
                         run->steps);
    const Status status = schedule_timesteps(list, run->steps, &run->config, err);
    if (status != STATUS_OK)
        return status;
    for (size_t j = 0; j < ORDER; j++)
        state->e[j] = latents + j * n;
    state->kept = latents + ORDER * n;
    state->sum = latents + (ORDER + 1) * n;
    state->used = latents + (ORDER + 2) * n;
    run->state = state;
    run->time = time;
    if (run->config.skip_prk_steps)
        plan_plain(run, time, list);
    else
        plan_warm(run, state, time, list);
    return STATUS_OK;
}

static SamplerCall describe(const SamplerRun *run, int call)
{
    const PndmStep w = way(run, call);
    float to_x, to_e;
    transfer(&to_x, &to_e, run, w);
    return (SamplerCall){.previous = w.to,
                         .count = 4,
                         .name = {"from", "from_kept", "to_x", "to_e"},
                         .value = {w.from, w.from_kept, (double)to_x, (double)to_e}};
}

/* ---- the step ---- */

static void remember(PndmState *state, const float *out, size_t n)
{
    float *oldest = state->e[ORDER - 1];
    for (int j = ORDER - 1; j > 0; j--)
        state->e[j] = state->e[j - 1];
    state->e[0] = oldest;
    memcpy(oldest, out, n * sizeof *out);
    state->known += state->known < ORDER;
}

/* e of a Runge-Kutta call, in state->used. */
static void runge_kutta(PndmState *state, int c, const float *out, size_t n)
{
    static const double WEIGHT[4] = {1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0};
    if (c % 4 == 0) {
        remember(state, out, n);
        memset(state->sum, 0, n * sizeof *out);
    }
    schedule_mix(state->sum, 1.0f, state->sum, (float)WEIGHT[c % 4], out, n);
    memcpy(state->used, c % 4 == 3 ? state->sum : out, n * sizeof *out);
}

/* e of the other calls: a sum of whole multiples, then one division. */
static void multistep(PndmState *state, const float *out, bool second, size_t n)
{
    static const float WEIGHT[ORDER][ORDER] = {
        {1, 0, 0, 0}, {3, -1, 0, 0}, {23, -16, 5, 0}, {55, -59, 37, -9}};
    static const float DIVISOR[ORDER] = {1, 2, 12, 24};
    if (second) {
        schedule_mix(state->used, 0.5f, out, 0.5f, state->e[0], n);
        return;
    }
    remember(state, out, n);
    const int k = state->known - 1;
    for (size_t i = 0; i < n; i++) {
        float sum = WEIGHT[k][0] * state->e[0][i];
        for (int j = 1; j <= k; j++) {
            const float p = WEIGHT[k][j] * state->e[j][i];
            sum = sum + p;
        }
        state->used[i] = sum / DIVISOR[k];
    }
}

static void step(SamplerRun *run, int call, float *x, float *out)
{
    PndmState *state = run->state;
    const int c = call - run->first;
    const size_t n = (size_t)run->images * run->sample;
    const PndmStep w = way(run, call);
    float to_x, to_e;
    transfer(&to_x, &to_e, run, w);

    if (c == 0)
        state->known = 0;
    if (warms(state, c))
        runge_kutta(state, c, out, n);
    else
        multistep(state, out, state->warm == 0 && c == 1, n);
    if (w.keep)
        memcpy(state->kept, x, n * sizeof *x);
    if (w.from_kept)
        memcpy(x, state->kept, n * sizeof *x);
    if (run->config.prediction_type == PREDICT_V)
        predict_epsilon(state->used, x, state->used, n, PREDICT_V,
                        (float)schedule_signal(&run->schedule, w.from),
                        (float)schedule_noise(&run->schedule, w.from));
    schedule_mix(x, to_x, x, to_e, state->used, n);
}

/* diffusers 0.27.2, schedulers/scheduling_pndm.py, PNDMScheduler.__init__. */
static const SchedulerConfig DEFAULTS = {
    .num_train_timesteps = 1000,
    .beta_start = 0.0001,
    .beta_end = 0.02,
    .beta_schedule = BETA_LINEAR,
    .prediction_type = PREDICT_EPSILON,
    .timestep_spacing = SPACING_LEADING,
};

static const char *const KEYS[] = {"num_train_timesteps",
                                   "beta_start",
                                   "beta_end",
                                   "beta_schedule",
                                   "trained_betas",
                                   "skip_prk_steps",
                                   "set_alpha_to_one",
                                   "prediction_type",
                                   "timestep_spacing",
                                   "steps_offset",
                                   NULL};

const Sampler SAMPLER_PNDM = {
    .name = "pndm",
    .class_name = "PNDMScheduler",
    .defaults = &DEFAULTS,
    .keys = KEYS,
    .order = 1,
    .plan = plan,
    .describe = describe,
    .step = step,
};
