/* cli/command_data.c - make, list, show and pack the pictures that models are trained on. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/folder_list.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/progress.h"
#include "cli/data_pictures.h"
#include "cli/train_data.h"
#include "diffusion/world_export.h"
#include "diffusion/world_list.h"
#include "diffusion/world_pack.h"
#include "diffusion/world_prompts.h"
#include "diffusion/world_words.h"
#include "io/png.h"

typedef struct {
    Command command;
    World world;
    WorldOptions options;
    PictureOptions prepare; /* of a folder of pictures */
    const char *folder, *output, *split, *concepts, *company, *kinds, *maps, *styles, *renders, *fit,
        *column;
    int count, columns, cell, level;
    int64_t first;
    double white;
    uint64_t seed;
    Progress progress;
} Data;

static const char *const ACTIONS[] = {"make", "show", "list", "pack", NULL};
static const char *const TOPICS[] = {"styles", "concepts", "tests", "company", "prompts", NULL};

/* "ldm99: did you mean" for a word that is none of `words`. */
static Status no_such_word(const char *word, const char *const *words, const char *expected, Error *err)
{
    const char *near = nearest_word(word, words);
    return error_set(err, STATUS_ARGUMENT, "data: unknown word \"%.40s\", expected %s%s%s", word, expected,
                     near != NULL ? "; did you mean " : "", near != NULL ? near : "");
}

static int choice(const char *word, const char *const *words)
{
    const int place = world_word_place(word, words);
    return place < 0 ? 0 : place; /* the option table allows no other word */
}

/* The command line's words over the defaults of the world. */
static Status set_options(Data *d, Error *err)
{
    WorldOptions *o = &d->options;
    uint32_t kinds = 0;
    Status status = STATUS_OK;
    o->split = (WorldSplit)choice(d->split, WORLD_SPLIT_WORDS);
    o->concepts = (WorldConcepts)choice(d->concepts, WORLD_CONCEPT_WORDS);
    o->company = (WorldCompany)choice(d->company, WORLD_COMPANY_WORDS);
    o->white = (float)d->white;
    for (int i = 0; i < 3 && d->level >= 0; i++)
        o->level[i] = i == d->level ? 1.0f : 0.0f;
    if (d->kinds != NULL)
        status = world_words_read(&kinds, d->kinds, WORLD_KIND_WORDS, "kinds", err);
    for (int i = 0; i < WORLD_KINDS && d->kinds != NULL; i++)
        o->share[i] = (kinds >> i & 1) != 0 ? o->share[i] : 0.0f;
    if (status == STATUS_OK && d->maps != NULL)
        status = world_words_read(&o->maps, d->maps, WORLD_MAP_WORDS, "maps", err);
    if (status == STATUS_OK && d->styles != NULL)
        status = world_styles_read(&o->styles, d->styles, &d->world, err);
    return status == STATUS_OK ? world_options_check(&d->world, o, err) : status;
}

static bool on_sample(void *context, uint64_t done, uint64_t count)
{
    Data *d = context;
    progress_show(&d->progress, done, count, "", done % 500 == 0 || done == count);
    return !interrupted();
}

static WorldExport samples_of(Data *d)
{
    return (WorldExport){.seed = d->seed,
                         .first = (uint64_t)d->first,
                         .count = (uint64_t)d->count,
                         .progress = on_sample,
                         .context = d};
}

static void write_samples(const Data *d, JsonWriter *w)
{
    json_write_text(w, "data", d->folder);
    json_write_uint64(w, "seed", d->seed);
    json_write_uint64(w, "first", (uint64_t)d->first);
    json_write_int(w, "count", d->count);
    json_write_int(w, "size", d->options.size);
}

