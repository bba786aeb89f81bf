/* DDIM inversion and the way back.
 *
 *   latents (input)                          of pictures
 *   cfgW.inverse_timesteps, inverse_latents  the calls upwards under guidance W, and the state after each
 *   cfgW.forward_timesteps, reconstruction_latents   the way back from the last of these, likewise
 *   text_embeds_cond, text_embeds_uncond     rows of the prompts
 * Prompts and steps are keys of case.json or words of its "what". */
#include "base/decimal.h"
#include "diffusion/pipeline_invert.h"
#include "tests/conformance_pipe.h"

#include <stdio.h>
#include <string.h>

enum { LENGTH = 48 };

static bool handles(const CaseFile *c)
{
    for (size_t i = 0; i < c->expected.count; i++)
        if (strstr(c->expected.entries[i].name, "inverse_latents") != NULL)
            return case_has_input(c, "latents");
    return false;
}

/* What the loop shows, call by call. */
typedef struct {
    size_t n;
    int calls, room;
    float *states; /* (calls, n) */
    double *times;
} Walk;

static bool keep_step(void *context, const DenoiseProgress *p)
{
    Walk *w = context;
    if (w->calls == w->room)
        return false;
    memcpy(w->states + (size_t)w->calls * w->n, p->x, w->n * sizeof *p->x);
    w->times[w->calls++] = p->time;
    return true;
}

/* Room before the run, whose own memory comes and goes. */
static Walk walk_of(CaseFile *c, size_t n, int room)
{
    return (Walk){.n = n,
                  .room = room,
                  .states = arena_raw(c->arena, (size_t)room * n, sizeof(float)),
                  .times = arena_raw(c->arena, (size_t)room, sizeof(double))};
}

static void compare(CaseFile *c, const char *start, const char *times, const char *states, const Walk *w)
{
    char name[2 * LENGTH];
    snprintf(name, sizeof name, "%s%s", start, times);
    case_doubles(c, name, w->times, (size_t)w->calls);
    snprintf(name, sizeof name, "%s%s", start, states);
    case_numbers(c, name, w->states, (size_t)w->calls * w->n);
}

/* The runs under one guidance. */
static void check_guidance(CaseFile *c, const Model *m, const InvertOptions *options, const char *start,
                           double guidance)
{
    Error err = {0};
    InvertOptions o = *options;
    Txt2ImgShape shape;
    DenoiseHooks hooks = {.progress = keep_step};
    o.text.guidance = guidance > 1.0 ? guidance : 1.0;
    o.text.loop = &hooks;
    if (!case_went_well(c, start, txt2img_shape(&shape, m, &o.text, &err), &err))
        return;
    const size_t n = (size_t)shape.pictures * (size_t)(shape.channels * shape.height * shape.width);
    Walk there = walk_of(c, n, o.text.steps), back = walk_of(c, n, o.text.steps);
    float *x = arena_raw(c->arena, n, sizeof *x), *z = arena_raw(c->arena, n, sizeof *z);
    hooks.context = &there;
    if (x == NULL || z == NULL || there.states == NULL || back.states == NULL || there.times == NULL ||
        back.times == NULL || !case_went_well(c, start, ddim_invert(x, m, &o, c->arena, &err), &err))
        return;
    compare(c, start, "inverse_timesteps", "inverse_latents", &there);
    Txt2ImgOptions way_back = ddim_return(&o, x);
    hooks.context = &back;
    if (z != NULL && case_went_well(c, start, txt2img_latents(z, NULL, m, &way_back, c->arena, &err), &err))
        compare(c, start, "forward_timesteps", "reconstruction_latents", &back);
}

static void check_text(CaseFile *c, const Model *m, const Txt2ImgOptions *o)
{
    Error err = {0};
    float *with = NULL, *without = NULL;
    if (case_went_well(c, "prompt", text_rows(&with, NULL, m, o->prompts, 1, 0, c->arena, &err), &err) &&
        case_went_well(c, "negative_prompt",
                       text_rows(&without, NULL, m, &o->negative, 1, 0, c->arena, &err), &err)) {
        case_numbers(c, "text_embeds_cond", with, text_rows_size(m));
        case_numbers(c, "text_embeds_uncond", without, text_rows_size(m));
    }
}

static void run(CaseFile *c)
{
    Model m;
    Error err = {0};
    InvertOptions o;
    const char *folder = case_checkpoint(c, "");
    if (folder == NULL ||
        !case_went_well(c, folder, model_open(&m, folder, MODEL_ALL, 0, c->arena, &err), &err) ||
        !case_run_options(c, &m, "latents", &o.text))
        return;
    o.latents = o.text.latents;
    check_text(c, &m, &o.text);
    for (size_t i = 0; i < c->expected.count; i++) {
        const char *name = c->expected.entries[i].name, *end = strstr(name, "inverse_latents");
        char start[LENGTH];
        size_t used = 0;
        double guidance = o.text.guidance;
        if (end == NULL || end - name >= LENGTH)
            continue;
        snprintf(start, sizeof start, "%.*s", (int)(end - name), name);
        if (strncmp(start, "cfg", 3) == 0 && end - name > 4)
            decimal_read(&guidance, start + 3, (size_t)(end - name) - 4, &used);
        check_guidance(c, &m, &o, start, guidance);
    }
}

const CaseKind CASES_OF_INVERSION = {"DDIM inversion", handles, run, NULL};
