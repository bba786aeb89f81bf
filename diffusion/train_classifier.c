#include "diffusion/train_classifier.h"

#include <string.h>

#include "base/rng.h"
#include "diffusion/config_reader.h"
#include "diffusion/picture_quarter.h"
#include "nn/elementwise.h"
#include "nn/losses.h"
#include "nn/resample.h"

Status classifier_loss_options_read(ClassifierLossOptions *out, const Json *json, const char *name,
                                    Arena *arena, Error *err)
{
    ConfigReader r = config_reader(json, name, arena);
    const ClassifierLossOptions read = {.class_weight = config_number(&r, "class", 1.0, 0.0, 1e6),
                                        .style_weight = config_number(&r, "style", 0.0, 0.0, 1e6),
                                        .shift = config_int(&r, "shift", 0, 0, CLASSIFIER_SHIFT_MAX),
                                        .soft = config_number(&r, "soft", 0.0, 0.0, 1.0),
                                        .noise = config_number(&r, "noise", 0.0, 0.0, 1.0)};
    const Status status = config_finish(&r, err);
    if (status == STATUS_OK)
        *out = read;
    return status;
}

int classifier_style(const World *world, int style)
{
    int label = 0;
    if (world->style[style].role == STYLE_LINE)
        return -1;
    for (int s = 0; s < style; s++)
        label += world->style[s].role != STYLE_LINE;
    return label;
}

static int count_styles(const World *world)
{
    int count = 0;
    for (int s = 0; s < world->styles; s++)
        count += world->style[s].role != STYLE_LINE;
    return count;
}

static Status name_head(VggConfig *config, const char *name, const char *const *label, int count,
                        Error *err)
{
    const int head = vgg_head(config, name);
    if (head < 0 || config->head[head].outputs != count)
        return error_set(err, STATUS_ARGUMENT,
                         "a classifier of this world needs the head \"%s\" with %d outputs", name, count);
    config->head[head].label = label;
    return STATUS_OK;
}

