/* cli/command_edict.c - a picture changed by two prompts, on a way that can be walked back exactly. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "cli/commands.h"
#include "cli/input_picture.h"
#include "cli/latent_file.h"
#include "cli/progress.h"
#include "cli/run_model.h"
#include "diffusion/pipeline_edict.h"
#include "io/png.h"

typedef struct {
    Command command;
    RunModel run;
    Progress progress;
    const char *input, *output, *save_noise, *base, *edit, *negative, *precision;
    double guidance;
    EdictOptions steps;
    bool reconstruct;
    Image original;
    float *latent, *noise; /* (1, L, h, w) and (2, 1, L, h, w) */
    size_t n;
    int channels, height, width; /* of the latent */
} EdictCommand;

static Status check(const EdictCommand *c, Error *err)
{
    if (c->input == NULL)
        return error_set(err, STATUS_ARGUMENT, "edict: a picture is needed: -i x.png");
    if (c->reconstruct && c->edit != NULL)
        return error_set(err, STATUS_ARGUMENT,
                         "edict: --reconstruct uses the base prompt, not --edit-prompt");
    if (!c->reconstruct && c->edit == NULL)
        return error_set(err, STATUS_ARGUMENT,
                         "edict: what is to change? --edit-prompt \"a red apple\", or --reconstruct");
    Status status = typed_text_check(c->base, "edict", "the base prompt", err);
    if (status == STATUS_OK)
        status = typed_text_check(c->negative, "edict", "the negative prompt", err);
    return status == STATUS_OK && c->edit != NULL
               ? typed_text_check(c->edit, "edict", "the edit prompt", err)
               : status;
}

