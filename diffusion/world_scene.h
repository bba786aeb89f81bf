/* diffusion/world_scene.h - what is in a picture: which things, by whose hand, where, on
 * what, in which words.
 *
 * A scene is drawn from (seed, index) by the options; picture, maps and caption all follow from the scene
 * alone (world_paint.h, world_maps.h, world_caption.h).  So the same scene has a picture of 32, 64 and 128
 * pixels, and captions of three levels.  Geometry is in 64ths of the picture's side: one unit is one pixel
 * at size 64.
 *
 * Kinds of pictures (sizes in units; all [ours], after what a small denoiser can learn):
 *   single   one thing in the middle, 50 to 60, moved by up to 2
 *   scene    1 to 4 things of one style in the quarters, 25 to 29, each moved by up to 1.5
 *   layered  one thing of 28 to 33 before another of 42 to 48, which it partly hides */
#ifndef DIFFUSION_WORLD_SCENE_H
#define DIFFUSION_WORLD_SCENE_H

#include "diffusion/world.h"

enum { WORLD_OBJECTS = 4, WORLD_UNITS = 64, WORLD_SHARE_MAX = 1000 };

typedef enum { WORLD_SINGLE, WORLD_SCENE, WORLD_LAYERED, WORLD_KINDS } WorldKind;

typedef enum {
    PLACE_MIDDLE,
    PLACE_TOP_LEFT,
    PLACE_TOP_RIGHT,
    PLACE_BOTTOM_LEFT,
    PLACE_BOTTOM_RIGHT,
    PLACE_FRONT,
    PLACE_BEHIND
} WorldPlace;

extern const char *const WORLD_PLACE_NAMES[]; /* "middle", "top left" ... "front", "behind" */

typedef struct {
    const char *name; /* as captions say it: "on pink" */
    unsigned char rgb[3];
} WorldBackground;

enum { WORLD_BACKGROUNDS = 7 };
extern const WorldBackground WORLD_BACKGROUND[WORLD_BACKGROUNDS]; /* white first, then six pastels */

typedef struct {
    int concept;
    WorldPlace place;
    int order;      /* painted in ascending order; the highest is nearest */
    bool mirror;    /* painted left-right reversed */
    int x, y, side; /* upper left corner and side of the square that holds the drawing, in units */
} WorldObject;

typedef struct {
    WorldKind kind;
    int style, background;
    int count;
    WorldObject object[WORLD_OBJECTS]; /* scene: in reading order; layered: the front one first */
    int mention[WORLD_OBJECTS];        /* the order in which the caption names them */
    int level;                         /* of the caption: 0, 1, 2 */
    bool says_style, says_background;  /* captions of level 1 and 2 may leave out one clause in training */
} WorldScene;

typedef enum { SPLIT_TRAIN, SPLIT_TEST, SPLIT_ALL } WorldSplit;

typedef enum {
    CONCEPTS_CORE,    /* role core */
    CONCEPTS_TRAINED, /* core and more: the denoiser's */
    CONCEPTS_KNOWN,   /* core, more and rest: the autoencoder's */
    CONCEPTS_HELD,    /* held */
    CONCEPTS_ALL
} WorldConcepts;

typedef enum {
    COMPANY_TRAIN, /* no two things that are kept apart */
    COMPANY_TEST,  /* at least two things that are kept apart (scenes then have 2 to 4) */
    COMPANY_ANY
} WorldCompany;

typedef struct {
    int size;         /* of the picture: 32, 64 or 128 pixels */
    uint32_t styles;  /* bit s: style s may be drawn; 0: all of role base */
    WorldSplit split; /* which drawings */
    WorldConcepts concepts;
    bool core_scenes; /* more than one thing: of role core, whatever `concepts` says */
    WorldCompany company;
    float share[WORLD_KINDS]; /* of singles, scenes and layered scenes; the sum must be above 0 */
    float level[3];           /* shares of the caption levels; the sum must be above 0 */
    float white;              /* share of white backgrounds, in [0, 1] */
    float reorder;            /* share of captions that name things in another order */
    float drop_style;         /* shares of captions of level 1 and 2 without the style ... */
    float drop_background;    /* ... and without the background */
    unsigned maps;            /* WORLD_MAP_ bits: what world_sample makes beside the picture */
} WorldOptions;

enum {
    WORLD_MAP_LABELS = 1,
    WORLD_MAP_SKETCH = 2,
    WORLD_MAP_DEPTH = 4,
    WORLD_MAP_LINES = 8,
    WORLD_MAP_MASKS = 16
};

/* Size 64, all base styles, training drawings of the core concepts in training company; 9 singles to 8
 * scenes to 3 layered ones; half of the captions of level 1, a quarter of level 0 and of level 2. */
extern const WorldOptions WORLD_DEFAULTS;

/* STATUS_ARGUMENT when an option is out of range or nothing is left to draw. */
MUST_CHECK Status world_options_check(const World *world, const WorldOptions *options, Error *err);

/* The scene (seed, index) from the stream STREAM_DATA; index < 2^48.  What the caption says is drawn last,
 * so that options of the caption do not change the picture.  The options must have passed the check. */
void world_scene(WorldScene *out, const World *world, const WorldOptions *options, uint64_t seed,
                 uint64_t index);

/* The concepts that the options allow in a style, ascending; returns how many. */
int world_candidates(int out[WORLD_CONCEPTS], const World *world, const WorldOptions *options,
                     WorldKind kind, int style);

#endif
