#include "diffusion/world_scene.h"

#include "tests/check.h"
#include "tests/tiny_world.h"

static Arena arena;
static World shipped;

static WorldOptions only(WorldKind kind)
{
    WorldOptions options = WORLD_DEFAULTS;
    for (int k = 0; k < WORLD_KINDS; k++)
        options.share[k] = k == (int)kind ? 1.0f : 0.0f;
    return options;
}

static bool object_fits(const WorldObject *o)
{
    return o->x >= 0 && o->y >= 0 && o->x + o->side <= WORLD_UNITS && o->y + o->side <= WORLD_UNITS;
}

static bool options_allow(const WorldOptions *options, const WorldScene *scene)
{
    for (int k = 0; k < scene->count; k++) {
        int candidate[WORLD_CONCEPTS];
        const int count = world_candidates(candidate, &shipped, options, scene->kind, scene->style);
        bool found = false;
        for (int i = 0; i < count; i++)
        found = found || candidate[i] == scene->object[k].concept;
        if (!found || (scene->object[k].mirror && !shipped.concept[scene->object[k].concept].mirror))
            return false;
        for (int j = 0; j < k; j++)
            if (scene->object[j].concept == scene->object[k].concept)
                return false;
    }
    return true;
}

/* Pairs of things in the scene that are kept apart in training. */
static int pairs_apart(const WorldScene *scene)
{
    int count = 0;
    for (int a = 0; a < scene->count; a++)
        for (int b = 0; b < a; b++)
            count += world_apart(&shipped, scene->object[a].concept, scene->object[b].concept);
    return count;
}

static void test_every_kind_keeps_its_rules(void)
{
    enum { N = 1500 };
    for (int kind = 0; kind < WORLD_KINDS; kind++) {
        const WorldOptions options = only((WorldKind)kind);
        int count[WORLD_OBJECTS + 1] = {0}, white = 0, good = 0, reading = 0, mirrored = 0;
        CHECK(world_options_check(&shipped, &options, NULL) == STATUS_OK);
        for (uint64_t i = 0; i < N; i++) {
            WorldScene s;
            world_scene(&s, &shipped, &options, 3, i);
            count[s.count]++;
            white += s.background == 0;
            mirrored += s.object[0].mirror;
            bool fits = s.kind == (WorldKind)kind && options_allow(&options, &s) && pairs_apart(&s) == 0 &&
                        shipped.style[s.style].role == STYLE_BASE;
            for (int k = 0; k < s.count; k++) {
                fits = fits && object_fits(&s.object[k]);
                reading += k == 0 || s.object[k].place > s.object[k - 1].place;
            }
            good += fits;
        }
        CHECK(good == N);
        CHECK_NEAR(white / (double)N, 0.5, 0.04);
        CHECK_NEAR(mirrored / (double)N, 0.49, 0.05);
        if (kind == WORLD_SCENE) {
            CHECK_NEAR(count[1] / (double)N, 0.15, 0.04);
            CHECK_NEAR(count[2] / (double)N, 0.40, 0.04);
            CHECK_NEAR(count[4] / (double)N, 0.20, 0.04);
            CHECK(reading == count[1] + 2 * count[2] + 3 * count[3] + 4 * count[4]);
        } else {
            CHECK(count[kind == WORLD_SINGLE ? 1 : 2] == N);
        }
    }
}

static void test_quarters_do_not_touch(void)
{
    const WorldOptions options = only(WORLD_SCENE);
    int good = 0;
    for (uint64_t i = 0; i < 500; i++) {
        WorldScene s;
        bool inside = true;
        world_scene(&s, &shipped, &options, 4, i);
        for (int k = 0; k < s.count; k++) {
            const WorldObject *o = &s.object[k];
            const int q = (int)o->place - PLACE_TOP_LEFT;
            inside = inside && o->x >= q % 2 * 32 && o->x + o->side <= q % 2 * 32 + 32 &&
                     o->y >= q / 2 * 32 && o->y + o->side <= q / 2 * 32 + 32 && o->order == 0;
        }
        good += inside;
    }
    CHECK(good == 500);
}

static void test_layers_overlap_and_the_front_is_lower(void)
{
    const WorldOptions options = only(WORLD_LAYERED);
    int good = 0, left = 0;
    for (uint64_t i = 0; i < 500; i++) {
        WorldScene s;
        world_scene(&s, &shipped, &options, 5, i);
        const WorldObject *front = &s.object[0], *back = &s.object[1];
        const bool across = front->x < back->x + back->side - 10 && back->x < front->x + front->side - 10;
        good += across && front->y + 10 < back->y + back->side &&
                front->y + front->side > back->y + back->side && front->order == 1 && back->order == 0 &&
                front->place == PLACE_FRONT && back->place == PLACE_BEHIND;
        left += front->x < back->x;
    }
    CHECK(good > 480);
    CHECK(left > 150 && left < 350);
}