static Status make(Data *d, Error *err)
{
    const WorldExport what = samples_of(d);
    Status status = set_options(d, err);
    if (status == STATUS_OK && d->output == NULL)
        status = error_set(err, STATUS_ARGUMENT, "data make: --output FOLDER is needed");
    if (status != STATUS_OK)
        return status;
    interrupts_watch();
    d->progress = progress_begin("data", d->command.quiet, 0);
    status = world_export(d->output, &d->world, &d->options, &what, &d->command.arena, err);
    progress_end(&d->progress);
    if (status == STATUS_OK) {
        write_samples(d, &d->command.result.json);
        json_write_text(&d->command.result.json, "folder", d->output);
        result_line(&d->command.result, "%s\n", d->output);
        const char *path = path_join(&d->command.arena, d->output, "metadata.jsonl");
        if (path != NULL)
            result_file_quietly(&d->command.result, path);
    }
    return status;
}

/* A sheet of `count` samples, of whatever set. */
static Status show(Data *d, const DataSet *set, int count, Error *err)
{
    Arena *arena = &d->command.arena;
    const uint64_t first = (uint64_t)d->first;
    const char *path = d->output != NULL ? d->output : "data.png";
    Image sheet;
    Status status = data_contact_sheet(&sheet, set, d->seed, first, count, d->columns, arena, err);
    char made[120];
    snprintf(made, sizeof made, "ldm99 data show, seed %llu, pictures %llu to %llu",
             (unsigned long long)d->seed, (unsigned long long)first,
             (unsigned long long)(first + (uint64_t)count - 1));
    const PngText text = {"parameters", made};
    if (status == STATUS_OK)
        status = png_write(path, &sheet, &text, 1, arena, err);
    if (status != STATUS_OK)
        return status;
    write_samples(d, &d->command.result.json);
    result_file(&d->command.result, path);
    return STATUS_OK;
}

static Status show_world(Data *d, Error *err)
{
    const Status status = set_options(d, err);
    WorldData data = {&d->world, d->options};
    const DataSet set = world_data_set(&data);
    return status == STATUS_OK ? show(d, &set, d->count, err) : status;
}

/* list and show of a folder of pictures. */
static Status run_pictures(Data *d, int action, Error *err)
{
    PictureData data;
    DataPictures p = {.command = &d->command, .folder = d->folder, .column = d->column, .data = &data};
    d->prepare.size = d->options.size;
    d->prepare.fit = (PictureFit)choice(d->fit, PICTURE_FIT_WORDS);
    if (!is_folder(d->folder))
        return error_set(err, STATUS_FILE, "data: %s: is no folder", d->folder);
    if (action != 1 && action != 2)
        return error_set(err, STATUS_ARGUMENT,
                         "data: %s is no picture world; list and show read it, and train", d->folder);
    Status status = data_pictures_open(&p, &d->prepare, err);
    if (status != STATUS_OK)
        return status;
    if (action == 2)
        return data_pictures_list(&p, err);
    const bool held_out = strcmp(d->split, "test") == 0;
    const DataSet set = held_out ? picture_held_out_set(&data) : picture_train_set(&data);
    if (set.count == 0)
        return error_set(err, STATUS_ARGUMENT, "%s: no picture is held out", d->folder);
    return show(d, &set, (uint64_t)d->count < set.count ? d->count : (int)set.count, err);
}

/* Every style's sheet, from renderings of its drawings, beside the tables. */
static Status pack(Data *d, Error *err)
{
    Arena *arena = &d->command.arena;
    Status status = STATUS_OK;
    if (d->renders == NULL || d->output == NULL)
        return error_set(err, STATUS_ARGUMENT,
                         "data pack: --renders FOLDER and --output FOLDER are needed");
    status = folder_make(d->output, err);
    for (int i = 0; i < d->world.styles && status == STATUS_OK; i++) {
        char name[80];
        Image sheet;
        const ArenaMark mark = arena_mark(arena);
        snprintf(name, sizeof name, "%.60s.png", d->world.style[i].name);
        const char *path = path_join(arena, d->output, name);
        status = path != NULL ? world_pack(&sheet, &d->world, i, d->renders, d->cell, arena, err)
                              : error_set(err, STATUS_MEMORY, "no memory for a file name");
        if (status == STATUS_OK)
            status = png_write(path, &sheet, NULL, 0, arena, err);
        if (status == STATUS_OK)
            result_file(&d->command.result, path);
        arena_release(arena, mark);
    }
    return status;
}

