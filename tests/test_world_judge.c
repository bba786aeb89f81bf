#include "metrics/world_judge.h"

#include "diffusion/vgg_save.h"
#include "tests/net_check.h"
#include "tests/scratch.h"
#include "tests/tiny_world.h"

enum { SIDE = 8, PIXELS = SIDE * SIDE };

static Arena arena;
static TinyWorld tiny;

static WorldScene scene_of(int count, const int *concept, const int *quarter)
{
    WorldScene scene = {.kind = WORLD_SCENE, .count = count};
    for (int k = 0; k < count; k++)
        scene.object[k] =
            (WorldObject){.concept = concept[k], .place = (WorldPlace)(PLACE_TOP_LEFT + quarter[k])};
    return scene;
}

static bool counts(JudgeCount count, int asked, int right)
{
    return count.asked == asked && count.right == right;
}

static void test_shares(void)
{
    JudgeCount of[WORLD_STYLES] = {{4, 1}, {6, 4}};
    CHECK(counts(judge_sum(of), 10, 5) && judge_share(judge_sum(of)) == 0.5);
    const double none = judge_share((JudgeCount){0, 0});
    CHECK(none != none);
}

/* Asked: 2 top left, 0 bottom right, 1 top right.  Seen: 2 there and elsewhere, 0 elsewhere, 1 nowhere. */
static void test_places_by_answers(void)
{
    const WorldScene scene = scene_of(3, (int[]){2, 0, 1}, (int[]){0, 3, 1});
    PlacesScore score = {.found = {0, 0}};
    places_by_answers(&score, &scene, (int[]){3, 1, 3, 0});
    CHECK(counts(score.found, 3, 2) && counts(score.placed, 2, 1));
    places_by_answers(&score, &scene, (int[]){0, 0, 0, 0});
    CHECK(counts(score.found, 6, 2) && counts(score.placed, 2, 1));
    WorldScene single = scene;
    single.kind = WORLD_SINGLE;
    places_by_answers(&score, &single, (int[]){3, 1, 3, 0});
    CHECK(score.found.asked == 6); /* singles have no quarters */
}

/* Quarters of 4 x 4 pixels: one pixel is enough for a thing, and the quarter with most of them is its place. */
static void test_places_by_labels(void)
{
    static const uint16_t of[TINY_CONCEPTS + 1] = {0, 7, 8, 9, 9, 9};
    uint16_t label[PIXELS] = {0};
    const WorldScene scene = scene_of(3, (int[]){0, 1, 2}, (int[]){0, 3, 2});
    PlacesScore score = {.found = {0, 0}};
    label[0] = label[1] = label[4] = 7;                      /* 2 top left, 1 top right */
    label[7 * SIDE] = 8;                                     /* bottom left */
    places_by_labels(&score, &scene, of, label, SIDE, SIDE); /* 9 is nowhere */
    CHECK(counts(score.found, 3, 2) && counts(score.placed, 2, 1));
    label[3 * SIDE + 3] = 9;
    label[4 * SIDE + 3] = 9; /* as many bottom left as top left */
    places_by_labels(&score, &scene, of, label, SIDE, SIDE);
    CHECK(counts(score.found, 6, 5) && counts(score.placed, 5, 3));
    uint16_t large[32 * 32] = {0}; /* 16 of the 256 pixels of a quarter are enough, 15 are not */
    for (int i = 0; i < 16; i++)
        large[i] = 7;
    PlacesScore few = {.found = {0, 0}}, enough = {.found = {0, 0}};
    places_by_labels(&enough, &scene, of, large, 32, 32);
    large[3] = 0;
    places_by_labels(&few, &scene, of, large, 32, 32);
    CHECK(enough.found.right == 1 && few.found.right == 0);
}

/* ---- a classifier that sees nothing but the mean colour: red is label 1, green 2, blue 3; style 1 when red ---- */

static const char *const COLOURS =
    "{\"features\": [3, \"M\"], \"sample_size\": 8, \"pooled_size\": 1, \"hidden\": [],"
    " \"heads\": {\"class\": 6, \"style\": 2}}";

static Weights weights;

static Vgg vgg_of(const char *text)
{
    static VggConfig config;
    Vgg vgg;
    CHECK(vgg_config_read(&config, json_of(&arena, text), "test", &arena, NULL) == STATUS_OK);
    weights = weights_create(&arena, 1);
    vgg_load(&vgg, &config, &weights, "");
    CHECK(weights_finish(&weights, NULL) == STATUS_OK);
    return vgg;
}

