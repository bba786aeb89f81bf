/* cli/command_data.c - make, list, show and pack the pictures that models are trained on. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/progress.h"
#include "diffusion/world_export.h"
#include "diffusion/world_list.h"
#include "diffusion/world_pack.h"
#include "io/png.h"

typedef struct {
    Command command;
    World world;
    WorldOptions options;
    const char *folder, *output, *split, *concepts, *kinds, *maps, *style, *renders;
    int count, columns, cell, level;
    double first;
    uint64_t seed;
    Progress progress;
} Data;

static bool has_word(const char *list, const char *word)
{
    const size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)) != NULL; p += n)
        if ((p == list || p[-1] == ',') && (p[n] == '\0' || p[n] == ','))
            return true;
    return false;
}

static int place_of(const char *word, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return 0; /* the option table allows no other word */
}

/* The command line's words over the defaults of the world. */
static Status set_options(Data *d, Error *err)
{
    static const char *const splits[] = {"train", "test", "all", NULL};
    static const char *const concepts[] = {"core", "trained", "held", "all", NULL};
    static const char *const kinds[WORLD_KINDS] = {"single", "scene", "layered"};
    static const char *const maps[] = {"labels", "sketch", "depth", "lines"};
    WorldOptions *o = &d->options;
    o->split = (WorldSplit)place_of(d->split, splits);
    o->concepts = (WorldConcepts)place_of(d->concepts, concepts);
    if (d->level >= 0)
        for (int i = 0; i < 3; i++)
            o->level[i] = i == d->level;
    for (int i = 0; i < WORLD_KINDS && d->kinds != NULL; i++)
        o->share[i] = has_word(d->kinds, kinds[i]);
    for (unsigned i = 0; i < 4 && d->maps != NULL; i++)
        o->maps |= has_word(d->maps, maps[i]) ? 1u << i : 0;
    if (d->style != NULL) {
        const int style = world_style(&d->world, d->style);
        if (style < 0)
            return error_set(err, STATUS_ARGUMENT, "data: there is no style \"%.40s\"; see ldm99 data list",
                             d->style);
        o->styles = 1u << style;
    }
    return world_options_check(&d->world, o, err);
}

static bool on_sample(void *context, uint64_t done, uint64_t count)
{
    Data *d = context;
    progress_show(&d->progress, done, count, "", done % 500 == 0 || done == count);
    return !interrupted();
}

static Status make_or_show(Data *d, bool make, Error *err)
{
    Arena *arena = &d->command.arena;
    const char *output = d->output != NULL ? d->output : make ? NULL : "data.png";
    const WorldExport what = {.seed = d->seed,
                              .first = (uint64_t)d->first,
                              .count = (uint64_t)d->count,
                              .progress = on_sample,
                              .context = d};
    Status status = set_options(d, err);
    if (status == STATUS_OK && output == NULL)
        status = error_set(err, STATUS_ARGUMENT, "data make: --output FOLDER is needed");
    if (status != STATUS_OK)
        return status;
    interrupts_watch();
    d->progress = progress_begin("data", d->command.quiet, 0);
    if (make) {
        status = world_export(output, &d->world, &d->options, &what, arena, err);
    } else {
        Image sheet;
        status = world_contact_sheet(&sheet, &d->world, &d->options, &what, d->columns, arena, err);
        if (status == STATUS_OK)
            status = png_write(output, &sheet, NULL, 0, arena, err);
    }
    progress_end(&d->progress);
    if (status == STATUS_OK)
        printf("%s\n", output);
    return status;
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
            printf("%s\n", path);
        arena_release(arena, mark);
    }
    return status;
}

static Status list(Data *d, Error *err)
{
    Bytes text = {.arena = &d->command.arena};
    world_list_styles(&text, &d->world);
    bytes_add_text(&text, "\n");
    world_list_concepts(&text, &d->world);
    if (text.failed)
        return error_set(err, STATUS_MEMORY, "no memory for the list");
    fwrite(text.data, 1, text.size, stdout);
    return STATUS_OK;
}