/* Styles and concepts as members of the result; the other topics as their lines. */
static Status list_json(Data *d, const char *topic, const Bytes *lines, Error *err)
{
    JsonWriter *w = &d->command.result.json;
    Bytes text = {.arena = &d->command.arena};
    const Json *json = NULL;
    world_list_json(&text, &d->world);
    if (text.failed)
        return error_set(err, STATUS_MEMORY, "no memory for the list");
    const Status status =
        json_parse(&json, (const char *)text.data, text.size, "the list", &d->command.arena, err);
    if (status != STATUS_OK)
        return status;
    json_write_text(w, "data", d->folder);
    for (size_t i = 0; i < json_count(json); i++)
        if (topic == NULL || strcmp(topic, json_key(json, i)) == 0)
            json_write_value(w, json_key(json, i), json_at(json, i));
    if (topic == NULL || json_get(json, topic) != NULL)
        return STATUS_OK;
    json_begin_array(w, topic);
    for (size_t at = 0, end; at < lines->size; at = end + 1) {
        for (end = at; end < lines->size && lines->data[end] != '\n'; end++)
            continue;
        const char *line = arena_text(&d->command.arena, (const char *)lines->data + at, end - at);
        json_write_text(w, NULL, line != NULL ? line : "");
    }
    json_end(w);
    return STATUS_OK;
}

/* One topic, or styles and concepts. */
static Status list(Data *d, const char *topic, Error *err)
{
    Bytes text = {.arena = &d->command.arena};
    Status status = STATUS_OK;
    if (topic == NULL) {
        world_list_styles(&text, &d->world);
        bytes_add_byte(&text, '\n');
        world_list_concepts(&text, &d->world);
    } else {
        switch (world_word_place(topic, TOPICS)) {
        case 0: world_list_styles(&text, &d->world); break;
        case 1: world_list_concepts(&text, &d->world); break;
        case 2: world_list_tests(&text, &d->world); break;
        case 3: world_list_company(&text, &d->world); break;
        case 4: status = world_prompts_table(&text, &d->world, err); break;
        default: return no_such_word(topic, TOPICS, "styles, concepts, tests, company or prompts", err);
        }
    }
    if (status != STATUS_OK)
        return status;
    if (text.failed)
        return error_set(err, STATUS_MEMORY, "no memory for the list");
    if (d->command.json)
        return list_json(d, topic, &text, err);
    fwrite(text.data, 1, text.size, stdout);
    return STATUS_OK;
}

static Status run(Data *d, Error *err)
{
    const Options *o = &d->command.options;
    const int action = world_word_place(o->words[0], ACTIONS);
    if (action < 0)
        return no_such_word(o->words[0], ACTIONS, "make, show, list or pack", err);
    const char *word = o->word_count > 1 ? o->words[1] : NULL;
    if (word != NULL && d->folder == NULL && world_word_place(word, TOPICS) < 0 && is_folder(word)) {
        d->folder = word; /* data list FOLDER */
        word = NULL;
    }
    if (action != 2 && word != NULL)
        return error_set(err, STATUS_ARGUMENT, "data %s: unexpected word \"%.40s\"", o->words[0], word);
    Status status = STATUS_OK;
    if (d->folder == NULL)
        status = shipped_folder(&d->folder, "world", &d->command.arena, err);
    if (status == STATUS_OK && !is_world_folder(d->folder, &d->command.arena))
        return run_pictures(d, action, err);
    if (status == STATUS_OK)
        status = action < 2 ? world_open(&d->world, d->folder, &d->command.arena, err)
                            : world_open_tables(&d->world, d->folder, &d->command.arena, err);
    if (status != STATUS_OK)
        return status;
    switch (action) {
    case 0: return make(d, err);
    case 1: return show_world(d, err);
    case 2: return list(d, word, err);
    default: return pack(d, err);
    }
}

