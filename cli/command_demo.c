/* cli/command_demo.c - sheets of pictures from the shipped model, to see in a minute what the program does. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/run_model.h"
#include "cli/showcase.h"
#include "diffusion/pipeline_txt2img.h"
#include "io/png.h"
#include "io/sheet.h"

enum { PROMPTS = 8, EACH = 2 };

static const char *const prompts[PROMPTS] = {
    "a red apple in noto style",
    "a cat face in twemoji style",
    "a sunflower in flat style",
    "a grinning face in blob style on blue",
    "a rocket in twemoji style on pink",
    "a hamburger in noto style",
    "a red heart top left and a star bottom right",
    "a dog face in front of a house",
};

typedef struct {
    Command command;
    RunModel model;
    const char *output, *world;
    int steps;
    double guidance;
    uint64_t seed;
    Progress progress;
} Demo;

static bool on_step(void *context, const DenoiseProgress *at)
{
    Demo *d = context;
    progress_show(&d->progress, (uint64_t)at->call + 1, (uint64_t)at->calls, "", (at->call + 1) % 5 == 0);
    return !interrupted();
}

static Status write_sheet(Demo *d, const Txt2ImgResult *result, Arena *arena, Error *err)
{
    SheetCell cells[PROMPTS * EACH];
    Image sheet;
    const char *path = path_join(arena, d->output, "demo.png");
    const SheetOptions options = {.columns = 8, .zoom = 2, .title = "ldm99 demo"};
    for (int i = 0; i < PROMPTS; i++) /* the second pictures stand below the first ones */
        for (int k = 0; k < EACH; k++)
            cells[k * PROMPTS + i] = (SheetCell){&result->pictures[i * EACH + k], prompts[i]};
    Status status = path != NULL ? folder_make(d->output, err)
                                 : error_set(err, STATUS_MEMORY, "no memory for a file name");
    if (status == STATUS_OK)
        status = sheet_make(&sheet, cells, PROMPTS * EACH, &options, arena, err);
    if (status == STATUS_OK)
        status = png_write(path, &sheet, NULL, 0, arena, err);
    if (status == STATUS_OK)
        result_file(&d->command.result, path);
    return status;
}

static void write_members(const Demo *d, JsonWriter *w)
{
    json_begin_array(w, "pictures");
    for (int i = 0; i < PROMPTS * EACH; i++) {
        json_begin_object(w, NULL);
        json_write_text(w, "prompt", prompts[i / EACH]);
        json_write_uint64(w, "seed", d->seed + (uint64_t)i);
        json_end(w);
    }
    json_end(w);
}

static Status tour(Demo *d, Error *err)
{
    Arena *arena = &d->command.arena;
    Txt2ImgOptions o = TXT2IMG_DEFAULTS;
    Txt2ImgResult result;
    const DenoiseHooks hooks = {.context = d, .progress = on_step};
    o.prompts = prompts;
    o.count = PROMPTS;
    o.images = EACH;
    o.steps = d->steps;
    o.guidance = d->guidance;
    o.seed = d->seed;
    o.sampler = &SAMPLER_DDIM;
    o.loop = &hooks;
    d->progress = progress_begin("demo", d->command.quiet, 0);
    Status status = txt2img(&result, &d->model.model, &o, arena, err);
    progress_end(&d->progress);
    if (status == STATUS_OK)
        status = write_sheet(d, &result, arena, err);
    write_members(d, &d->command.result.json);
    if (status == STATUS_OK && !d->command.quiet)
        fprintf(stderr, "%d pictures in %.1f s, peak memory %.1f MiB\n", result.count,
                progress_seconds(&d->progress), (double)d->command.memory.peak / 1048576.0);
    return status;
}

/* ---- the parts ---- */

typedef struct {
    const char *name;
    Status (*make)(Showcase *s, Error *err); /* NULL: the tour */
} Part;

static const Part PARTS[] = {{"tour", NULL},
                             {"objects", showcase_objects},
                             {"scenes", showcase_scenes},
                             {"generalisation", showcase_generalisation}};
enum { PARTS_COUNT = sizeof PARTS / sizeof PARTS[0] };

static const Part *find_part(const char *name, Error *err)
{
    const char *names[PARTS_COUNT + 1] = {NULL};
    for (int i = 0; i < PARTS_COUNT; i++) {
        if (strcmp(name, PARTS[i].name) == 0)
            return &PARTS[i];
        names[i] = PARTS[i].name;
    }
    const char *near = nearest_word(name, names);
    (void)error_set(err, STATUS_ARGUMENT,
                    "demo: unknown part \"%.40s\", expected tour, objects, scenes or generalisation%s%s",
                    name, near != NULL ? "; did you mean " : "", near != NULL ? near : "");
    return NULL;
}

static Status run(Demo *d, Error *err)
{
    const Options *words = &d->command.options;
    const Part *part[OPTIONS_WORDS] = {PARTS};
    const int count = words->word_count > 0 ? words->word_count : 1;
    bool needs_world = false;
    Showcase show = {.command = &d->command,
                     .model = &d->model.model,
                     .folder = d->output,
                     .steps = d->steps,
                     .guidance = d->guidance,
                     .seed = d->seed};
    for (int i = 0; i < words->word_count; i++) {
        part[i] = find_part(words->words[i], err);
        if (part[i] == NULL)
            return STATUS_ARGUMENT;
        needs_world = needs_world || part[i]->make != NULL;
    }
    Status status = run_model_open(&d->model, MODEL_ALL, &d->command.arena, err);
    if (status == STATUS_OK && needs_world && d->world == NULL)
        status = shipped_folder(&d->world, "world", &d->command.arena, err);
    if (status == STATUS_OK && needs_world)
        status = world_open(&show.world, d->world, &d->command.arena, err);
    if (status != STATUS_OK)
        return status;
    json_write_text(&d->command.result.json, "model", d->model.folder);
    json_write_int(&d->command.result.json, "steps", d->steps);
    json_write_number(&d->command.result.json, "cfg-scale", d->guidance);
    interrupts_watch();
    for (int i = 0; i < count && status == STATUS_OK; i++)
        status = part[i]->make != NULL ? part[i]->make(&show, err) : tour(d, err);
    return status;
}

int command_demo(int argc, char **argv)
{
    Demo d = {.output = "out", .steps = 25, .guidance = 4.0, .seed = 1};
    const Option own[] = {
        {OPTION_TEXT, "model", 'm', "model-path", &d.model.folder, 0, 0, "FOLDER",
         "model folder in the diffusers layout; the shipped one when left out"},
        {OPTION_TEXT, "output", 'o', NULL, &d.output, 0, 0, "FOLDER", "folder for the sheets"},
        {OPTION_INT, "steps", 0, "num-inference-steps", &d.steps, 1, 1000, NULL, "denoising steps"},
        {OPTION_NUMBER, "cfg-scale", 0, "guidance-scale", &d.guidance, 0, 1000, NULL,
         "classifier-free guidance"},
        {OPTION_SEED, "seed", 's', NULL, &d.seed, 0, 0, NULL, "of a sheet's first picture"},
        {OPTION_TEXT, "data", 0, "world", &d.world, 0, 0, "FOLDER",
         "folder of the picture world; the shipped one when left out"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "demo",
                           .usage = "[tour|objects|scenes|generalisation ...]",
                           .words_high = PARTS_COUNT,
                           .about =
                               "Sheets of pictures: a tour of eight prompts, or what the model can do."};
    if (command_begin(&d.command, &about, own, argc, argv)) {
        const Status status = run(&d, &d.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&d.command);
}
