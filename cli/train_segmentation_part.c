#include <string.h>

#include "cli/train_data.h"
#include "diffusion/label_colour.h"
#include "diffusion/train_segmenter.h"
#include "io/png.h"
#include "io/sheet.h"
#include "metrics/label_agreement.h"

enum { SHEET = 8 };

typedef struct {
    TrainCommand *command;
    SegmenterTraining training;
    Segmenter segmenter;
} SegmentationPart;

static const char *const MEASURES[] = {"pixel_accuracy", "thing_accuracy", "mean_iou", NULL};

/* Held-out picture i with its labels: the true ones, in place of the world's, and the network's. */
static Status held_out_picture(WorldSample *sample, uint16_t **given, const SegmentationPart *s, int i,
                               Arena *arena, Error *err)
{
    const SegmenterTraining *training = &s->training;
    const int size = training->held_out.size;
    Status status = world_sample(training->world, &training->held_out, training->seed + 1, (uint64_t)i,
                                 sample, arena, err);
    *given = arena_raw(arena, (size_t)size * (size_t)size, sizeof **given);
    if (status == STATUS_OK && *given == NULL)
        status = error_set(err, STATUS_MEMORY, "no memory for labels");
    for (int p = 0; p < size * size && status == STATUS_OK; p++)
        sample->concepts[p] = training->label_of[sample->concepts[p]];
    return status == STATUS_OK ? segment(*given, &s->segmenter, sample->planes, 1, size, size, arena, err)
                               : status;
}

static Status measure(void *self, double *out, Arena *scratch, Error *err)
{
    const SegmentationPart *s = self;
    const size_t pixels = (size_t)s->training.held_out.size * (size_t)s->training.held_out.size;
    LabelAgreement a;
    Status status = label_agreement_begin(&a, s->segmenter.count, scratch, err);
    for (int i = 0; i < s->command->recipe.train.held_out && status == STATUS_OK; i++) {
        const ArenaMark mark = arena_mark(scratch);
        WorldSample sample;
        uint16_t *given;
        status = held_out_picture(&sample, &given, s, i, scratch, err);
        if (status == STATUS_OK)
            status = label_agreement_add(&a, sample.concepts, given, pixels, err);
        arena_release(scratch, mark);
    }
    if (status != STATUS_OK)
        return status;
    out[0] = label_pixel_accuracy(&a);
    out[1] = label_thing_accuracy(&a);
    out[2] = label_mean_iou(&a);
    return STATUS_OK;
}

/* Pictures, below them their labels, below those the network's. */
static Status sheet(void *self, const char *path, Arena *scratch, Error *err)
{
    static const char *const TITLES[] = {"picture", "labels", "found"};
    const SegmentationPart *s = self;
    const int size = s->training.held_out.size;
    SheetCell cells[3 * SHEET];
    Image image;
    const SheetOptions options = {.columns = SHEET, .zoom = 2, .row_titles = TITLES};
    Status status = STATUS_OK;
    Image *images = arena_alloc(scratch, 3 * SHEET, sizeof *images);
    if (images == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a sample sheet");
    for (int i = 0; i < SHEET && status == STATUS_OK; i++) {
        WorldSample sample;
        uint16_t *given;
        status = image_new(&images[2 * SHEET + i], size, size, 3, scratch, err);
        if (status == STATUS_OK)
            status = held_out_picture(&sample, &given, s, i, scratch, err);
        if (status != STATUS_OK)
            return status;
        images[i] = sample.image;
        images[SHEET + i] = sample.concept_map;
        segment_numbers(sample.concepts, &s->segmenter, sample.concepts, (size_t)size * (size_t)size);
        segment_numbers(given, &s->segmenter, given, (size_t)size * (size_t)size);
        label_paint(&images[SHEET + i], sample.concepts);
        label_paint(&images[2 * SHEET + i], given);
        for (int row = 0; row < 3; row++)
            cells[row * SHEET + i] =
                (SheetCell){&images[row * SHEET + i], row == 0 ? sample.caption : NULL};
    }
    status = sheet_make(&image, cells, 3 * SHEET, &options, scratch, err);
    return status == STATUS_OK ? png_write(path, &image, NULL, 0, scratch, err) : status;
}

static Status save(void *self, const char *folder, Arena *scratch, Error *err)
{
    const SegmentationPart *s = self;
    return segmenter_save(&s->segmenter, folder, F16, scratch, err);
}

static Status make_segmenter(SegmentationPart *s, Error *err)
{
    TrainCommand *t = s->command;
    Arena *arena = &t->command.arena;
    FcnConfig config;
    Status status = fcn_config_read(&config, t->recipe.model, t->recipe_path, arena, err);
    if (status == STATUS_OK)
        status = segmenter_labels_of(&s->segmenter, &t->world, arena, err);
    if (status == STATUS_OK && config.labels != s->segmenter.count)
        status = error_set(err, STATUS_FORMAT, "%s: \"labels\" is %d, this world has %d labels",
                           t->recipe_path, config.labels, s->segmenter.count);
    if (status != STATUS_OK)
        return status;
    uint16_t *label_of = arena_alloc(arena, (size_t)t->world.concepts + 1, sizeof *label_of);
    if (label_of == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the labels of the world");
    s->training.label_of = label_of;
    status = segmenter_world_labels(label_of, &s->segmenter, &t->world, err);
    if (status != STATUS_OK)
        return status;
    status = begin_weights(&s->segmenter.weights, t, "model.safetensors", err);
    if (status != STATUS_OK)
        return status;
    fcn_load(&s->segmenter.net, &config, &s->segmenter.weights, "");
    return weights_finish(&s->segmenter.weights, err);
}

Status train_segmentation_part(TrainCommand *t, Error *err)
{
    SegmentationPart *s = arena_alloc(&t->command.arena, 1, sizeof *s);
    TrainData *data = arena_alloc(&t->command.arena, 1, sizeof *data);
    if (s == NULL || data == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to train");
    s->command = t;
    Status status = train_data_open(data, t, false, err);
    if (status == STATUS_OK)
        status = segmenter_noise_read(&s->training.noise, t->recipe.loss, t->recipe_path, &t->command.arena,
                                      err);
    if (status == STATUS_OK)
        status = make_segmenter(s, err);
    if (status != STATUS_OK)
        return status;
    s->training.net = &s->segmenter.net;
    s->training.world = &t->world;
    s->training.train = data->recipe.train;
    s->training.held_out = data->recipe.held_out;
    s->training.train.maps = s->training.held_out.maps = WORLD_MAP_LABELS;
    s->training.seed = t->recipe.train.seed;
    s->training.scratch.account = &t->command.memory;
    const TrainTask task = segmenter_training_task(&s->training);
    Weights *const weights[] = {&s->segmenter.weights};
    t->measures = (TrainMeasures){.names = MEASURES, .measure = measure};
    status = run_part(t, &task, weights, 1, save, sheet, s, err);
    arena_free(&s->training.scratch);
    return status;
}
