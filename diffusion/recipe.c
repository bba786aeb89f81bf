#include "diffusion/recipe.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/file.h"
#include "io/sha256.h"

const RecipeOverrides RECIPE_OVERRIDES_NONE = {-1, -1, -1.0, -1, -1, -1, -1, NULL, -1, -1, -1};

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

/* diffusers' names for the kind and its settings (lr_num_cycles, lr_power); lr_end is our polynomial's
 * (nn/lr_schedule.h). */
static void read_schedule(LrSchedule *s, ConfigReader *r)
{
    const char *names[LR_COUNT + 1] = {NULL};
    for (int i = 0; i < LR_COUNT; i++)
        names[i] = lr_kind_name((LrKind)i);
    s->kind = (LrKind)config_choice(r, "lr_scheduler", LR_CONSTANT, names);
    s->warmup = (int64_t)whole(r, "lr_warmup_steps", 0);
    s->cycles = config_number(r, "lr_num_cycles", 0.0, 0.0, 1e6);
    s->power = config_number(r, "lr_power", 0.0, 0.0, 100.0);
    s->end = config_number(r, "lr_end", 1e-7, 0.0, 1.0);
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
    read_schedule(&t->schedule, &r);
    t->lr = config_number(&r, "lr", 1e-4, 0.0, 1e3);
    t->max_grad_norm = config_number(&r, "max_grad_norm", 1.0, 0.0, 1e9);
    t->ema_decay = config_number(&r, "ema_decay", 0.0, 0.0, 1.0);
    t->held_out = config_int(&r, "held_out", 0, 0, MANY);
    t->patience = config_int(&r, "patience", 0, 0, MANY);
    t->gradient_checkpointing = config_bool(&r, "gradient_checkpointing", false);
    recipe->frozen = config_get(&r, "frozen");
    for (size_t i = 0; i < json_count(recipe->frozen) || i == 0; i++)
        if (recipe->frozen != NULL && json_kind(json_at(recipe->frozen, i)) != JSON_TEXT)
            config_refuse(&r, "frozen", "expected a list of names of parameters, such as [\"encoder\"]");
    recipe->draw_missing = config_bool(&r, "draw_missing", false);
    recipe->sample_every = whole(&r, "sample_every", 0);
    recipe->save_every = whole(&r, "save_every", 0);
    recipe->held_out_every = whole(&r, "held_out_every", 0);
    return config_finish(&r, err);
}

static Status override(Recipe *recipe, const RecipeOverrides *o, Error *err)
{
    TrainOptions *t = &recipe->train;
    if (o->lr_scheduler != NULL && lr_kind_named(&t->schedule.kind, o->lr_scheduler, err) != STATUS_OK)
        return STATUS_ARGUMENT;
    if (o->lr_warmup_steps >= 0)
        t->schedule.warmup = o->lr_warmup_steps;
    if (o->patience >= 0)
        t->patience = o->patience;
    if (o->held_out >= 0)
        t->held_out = o->held_out;
    if (t->patience > 0 && (t->held_out == 0 || recipe->held_out_every == 0))
        return error_set(err, STATUS_FORMAT, "%s: patience %d needs held_out and held_out_every above 0",
                         recipe->path, t->patience);
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
    return STATUS_OK;
}

/* x >= 0 as hexadecimal text: 0x1.8p-3, subnormal ones as 0x0.8p-1022.  (printf's %a is not the same everywhere, and
 * not in every locale.) */
static void exact_text(char text[32], double x)
{
    const uint64_t bits = double_bits(x), fraction = bits << 12;
    const int field = (int)(bits >> 52), power = field == 0 ? (x == 0.0 ? 0 : -1022) : field - 1023;
    char digits[16];
    int count = 0;
    for (uint64_t rest = fraction; rest != 0; rest <<= 4)
        digits[count++] = "0123456789abcdef"[rest >> 60];
    digits[count] = '\0';
    snprintf(text, 32, "0x%d%s%sp%+d", field != 0, count > 0 ? "." : "", digits, power);
}

/* What decides the bits: the file, and of the overrides those that change them (not how samples are split,
 * nor when something is saved). */
static void hash(Recipe *recipe, const Bytes *text, const RecipeOverrides *o)
{
    char number[32];
    const TrainOptions *t = &recipe->train;
    char line[200], lr[32];
    Sha256 sha = sha256_begin();
    sha256_add(&sha, text->data, text->size);
    exact_text(lr, t->lr);
    snprintf(line, sizeof line, "batch %d lr %s steps %llu seed %llu", t->batch_size, lr,
             (unsigned long long)t->max_train_steps, (unsigned long long)t->seed);
    sha256_add(&sha, line, strlen(line));
    sha256_end_hex(recipe->hash, &sha);
    if (o->lr_scheduler != NULL)
        recipe_add_input(recipe, "lr_scheduler", o->lr_scheduler);
    snprintf(number, sizeof number, "%lld", (long long)t->schedule.warmup);
    if (o->lr_warmup_steps >= 0)
        recipe_add_input(recipe, "lr_warmup_steps", number);
    snprintf(number, sizeof number, "%d", t->patience);
    if (o->patience >= 0)
        recipe_add_input(recipe, "patience", number);
    snprintf(number, sizeof number, "%d", t->held_out);
    if (o->held_out >= 0)
        recipe_add_input(recipe, "held_out", number);
}

void recipe_add_input(Recipe *recipe, const char *name, const char *value)
{
    Sha256 sha = sha256_begin();
    sha256_add(&sha, recipe->hash, 64);
    sha256_add(&sha, name, strlen(name) + 1);
    sha256_add(&sha, value, strlen(value) + 1);
    sha256_end_hex(recipe->hash, &sha);
}

Status recipe_add_file(Recipe *recipe, const char *name, const char *path, Error *err)
{
    char hex[65];
    const Status status = sha256_file(hex, path, err);
    if (status == STATUS_OK)
        recipe_add_input(recipe, name, hex);
    return status;
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
    if (status == STATUS_OK)
        status = override(&recipe, overrides, err);
    if (status != STATUS_OK)
        return status;
    hash(&recipe, &text, overrides);
    *out = recipe;
    return STATUS_OK;
}
