/* ldm99.h: noise, schedule, timesteps, and the options of a run. */
#include "api/ldm_schedule.h"

#include <string.h>

#include "diffusion/prediction.h"
#include "diffusion/schedule.h"

typedef char
    GeneratorsAgree[(int)LDM_PHILOX == (int)RNG_PHILOX && (int)LDM_TORCH == (int)RNG_TORCH ? 1 : -1];

ldm_status ldm_noise(float *out, size_t count, int generator, uint64_t seed, ldm_error *error)
{
    LdmCall call = ldm_call_from(NULL);
    Status status = STATUS_OK;
    if (generator != LDM_PHILOX && generator != LDM_TORCH) {
        status = error_set(&call.error, STATUS_ARGUMENT, "generator is %d, expected %d or %d", generator,
                           LDM_PHILOX, LDM_TORCH);
    } else {
        Rng rng = rng_stream((RngKind)generator, seed, STREAM_NOISE, 0);
        rng_normal_fill(&rng, out, count);
    }
    return ldm_call_end(&call, status, error);
}

Status ldm_sampler_of(const Sampler **out, const Model *m, const char *name, Error *err)
{
    const char *wanted = name != NULL ? name : m->config.scheduler.class_name;
    const Sampler *sampler = sampler_find(wanted);
    if (sampler == NULL)
        return error_set(err, STATUS_ARGUMENT, "no sampler \"%.80s\" is known%s", wanted,
                         name == NULL ? ", which is the model's scheduler: choose one" : "");
    *out = sampler;
    return STATUS_OK;
}

const char *ldm_sampler_name(int i)
{
    for (int k = 0; i >= 0 && k <= i; k++) {
        if (SAMPLERS[k] == NULL)
            return NULL;
        if (k == i)
            return SAMPLERS[k]->name;
    }
    return NULL;
}

/* The schedule of the model itself, with the defaults of its own sampler's class where that is known. */
static Status own_schedule(Schedule *out, SchedulerConfig *config, LdmCall *call, const Model *m)
{
    const Sampler *sampler = sampler_find(m->config.scheduler.class_name);
    *config = m->config.scheduler;
    if (sampler != NULL)
        *config = scheduler_config_over(config, sampler->defaults);
    return schedule_make(out, config, false, &call->arena, &call->error);
}

/* The same, for a function of timestep t. */
static Status schedule_at(Schedule *out, SchedulerConfig *config, LdmCall *call, const ldm_model *model,
                          int t)
{
    Status status = ldm_call_begin(call, model, MODEL_SCHEDULER);
    if (status == STATUS_OK)
        status = own_schedule(out, config, call, &model->model);
    if (status == STATUS_OK && (t < 0 || t >= out->steps))
        status =
            error_set(&call->error, STATUS_ARGUMENT, "timestep %d, expected 0 to %d", t, out->steps - 1);
    return status;
}

ldm_status ldm_schedule(double *alpha_bar, const ldm_model *model, ldm_error *error)
{
    LdmCall call;
    Schedule schedule;
    SchedulerConfig config;
    const Status status = schedule_at(&schedule, &config, &call, model, 0);
    if (status == STATUS_OK)
        memcpy(alpha_bar, schedule.alpha_bar, (size_t)schedule.steps * sizeof *alpha_bar);
    return ldm_call_end(&call, status, error);
}

ldm_status ldm_add_noise(float *out, const float *x0, const float *noise, size_t count,
                         const ldm_model *model, int t, ldm_error *error)
{
    LdmCall call;
    Schedule schedule;
    SchedulerConfig config;
    const Status status = schedule_at(&schedule, &config, &call, model, t);
    if (status == STATUS_OK)
        schedule_add_noise(out, x0, noise, count, &schedule, t);
    return ldm_call_end(&call, status, error);
}

