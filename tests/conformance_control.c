/* ControlNets and T2I-Adapters: what they compute, the U-Net with it, and a run.
 *
 *   down_res.i, mid_res             residuals for the inputs sample and cond, scaled
 *   guess.down_res.i, guess.mid_res the same in guess mode
 *   cond_embedding                  the condition
 *   feature.i                       an adapter's features of the input cond
 *   unet_out, guess.unet_out        the U-Net with them
 *   pipe.*                          a run from the input pipe_latents (tests/conformance_pipe.h) */
#include "diffusion/control_run.h"
#include "tests/conformance_pipe.h"

#include <stdio.h>

static const char *const TIMESTEP[] = {"timestep", "t", NULL};
static const char *const CONTROL_SCALE[] = {"controlnet_conditioning_scale", "conditioning_scale", NULL};
static const char *const ADAPTER_SCALE[] = {"adapter_conditioning_scale", "conditioning_scale", "scale",
                                            NULL};
static const char *const START[] = {"control_guidance_start", NULL};
static const char *const END[] = {"control_guidance_end", NULL};

static bool handles_control(const CaseFile *c)
{
    return case_has_input(c, "cond") && (case_wants(c, "mid_res") || case_wants_any(c, "down_res."));
}

static bool handles_adapter(const CaseFile *c)
{
    return case_has_input(c, "cond") && case_wants_any(c, "feature.");
}

/* One evaluation of the U-Net. */
typedef struct {
    CaseFile *c;
    Model model;
    Tensor *x, *text, *cond;
    float *times; /* one a sample */
    Tape tape;
} Evaluation;

/* The whole pipeline, or only its U-Net where the case names nothing else. */
static bool open_model(CaseFile *c, Model *m)
{
    Error err = {0};
    const char *folder = case_checkpoint(c, "");
    return folder != NULL &&
           case_went_well(c, folder, model_open(m, folder, MODEL_ALL, 0, c->arena, &err), &err);
}

static bool begin(Evaluation *e)
{
    CaseFile *c = e->c;
    e->tape = (Tape){.arena = c->arena};
    e->x = case_input(c, "sample");
    e->times = e->x != NULL ? arena_alloc(c->arena, (size_t)e->x->dim[0], sizeof *e->times) : NULL;
    if (e->times == NULL)
        return false;
    const Tensor *given = case_has_input(c, "timestep") ? case_input(c, "timestep") : NULL;
    const double said = case_said(c, TIMESTEP, 0.0);
    for (int n = 0; n < e->x->dim[0]; n++)
        e->times[n] = given == NULL ? (float)said : given->data[tensor_count(given) > 1 ? n : 0];
    e->text = case_text_rows(c, &e->model, "encoder_hidden_states", e->x->dim[0]);
    return e->text != NULL;
}

static void check_unet(Evaluation *e, const UnetHooks *hooks, const char *name)
{
    const Tensor *y = unet(&e->tape, &e->model.unet, e->x, e->times, e->text, hooks);
    if (y == NULL)
        case_fail(e->c, name, "%s", e->tape.error.text);
    else
        case_tensor(e->c, name, y);
}

/* ---- ControlNet ---- */

static bool open_controlnet(CaseFile *c, ControlNet *net)
{
    Error err = {0};
    ControlNetConfig config;
    Weights weights = {0};
    const char *path, *folder = case_checkpoint(c, "controlnet");
    const Json *json = case_config(c, folder, &path);
    if (json == NULL ||
        !case_went_well(c, "controlnet", controlnet_config_read(&config, json, path, c->arena, &err), &err))
        return false;
    case_weights(c, &weights, folder);
    controlnet_load(net, &config, &weights, "");
    return case_went_well(c, "controlnet", weights_finish(&weights, &err), &err);
}

/* "STARTdown_res.i", "STARTmid_res" and "STARTunet_out". */
static void check_residuals(Evaluation *e, const ControlNet *net, Tensor *condition, bool guess,
                            const char *start)
{
    const ControlOptions options = {.scale = (float)case_said(e->c, CONTROL_SCALE, 1.0),
                                    .guess_mode = guess};
    ControlResiduals r;
    char name[64];
    if (!controlnet(&r, &e->tape, net, e->x, e->times, e->text, condition, options)) {
        case_fail(e->c, "controlnet", "%s", e->tape.error.text);
        return;
    }
    for (int i = 0; i < r.count; i++) {
        snprintf(name, sizeof name, "%sdown_res.%d", start, i);
        case_tensor(e->c, name, r.down[i]);
    }
    snprintf(name, sizeof name, "%smid_res", start);
    case_tensor(e->c, name, r.mid);
    snprintf(name, sizeof name, "%sunet_out", start);
    UnetHooks hooks = {0};
    control_residuals_hook(&hooks, &r);
    if (case_wants(e->c, name))
        check_unet(e, &hooks, name);
}

/* The settings of a run with the input `pipe_latents`. */
static bool run_settings(CaseFile *c, const Model *m, Txt2ImgOptions *o, int pictures)
{
    if (!case_run_options(c, m, "pipe_latents", o))
        return false;
    if (pictures != 1 && pictures != o->images)
        case_fail(c, "cond", "%d pictures for %d latents", pictures, o->images);
    return pictures == 1 || pictures == o->images;
}