static void test_splits_are_disjoint(void)
{
    WorldOptions train = WORLD_DEFAULTS, test = WORLD_DEFAULTS, held = WORLD_DEFAULTS, all = WORLD_DEFAULTS;
    train.concepts = test.concepts = CONCEPTS_KNOWN;
    test.split = SPLIT_TEST;
    held.concepts = CONCEPTS_HELD;
    held.split = SPLIT_ALL;
    all.concepts = CONCEPTS_ALL;
    all.split = SPLIT_ALL;
    int trained = 0, tested = 0;
    for (int s = 0; s < shipped.styles; s++) {
        int in[4][WORLD_CONCEPTS];
        const WorldOptions *options[4] = {&train, &test, &held, &all};
        int count[4], twice = 0;
        for (int i = 0; i < 4; i++)
            count[i] = world_candidates(in[i], &shipped, options[i], WORLD_SINGLE, s);
        for (int i = 0; i < count[0]; i++) {
            twice += shipped.concept[in[0][i]].role == CONCEPT_HELD;
            for (int j = 0; j < count[1]; j++)
                twice += in[0][i] == in[1][j];
        }
        CHECK(twice == 0);
        CHECK(shipped.style[s].role == STYLE_LINE || count[0] + count[1] + count[2] == count[3]);
        trained += shipped.style[s].role == STYLE_BASE ? count[0] : 0;
        tested += shipped.style[s].role == STYLE_BASE ? count[1] : 0;
    }
    CHECK_NEAR(tested / (double)(trained + tested), 0.25, 0.03);
}

static void test_what_the_denoiser_meets(void)
{
    WorldOptions options = WORLD_DEFAULTS;
    options.concepts = CONCEPTS_TRAINED;
    options.core_scenes = true;
    bool alone[WORLD_CONCEPTS] = {false};
    int strangers = 0, not_core = 0, things = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        WorldScene s;
        world_scene(&s, &shipped, &options, 1, i);
        for (int k = 0; k < s.count; k++) {
            const WorldConceptRole role = shipped.concept[s.object[k].concept].role;
            strangers += role == CONCEPT_REST || role == CONCEPT_HELD;
            not_core += s.kind != WORLD_SINGLE && role != CONCEPT_CORE;
            if (s.kind == WORLD_SINGLE)
                alone[s.object[k].concept] = true;
        }
    }
    for (int c = 0; c < shipped.concepts; c++)
        things += alone[c];
    CHECK(strangers == 0);
    CHECK(not_core == 0);
    CHECK(things == 119);
}

static void test_company_of_the_test_is_never_seen_in_training(void)
{
    WorldOptions options = only(WORLD_SCENE);
    options.share[WORLD_LAYERED] = 1.0f;
    options.company = COMPANY_TEST;
    CHECK(world_options_check(&shipped, &options, NULL) == STATUS_OK);
    int good = 0, most = 0;
    for (uint64_t i = 0; i < 500; i++) {
        WorldScene s;
        world_scene(&s, &shipped, &options, 6, i);
        good += s.count >= 2 && pairs_apart(&s) >= 1 && options_allow(&options, &s);
        most = s.count > most ? s.count : most;
    }
    CHECK(good == 500 && most == 4);
}

static bool same_picture(const WorldScene *a, const WorldScene *b)
{
    bool same = a->kind == b->kind && a->style == b->style && a->background == b->background &&
                a->count == b->count;
    for (int k = 0; same && k < a->count; k++) {
        const WorldObject *p = &a->object[k], *q = &b->object[k];
        same = p->concept == q->concept && p->place == q->place && p->order == q->order &&
               p->mirror == q->mirror && p->x == q->x && p->y == q->y && p->side == q->side;
    }
    return same;
}

static void test_captions_and_sizes_do_not_change_the_picture(void)
{
    WorldOptions a = WORLD_DEFAULTS, b = WORLD_DEFAULTS;
    b.level[0] = b.level[1] = 0.0f;
    b.reorder = 1.0f;
    b.drop_style = b.drop_background = 0.0f;
    b.size = 128;
    int same = 0, second = 0;
    for (uint64_t i = 0; i < 300; i++) {
        WorldScene s, t;
        world_scene(&s, &shipped, &a, 8, i);
        world_scene(&t, &shipped, &b, 8, i);
        same += same_picture(&s, &t);
        second += t.level == 2 && t.says_style && t.says_background;
    }
    CHECK(same == 300 && second == 300);
}

