#include "diffusion/world_sample.h"

#include <string.h>

#include "diffusion/label_colour.h"
#include "diffusion/world_caption.h"
#include "diffusion/world_maps.h"
#include "diffusion/world_resample.h"
#include "io/json.h"

static Status make_caption(WorldSample *sample, const World *world, Arena *arena, Error *err)
{
    Bytes text = {.arena = arena};
    world_caption(&text, world, &sample->scene, sample->scene.level);
    bytes_add_byte(&text, '\0');
    if (text.failed)
        return error_set(err, STATUS_MEMORY, "no memory for a caption");
    sample->caption = (const char *)text.data;
    return STATUS_OK;
}

/* Room for what is asked for, black. */
static Status make_room(WorldSample *sample, int size, unsigned maps, Arena *arena, Error *err)
{
    const size_t pixels = (size_t)size * (size_t)size;
    const struct {
        bool wanted;
        Image *image;
    } picture[] = {
        {true, &sample->image},
        {(maps & WORLD_MAP_LABELS) != 0, &sample->concept_map},
        {(maps & WORLD_MAP_LABELS) != 0, &sample->category_map},
        {(maps & WORLD_MAP_SKETCH) != 0, &sample->sketch},
        {(maps & WORLD_MAP_DEPTH) != 0, &sample->depth},
        {(maps & WORLD_MAP_LINES) != 0, &sample->lines},
        {(maps & WORLD_MAP_MASKS) != 0, &sample->mask_map},
    };
    for (size_t i = 0; i < sizeof picture / sizeof picture[0]; i++) {
        const Status status =
            picture[i].wanted ? image_new(picture[i].image, size, size, 3, arena, err) : STATUS_OK;
        if (status != STATUS_OK)
            return status;
    }
    sample->planes = arena_raw(arena, 3 * pixels, sizeof *sample->planes);
    bool good = sample->planes != NULL;
    if ((maps & WORLD_MAP_LABELS) != 0) {
        sample->concepts = arena_raw(arena, pixels, sizeof *sample->concepts);
        sample->categories = arena_raw(arena, pixels, sizeof *sample->categories);
        good = good && sample->concepts != NULL && sample->categories != NULL;
    }
    if ((maps & WORLD_MAP_MASKS) != 0) {
        sample->objects = arena_raw(arena, pixels, sizeof *sample->objects);
        good = good && sample->objects != NULL;
    }
    return good ? STATUS_OK
                : error_set(err, STATUS_MEMORY, "no memory for a picture of %d x %d pixels", size, size);
}

static Status fill_maps(WorldSample *sample, const World *world, const WorldCanvas *canvas, unsigned maps,
                        Arena *scratch, Error *err)
{
    Status status = STATUS_OK;
    if ((maps & WORLD_MAP_LABELS) != 0) {
        world_labels(sample->concepts, sample->categories, world, &sample->scene, canvas);
        label_paint(&sample->concept_map, sample->concepts);
        label_paint(&sample->category_map, sample->categories);
    }
    if ((maps & WORLD_MAP_MASKS) != 0) {
        world_masks(sample->objects, &sample->scene, canvas);
        label_paint(&sample->mask_map, sample->objects);
    }
    if ((maps & WORLD_MAP_SKETCH) != 0)
        status = world_sketch(&sample->sketch, canvas, scratch, err);
    if (status == STATUS_OK && (maps & WORLD_MAP_DEPTH) != 0)
        status = world_depth(&sample->depth, &sample->scene, canvas, scratch, err);
    if (status == STATUS_OK && (maps & WORLD_MAP_LINES) != 0)
        status = world_lines(&sample->lines, world, &sample->scene, canvas, scratch, err);
    return status;
}

Status world_sample_of(WorldSample *out, const World *world, const WorldScene *scene, int size,
                       unsigned maps, Arena *arena, Error *err)
{
    WorldSample sample = {.scene = *scene};
    WorldCanvas canvas;
    Status status = make_caption(&sample, world, arena, err);
    if (status == STATUS_OK)
        status = make_room(&sample, size, maps, arena, err);
    if (status != STATUS_OK)
        return status;
    const ArenaMark mark = arena_mark(arena);
    status = world_canvas(&canvas, world, size, arena, err);
    if (status == STATUS_OK) {
        world_paint(&canvas, sample.box, world, scene);
        world_flatten(sample.image.pixels, canvas.pixel, (size_t)size * (size_t)size,
                      WORLD_BACKGROUND[scene->background].rgb);
        image_to_planes(sample.planes, &sample.image);
        status = fill_maps(&sample, world, &canvas, maps, arena, err);
    }
    arena_release(arena, mark);
    if (status == STATUS_OK)
        *out = sample;
    return status;
}

Status world_sample(const World *world, const WorldOptions *options, uint64_t seed, uint64_t index,
                    WorldSample *out, Arena *arena, Error *err)
{
    const Status status = world_options_check(world, options, err);
    if (status != STATUS_OK)
        return status;
    if (index >> 48 != 0)
        return error_set(err, STATUS_ARGUMENT, "sample %llu: numbers go up to 2^48 - 1",
                         (unsigned long long)index);
    WorldScene scene;
    world_scene(&scene, world, options, seed, index);
    return world_sample_of(out, world, &scene, options->size, options->maps, arena, err);
}

const char *const WORLD_SAMPLE_MAP_NAMES[WORLD_SAMPLE_MAPS] = {"concepts", "categories", "sketch",
                                                               "depth",    "lines",      "masks"};

const Image *world_sample_map(const WorldSample *sample, int map)
{
    const Image *const maps[WORLD_SAMPLE_MAPS] = {&sample->concept_map, &sample->category_map,
                                                  &sample->sketch,      &sample->depth,
                                                  &sample->lines,       &sample->mask_map};
    return maps[map]->pixels != NULL ? maps[map] : NULL;
}

/* ---- The scene in JSON ---- */

static const char *const KIND_NAMES[WORLD_KINDS] = {"single", "scene", "layered"};

static void add_member(Bytes *out, const char *before, const char *value)
{
    bytes_add_text(out, before);
    json_add_quoted(out, value, strlen(value));
}

void world_record(Bytes *out, const World *world, const WorldSample *sample)
{
    const WorldScene *scene = &sample->scene;
    add_member(out, "{\"kind\": ", KIND_NAMES[scene->kind]);
    add_member(out, ", \"style\": ", world->style[scene->style].name);
    add_member(out, ", \"background\": ", WORLD_BACKGROUND[scene->background].name);
    bytes_add_format(out, ", \"size\": %d, \"level\": %d, \"objects\": [", sample->image.width,
                     scene->level);
    for (int k = 0; k < scene->count; k++) {
        const WorldObject *object = &scene->object[k];
        const WorldConcept *concept = &world->concept[object->concept];
        const WorldBox box = sample->box[k];
        add_member(out, k > 0 ? ", {\"concept\": " : "{\"concept\": ", concept->slug);
        add_member(out, ", \"name\": ", concept->name);
        add_member(out, ", \"category\": ", world->category[concept->category]);
        add_member(out, ", \"place\": ", WORLD_PLACE_NAMES[object->place]);
        bytes_add_format(out, ", \"box\": [%d, %d, %d, %d], \"mirror\": %s, \"order\": %d}", box.x0, box.y0,
                         box.x1, box.y1, object->mirror ? "true" : "false", object->order);
    }
    bytes_add_text(out, "]}");
}