ldm_status ldm_predictions(float *x0, float *noise, const float *x, const float *y, size_t count,
                           const ldm_model *model, int t, ldm_error *error)
{
    LdmCall call;
    Schedule schedule;
    SchedulerConfig config;
    const Status status = schedule_at(&schedule, &config, &call, model, t);
    if (status == STATUS_OK) {
        const float a = (float)schedule_signal(&schedule, t), s = (float)schedule_noise(&schedule, t);
        if (x0 != NULL)
            predict_x0(x0, x, y, count, config.prediction_type, a, s);
        if (noise != NULL)
            predict_epsilon(noise, x, y, count, config.prediction_type, a, s);
    }
    return ldm_call_end(&call, status, error);
}

/* ---- options ---- */

/* diffusers 0.27, StableDiffusionPipeline.__call__, but for the generator. */
static const ldm_sample_options DEFAULTS = {.count = 1, .images = 1, .steps = 50, .guidance = 7.5};

void ldm_sample_options_default(ldm_sample_options *options, size_t size)
{
    memset(options, 0, size);
    memcpy(options, &DEFAULTS, size < sizeof DEFAULTS ? size : sizeof DEFAULTS);
    options->struct_size = size;
}

Status ldm_options_read(ldm_sample_options *out, const ldm_sample_options *options, Error *err)
{
    const size_t size = options->struct_size, known = size < sizeof *out ? size : sizeof *out;
    if (size < sizeof options->struct_size || size > 65536)
        return error_set(err, STATUS_ARGUMENT,
                         "the options were not made by ldm_sample_options_default: struct_size is %zu",
                         size);
    for (size_t i = known; i < size; i++)
        if (((const unsigned char *)options)[i] != 0)
            return error_set(err, STATUS_ARGUMENT,
                             "the options hold something at byte %zu that version " LDM_VERSION
                             " of the library does not know",
                             i);
    *out = DEFAULTS;
    memcpy(out, options, known);
    return STATUS_OK;
}

/* Sets a key of the scheduler by the name of its value. */
static Status say(SchedulerConfig *config, const char *key, int *member, const char *name, Error *err)
{
    if (name == NULL)
        return STATUS_OK;
    *member = scheduler_value(key, name);
    scheduler_config_say(config, key);
    if (*member < 0)
        return error_set(err, STATUS_ARGUMENT, "%s is \"%.60s\", which is not known", key, name);
    return STATUS_OK;
}

Status ldm_scheduler_of(SchedulerConfig *out, const Model *m, const ldm_sample_options *options, Error *err)
{
    *out = m->config.scheduler;
    Status status = say(out, "prediction_type", &out->prediction_type, options->prediction, err);
    if (status == STATUS_OK)
        status = say(out, "timestep_spacing", &out->timestep_spacing, options->spacing, err);
    return status;
}

ldm_status ldm_timesteps(double *times, int room, int *calls, const ldm_model *model,
                         const ldm_sample_options *options, ldm_error *error)
{
    LdmCall call;
    ldm_sample_options o;
    SchedulerConfig config;
    const Sampler *sampler = NULL;
    SamplerRun run = {0};
    Status status = ldm_call_begin(&call, model, MODEL_SCHEDULER);
    if (status == STATUS_OK)
        status = ldm_options_read(&o, options, &call.error);
    if (status == STATUS_OK)
        status = ldm_scheduler_of(&config, &model->model, &o, &call.error);
    if (status == STATUS_OK)
        status = ldm_sampler_of(&sampler, &model->model, o.sampler, &call.error);
    if (status == STATUS_OK)
        status = sampler_begin(&run, sampler, &config, (SamplerOptions){.eta = o.eta}, o.steps, 1, 1, NULL,
                               &call.arena, &call.error);
    if (status == STATUS_OK) {
        *calls = run.calls;
        for (int i = 0; i < run.calls && i < room; i++)
            times[i] = run.time[i];
    }
    return ldm_call_end(&call, status, error);
}
