#include "diffusion/sampler.h"

#include <math.h>
#include <string.h>

#include "diffusion/prediction.h"

const Sampler *const SAMPLERS[] = {
    &SAMPLER_DDIM,      &SAMPLER_DDPM,      &SAMPLER_EULER,         &SAMPLER_EULER_A,
    &SAMPLER_HEUN,      &SAMPLER_LMS,       &SAMPLER_PNDM,          &SAMPLER_DPM2,
    &SAMPLER_DPM2_A,    &SAMPLER_DPM_MULTI, &SAMPLER_DPM_SINGLE,    &SAMPLER_UNIPC,
    &SAMPLER_SA,        &SAMPLER_DEIS,      &SAMPLER_LCM,           &SAMPLER_TCD,
    &SAMPLER_UNCLIP,    &SAMPLER_PC,        &SAMPLER_DDIM_INVERSE,  &SAMPLER_DPM_INVERSE,
    &SAMPLER_EDM_EULER, &SAMPLER_CM,        &SAMPLER_EDM_DPM_MULTI, NULL};

const Sampler *sampler_find(const char *name)
{
    /* The parallel classes of diffusers step as the others do. */
    if (strcmp(name, "DDIMParallelScheduler") == 0)
        return &SAMPLER_DDIM;
    if (strcmp(name, "DDPMParallelScheduler") == 0)
        return &SAMPLER_DDPM;
    for (int i = 0; SAMPLERS[i] != NULL; i++)
        if (strcmp(SAMPLERS[i]->name, name) == 0 || strcmp(SAMPLERS[i]->class_name, name) == 0)
            return SAMPLERS[i];
    return NULL;
}

bool sampler_takes(const Sampler *sampler, const char *key)
{
    for (const char *const *k = sampler->keys; *k != NULL; k++)
        if (strcmp(*k, key) == 0)
            return true;
    return false;
}

Status sampler_begin(SamplerRun *out, const Sampler *sampler, const SchedulerConfig *read,
                     SamplerOptions options, int steps, int images, size_t sample, Rng *rng, Arena *arena,
                     Error *err)
{
    SamplerRun run = {.sampler = sampler,
                      .config = scheduler_config_over(read, sampler->defaults),
                      .order = sampler->order,
                      .options = options,
                      .steps = steps,
                      .start_scale = 1.0f,
                      .images = images,
                      .sample = sample,
                      .rng = rng};
    scheduler_config_keep(&run.config, sampler->defaults, sampler->keys);
    if (steps < 1 || steps > run.config.num_train_timesteps)
        return error_set(err, STATUS_ARGUMENT, "steps is %d, expected 1 to %d", steps,
                         run.config.num_train_timesteps);
    Status status = schedule_make(&run.schedule, &run.config, options.compat_f32, arena, err);
    if (status == STATUS_OK)
        status = sampler->plan(&run, arena, err);
    if (status == STATUS_OK)
        *out = run;
    return status;
}

/* The list becomes the run's, one call each. */
static Status take_times(SamplerRun *run, double *time, Error *err)
{
    for (int i = 0; i < run->steps; i++)
        if (run->schedule.alpha_bar[(int)time[i]] == 0.0 && run->config.prediction_type == PREDICT_EPSILON)
            return error_set(
                err, STATUS_ARGUMENT,
                "timestep %d holds no signal (rescale_betas_zero_snr), from which a network that "
                "predicts epsilon cannot start",
                (int)time[i]);
    run->calls = run->steps;
    run->time = time;
    return STATUS_OK;
}

Status sampler_timesteps(SamplerRun *run, Arena *arena, Error *err)
{
    int *list = arena_raw(arena, (size_t)run->steps, sizeof *list);
    double *time = arena_raw(arena, (size_t)run->steps, sizeof *time);
    if (list == NULL || time == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d timesteps", run->steps);
    const Status status = schedule_timesteps(list, run->steps, &run->config, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < run->steps; i++)
        time[i] = list[i];
    return take_times(run, time, err);
}

Status sampler_distilled_timesteps(SamplerRun *run, Arena *arena, Error *err)
{
    const int N = run->steps, T = run->schedule.steps, K = run->config.original_inference_steps;
    double *time = arena_raw(arena, (size_t)N, sizeof *time);
    if (time == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d timesteps", N);
    if (K < 1 || K > T || N > K)
        return error_set(
            err, STATUS_ARGUMENT,
            "steps is %d and original_inference_steps %d, expected at most %d and %d timesteps", N, K, K,
            T);
    for (int i = 0; i < N; i++)
        time[i] = (double)(T / K) * (K - (int)floor(i * ((double)K / N))) - 1.0;
    return take_times(run, time, err);
}

double sampler_round(const SamplerRun *run, double x)
{
    return run->options.compat_f32 ? (double)(float)x : x;
}

void sampler_draw(SamplerRun *run, float *noise)
{
    const size_t n = (size_t)run->images * run->sample;
    const int draw = run->draws++;
    if (draw < run->options.noise_count) {
        memcpy(noise, run->options.noise + (size_t)draw * n, n * sizeof *noise);
        return;
    }
    if (run->rng == NULL)
        memset(noise, 0, n * sizeof *noise);
    for (int k = 0; run->rng != NULL && k < run->images; k++)
        rng_normal_fill(&run->rng[k], noise + (size_t)k * run->sample, run->sample);
}

void sampler_add_noise(SamplerRun *run, float *x, float sd, float *noise)
{
    if (sd == 0.0f)
        return;
    sampler_draw(run, noise);
    schedule_mix(x, 1.0f, x, sd, noise, (size_t)run->images * run->sample);
}

void sampler_start(const SamplerRun *run, float *x)
{
    for (size_t i = 0; i < (size_t)run->images * run->sample; i++)
        x[i] = run->start_scale * x[i];
}

void sampler_renoise(const SamplerRun *run, int call, float *out, const float *x0, const float *noise,
                     size_t n)
{
    if (run->sampler->renoise != NULL)
        run->sampler->renoise(run, call, out, x0, noise, n);
    else
        schedule_add_noise(out, x0, noise, n, &run->schedule, (int)run->time[call]);
}

double sampler_level(double *alpha_bar, const SamplerRun *run, int call)
{
    const double t = run->time[call];
    const double sigma = run->sigma != NULL ? run->sigma[call] : schedule_sigma_at(&run->schedule, t);
    *alpha_bar =
        run->sigma != NULL ? 1.0 / (sigma * sigma + 1.0) : schedule_alpha_bar(&run->schedule, (int)t);
    return sigma;
}

void sampler_x0(const SamplerRun *run, int call, float *x0, const float *input, const float *out)
{
    double alpha_bar;
    if (run->sampler->x0 != NULL) {
        run->sampler->x0(run, call, x0, input, out);
        return;
    }
    sampler_level(&alpha_bar, run, call);
    predict_x0(x0, input, out, (size_t)run->images * run->sample, run->config.prediction_type,
               (float)sqrt(alpha_bar), (float)sqrt(1.0 - alpha_bar));
}

void sampler_skip(SamplerRun *run, int steps)
{
    run->first = run->order * steps;
    if (run->first > run->calls)
        run->first = run->calls;
}