int command_data(int argc, char **argv)
{
    Data d = {.options = WORLD_DEFAULTS,
              .prepare = PICTURE_DEFAULTS,
              .fit = PICTURE_FIT_WORDS[FIT_COVER],
              .split = "train",
              .concepts = "core",
              .company = "train",
              .white = (double)WORLD_DEFAULTS.white,
              .count = 16,
              .cell = 64,
              .level = -1,
              .seed = 42};
    const Option own[] = {
        {OPTION_TEXT, "data", 0, "world", &d.folder, 0, 0, "FOLDER",
         "a picture world, or a folder of pictures to list or show; the shipped world when left out"},
        {OPTION_TEXT, "output", 'o', NULL, &d.output, 0, 0, "PATH", "make, pack: folder; show: PNG"},
        {OPTION_INT, "count", 'n', "num", &d.count, 1, 999999, NULL, "pictures"},
        {OPTION_WHOLE, "first", 0, NULL, &d.first, 0, 281474976710655.0, NULL,
         "number of the first picture"},
        {OPTION_SEED, "seed", 's', NULL, &d.seed, 0, 0, NULL, "of the pictures"},
        {OPTION_INT, "size", 0, "resolution", &d.options.size, PICTURE_SIZE_MIN, PICTURE_SIZE_MAX, NULL,
         "side in pixels; of a world 32, 64 or 128"},
        {OPTION_CHOICE, "split", 0, NULL, &d.split, 0, 0, "train test all", "which drawings"},
        {OPTION_CHOICE, "concepts", 0, NULL, &d.concepts, 0, 0, "core trained known held all",
         "which things: in scenes; the denoiser's; the autoencoder's; held out"},
        {OPTION_FLAG, "core-scenes", 0, NULL, &d.options.core_scenes, 0, 0, NULL,
         "only core things stand together, whatever --concepts says"},
        {OPTION_CHOICE, "company", 0, NULL, &d.company, 0, 0, "train test any",
         "things that may stand together: as in training, kept apart there, any"},
        {OPTION_TEXT, "styles", 0, "style", &d.styles, 0, 0, "LIST",
         "only these, with commas (see data list); else all base styles"},
        {OPTION_TEXT, "kinds", 0, NULL, &d.kinds, 0, 0, "LIST", "only these of single,scene,layered"},
        {OPTION_INT, "level", 0, NULL, &d.level, -1, 2, NULL, "level of the captions; -1: mixed"},
        {OPTION_NUMBER, "white", 0, NULL, &d.white, 0, 1, NULL, "share of white backgrounds"},
        {OPTION_TEXT, "maps", 0, NULL, &d.maps, 0, 0, "LIST", "also these of labels,sketch,depth,lines,masks"},
        {OPTION_INT, "columns", 0, NULL, &d.columns, 0, 1000, NULL,
         "show: columns of the sheet; 0: chosen"},
        {OPTION_CHOICE, "fit", 0, NULL, &d.fit, 0, 0, "cover contain stretch",
         "folder of pictures: how one becomes a square"},
        {OPTION_FLAG, "mirror", 0, "random-flip", &d.prepare.mirror, 0, 0, NULL,
         "folder of pictures: half of them mirrored, in turn"},
        {OPTION_NUMBER, "held-out-share", 0, NULL, &d.prepare.held_out, 0, 0.999, NULL,
         "folder of pictures: share that is not trained on"},
        {OPTION_TEXT, "caption-column", 0, NULL, &d.column, 0, 0, "NAME",
         "folder of pictures: the caption in metadata.jsonl; text when left out"},
        {OPTION_TEXT, "renders", 0, NULL, &d.renders, 0, 0, "FOLDER",
         "pack: folder of renderings STYLE/SLUG.png"},
        {OPTION_INT, "cell", 0, NULL, &d.cell, 8, WORLD_CELL_MAX, NULL,
         "pack: side of a drawing in pixels"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "data",
                           .usage = "make|show|pack|list [FOLDER|styles|concepts|tests|company|prompts]",
                           .words_low = 1,
                           .words_high = 2,
                           .about =
                               "The training pictures: files for trainers, contact sheets, what there is."};
    if (command_begin(&d.command, &about, own, argc, argv)) {
        const Status status = run(&d, &d.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&d.command);
}
