/* cli/showcase.h - sheets that show what a model can do, made again by one command (make showcase):
 *
 *   objects          eight things in the six base styles; drawings that training never showed are marked
 *   scenes           sixteen scenes of two and three things; the lower eight have things that training never shows
 *                    together
 *   generalisation   things in styles in which training never showed them: two pictures each, the artist's drawing,
 *                    and the three training pictures that are nearest to the first (metrics/nearest_drawing.h) */
#ifndef CLI_SHOWCASE_H
#define CLI_SHOWCASE_H

#include "cli/prompt_pictures.h"
#include "cli/run_model.h"
#include "diffusion/world.h"

typedef struct {
    Command *command;
    const Model *model;
    World world;
    const char
        *folder; /* the sheets are FOLDER/showcase-objects.png, showcase-scenes.png, generalisation.png */
    int steps;
    double guidance;
    uint64_t seed; /* of a sheet's first picture */
} Showcase;

MUST_CHECK Status showcase_objects(Showcase *s, Error *err);
MUST_CHECK Status showcase_scenes(Showcase *s, Error *err);
MUST_CHECK Status showcase_generalisation(Showcase *s, Error *err);

#endif
