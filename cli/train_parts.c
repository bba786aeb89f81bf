#include "cli/train_parts.h"

#include <string.h>

#include "base/file.h"
#include "diffusion/config_reader.h"
#include "diffusion/world_words.h"

static const char *const kinds[] = {"singles", "scenes", "layered"};

static float share(ConfigReader *r, const char *key, float otherwise)
{
    return (float)config_number(r, key, (double)otherwise, 0.0, 1000.0);
}

const DataOverrides DATA_OVERRIDES_NONE = {-1, -1, false, -1.0, NULL, NULL};

static void read_picture_options(DataRecipe *d, ConfigReader *r)
{
    PictureOptions *o = &d->pictures;
    *o = PICTURE_DEFAULTS;
    o->size = d->train.size;
    o->fit = (PictureFit)config_choice(r, "fit", (int)o->fit, PICTURE_FIT_WORDS);
    o->mirror = config_bool(r, "mirror", o->mirror);
    o->held_out = config_number(r, "held_out_share", o->held_out, 0.0, 0.999);
    d->caption_column = json_text(config_get(r, "caption_column"), "text");
}

static void read_world_options(WorldOptions *o, ConfigReader *r)
{
    static const char *const levels[] = {"level0", "level1", "level2"};
    *o = WORLD_DEFAULTS;
    o->size = config_int(r, "size", o->size, PICTURE_SIZE_MIN, PICTURE_SIZE_MAX);
    o->split = (WorldSplit)config_choice(r, "split", o->split, WORLD_SPLIT_WORDS);
    o->concepts = (WorldConcepts)config_choice(r, "concepts", o->concepts, WORLD_CONCEPT_WORDS);
    o->core_scenes = config_bool(r, "core_scenes", o->core_scenes);
    for (int i = 0; i < WORLD_KINDS; i++)
        o->share[i] = share(r, kinds[i], o->share[i]);
    for (int i = 0; i < 3; i++)
        o->level[i] = share(r, levels[i], o->level[i]);
    o->white = share(r, "white", o->white);
    o->reorder = share(r, "reorder", o->reorder);
    o->drop_style = share(r, "drop_style", o->drop_style);
    o->drop_background = share(r, "drop_background", o->drop_background);
    o->company = (WorldCompany)config_choice(r, "company", (int)o->company, WORLD_COMPANY_WORDS);
}

/* "styles": a list of names, or one text with commas between them. */
static Status read_styles(WorldOptions *o, ConfigReader *r, const World *world, Arena *arena, Error *err)
{
    const Json *styles = config_get(r, "styles");
    Bytes names = {.arena = arena};
    Error word = {.status = STATUS_OK};
    if (json_kind(styles) == JSON_ABSENT || json_kind(styles) == JSON_NULL)
        return STATUS_OK;
    bool good = json_kind(styles) == JSON_TEXT || json_kind(styles) == JSON_ARRAY;
    bytes_add_text(&names, json_text(styles, ""));
    for (size_t i = 0; i < json_count(styles); i++) {
        good = good && json_kind(json_at(styles, i)) == JSON_TEXT;
        bytes_add_text(&names, json_text(json_at(styles, i), ""));
        bytes_add_byte(&names, ',');
    }
    bytes_add_byte(&names, '\0');
    if (names.failed)
        return error_set(err, STATUS_MEMORY, "%s: no memory for \"styles\"", r->name);
    if (!good)
        return error_set(err, STATUS_FORMAT, "%s: \"styles\" must be names, in a list or with commas",
                         r->name);
    if (world != NULL && world_styles_read(&o->styles, (const char *)names.data, world, &word) != STATUS_OK)
        return error_set(err, STATUS_FORMAT, "%s: %s", r->name, word.text);
    return STATUS_OK;
}

