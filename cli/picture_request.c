#include "cli/picture_request.h"

#include <stdio.h>
#include <string.h>

#include "cli/latent_file.h"
#include "cli/picture_method.h"
#include "diffusion/denoise_hooks.h"
#include "diffusion/pipeline_img2img.h"
#include "diffusion/prompt_rows.h"
#include "io/sha256.h"

const PictureRequest PICTURE_REQUEST = {
    .method = &METHOD_TXT2IMG,
    .negative = "",
    .long_prompt = "cut",
    .prompt_weights = "none",
    .rng = "philox",
    .steps = 20,
    .batch = 1,
    .latent = -1,
    .guidance = 7.0,
    .corrections = 1,
    .seed = 42,
    .run = {.sampler_name = "auto", .prediction = "auto", .spacing = "auto", .sigmas = "auto"},
    .image = {.strength = 0.75},
    .steer = {.strength = 1.0, .end = 1.0},
    .guide = {.on = "blend", .loss = GUIDE_LOSS_DEFAULTS},
};

/* stable-diffusion.cpp, examples/cli/README.md. */
static const char *const SDCPP[] = {"sampling-method",
                                    "euler_a",
                                    "steps",
                                    "20",
                                    "cfg-scale",
                                    "7",
                                    "cfg-rescale",
                                    "0",
                                    "eta",
                                    "0",
                                    "seed",
                                    "42",
                                    "rng",
                                    "philox",
                                    NULL};
/* diffusers 0.27.2, StableDiffusionPipeline.__call__; torch.randn draws its noise. */
static const char *const DIFFUSERS[] = {"steps", "50", "cfg-scale", "7.5",   "cfg-rescale", "0",
                                        "eta",   "0",  "rng",       "torch", NULL};
/* stable-diffusion-webui, modules/ui.py; its DDIM visits the timesteps of CompVis' code. */
static const char *const A1111[] = {
    "sampling-method",  "euler_a", "steps", "20",     "cfg-scale", "7", "cfg-rescale", "0", "eta", "0",
    "timestep-spacing", "leading", "rng",   "philox", NULL};
/* The code released with [RomB22]: CompVis/latent-diffusion, scripts/txt2img.py, and the uniform timesteps of
 * ldm/models/diffusion/ddim.py. */
static const char *const PAPER[] = {
    "sampling-method",  "ddim",    "steps", "200", "cfg-scale", "5", "cfg-rescale", "0", "eta", "0",
    "timestep-spacing", "leading", NULL};
static const char *const NONE[] = {NULL};

const OptionPreset PICTURE_PRESETS[] = {{"none", NONE},   {"sdcpp", SDCPP}, {"diffusers", DIFFUSERS},
                                        {"a1111", A1111}, {"paper", PAPER}, {NULL, NULL}};
const char *const PICTURE_PRESET_NAMES = "none sdcpp diffusers a1111 paper";

