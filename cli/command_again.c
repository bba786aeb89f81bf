/* cli/command_again.c - a picture made again from what it says of itself: are the bits the same? */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/picture_method.h"
#include "cli/picture_output.h"
#include "cli/picture_text.h"

typedef struct {
    Command command;
    PictureRequest request;
    Dump dump;
    const char *path, *model, *output;
    const Json *record; /* the picture's text "ldm99" */
    const PictureMethod *method;
    Image picture;
} Again;

static Status read_picture(Again *a, Error *err)
{
    Arena *arena = &a->command.arena;
    PngText *texts = NULL;
    int count = 0;
    Status status = png_read(&a->picture, a->path, arena, err);
    if (status == STATUS_OK)
        status = png_read_texts(&texts, &count, a->path, arena, err);
    if (status != STATUS_OK)
        return status;
    const char *text = png_text(texts, count, "ldm99");
    if (text == NULL)
        return error_set(err, STATUS_FORMAT, "%s: does not say how it was made (no text \"ldm99\")",
                         a->path);
    status = json_parse(&a->record, text, strlen(text), a->path, arena, err);
    const char *how = json_text(json_get(a->record, "subcommand"), "");
    a->method = picture_method_find(how);
    if (status == STATUS_OK && a->method == NULL)
        status = error_set(err, STATUS_FORMAT, "%s: was made by \"%.40s\", which again does not know",
                           a->path, how);
    return status;
}

static Status read_request(Again *a, Error *err)
{
    Option table[PICTURE_OPTIONS], own[PICTURE_METHOD_OPTIONS];
    const Options options = {.command = a->path, .usage = "", .tables = {table, own}};
    Error why = {.status = STATUS_OK};
    a->request = PICTURE_REQUEST;
    a->request.name = "again";
    a->request.method = a->method;
    picture_request_table(&a->request, table);
    a->method->table(&a->request, own);
    if (options_set_all(&options, json_get(a->record, "options"), a->path, &why) != STATUS_OK)
        return error_set(err, STATUS_FORMAT, "%s", why.text);
    if (a->request.latents != NULL)
        a->request.latent = json_int(json_get(a->record, "latent"), 0);
    if (a->model != NULL)
        a->request.run.folder = a->model;
    return STATUS_OK;
}

/* The files that were given besides the model must be the ones that the picture was made from. */
static Status check_inputs(const Again *a, Error *err)
{
    const Json *recorded = json_get(a->record, "inputs_sha256");
    for (int i = 0; i < a->request.inputs; i++) {
        const InputFile *file = &a->request.input[i];
        const char *then = json_text(json_get(recorded, file->path), "not recorded");
        if (strcmp(then, file->sha256) != 0)
            return error_set(err, STATUS_DIFFERENT,
                             "%s: is another file than %s was made from: sha256 %s, expected %s",
                             file->path, a->path, file->sha256, then);
    }
    return STATUS_OK;
}

/* The first file of the model that is not the one that made the picture; NULL when all are. */
static const char *other_file(const Again *a)
{
    const ModelFiles *files = &a->request.files;
    const Json *recorded = json_get(a->record, "model_sha256");
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(json_text(json_get(recorded, files->file[i].name), ""), files->file[i].sha256) != 0)
            return files->file[i].name;
    return json_count(recorded) == files->count ? NULL : "a file that is not there now";
}

/* Why the bits may differ, as far as the records tell. */
static void reason(char text[200], const Again *a, const char *made)
{
    char now[65];
    const char *file = other_file(a), *then = json_text(json_get(a->record, "pixels_sha256"), "");
    const char *version = json_text(json_get(a->record, "version"), "");
    const char *latents = json_text(json_get(a->record, "latents_sha256"), "");
    picture_hash(now, &a->picture);
    if (strcmp(then, made) == 0 && strcmp(then, now) != 0)
        snprintf(text, 200, "the file's pixels were changed after it was made");
    else if (file != NULL)
        snprintf(text, 200, "the model is another one: %.100s has another hash", file);
    else if (strcmp(latents, a->request.latents_hash) != 0)
        snprintf(text, 200, "the file of latents has another hash");
    else if (json_int(json_get(a->record, "contract"), 0) != LDM99_CONTRACT)
        snprintf(text, 200, "it was made under another version of the numeric contract");
    else if (strcmp(version, LDM99_VERSION) != 0)
        snprintf(text, 200, "it was made by version %.40s, this is %s", version, LDM99_VERSION);
    else
        snprintf(text, 200,
                 "model, options and version are the same: this build or machine is not on contract");
}

