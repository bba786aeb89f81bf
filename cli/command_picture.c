/* cli/command_picture.c - the subcommands that make pictures: txt2img and its relatives. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/from_png.h"
#include "cli/latent_file.h"
#include "cli/picture_method.h"
#include "cli/picture_output.h"
#include "cli/picture_text.h"
#include "cli/schedule_print.h"

typedef struct {
    Command command;
    PictureRequest request;
    Dump dump;
    Preview preview;
    const char *output, *save_latents, *grid, *preset, *from_png;
    bool print_schedule;
} PictureCommand;

static Status write_latents(PictureCommand *t, const Txt2ImgResult *made, Error *err)
{
    const uint64_t dim[4] = {(uint64_t)made->count, (uint64_t)made->channels, (uint64_t)made->height,
                             (uint64_t)made->width};
    const Status status = latent_file_write(t->save_latents, made->latents, dim, &t->command.arena, err);
    if (status == STATUS_OK)
        result_file(&t->command.result, t->save_latents);
    return status;
}

static Status show_schedule(PictureCommand *t, Error *err)
{
    SamplerRun plan;
    Status status = run_model_open(&t->request.run, MODEL_SCHEDULER, &t->command.arena, err);
    if (status == STATUS_OK)
        status = picture_request_plan(&plan, &t->request, &t->command.arena, err);
    if (status == STATUS_OK)
        schedule_print(&t->command.result, &plan);
    return status;
}

/* What was asked for, as the pictures keep it. */
static Status write_request(PictureCommand *t, const Txt2ImgResult *made, Error *err)
{
    SamplerRun plan;
    JsonWriter *w = &t->command.result.json;
    const Status status = picture_request_plan(&plan, &t->request, &t->command.arena, err);
    json_write_text(w, "model", t->request.run.folder);
    json_write_text(w, "prompt", t->request.prompt);
    if (status == STATUS_OK)
        request_write(w, &t->request, &plan, &made->pictures[0]);
    return status;
}

static Status make(PictureCommand *t, Error *err)
{
    PictureRequest *r = &t->request;
    Txt2ImgOptions options;
    Txt2ImgResult made;
    int columns = 0;
    if (t->print_schedule)
        return show_schedule(t, err);
    Status status = picture_request_open(r, &options, &t->command, err);
    if (status == STATUS_OK && t->grid != NULL)
        status = grid_read(&columns, t->grid, options.images, r->name, err);
    if (status == STATUS_OK)
        status = picture_request_run(&made, r, &options, err);
    if (status != STATUS_OK)
        return status;
    const double seconds = progress_seconds(&r->progress);
    status = write_request(t, &made, err);
    json_write_number(&t->command.result.json, "sampling_seconds", seconds);
    if (status == STATUS_OK)
        status = pictures_write(r, &made, t->output, err);
    if (status == STATUS_OK && t->grid != NULL)
        status = grid_write(r, &made, t->output, columns, err);
    if (status == STATUS_OK && t->save_latents != NULL)
        status = write_latents(t, &made, err);
    if (status == STATUS_OK && !t->command.quiet)
        fprintf(stderr, "%d pictures in %.1f s, peak memory %.1f MiB\n", made.count, seconds,
                (double)t->command.memory.peak / 1048576.0);
    return status;
}

static Status run(PictureCommand *t, Error *err)
{
    const TapeWatch *watch;
    if (t->preview.folder == NULL && t->preview.every > 1)
        return error_set(err, STATUS_ARGUMENT, "%s: --preview-every needs --preview-dir",
                         t->request.method->name);
    Status status = dump_begin(&watch, &t->dump, &t->command, err);
    t->request.dump = watch != NULL ? &t->dump : NULL;
    t->request.preview = t->preview.folder != NULL ? &t->preview : NULL;
    if (status == STATUS_OK)
        status = make(t, err);
    const Status dumped = dump_end(&t->dump, err);
    return status == STATUS_OK ? dumped : status;
}

static int command(const PictureMethod *method, int argc, char **argv)
{
    PictureCommand t = {
        .output = "output.png", .preset = "none", .request = PICTURE_REQUEST, .preview = {.every = 1}};
    Option request[PICTURE_OPTIONS], of_method[PICTURE_METHOD_OPTIONS], dump[DUMP_OPTIONS],
        preview[PREVIEW_OPTIONS];
    const Option own[] = {
        {OPTION_INT, "batch-count", 'b', "num-images-per-prompt batch-size", &t.request.batch, 1, 65536,
         NULL, "pictures"},
        {OPTION_TEXT, "output", 'o', NULL, &t.output, 0, 0, "PNG",
         "PNG; several become NAME_1.png ...; or a folder"},
        {OPTION_TEXT, "grid", 0, NULL, &t.grid, 0, 0, "CxR",
         "COLUMNSxROWS: also write a contact sheet NAME_grid.png"},
        {OPTION_TEXT, "save-latents", 0, NULL, &t.save_latents, 0, 0, "FILE",
         "also write the final latents as .npy"},
        {OPTION_CHOICE, "preset", 0, NULL, &t.preset, 0, 0, PICTURE_PRESET_NAMES,
         "defaults of another program; options on the command line win"},
        {OPTION_TEXT, "from-png", 0, NULL, &t.from_png, 0, 0, "PNG",
         "options of this picture, as it or another program wrote them, first; the command line wins"},
        {OPTION_FLAG, "print-schedule", 0, NULL, &t.print_schedule, 0, 0, NULL,
         "print timesteps and coefficients of each step, and stop"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = method->name,
                           .usage = "",
                           .about = method->about,
                           .presets = PICTURE_PRESETS,
                           .from_png = options_from_png,
                           .tables = {NULL, of_method, own, preview, dump}};
    t.request.method = method;
    t.request.name = method->name;
    picture_request_table(&t.request, request);
    method->table(&t.request, of_method);
    preview_table(&t.preview, preview);
    dump_table(&t.dump, dump);
    if (command_begin(&t.command, &about, request, argc, argv)) {
        const Status status = run(&t, &t.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&t.command);
}

int command_txt2img(int argc, char **argv)
{
    return command(&METHOD_TXT2IMG, argc, argv);
}

int command_img2img(int argc, char **argv)
{
    return command(&METHOD_IMG2IMG, argc, argv);
}

int command_inpaint(int argc, char **argv)
{
    return command(&METHOD_INPAINT, argc, argv);
}

int command_control(int argc, char **argv)
{
    return command(&METHOD_CONTROL, argc, argv);
}

int command_adapter(int argc, char **argv)
{
    return command(&METHOD_ADAPTER, argc, argv);
}

int command_guide(int argc, char **argv)
{
    return command(&METHOD_GUIDE, argc, argv);
}
