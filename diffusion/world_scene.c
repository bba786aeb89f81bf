#include "diffusion/world_scene.h"

#include "base/rng.h"

const char *const WORLD_PLACE_NAMES[] = {"middle",       "top left", "top right", "bottom left",
                                         "bottom right", "front",    "behind"};

const WorldBackground WORLD_BACKGROUND[WORLD_BACKGROUNDS] = {
    {"white", {255, 255, 255}}, {"pink", {255, 214, 224}},   {"blue", {206, 230, 255}},
    {"green", {214, 242, 206}}, {"yellow", {255, 244, 196}}, {"purple", {230, 216, 250}},
    {"grey", {222, 222, 222}},
};

const WorldOptions WORLD_DEFAULTS = {
    .size = 64,
    .styles = 0,
    .split = SPLIT_TRAIN,
    .concepts = CONCEPTS_CORE,
    .company = COMPANY_TRAIN,
    .share = {9.0f, 8.0f, 3.0f},
    .level = {1.0f, 2.0f, 1.0f},
    .white = 0.5f,
    .reorder = 0.25f,
    .drop_style = 0.125f,
    .drop_background = 0.125f,
    .maps = 0,
};

/* How many of 100 scenes have 1, 2, 3, 4 things. */
static const int COUNT_SHARE[WORLD_OBJECTS] = {15, 40, 25, 20};

static bool concept_allowed(WorldConceptRole role, WorldConcepts concepts)
{
    switch (concepts) {
    case CONCEPTS_CORE: return role == CONCEPT_CORE;
    case CONCEPTS_TRAINED: return role == CONCEPT_CORE || role == CONCEPT_MORE;
    case CONCEPTS_KNOWN: return role != CONCEPT_HELD;
    case CONCEPTS_HELD: return role == CONCEPT_HELD;
    case CONCEPTS_ALL: break;
    }
    return true;
}

static bool drawing_allowed(WorldPair pair, WorldSplit split)
{
    switch (split) {
    case SPLIT_TRAIN: return pair == PAIR_TRAIN;
    case SPLIT_TEST: return pair == PAIR_TEST;
    case SPLIT_ALL: break;
    }
    return pair != PAIR_NONE;
}

static bool style_asked(const World *world, const WorldOptions *options, int style)
{
    if (options->styles != 0)
        return (options->styles >> style & 1) != 0;
    return world->style[style].role == STYLE_BASE;
}

int world_candidates(int out[WORLD_CONCEPTS], const World *world, const WorldOptions *options,
                     WorldKind kind, int style)
{
    const WorldConcepts concepts =
        options->core_scenes && kind != WORLD_SINGLE ? CONCEPTS_CORE : options->concepts;
    int count = 0;
    for (int c = 0; c < world->concepts; c++) {
        if (concept_allowed(world->concept[c].role, concepts) &&
            drawing_allowed(world_pair(world, style, c), options->split))
            out[count++] = c;
    }
    return count;
}

/* The company rule for two things, of which the first decides: may b follow a? */
static bool may_stand_together(const World *world, WorldCompany company, int a, int b)
{
    switch (company) {
    case COMPANY_TRAIN: return a != b && !world_apart(world, a, b);
    case COMPANY_TEST: return world_apart(world, a, b);
    case COMPANY_ANY: break;
    }
    return a != b;
}

/* Some candidate may stand beside a. */
static bool has_company(const World *world, WorldCompany company, const int *candidate, int count, int a)
{
    for (int i = 0; i < count; i++) {
        if (may_stand_together(world, company, a, candidate[i]))
            return true;
    }
    return false;
}

/* Whether this kind of scene needs two things at least. */
static bool needs_two(WorldKind kind, WorldCompany company)
{
    return kind == WORLD_LAYERED || (kind == WORLD_SCENE && company == COMPANY_TEST);
}

/* The candidates that a scene of this kind may begin with. */
static int first_things(int out[WORLD_CONCEPTS], const World *world, const WorldOptions *options,
                        WorldKind kind, int style)
{
    int candidate[WORLD_CONCEPTS];
    const int count = world_candidates(candidate, world, options, kind, style);
    int firsts = 0;
    for (int i = 0; i < count; i++) {
        if (!needs_two(kind, options->company) ||
            has_company(world, options->company, candidate, count, candidate[i]))
            out[firsts++] = candidate[i];
    }
    return firsts;
}