static Status run(Data *d, Error *err)
{
    static const char *const words[] = {"make", "show", "list", "pack", NULL};
    const char *word = d->command.options.words[0];
    Status status = STATUS_OK;
    if (d->folder == NULL)
        status = shipped_folder(&d->folder, "world", &d->command.arena, err);
    if (status != STATUS_OK)
        return status;
    if (strcmp(word, "pack") == 0)
        status = world_open_tables(&d->world, d->folder, &d->command.arena, err);
    else
        status = world_open(&d->world, d->folder, &d->command.arena, err);
    if (status != STATUS_OK)
        return status;
    if (strcmp(word, "make") == 0 || strcmp(word, "show") == 0)
        return make_or_show(d, word[0] == 'm', err);
    if (strcmp(word, "list") == 0)
        return list(d, err);
    if (strcmp(word, "pack") == 0)
        return pack(d, err);
    const char *near = nearest_word(word, words);
    return error_set(err, STATUS_ARGUMENT,
                     "data: unknown word \"%.40s\", expected make, show, list or pack%s%s", word,
                     near != NULL ? "; did you mean " : "", near != NULL ? near : "");
}

int command_data(int argc, char **argv)
{
    Data d = {.options = WORLD_DEFAULTS,
              .split = "train",
              .concepts = "core",
              .count = 16,
              .cell = 64,
              .level = -1,
              .seed = 42};
    const Option own[] = {
        {OPTION_TEXT, "data", 0, "world", &d.folder, 0, 0, NULL,
         "folder of the picture world; the shipped one when left out"},
        {OPTION_TEXT, "output", 'o', NULL, &d.output, 0, 0, NULL, "make, pack: folder; show: PNG"},
        {OPTION_INT, "count", 'n', "num", &d.count, 1, 999999, NULL, "pictures"},
        {OPTION_NUMBER, "first", 0, NULL, &d.first, 0, 281474976710655.0, NULL,
         "number of the first picture"},
        {OPTION_SEED, "seed", 's', NULL, &d.seed, 0, 0, NULL, "of the pictures"},
        {OPTION_INT, "size", 0, "resolution", &d.options.size, 32, 128, NULL,
         "side in pixels: 32, 64 or 128"},
        {OPTION_CHOICE, "split", 0, NULL, &d.split, 0, 0, "train test all", "which drawings"},
        {OPTION_CHOICE, "concepts", 0, NULL, &d.concepts, 0, 0, "core trained held all", "which things"},
        {OPTION_TEXT, "style", 0, NULL, &d.style, 0, 0, NULL, "only this style"},
        {OPTION_TEXT, "kinds", 0, NULL, &d.kinds, 0, 0, NULL, "only these, of single,scene,layered"},
        {OPTION_INT, "level", 0, NULL, &d.level, -1, 2, NULL, "level of the captions; -1: mixed"},
        {OPTION_TEXT, "maps", 0, NULL, &d.maps, 0, 0, NULL, "also these, of labels,sketch,depth,lines"},
        {OPTION_INT, "columns", 0, NULL, &d.columns, 0, 1000, NULL,
         "show: columns of the sheet; 0: chosen"},
        {OPTION_TEXT, "renders", 0, NULL, &d.renders, 0, 0, NULL,
         "pack: folder of renderings STYLE/SLUG.png"},
        {OPTION_INT, "cell", 0, NULL, &d.cell, 8, WORLD_CELL_MAX, NULL,
         "pack: side of a drawing in pixels"},
        {OPTION_END, NULL, 0, NULL, NULL, 0, 0, NULL, NULL},
    };
    const Options about = {.command = "data",
                           .usage = "make|show|list|pack",
                           .words_low = 1,
                           .words_high = 1,
                           .about =
                               "The training pictures: files for trainers, contact sheets, what there is."};
    if (command_begin(&d.command, &about, own, argc, argv)) {
        const Status status = run(&d, &d.command.error);
        (void)status; /* command_end reports the error */
    }
    return command_end(&d.command);
}
