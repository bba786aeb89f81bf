#include "diffusion/recipe.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "io/sha256.h"

const RecipeOverrides RECIPE_OVERRIDES_NONE = {-1, -1, -1.0, -1, -1, -1, -1};

enum { MANY = 2000000000 };

static uint64_t whole(ConfigReader *r, const char *key, int otherwise)
{
    return (uint64_t)config_int(r, key, otherwise, 0, MANY);
}

static void read_optimizer(OptimizerOptions *o, ConfigReader *r)
{
    static const char *const names[] = {"sgd", "adam", "adamw", NULL};
    const OptimizerOptions *const defaults[] = {&OPTIMIZER_SGD_DEFAULTS, &OPTIMIZER_ADAM_DEFAULTS,
                                                &OPTIMIZER_ADAMW_DEFAULTS};
    *o = *defaults[config_choice(r, "optimizer", OPTIMIZER_ADAMW, names)];
    o->momentum = config_number(r, "momentum", o->momentum, 0.0, 1.0);
    o->nesterov = config_bool(r, "nesterov", o->nesterov);
    o->beta1 = config_number(r, "adam_beta1", o->beta1, 0.0, 1.0);
    o->beta2 = config_number(r, "adam_beta2", o->beta2, 0.0, 1.0);
    o->eps = config_number(r, "adam_epsilon", o->eps, 0.0, 1.0);
    o->decay = config_number(r, "weight_decay", o->decay, 0.0, 1.0);
}

static Status read_train(Recipe *recipe, const Json *json, Arena *arena, Error *err)
{
    ConfigReader r = config_reader(json, recipe->path, arena);
    TrainOptions *t = &recipe->train;
    t->seed = whole(&r, "seed", 0);
    t->max_train_steps = whole(&r, "max_train_steps", 1000);
    t->batch_size = config_int(&r, "batch_size", 16, 1, MANY);
    t->micro_batch = config_int(&r, "micro_batch", t->batch_size, 1, MANY);
    read_optimizer(&t->optimizer, &r);
    const char *names[LR_COUNT + 1] = {NULL};
    for (int i = 0; i < LR_COUNT; i++)
        names[i] = lr_kind_name((LrKind)i);
    t->schedule.kind = (LrKind)config_choice(&r, "lr_scheduler", LR_CONSTANT, names);
    t->schedule.warmup = (int64_t)whole(&r, "lr_warmup_steps", 0);
    t->lr = config_number(&r, "lr", 1e-4, 0.0, 1e3);
    t->max_grad_norm = config_number(&r, "max_grad_norm", 1.0, 0.0, 1e9);
    t->ema_decay = config_number(&r, "ema_decay", 0.0, 0.0, 1.0);
    t->held_out = config_int(&r, "held_out", 0, 0, MANY);
    t->gradient_checkpointing = config_bool(&r, "gradient_checkpointing", false);
    recipe->sample_every = whole(&r, "sample_every", 0);
    recipe->save_every = whole(&r, "save_every", 0);
    recipe->held_out_every = whole(&r, "held_out_every", 0);
    return config_finish(&r, err);
}

static void override(Recipe *recipe, const RecipeOverrides *o)
{
    TrainOptions *t = &recipe->train;
    if (o->batch_size >= 0)
        t->batch_size = o->batch_size;
    if (o->micro_batch >= 0)
        t->micro_batch = o->micro_batch;
    if (t->micro_batch > t->batch_size)
        t->micro_batch = t->batch_size;
    if (o->lr >= 0.0)
        t->lr = o->lr;
    if (o->max_train_steps >= 0)
        t->max_train_steps = (uint64_t)o->max_train_steps;
    if (o->seed >= 0)
        t->seed = (uint64_t)o->seed;
    if (o->sample_every >= 0)
        recipe->sample_every = (uint64_t)o->sample_every;
    if (o->save_every >= 0)
        recipe->save_every = (uint64_t)o->save_every;
}

/* What decides the bits: the file, and of the overrides those that change them (not how samples are split,
 * nor when something is saved). */
static void hash(Recipe *recipe, const Bytes *text)
{
    const TrainOptions *t = &recipe->train;
    char line[200];
    Sha256 sha = sha256_begin();
    sha256_add(&sha, text->data, text->size);
    snprintf(line, sizeof line, "batch %d lr %a steps %llu seed %llu", t->batch_size, t->lr,
             (unsigned long long)t->max_train_steps, (unsigned long long)t->seed);
    sha256_add(&sha, line, strlen(line));
    sha256_end_hex(recipe->hash, &sha);
}

Status recipe_read(Recipe *out, const char *path, const RecipeOverrides *overrides, Arena *arena,
                   Error *err)
{
    Recipe recipe = {.path = path};
    Bytes text;
    const Json *json = NULL;
    Status status = file_read(&text, path, arena, err);
    if (status == STATUS_OK)
        status = json_parse(&json, (const char *)text.data, text.size, path, arena, err);
    if (status != STATUS_OK)
        return status;
    if (json_kind(json) != JSON_OBJECT)
        return error_set(err, STATUS_FORMAT, "%s: is not a JSON object", path);
    ConfigReader r = config_reader(json, path, arena);
    recipe.model = config_get(&r, "model");
    recipe.data = config_get(&r, "data");
    recipe.loss = config_get(&r, "loss");
    const Json *train = config_get(&r, "train");
    status = config_finish(&r, err);
    if (status == STATUS_OK && json_kind(train) != JSON_OBJECT)
        status = error_set(err, STATUS_FORMAT, "%s: has no object \"train\"", path);
    if (status == STATUS_OK)
        status = read_train(&recipe, train, arena, err);
    if (status != STATUS_OK)
        return status;
    override(&recipe, overrides);
    hash(&recipe, &text);
    *out = recipe;
    return STATUS_OK;
}
