/* cli/command_doodl.c - the noise of a picture moved until the finished picture has a small loss. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/doodl_record.h"
#include "cli/guide_loss.h"
#include "cli/input_picture.h"
#include "cli/progress.h"
#include "cli/run_model.h"
#include "diffusion/latent_pictures.h"
#include "io/png.h"
#include "io/sha256.h"

typedef struct {
    Command command;
    RunModel run;
    Progress progress;
    const char *preset, *input, *output, *record_folder, *resume, *rng;
    int width, height; /* pixels */
    int save_every;
    double perturb; /* -1: as the kind of run says */
    bool untied, any_length, keep_going;
    DoodlOptions options;
    GuideLoss loss;
    Sha256 files; /* of every file that decides the bits, by its hash */
    Arena work;   /* of the run, so that what the log keeps is not below its marks */
    DoodlRecord record;
    DoodlRun doodl;
    double first_loss, last_loss;
    Error seen; /* what went wrong while an update was noted */
} DoodlCommand;

static const char *const TEXT[] = {"loss",    "clip",   "grad-scale", "1",  "clip-grad", "0.001",
                                   "perturb", "0.0001", "updates",    "50", NULL};
static const char *const CLASS[] = {"loss",    "class", "grad-scale", "0.05", "clip-grad", "0.01",
                                    "perturb", "0.001", "updates",    "50",   NULL};
static const char *const AESTHETIC[] = {"loss",    "aesthetic", "grad-scale", "1",  "clip-grad", "0.001",
                                        "perturb", "0",         "updates",    "25", NULL};
static const char *const PERSONAL[] = {"loss",      "image",   "grad-scale", "3",       "clip-grad",
                                       "0.003",     "perturb", "0",          "updates", "500",
                                       "cut-power", "0.06",    NULL};
/* salesforce/DOODL, doodl.py (gen) and demo.ipynb. */
static const OptionPreset PRESETS[] = {{"text", TEXT},
                                       {"class", CLASS},
                                       {"aesthetic", AESTHETIC},
                                       {"personalisation", PERSONAL},
                                       {NULL, NULL}};

static Status check(DoodlCommand *c, Error *err)
{
    DoodlOptions *o = &c->options;
    Status status = STATUS_OK;
    if (o->prompt == NULL && c->input == NULL)
        return error_set(err, STATUS_ARGUMENT, "doodl: a prompt is needed: -p \"a red apple\"");
    if (o->prompt == NULL)
        o->prompt = "";
    status = typed_text_check(o->prompt, "doodl", "the prompt", err);
    if (status == STATUS_OK && o->negative != NULL)
        status = typed_text_check(o->negative, "doodl", "the negative prompt", err);
    const bool edit = c->input != NULL;
    o->update.tied = !edit && !c->untied;
    o->update.renormalise = !edit && !c->any_length;
    o->update.perturb = c->perturb >= 0.0 ? c->perturb : edit ? 0.0 : 1e-4;
    o->check_way = !c->keep_going;
    o->rng = strcmp(c->rng, "torch") == 0 ? RNG_TORCH : RNG_PHILOX;
    if (c->loss.factor == 0.0 && !c->command.quiet)
        fprintf(stderr, "ldm99: --grad-scale 0: there is nothing to optimise\n");
    if (status == STATUS_OK && c->save_every > 0 && c->record_folder == NULL)
        status = error_set(err, STATUS_ARGUMENT, "doodl: --save-every needs --record FOLDER");
    return status;
}

static Status note_file(void *context, const char *path, Error *err)
{
    DoodlCommand *c = context;
    char hex[65];
    const Status status = sha256_file(hex, path, err);
    if (status == STATUS_OK)
        sha256_add(&c->files, hex, 64);
    return status;
}

