#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "cli/train_data.h"
#include "diffusion/model.h"
#include "diffusion/train_classifier.h"
#include "diffusion/train_style_noisy.h"
#include "diffusion/vgg_save.h"

typedef struct {
    TrainCommand *command;
    StyleNoisyTraining training;
    Model model; /* autoencoder and schedule */
    Schedule schedule;
    LatentPool pool, held_out;
    TrainData data;
    Vgg vgg;
    Weights weights;
} StyleNoisyPart;

static const char *const MEASURES[] = {"noisy_accuracy", "middle_accuracy", "clear_accuracy", NULL};

static Status measure(void *self, double *out, Arena *scratch, Error *err)
{
    (void)scratch, (void)err;
    StyleNoisyTraining *t = &((StyleNoisyPart *)self)->training;
    for (int i = 0; i < 3; i++) {
        out[i] = t->count[i] > 0 ? (double)t->right[i] / t->count[i] : NAN;
        t->count[i] = t->right[i] = 0;
    }
    return STATUS_OK;
}

static Status save(void *self, const char *folder, Arena *scratch, Error *err)
{
    const StyleNoisyPart *s = self;
    return vgg_save(&s->vgg, &s->weights, folder, F16, scratch, err);
}

/* The latents of the pictures (seed, 0 ...) and the labels of their styles. */
static Status fill_styles(StyleNoisyPart *s, StylePool *out, LatentPool *pool, WorldData *world,
                          uint64_t seed, int count, Error *err)
{
    TrainCommand *t = s->command;
    Arena *arena = &t->command.arena;
    const WorldOptions *options = &world->options;
    const DataSet data = world_data_set(world);
    const Status status = fill_pool(pool, t, &s->model.vae, NULL, &data, seed, count, err);
    int *style = arena_alloc(arena, (size_t)count + 1, sizeof *style);
    if (status != STATUS_OK)
        return status;
    if (style == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d labels", count);
    for (int i = 0; i < count; i++) {
        WorldScene scene;
        world_scene(&scene, &t->world, options, seed, (uint64_t)i);
        style[i] = classifier_style(&t->world, scene.style);
    }
    *out = (StylePool){pool, style};
    return STATUS_OK;
}

static Status make_pools(StyleNoisyPart *s, Error *err)
{
    TrainCommand *t = s->command;
    const uint64_t seed = t->recipe.train.seed;
    const char *folder = t->init_path;
    const DataRecipe *data = &s->data.recipe;
    if (data->pool < 1 || data->held_out_pool < (t->recipe.train.held_out > 0) || t->recipe.loss != NULL)
        return error_set(err, STATUS_FORMAT,
                         "%s: \"data\" needs pool and held_out_pool above 0, and no \"loss\"",
                         t->recipe_path);
    Status status = STATUS_OK;
    if (folder == NULL)
        status = shipped_folder(&folder, "model", &t->command.arena, err);
    if (status == STATUS_OK)
        status = add_input(t, folder, "vae/config.json", err);
    if (status == STATUS_OK)
        status = add_input(t, folder, "vae/diffusion_pytorch_model.safetensors", err);
    if (status == STATUS_OK)
        status = add_input(t, folder, "scheduler/scheduler_config.json", err);
    if (status == STATUS_OK)
        status = model_open(&s->model, folder, MODEL_VAE | MODEL_SCHEDULER, 0, &t->command.arena, err);
    if (status == STATUS_OK)
        status = schedule_make(&s->schedule, &s->model.config.scheduler, false, &t->command.arena, err);
    if (status != STATUS_OK)
        return status;
    StyleNoisyTraining *n = &s->training;
    status = fill_styles(s, &n->train, &s->pool, &s->data.world_train, seed, data->pool, err);
    if (status == STATUS_OK)
        status = fill_styles(s, &n->held_out, &s->held_out, &s->data.world_held_out, seed + 1,
                             data->held_out_pool, err);
    return status;
}

static Status make_network(StyleNoisyPart *s, Error *err)
{
    TrainCommand *t = s->command;
    VggConfig config;
    Status status = vgg_config_read(&config, t->recipe.model, t->recipe_path, &t->command.arena, err);
    if (status == STATUS_OK)
        status = classifier_style_names(&config, &t->world, &t->command.arena, err);
    if (status == STATUS_OK)
        status = style_noisy_check(&config, &s->pool, err);
    if (status != STATUS_OK)
        return status;
    s->weights = weights_create(&t->command.arena, t->recipe.train.seed);
    s->weights.trainable = true;
    vgg_load(&s->vgg, &config, &s->weights, "");
    return weights_finish(&s->weights, err);
}

Status train_style_noisy_part(TrainCommand *t, Error *err)
{
    StyleNoisyPart *s = arena_alloc(&t->command.arena, 1, sizeof *s);
    if (s == NULL)
        return error_set(err, STATUS_MEMORY, "no memory to train");
    s->command = t;
    Status status = train_data_open(&s->data, t, false, err);
    if (status == STATUS_OK)
        status = make_pools(s, err);
    if (status == STATUS_OK)
        status = make_network(s, err);
    if (status != STATUS_OK)
        return status;
    noisy_levels(s->training.sigma, &s->schedule);
    s->training.vgg = &s->vgg;
    s->training.scaling_factor = (float)s->model.config.vae.scaling_factor;
    s->training.seed = t->recipe.train.seed;
    const TrainTask task = style_noisy_task(&s->training);
    Weights *const weights[] = {&s->weights};
    t->measures = (TrainMeasures){.names = MEASURES, .measure = measure};
    return run_part(t, &task, weights, 1, save, NULL, s, err);
}
