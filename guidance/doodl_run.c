#include "guidance/doodl_run.h"

#include <math.h>
#include <string.h>

#include "base/sum_inline.h"
#include "diffusion/text_conditions.h"
#include "diffusion/unet_noise.h"

const DoodlOptions DOODL_DEFAULTS = {
    .guidance = 7.5,
    .steps = {.steps = 50, .strength = 1.0, .mix = 0.93, .leapfrog = true},
    .updates = 50,
    .update = {.clip = 1e-3, .momentum = 0.9, .perturb = 1e-4, .tied = true, .renormalise = true},
    .loss = {.factor = 1.0, .checkpoint = true},
    .check_way = true};

static Status no_memory(Error *err)
{
    return error_set(err, STATUS_MEMORY, "no memory for a pair of latents");
}

static Status check(const DoodlOptions *o, bool given, Error *err)
{
    if (o->updates < 1)
        return error_set(err, STATUS_ARGUMENT, "%d updates, expected at least 1", o->updates);
    if (given && (o->update.renormalise || o->update.tied))
        return error_set(err, STATUS_ARGUMENT,
                         "a picture's own pair of noise is neither tied nor brought to another length");
    if (o->first_only && !o->update.tied)
        return error_set(err, STATUS_ARGUMENT, "the loss of the first picture alone needs a tied pair");
    if (o->last < 0 || o->last > o->steps.steps)
        return error_set(err, STATUS_ARGUMENT, "the last %d of %d steps to optimise through", o->last,
                         o->steps.steps);
    return STATUS_OK;
}

static UnetNoise unet_of(const DoodlRun *r)
{
    const DoodlOptions *o = r->options;
    const bool guided = o->guidance != 1.0;
    const float *with = r->text + text_rows_size(r->model);
    return (UnetNoise){.network = {.unet = &r->model->unet,
                                   .images = 1,
                                   .conditions = guided ? 2 : 1,
                                   .height = o->height,
                                   .width = o->width,
                                   .text = guided ? r->text : with,
                                   .tokens = r->model->tokenizer.length,
                                   .arena = r->arena},
                       .schedule = &r->schedule,
                       .prediction_type = r->model->config.scheduler.prediction_type,
                       .guidance = o->guidance};
}

static Status plan(DoodlRun *r, const char *const prompts[2], Error *err)
{
    Status status = schedule_make(&r->schedule, &r->model->config.scheduler, false, r->arena, err);
    if (status == STATUS_OK)
        status = edict_plan(&r->plan, &r->schedule, &r->options->steps, r->arena, err);
    return status == STATUS_OK ? text_rows(&r->text, NULL, r->model, prompts, 2, 0, r->arena, err) : status;
}

static size_t numbers(const Model *m, const DoodlOptions *o)
{
    return (size_t)m->config.unet.out_channels * (size_t)o->height * (size_t)o->width;
}

/* The first steps, once; what is left of the plan is optimised through. */
static Status run_first(DoodlRun *r, Error *err)
{
    const int last = r->options->last;
    if (last == 0 || last >= r->plan.count)
        return STATUS_OK;
    UnetNoise unet = unet_of(r);
    const NoiseOracle noise = unet_noise(&unet);
    Edict first = r->plan;
    first.count -= last;
    r->plan.step += first.count;
    r->plan.count = last;
    const Status status = edict_generate(&r->z, &first, &noise, NULL, r->arena, err);
    for (size_t i = 0; i < r->n; i++)
        r->z.x[i] = r->z.y[i] = (r->z.x[i] + r->z.y[i]) / 2.0;
    return status;
}

