/* Coupled latents: there and back (EDICT), and the gradient of a loss through all steps with its updates (DOODL).
 *
 *   latent (input)                  both of the pair start from it
 *   all_timesteps, alphas_cumprod   of the whole list and schedule
 *   forward.timesteps, forward.pair_after_step.K, mid_pair        from noise to a picture; pairs are (2,1,L,h,w)
 *   reverse.timesteps, reverse.pair_after_step.K, roundtrip_pair  and back, K counted on the way back
 *   roundtrip_max_abs_error
 *
 *   target (input), optM.loss, .final_pair, .image0, .grad_pair, .new_pair    update M: loss is the sum over the pair of
 *                                   mean((picture - target)^2)
 * Settings are keys of case.json; of the update, keys or the words of "update". */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "diffusion/doodl.h"
#include "diffusion/text_conditions.h"
#include "diffusion/unet_noise.h"
#include "tests/conformance_pipe.h"

enum { NAME = 60 };

static bool handles_edict(const CaseFile *c)
{
    return json_get(c->json, "mix_weight") != NULL && !case_has_input(c, "target");
}

static bool handles_doodl(const CaseFile *c)
{
    return json_get(c->json, "mix_weight") != NULL && case_has_input(c, "target");
}

typedef struct {
    Model model;
    Schedule schedule;
    Edict edict;
    UnetNoise unet;
    NoiseOracle noise;
    EdictPair pair;
    double *numbers; /* (2 n): x, then y */
    size_t n;
} Coupled;

static double number(const CaseFile *c, const char *key, double otherwise)
{
    return json_number(json_get(c->json, key), otherwise);
}

static bool make_text(CaseFile *c, Coupled *k)
{
    Error err = {0};
    float *rows = NULL;
    const double w = number(c, "guidance_scale", 1.0);
    const char *const prompts[2] = {json_text(json_get(c->json, "null_prompt"), ""),
                                    json_text(json_get(c->json, "prompt"), "")};
    if (!case_went_well(c, "prompt", text_rows(&rows, NULL, &k->model, prompts, 2, 0, c->arena, &err),
                        &err))
        return false;
    k->unet.guidance = w;
    k->unet.network.conditions = w == 1.0 ? 1 : 2;
    k->unet.network.text = w == 1.0 ? rows + text_rows_size(&k->model) : rows;
    k->unet.network.tokens = k->model.tokenizer.length;
    return true;
}

static bool make_pair(CaseFile *c, Coupled *k)
{
    const Tensor *z = case_input(c, "latent");
    if (z == NULL || z->rank != 4 || z->dim[0] != 1)
        return false;
    k->n = tensor_count(z);
    k->numbers = arena_raw(c->arena, 2 * k->n, sizeof *k->numbers);
    if (k->numbers == NULL)
        return false;
    k->pair = (EdictPair){k->numbers, k->numbers + k->n};
    for (size_t i = 0; i < 2 * k->n; i++)
        k->numbers[i] = (double)z->data[i % k->n];
    k->unet.network.images = 1;
    k->unet.network.height = z->dim[2];
    k->unet.network.width = z->dim[3];
    return true;
}

/* The reference makes its own DDIM schedule, which ends at abar_0 whatever the model's says. */
static bool make_plan(CaseFile *c, Coupled *k)
{
    Error err = {0};
    EdictOptions o = EDICT_DEFAULTS;
    SchedulerConfig scheduler = k->model.config.scheduler;
    scheduler.set_alpha_to_one = false;
    o.steps = (int)number(c, "steps", o.steps);
    o.mix = number(c, "mix_weight", o.mix);
    o.strength = number(c, "init_image_strength", o.strength);
    o.leapfrog = json_bool(json_get(c->json, "leapfrog_steps"), true);
    o.compat_fraction = true;
    return case_went_well(c, "steps", schedule_make(&k->schedule, &scheduler, false, c->arena, &err),
                          &err) &&
           case_went_well(c, "steps", edict_plan(&k->edict, &k->schedule, &o, c->arena, &err), &err);
}

static bool begin(CaseFile *c, Coupled *k)
{
    Error err = {0};
    const char *folder = case_checkpoint(c, "");
    memset(k, 0, sizeof *k);
    if (folder == NULL ||
        !case_went_well(c, folder, model_open(&k->model, folder, MODEL_ALL, 0, c->arena, &err), &err) ||
        !make_text(c, k) || !make_pair(c, k) || !make_plan(c, k))
        return false;
    k->unet.network.unet = &k->model.unet;
    k->unet.network.arena = c->arena;
    k->unet.schedule = &k->schedule;
    k->unet.prediction_type = k->model.config.scheduler.prediction_type;
    k->noise = unet_noise(&k->unet);
    return true;
}

