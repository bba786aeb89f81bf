/* cli/command_txt2img.c - pictures from a prompt. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/latent_file.h"
#include "cli/picture_text.h"
#include "cli/progress.h"
#include "cli/run_model.h"
#include "io/sheet.h"

typedef struct {
    Command command;
    RunModel model;
    const char *prompt, *negative, *output, *latents, *save_latents, *grid, *rng;
    int width, height, steps, batch, clip_skip;
    double guidance, rescale, eta;
    uint64_t seed;
    Progress progress;
} Txt2Img;

static bool on_step(void *context, const DenoiseProgress *at)
{
    Txt2Img *t = context;
    progress_show(&t->progress, (uint64_t)at->call + 1, (uint64_t)at->calls, "", true);
    return !interrupted();
}

/* "4x2": columns and rows. */
static Status read_grid(int *columns, int *rows, const char *text, Error *err)
{
    char rest = 0;
    if (sscanf(text, "%4dx%4d%c", columns, rows, &rest) != 2 || *columns < 1 || *rows < 1)
        return error_set(err, STATUS_ARGUMENT, "txt2img: --grid is \"%.40s\", expected COLUMNSxROWS", text);
    return STATUS_OK;
}

static Status write_grid(const Txt2Img *t, const Txt2ImgResult *result, Arena *arena, Error *err)
{
    int columns = 0, rows = 0;
    Image sheet;
    Status status = read_grid(&columns, &rows, t->grid, err);
    if (status != STATUS_OK)
        return status;
    const int count = result->count < columns * rows ? result->count : columns * rows;
    SheetCell *cells = arena_alloc(arena, (size_t)count, sizeof *cells);
    if (cells == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the sheet");
    for (int i = 0; i < count; i++)
        cells[i] = (SheetCell){&result->pictures[i], NULL};
    const SheetOptions options = {.columns = columns};
    status = sheet_make(&sheet, cells, count, &options, arena, err);
    Bytes name = {.arena = arena};
    const char *dot = strrchr(t->output, '.');
    bytes_add(&name, t->output, dot != NULL ? (size_t)(dot - t->output) : strlen(t->output));
    bytes_add_text(&name, "_grid.png");
    bytes_add_byte(&name, '\0');
    if (status == STATUS_OK && name.failed)
        status = error_set(err, STATUS_MEMORY, "no memory for a file name");
    return status == STATUS_OK ? png_write((const char *)name.data, &sheet, NULL, 0, arena, err) : status;
}

static Status write_pictures(Txt2Img *t, const Txt2ImgOptions *options, const Txt2ImgResult *result,
                             Error *err)
{
    Arena *arena = &t->command.arena;
    Status status = STATUS_OK;
    for (int i = 0; i < result->count && status == STATUS_OK; i++) {
        PngText texts[PICTURE_TEXTS];
        const char *path = NULL;
        const Image *picture = &result->pictures[i];
        status = output_name(&path, t->output, i, result->count, t->seed + (uint64_t)i, arena, err);
        if (status == STATUS_OK)
            status = picture_texts(texts, &t->model.model, t->model.folder, options, i, picture->width,
                                   picture->height, arena, err);
        if (status == STATUS_OK)
            status = png_write(path, picture, texts, PICTURE_TEXTS, arena, err);
        if (status == STATUS_OK)
            result_file(&t->command.result, path);
    }
    if (status == STATUS_OK && t->grid != NULL)
        status = write_grid(t, result, arena, err);
    if (status == STATUS_OK && t->save_latents != NULL) {
        const uint64_t dim[4] = {(uint64_t)result->count, (uint64_t)result->channels,
                                 (uint64_t)result->height, (uint64_t)result->width};
        status = latent_file_write(t->save_latents, result->latents, dim, arena, err);
    }
    return status;
}

static void warn_of_cut_prompts(const Txt2Img *t, const Txt2ImgOptions *options,
                                const Txt2ImgResult *result)
{
    for (int i = 0; i <= options->count && !t->command.quiet; i++)
        if (result->prompts[i].cut[0] != '\0')
            fprintf(stderr, "ldm99: the prompt is too long; cut off: \"%s\"\n", result->prompts[i].cut);
}

static Status run(Txt2Img *t, Error *err)
{
    Arena *arena = &t->command.arena;
    Txt2ImgOptions o = TXT2IMG_DEFAULTS;
    Txt2ImgResult result;
    if (t->prompt == NULL)
        return error_set(err, STATUS_ARGUMENT, "txt2img: a prompt is needed: -p \"a red apple\"");
    Status status = run_model_open(&t->model, MODEL_ALL, arena, err);
    if (status != STATUS_OK)
        return status;
    const DenoiseHooks hooks = {.context = t, .progress = on_step};
    o.prompts = &t->prompt;
    o.count = 1;
    o.images = t->batch;
    o.negative = t->negative;
    o.width = t->width;
    o.height = t->height;
    o.steps = t->steps;
    o.guidance = t->guidance;
    o.rescale = t->rescale;
    o.clip_skip = t->clip_skip;
    o.rng = strcmp(t->rng, "torch") == 0 ? RNG_TORCH : RNG_PHILOX;
    o.seed = t->seed;
    o.sampler = t->model.sampler;
    o.options.eta = t->eta;
    o.loop = &hooks;
    if (t->latents != NULL)
        status = latent_file_read(&o, t->latents, &t->model.model, arena, err);
    interrupts_watch();
    t->progress = progress_begin("txt2img", t->command.quiet, 0);
    if (status == STATUS_OK)
        status = txt2img(&result, &t->model.model, &o, arena, err);
    progress_end(&t->progress);
    if (status != STATUS_OK)
        return status;
    warn_of_cut_prompts(t, &o, &result);
    status = write_pictures(t, &o, &result, err);
    if (status == STATUS_OK && !t->command.quiet)
        fprintf(stderr, "%d pictures in %.1f s, peak memory %.1f MiB\n", result.count,
                progress_seconds(&t->progress), (double)arena->reserved_peak / 1048576.0);
    return status;
}

int command_txt2img(int argc, char **argv)
{
    Txt2Img t = {.output = "output.png",
                 .negative = "",
                 .rng = "philox",
                 .steps = 20,
                 .batch = 1,
                 .guidance = 7.0,
                 .seed = 42};
    const Option own[] = {
        {OPTION_TEXT, "model", 'm', "model-path", &t.model.folder, 0, 0, NULL,
         "model folder in the diffusers layout; the shipped one when left out"},
        {OPTION_TEXT, "prompt", 'p', NULL, &t.prompt, 0, 0, NULL, "what the picture is to show"},
        {OPTION_TEXT, "negative-prompt", 'n', NULL, &t.negative, 0, 0, NULL, "what it is not to show"},
        {OPTION_TEXT, "output", 'o', NULL, &t.output, 0, 0, NULL,
         "PNG; several become NAME_1.png ...; or a folder"},
        {OPTION_INT, "width", 'W', NULL, &t.width, 0, 65536, NULL, "pixels; 0: the model's"},
        {OPTION_INT, "height", 'H', NULL, &t.height, 0, 65536, NULL, "pixels; 0: the model's"},
        {OPTION_INT, "steps", 0, "num-inference-steps", &t.steps, 1, 1000000, NULL, "denoising steps"},
        {OPTION_NUMBER, "cfg-scale", 0, "guidance-scale", &t.guidance, 0, 1000, NULL,
         "classifier-free guidance; 1: none"},
        {OPTION_NUMBER, "cfg-rescale", 0, "guidance-rescale", &t.rescale, 0, 1, NULL,
         "share of the rescaled guidance"},
        {OPTION_CHOICE, "sampling-method", 0, "sampler", &t.model.sampler_name, 0, 0, "auto ddim ddpm",
         "the model's scheduler, or one of"},
        {OPTION_CHOICE, "prediction", 0, "prediction-type", &t.model.prediction, 0, 0,
         "auto epsilon v_prediction sample", "what the network predicts"},
        {OPTION_CHOICE, "timestep-spacing", 0, NULL, &t.model.spacing, 0, 0,
         "auto leading trailing linspace", "which timesteps are visited"},
        {OPTION_NUMBER, "eta", 0, NULL, &t.eta, 0, 1, NULL, "ddim: noise of each step, 0 none, 1 as ddpm"},
        {OPTION_SEED, "seed", 's', NULL, &t.seed, 0, 0, NULL,
         "of the first picture; picture i has seed + i"},
        {OPTION_INT, "batch-count", 'b', "num-images-per-prompt batch-size", &t.batch, 1, 100000, NULL,
         "pictures"},
        {OPTION_CHOICE, "rng", 0, NULL, &t.rng, 0, 0, "philox torch",
         "random numbers: ours, or those of torch on the CPU"},
        {OPTION_INT, "clip-skip", 0, NULL, &t.clip_skip, 0, 100, NULL,
         "last layers of the text encoder to leave out"},
        {OPTION_TEXT, "latents", 0, NULL, &t.latents, 0, 0, NULL,
         "starting noise from this .npy instead of drawn"},
        {OPTION_TEXT, "save-latents", 0, NULL, &t.save_latents, 0, 0, NULL,
         "also write the final latents as .npy"},
        {OPTION_TEXT, "grid", 0, NULL, &t.grid, 0, 0, NULL,
         "COLUMNSxROWS: also write a contact sheet NAME_grid.png"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "txt2img", .usage = "", .about = "Pictures from a prompt."};
    t.model.sampler_name = t.model.prediction = t.model.spacing = "auto";
    if (command_begin(&t.command, &about, own, argc, argv)) {
        const Status status = run(&t, &t.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&t.command);
}
