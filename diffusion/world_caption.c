#include "diffusion/world_caption.h"

static void add_thing(Bytes *out, const WorldConcept *concept)
{
    if (concept->article[0] != '\0') {
        bytes_add_text(out, concept->article);
        bytes_add_byte(out, ' ');
    }
    bytes_add_text(out, concept->name);
}

static void add_level0(Bytes *out, const World *world, const WorldScene *scene)
{
    for (int i = 0; i < scene->count; i++) {
        const WorldObject *object = &scene->object[scene->mention[i]];
        if (i > 0 && scene->kind == WORLD_LAYERED) {
            const WorldPlace first = scene->object[scene->mention[0]].place;
            bytes_add_text(out, first == PLACE_FRONT ? " in front of " : " behind ");
        } else if (i > 0) {
            bytes_add_text(out, i + 1 < scene->count ? ", " : " and ");
        }
        add_thing(out, &world->concept[object->concept]);
        if (scene->kind == WORLD_SCENE) {
            bytes_add_byte(out, ' ');
            bytes_add_text(out, WORLD_PLACE_NAMES[object->place]);
        }
    }
}

static void add_clauses(Bytes *out, const World *world, const WorldScene *scene)
{
    if (scene->says_style) {
        bytes_add_text(out, " in ");
        bytes_add_text(out, world->style[scene->style].name);
        bytes_add_text(out, " style");
    }
    if (scene->says_background) {
        bytes_add_text(out, " on ");
        bytes_add_text(out, WORLD_BACKGROUND[scene->background].name);
    }
}

static void add_tags(Bytes *out, const World *world, const WorldScene *scene)
{
    for (int i = 0; i < scene->count; i++) {
        const WorldConcept *concept = &world->concept[scene->object[scene->mention[i]].concept];
        bytes_add_text(out, ", ");
        bytes_add_text(out, world->category[concept->category]);
        for (int k = 0; k < WORLD_TAGS; k++) {
            bytes_add_text(out, ", ");
            bytes_add_text(out, concept->tag[k]);
        }
    }
}

void world_caption(Bytes *out, const World *world, const WorldScene *scene, int level)
{
    add_level0(out, world, scene);
    if (level >= 1)
        add_clauses(out, world, scene);
    if (level >= 2)
        add_tags(out, world, scene);
}