/* The styles in which this kind of scene can be drawn. */
static int serving_styles(int out[WORLD_STYLES], const World *world, const WorldOptions *options,
                          WorldKind kind)
{
    int things[WORLD_CONCEPTS], count = 0;
    for (int s = 0; s < world->styles; s++) {
        if (style_asked(world, options, s) && first_things(things, world, options, kind, s) > 0)
            out[count++] = s;
    }
    return count;
}

static bool is_chance(float x)
{
    return x >= 0.0f && x <= 1.0f;
}

static bool are_shares(const float *share, int count)
{
    bool some = false;
    for (int i = 0; i < count; i++) {
        if (!(share[i] >= 0.0f && share[i] <= WORLD_SHARE_MAX))
            return false;
        some = some || share[i] > 0.0f;
    }
    return some;
}

Status world_options_check(const World *world, const WorldOptions *options, Error *err)
{
    static const char *const KIND[] = {"picture of a single thing", "scene", "layered scene"};
    if (options->size != 32 && options->size != 64 && options->size != 128)
        return error_set(err, STATUS_ARGUMENT, "picture size %d: must be 32, 64 or 128", options->size);
    if (world->styles < WORLD_STYLES && options->styles >> world->styles != 0)
        return error_set(err, STATUS_ARGUMENT, "styles: the world has only %d", world->styles);
    if (!are_shares(options->share, WORLD_KINDS))
        return error_set(err, STATUS_ARGUMENT, "shares of the kinds must be in [0, %d], one above 0",
                         (int)WORLD_SHARE_MAX);
    if (!are_shares(options->level, 3))
        return error_set(err, STATUS_ARGUMENT,
                         "shares of the caption levels must be in [0, %d], one above 0",
                         (int)WORLD_SHARE_MAX);
    if (!is_chance(options->white) || !is_chance(options->reorder) || !is_chance(options->drop_style) ||
        !is_chance(options->drop_background))
        return error_set(err, STATUS_ARGUMENT,
                         "white, reorder, drop_style and drop_background must be in [0, 1]");
    for (int k = 0; k < WORLD_KINDS; k++) {
        int styles[WORLD_STYLES];
        if (options->share[k] > 0.0f && serving_styles(styles, world, options, (WorldKind)k) == 0)
            return error_set(
                err, STATUS_ARGUMENT,
                "no %s can be drawn: the styles that are asked for have no drawing of such things in "
                "that split (data list styles counts them)",
                KIND[k]);
    }
    return STATUS_OK;
}

/* Index i with probability share[i] / sum. */
static int draw_share(Rng *rng, const float *share, int count)
{
    float total = 0.0f;
    for (int i = 0; i < count; i++)
        total = total + share[i];
    float left = rng_uniform(rng);
    left = left * total;
    int chosen = 0;
    for (int i = 0; i < count; i++) {
        if (share[i] <= 0.0f)
            continue;
        chosen = i;
        if (left < share[i])
            break;
        left = left - share[i];
    }
    return chosen;
}

/* An integer in [low, high]. */
static int draw_between(Rng *rng, int low, int high)
{
    return low + (int)rng_below(rng, (uint32_t)(high - low + 1));
}

static bool draw_chance(Rng *rng, float share)
{
    return rng_uniform(rng) < share;
}

static int draw_count(Rng *rng, WorldCompany company)
{
    int left = draw_between(rng, company == COMPANY_TEST ? COUNT_SHARE[0] : 0, 99);
    int count = 1;
    while (left >= COUNT_SHARE[count - 1]) {
        left -= COUNT_SHARE[count - 1];
        count++;
    }
    return count;
}

/* Whether thing c may join those that are there; the test's rule holds for the first two only. */
static bool may_join(const World *world, WorldCompany company, const WorldObject *object, int count, int c)
{
    for (int i = 0; i < count; i++) {
        if (object[i].concept == c)
            return false;
        if ((company != COMPANY_TEST || count == 1) &&
            !may_stand_together(world, company, object[i].concept, c))
            return false;
    }
    return true;
}

/* Draws `count` different things of the scene's style, fewer when the company rule leaves no more. */
static void draw_things(WorldScene *scene, Rng *rng, const World *world, const WorldOptions *options,
                        int count)
{
    int candidate[WORLD_CONCEPTS], choice[WORLD_CONCEPTS];
    const int candidates = world_candidates(candidate, world, options, scene->kind, scene->style);
    int choices = first_things(choice, world, options, scene->kind, scene->style);
    for (scene->count = 0; scene->count < count && choices > 0;) {
        WorldObject *object = &scene->object[scene->count];
        object->concept = choice[rng_below(rng, (uint32_t)choices)];
        object->mirror = rng_below(rng, 2) == 1 && world->concept[object->concept].mirror;
        scene->count++;
        choices = 0;
        for (int i = 0; i < candidates; i++) {
            if (may_join(world, options->company, scene->object, scene->count, candidate[i]))
                choice[choices++] = candidate[i];
        }
    }
}