void picture_request_table(PictureRequest *r, Option table[PICTURE_OPTIONS])
{
    const Option rows[PICTURE_OPTIONS] = {
        {OPTION_TEXT, "model", 'm', "model-path", &r->run.folder, 0, 0, "FOLDER",
         "model folder in the diffusers layout, or a whole model in one .safetensors or .ckpt file; the "
         "shipped "
         "one when left out"},
        {OPTION_TEXT, "config-from", 0, NULL, &r->run.config_from, 0, 0, "FOLDER",
         "model folder whose configurations and tokenizer belong to a model in one file"},
        {OPTION_TEXT, "prompt", 'p', NULL, &r->prompt, 0, 0, NULL, "what the picture is to show"},
        {OPTION_TEXT, "negative-prompt", 'n', NULL, &r->negative, 0, 0, NULL, "what it is not to show"},
        {OPTION_INT, "width", 'W', NULL, &r->width, 0, 65536, NULL, "pixels; 0: the model's"},
        {OPTION_INT, "height", 'H', NULL, &r->height, 0, 65536, NULL, "pixels; 0: the model's"},
        {OPTION_INT, "steps", 0, "num-inference-steps", &r->steps, 1, 1000000, NULL,
         "denoising steps, at most the model's timesteps"},
        {OPTION_NUMBER, "cfg-scale", 0, "guidance-scale", &r->guidance, 0, 1000, NULL,
         "classifier-free guidance; 1: none"},
        {OPTION_NUMBER, "cfg-rescale", 0, "guidance-rescale", &r->rescale, 0, 1, NULL,
         "share of the rescaled guidance"},
        {OPTION_CHOICE, "sampling-method", 0, "sampler", &r->run.sampler_name, 0, 0, RUN_SAMPLERS,
         "the model's scheduler, or one of"},
        {OPTION_CHOICE, "scheduler", 0, NULL, &r->run.sigmas, 0, 0, "auto discrete karras",
         "the noise levels between the first and the last"},
        {OPTION_CHOICE, "prediction", 0, "prediction-type", &r->run.prediction, 0, 0,
         "auto epsilon v_prediction sample", "what the network predicts"},
        {OPTION_CHOICE, "timestep-spacing", 0, NULL, &r->run.spacing, 0, 0,
         "auto leading trailing linspace", "which timesteps are visited"},
        {OPTION_NUMBER, "eta", 0, NULL, &r->eta, 0, 1, NULL,
         "ddim: noise of each step, 0 none, 1 as ddpm; tcd: its gamma, say 0.3"},
        {OPTION_INT, "corrections", 0, NULL, &r->corrections, 0, 1000, NULL,
         "pc: corrector steps at each noise level before the predictor's"},
        {OPTION_SEED, "seed", 's', NULL, &r->seed, 0, 0, NULL,
         "of the first picture; picture i has seed + i"},
        {OPTION_CHOICE, "rng", 0, NULL, &r->rng, 0, 0, "philox torch",
         "random numbers: ours, or those of torch on the CPU"},
        {OPTION_INT, "clip-skip", 0, NULL, &r->clip_skip, 0, 100, NULL,
         "last layers of the text encoder to leave out"},
        {OPTION_CHOICE, "long-prompt", 0, NULL, &r->long_prompt, 0, 0, "cut chunks",
         "what does not fit into the text encoder: cut it with a warning, or encode it in chunks of 75 "
         "tokens"},
        {OPTION_CHOICE, "prompt-weights", 0, NULL, &r->prompt_weights, 0, 0, "none a1111 compel",
         "what (a:1.2), ((a)) and [a] in a prompt mean: nothing, or weights as one of"},
        {OPTION_TEXTS, "lora", 0, NULL, &r->lora.files, 0, 0, "PATH[:W]",
         "LoRA file and its weight (1); may be given several times; also <lora:NAME:W> in the prompt"},
        {OPTION_TEXT, "lora-dir", 0, "lora-model-dir", &r->lora.folder, 0, 0, "FOLDER",
         "where the files of <lora:NAME:W> are"},
        {OPTION_FLAG, "lora-merge", 0, NULL, &r->lora.merge, 0, 0, NULL,
         "add LoRAs to the weights instead of running them beside: faster, equal but for rounding"},
        {OPTION_TEXT, "latents", 0, NULL, &r->latents, 0, 0, "FILE",
         "starting noise from this .npy (count, L, h, w) instead of drawn; it sets the number of pictures"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    memcpy(table, rows, sizeof rows);
}

/* ---- what a dump sees between the network's stages: step.NN.latents, step.NN.noise_pred, latents ---- */

static void show_latents(const PictureRequest *r, const SamplerRun *run, const char *name, const float *x)
{
    const int channels = r->run.model.config.unet.out_channels, height = r->latent_height;
    const int width = (int)(run->sample / (size_t)(channels * height));
    dump_show(r->dump, name, x, 4, (const int[]){run->images, channels, height, width});
}

static Status before_call(void *context, const SamplerRun *run, int call, float *x, Error *err)
{
    const PictureRequest *r = context;
    (void)err;
    dump_scope(r->dump, "step.%02d", call);
    show_latents(r, run, "latents", x);
    return STATUS_OK;
}

static Status after_guidance(void *context, const SamplerRun *run, int call, const float *input, float *out,
                             Error *err)
{
    (void)call;
    (void)input;
    (void)err;
    show_latents(context, run, "noise_pred", out);
    return STATUS_OK;
}

static Status after_call(void *context, const SamplerRun *run, int call, float *x, Error *err)
{
    const PictureRequest *r = context;
    (void)err;
    if (call + 1 == run->calls) {
        dump_scope(r->dump, "%s", "");
        show_latents(r, run, "latents", x);
    }
    return STATUS_OK;
}

static bool on_step(void *context, const DenoiseProgress *at)
{
    PictureRequest *r = context;
    progress_show(&r->progress, (uint64_t)at->call + 1, (uint64_t)at->calls, "", true);
    return !interrupted();
}

Status picture_request_input(PictureRequest *r, const char *path, Error *err)
{
    for (int i = 0; i < r->inputs; i++)
        if (strcmp(r->input[i].path, path) == 0)
            return STATUS_OK;
    if (r->inputs == INPUT_FILES)
        return error_set(err, STATUS_ARGUMENT, "%s: more than %d input files", r->name, INPUT_FILES);
    InputFile *file = &r->input[r->inputs++];
    file->path = path;
    return sha256_file(file->sha256, path, err);
}

static Status add_loras(PictureRequest *r, Txt2ImgOptions *o, Arena *arena, Error *err)
{
    Status status = lora_input_apply(&o->unet, &r->lora, &r->run.model, arena, err);
    for (int i = 0; i < r->lora.count && status == STATUS_OK; i++) {
        const Lora *lora = &r->lora.lora[i];
        status = picture_request_input(r, lora->path, err);
        if (!r->command->quiet && status == STATUS_OK)
            fprintf(stderr, "%s: %zu layers, weight %g%s\n", lora->path, lora->count, lora->weight,
                    lora->unmatched_count > 0
                        ? "; some of its tensors match nothing (ldm99 info lists them)"
                        : "");
    }
    return status;
}

Status picture_request_open(PictureRequest *r, Txt2ImgOptions *o, Command *c, Error *err)
{
    Arena *arena = &c->arena;
    r->command = c;
    if (r->prompt == NULL)
        return error_set(err, STATUS_ARGUMENT, "%s: a prompt is needed: -p \"a red apple\"", r->name);
    Status status = typed_text_check(r->prompt, r->name, "the prompt", err);
    if (status == STATUS_OK && r->negative != NULL)
        status = typed_text_check(r->negative, r->name, "the negative prompt", err);
    if (status == STATUS_OK)
        status = lora_input_read(&r->lora, r->prompt, arena, err);
    if (status == STATUS_OK)
        status = run_model_open(&r->run, MODEL_ALL, arena, err);
    if (status == STATUS_OK)
        status = model_files_read(&r->files, r->run.folder, MODEL_ALL, arena, err);
    if (status != STATUS_OK)
        return status;
    *o = TXT2IMG_DEFAULTS;
    o->prompts = &r->lora.prompt;
    o->count = 1;
    o->images = r->batch;
    o->negative = r->negative;
    o->width = r->width;
    o->height = r->height;
    o->steps = r->steps;
    o->guidance = r->guidance;
    o->rescale = r->rescale;
    o->clip_skip = r->clip_skip;
    o->rng = strcmp(r->rng, "torch") == 0 ? RNG_TORCH : RNG_PHILOX;
    o->seed = r->seed;
    o->sampler = r->run.sampler;
    o->options.eta = r->eta;
    o->options.corrections = r->corrections;
    if (r->latents != NULL)
        status = latent_file_read(o, r->latents, r->latent, &r->run.model, arena, err);
    if (status == STATUS_OK && r->batch > 1 && o->images != r->batch)
        status = error_set(err, STATUS_ARGUMENT, "%s: %s holds %d latents, but --batch-count is %d",
                           r->name, r->latents, o->images, r->batch);
    if (status == STATUS_OK && r->latents != NULL)
        status = sha256_file(r->latents_hash, r->latents, err);
    if (status == STATUS_OK)
        status = add_loras(r, o, arena, err);
    if (status == STATUS_OK && r->method->read != NULL)
        status = r->method->read(r, o, arena, err);
    const ModelConfig *config = &r->run.model.config;
    r->latent_height = o->height > 0 ? o->height / vae_factor(&config->vae) : config->unet.sample_height;
    return status;
}

static void tell_cut(const PictureRequest *r, const PromptReport *report, int count)
{
    for (int i = 0; i < count && !r->command->quiet; i++)
        if (report[i].cut != NULL && report[i].cut[0] != '\0')
            fprintf(stderr, "ldm99: the prompt is too long; cut off: \"%s\"\n", report[i].cut);
}

/* The rows of prompts in chunks or with weights, in place of prompts; plain ones are left to the pipeline. */
static Status make_rows(PictureRequest *r, Txt2ImgOptions *o, Error *err)
{
    const bool chunks = strcmp(r->long_prompt, "chunks") == 0,
               compel = strcmp(r->prompt_weights, "compel") == 0;
    const bool weights = strcmp(r->prompt_weights, "none") != 0;
    const PromptRowsOptions options = {chunks,
                                       !weights ? PROMPT_PLAIN
                                       : compel ? PROMPT_COMPEL
                                                : PROMPT_A1111,
                                       r->clip_skip};
    const char *const prompts[2] = {o->prompts[0], o->negative != NULL ? o->negative : ""};
    PromptReport report[2];
    float *rows = NULL;
    if (!chunks && !weights)
        return STATUS_OK;
    const Status status = prompt_rows(&rows, &o->text_tokens, report, &r->run.model, prompts, 2, options,
                                      &r->command->arena, err);
    if (status != STATUS_OK)
        return status;
    o->text = rows;
    o->negative_text =
        rows + (size_t)o->text_tokens * (size_t)r->run.model.config.unet.level[0].cross_attention_dim;
    tell_cut(r, report, 2);
    return STATUS_OK;
}

Status picture_request_run(Txt2ImgResult *out, PictureRequest *r, const Txt2ImgOptions *o, Error *err)
{
    DenoiseHooks hooks = {.context = r, .progress = on_step};
    if (r->dump != NULL) {
        hooks.before = before_call;
        hooks.guided = after_guidance;
        hooks.after = after_call;
        r->run.model.watch = &r->dump->watch;
    }
    DenoiseHookPair pair = {.outer = &hooks, .inner = r->preview != NULL ? &r->preview->hooks : NULL};
    const DenoiseHooks both = denoise_hooks_pair(&pair);
    Txt2ImgOptions with_hooks = *o;
    with_hooks.loop = &both;
    interrupts_watch();
    Status status = STATUS_OK;
    if (r->preview != NULL)
        status = preview_begin(r->preview, &r->run.model, r->latent_height, r->command, err);
    r->progress = progress_begin(r->name, r->command->quiet, 0);
    if (status == STATUS_OK)
        status = make_rows(r, &with_hooks, err);
    if (status == STATUS_OK)
        status = r->method->run(out, r, &with_hooks, err);
    progress_end(&r->progress);
    if (status == STATUS_OK)
        tell_cut(r, out->prompts, o->count + 1);
    return status;
}

Status picture_request_plan(SamplerRun *out, const PictureRequest *r, Arena *arena, Error *err)
{
    const SchedulerConfig *scheduler = &r->run.model.config.scheduler;
    const Sampler *sampler = r->run.sampler != NULL ? r->run.sampler : sampler_find(scheduler->class_name);
    if (sampler == NULL)
        return error_set(err, STATUS_ARGUMENT,
                         "no sampler is known for the model's scheduler \"%s\": choose one",
                         scheduler->class_name);
    const SamplerOptions options = {.eta = r->eta, .corrections = r->corrections};
    int taken = r->steps;
    Status status = STATUS_OK;
    if (r->method->has_strength)
        status = strength_read(&taken, r->steps, r->image.strength, err);
    if (status == STATUS_OK)
        status = sampler_begin(out, sampler, scheduler, options, r->steps, 1, 1, NULL, arena, err);
    if (status == STATUS_OK)
        sampler_skip(out, r->steps - taken);
    return status;
}
