#include "diffusion/world_list.h"

static int count_pairs(const World *world, int style, WorldPair pair)
{
    int count = 0;
    for (int c = 0; c < world->concepts; c++)
        count += world_pair(world, style, c) == pair;
    return count;
}

void world_list_styles(Bytes *out, const World *world)
{
    static const char *const ROLE[] = {"base", "domain", "line"};
    bytes_add_format(out, "%-10s %-7s %5s %5s  %-13s %s\n", "style", "role", "train", "test", "licence",
                     "artwork");
    for (int s = 0; s < world->styles; s++) {
        const WorldStyle *style = &world->style[s];
        bytes_add_format(out, "%-10s %-7s %5d %5d  %-13s %s by %s\n", style->name, ROLE[style->role],
                         count_pairs(world, s, PAIR_TRAIN), count_pairs(world, s, PAIR_TEST),
                         style->licence, style->artwork, style->author);
    }
}

void world_list_concepts(Bytes *out, const World *world)
{
    for (int k = 0; k < world->categories; k++) {
        bytes_add_format(out, "%s:", world->category[k]);
        for (int c = 0; c < world->concepts; c++) {
            if (world->concept[c].category != k)
                continue;
            const WorldConceptRole role = world->concept[c].role;
            bytes_add_text(out, role == CONCEPT_MORE ? " (" : " ");
            bytes_add_text(out, world->concept[c].slug);
            bytes_add_text(out, role == CONCEPT_MORE ? ")" : role == CONCEPT_HELD ? "*" : "");
        }
        bytes_add_byte(out, '\n');
    }
}

void world_list_tests(Bytes *out, const World *world)
{
    for (int s = 0; s < world->styles; s++) {
        for (int c = 0; c < world->concepts; c++) {
            if (world_pair(world, s, c) == PAIR_TEST)
                bytes_add_format(out, "%s\t%s\n", world->style[s].name, world->concept[c].slug);
        }
    }
}

void world_list_company(Bytes *out, const World *world)
{
    for (int a = 0; a < world->concepts; a++) {
        if (world->concept[a].role != CONCEPT_CORE)
            continue;
        bytes_add_format(out, "%s:", world->concept[a].slug);
        for (int b = 0; b < world->concepts; b++) {
            if (world->concept[b].role == CONCEPT_CORE && world_apart(world, a, b))
                bytes_add_format(out, " %s", world->concept[b].slug);
        }
        bytes_add_byte(out, '\n');
    }
}