/* ---- there and back ---- */

typedef struct {
    CaseFile *c;
    const Coupled *k;
    const char *way;
    bool back;
} Seen;

static bool see(void *context, int step, int count, const EdictPair *pair)
{
    const Seen *s = context;
    char name[NAME];
    (void)pair; /* one block of numbers, as it is compared */
    snprintf(name, sizeof name, "%s.pair_after_step.%d", s->way, s->back ? count - 1 - step : step);
    case_doubles(s->c, name, s->k->numbers, 2 * s->k->n);
    return true;
}

static void check_times(CaseFile *c, const Coupled *k, const char *name, bool back)
{
    const int count = k->edict.count;
    double *times = arena_raw(c->arena, (size_t)count, sizeof *times);
    for (int i = 0; times != NULL && i < count; i++)
        times[i] = k->edict.step[back ? count - 1 - i : i].time;
    if (times != NULL)
        case_doubles(c, name, times, (size_t)count);
}

static void check_schedule(CaseFile *c, const Coupled *k)
{
    Error err = {0};
    Edict whole;
    EdictOptions o = EDICT_DEFAULTS;
    o.steps = (int)number(c, "steps", o.steps);
    o.compat_fraction = true;
    case_doubles(c, "alphas_cumprod", k->schedule.alpha_bar, (size_t)k->schedule.steps);
    Coupled all = *k;
    if (case_went_well(c, "steps", edict_plan(&whole, &k->schedule, &o, c->arena, &err), &err)) {
        all.edict = whole;
        check_times(c, &all, "all_timesteps", false);
    }
}

static void run_edict(CaseFile *c)
{
    Coupled k;
    Error err = {0};
    if (!begin(c, &k))
        return;
    double *start = arena_raw(c->arena, 2 * k.n, sizeof *start);
    if (start == NULL)
        return;
    memcpy(start, k.numbers, 2 * k.n * sizeof *start);
    check_schedule(c, &k);
    case_doubles(c, "start_pair", start, 2 * k.n);
    check_times(c, &k, "forward.timesteps", false);
    check_times(c, &k, "reverse.timesteps", true);
    Seen there = {c, &k, "forward", false}, back = {c, &k, "reverse", true};
    const EdictWatch forward = {&there, see}, reverse = {&back, see};
    if (!case_went_well(c, "forward", edict_generate(&k.pair, &k.edict, &k.noise, &forward, c->arena, &err),
                        &err))
        return;
    case_doubles(c, "mid_pair", k.numbers, 2 * k.n);
    if (!case_went_well(c, "reverse", edict_invert(&k.pair, &k.edict, &k.noise, &reverse, c->arena, &err),
                        &err))
        return;
    case_doubles(c, "roundtrip_pair", k.numbers, 2 * k.n);
    double most = 0.0;
    for (size_t i = 0; i < 2 * k.n; i++)
        most = fmax(most, fabs(k.numbers[i] - start[i]));
    case_doubles(c, "roundtrip_max_abs_error", &most, 1);
}

const CaseKind CASES_OF_EDICT = {"EDICT", handles_edict, run_edict, NULL};

/* ---- updates of the noise ---- */

/* The number behind a word of "update", or of the key of that name. */
static double update_number(const CaseFile *c, const char *key, const char *word, double otherwise)
{
    const char *text = json_text(json_get(c->json, "update"), ""), *at = strstr(text, word);
    double value = otherwise;
    if (at != NULL && sscanf(at + strlen(word), " %lf", &value) != 1)
        value = otherwise;
    return number(c, key, value);
}

static bool update_says(const CaseFile *c, const char *key, const char *word)
{
    const char *text = json_text(json_get(c->json, "update"), "");
    return json_bool(json_get(c->json, key), strstr(text, word) != NULL);
}

static DoodlUpdate read_update(const CaseFile *c)
{
    return (DoodlUpdate){.clip = update_number(c, "clip", "clipped to +-", HUGE_VAL),
                         .momentum = update_number(c, "momentum", "momentum", 0.0),
                         .perturb = 0.0,
                         .nesterov = update_says(c, "nesterov", "Nesterov"),
                         .tied = update_says(c, "tied_latents", "tied"),
                         .renormalise = update_says(c, "renormalize", "rescaled to the norm")};
}

