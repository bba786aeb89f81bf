/* cli/command_segment.c - which thing is where in a picture, as a map in colours. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/common.h"
#include "diffusion/label_colour.h"
#include "diffusion/segmenter.h"
#include "io/picture.h"

typedef struct {
    Command command;
    const char *model, *input, *output, *labels;
    Segmenter segmenter;
} Segmenting;

/* The picture over white, as planes. */
static Status read_planes(float **out, Image *picture, const char *path, Arena *arena, Error *err)
{
    static const unsigned char white[3] = {255, 255, 255};
    Image file;
    Status status = picture_read(&file, path, arena, err);
    if (status == STATUS_OK)
        status = image_flatten(picture, &file, white, arena, err);
    if (status == STATUS_OK)
        status = image_convert(picture, picture, 3, arena, err);
    if (status != STATUS_OK)
        return status;
    *out = arena_raw(arena, image_size(picture), sizeof **out);
    if (*out == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for %zu numbers", path, image_size(picture));
    image_to_planes(*out, picture);
    return STATUS_OK;
}

/* The labels that were found, those with the most pixels first: name, pixels, share, colour. */
static void report(Segmenting *s, const uint16_t *label, size_t pixels, bool categories)
{
    Result *r = &s->command.result;
    const Segmenter *g = &s->segmenter;
    json_begin_array(&r->json, "labels");
    for (size_t bar = pixels; bar > 0;) {
        size_t next = 0;
        for (int k = 0; k < (categories ? g->categories + 1 : g->count); k++) {
            unsigned char rgb[3];
            size_t count = 0;
            for (size_t p = 0; p < pixels; p++)
                count += label[p] == k;
            if (count < bar && count > next)
                next = count;
            if (count != bar)
                continue;
            const char *name = !categories ? g->label[k].name : k > 0 ? g->category[k - 1] : "background";
            const int number = categories ? k : g->label[k].number;
            const double share = (double)count / (double)pixels;
            label_colour(rgb, (unsigned)number);
            result_line(r, "%5.1f %%  #%02x%02x%02x  %3d  %s\n", 100.0 * share, rgb[0], rgb[1], rgb[2],
                        number, name);
            json_begin_object(&r->json, NULL);
            json_write_int(&r->json, "label", number);
            json_write_text(&r->json, "name", name);
            json_write_uint64(&r->json, "pixels", count);
            json_write_number(&r->json, "share", share);
            json_end(&r->json);
        }
        bar = next;
    }
    json_end(&r->json);
}

static Status run(Segmenting *s, Error *err)
{
    Arena *arena = &s->command.arena;
    Image picture, map;
    float *planes = NULL;
    const bool categories = strcmp(s->labels, "category") == 0;
    if (s->input == NULL)
        return error_set(err, STATUS_ARGUMENT, "segment: a picture is needed: -i x.png");
    Status status = STATUS_OK;
    if (s->model == NULL)
        status = shipped_folder(&s->model, "segmentation", arena, err);
    if (status == STATUS_OK)
        status = segmenter_open(&s->segmenter, s->model, arena, err);
    if (status == STATUS_OK)
        status = read_planes(&planes, &picture, s->input, arena, err);
    if (status == STATUS_OK)
        status = image_new(&map, picture.width, picture.height, 3, arena, err);
    if (status != STATUS_OK)
        return status;
    const size_t pixels = (size_t)picture.width * (size_t)picture.height;
    uint16_t *label = arena_raw(arena, pixels, sizeof *label);
    if (label == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for its labels", s->input);
    status = segment(label, &s->segmenter, planes, 1, picture.height, picture.width, arena, err);
    if (status != STATUS_OK)
        return status;
    json_write_text(&s->command.result.json, "model", s->model);
    json_write_text(&s->command.result.json, "input", s->input);
    if (categories)
        segment_categories(label, &s->segmenter, label, pixels);
    report(s, label, pixels, categories);
    if (!categories)
        segment_numbers(label, &s->segmenter, label, pixels);
    label_paint(&map, label);
    status = picture_write(s->output, &map, NULL, 0, arena, err);
    if (status != STATUS_OK)
        return status;
    result_file(&s->command.result, s->output);
    return STATUS_OK;
}

int command_segment(int argc, char **argv)
{
    Segmenting s = {.output = "labels.png", .labels = "concept"};
    const Option own[] = {
        {OPTION_TEXT, "model", 'm', NULL, &s.model, 0, 0, "FOLDER",
         "folder of a segmentation network; the shipped one when left out"},
        {OPTION_TEXT, "input", 'i', "init-img", &s.input, 0, 0, "FILE", "picture: PNG or PPM"},
        {OPTION_TEXT, "output", 'o', NULL, &s.output, 0, 0, "PNG", "the labels in colour"},
        {OPTION_CHOICE, "labels", 0, NULL, &s.labels, 0, 0, "concept category", "what is told apart"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "segment",
                           .usage = "",
                           .about = "Which thing is where in a picture: a map in colours, and shares."};
    if (command_begin(&s.command, &about, own, argc, argv)) {
        const Status status = run(&s, &s.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&s.command);
}
