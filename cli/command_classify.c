/* cli/command_classify.c - what is in a picture and by whose hand, by a classifier of the picture world. */
#include <stdio.h>
#include <string.h>

#include "base/folder_list.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/picture_names.h"
#include "diffusion/picture_quarter.h"
#include "diffusion/vgg.h"
#include "io/picture.h"
#include "io/resize.h"
#include "nn/softmax.h"

typedef struct {
    Command command;
    const char *model, *input;
    int top;
    bool quarters;
    Vgg vgg;
    uint64_t pictures;
} Classifying;

static const char *const QUARTER_NAMES[] = {"top left", "top right", "bottom left", "bottom right"};

/* The picture over white, of the classifier's size: (1,3,size,size) in [-1,1]. */
static Tensor *read_picture(const Classifying *c, Tape *tape, const char *path, Arena *arena, Error *err)
{
    static const unsigned char white[3] = {255, 255, 255};
    const int size = c->vgg.config.sample_size;
    Image image;
    Status status = picture_read(&image, path, arena, err);
    if (status == STATUS_OK)
        status = image_flatten(&image, &image, white, arena, err);
    if (status == STATUS_OK)
        status = image_convert(&image, &image, 3, arena, err);
    if (status == STATUS_OK && (image.width != size || image.height != size))
        status = image_cover(&image, &image, size, size, RESIZE_CUBIC, arena, err);
    if (status != STATUS_OK)
        return NULL;
    float *planes = tape_alloc(tape, image_size(&image), sizeof *planes);
    if (planes != NULL)
        image_to_planes(planes, &image);
    return planes != NULL ? tape_input(tape, planes, 4, (const int[]){1, 3, size, size}, false) : NULL;
}

/* The outputs of a head by falling probability, `top` of them; equal ones by their number. */
static void report_head(Classifying *c, const VggHead *head, const float *probability)
{
    Result *r = &c->command.result;
    const int count = c->top < head->outputs ? c->top : head->outputs;
    int last = -1;
    result_line(r, "  %s:", head->name);
    json_begin_array(&r->json, head->name);
    for (int place = 0; place < count; place++) {
        int best = -1;
        for (int k = 0; k < head->outputs; k++) {
            const bool left = last < 0 || probability[k] < probability[last] ||
                              (probability[k] == probability[last] && k > last);
            if (left && (best < 0 || probability[k] > probability[best]))
                best = k;
        }
        char number[16];
        snprintf(number, sizeof number, "%d", best);
        const char *name = head->label != NULL ? head->label[best] : number;
        result_line(r, "%s %s %.3f", place > 0 ? "," : "", name, (double)probability[best]);
        json_begin_object(&r->json, NULL);
        json_write_text(&r->json, "name", name);
        json_write_int(&r->json, "label", best);
        json_write_number(&r->json, "probability", (double)probability[best]);
        json_end(&r->json);
        last = best;
    }
    json_end(&r->json);
    result_line(r, "\n");
}

static Status classify(Classifying *c, Tape *tape, Tensor *x, const char *path, Error *err)
{
    Tensor *logits = vgg(tape, &c->vgg, x, NULL, NULL);
    for (int i = 0; i < c->vgg.config.heads; i++) {
        const Tensor *probability = softmax(tape, vgg_head_logits(tape, &c->vgg, logits, i));
        if (probability == NULL)
            return error_set(err, tape->error.status, "%s: %s", path, tape->error.text);
        if (!tensor_finite(probability))
            return error_set(err, STATUS_NOT_FINITE, "%s: its probabilities are not finite", path);
        report_head(c, &c->vgg.config.head[i], probability->data);
    }
    return STATUS_OK;
}

static Status classify_file(Classifying *c, const char *path, Error *err)
{
    Arena *arena = &c->command.arena;
    const ArenaMark mark = arena_mark(arena);
    Result *r = &c->command.result;
    Tape tape = {.arena = arena};
    Tensor *x = read_picture(c, &tape, path, arena, err);
    if (x == NULL)
        return error_set(err, tape.error.status, "%s: %s", path, tape.error.text);
    result_line(r, "%s\n", path);
    json_begin_object(&r->json, NULL);
    json_write_text(&r->json, "path", path);
    Status status = classify(c, &tape, x, path, err);
    if (c->quarters)
        json_begin_array(&r->json, "quarters");
    for (int q = 0; q < PICTURE_QUARTERS && c->quarters && status == STATUS_OK; q++) {
        result_line(r, " %s\n", QUARTER_NAMES[q]);
        json_begin_object(&r->json, NULL);
        json_write_text(&r->json, "place", QUARTER_NAMES[q]);
        status = classify(c, &tape, picture_quarter(&tape, x, q), path, err);
        json_end(&r->json);
    }
    if (c->quarters)
        json_end(&r->json);
    json_end(&r->json);
    c->pictures++;
    arena_release(arena, mark);
    return status;
}

static Status classify_all(Classifying *c, Error *err)
{
    Arena *arena = &c->command.arena;
    const char *const *names = NULL;
    size_t count = 0;
    if (!is_folder(c->input))
        return classify_file(c, c->input, err);
    Status status = folder_list(&names, &count, c->input, is_picture_name, arena, err);
    if (status == STATUS_OK && count == 0)
        status = error_set(err, STATUS_FILE, "%s: holds no pictures (.png, .ppm, .pgm)", c->input);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        const char *path = path_join(arena, c->input, names[i]);
        status = path != NULL ? classify_file(c, path, err)
                              : error_set(err, STATUS_MEMORY, "no memory for a file name");
    }
    return status;
}

static Status run(Classifying *c, Error *err)
{
    Arena *arena = &c->command.arena;
    Result *r = &c->command.result;
    if (c->input == NULL)
        return error_set(err, STATUS_ARGUMENT, "classify: a picture or folder is needed: -i x.png");
    Status status = STATUS_OK;
    if (c->model == NULL)
        status = shipped_folder(&c->model, "classifier", arena, err);
    if (status == STATUS_OK)
        status = vgg_open(&c->vgg, c->model, arena, err);
    if (status != STATUS_OK)
        return status;
    const VggConfig *config = &c->vgg.config;
    if (config->in_channels != 3 || config->noise_levels != 0 || config->heads == 0)
        return error_set(err, STATUS_ARGUMENT, "%s: is no classifier of pictures", c->model);
    json_write_text(&r->json, "model", c->model);
    json_begin_array(&r->json, "pictures");
    status = classify_all(c, err);
    json_end(&r->json);
    if (status == STATUS_OK)
        report_memory(&c->command);
    return status;
}

int command_classify(int argc, char **argv)
{
    Classifying c = {.top = 5};
    const Option own[] = {
        {OPTION_TEXT, "model", 'm', NULL, &c.model, 0, 0, "FOLDER",
         "folder of a classifier; the shipped one when left out"},
        {OPTION_TEXT, "input", 'i', "init-img", &c.input, 0, 0, "FILE",
         "picture, or a folder of them: PNG or PPM"},
        {OPTION_INT, "top", 0, NULL, &c.top, 1, 65536, NULL, "how many answers of each kind"},
        {OPTION_FLAG, "quarters", 0, NULL, &c.quarters, 0, 0, NULL, "also each quarter by itself: scenes"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "classify",
                           .usage = "",
                           .about = "What is in a picture and in whose style, with probabilities."};
    if (command_begin(&c.command, &about, own, argc, argv)) {
        const Status status = run(&c, &c.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&c.command);
}
