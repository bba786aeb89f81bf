#include "diffusion/world_prompts.h"

#include <string.h>

#include "diffusion/world_caption.h"

const char *const WORLD_PROMPT_NAMES[PROMPT_LISTS] = {"seen",   "drawings", "company",
                                                      "layers", "held",     "domain"};

enum { SEED = 1999, DRAWS = 200 }; /* draws for each prompt before the list counts as exhausted */

static uint32_t domain_styles(const World *world)
{
    uint32_t styles = 0;
    for (int s = 0; s < world->styles; s++)
        styles |= (uint32_t)(world->style[s].role == STYLE_DOMAIN) << s;
    return styles;
}

/* What differs from the training's options; captions say everything, things are named in reading order. */
static WorldOptions options_of(const World *world, WorldPromptList list)
{
    WorldOptions options = WORLD_DEFAULTS;
    options.level[0] = options.level[2] = 0.0f;
    options.reorder = options.drop_style = options.drop_background = 0.0f;
    if (list == PROMPTS_SEEN)
        return options;
    const WorldKind kind = list == PROMPTS_COMPANY  ? WORLD_SCENE
                           : list == PROMPTS_LAYERS ? WORLD_LAYERED
                                                    : WORLD_SINGLE;
    for (int k = 0; k < WORLD_KINDS; k++)
        options.share[k] = k == (int)kind ? 1.0f : 0.0f;
    if (kind != WORLD_SINGLE)
        options.company = COMPANY_TEST;
    else
        options.split = SPLIT_TEST;
    if (list == PROMPTS_HELD) {
        options.concepts = CONCEPTS_HELD;
        options.split = SPLIT_ALL;
    }
    if (list == PROMPTS_DOMAIN) {
        options.concepts = CONCEPTS_TRAINED;
        options.styles = domain_styles(world);
    }
    return options;
}

/* Two prompts are the same when they ask for the same things in the same places by the same hand; the
 * background makes no difference. */
static bool same_prompt(const WorldScene *a, const WorldScene *b)
{
    bool same = a->kind == b->kind && a->style == b->style && a->count == b->count;
    for (int k = 0; same && k < a->count; k++)
    same = a->object[k].concept == b->object[k].concept && a->object[k].place == b->object[k].place;
    return same;
}

Status world_prompts(WorldScene *out, int count, const World *world, WorldPromptList list, Error *err)
{
    const WorldOptions options = options_of(world, list);
    if (list == PROMPTS_DOMAIN && options.styles == 0)
        return error_set(err, STATUS_ARGUMENT, "this world has no held-out style");
    const Status status = world_options_check(world, &options, err);
    if (status != STATUS_OK)
        return status;
    int found = 0;
    for (uint64_t i = 0; found < count && i < (uint64_t)count * DRAWS; i++) {
        WorldScene scene;
        bool fresh = true;
        world_scene(&scene, world, &options, SEED + (uint64_t)list, i);
        for (int k = 0; k < found && fresh; k++)
            fresh = !same_prompt(&out[k], &scene);
        if (fresh)
            out[found++] = scene;
    }
    if (found < count)
        return error_set(err, STATUS_ARGUMENT,
                         "prompts '%s': the world has only about %d different ones, not %d",
                         WORLD_PROMPT_NAMES[list], found, count);
    return STATUS_OK;
}

static void add_row(Bytes *out, const World *world, const char *list, const WorldScene *scene)
{
    bytes_add_text(out, list);
    bytes_add_byte(out, '\t');
    bytes_add_text(out, world->style[scene->style].name);
    for (int k = 0; k < scene->count; k++) {
        bytes_add_byte(out, k == 0 ? '\t' : ',');
        bytes_add_text(out, world->concept[scene->object[scene->mention[k]].concept].slug);
    }
    for (int level = 0; level < 3; level++) {
        bytes_add_byte(out, '\t');
        world_caption(out, world, scene, level);
    }
    bytes_add_byte(out, '\n');
}

Status world_prompts_table(Bytes *out, const World *world, Error *err)
{
    bytes_add_text(out, "#list\tstyle\tslugs\tlevel 0\tlevel 1\tlevel 2\n");
    for (int list = 0; list < PROMPT_LISTS; list++) {
        WorldScene scene[WORLD_PROMPTS];
        const Status status = world_prompts(scene, WORLD_PROMPTS, world, (WorldPromptList)list, err);
        if (status != STATUS_OK)
            return status;
        for (int i = 0; i < WORLD_PROMPTS; i++)
            add_row(out, world, WORLD_PROMPT_NAMES[list], &scene[i]);
    }
    return out->failed ? error_set(err, STATUS_MEMORY, "no memory for the table of prompts") : STATUS_OK;
}
