#include "cli/train_data.h"

#include <stdio.h>

#include "base/file.h"
#include "cli/progress.h"
#include "diffusion/world_words.h"

bool is_world_folder(const char *folder, Arena *arena)
{
    const char *path = path_join(arena, folder, "styles.tsv");
    return path != NULL && file_exists(path);
}

/* ---- the command line over the recipe ---- */

static void add_number(TrainCommand *t, const char *name, double value)
{
    char text[40];
    snprintf(text, sizeof text, "%a", value);
    recipe_add_input(&t->recipe, name, text);
}

static Status apply_overrides(DataRecipe *d, TrainCommand *t, Error *err)
{
    const DataOverrides *o = &t->data;
    if (o->size >= 0) {
        if (o->size < PICTURE_SIZE_MIN)
            return error_set(err, STATUS_ARGUMENT, "train: --size is %d, expected -1 or %d to %d", o->size,
                             (int)PICTURE_SIZE_MIN, (int)PICTURE_SIZE_MAX);
        d->train.size = d->held_out.size = d->pictures.size = o->size;
        add_number(t, "size", o->size);
    }
    if (o->pool >= 0) {
        d->pool = o->pool;
        add_number(t, "pool", o->pool);
    }
    if (t->overrides.held_out >= 0 && t->overrides.held_out < d->held_out_pool)
        d->held_out_pool = t->overrides.held_out;
    if (o->mirror) {
        d->pictures.mirror = true;
        recipe_add_input(&t->recipe, "mirror", "true");
    }
    if (o->held_out_share >= 0.0) {
        d->pictures.held_out = o->held_out_share;
        add_number(t, "held_out_share", o->held_out_share);
    }
    if (o->fit != NULL) {
        d->pictures.fit = (PictureFit)world_word_place(o->fit, PICTURE_FIT_WORDS);
        recipe_add_input(&t->recipe, "fit", o->fit);
    }
    if (o->caption_column != NULL) {
        d->caption_column = o->caption_column;
        recipe_add_input(&t->recipe, "caption_column", o->caption_column);
    }
    return STATUS_OK;
}

/* ---- the picture world ---- */

static Status add_world_file(TrainCommand *t, const char *name, const char *ending, Error *err)
{
    char file[100];
    snprintf(file, sizeof file, "%.80s%s", name, ending);
    return add_input(t, t->data_path, file, err);
}

static Status open_world(TrainData *d, TrainCommand *t, Error *err)
{
    static const char *const tables[] = {"styles", "concepts", "pairs"};
    Status status = STATUS_OK;
    d->world_train = (WorldData){&t->world, d->recipe.train};
    d->world_held_out = (WorldData){&t->world, d->recipe.held_out};
    d->train = world_data_set(&d->world_train);
    d->held_out = world_data_set(&d->world_held_out);
    for (int i = 0; i < 3 && status == STATUS_OK; i++)
        status = add_world_file(t, tables[i], ".tsv", err);
    for (int s = 0; s < t->world.styles && status == STATUS_OK; s++)
        status = add_world_file(t, t->world.style[s].name, ".png", err);
    return status;
}

/* ---- a folder of pictures ---- */

static bool on_picture(void *context, uint64_t done, uint64_t count)
{
    progress_show(context, done, count, "", done % 1000 == 0 || done == count);
    return !interrupted();
}

static Status check_captions(const PictureFolder *f, const char *column, Error *err)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->entry[i].caption == NULL)
            return error_set(
                err, STATUS_FORMAT,
                "%s: has no caption, neither as \"%.60s\" in metadata.jsonl nor in a .txt file "
                "of its name (an empty one is a caption too)",
                f->entry[i].path, column);
    return STATUS_OK;
}

static int at_most(int wanted, uint64_t there)
{
    return (uint64_t)wanted < there ? wanted : (int)there;
}

static Status open_pictures(TrainData *d, TrainCommand *t, bool captions, Error *err)
{
    PictureFolder folder;
    Arena *arena = &t->command.arena;
    TrainOptions *train = &t->recipe.train;
    Status status = picture_folder_open(&folder, t->data_path, d->recipe.caption_column, arena, err);
    if (status == STATUS_OK && captions)
        status = check_captions(&folder, d->recipe.caption_column, err);
    if (status != STATUS_OK)
        return status;
    Progress progress = progress_begin("read pictures", t->command.quiet, 0);
    d->recipe.pictures.progress = on_picture;
    d->recipe.pictures.context = &progress;
    interrupts_watch();
    status = picture_data_open(&d->pictures, &folder, &d->recipe.pictures, arena, err);
    progress_end(&progress);
    if (status != STATUS_OK)
        return status;
    recipe_add_input(&t->recipe, "pictures", d->pictures.fingerprint);
    d->train = picture_train_set(&d->pictures);
    d->held_out = picture_held_out_set(&d->pictures);
    const uint64_t sides = d->recipe.pictures.mirror ? 2 : 1;
    d->recipe.pool = at_most(d->recipe.pool, d->train.count * sides);
    d->recipe.captions = at_most(d->recipe.captions, d->train.count);
    if (d->held_out.count > 0)
        return STATUS_OK;
    if (train->patience > 0)
        return error_set(err, STATUS_ARGUMENT, "%s: patience needs pictures that are held out",
                         t->data_path);
    train->held_out = d->recipe.held_out_pool = 0;
    d->held_out = d->train; /* for sample sheets */
    return STATUS_OK;
}

Status train_data_open(TrainData *out, TrainCommand *t, bool captions, Error *err)
{
    const World *world = t->pictures ? NULL : &t->world;
    Status status = data_recipe_read(&out->recipe, &t->recipe, world, &t->command.arena, err);
    if (status == STATUS_OK)
        status = apply_overrides(&out->recipe, t, err);
    if (status == STATUS_OK && world != NULL)
        status = world_options_check(world, &out->recipe.train, err);
    if (status != STATUS_OK)
        return status;
    return t->pictures ? open_pictures(out, t, captions, err) : open_world(out, t, err);
}

static bool on_encoded(void *context, uint64_t done, uint64_t count)
{
    progress_show(context, done, count, "", done % 1600 == 0 || done == count);
    return !interrupted();
}

Status fill_pool(LatentPool *out, TrainCommand *t, const Vae *vae, const Tokenizer *tokenizer,
                 const DataSet *data, uint64_t seed, int count, Error *err)
{
    Progress progress = progress_begin("encode pictures", t->command.quiet, 0);
    interrupts_watch();
    const Status status = latent_pool_fill(out, vae, tokenizer, data, seed, count, on_encoded, &progress,
                                           &t->command.arena, err);
    progress_end(&progress);
    return status;
}