static WorldJudge colour_judge(void)
{
    WorldJudge judge = {.world = &tiny.world, .vgg = vgg_of(COLOURS), .class_head = 0, .style_head = 1};
    Tensor *conv = judge.vgg.conv[0].weight, *last = judge.vgg.linear[0].weight;
    memset(conv->data, 0, tensor_count(conv) * sizeof *conv->data);
    memset(last->data, 0, tensor_count(last) * sizeof *last->data);
    memset(judge.vgg.linear[0].bias->data, 0, 8 * sizeof(float));
    for (int c = 0; c < 3; c++) {
        conv->data[(c * 3 + c) * 9 + 4] = 1.0f; /* the middle of its own channel */
        last->data[(1 + c) * 3 + c] = 1.0f;
    }
    last->data[7 * 3 + 0] = 1.0f; /* style 1 by red ... */
    last->data[6 * 3 + 1] = 1.0f; /* style 0 by green */
    return judge;
}

static void paint(Image *image, int x0, int y0, int width, const unsigned char rgb[3])
{
    for (int y = y0; y < y0 + width; y++)
        for (int x = x0; x < x0 + width; x++)
            memcpy(image_at(image, x, y), rgb, 3);
}

static const unsigned char RED[3] = {255, 0, 0}, GREEN[3] = {0, 255, 0}, BLUE[3] = {0, 0, 255};

static void test_singles(void)
{
    const WorldJudge judge = colour_judge();
    Image picture[3];
    const int concept[3] = {0, 1, 1}, style[3] = {1, 0, 1}; /* red square, half, half */
    WorldScene scene[3];
    SinglesScore score = {.core = {0, 0}};
    for (int i = 0; i < 3; i++) {
        scene[i] = (WorldScene){.kind = WORLD_SINGLE, .style = style[i], .count = 1};
        scene[i].object[0].concept = concept[i];
        CHECK(image_new(&picture[i], SIDE, SIDE, 3, &arena, NULL) == STATUS_OK);
        paint(&picture[i], 0, 0, SIDE, i == 0 ? RED : i == 1 ? GREEN : BLUE);
    }
    tiny.concept[1].role = CONCEPT_MORE;
    CHECK(world_judge_singles(&score, &judge, scene, picture, 3, &arena, NULL) == STATUS_OK);
    tiny.concept[1].role = CONCEPT_CORE;
    CHECK(counts(score.thing[0], 1, 1) && counts(score.thing[1], 2, 1) && counts(score.core, 1, 1));
    CHECK(counts(score.style[0], 1, 1) &&
          counts(score.style[1], 2, 1)); /* blue: of equal answers the first */
    Image small;
    Error err = {0};
    CHECK(image_new(&small, SIDE, 4, 3, &arena, NULL) == STATUS_OK);
    CHECK(world_judge_singles(&score, &judge, scene, &small, 1, &arena, &err) == STATUS_SHAPE);
    CHECK_TEXT(err.text, "8 x 4");
    PlacesScore places = {.found = {0, 0}};
    CHECK(world_judge_places(&places, &judge, scene, &small, 1, &arena, NULL) == STATUS_SHAPE);
    judge.vgg.linear[0].bias->data[2] = INFINITY;
    CHECK(world_judge_singles(&score, &judge, scene, picture, 1, &arena, NULL) == STATUS_NOT_FINITE);
}

/* Red top left and green top right as asked; blue is bottom left, not bottom right. */
static void test_quarters(void)
{
    const WorldJudge judge = colour_judge();
    const WorldScene scene = scene_of(3, (int[]){0, 1, 2}, (int[]){0, 1, 3});
    Image picture;
    PlacesScore score = {.found = {0, 0}};
    CHECK(image_new(&picture, SIDE, SIDE, 3, &arena, NULL) == STATUS_OK);
    paint(&picture, 0, 0, 4, RED);
    paint(&picture, 4, 0, 4, GREEN);
    paint(&picture, 0, 4, 4, BLUE);
    CHECK(world_judge_places(&score, &judge, &scene, &picture, 1, &arena, NULL) == STATUS_OK);
    CHECK(counts(score.found, 3, 3) && counts(score.placed, 3, 2));
}