static void test_shares(void)
{
    enum { N = 4000 };
    WorldOptions options = WORLD_DEFAULTS;
    options.share[WORLD_SINGLE] = 0.0f;
    options.share[WORLD_SCENE] = 30.0f;
    options.share[WORLD_LAYERED] = 10.0f;
    int kind[WORLD_KINDS] = {0}, level[3] = {0}, style = 0, background = 0, reordered = 0;
    for (uint64_t i = 0; i < N; i++) {
        WorldScene s;
        world_scene(&s, &shipped, &options, 9, i);
        kind[s.kind]++;
        level[s.level]++;
        style += s.says_style;
        background += s.says_background;
        reordered += s.kind == WORLD_LAYERED && s.mention[0] == 1;
    }
    CHECK(kind[WORLD_SINGLE] == 0);
    CHECK_NEAR(kind[WORLD_LAYERED] / (double)N, 0.25, 0.03);
    CHECK_NEAR(level[0] / (double)N, 0.25, 0.03);
    CHECK_NEAR(level[1] / (double)N, 0.5, 0.03);
    CHECK_NEAR(style / (double)N, 0.875, 0.02);
    CHECK_NEAR(background / (double)N, 0.875, 0.02);
    CHECK_NEAR(reordered / (double)kind[WORLD_LAYERED], 0.25, 0.05);
}

static void refuse(WorldOptions options, const char *says)
{
    Error err = {0};
    CHECK(world_options_check(&shipped, &options, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, says);
}

static void test_bad_options_are_refused(void)
{
    WorldOptions o = WORLD_DEFAULTS;
    o.size = 48;
    refuse(o, "picture size 48");
    o = WORLD_DEFAULTS;
    o.styles = 1u << 8;
    refuse(o, "the world has only 8");
    o = WORLD_DEFAULTS;
    o.share[0] = o.share[1] = o.share[2] = 0.0f;
    refuse(o, "shares of the kinds");
    o = WORLD_DEFAULTS;
    o.share[1] = -1.0f;
    refuse(o, "shares of the kinds");
    o = WORLD_DEFAULTS;
    o.level[2] = NAN;
    refuse(o, "caption levels");
    o = WORLD_DEFAULTS;
    o.white = 1.5f;
    refuse(o, "white");
    o = WORLD_DEFAULTS;
    o.drop_style = NAN;
    refuse(o, "drop_style");
    o = WORLD_DEFAULTS;
    o.styles = 1u << 7; /* line drawings are neither for training nor for tests */
    refuse(o, "no picture of a single thing can be drawn");
}

/* With two things that are kept apart and nothing else, training has no layered scene and the test has one. */
static void test_nothing_left_to_draw(void)
{
    static TinyWorld tiny;
    tiny_world(&tiny);
    tiny.concept[1].role = CONCEPT_HELD;
    tiny.concept[2].role = CONCEPT_HELD;
    WorldOptions options = only(WORLD_LAYERED);
    Error err = {0};
    CHECK(world_options_check(&tiny.world, &options, &err) == STATUS_ARGUMENT);
    CHECK_TEXT(err.text, "no layered scene");
    options.company = COMPANY_TEST;
    CHECK(world_options_check(&tiny.world, &options, NULL) == STATUS_OK);
    WorldScene s;
    world_scene(&s, &tiny.world, &options, 1, 2);
    CHECK(s.count == 2 && s.object[0].concept + s.object[1].concept == 3);
    options = only(WORLD_SCENE); /* a scene may do with one thing */
    CHECK(world_options_check(&tiny.world, &options, NULL) == STATUS_OK);
    for (uint64_t i = 0; i < 50; i++) {
        world_scene(&s, &tiny.world, &options, 1, i);
        CHECK(s.count == 1);
    }
}

int main(void)
{
    Error err = {0};
    if (CHECK(world_open_tables(&shipped, "weights/world", &arena, &err) == STATUS_OK)) {
        test_every_kind_keeps_its_rules();
        test_quarters_do_not_touch();
        test_layers_overlap_and_the_front_is_lower();
        test_splits_are_disjoint();
        test_what_the_denoiser_meets();
        test_company_of_the_test_is_never_seen_in_training();
        test_captions_and_sizes_do_not_change_the_picture();
        test_shares();
        test_bad_options_are_refused();
        test_nothing_left_to_draw();
    }
    arena_free(&arena);
    return check_report("world_scene");
}