/* One of the pair decoded, its part of the loss, and the gradient of that to the latent. */
static bool decode(CaseFile *c, const Coupled *k, const double *z, const Tensor *target, float *picture,
                   double *loss, double *g)
{
    const VaeConfig *config = &k->model.config.vae;
    const double scale = config->scaling_factor;
    const size_t n = tensor_count(target);
    Arena gradients = {0};
    Tape tape = {.arena = c->arena, .gradients = &gradients};
    const UnetDenoiser *d = &k->unet.network;
    Tensor *latent = tape_result(&tape, NULL, 4, (int[4]){1, config->latent_channels, d->height, d->width});
    float *dy = tape_alloc(&tape, n, sizeof *dy), *dz = tape_alloc(&tape, k->n, sizeof *dz);
    Status status = tape.error.status;
    for (size_t i = 0; status == STATUS_OK && i < k->n; i++)
        latent->data[i] = (float)(z[i] / scale);
    if (status == STATUS_OK) /* the picture first: the loss's gradient comes from it */
        status = vae_decode_vjp(picture, NULL, &tape, &k->model.vae, latent, dy);
    for (size_t i = 0; status == STATUS_OK && i < n; i++) {
        const double off = (double)picture[i] - (double)target->data[i];
        *loss += off * off / (double)n;
        dy[i] = (float)(2.0 * off / (double)n);
    }
    if (status == STATUS_OK)
        status = vae_decode_vjp(NULL, dz, &tape, &k->model.vae, latent, dy);
    for (size_t i = 0; status == STATUS_OK && i < k->n; i++)
        g[i] = (double)dz[i] / scale;
    arena_free(&gradients);
    return case_went_well(c, "decoder", status, &tape.error);
}

static bool one_update(CaseFile *c, const Coupled *k, Doodl *d, const Tensor *target, float *picture,
                       double *room, int m)
{
    char name[NAME];
    Error err = {0};
    double loss = 0.0, *start = room, *g = room + 2 * k->n;
    const EdictPair gradient = {g, g + k->n};
    memcpy(start, k->numbers, 2 * k->n * sizeof *start);
    if (!case_went_well(c, "forward", edict_generate(&k->pair, &k->edict, &k->noise, NULL, c->arena, &err),
                        &err))
        return false;
    snprintf(name, sizeof name, "opt%d.final_pair", m);
    case_doubles(c, name, k->numbers, 2 * k->n);
    if (!decode(c, k, k->pair.x, target, picture, &loss, gradient.x))
        return false;
    snprintf(name, sizeof name, "opt%d.image0", m);
    case_numbers(c, name, picture, tensor_count(target));
    if (!decode(c, k, k->pair.y, target, picture, &loss, gradient.y))
        return false;
    snprintf(name, sizeof name, "opt%d.loss", m);
    case_doubles(c, name, &loss, 1);
    if (!case_went_well(c, "gradient",
                        edict_gradient(&k->pair, &gradient, &k->edict, &k->noise, NULL, c->arena, &err),
                        &err))
        return false;
    snprintf(name, sizeof name, "opt%d.grad_pair", m);
    case_doubles(c, name, g, 2 * k->n);
    memcpy(k->numbers, start, 2 * k->n * sizeof *start); /* as stored, not as found again */
    if (!case_went_well(c, "update", doodl_update(d, &k->pair, &gradient, NULL, &err), &err))
        return false;
    snprintf(name, sizeof name, "opt%d.new_pair", m);
    case_doubles(c, name, k->numbers, 2 * k->n);
    return true;
}

static void run_doodl(CaseFile *c)
{
    Coupled k;
    Error err = {0};
    Doodl d;
    char name[NAME];
    const Tensor *target = case_input(c, "target");
    if (target == NULL || !begin(c, &k))
        return;
    float *picture = arena_raw(c->arena, tensor_count(target), sizeof *picture);
    double *room = arena_raw(c->arena, 4 * k.n, sizeof *room);
    const DoodlUpdate update = read_update(c);
    if (picture == NULL || room == NULL ||
        !case_went_well(c, "update", doodl_begin(&d, &k.pair, k.n, &update, c->arena, &err), &err))
        return;
    for (int m = 0;; m++) {
        snprintf(name, sizeof name, "opt%d.loss", m);
        if (!case_wants(c, name) || !one_update(c, &k, &d, target, picture, room, m))
            return;
    }
}

const CaseKind CASES_OF_DOODL = {"DOODL", handles_doodl, run_doodl, NULL};