static void run_control_pipe(CaseFile *c, const Model *m, const ControlNet *net, const Tensor *cond)
{
    Txt2ImgOptions o;
    ControlRun run;
    Error err = {0};
    const Control control = {.net = net,
                             .picture = cond->data,
                             .pictures = cond->dim[0],
                             .scale = (float)case_said(c, CONTROL_SCALE, 1.0),
                             .start = case_said(c, START, 0.0),
                             .end = case_said(c, END, 1.0)};
    if (!run_settings(c, m, &o, cond->dim[0]))
        return;
    const int factor = vae_factor(&m->config.vae);
    const ControlBatch batch = {.images = o.images,
                                .conditions = o.guidance != 1.0 ? 2 : 1,
                                .height = o.height / factor,
                                .width = o.width / factor};
    if (!case_went_well(c, "controlnet", control_run_begin(&run, &control, 1, false, batch, c->arena, &err),
                        &err))
        return;
    const DenoiseHooks loop = {.context = &run, .before = control_run_before};
    const PipelineParts parts = {.context = &run, .loop = &loop, .steer = control_run_steer};
    o.parts = &parts;
    case_run(c, m, &o, "pipe.");
}

static void run_control(CaseFile *c)
{
    Evaluation e = {.c = c};
    ControlNet net;
    if (!open_model(c, &e.model) || !open_controlnet(c, &net) || !begin(&e))
        return;
    Tensor *cond = case_input(c, "cond"), *condition = controlnet_condition(&e.tape, &net, cond);
    case_tensor(c, "cond_embedding", condition);
    check_residuals(&e, &net, condition, false, "");
    if (case_wants_any(c, "guess."))
        check_residuals(&e, &net, condition, true, "guess.");
    if (case_has_input(c, "pipe_latents") && case_wants_any(c, "pipe.") && cond != NULL)
        run_control_pipe(c, &e.model, &net, cond);
}

const CaseKind CASES_OF_CONTROLNET = {"ControlNet", handles_control, run_control, NULL};

/* ---- T2I-Adapter ---- */

static bool open_adapter(CaseFile *c, T2iAdapter *a)
{
    Error err = {0};
    AdapterConfig config;
    Weights weights = {0};
    const char *path, *folder = case_checkpoint(c, "adapter");
    const Json *json = case_config(c, folder, &path);
    if (json == NULL ||
        !case_went_well(c, "adapter", t2i_adapter_config_read(&config, json, path, c->arena, &err), &err))
        return false;
    case_weights(c, &weights, folder);
    t2i_adapter_load(a, &config, &weights, "");
    return case_went_well(c, "adapter", weights_finish(&weights, &err), &err);
}

static void run_adapter_pipe(CaseFile *c, const Model *m, const T2iAdapter *a, const Tensor *cond)
{
    Txt2ImgOptions o;
    AdapterFeatures f;
    UnetHooks hooks = {0};
    Error err = {0};
    const Adapter adapter = {.net = a,
                             .picture = cond->data,
                             .pictures = cond->dim[0],
                             .height = cond->dim[2],
                             .width = cond->dim[3],
                             .scale = (float)case_said(c, ADAPTER_SCALE, 1.0)};
    if (!run_settings(c, m, &o, cond->dim[0]))
        return;
    const ControlBatch batch = {.images = o.images, .conditions = o.guidance != 1.0 ? 2 : 1};
    if (!case_went_well(c, "adapter", adapter_run_features(&f, &adapter, 1, batch, c->arena, &err), &err))
        return;
    adapter_features_hook(&hooks, &f);
    o.unet = &hooks;
    case_run(c, m, &o, "pipe.");
}

/* The features of one picture for all samples of the evaluation. */
static void check_unet_with_features(Evaluation *e, AdapterFeatures *f)
{
    UnetHooks hooks = {0};
    if (f->feature[0]->dim[0] == 1 && !adapter_features_repeat(f, &e->tape, e->x->dim[0])) {
        case_fail(e->c, "adapter", "%s", e->tape.error.text);
        return;
    }
    adapter_features_hook(&hooks, f);
    check_unet(e, &hooks, "unet_out");
}

static void run_adapter(CaseFile *c)
{
    Evaluation e = {.c = c, .tape = {.arena = c->arena}};
    T2iAdapter a;
    AdapterFeatures f;
    Tensor *cond = case_input(c, "cond");
    if (cond == NULL || !open_adapter(c, &a))
        return;
    if (!t2i_adapter(&f, &e.tape, &a, cond)) {
        case_fail(c, "adapter", "%s", e.tape.error.text);
        return;
    }
    for (int i = 0; i < f.count; i++) {
        char name[32];
        snprintf(name, sizeof name, "feature.%d", i);
        case_tensor(c, name, f.feature[i]);
    }
    const bool evaluates = case_wants(c, "unet_out"), runs = case_wants_any(c, "pipe.");
    if ((!evaluates && !runs) || !open_model(c, &e.model))
        return;
    if (evaluates && begin(&e))
        check_unet_with_features(&e, &f);
    if (runs)
        run_adapter_pipe(c, &e.model, &a, cond);
}

const CaseKind CASES_OF_ADAPTER = {"T2I-Adapter", handles_adapter, run_adapter, NULL};