Status data_recipe_read(DataRecipe *out, const Recipe *recipe, const World *world, Arena *arena, Error *err)
{
    enum { MANY = 100000000 };
    DataRecipe d = {.pool = 0};
    if (json_kind(recipe->data) != JSON_OBJECT)
        return error_set(err, STATUS_FORMAT, "%s: has no object \"data\"", recipe->path);
    ConfigReader r = config_reader(recipe->data, recipe->path, arena);
    read_world_options(&d.train, &r);
    read_picture_options(&d, &r);
    Status status = read_styles(&d.train, &r, world, arena, err);
    if (status != STATUS_OK)
        return status;
    d.held_out = d.train;
    d.held_out.company =
        (WorldCompany)config_choice(&r, "held_out_company", (int)d.train.company, WORLD_COMPANY_WORDS);
    d.held_out.split = (WorldSplit)config_choice(&r, "held_out_split", SPLIT_TEST, WORLD_SPLIT_WORDS);
    d.pool = config_int(&r, "pool", 0, 0, MANY);
    d.held_out_pool = config_int(&r, "held_out_pool", 0, 0, MANY);
    d.captions = config_int(&r, "captions", 0, 0, MANY);
    d.vocabulary = config_int(&r, "vocabulary", 0, 0, MANY);
    d.length = config_int(&r, "length", 77, 2, MANY);
    status = config_finish(&r, err);
    if (status == STATUS_OK && world != NULL)
        status = world_options_check(world, &d.train, err);
    if (status == STATUS_OK && world != NULL)
        status = world_options_check(world, &d.held_out, err);
    if (status == STATUS_OK)
        *out = d;
    return status;
}

Status add_input(TrainCommand *t, const char *folder, const char *file, Error *err)
{
    const char *path = path_join(&t->command.arena, folder, file);
    return path != NULL ? recipe_add_file(&t->recipe, file, path, err)
                        : error_set(err, STATUS_MEMORY, "no memory for a file name");
}

Status add_tokenizer(TrainCommand *t, const char *folder, Error *err)
{
    const Status status = add_input(t, folder, "vocab.json", err);
    return status == STATUS_OK ? add_input(t, folder, "merges.txt", err) : status;
}

Status begin_weights(Weights *out, TrainCommand *t, const char *file, Error *err)
{
    Arena *arena = &t->command.arena;
    if (t->init_path == NULL) {
        *out = weights_create(arena, t->recipe.train.seed);
    } else {
        const Status status = add_input(t, t->init_path, file, err);
        const char *path = status == STATUS_OK ? path_join(arena, t->init_path, file) : NULL;
        if (path == NULL)
            return status != STATUS_OK ? status
                                       : error_set(err, STATUS_MEMORY, "no memory for a file name");
        weights_open(out, arena, path);
        out->draw_missing = t->recipe.draw_missing;
        out->seed = t->recipe.train.seed;
    }
    out->trainable = true;
    return STATUS_OK;
}

Status write_config(const char *folder, const Bytes *config, Arena *scratch, Error *err)
{
    const char *path = path_join(scratch, folder, "config.json");
    if (config->failed || path == NULL)
        return error_set(err, STATUS_MEMORY, "%s: no memory for the configuration", folder);
    const Status status = folder_make(folder, err);
    return status == STATUS_OK ? file_write(path, config->data, config->size, err) : status;
}

/* What the recipe's "frozen" names is not trained. */
static Status freeze(const TrainCommand *t, Weights *const *weights, int weights_count, Error *err)
{
    for (size_t i = 0; i < json_count(t->recipe.frozen); i++) {
        const char *name = json_text(json_at(t->recipe.frozen, i), "");
        size_t count = 0;
        for (int k = 0; k < weights_count; k++)
            count += weights_freeze(weights[k], name);
        if (count == 0)
            return error_set(err, STATUS_FORMAT,
                             "%s: \"frozen\" names \"%.80s\", which no parameter begins with",
                             t->recipe.path, name);
    }
    return STATUS_OK;
}

Status run_part(TrainCommand *t, const TrainTask *task, Weights *const *weights, int weights_count,
                Status (*save)(void *self, const char *folder, Arena *scratch, Error *err),
                Status (*sheet)(void *self, const char *path, Arena *scratch, Error *err), void *self,
                Error *err)
{
    Trainer trainer;
    Status status = freeze(t, weights, weights_count, err);
    if (status == STATUS_OK)
        status =
            trainer_init(&trainer, task, &t->recipe.train, weights, weights_count, &t->command.arena, err);
    if (status != STATUS_OK)
        return status;
    TrainRun run = {.command = &t->command,
                    .recipe = &t->recipe,
                    .trainer = &trainer,
                    .folder = t->output,
                    .resume = t->resume,
                    .stop_at = t->stop_at,
                    .dump = t->watch != NULL ? &t->dump : NULL,
                    .save = save,
                    .sheet = sheet,
                    .measures = t->measures,
                    .self = self};
    status = train_run(&run, err);
    trainer_free(&trainer);
    return status;
}
