/* Which captions fit which pictures, and batches in which none fits another's. */
#include "diffusion/pair_batch.h"

#include "diffusion/world_caption.h"
#include "tests/net_check.h"
#include "tests/tiny_world.h"

static TinyWorld tiny;

static WorldScene single(int concept, int level)
{
    return (WorldScene){.kind = WORLD_SINGLE,
                        .style = 1,
                        .background = 2,
                        .count = 1,
                        .object = {{.concept = concept, .place = PLACE_MIDDLE}},
                        .level = level,
                        .says_style = true,
                        .says_background = true};
}

static void test_clauses(void)
{
    const WorldScene plain = single(3, 0), full = single(3, 1), tags = single(3, 2);
    WorldScene other = single(3, 1);
    CHECK(caption_fits(&plain, &full) &&
          caption_fits(&full, &plain)); /* one caption says less, both are true */
    CHECK(caption_fits(&tags, &full) && caption_fits(&full, &tags));
    other.style = 0;
    CHECK(!caption_fits(&full, &other) && !caption_fits(&other, &full) && caption_fits(&plain, &other));
    other.says_style = false; /* now its caption is true of both styles; the other one's is not */
    CHECK(caption_fits(&other, &full) && !caption_fits(&full, &other));
    other = single(3, 1);
    other.background = 5;
    CHECK(!caption_fits(&full, &other));
    other.says_background = false;
    CHECK(caption_fits(&other, &full) && !caption_fits(&full, &other));
    other = single(2, 0);
    CHECK(!caption_fits(&plain, &other));
}

static void test_things_and_places(void)
{
    WorldScene a = {
        .kind = WORLD_SCENE,
        .count = 2,
        .object = {{.concept = 1, .place = PLACE_TOP_LEFT}, {.concept = 2, .place = PLACE_TOP_RIGHT}}};
    WorldScene b = a;
    b.mention[0] = 1;
    CHECK(caption_fits(&a, &b) && caption_fits(&b, &a)); /* named in another order */
    b.object[0].place = PLACE_TOP_RIGHT;
    b.object[1].place = PLACE_TOP_LEFT;
    CHECK(!caption_fits(&a, &b));
    b = a;
    b.count = 3;
    b.object[2] = (WorldObject){.concept = 3, .place = PLACE_BOTTOM_LEFT};
    CHECK(!caption_fits(&a, &b) && !caption_fits(&b, &a));
    a.object[0] = (WorldObject){.concept = 1, .place = PLACE_FRONT};
    a.object[1] = (WorldObject){.concept = 2, .place = PLACE_BEHIND};
    a.kind = WORLD_LAYERED;
    b = a;
    b.object[0].concept = 2;
    b.object[1].concept = 1;
    CHECK(!caption_fits(&a, &b));
    b = a;
    b.kind = WORLD_SCENE;
    CHECK(!caption_fits(&a, &b));
}

/* Each batch against its definition: the candidates in order, those left out fit or are fitted by one before. */
static void test_batches(void)
{
    enum { PAIRS = 6, BATCHES = 20 };
    WorldOptions options = WORLD_DEFAULTS;
    int skipped = 0;
    CHECK(world_options_check(&tiny.world, &options, NULL) == STATUS_OK);
    for (uint64_t batch = 3; batch < 3 + BATCHES; batch++) {
        WorldScene scenes[PAIRS];
        CHECK(pair_batch(scenes, PAIRS, &tiny.world, &options, 9, batch, NULL) == STATUS_OK);
        int taken = 0;
        for (uint64_t i = 0; taken < PAIRS && i < PAIRS * PAIR_CANDIDATES; i++) {
            WorldScene candidate;
            bool clash = false;
            world_scene(&candidate, &tiny.world, &options, 9, batch * PAIRS * PAIR_CANDIDATES + i);
            for (int k = 0; k < taken; k++)
                clash =
                    clash || caption_fits(&candidate, &scenes[k]) || caption_fits(&scenes[k], &candidate);
            skipped += clash;
            if (!clash)
                CHECK(memcmp(&candidate, &scenes[taken++], sizeof candidate) == 0);
        }
        CHECK(taken == PAIRS);
    }
    CHECK(skipped > 0);
}

static void test_refused(void)
{
    WorldScene scenes[40];
    WorldOptions options = WORLD_DEFAULTS;
    Error err = {0};
    options.share[WORLD_SCENE] = options.share[WORLD_LAYERED] = 0.0f;
    options.level[1] = options.level[2] =
        0.0f; /* "a red square", "a half", "an ivory tile": no more captions */
    options.concepts = CONCEPTS_CORE;
    CHECK(pair_batch(scenes, 3, &tiny.world, &options, 1, 0, NULL) == STATUS_OK);
    CHECK(pair_batch(scenes, 4, &tiny.world, &options, 1, 0, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "of 32 captions only 3 can be told apart, too few for a batch of 4 pairs");
    CHECK(pair_batch(scenes, 0, &tiny.world, &options, 1, 0, NULL) == STATUS_ARGUMENT);
    CHECK(pair_batch(scenes, 4, &tiny.world, &WORLD_DEFAULTS, 1, (uint64_t)1 << 43, NULL) ==
          STATUS_ARGUMENT);
    CHECK(pair_batch(scenes, 4, &tiny.world, &WORLD_DEFAULTS, 1, ((uint64_t)1 << 43) - 1, NULL) ==
          STATUS_OK);
}

int main(void)
{
    tiny_world(&tiny);
    test_clauses();
    test_things_and_places();
    test_batches();
    test_refused();
    return check_report("pair_batch");
}