Status doodl_run_begin(DoodlRun *out, const Model *m, const DoodlOptions *o, const double *noise,
                       Arena *arena, Error *err)
{
    DoodlRun r = {.model = m, .options = o, .n = numbers(m, o), .arena = arena};
    const char *const prompts[2] = {o->negative != NULL ? o->negative : "",
                                    o->prompt != NULL ? o->prompt : ""};
    Status status = check(o, noise != NULL, err);
    if (status == STATUS_OK)
        status = plan(&r, prompts, err);
    if (status != STATUS_OK)
        return status;
    double *pair = arena_raw(arena, 2 * r.n, sizeof *pair);
    float *drawn = arena_raw(arena, r.n, sizeof *drawn);
    if (pair == NULL || drawn == NULL)
        return no_memory(err);
    Rng rng = rng_stream(o->rng, o->seed, STREAM_NOISE, 0);
    rng_normal_fill(&rng, drawn, r.n);
    for (size_t i = 0; i < 2 * r.n; i++)
        pair[i] = noise != NULL ? noise[i] : (double)drawn[i % r.n];
    r.z = (EdictPair){pair, pair + r.n};
    status = run_first(&r, err);
    if (status == STATUS_OK)
        status = doodl_begin(&r.update, &r.z, r.n, &o->update, arena, err);
    if (status == STATUS_OK)
        *out = r;
    return status;
}

Status doodl_invert(double *noise, const float *latent, const Model *m, const DoodlOptions *o,
                    const EdictWatch *watch, Arena *arena, Error *err)
{
    static const char *const EMPTY[2] = {"", ""};
    const ArenaMark mark = arena_mark(arena);
    DoodlOptions plain = *o;
    plain.guidance = 1.0; /* both prompts are the empty one */
    DoodlRun r = {.model = m, .options = &plain, .n = numbers(m, o), .arena = arena};
    Status status = plan(&r, EMPTY, err);
    r.z = (EdictPair){noise, noise + r.n};
    for (size_t i = 0; i < 2 * r.n; i++)
        noise[i] = (double)latent[i % r.n];
    if (status == STATUS_OK) {
        UnetNoise unet = unet_of(&r);
        const NoiseOracle oracle = unet_noise(&unet);
        status = edict_invert(&r.z, &r.plan, &oracle, watch, arena, err);
    }
    arena_release(arena, mark);
    return status;
}

/* ---- one update ---- */

typedef struct {
    DoodlRun *run;
    const DoodlWatch *watch;
    EdictPair now, g; /* of the picture, and back at the noise */
    double *xi;       /* (n) */
    float *drawn, *picture;
    DoodlReport report;
} Update;

static double length(const double *x, size_t n)
{
    double s[SUM_LANES] = {0};
    for (size_t i = 0; i < n; i++)
        s[i % SUM_LANES] += x[i] * x[i];
    return sqrt(sum8_fold(s));
}

static Status generate(Update *u, const NoiseOracle *noise, Error *err)
{
    const DoodlRun *r = u->run;
    memcpy(u->now.x, r->z.x, r->n * sizeof *u->now.x);
    memcpy(u->now.y, r->z.y, r->n * sizeof *u->now.y);
    return edict_generate(&u->now, &r->plan, noise, u->watch->steps, r->arena, err);
}

/* The loss of both pictures, and its gradient where it is wanted. */
static Status measure(Update *u, bool gradient, Error *err)
{
    const DoodlRun *r = u->run;
    const DoodlOptions *o = r->options;
    double second = 0.0;
    Rng rng = rng_stream(RNG_PHILOX, o->seed, STREAM_CROPS, (uint64_t)u->report.update);
    Status status = decoded_loss(&u->report.loss, gradient ? u->g.x : NULL, u->picture, &u->report.beyond,
                                 &o->loss, u->now.x, o->height, o->width, &rng, r->arena, err);
    if (o->first_only)
        memset(u->g.y, 0, r->n * sizeof *u->g.y);
    else if (status == STATUS_OK)
        status = decoded_loss(&second, gradient ? u->g.y : NULL, NULL, NULL, &o->loss, u->now.y, o->height,
                              o->width, &rng, r->arena, err);
    u->report.loss += second;
    return status;
}

