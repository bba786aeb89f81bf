/* diffusion/world.h - the picture world: real drawings of some 200 things by eight different hands, from
 * which pictures with captions, masks, depth and sketches are composed without end.
 *
 * A world is a folder (weights/world):
 *   styles.tsv    style, role, artwork, author, licence, source
 *   concepts.tsv  slug, code point, name, article, category, role, mirror, tag, tag
 *   pairs.tsv     style, slug, split: which drawings exist, and what each may be used for
 *   STYLE.png     the drawings: 18 cells a row, concept c of concepts.tsv in cell c; square cells, straight
 *                 alpha, each drawing as large as its cell
 * The order of concepts.tsv gives the classes of label maps: concept c has label c + 1, category k (in the
 * order in which categories first appear) label k + 1, and 0 is the background.
 *
 * What is held out, so that generalisation can be measured:
 *   drawings    pairs.tsv: a quarter of the (style, concept) pairs is "test"
 *   concepts    role "held": one fine-grained sibling a category; denoiser and captions never meet it.  Role
 *               "rest": the denoiser does not meet it either, autoencoder and judges do
 *   company     world_apart: some pairs of concepts never stand together in a training picture
 *   a style     role "domain": openmoji, the target of fine-tuning */
#ifndef DIFFUSION_WORLD_H
#define DIFFUSION_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "io/image.h"

enum {
    WORLD_STYLES = 32,     /* at most: a style is a bit of WorldOptions.styles */
    WORLD_CONCEPTS = 511,  /* at most: labels 1 to 511 have a colour of their own (label_colour.h) */
    WORLD_CATEGORIES = 63, /* at most */
    WORLD_COLUMNS = 18,    /* cells in a row of a sheet */
    WORLD_CELL_MAX = 256,  /* pixels */
    WORLD_TAGS = 2,
    WORLD_APART = 15 /* of 100 pairs of concepts are kept apart in training [ours] */
};

typedef enum {
    STYLE_BASE,   /* what the shipped denoiser is trained on */
    STYLE_DOMAIN, /* held out: the target of fine-tuning */
    STYLE_LINE    /* line drawings, for sketches by another hand */
} WorldStyleRole;

typedef enum {
    CONCEPT_CORE, /* still recognisable at 28 pixels: what scenes are made of */
    CONCEPT_MORE, /* drawn alone */
    CONCEPT_REST, /* known to the autoencoder and to judges, not to the denoiser */
    CONCEPT_HELD  /* known to judges only */
} WorldConceptRole;

typedef enum { PAIR_NONE, PAIR_TRAIN, PAIR_TEST, PAIR_LINE } WorldPair;

typedef struct {
    const char *name, *artwork, *author, *licence, *source;
    WorldStyleRole role;
    Image sheet; /* RGBA */
    int cell;    /* side of a drawing in pixels */
} WorldStyle;

typedef struct {
    const char *slug, *code, *name;
    const char *article; /* "a", "an", or "" for what is not counted (popcorn) and plurals (grapes) */
    const char *tag[WORLD_TAGS];
    int category;
    WorldConceptRole role;
    bool mirror; /* the mirror image still reads right */
} WorldConcept;

typedef struct World {
    int styles, concepts, categories;
    WorldStyle *style;
    WorldConcept *concept;
    const char **category;
    unsigned char *pair;  /* (styles, concepts): WorldPair */
    unsigned char *apart; /* (concepts, concepts): 1 where world_apart */
} World;

/* Reads the folder.  Errors name file and line: a field that is not what the column may hold, a word twice,
 * an unknown style or slug, a sheet of the wrong size.  The world lives in the arena
 * and is never changed. */
MUST_CHECK Status world_open(World *out, const char *folder, Arena *arena, Error *err);

/* The tables alone: the sheets are empty (what makes sheets needs this; world_pack.h). */
MUST_CHECK Status world_open_tables(World *out, const char *folder, Arena *arena, Error *err);

/* Their places, or -1. */
int world_style(const World *world, const char *name);
int world_concept(const World *world, const char *slug);

WorldPair world_pair(const World *world, int style, int concept);

/* True for the pairs of concepts that never stand together in a training picture: WORLD_APART of 100 pairs
 * of slugs by a hash of both (symmetric; never a concept and itself). */
bool world_apart(const World *world, int a, int b);

/* Upper left corner of a drawing in its style's sheet. */
const unsigned char *world_drawing(const World *world, int style, int concept);

#endif
