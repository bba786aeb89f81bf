#include <math.h>
#include <stdio.h>

#include "base/file.h"
#include "cli/progress.h"
#include "cli/train_parts.h"
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
    DataRecipe data;
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

static bool pool_progress(void *context, int done, int count)
{
    Progress *p = context;
    progress_show(p, (uint64_t)done, (uint64_t)count, "", done % 1600 == 0 || done == count);
    return !interrupted();
}

/* The latents of the pictures (seed, 0 ...) and the labels of their styles. */
static Status fill_pool(StyleNoisyPart *s, StylePool *out, LatentPool *pool, const WorldOptions *options,
                        uint64_t seed, int count, Error *err)
{
    TrainCommand *t = s->command;
    Arena *arena = &t->command.arena;
    Progress progress = progress_begin("encode pictures", t->command.quiet, 0);
    const Status status = latent_pool_fill(pool, &s->model.vae, NULL, &t->world, options, seed, count,
                                           pool_progress, &progress, arena, err);
    progress_end(&progress);
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
    if (s->data.pool < 1 || s->data.held_out_pool < 1 || t->recipe.loss != NULL)
        return error_set(err, STATUS_FORMAT,
                         "%s: \"data\" needs pool and held_out_pool above 0, and no \"loss\"",
                         t->recipe_path);
    Status status = STATUS_OK;
    if (folder == NULL)
        status = shipped_folder(&folder, "model", &t->command.arena, err);
    if (status == STATUS_OK)
        status = model_open(&s->model, folder, MODEL_VAE | MODEL_SCHEDULER, 0, &t->command.arena, err);
    if (status == STATUS_OK)
        status = schedule_make(&s->schedule, &s->model.config.scheduler, false, &t->command.arena, err);
    if (status != STATUS_OK)
        return status;
    interrupts_watch();
    StyleNoisyTraining *n = &s->training;
    status = fill_pool(s, &n->train, &s->pool, &s->data.train, seed, s->data.pool, err);
    if (status == STATUS_OK)
        status = fill_pool(s, &n->held_out, &s->held_out, &s->data.held_out, seed + 1,
                           s->data.held_out_pool, err);
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
    Status status = data_recipe_read(&s->data, &t->recipe, &t->world, &t->command.arena, err);
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