static void place_single(WorldObject *object, Rng *rng)
{
    object->place = PLACE_MIDDLE;
    object->side = draw_between(rng, 50, 60);
    object->x = (WORLD_UNITS - object->side) / 2 + draw_between(rng, -2, 2);
    object->y = (WORLD_UNITS - object->side) / 2 + draw_between(rng, -2, 2);
}

/* Each thing in a quarter of its own, and the objects sorted into reading order. */
static void place_quarters(WorldScene *scene, Rng *rng)
{
    const int half = WORLD_UNITS / 2;
    int quarter[4] = {0, 1, 2, 3};
    WorldObject object[4];
    int at[4] = {-1, -1, -1, -1}; /* which object stands in the quarter */
    for (int i = 0; i < scene->count; i++) {
        const int j = draw_between(rng, i, 3), q = quarter[j];
        quarter[j] = quarter[i];
        at[q] = i;
        object[i] = scene->object[i];
        object[i].place = (WorldPlace)(PLACE_TOP_LEFT + q);
        object[i].side = draw_between(rng, 25, 29);
        object[i].x = q % 2 * half + (half - object[i].side + draw_between(rng, -3, 3)) / 2;
        object[i].y = q / 2 * half + (half - object[i].side + draw_between(rng, -3, 3)) / 2;
    }
    int n = 0;
    for (int q = 0; q < 4; q++) {
        if (at[q] >= 0)
            scene->object[n++] = object[at[q]];
    }
}

/* object[0] is in front, lower and to one side; object[1] is behind. */
static void place_layers(WorldScene *scene, Rng *rng)
{
    WorldObject *front = &scene->object[0], *back = &scene->object[1];
    const int aside = rng_below(rng, 2) == 0 ? -1 : 1; /* the front one stands left or right */
    back->place = PLACE_BEHIND;
    back->side = draw_between(rng, 42, 48);
    back->x = (WORLD_UNITS - back->side) / 2 - aside * draw_between(rng, 4, 7);
    back->y = draw_between(rng, 1, 4);
    front->place = PLACE_FRONT;
    front->order = 1;
    front->side = draw_between(rng, 28, 33);
    front->x = back->x + (back->side - front->side) / 2 + aside * draw_between(rng, 9, 14);
    front->y = back->y + (back->side - front->side) / 2 + draw_between(rng, 12, 16);
}

static void draw_caption(WorldScene *scene, Rng *rng, const WorldOptions *options)
{
    scene->level = draw_share(rng, options->level, 3);
    scene->says_style = !draw_chance(rng, options->drop_style);
    scene->says_background = !draw_chance(rng, options->drop_background);
    for (int i = 0; i < scene->count; i++)
        scene->mention[i] = i;
    if (!draw_chance(rng, options->reorder))
        return;
    if (scene->kind == WORLD_LAYERED) {
        scene->mention[0] = 1;
        scene->mention[1] = 0;
        return;
    }
    for (int i = 0; i < scene->count; i++) {
        const int j = draw_between(rng, i, scene->count - 1), swapped = scene->mention[i];
        scene->mention[i] = scene->mention[j];
        scene->mention[j] = swapped;
    }
}

void world_scene(WorldScene *out, const World *world, const WorldOptions *options, uint64_t seed,
                 uint64_t index)
{
    Rng rng = rng_stream(RNG_PHILOX, seed, STREAM_DATA, index);
    WorldScene scene = {.kind = (WorldKind)draw_share(&rng, options->share, WORLD_KINDS)};
    int styles[WORLD_STYLES];
    const int serving = serving_styles(styles, world, options, scene.kind);
    scene.style = styles[rng_below(&rng, (uint32_t)serving)];
    scene.background = draw_chance(&rng, options->white) ? 0 : draw_between(&rng, 1, WORLD_BACKGROUNDS - 1);
    switch (scene.kind) {
    case WORLD_SCENE:
        draw_things(&scene, &rng, world, options, draw_count(&rng, options->company));
        place_quarters(&scene, &rng);
        break;
    case WORLD_LAYERED:
        draw_things(&scene, &rng, world, options, 2);
        place_layers(&scene, &rng);
        break;
    default:
        draw_things(&scene, &rng, world, options, 1);
        place_single(&scene.object[0], &rng);
        break;
    }
    draw_caption(&scene, &rng, options);
    *out = scene;
}