/* The picture in its own size, and the mean of its posterior. */
static Status read_latent(EdictCommand *c, Error *err)
{
    Arena *arena = &c->command.arena;
    const Model *m = &c->run.model;
    const int factor = vae_factor(&m->config.vae);
    int width = 0, height = 0;
    Status status = input_picture(&c->original, c->input, 3, &width, &height, factor, arena, err);
    if (status != STATUS_OK)
        return status;
    c->channels = m->config.unet.out_channels;
    c->height = height / factor;
    c->width = width / factor;
    c->n = (size_t)c->channels * (size_t)c->height * (size_t)c->width;
    const PicturePlanes planes = {input_planes(&c->original, false, arena), 1, height, width};
    c->latent = arena_raw(arena, c->n, sizeof *c->latent);
    c->noise = arena_raw(arena, 2 * c->n, sizeof *c->noise);
    if (planes.planes == NULL || c->latent == NULL || c->noise == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for its latent", c->input);
    return encode_pictures(c->latent, 1, m, &planes, NULL, arena, err);
}

static bool on_back(void *context, int step, int count, const EdictPair *pair)
{
    EdictCommand *c = context;
    (void)pair;
    progress_show(&c->progress, (uint64_t)(count - step), (uint64_t)(2 * count), "", true);
    return !interrupted();
}

static bool on_forward(void *context, int step, int count, const EdictPair *pair)
{
    EdictCommand *c = context;
    (void)pair;
    progress_show(&c->progress, (uint64_t)(count + step + 1), (uint64_t)(2 * count), "", true);
    return !interrupted();
}

static Status edit(EdictCommand *c, Error *err)
{
    const EdictWatch back = {c, on_back}, forward = {c, on_forward};
    const EdictEdit options = {.base = c->base,
                               .edit = c->reconstruct ? c->base : c->edit,
                               .negative = c->negative,
                               .guidance = c->guidance,
                               .steps = c->steps,
                               .invert = &back,
                               .generate = &forward};
    interrupts_watch();
    c->progress = progress_begin("edict", c->command.quiet, 0);
    const Status status = edict_edit(c->latent, c->noise, &c->run.model, 1, c->height, c->width, &options,
                                     &c->command.arena, err);
    progress_end(&c->progress);
    return status;
}

/* The length of one of the pair of noise; that of N(0, I) is about sqrt(n). */
static double length(const float *x, size_t n)
{
    double squares = 0.0;
    for (size_t i = 0; i < n; i++)
        squares += (double)x[i] * (double)x[i];
    return sqrt(squares);
}

/* How far the result's pixels are from the picture's: of --reconstruct the error of the way, autoencoder included. */
static void report(EdictCommand *c, const Image *made, const float *before)
{
    double most = 0.0, off = 0.0;
    for (size_t i = 0; i < c->n; i++) {
        const double d = fabs((double)c->latent[i] - (double)before[i]);
        most = d > most ? d : most;
    }
    for (size_t i = 0; i < image_size(made); i++) {
        const double d = (double)made->pixels[i] - (double)c->original.pixels[i];
        off += d * d;
    }
    const double pixels = sqrt(off / (double)image_size(made));
    const double x = length(c->noise, c->n), y = length(c->noise + c->n, c->n);
    JsonWriter *w = &c->command.result.json;
    json_write_text(w, "model", c->run.folder);
    json_write_text(w, "input", c->input);
    json_write_number(w, "latent_max_change", most);
    json_write_number(w, "pixel_rms_change", pixels);
    json_begin_array(w, "noise_length");
    json_write_number(w, NULL, x);
    json_write_number(w, NULL, y);
    json_end(w);
    result_line(&c->command.result,
                "%s: latents %s by %.6g at most, pixels by %.4g levels rms; noise of length %.5g and %.5g "
                "(sqrt n is %.5g)\n",
                c->output, c->reconstruct ? "off" : "changed", most, pixels, x, y, sqrt((double)c->n));
}

static void describe(char text[1000], const EdictCommand *c)
{
    snprintf(text, 1000,
             "%.300s\nBase prompt: %.300s\nSteps: %d, Sampler: edict, CFG scale: %g, Mixing weight: %g, "
             "Denoising "
             "strength: %g, Version: ldm99 %s",
             c->reconstruct ? c->base : c->edit, c->base, c->steps.steps, c->guidance, c->steps.mix,
             c->steps.strength, LDM99_VERSION);
}

static Status write_noise(EdictCommand *c, Error *err)
{
    const uint64_t dim[4] = {2, (uint64_t)c->channels, (uint64_t)c->height, (uint64_t)c->width};
    const Status status = latent_file_write(c->save_noise, c->noise, dim, &c->command.arena, err);
    if (status == STATUS_OK)
        result_file(&c->command.result, c->save_noise);
    return status;
}

static Status run(EdictCommand *c, Error *err)
{
    Arena *arena = &c->command.arena;
    char text[1000];
    Image made;
    c->steps.single = strcmp(c->precision, "f32") == 0;
    Status status = check(c, err);
    if (status == STATUS_OK)
        status = run_model_open(&c->run, MODEL_ALL, arena, err);
    if (status == STATUS_OK)
        status = read_latent(c, err);
    if (status != STATUS_OK)
        return status;
    float *before = arena_raw(arena, c->n, sizeof *before);
    if (before == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for its latent", c->input);
    memcpy(before, c->latent, c->n * sizeof *before);
    status = edit(c, err);
    if (status == STATUS_OK)
        status = decode_latents(&made, &c->run.model, c->latent, 1, c->height, c->width, arena, err);
    if (status != STATUS_OK)
        return status;
    describe(text, c);
    const PngText texts[1] = {{"parameters", text}};
    status = png_write(c->output, &made, texts, 1, arena, err);
    if (status == STATUS_OK)
        result_file(&c->command.result, c->output);
    if (status == STATUS_OK && c->save_noise != NULL)
        status = write_noise(c, err);
    if (status == STATUS_OK)
        report(c, &made, before);
    return status;
}

int command_edict(int argc, char **argv)
{
    EdictCommand c = {
        .output = "output.png",
        .base = "",
        .negative = "",
        .precision = "f64",
        .guidance = 3.0,
        .steps = EDICT_DEFAULTS,
        .run = {.sampler_name = "auto", .prediction = "auto", .spacing = "auto", .sigmas = "auto"}};
    const Option own[] = {
        {OPTION_TEXT, "model", 'm', "model-path", &c.run.folder, 0, 0, "FOLDER",
         "model folder or file; the shipped one when left out"},
        {OPTION_TEXT, "config-from", 0, NULL, &c.run.config_from, 0, 0, "FOLDER",
         "model folder whose configurations and tokenizer belong to a model in one file"},
        {OPTION_TEXT, "init-img", 'i', "input image", &c.input, 0, 0, "FILE", "PNG or PPM to change"},
        {OPTION_TEXT, "base-prompt", 0, NULL, &c.base, 0, 0, NULL, "what the picture shows"},
        {OPTION_TEXT, "edit-prompt", 'p', "prompt", &c.edit, 0, 0, NULL, "what it is to show"},
        {OPTION_TEXT, "negative-prompt", 'n', NULL, &c.negative, 0, 0, NULL, "what it is not to show"},
        {OPTION_INT, "steps", 0, "num-inference-steps", &c.steps.steps, 1, 1000000, NULL,
         "steps of the whole way; they divide the model's timesteps"},
        {OPTION_NUMBER, "mix-weight", 0, NULL, &c.steps.mix, 0, 1, NULL,
         "how much the pair is left apart, p"},
        {OPTION_NUMBER, "strength", 0, NULL, &c.steps.strength, 0, 1, NULL,
         "share of the steps that is walked back and forth"},
        {OPTION_NUMBER, "cfg-scale", 0, "guidance-scale", &c.guidance, 0, 1000, NULL,
         "classifier-free guidance, both ways; 1: none"},
        {OPTION_CHOICE, "precision", 0, NULL, &c.precision, 0, 0, "f64 f32",
         "of the pair of latents; the networks are f32"},
        {OPTION_FLAG, "reconstruct", 0, NULL, &c.reconstruct, 0, 0, NULL,
         "back under the base prompt: the picture again, and how far it is off"},
        {OPTION_TEXT, "output", 'o', NULL, &c.output, 0, 0, "PNG", "the changed picture"},
        {OPTION_TEXT, "save-noise", 0, NULL, &c.save_noise, 0, 0, "FILE",
         "also write the pair of noise as .npy"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "edict",
                           .usage = "",
                           .about = "Changes a picture by two prompts: exactly back to noise under the "
                                    "one, forward under the other."};
    c.steps.strength = 0.8;
    if (command_begin(&c.command, &about, own, argc, argv)) {
        const Status status = run(&c, &c.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&c.command);
}