static void test_opened(void)
{
    static const char *const BAD[] = {
        "{\"features\": [3, \"M\"], \"sample_size\": 8, \"pooled_size\": 1, \"hidden\": [], \"heads\": "
        "{\"class\": 6}}",
        "{\"features\": [3, \"M\"], \"sample_size\": 8, \"pooled_size\": 1, \"hidden\": [],"
        " \"heads\": {\"class\": 5, \"style\": 2}}",
        "{\"features\": [3, \"M\"], \"sample_size\": 8, \"pooled_size\": 1, \"hidden\": [],"
        " \"heads\": {\"class\": 6, \"style\": 3}}",
        "{\"features\": [3, \"M\"], \"sample_size\": 8, \"pooled_size\": 1, \"hidden\": [], "
        "\"noise_levels\": 5,"
        " \"heads\": {\"class\": 6, \"style\": 2}}"};
    char folder[SCRATCH_PATH], line[2 * SCRATCH_PATH];
    scratch_path(folder, "judge");
    for (int i = -1; i < 4; i++) {
        WorldJudge judge = {.class_head = -7};
        Error err = {0};
        const Vgg vgg = vgg_of(i < 0 ? COLOURS : BAD[i]);
        CHECK(vgg_save(&vgg, &weights, folder, F32, &arena, NULL) == STATUS_OK);
        const Status status = world_judge_open(&judge, folder, &tiny.world, &arena, &err);
        CHECK(status == (i < 0 ? STATUS_OK : STATUS_FORMAT));
        CHECK(i < 0 ? judge.class_head == 0 && judge.style_head == 1 : judge.class_head == -7);
        if (i >= 0)
            CHECK_TEXT(err.text, "\"class\" with 6 outputs and \"style\" with 2");
    }
    snprintf(line, sizeof line, "%s/config.json", folder);
    remove(line);
    snprintf(line, sizeof line, "%s/model.safetensors", folder);
    remove(line);
    CHECK(rmdir(folder) == 0);
}

/* ---- the segmenter ---- */

static Segmenter constant_segmenter(int label)
{
    static FcnConfig config;
    static const char *const text =
        "{\"labels\": 6, \"head_channels\": 8, \"backbone\": {\"features\": [4, \"M\", 6]}}";
    Segmenter s = {.count = 0};
    CHECK(fcn_config_read(&config, json_of(&arena, text), "test", &arena, NULL) == STATUS_OK);
    CHECK(segmenter_labels_of(&s, &tiny.world, &arena, NULL) == STATUS_OK);
    s.weights = weights_create(&arena, 1);
    fcn_load(&s.net, &config, &s.weights, "");
    parameter(&s.weights, "score.0.bias")->data[label] = 1000.0f;
    return s;
}

/* Everything is label 3, the red square: it is found, and every quarter has most of it. */
static void test_segmented(void)
{
    const Segmenter s = constant_segmenter(3);
    const WorldScene scene = scene_of(2, (int[]){0, 1}, (int[]){1, 2});
    uint16_t of[TINY_CONCEPTS + 1];
    Image picture;
    PlacesScore score = {.found = {0, 0}};
    CHECK(segmenter_world_labels(of, &s, &tiny.world, NULL) == STATUS_OK);
    CHECK(image_new(&picture, SIDE, SIDE, 3, &arena, NULL) == STATUS_OK);
    CHECK(world_segment_places(&score, &s, of, &scene, &picture, 1, &arena, NULL) == STATUS_OK);
    CHECK(counts(score.found, 2, 1) && counts(score.placed, 1, 1));
    CHECK(image_new(&picture, SIDE, SIDE, 1, &arena, NULL) == STATUS_OK);
    CHECK(world_segment_places(&score, &s, of, &scene, &picture, 1, &arena, NULL) == STATUS_SHAPE);
}

static Status try_quarters(void *context)
{
    Arena *own = context;
    static WorldJudge judge;
    static Segmenter s;
    static bool ready;
    static uint16_t of[TINY_CONCEPTS + 1];
    if (!ready) {
        judge = colour_judge();
        s = constant_segmenter(3);
        ready = segmenter_world_labels(of, &s, &tiny.world, NULL) == STATUS_OK;
    }
    const WorldScene scene = scene_of(1, (int[]){0}, (int[]){0});
    unsigned char pixels[3 * PIXELS] = {0};
    const Image picture = {SIDE, SIDE, 3, pixels};
    PlacesScore score = {.found = {0, 0}};
    SinglesScore singles = {.core = {0, 0}};
    Status status = world_judge_places(&score, &judge, &scene, &picture, 1, own, NULL);
    if (status == STATUS_OK)
        status = world_judge_singles(&singles, &judge, &scene, &picture, 1, own, NULL);
    if (status == STATUS_OK)
        status = world_segment_places(&score, &s, of, &scene, &picture, 1, own, NULL);
    arena_free(own);
    return status;
}

int main(void)
{
    Arena own = {0};
    tiny_world(&tiny);
    test_shares();
    test_places_by_answers();
    test_places_by_labels();
    test_singles();
    test_quarters();
    test_opened();
    test_segmented();
    check_allocations(try_quarters, &own, &own);
    arena_free(&arena);
    return check_report("world_judge");
}
