#include "diffusion/pair_batch.h"

/* Whether the scene has that thing in that place. */
static bool has(const WorldScene *scene, const WorldObject *object)
{
    for (int i = 0; i < scene->count; i++)
        if (scene->object[i].concept == object->concept && scene->object[i].place == object->place)
            return true;
    return false;
}

bool caption_fits(const WorldScene *said, const WorldScene *shown)
{
    const bool clauses = said->level >= 1;
    if (said->kind != shown->kind || said->count != shown->count)
        return false;
    for (int i = 0; i < said->count; i++)
        if (!has(shown, &said->object[i]))
            return false;
    if (clauses && said->says_style && said->style != shown->style)
        return false;
    return !clauses || !said->says_background || said->background == shown->background;
}

static bool can_be_told_apart(const WorldScene *scene, const WorldScene *taken, int count)
{
    for (int i = 0; i < count; i++)
        if (caption_fits(scene, &taken[i]) || caption_fits(&taken[i], scene))
            return false;
    return true;
}

Status pair_batch(WorldScene *scenes, int n, const World *world, const WorldOptions *options, uint64_t seed,
                  uint64_t batch, Error *err)
{
    const uint64_t candidates = (uint64_t)PAIR_CANDIDATES * (uint64_t)n, end = (uint64_t)1 << 48;
    if (n < 1 || batch >= end / candidates)
        return error_set(err, STATUS_ARGUMENT, "pair_batch: batch %llu of %d pairs is out of range",
                         (unsigned long long)batch, n);
    int count = 0;
    for (uint64_t i = 0; i < candidates && count < n; i++) {
        world_scene(&scenes[count], world, options, seed, batch * candidates + i);
        if (can_be_told_apart(&scenes[count], scenes, count))
            count++;
    }
    if (count < n)
        return error_set(err, STATUS_ARGUMENT,
                         "of %llu captions only %d can be told apart, too few for a batch of %d pairs",
                         (unsigned long long)candidates, count, n);
    return STATUS_OK;
}