static Status open_all(DoodlCommand *c, Error *err)
{
    Arena *arena = &c->command.arena;
    const FileNote note = {c, note_file};
    Status status = run_model_open(&c->run, MODEL_ALL, arena, err);
    if (status != STATUS_OK)
        return status;
    const Model *m = &c->run.model;
    const int factor = vae_factor(&m->config.vae);
    if (c->height == 0)
        c->height = m->config.unet.sample_height * factor;
    if (c->width == 0)
        c->width = m->config.unet.sample_width * factor;
    if (c->height % factor != 0 || c->width % factor != 0)
        return error_set(err, STATUS_ARGUMENT, "doodl: %d x %d pixels, expected multiples of %d", c->width,
                         c->height, factor);
    c->options.height = c->height / factor;
    c->options.width = c->width / factor;
    c->options.loss.vae = &m->vae;
    c->files = sha256_begin();
    status = guide_loss_open(&c->loss, c->options.prompt, c->height, c->width, &note, arena, err);
    c->options.loss.loss = c->loss.loss;
    c->options.loss.factor = c->loss.factor;
    return status;
}

/* The pair of noise of the picture that is to be edited. */
static Status invert(double **noise, DoodlCommand *c, Error *err)
{
    Arena *arena = &c->command.arena;
    const Model *m = &c->run.model;
    const size_t n =
        (size_t)m->config.unet.out_channels * (size_t)c->options.height * (size_t)c->options.width;
    Image picture;
    Status status = input_picture(&picture, c->input, 3, &c->width, &c->height, 1, arena, err);
    if (status == STATUS_OK)
        status = note_file(c, c->input, err);
    if (status != STATUS_OK)
        return status;
    const PicturePlanes planes = {input_planes(&picture, false, arena), 1, c->height, c->width};
    float *latent = arena_raw(arena, n, sizeof *latent);
    double *pair = arena_raw(arena, 2 * n, sizeof *pair);
    if (planes.planes == NULL || latent == NULL || pair == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for its latent", c->input);
    status = encode_pictures(latent, 1, m, &planes, NULL, arena, err);
    *noise = pair;
    return status == STATUS_OK ? doodl_invert(pair, latent, m, &c->options, NULL, &c->work, err) : status;
}

/* Everything that decides the bits, in one line. */
static void describe(char text[1400], const DoodlCommand *c)
{
    const DoodlOptions *o = &c->options;
    Sha256 sum = c->files;
    unsigned char digest[32];
    sha256_end(digest, &sum);
    snprintf(
        text, 1400,
        "%.300s\nNegative prompt: %.200s\nSteps: %d, Sampler: doodl, CFG scale: %g, Seed: %llu, Size: "
        "%dx%d, Mixing weight: %g, Strength: %g, Last: %d, Loss: %.200s, Grad scale: %g, Crops: %d, Cut "
        "power: %g, Crop min: %d, Momentum: %g, Clip grad: %g, Perturb: %g, Nesterov: %d, Tied: %d, "
        "Renormalise: %d, First only: %d, Rng: %s, Files: %02x%02x%02x%02x, Version: ldm99 %s",
        o->prompt, o->negative != NULL ? o->negative : "", o->steps.steps, o->guidance,
        (unsigned long long)o->seed, c->width, c->height, o->steps.mix, o->steps.strength, o->last,
        c->loss.about, o->loss.factor, c->loss.crops.count, c->loss.crops.power, c->loss.crops.least,
        o->update.momentum, o->update.clip, o->update.perturb, o->update.nesterov, o->update.tied,
        o->update.renormalise, o->first_only, c->rng, digest[0], digest[1], digest[2], digest[3],
        LDM99_VERSION);
}

static bool on_update(void *context, const DoodlReport *report)
{
    DoodlCommand *c = context;
    const bool last = report->update == c->options.updates;
    char note[64];
    if (c->record.count == 0)
        c->first_loss = report->loss;
    c->last_loss = report->loss;
    snprintf(note, sizeof note, "loss %.6g, %.0f%% at the limit", report->loss, 100.0 * report->clipped);
    progress_show(&c->progress, (uint64_t)report->update + !last, (uint64_t)c->options.updates, note, true);
    const Status status = doodl_record_add(&c->record, report, &c->doodl, last || interrupted(), &c->seen);
    return status == STATUS_OK && (last || !interrupted());
}

static Status optimise(float **latent, DoodlCommand *c, const double *noise, const char *request,
                       Error *err)
{
    const DoodlWatch watch = {.context = c, .seen = on_update};
    Arena *arena = &c->command.arena;
    Status status = doodl_run_begin(&c->doodl, &c->run.model, &c->options, noise, &c->work, err);
    if (status == STATUS_OK && c->resume != NULL)
        status = doodl_record_resume(&c->doodl, c->resume, request, arena, err);
    if (status == STATUS_OK)
        status = doodl_record_begin(&c->record, c->record_folder, request, c->save_every,
                                    c->options.updates, c->height, c->width, arena, err);
    if (status != STATUS_OK)
        return status;
    *latent = arena_raw(arena, c->doodl.n, sizeof **latent);
    if (*latent == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a latent");
    interrupts_watch();
    c->progress = progress_begin("doodl", c->command.quiet, (uint64_t)c->doodl.update.updates);
    status = doodl_run(*latent, &c->doodl, &watch, err);
    progress_end(&c->progress);
    if (c->seen.status != STATUS_OK)
        status = error_set(err, c->seen.status, "%s", c->seen.text);
    Error ignored = {.status = STATUS_OK};
    const Status ended =
        doodl_record_end(&c->record, &c->command.result, status == STATUS_OK ? err : &ignored);
    return status == STATUS_OK ? ended : status;
}

static void report(DoodlCommand *c)
{
    JsonWriter *w = &c->command.result.json;
    json_write_text(w, "model", c->run.folder);
    json_write_text(w, "prompt", c->options.prompt);
    json_write_text(w, "loss", c->loss.about);
    json_write_int(w, "updates", c->options.updates);
    json_write_number(w, "first_loss", c->first_loss);
    json_write_number(w, "last_loss", c->last_loss);
    result_line(&c->command.result, "%s: loss (%s) from %.6g to %.6g in %d updates\n", c->output,
                c->loss.about, c->first_loss, c->last_loss, c->options.updates);
}

static Status run(DoodlCommand *c, Error *err)
{
    Arena *arena = &c->command.arena;
    char request[1400];
    double *noise = NULL;
    float *latent = NULL;
    Image made;
    Status status = check(c, err);
    if (status == STATUS_OK)
        status = open_all(c, err);
    if (status == STATUS_OK && c->input != NULL)
        status = invert(&noise, c, err);
    if (status != STATUS_OK)
        return status;
    describe(request, c);
    status = optimise(&latent, c, noise, request, err);
    if (status == STATUS_OK)
        status = decode_latents(&made, &c->run.model, latent, 1, c->options.height, c->options.width, arena,
                                err);
    if (status != STATUS_OK)
        return status;
    const PngText texts[1] = {{"parameters", request}};
    status = png_write(c->output, &made, texts, 1, arena, err);
    if (status == STATUS_OK)
        result_file(&c->command.result, c->output);
    if (status == STATUS_OK)
        report(c);
    return status;
}

/* The options of the sampler and of the update; the rows point into *c. */
enum { RUN_ROWS = 27 };
static void run_table(DoodlCommand *c, Option table[RUN_ROWS])
{
    DoodlOptions *o = &c->options;
    const Option rows[RUN_ROWS] = {
        {OPTION_TEXT, "model", 'm', "model-path", &c->run.folder, 0, 0, "FOLDER",
         "model folder or file; the shipped one when left out"},
        {OPTION_TEXT, "config-from", 0, NULL, &c->run.config_from, 0, 0, "FOLDER",
         "model folder whose configurations and tokenizer belong to a model in one file"},
        {OPTION_CHOICE, "preset", 0, NULL, &c->preset, 0, 0, "none text class aesthetic personalisation",
         "the authors' settings of an application; options on the command line win"},
        {OPTION_TEXT, "prompt", 'p', NULL, &o->prompt, 0, 0, NULL, "what the picture is to show"},
        {OPTION_TEXT, "negative-prompt", 'n', NULL, &o->negative, 0, 0, NULL, "what it is not to show"},
        {OPTION_TEXT, "init-img", 'i', "input image", &c->input, 0, 0, "FILE",
         "PNG or PPM to edit: its own noise is moved, untied and of any length"},
        {OPTION_INT, "width", 'W', NULL, &c->width, 0, 65536, NULL, "pixels; 0: the model's"},
        {OPTION_INT, "height", 'H', NULL, &c->height, 0, 65536, NULL, "pixels; 0: the model's"},
        {OPTION_INT, "steps", 0, "num-inference-steps", &o->steps.steps, 1, 1000000, NULL,
         "steps of the sampler; they divide the model's timesteps"},
        {OPTION_INT, "updates", 0, NULL, &o->updates, 1, 1000000, NULL, "of the noise"},
        {OPTION_NUMBER, "cfg-scale", 0, "guidance-scale", &o->guidance, 0, 1000, NULL,
         "classifier-free guidance; 1: none"},
        {OPTION_NUMBER, "mix-weight", 0, NULL, &o->steps.mix, 0, 1, NULL, "p of the pair of latents"},
        {OPTION_NUMBER, "strength", 0, NULL, &o->steps.strength, 0, 1, NULL,
         "share of the steps that are taken (with -i)"},
        {OPTION_INT, "last", 0, "opt-t", &o->last, 0, 1000000, NULL,
         "optimise through the last steps alone; 0: all"},
        {OPTION_NUMBER, "momentum", 0, NULL, &o->update.momentum, 0, 1, NULL, "of the updates"},
        {OPTION_NUMBER, "clip-grad", 0, NULL, &o->update.clip, 0, 1e30, NULL,
         "limit of each number of the gradient"},
        {OPTION_NUMBER, "perturb", 0, NULL, &c->perturb, -1, 1e30, NULL,
         "noise added by each update; -1: 0.0001, and 0 with -i"},
        {OPTION_FLAG, "nesterov", 0, NULL, &o->update.nesterov, 0, 0, NULL, "Nesterov's momentum"},
        {OPTION_FLAG, "untied", 0, NULL, &c->untied, 0, 0, NULL, "let the two latents of the pair differ"},
        {OPTION_FLAG, "any-length", 0, NULL, &c->any_length, 0, 0, NULL, "let the noise change its length"},
        {OPTION_FLAG, "first-image-only", 0, NULL, &o->first_only, 0, 0, NULL,
         "the loss of the first latent's picture alone"},
        {OPTION_FLAG, "keep-going", 0, NULL, &c->keep_going, 0, 0, NULL,
         "also where the way back misses its start by a hundredth of the noise's length"},
        {OPTION_SEED, "seed", 's', NULL, &o->seed, 0, 0, NULL, "of noise, crops and perturbations"},
        {OPTION_CHOICE, "rng", 0, NULL, &c->rng, 0, 0, "philox torch",
         "random numbers: ours, or those of torch on the CPU"},
        {OPTION_TEXT, "output", 'o', NULL, &c->output, 0, 0, "PNG", "the finished picture"},
        {OPTION_TEXT, "resume", 0, NULL, &c->resume, 0, 0, "FILE",
         "state.safetensors of the same run, to go on from"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    memcpy(table, rows, sizeof rows);
}

int command_doodl(int argc, char **argv)
{
    DoodlCommand c = {
        .preset = "none",
        .output = "output.png",
        .rng = "philox",
        .perturb = -1.0,
        .options = DOODL_DEFAULTS,
        .loss = GUIDE_LOSS_DEFAULTS,
        .run = {.sampler_name = "auto", .prediction = "auto", .spacing = "auto", .sigmas = "auto"}};
    Option own[RUN_ROWS], loss[GUIDE_LOSS_OPTIONS];
    const Option record[] = {
        {OPTION_TEXT, "record", 0, NULL, &c.record_folder, 0, 0, "FOLDER",
         "log, curve of the loss, pictures on the way, a strip of them, and a state to resume from"},
        {OPTION_INT, "save-every", 0, NULL, &c.save_every, 0, 1000000, NULL,
         "updates between two pictures and states in that folder; 0: the first and the last picture alone"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "doodl",
                           .usage = "",
                           .about =
                               "Moves a picture's noise, by gradients through the whole sampler, until "
                               "the picture has a small loss.",
                           .presets = PRESETS,
                           .tables = {NULL, loss, record}};
    c.options.seed = 42;
    c.work.account = &c.command.memory;
    run_table(&c, own);
    guide_loss_table(&c.loss, loss);
    if (command_begin(&c.command, &about, own, argc, argv)) {
        const Status status = run(&c, &c.command.error);
        (void)status; /* command_end reports the error */
    }
    arena_free(&c.work);
    return command_end(&c.command);
}