static Status different(const Again *a, const Image *made, const char *why, Error *err)
{
    const Image *was = &a->picture;
    if (was->width != made->width || was->height != made->height || was->channels != made->channels)
        return error_set(err, STATUS_DIFFERENT, "%s: not the same: is %dx%d, came out %dx%d; %s", a->path,
                         was->width, was->height, made->width, made->height, why);
    size_t count = 0, first = 0;
    for (size_t i = image_size(made); i-- > 0;)
        if (was->pixels[i] != made->pixels[i]) {
            count++;
            first = i;
        }
    const size_t channels = (size_t)made->channels, width = (size_t)made->width;
    return error_set(
        err, STATUS_DIFFERENT,
        "%s: not the same: %zu of %zu bytes differ, the first at x %zu, y %zu, channel %zu: %d, now "
        "%d; %s",
        a->path, count, image_size(made), first / channels % width, first / channels / width,
        first % channels, was->pixels[first], made->pixels[first], why);
}

static bool same_pixels(const Image *a, const Image *b)
{
    return a->width == b->width && a->height == b->height && a->channels == b->channels &&
           memcmp(a->pixels, b->pixels, image_size(a)) == 0;
}

static Status make(Again *a, const TapeWatch *watch, Error *err)
{
    JsonWriter *w = &a->command.result.json;
    Txt2ImgOptions options;
    Txt2ImgResult made;
    char hash[65], why[200];
    Status status = read_picture(a, err);
    if (status == STATUS_OK)
        status = read_request(a, err);
    a->request.dump = watch != NULL ? &a->dump : NULL;
    if (status == STATUS_OK)
        status = picture_request_open(&a->request, &options, &a->command, err);
    if (status == STATUS_OK)
        status = check_inputs(a, err);
    if (status == STATUS_OK)
        status = picture_request_run(&made, &a->request, &options, err);
    if (status == STATUS_OK && a->output != NULL)
        status = pictures_write(&a->request, &made, a->output, err);
    if (status != STATUS_OK)
        return status;
    const bool same = same_pixels(&a->picture, &made.pictures[0]);
    picture_hash(hash, &made.pictures[0]);
    json_write_text(w, "picture", a->path);
    json_write_bool(w, "same", same);
    json_write_bool(w, "same_model", other_file(a) == NULL);
    json_write_text(w, "pixels_sha256", hash);
    if (same) {
        result_line(&a->command.result, "%s: the same bits, pixels sha256 %s%s\n", a->path, hash,
                    other_file(a) != NULL ? " (from other model files)" : "");
        return STATUS_OK;
    }
    reason(why, a, hash);
    json_write_text(w, "reason", why);
    return different(a, &made.pictures[0], why, err);
}

static Status run(Again *a, Error *err)
{
    const TapeWatch *watch;
    a->path = a->command.options.words[0];
    Status status = dump_begin(&watch, &a->dump, &a->command, err);
    if (status == STATUS_OK)
        status = make(a, watch, err);
    const Status dumped = dump_end(&a->dump, err);
    return status == STATUS_OK ? dumped : status;
}

int command_again(int argc, char **argv)
{
    Again a = {.output = NULL};
    Option dump[DUMP_OPTIONS];
    const Option own[] = {
        {OPTION_TEXT, "model", 'm', "model-path", &a.model, 0, 0, "FOLDER",
         "model folder; the one that the picture names when left out"},
        {OPTION_TEXT, "output", 'o', NULL, &a.output, 0, 0, "PNG", "also write what came out to this PNG"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "again",
                           .usage = "PNG",
                           .words_low = 1,
                           .words_high = 1,
                           .tables = {NULL, dump},
                           .about =
                               "Makes a picture again from its own record; exit 4 when the bits differ."};
    dump_table(&a.dump, dump);
    if (command_begin(&a.command, &about, own, argc, argv)) {
        const Status status = run(&a, &a.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&a.command);
}