/* How far the way back is from where it started. */
static Status check_way(Update *u, Error *err)
{
    const DoodlRun *r = u->run;
    double most = 0.0;
    for (size_t i = 0; i < r->n; i++) {
        const double dx = fabs(u->now.x[i] - r->z.x[i]), dy = fabs(u->now.y[i] - r->z.y[i]);
        most = dx > most ? dx : most;
        most = dy > most ? dy : most;
    }
    u->report.way = most;
    if (r->options->check_way && most > 1e-2 * r->update.length)
        return error_set(err, STATUS_NOT_FINITE,
                         "update %d: the way back misses its start by %g: the gradient means nothing",
                         u->report.update, most);
    return STATUS_OK;
}

static Status update(Update *u, const NoiseOracle *noise, Error *err)
{
    DoodlRun *r = u->run;
    const DoodlOptions *o = r->options;
    Status status = generate(u, noise, err);
    if (status == STATUS_OK)
        status = measure(u, true, err);
    if (status == STATUS_OK)
        status = edict_gradient(&u->now, &u->g, &r->plan, noise, u->watch->steps, r->arena, err);
    if (status == STATUS_OK)
        status = check_way(u, err);
    if (status != STATUS_OK)
        return status;
    Rng rng = rng_stream(o->rng, o->seed, STREAM_STEP, (uint64_t)u->report.update);
    rng_normal_fill(&rng, u->drawn, r->n);
    for (size_t i = 0; i < r->n; i++)
        u->xi[i] = (double)u->drawn[i];
    status = doodl_update(&r->update, &r->z, &u->g, u->xi, err);
    u->report.clipped = r->update.clipped;
    u->report.length[0] = length(r->z.x, r->n);
    u->report.length[1] = length(r->z.y, r->n);
    return status;
}

static Status room(Update *u, const Model *m, Arena *arena, Error *err)
{
    const size_t n = u->run->n, factor = (size_t)vae_factor(&m->config.vae);
    const DoodlOptions *o = u->run->options;
    double *numbers_of = arena_raw(arena, 5 * n, sizeof *numbers_of);
    u->drawn = arena_raw(arena, n, sizeof *u->drawn);
    u->picture =
        arena_raw(arena, 3 * factor * factor * (size_t)o->height * (size_t)o->width, sizeof(float));
    if (numbers_of == NULL || u->drawn == NULL || u->picture == NULL)
        return no_memory(err);
    u->now = (EdictPair){numbers_of, numbers_of + n};
    u->g = (EdictPair){numbers_of + 2 * n, numbers_of + 3 * n};
    u->xi = numbers_of + 4 * n;
    return STATUS_OK;
}

static Status run_updates(float *latent, Update *u, const NoiseOracle *noise, Error *err)
{
    DoodlRun *r = u->run;
    const int updates = r->options->updates;
    Status status = STATUS_OK;
    for (int m = r->update.updates; m <= updates && status == STATUS_OK; m++) {
        u->report = (DoodlReport){.update = m, .picture = u->picture};
        if (m < updates)
            status = update(u, noise, err);
        else
            status = generate(u, noise, err);
        if (status == STATUS_OK && m == updates)
            status = measure(u, false, err);
        if (status == STATUS_OK && u->watch->seen != NULL && !u->watch->seen(u->watch->context, &u->report))
            status = error_set(err, STATUS_INTERRUPTED, "stopped after %d of %d updates", r->update.updates,
                               updates);
    }
    for (size_t i = 0; status == STATUS_OK && latent != NULL && i < r->n; i++)
        latent[i] = (float)u->now.x[i];
    return status;
}

Status doodl_run(float *latent, DoodlRun *run, const DoodlWatch *watch, Error *err)
{
    static const DoodlWatch NOBODY = {0};
    const ArenaMark mark = arena_mark(run->arena);
    Update u = {.run = run, .watch = watch != NULL ? watch : &NOBODY};
    UnetNoise unet = unet_of(run);
    const NoiseOracle noise = unet_noise(&unet);
    Status status = room(&u, run->model, run->arena, err);
    if (status == STATUS_OK)
        status = run_updates(latent, &u, &noise, err);
    arena_release(run->arena, mark);
    return status;
}
