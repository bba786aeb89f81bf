#include "cli/showcase.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/world_pictures.h"
#include "diffusion/world_prompts.h"
#include "diffusion/world_sample.h"
#include "io/png.h"
#include "io/sheet.h"
#include "metrics/nearest_drawing.h"

enum {
    OBJECTS = 8,
    STYLES = 6,
    HALF = 8, /* scenes in a row of the sheet */
    PAIRS = 8,
    NEAREST = 3,
    COLUMNS = 3 + NEAREST, /* of the sheet of generalisation */
    SCENE_SEED = 2026,     /* of the scenes that are asked for [ours] */
    SIDE = 56              /* of a thing in the middle, in units */
};

/* Core things that are unlike each other; nine of their 48 drawings are held out. */
static const char *const things[OBJECTS] = {"cat-face",  "strawberry", "automobile", "sunflower",
                                            "hamburger", "penguin",    "red-apple",  "cactus"};

/* ---- helpers ---- */

/* Captions and pictures of `count` scenes. */
static Status draw(Showcase *s, const char *name, Image *pictures, const char **prompts,
                   const WorldScene *scenes, int count, Error *err)
{
    Arena *arena = &s->command->arena;
    Progress progress = progress_begin(name, s->command->quiet, 0);
    PromptPictures p = {.model = s->model,
                        .steps = s->steps,
                        .guidance = s->guidance,
                        .seed = s->seed,
                        .progress = &progress,
                        .total = count};
    Status status = scene_captions(prompts, &s->world, scenes, count, arena, err);
    if (status == STATUS_OK)
        status = prompt_pictures(pictures, &p, prompts, count, arena, err);
    progress_end(&progress);
    return status;
}

/* Writes a sheet, which says how it was made, and the prompts of its pictures to --json. */
static Status write_sheet(Showcase *s, const char *name, const SheetCell *cells, int count,
                          const SheetOptions *options, const char *const *prompts, int pictures, Error *err)
{
    Arena *arena = &s->command->arena;
    char file[64], made[160];
    Image sheet;
    snprintf(file, sizeof file, "%s.png", name);
    snprintf(made, sizeof made, "ldm99 demo %s, %d steps, cfg scale %g, seed %llu",
             strchr(name, '-') != NULL ? strchr(name, '-') + 1 : name, s->steps, s->guidance,
             (unsigned long long)s->seed);
    const PngText text = {"parameters", made};
    const char *path = path_join(arena, s->folder, file);
    Status status = path != NULL ? folder_make(s->folder, err)
                                 : error_set(err, STATUS_MEMORY, "no memory for a file name");
    if (status == STATUS_OK)
        status = sheet_make(&sheet, cells, count, options, arena, err);
    if (status == STATUS_OK)
        status = png_write(path, &sheet, &text, 1, arena, err);
    if (status != STATUS_OK)
        return status;
    JsonWriter *w = &s->command->result.json;
    json_begin_array(w, name);
    for (int i = 0; i < pictures; i++) {
        json_begin_object(w, NULL);
        json_write_text(w, "prompt", prompts[i]);
        json_write_uint64(w, "seed", s->seed + (uint64_t)i);
        json_end(w);
    }
    json_end(w);
    result_file(&s->command->result, path);
    return STATUS_OK;
}

/* ---- the sheets ---- */

/* The first base styles; false when the world has fewer than STYLES. */
static bool base_styles(int style[STYLES], const World *world)
{
    int count = 0;
    for (int k = 0; k < world->styles && count < STYLES; k++)
        if (world->style[k].role == STYLE_BASE)
            style[count++] = k;
    return count == STYLES;
}

Status showcase_objects(Showcase *s, Error *err)
{
    WorldScene scene[OBJECTS * STYLES];
    Image picture[OBJECTS * STYLES];
    SheetCell cells[OBJECTS * STYLES];
    const char *prompt[OBJECTS * STYLES], *column[STYLES], *row[OBJECTS];
    int style[STYLES];
    const World *world = &s->world;
    if (!base_styles(style, world))
        return error_set(err, STATUS_ARGUMENT, "demo objects: the world has fewer than %d base styles",
                         STYLES);
    for (int i = 0; i < OBJECTS * STYLES; i++) {
        const int concept = world_concept(world, things[i / STYLES]);
        if (concept < 0)
            return error_set(err, STATUS_ARGUMENT, "demo objects: the world has no %s", things[i / STYLES]);
        scene[i] =
            single_scene(style[i % STYLES], concept, i / STYLES % 2 == 0 ? 0 : 1 + i / STYLES / 2, SIDE);
        row[i / STYLES] = world->concept[concept].name;
        column[i % STYLES] = world->style[style[i % STYLES]].name;
    }
    const Status status = draw(s, "objects", picture, prompt, scene, OBJECTS * STYLES, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < OBJECTS * STYLES; i++) {
        const WorldPair pair = world_pair(world, scene[i].style, scene[i].object[0].concept);
        cells[i] = (SheetCell){&picture[i], pair == PAIR_TEST   ? "held out"
                                            : pair == PAIR_NONE ? "no such drawing"
                                                                : ""};
    }
    const SheetOptions options = {
        .columns = STYLES,
        .zoom = 2,
        .title =
            "\"a cat face in noto style on white\" ...  held out: a drawing that training never showed",
        .column_titles = column,
        .row_titles = row};
    return write_sheet(s, "showcase-objects", cells, OBJECTS * STYLES, &options, prompt, OBJECTS * STYLES,
                       err);
}

