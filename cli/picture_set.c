#include "cli/picture_set.h"

#include "cli/world_pictures.h"

Status picture_set_room(PictureSet *set, int count, Arena *arena, Error *err)
{
    *set = (PictureSet){.count = count};
    set->scene = arena_alloc(arena, (size_t)count, sizeof *set->scene);
    set->prompt = arena_alloc(arena, (size_t)count, sizeof *set->prompt);
    set->made = arena_alloc(arena, 3 * (size_t)count, sizeof *set->made);
    if (set->scene == NULL || set->prompt == NULL || set->made == NULL)
        return error_set(err, STATUS_MEMORY, "no memory for %d pictures and captions", count);
    set->real = set->made + count;
    set->coded = set->real + count;
    return STATUS_OK;
}

WorldOptions picture_set_options(WorldKind kind)
{
    WorldOptions o = WORLD_DEFAULTS;
    o.level[0] = o.level[2] = 0.0f;
    o.reorder = o.drop_style = o.drop_background = 0.0f;
    for (int k = 0; k < WORLD_KINDS; k++)
        o.share[k] = k == (int)kind ? 1.0f : 0.0f;
    return o;
}

Status picture_set_choose(WorldScene *out, int count, const World *world, const WorldOptions *options,
                          uint64_t seed, Error *err)
{
    const Status status = world_options_check(world, options, err);
    int found = 0;
    for (uint64_t i = 0; status == STATUS_OK && found < count; i++) {
        WorldScene scene;
        world_scene(&scene, world, options, seed, i);
        if (scene.kind == WORLD_SINGLE || scene.count == 2 || scene.count == 3)
            out[found++] = scene;
    }
    return status;
}

Status picture_set_make(PictureSet *set, const World *world, PromptPictures *p, Arena *arena, Error *err)
{
    Status status = scene_captions(set->prompt, world, set->scene, set->count, arena, err);
    if (status == STATUS_OK)
        status = scene_pictures(set->real, world, set->scene, set->count, PICTURE_SET_SIDE, arena, err);
    if (status == STATUS_OK)
        status = coded_pictures(set->coded, &p->model->vae, set->real, set->count, arena, err);
    return status == STATUS_OK ? prompt_pictures(set->made, p, set->prompt, set->count, arena, err)
                               : status;
}
