/* tests/tiny_world.h - a world made in memory: three styles, five things in drawings of 8 x 8 pixels.
 *
 *   0 square  opaque red            1 half   opaque blue in the left half, nothing in the right one
 *   2 veil    green, alpha 100      3 tile   opaque white      4 rare  opaque black, held out
 *
 * Styles: 0 ink (base), 1 wash (domain), 2 pen (line).  Square and tile are kept apart. */
#ifndef TESTS_TINY_WORLD_H
#define TESTS_TINY_WORLD_H

#include "diffusion/world.h"

enum { TINY_CELL = 8, TINY_STYLES = 3, TINY_CONCEPTS = 5 };

typedef struct {
    World world;
    WorldStyle style[TINY_STYLES];
    WorldConcept concept[TINY_CONCEPTS];
    const char *category[2];
    unsigned char pair[TINY_STYLES * TINY_CONCEPTS], apart[TINY_CONCEPTS * TINY_CONCEPTS];
    unsigned char sheet[TINY_CELL * TINY_CELL * WORLD_COLUMNS * 4];
} TinyWorld;

static inline void tiny_cell(TinyWorld *tiny, int concept, const unsigned char rgba[4], int columns)
{
    for (int y = 0; y < TINY_CELL; y++)
        for (int x = 0; x < columns; x++)
            memcpy(tiny->sheet +
                       ((size_t)y * TINY_CELL * WORLD_COLUMNS + (size_t)(concept * TINY_CELL + x)) * 4,
                   rgba, 4);
}

static inline void tiny_world(TinyWorld *tiny)
{
    static const TinyWorld EMPTY;
    *tiny = EMPTY;
    tiny_cell(tiny, 0, (const unsigned char[4]){255, 0, 0, 255}, 8);
    tiny_cell(tiny, 1, (const unsigned char[4]){0, 0, 255, 255}, 4);
    tiny_cell(tiny, 2, (const unsigned char[4]){0, 200, 0, 100}, 8);
    tiny_cell(tiny, 3, (const unsigned char[4]){255, 255, 255, 255}, 8);
    tiny_cell(tiny, 4, (const unsigned char[4]){0, 0, 0, 255}, 8);
    const WorldConcept concept[TINY_CONCEPTS] = {
        {.slug = "square", .name = "red square", .article = "a", .tag = {"red", "plain"}, .mirror = true},
        {.slug = "half",
         .name = "half",
         .article = "a",
         .tag = {"blue", "thin"},
         .category = 1,
         .mirror = true},
        {.slug = "veil", .name = "green", .article = "", .tag = {"faint", "thin"}, .category = 1},
        {.slug = "tile", .name = "ivory tile", .article = "an", .tag = {"white", "plain"}, .mirror = true},
        {.slug = "rare",
         .name = "rare thing",
         .article = "a",
         .tag = {"dark", "odd"},
         .role = CONCEPT_HELD},
    };
    memcpy(tiny->concept, concept, sizeof concept);
    tiny->concept[2].role = CONCEPT_MORE;
    const char *const name[TINY_STYLES] = {"ink", "wash", "pen"};
    for (int s = 0; s < TINY_STYLES; s++) {
        tiny->style[s] = (WorldStyle){.name = name[s], .role = (WorldStyleRole)s, .cell = TINY_CELL};
        tiny->style[s].sheet = (Image){TINY_CELL * WORLD_COLUMNS, TINY_CELL, 4, tiny->sheet};
        for (int c = 0; c < TINY_CONCEPTS; c++)
            tiny->pair[s * TINY_CONCEPTS + c] = s == 2 ? PAIR_LINE : PAIR_TRAIN;
    }
    tiny->category[0] = "shape";
    tiny->category[1] = "cloth";
    tiny->apart[0 * TINY_CONCEPTS + 3] = tiny->apart[3 * TINY_CONCEPTS + 0] = 1;
    tiny->world = (World){.styles = TINY_STYLES, .concepts = TINY_CONCEPTS, .categories = 2};
    tiny->world.style = tiny->style;
    tiny->world.concept = tiny->concept;
    tiny->world.category = tiny->category;
    tiny->world.pair = tiny->pair;
    tiny->world.apart = tiny->apart;
}

#endif
