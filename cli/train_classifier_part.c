#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/train_data.h"
#include "diffusion/train_classifier.h"
#include "diffusion/vgg_save.h"
#include "io/png.h"
#include "io/sheet.h"

enum { SHEET = 40 };

typedef struct {
    TrainCommand *command;
    ClassifierTraining training;
    TrainData data;
    Vgg vgg;
    Weights weights;
} ClassifierPart;

static const char *const MEASURES[] = {"single_accuracy", "quarter_accuracy", "style_accuracy", NULL};

static double share(int right, int count)
{
    return count > 0 ? (double)right / count : NAN;
}

/* Of the pictures that the held-out loss has just gone through. */
static Status measure(void *self, double *out, Arena *scratch, Error *err)
{
    (void)scratch, (void)err;
    ClassifierPart *c = self;
    const ClassifierCounts n = c->training.counts;
    out[0] = share(n.right_singles, n.singles);
    out[1] = share(n.right_quarters, n.quarters);
    out[2] = share(n.right_styles, n.styles);
    c->training.counts = (ClassifierCounts){.singles = 0};
    return STATUS_OK;
}

enum { CAPTION = 256 };

/* What a head says, and in brackets what it should have said: "tulip (rose)". */
static void add_answer(char *caption, const VggConfig *config, const char *name, int label,
                       const float *logits)
{
    const size_t used = strlen(caption);
    const int head = vgg_head(config, name), said = vgg_best(config, head, logits);
    const char *const *names = config->head[head].label;
    if (said == label)
        snprintf(caption + used, CAPTION - used, "%s", names[said]);
    else
        snprintf(caption + used, CAPTION - used, "%s (%s)", names[said], names[label]);
}

/* "rose, noto". */
static void describe(char *caption, const VggConfig *config, const ClassifierExample *e,
                     const float *logits)
{
    caption[0] = '\0';
    add_answer(caption, config, "class", e->label, logits);
    if (e->style < 0)
        return;
    strcat(caption, ", ");
    add_answer(caption, config, "style", e->style, logits);
}

/* Held-out picture i with what it is taken for. */
static Status add_cell(const ClassifierPart *c, SheetCell *cell, int i, Arena *arena, Error *err)
{
    const ClassifierTraining *t = &c->training;
    const int size = t->held_out.size;
    ClassifierExample e;
    Image *image = arena_alloc(arena, 1, sizeof *image);
    char *caption = arena_alloc(arena, CAPTION, 1);
    Status status =
        classifier_example(&e, t->world, &t->held_out, NULL, t->seed + 1, (uint64_t)i, arena, err);
    if (status == STATUS_OK && (image == NULL || caption == NULL))
        status = error_set(err, STATUS_MEMORY, "no memory for a sample sheet");
    if (status == STATUS_OK)
        status = image_new(image, size, size, 3, arena, err);
    if (status != STATUS_OK)
        return status;
    image_from_planes(image, e.planes);
    Tape tape = {.arena = arena};
    Tensor *x = tape_input(&tape, e.planes, 4, (const int[]){1, 3, size, size}, false);
    const Tensor *logits = vgg(&tape, &c->vgg, x, NULL, NULL);
    if (logits == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    describe(caption, &c->vgg.config, &e, logits->data);
    *cell = (SheetCell){image, caption};
    return STATUS_OK;
}

static Status sheet(void *self, const char *path, Arena *scratch, Error *err)
{
    const ClassifierPart *c = self;
    SheetCell cells[SHEET];
    Image image;
    const SheetOptions options = {
        .columns = 8, .zoom = 2, .title = "Held-out pictures: what they are taken for"};
    Status status = STATUS_OK;
    for (int i = 0; i < SHEET && status == STATUS_OK; i++)
        status = add_cell(c, &cells[i], i, scratch, err);
    if (status == STATUS_OK)
        status = sheet_make(&image, cells, SHEET, &options, scratch, err);
    return status == STATUS_OK ? png_write(path, &image, NULL, 0, scratch, err) : status;
}

static Status save(void *self, const char *folder, Arena *scratch, Error *err)
{
    const ClassifierPart *c = self;
    return vgg_save(&c->vgg, &c->weights, folder, F16, scratch, err);
}

static Status read_recipe(ClassifierPart *c, VggConfig *config, Error *err)
{
    TrainCommand *t = c->command;
    Arena *arena = &t->command.arena;
    const DataRecipe *data = &c->data.recipe;
    Status status = vgg_config_read(config, t->recipe.model, t->recipe_path, arena, err);
    if (status == STATUS_OK)
        status = train_data_open(&c->data, t, false, err);
    if (status == STATUS_OK)
        status =
            classifier_loss_options_read(&c->training.options, t->recipe.loss, t->recipe_path, arena, err);
    if (status == STATUS_OK)
        status = classifier_heads_name(config, &t->world, &data->train, arena, err);
    if (status != STATUS_OK)
        return status;
    c->training.train = data->train;
    c->training.held_out = data->held_out;
    return STATUS_OK;
}

Status train_classifier_part(TrainCommand *t, Error *err)
{
    ClassifierPart *c = arena_alloc(&t->command.arena, 1, sizeof *c);
    VggConfig config;
    if (c == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to train");
    c->command = t;
    Status status = read_recipe(c, &config, err);
    if (status != STATUS_OK)
        return status;
    status = begin_weights(&c->weights, t, "model.safetensors", err);
    if (status != STATUS_OK)
        return status;
    vgg_load(&c->vgg, &config, &c->weights, "");
    status = weights_finish(&c->weights, err);
    if (status != STATUS_OK)
        return status;
    c->training.scratch.account = &t->command.memory;
    c->training.vgg = &c->vgg;
    c->training.world = &t->world;
    c->training.seed = t->recipe.train.seed;
    const TrainTask task = classifier_training_task(&c->training);
    Weights *const weights[] = {&c->weights};
    t->measures = (TrainMeasures){.names = MEASURES, .measure = measure};
    status = run_part(t, &task, weights, 1, save, sheet, c, err);
    arena_free(&c->training.scratch);
    return status;
}