Status classifier_style_names(VggConfig *config, const World *world, Arena *arena, Error *err)
{
    const int styles = count_styles(world);
    const char **label = arena_alloc(arena, (size_t)styles + 1, sizeof *label);
    if (label == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the names of styles");
    for (int s = 0; s < world->styles; s++)
        if (classifier_style(world, s) >= 0)
            label[classifier_style(world, s)] = world->style[s].name;
    return name_head(config, "style", label, styles, err);
}

Status classifier_heads_name(VggConfig *config, const World *world, const WorldOptions *options,
                             Arena *arena, Error *err)
{
    const char **label = arena_alloc(arena, (size_t)world->concepts + 1, sizeof *label);
    if (label == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for the names of classes");
    if (config->in_channels != 3 || config->sample_size != options->size || config->noise_levels != 0)
        return error_set(err, STATUS_ARGUMENT,
                         "a classifier of pictures of %d pixels needs sample_size %d, 3 in_channels and no "
                         "noise_levels",
                         options->size, options->size);
    if (options->share[WORLD_LAYERED] > 0.0f)
        return error_set(err, STATUS_ARGUMENT,
                         "a classifier is trained on singles and scenes, set layered to 0");
    label[0] = "nothing";
    for (int c = 0; c < world->concepts; c++)
    label[c + 1] = world->concept[c].slug;
    const Status status = name_head(config, "class", label, world->concepts + 1, err);
    return status == STATUS_OK ? classifier_style_names(config, world, arena, err) : status;
}

/* ---- one picture ---- */

static int object_at(const WorldScene *scene, int quarter)
{
    for (int k = 0; k < scene->count; k++)
        if ((int)scene->object[k].place == PLACE_TOP_LEFT + quarter)
            return k;
    return -1;
}

/* An empty quarter one time in CLASSIFIER_EMPTY_SHARE, where there is one, else one with a thing. */
static int draw_quarter(Rng *rng, const WorldScene *scene)
{
    const bool empty = rng_below(rng, CLASSIFIER_EMPTY_SHARE) == 0 && scene->count < PICTURE_QUARTERS;
    int left = (int)rng_below(rng, (uint32_t)(empty ? PICTURE_QUARTERS - scene->count : scene->count));
    for (int q = 0; q < PICTURE_QUARTERS; q++)
        if ((object_at(scene, q) < 0) == empty && left-- == 0)
            return q;
    return 0;
}

/* out(y, x) = in(y - dy, x - dx), the edge repeated; both (3,size,size). */
static void shift_planes(float *out, const float *in, int size, int dx, int dy)
{
    for (int row = 0; row < 3 * size; row++)
        for (int x = 0; x < size; x++) {
            int u = x - dx, v = row % size - dy;
            u = u < 0 ? 0 : u >= size ? size - 1 : u;
            v = v < 0 ? 0 : v >= size ? size - 1 : v;
            out[row * size + x] = in[(row / size * size + v) * size + u];
        }
}

static Tensor *change_picture(Tape *tape, Tensor *x, const ClassifierLossOptions *change, Rng *rng,
                              uint64_t seed, uint64_t index)
{
    const int size = x != NULL ? x->dim[2] : 0;
    const size_t count = (size_t)3 * (size_t)size * (size_t)size;
    float *moved = tape_alloc(tape, count + 1, sizeof *moved),
          *noise = tape_alloc(tape, count + 1, sizeof *noise);
    const int dx = (int)rng_below(rng, 2 * (uint32_t)change->shift + 1) - change->shift;
    const int dy = (int)rng_below(rng, 2 * (uint32_t)change->shift + 1) - change->shift;
    const bool soft = rng_uniform(rng) < (float)change->soft;
    const int small = size / 2 + (int)rng_below(rng, (uint32_t)(size / 2) + 1);
    if (x == NULL || moved == NULL || noise == NULL)
        return NULL;
    shift_planes(moved, x->data, size, dx, dy);
    x = tape_input(tape, moved, 4, x->dim, false);
    if (soft)
        x = bilinear(tape, bilinear(tape, x, small, small), size, size);
    Rng rest = rng_stream(RNG_PHILOX, seed, STREAM_NOISE, index);
    const float amplitude = rng_uniform(&rest) * (float)change->noise;
    if (x == NULL || amplitude == 0.0f)
        return x;
    rng_normal_fill(&rest, noise, count);
    return add(tape, x, scale(tape, tape_input(tape, noise, 4, x->dim, false), amplitude));
}

Status classifier_example(ClassifierExample *out, const World *world, const WorldOptions *options,
                          const ClassifierLossOptions *change, uint64_t seed, uint64_t index, Arena *arena,
                          Error *err)
{
    WorldSample sample;
    const Status status = world_sample(world, options, seed, index, &sample, arena, err);
    if (status != STATUS_OK)
        return status;
    const WorldScene *scene = &sample.scene;
    const int dim[4] = {1, 3, options->size, options->size};
    ClassifierExample made = {.style = classifier_style(world, scene->style),
                              .quarter = scene->kind == WORLD_SCENE};
    Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_CROPS, index);
    const int quarter = draw_quarter(&rng, scene), k = made.quarter ? object_at(scene, quarter) : 0;
    made.label = k >= 0 ? scene->object[k].concept + 1 : 0;
    made.style = k >= 0 ? made.style : -1;
    Tape tape = {.arena = arena};
    Tensor *x = tape_input(&tape, sample.planes, 4, dim, false);
    if (made.quarter)
        x = picture_quarter(&tape, x, quarter);
    if (change != NULL)
        x = change_picture(&tape, x, change, &rng, seed, index);
    if (x == NULL)
        return error_set(err, tape.error.status, "%s", tape.error.text);
    made.planes = x->data;
    *out = made;
    return STATUS_OK;
}

/* ---- the task ---- */

typedef struct {
    Tensor *x, *has_style; /* (count,3,size,size), (count): 1 or 0 */
    ClassifierExample *example;
    int *label, *style;
} Batch;

static bool make_batch(Batch *b, ClassifierTraining *self, Tape *tape, const WorldOptions *options,
                       const ClassifierLossOptions *change, uint64_t seed, uint64_t first, int count)
{
    const int dim[4] = {count, 3, options->size, options->size};
    const size_t n = (size_t)count, one = (size_t)3 * (size_t)options->size * (size_t)options->size;
    float *data = tape_alloc(tape, n * one, sizeof *data),
          *has_style = tape_alloc(tape, n, sizeof *has_style);
    b->example = tape_alloc(tape, n, sizeof *b->example);
    b->label = tape_alloc(tape, n, sizeof *b->label);
    b->style = tape_alloc(tape, n, sizeof *b->style);
    for (size_t i = 0; i < n && tape->error.status == STATUS_OK; i++) {
        const ArenaMark mark = arena_mark(&self->scratch);
        ClassifierExample *e = &b->example[i];
        if (classifier_example(e, self->world, options, change, seed, first + i, &self->scratch,
                               &tape->error) == STATUS_OK) {
            memcpy(data + i * one, e->planes, one * sizeof *data);
            b->label[i] = e->label;
            b->style[i] = e->style >= 0 ? e->style : 0;
            has_style[i] = e->style >= 0 ? 1.0f : 0.0f;
        }
        arena_release(&self->scratch, mark);
    }
    if (tape->error.status != STATUS_OK)
        return false;
    b->x = tape_input(tape, data, 4, dim, false);
    b->has_style = tape_input(tape, has_style, 1, &count, false);
    return b->x != NULL && b->has_style != NULL;
}

static Tensor *loss_of(const ClassifierTraining *self, Tape *tape, const Batch *b, Tensor *logits)
{
    const VggConfig *c = &self->vgg->config;
    Tensor *row = vgg_head_logits(tape, self->vgg, logits, vgg_head(c, "class"));
    Tensor *of_class = scale(tape, cross_entropy(tape, row, b->label), (float)self->options.class_weight);
    row = vgg_head_logits(tape, self->vgg, logits, vgg_head(c, "style"));
    Tensor *of_style = multiply(tape, cross_entropy(tape, row, b->style), b->has_style);
    return add(tape, of_class, scale(tape, of_style, (float)self->options.style_weight));
}

static void count_right(ClassifierTraining *self, const ClassifierExample *example, const Tensor *logits)
{
    const VggConfig *config = &self->vgg->config;
    const int class = vgg_head(config, "class"), style = vgg_head(config, "style");
    ClassifierCounts *c = &self->counts;
    for (int i = 0; i < logits->dim[0]; i++) {
        const ClassifierExample *e = &example[i];
        const float *row = logits->data + i * logits->dim[1];
        const int right = vgg_best(config, class, row) == e->label;
        *(e->quarter ? &c->quarters : &c->singles) += 1;
        *(e->quarter ? &c->right_quarters : &c->right_singles) += right;
        c->styles += e->style >= 0;
        c->right_styles += e->style >= 0 && vgg_best(config, style, row) == e->style;
    }
}

static Tensor *run(ClassifierTraining *self, Tape *tape, const Batch *b, bool counting)
{
    Tensor *logits = vgg(tape, self->vgg, b->x, NULL, NULL);
    if (counting && logits != NULL)
        count_right(self, b->example, logits);
    return loss_of(self, tape, b, logits);
}

static Tensor *losses(void *context, Tape *tape, uint64_t first, int count)
{
    ClassifierTraining *self = context;
    Batch b;
    if (!make_batch(&b, self, tape, &self->train, &self->options, self->seed, first, count))
        return NULL;
    return run(self, tape, &b, false);
}

static Tensor *held_out(void *context, Tape *tape, uint64_t first, int count)
{
    ClassifierTraining *self = context;
    Batch b;
    if (!make_batch(&b, self, tape, &self->held_out, NULL, self->seed + 1, first, count))
        return NULL;
    return run(self, tape, &b, true);
}

TrainTask classifier_training_task(ClassifierTraining *self)
{
    return (TrainTask){.name = "classifier", .self = self, .losses = losses, .held_out = held_out};
}