/* Eight scenes: four of two things, then four of three. */
static Status choose_scenes(WorldScene out[HALF], const World *world, WorldCompany company, Error *err)
{
    WorldOptions o = WORLD_DEFAULTS;
    int two = 0, three = 0;
    o.company = company;
    o.reorder = o.drop_style = o.drop_background = 0.0f;
    for (int k = 0; k < WORLD_KINDS; k++)
        o.share[k] = k == WORLD_SCENE ? 1.0f : 0.0f;
    const Status status = world_options_check(world, &o, err);
    for (uint64_t i = 0; status == STATUS_OK && two + three < HALF; i++) {
        WorldScene scene;
        world_scene(&scene, world, &o, SCENE_SEED, i);
        if (scene.count == 2 && two < HALF / 2)
            out[two++] = scene;
        else if (scene.count == 3 && three < HALF / 2)
            out[HALF / 2 + three++] = scene;
    }
    return status;
}

Status showcase_scenes(Showcase *s, Error *err)
{
    WorldScene scene[2 * HALF];
    Image picture[2 * HALF];
    SheetCell cells[2 * HALF];
    const char *prompt[2 * HALF];
    Status status = choose_scenes(scene, &s->world, COMPANY_TRAIN, err);
    if (status == STATUS_OK)
        status = choose_scenes(scene + HALF, &s->world, COMPANY_TEST, err);
    if (status == STATUS_OK)
        status = draw(s, "scenes", picture, prompt, scene, 2 * HALF, err);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < 2 * HALF; i++)
        cells[i] = (SheetCell){&picture[i], prompt[i]};
    const SheetOptions options = {.columns = HALF,
                                  .zoom = 2,
                                  .title = "scenes; below: with things that training never shows together"};
    return write_sheet(s, "showcase-scenes", cells, 2 * HALF, &options, prompt, 2 * HALF, err);
}

/* One row of the sheet: two pictures, the artist's, the nearest to the first. */
static Status add_row(SheetCell cell[COLUMNS], const Showcase *s, const DrawingGallery *gallery,
                      const WorldScene *scene, const Image pictures[2], Error *err)
{
    Arena *arena = &s->command->arena;
    NearDrawing near[NEAREST];
    WorldSample *sample = arena_alloc(arena, 1 + NEAREST, sizeof *sample);
    if (sample == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for a row of the sheet");
    const int found = nearest_drawings(near, NEAREST, gallery, &pictures[0]);
    Status status = world_sample_of(&sample[0], &s->world, scene, NEAREST_SIDE, 0, arena, err);
    for (int k = 0; k < found && status == STATUS_OK; k++) {
        char text[96];
        const WorldScene *of = &near[k].scene;
        status = world_sample_of(&sample[1 + k], &s->world, of, NEAREST_SIDE, 0, arena, err);
        snprintf(text, sizeof text, "%.40s %.20s %.3f", s->world.concept[of->object[0].concept].name,
                 s->world.style[of->style].name, near[k].distance);
        const char *caption = arena_text(arena, text, strlen(text));
        if (status == STATUS_OK && caption == NULL)
            status = error_set(err, STATUS_MEMORY, "no memory for a caption");
        cell[3 + k] = (SheetCell){&sample[1 + k].image, caption};
    }
    cell[0] = (SheetCell){&pictures[0], NULL};
    cell[1] = (SheetCell){&pictures[1], NULL};
    cell[2] = (SheetCell){&sample[0].image, NULL};
    return status;
}

Status showcase_generalisation(Showcase *s, Error *err)
{
    static const char *const columns[COLUMNS] = {"model",     "model",     "artist",
                                                 "nearest 1", "nearest 2", "nearest 3"};
    WorldScene scene[PAIRS], twice[2 * PAIRS];
    Image picture[2 * PAIRS];
    SheetCell cells[PAIRS * COLUMNS] = {{NULL, NULL}};
    const char *prompt[2 * PAIRS], *row[PAIRS];
    DrawingGallery gallery;
    Arena *arena = &s->command->arena;
    Status status = world_prompts(scene, PAIRS, &s->world, PROMPTS_DRAWINGS, err);
    for (int i = 0; i < PAIRS && status == STATUS_OK; i++) {
        scene[i] = single_scene(scene[i].style, scene[i].object[0].concept, 0, SIDE);
        twice[2 * i] = twice[2 * i + 1] = scene[i];
    }
    if (status == STATUS_OK)
        status = draw(s, "generalisation", picture, prompt, twice, 2 * PAIRS, err);
    if (status == STATUS_OK)
        status = drawing_gallery(&gallery, &s->world, 0, arena, err);
    for (int i = 0; i < PAIRS && status == STATUS_OK; i++) {
        row[i] = prompt[2 * i];
        if (interrupted())
            return error_set(err, STATUS_INTERRUPTED, "stopped");
        if (picture[2 * i].width != NEAREST_SIDE || picture[2 * i].height != NEAREST_SIDE)
            return error_set(err, STATUS_SHAPE,
                             "demo generalisation: the model's pictures are not %d pixels large",
                             NEAREST_SIDE);
        status = add_row(&cells[i * COLUMNS], s, &gallery, &scene[i], &picture[2 * i], err);
    }
    if (status != STATUS_OK)
        return status;
    const SheetOptions options = {
        .columns = COLUMNS,
        .zoom = 2,
        .title = "drawings that training never showed, and the nearest ones that it did",
        .column_titles = columns,
        .row_titles = row};
    return write_sheet(s, "generalisation", cells, PAIRS * COLUMNS, &options, prompt, 2 * PAIRS, err);
}
